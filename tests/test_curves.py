"""Features of curves, planted and found again."""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipnets.analysis.curves import find_spikes, first_epoch


def test_planted_spikes_are_found_and_a_smooth_curve_has_none() -> None:
    rng = np.random.default_rng(3)
    epochs = list(range(1, 251))
    smooth = 2 + rng.normal(0, 0.01, 250)
    assert find_spikes(epochs, smooth.tolist()).epochs == ()
    spiked = smooth.copy()
    spiked[[99, 199]] += 0.5
    found = find_spikes(epochs, spiked.tolist())
    assert found.epochs == (100, 200)
    assert found.per_hundred == pytest.approx(100 * 2 / 230)


@given(st.floats(0.01, 100))
def test_spikes_do_not_depend_on_the_scale_of_the_loss(scale: float) -> None:
    losses = 2 + np.random.default_rng(4).gamma(1, 0.3, 200)
    epochs = list(range(1, 201))
    assert find_spikes(epochs, losses.tolist()).epochs == find_spikes(epochs, (scale * losses).tolist()).epochs


def test_a_steady_climb_that_settles_has_no_spikes() -> None:
    epochs = np.arange(1, 251)
    climb = 2 + 6 / (1 + np.exp(-(epochs - 55) / 5)) + 1e-4 * np.sin(epochs)
    assert find_spikes(epochs.tolist(), climb.tolist()).epochs == ()


def test_spikes_before_the_first_counted_epoch_and_nan_do_not_count() -> None:
    values = [5.0] * 10 + [9.0] + [5.0] * 10 + [math.nan] + [5.0 + 0.001 * (i % 2) for i in range(40)]
    assert find_spikes(range(1, len(values) + 1), values).epochs == ()


def test_spikes_are_counted_between_consecutive_epochs_alone() -> None:
    losses = [2.0 + 0.001 * (i % 3) for i in range(50)]
    losses[20] += 3
    sparse = find_spikes(range(5, 251, 5), losses)
    assert sparse.epochs == ()
    assert math.isnan(sparse.per_hundred)
    half = find_spikes([*range(20, 40), *range(40, 190, 5)], losses)  # 20 consecutive steps, the last into epoch 40
    assert half.epochs == (40,)
    assert half.per_hundred == pytest.approx(100 / 20)


def test_first_epoch_reached() -> None:
    assert first_epoch([5, 10, 15], [False, True, True]) == 10
    assert first_epoch([5, 10], [False, False]) is None


def spikes_by_loops(epochs: Sequence[int], losses: Sequence[float]) -> tuple[tuple[int, ...], float]:
    kept = [(epoch, loss) for epoch, loss in zip(epochs, losses, strict=True) if epoch >= 20 and math.isfinite(loss)]
    changes = {after: high - low for (before, low), (after, high) in pairwise(kept) if after == before + 1}
    found = []
    for place, (epoch, _) in enumerate(kept):
        if epoch not in changes:
            continue
        around = kept[max(0, place - 25) : place + 26]
        near = [changes[at] for at, _ in around if at in changes]
        usual = statistics.median(near)
        spread = 1.4826 * statistics.median(abs(change - usual) for change in near)
        level = statistics.median(loss for _, loss in around)
        if changes[epoch] > usual + 5 * spread and changes[epoch] > level / 10:
            found.append(epoch)
    return tuple(found), 100 * len(found) / len(changes)


@pytest.mark.parametrize("seed", range(5))
def test_spikes_are_those_of_plain_loops(seed: int) -> None:
    """A wobble that settles, jumps of every size, missing epochs, and losses that are not finite."""
    rng = np.random.default_rng(seed)
    epochs = np.flatnonzero(rng.random(600) > 0.02).tolist()
    size = np.exp(rng.uniform(-5, 0, len(epochs))) * (rng.random(len(epochs)) < 0.2)
    losses = 2 + rng.normal(0, np.geomspace(0.1, 0.01, len(epochs))) + size
    losses[rng.integers(0, len(epochs), 3)] = np.nan
    found = find_spikes(epochs, losses.tolist())
    expected, rate = spikes_by_loops(epochs, losses.tolist())
    assert len(expected) > 10
    assert (found.epochs, found.per_hundred) == (expected, pytest.approx(rate))
