"""Statistics against closed forms, simulation and hand calculation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skipnets.analysis.statistics import (
    accuracy_error,
    accuracy_interval,
    bootstrap_images,
    compare_images,
    compare_paired,
    correct_for_many,
    further_value,
    sentence,
    summarize,
)

accuracies = st.lists(st.integers(0, 1017).map(lambda right: right / 1017), min_size=2, max_size=8)


def test_a_summary_is_mean_sd_and_student_interval() -> None:
    found = summarize([0.45, 0.47, 0.46])
    assert (found.n, found.mean, found.sd) == (3, pytest.approx(0.46), pytest.approx(0.01))
    half = 4.302653 * 0.01 / math.sqrt(3)  # t quantile of the tables, 2 degrees of freedom
    assert (found.low, found.high) == (pytest.approx(0.46 - half), pytest.approx(0.46 + half))


def test_one_seed_has_no_spread_and_none_is_refused() -> None:
    found = summarize([0.5])
    assert math.isnan(found.sd)
    assert "one seed" in str(found)
    with pytest.raises(ValueError, match="no value"):
        summarize([])


def test_a_summary_is_told_with_its_spread_in_one_unbroken_line() -> None:
    found = summarize([11.25, 11.75])
    assert found.rounded(2) == "11.50\u00a0±\u00a00.35"
    assert str(found) == "11.5\u00a0±\u00a00.4 (2 seeds)"
    assert summarize([0.5]).value == "0.500"


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = [found.low <= 0 <= found.high for found in (summarize(rng.normal(size=5).tolist()) for _ in range(2000))]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_a_further_value_falls_within_its_reach_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    draws = rng.normal(3.0, 2.0, size=(4000, 4))
    within = [abs(further - found.mean) <= further_value(found)
              for *seen, further in draws.tolist() for found in [summarize(seen)]]  # fmt: skip
    assert np.mean(within) == pytest.approx(0.95, abs=0.015)


def test_a_paired_comparison_uses_the_seeds_in_common() -> None:
    first, second = {0: 0.5, 1: 0.6, 2: 0.7, 9: 0.0}, {0: 0.4, 1: 0.55, 2: 0.5, 8: 1.0}
    found = compare_paired(first, second)
    assert found.n == 3
    assert found.difference == pytest.approx((0.1 + 0.05 + 0.2) / 3)
    assert found.p == pytest.approx(stats.ttest_rel([0.5, 0.6, 0.7], [0.4, 0.55, 0.5]).pvalue)


def test_a_paired_comparison_takes_as_many_seeds_as_there_are() -> None:
    first = {seed: 0.5 + 0.01 * math.sin(seed) for seed in range(60)}
    found = compare_paired(first, dict.fromkeys(range(60), 0.4))
    assert found.n == 60
    assert found.low < 0.1 < found.high


@given(accuracies)
def test_swapping_the_cells_swaps_the_sign(values: list[float]) -> None:
    first, second = dict(enumerate(values)), {seed: value**2 for seed, value in enumerate(values)}
    there, back = compare_paired(first, second), compare_paired(second, first)
    assert there.difference == pytest.approx(-back.difference)
    assert there.distinguishable == back.distinguishable


def test_the_detectable_difference_is_found_with_the_stated_power() -> None:
    rng = np.random.default_rng(1)
    detectable = compare_paired(dict(enumerate([-0.01, 0.01, 0.0, 0.012, -0.012])), dict.fromkeys(range(5), 0.0))
    spread = np.std([-0.01, 0.01, 0.0, 0.012, -0.012], ddof=1)
    draws = rng.normal(detectable.detectable, spread, (4000, 5))
    assert np.mean(stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.03)


def test_equal_values_are_not_distinguishable_and_no_seed_in_common_is_refused() -> None:
    assert not compare_paired({0: 0.5, 1: 0.5}, {0: 0.5, 1: 0.5}).distinguishable
    with pytest.raises(ValueError, match="in common"):
        compare_paired({0: 0.5}, {1: 0.5})


@pytest.mark.parametrize("seeds", [2, 5])
def test_seeds_that_agree_on_a_coarse_grid_are_as_uncertain_as_its_rounding(seeds: int) -> None:
    """Epochs counted in fives: a mean of values anywhere within their step errs by 5 / sqrt(12 n)."""
    agreeing = dict.fromkeys(range(seeds), 20.0)
    alone = summarize(list(agreeing.values()), resolution=5)
    half = stats.t.ppf(0.975, seeds - 1) * 5 / math.sqrt(12 * seeds)
    assert (alone.sd, alone.high - 20, 20 - alone.low) == (0, pytest.approx(half), pytest.approx(half))
    rounded = 5 * np.round(np.random.default_rng(5).uniform(0, 5e4, (20000, seeds)) / 5)
    raw = np.random.default_rng(5).uniform(0, 5e4, (20000, seeds))
    assert (rounded - raw).mean(axis=1).std() == pytest.approx(5 / math.sqrt(12 * seeds), rel=0.05)
    compared = compare_paired(agreeing, dict.fromkeys(range(seeds), 15.0), resolution=5)
    assert compared.high - 5 == pytest.approx(math.sqrt(2) * half)
    assert 0 < compared.p < 1
    assert compared.distinguishable == (seeds == 5)
    assert math.isnan(compare_paired(agreeing, dict.fromkeys(range(seeds), 15.0)).p)


def test_a_resolution_finer_than_the_spread_changes_nothing() -> None:
    values = [10.0, 30.0, 20.0]
    assert summarize(values, resolution=1) == summarize(values)


def test_the_error_of_a_test_set_is_binomial() -> None:
    assert accuracy_error(0.45, 1017) == pytest.approx(0.0156, abs=1e-4)
    low, high = accuracy_interval(458, 1017)
    assert low < 458 / 1017 < high
    assert high - low == pytest.approx(2 * 1.96 * accuracy_error(0.45, 1017), rel=0.01)


def test_mcnemar_looks_only_at_images_on_which_the_nets_differ() -> None:
    first = np.array([True] * 10 + [False] * 2 + [True] * 50)
    second = np.array([False] * 10 + [True] * 2 + [True] * 50)
    found = compare_images(first, second)
    assert (found.only_first, found.only_second) == (10, 2)
    assert found.difference == pytest.approx(8 / 62)
    assert found.p == pytest.approx(stats.binomtest(2, 12).pvalue)
    with pytest.raises(ValueError, match="different test sets"):
        compare_images(first, second[:5])


def test_the_image_bootstrap_agrees_with_the_normal_interval() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.random((3, 1017)) < 0.5, rng.random((3, 1017)) < 0.45
    per_image = first.mean(axis=0) - second.mean(axis=0)
    low, high = bootstrap_images(first, second)
    half = 1.96 * per_image.std() / math.sqrt(1017)
    assert low == pytest.approx(per_image.mean() - half, abs=0.004)
    assert high == pytest.approx(per_image.mean() + half, abs=0.004)


def test_holm_multiplies_the_smallest_by_their_number_and_leaves_nan() -> None:
    corrected = correct_for_many({"a": 0.01, "b": 0.04, "c": math.nan})
    assert corrected["a"] == pytest.approx(0.02)
    assert corrected["b"] == pytest.approx(0.04)
    assert math.isnan(corrected["c"])


def test_the_sentence_says_what_could_not_have_been_seen() -> None:
    noisy = compare_paired({0: 0.45, 1: 0.47, 2: 0.46}, {0: 0.44, 1: 0.44, 2: 0.46})
    text = sentence(noisy, "the ResNet", "the CNN", "test accuracy")
    assert "indistinguishable with 3 paired seeds" in text
    assert "a difference under 5 points could not have been seen" in text
    clear = compare_paired({0: 0.55, 1: 0.56, 2: 0.57}, {0: 0.44, 1: 0.45, 2: 0.461})
    assert "11 points higher" in sentence(clear, "the ResNet", "the CNN", "test accuracy")
    single = compare_paired({0: 0.5}, {0: 0.4})
    assert "nothing of chance" in sentence(single, "the ResNet", "the CNN", "test accuracy")
