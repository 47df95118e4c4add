"""Linear nets: derivatives against finite differences, the flow against its invariants, conditions in closed form."""

import numpy as np
import pytest

from skipnets.analysis.linear_nets import (
    KINDS,
    Kind,
    learning_curve,
    log10_conditions,
    mode_energy,
    mode_gradient,
    mode_hessian,
    product_conditions,
    saddle,
    shift,
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [2, 4])
def test_derivatives_agree_with_finite_differences(kind: Kind, layers: int) -> None:
    weights, skips, step = np.random.default_rng(0).normal(size=layers), shift(kind, layers), 1e-5
    for axis in np.eye(layers):
        ends = [weights + step * axis, weights - step * axis]
        slope = np.subtract(*(mode_energy(end, skips, 2.0) for end in ends)) / (2 * step)
        assert slope == pytest.approx(axis @ mode_gradient(weights, skips, 2.0), rel=1e-6)
        bend = np.subtract(*(mode_gradient(end, skips, 2.0) for end in ends)) / (2 * step)
        np.testing.assert_allclose(bend, axis @ mode_hessian(weights, skips, 2.0), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("kind", "place"), [("plain", (0, 0)), ("residual", (-1, -1)), ("hyper-residual", (-1, -2))])
def test_the_saddle_moves_with_its_eigenvalues(kind: Kind, place: tuple[int, int]) -> None:
    skips = shift(kind, 2)
    assert tuple(saddle(skips)) == place
    assert not mode_gradient(saddle(skips), skips, 2.0).any()
    np.testing.assert_allclose(np.linalg.eigvalsh(mode_hessian(saddle(skips), skips, 2.0)), [-2, 2])


@pytest.mark.parametrize("kind", KINDS)
def test_the_flow_learns_and_keeps_the_differences_of_squares(kind: Kind) -> None:
    skips, start = shift(kind, 3), np.array([0.3, 0.4, 0.5])
    weights = learning_curve(start, skips, 2.0, np.array([0.01, 0.1, 50.0]))
    squares = (weights + skips) ** 2
    np.testing.assert_allclose(
        squares[:, 1:] - squares[:, :1], np.tile(np.diff((start + skips) ** 2).cumsum(), (3, 1)), rtol=1e-4
    )
    assert np.prod(weights[-1] + skips) == pytest.approx(2, rel=1e-4)


def test_one_layer_learns_exponentially() -> None:
    times = np.array([0.1, 1.0, 3.0])
    learnt = learning_curve(np.array([0.5]), np.zeros(1), 2.0, times)[:, 0]
    np.testing.assert_allclose(learnt, 2 - 1.5 * np.exp(-times), rtol=1e-5)


def test_conditions_beyond_the_reach_of_one_float() -> None:
    np.testing.assert_allclose(log10_conditions([np.diag([1.0, 1e-3])] * 100), 3 * np.arange(1, 101), rtol=1e-12)


def test_conditions_agree_with_numpy_where_that_can_tell() -> None:
    layers = list(np.random.default_rng(0).normal(size=(4, 6, 6)))
    products = [np.linalg.multi_dot([*layers[:depth][::-1], np.eye(6)]) for depth in range(1, 5)]
    np.testing.assert_allclose(log10_conditions(layers), np.log10([np.linalg.cond(p) for p in products]), rtol=1e-6)


def test_nets_share_the_matrices_of_a_seed() -> None:
    plain, skipped = (product_conditions("a", skip, 1.0, 4, 2, [0, 1]) for skip in (0, 1))
    assert plain.log10.shape == skipped.log10.shape == (2, 2)
    drawn = np.random.default_rng(1).normal(size=(4, 4)) / 2
    assert 10 ** plain.log10[1, 0] == pytest.approx(np.linalg.cond(drawn))
    assert 10 ** skipped.log10[1, 0] == pytest.approx(np.linalg.cond(np.eye(4) + drawn))


def test_the_identity_lowers_the_condition_number_and_a_small_branch_beside_it_lowers_it_far_more() -> None:
    plain, residual, tenth = (
        product_conditions(name, skip, scale, 32, 30, list(range(5))).log10[:, -1]
        for name, skip, scale in (("plain", 0, 1), ("residual", 1, 1), ("tenth", 1, 0.1))
    )
    assert residual.max() < plain.min()
    assert residual.min() > 10  # still far from anything one could solve in float64
    assert tenth.max() < 3
