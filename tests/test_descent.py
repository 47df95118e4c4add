"""Update rules against Keras' optimisers, step by step, and against closed forms; surfaces against differences."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skipnets.analysis.descent import (
    Surface,
    adam,
    descend,
    gradient_descent,
    mode,
    momentum,
    ravine,
    rmsprop,
    rosenbrock,
    rprop,
    steps_to_goal,
)

SURFACES = [ravine(100.0), rosenbrock(), mode("plain", 0.0), mode("residual", 1.0)]

#: Rows of gradients of one to eight steps in three weights.
gradients = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 8), st.just(3)),
    elements=st.sampled_from([-3.0, -0.5, -1e-3, 0.0, 1e-3, 0.7, 9.0]),
)


@pytest.mark.parametrize(
    ("rule", "optimizer"),
    [
        (lambda: gradient_descent(0.01), lambda: keras.optimizers.SGD(0.01)),
        (lambda: momentum(0.01), lambda: keras.optimizers.SGD(0.01, momentum=0.9)),
        (lambda: rmsprop(0.01), lambda: keras.optimizers.RMSprop(0.01)),
        (lambda: rmsprop(0.01, epsilon=1e-3), lambda: keras.optimizers.RMSprop(0.01, epsilon=1e-3)),
        (lambda: adam(0.01), lambda: keras.optimizers.Adam(0.01)),
    ],
    ids=["gradient descent", "momentum", "RMSprop", "RMSprop with epsilon", "Adam"],
)
def test_a_rule_takes_kerass_steps(rule: Callable[[], Any], optimizer: Callable[[], Any]) -> None:
    weight, theirs, ours = keras.Variable(keras.ops.zeros(3)), optimizer(), rule()
    total = np.zeros(3)
    for row in np.random.default_rng(0).normal(size=(12, 3)) * [1e-3, 1, 10]:
        theirs.apply([keras.ops.convert_to_tensor(row.astype("float32"))], [weight])
        total += ours(row)
        np.testing.assert_allclose(weight.numpy(), total, rtol=1e-4, atol=1e-6)


@given(rows=gradients, rho=st.sampled_from([0.5, 0.9, 0.99]))
def test_the_printed_average_is_the_usual_one_with_a_smaller_rate(rows: np.ndarray, rho: float) -> None:
    """With (1 + rho) for (1 - rho), every step is the usual one times sqrt((1 - rho) / (1 + rho)), whatever comes."""
    printed, usual = rmsprop(1.0, rho, epsilon=0, gain=1 + rho), rmsprop(np.sqrt((1 - rho) / (1 + rho)), rho, epsilon=0)
    for row in rows:
        nonzero = np.where(row == 0, 1e-9, row)
        np.testing.assert_allclose(printed(nonzero), usual(nonzero), rtol=1e-12)


def test_steps_under_a_steady_gradient() -> None:
    rms, ad = rmsprop(1.0, epsilon=0), adam(1.0, epsilon=0)
    steps = [(float(rms(np.array(7.0))), float(ad(np.array(7.0)))) for _ in range(300)]
    assert steps[0] == pytest.approx((-(0.1**-0.5), -1))
    assert steps[-1] == pytest.approx((-1, -1))


def test_rprop_by_hand() -> None:
    rule = rprop(1.0)
    steps = [float(rule(np.array(gradient))) for gradient in (2.0, 0.1, 5.0, -1.0, -1.0, -1.0)]
    assert steps == pytest.approx([-1, -1.2, -1.44, 0, 0.72, 0.864])


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
def test_gradients_agree_with_differences(surface: Surface) -> None:
    places = np.random.default_rng(0).normal(size=(20, 2))
    for axis in (0, 1):
        shift = np.eye(2)[axis] * 1e-6
        difference = (surface.value(places + shift) - surface.value(places - shift)) / 2e-6
        np.testing.assert_allclose(surface.gradient(places)[:, axis], difference, rtol=1e-5, atol=1e-5)


def test_gradient_descent_in_a_ravine_is_a_power() -> None:
    path = descend(gradient_descent(0.005), ravine(100.0), 50)[:, 0]
    steps = np.arange(51)[:, np.newaxis]
    np.testing.assert_allclose(path, np.array([-2.0, 1.0]) * np.array([0.995, 0.5]) ** steps, rtol=1e-10)


def test_the_goal_counts_once_it_is_kept() -> None:
    """In a ravine gradient descent converges up to the rate 2 / curvature, and diverges beyond."""
    rates = np.array([0.005, 0.019, 0.021])
    needed = steps_to_goal(gradient_descent, ravine(100.0), rates, 3000)
    alone = descend(gradient_descent(0.005), ravine(100.0), 3000)[:, 0]
    assert needed[0] == (ravine(100.0).value(alone) > 1e-3).sum()
    assert np.isfinite(needed[1])
    assert np.isinf(needed[2])
    swinging = Surface("swing", value=lambda w: np.abs(w[..., 0]), gradient=np.sign, start=(0.5,), goal=0.6)
    assert np.isinf(steps_to_goal(gradient_descent, swinging, np.array([1.2]), 9))[0]  # 0.5, -0.7, 0.5, -0.7, ...
    assert steps_to_goal(gradient_descent, swinging, np.array([0.0]), 9)[0] == 0
