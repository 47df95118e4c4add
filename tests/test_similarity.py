"""Similarity of outputs against its other definition, and what it must not notice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group

from skipnets.analysis.similarity import linear_cka
from skipnets.errors import BadInputError

seeds = st.integers(0, 2**32 - 1)


@given(seeds)
def test_between_images_and_between_features_it_is_the_same_number(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(3, 1, size=(9, 4)), rng.normal(size=(9, 2, 3))
    centred_x, centred_y = x - x.mean(axis=0), (y - y.mean(axis=0)).reshape(9, 6)
    cross = np.linalg.norm(centred_y.T @ centred_x) ** 2
    alone = np.linalg.norm(centred_x.T @ centred_x) * np.linalg.norm(centred_y.T @ centred_y)
    assert linear_cka(x, y) == pytest.approx(cross / alone)
    assert 0 <= linear_cka(x, y) <= 1


@given(seeds)
def test_rotation_scale_and_shift_are_not_noticed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(10, 5))
    assert linear_cka(x, 7 * x @ ortho_group.rvs(5, random_state=rng) + 3) == pytest.approx(1)


def test_with_one_feature_each_it_is_the_squared_correlation() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 50))
    assert linear_cka(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)


def test_constant_outputs_have_no_similarity_and_images_must_pair_up() -> None:
    assert np.isnan(linear_cka(np.ones((4, 3)), np.eye(4)))
    with pytest.raises(BadInputError, match="outputs of 4 and 5 images"):
        linear_cka(np.eye(4), np.eye(5))
    with pytest.raises(BadInputError, match="at least two"):
        linear_cka([[1.0]], [[1.0]])
