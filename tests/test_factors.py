"""Explained variance against sums of squares worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipnets.analysis.factors import variance_explained
from skipnets.errors import BadInputError


def grid(values: np.ndarray) -> pd.DataFrame:
    """Rows of a grid (joins, kernels, seeds)."""
    rows = [
        {"join": f"join {join}", "kernels": kernels, "accuracy": value}
        for (join, kernels, _), value in np.ndenumerate(values)
    ]
    return pd.DataFrame(rows)


@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_shares_are_sums_of_squares_of_means_and_add_up_to_one(seed: int, seeds: int) -> None:
    values = np.random.default_rng(seed).normal(size=(3, 2, seeds))
    found = variance_explained(grid(values), "accuracy", ["join", "kernels"])
    total = ((values - values.mean()) ** 2).sum()
    by_join = ((values.mean(axis=(1, 2)) - values.mean()) ** 2).sum() * 2 * seeds
    by_kernels = ((values.mean(axis=(0, 2)) - values.mean()) ** 2).sum() * 3 * seeds
    within = ((values - values.mean(axis=2, keepdims=True)) ** 2).sum()
    assert found["join"] == pytest.approx(by_join / total)
    assert found["kernels"] == pytest.approx(by_kernels / total)
    assert found["seeds"] == pytest.approx(within / total)
    assert list(found) == ["join", "kernels", "join x kernels", "seeds"]
    assert sum(found.values()) == pytest.approx(1)


def test_an_effect_that_is_all_of_it() -> None:
    values = np.arange(2.0)[np.newaxis, :, np.newaxis] + np.zeros((3, 2, 2))
    assert variance_explained(grid(values), "accuracy", ["join", "kernels"])["kernels"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (grid(np.zeros((3, 2, 2)))[:-1], r"have \[1, 2\] runs: expected as many in each"),
        (grid(np.zeros((3, 2, 2)))[:-2], "5 of 6 combinations of join, kernels"),
        (grid(np.zeros((3, 2, 1))), r"have \[1\] runs: expected .*at least two"),
        (grid(np.zeros((3, 2, 2))), "accuracy: the same in all 12 runs"),
    ],
)
def test_a_grid_with_holes_or_without_variance_is_refused(rows: pd.DataFrame, told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        variance_explained(rows, "accuracy", ["join", "kernels"])
