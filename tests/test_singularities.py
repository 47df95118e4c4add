"""Nets at singularities: derivatives by other routes, null directions counted by hand, Equation 1 measured."""

import itertools
import math
from collections.abc import Callable

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipnets.analysis import equation_1
from skipnets.analysis.curvature import Hessian, Objective
from skipnets.analysis.saddles import SADDLES, Saddle, double_wells, positive_share
from skipnets.analysis.singularities import (
    CAUSES,
    RELU,
    SETTINGS,
    SMOOTH,
    TOLERANCE,
    Activation,
    Array,
    Cause,
    Net,
    Place,
    Setting,
    dead_relu_net,
    free_direction,
    ordinary_weights,
    place,
    singular_net,
)
from skipnets.errors import BadInputError


def central(function: Callable[[Array], Array | float], point: Array, step: float = 1e-5) -> Array:
    """Central differences of a function of a vector, a row for each entry of the vector."""
    axes = step * np.eye(len(point))
    return np.array([np.subtract(function(point + axis), function(point - axis)) / (2 * step) for axis in axes])


# Derivatives


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.booleans(), st.sampled_from(SETTINGS), st.sampled_from(CAUSES))
def test_derivatives_agree_with_finite_differences(seed: int, skip: bool, setting: Setting, cause: Cause) -> None:
    here = place(singular_net(cause, 6, seed, skip), setting, seed)

    def moved(parameters: Array) -> Place:
        return Place(here.net.with_parameters(parameters), here.inputs, here.targets)

    point = here.net.parameters
    slopes = central(lambda p: here.net.with_parameters(p).outputs(here.inputs), point).T
    np.testing.assert_allclose(here.net.jacobian(here.inputs), slopes, atol=1e-7)
    np.testing.assert_allclose(here.gradient(), central(lambda p: moved(p).loss(), point), atol=1e-7)
    np.testing.assert_allclose(here.hessian(), central(lambda p: moved(p).gradient(), point), atol=1e-6)


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("activation", [SMOOTH, RELU])
def test_the_hessian_is_that_of_the_curvature_engine(activation: Activation, skip: bool) -> None:
    here = place(Net(*ordinary_weights(6, 3), skip, activation), "elsewhere", 3)
    model = here.net.as_model()
    objective = Objective(model, keras.losses.MeanSquaredError(), here.inputs, here.targets[:, None])
    assert objective.value() / 2 == pytest.approx(here.loss(), rel=1e-12)
    np.testing.assert_allclose(objective.gradient() / 2, here.gradient(), atol=1e-13)
    np.testing.assert_allclose(Hessian(objective).dense() / 2, here.hessian(), atol=1e-13)


def test_rows_belong_to_their_unit() -> None:
    net = Net(*ordinary_weights(6, 0))
    inputs = place(net, "elsewhere", 0).inputs
    for unit in range(6):
        parameters = net.parameters.copy()
        parameters[net.rows_into(unit)] += 1
        parameters[net.row(unit)] = 0
        changed = net.with_parameters(parameters)
        moved = np.abs(changed.hidden(inputs) - net.hidden(inputs)).max(axis=0) > 0
        assert moved.tolist() == [other == unit for other in range(6)]
        assert (changed.outgoing != net.outgoing).tolist() == moved.tolist()


# Places


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("cause", CAUSES)
def test_the_settings_are_what_they_are_called(cause: Cause, skip: bool) -> None:
    fit, left, elsewhere = (place(singular_net(cause, 6, 0, skip), setting, 0) for setting in SETTINGS)
    assert fit.loss() == 0
    assert np.abs(left.gradient()).max() < 1e-13
    assert left.loss() > 0.1
    assert np.linalg.norm(elsewhere.gradient()) > 0.01


@pytest.mark.parametrize("width", [6, 8])
@pytest.mark.parametrize("cause", CAUSES)
def test_the_free_direction_is_free_without_the_skip_and_moves_the_inputs_with_it(cause: Cause, width: int) -> None:
    direction = free_direction(cause, width)
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert not direction[: width * width].any()
    for skip in (False, True):
        here = place(singular_net(cause, width, 1, skip), "elsewhere", 1)
        moved = here.net.with_parameters(here.net.parameters + 3 * direction)
        expected = 3 * here.inputs @ direction[width * width :] if skip else np.zeros(len(here.inputs))
        np.testing.assert_allclose(moved.outputs(here.inputs) - here.net.outputs(here.inputs), expected, atol=1e-12)
        losses = here.loss_along(direction, np.array([0.0, 3.0]))
        errors = here.errors + expected
        np.testing.assert_allclose(losses, [np.mean(here.errors**2) / 2, np.mean(errors**2) / 2], rtol=1e-12)


def test_no_two_units_of_the_linear_dependence_are_equal_or_silent() -> None:
    here = place(singular_net("linear dependence", 7, 0), "elsewhere", 0)
    hidden = here.net.hidden(here.inputs)
    assert np.linalg.matrix_rank(hidden) == 6
    assert (np.abs(hidden).max(axis=0) > 0.1).all()
    assert min(np.abs(hidden[:, i] - hidden[:, j]).max() for i, j in itertools.combinations(range(7), 2)) > 0.1


# Null directions: each count by hand from the functions that the derivatives of the outputs span


def nullity(net: Net, setting: Setting, seed: int) -> int:
    """Null directions by singular values; the smallest that counts stays well away from the largest that does not."""
    values = np.linalg.svd(place(net, setting, seed).hessian(), compute_uv=False)
    shares = values / values[0]
    assert not ((shares > 1e-15) & (shares < 1e-10)).any()
    return int((shares <= TOLERANCE).sum())


@pytest.mark.parametrize(("width", "seed"), [(6, 0), (7, 1), (9, 2)])
def test_null_directions_of_smooth_nets(width: int, seed: int) -> None:
    plain: dict[Cause, list[int]] = {
        "elimination": [1, 1, 0],  # the outgoing weight
        "overlap": [1 + width, 1, 0],  # and v0 dw0 + v1 dw1 = 0
        "linear dependence": [3 + 2 * width, 1, 0],  # three pairs make the same linear functions
    }
    skipped: dict[Cause, list[int]] = {
        "elimination": [1, 0, 0],  # dv0 against dw0
        "overlap": [width, 0, 0],
        "linear dependence": [3 + 2 * width, 0, 0],  # linear functions are all that the skip adds
    }
    for skip, expected in ((False, plain), (True, skipped)):
        for cause in CAUSES:
            net = singular_net(cause, width, seed, skip)
            assert [nullity(net, setting, seed) for setting in SETTINGS] == expected[cause], (cause, skip)
        ordinary = Net(*ordinary_weights(width, seed), skip)
        assert [nullity(ordinary, setting, seed) for setting in SETTINGS] == [0, 0, 0]


@pytest.mark.parametrize(("width", "seed"), [(6, 0), (7, 1), (9, 2)])
def test_null_directions_of_relu_nets(width: int, seed: int) -> None:
    """A rescaling of each unit, unless there is a skip, and the weights into a dead, a doubled or a paired unit."""
    for skip in (False, True):
        scales = 0 if skip else width
        cases = [
            (dead_relu_net(width, seed, skip), [scales + width, scales + width, width if skip else width + 1]),
            (singular_net("overlap", width, seed, skip, RELU), [scales + width, scales + width, width - 1]),
            (singular_net("linear dependence", width, seed, skip, RELU), [3 * width, 3 * width, 2 * width - 5]),
            (Net(*ordinary_weights(width, seed), skip, RELU), [scales, scales, 0]),
        ]
        for net, expected in cases:
            assert [nullity(net, setting, seed) for setting in SETTINGS] == expected


def test_with_the_skip_the_null_direction_of_an_elimination_is_not_free() -> None:
    """To leading order the loss is E[(v0 phi''(0) (u x)^2 / 2 + ...)^2] / 2, of fourth power in the step."""
    here = place(singular_net("elimination", 6, 0, skip=True), "perfect fit", 0)
    net, direction = here.net, np.zeros(here.net.parameters.size)
    direction[net.row(0)] = 1
    direction[net.rows_into(0)[0]] = -1 / (net.outgoing[0] * 0.5)  # phi'(0) = 1/2: undoes x_0
    assert np.abs(here.hessian() @ direction).max() < 1e-14
    near, far = here.loss_along(direction, np.array([1e-3, 2e-3]))
    slope = direction[net.rows_into(0)[0]]
    second = (net.outgoing[0] * 0.25 * slope**2 / 2) * here.inputs[:, 0] ** 2 + 0.5 * slope * here.inputs[:, 0]
    assert near == pytest.approx(np.mean((1e-6 * second) ** 2) / 2, rel=0.01)
    assert far / near == pytest.approx(16, rel=0.01)


# Saddles


@pytest.mark.parametrize("surface", SADDLES, ids=lambda surface: surface.formula)
def test_surfaces_have_the_saddle_and_the_hessian_they_state(surface: Saddle) -> None:
    def value(point: Array) -> float:
        return float(surface.value(*point[:, None])[0])

    assert np.abs(central(value, np.zeros(2), 1e-4)).max() < 1e-7
    bend = central(lambda point: central(value, point, 1e-3), np.zeros(2), 1e-3)
    np.testing.assert_allclose(bend, surface.hessian, atol=1e-5)
    angles = np.linspace(0, 2 * np.pi, 60)
    heights = np.array([surface.along(np.array([np.cos(a), np.sin(a)]), np.array([0.1]))[0] for a in angles])
    assert heights.min() < -1e-5
    assert heights.max() > 1e-5


@pytest.mark.parametrize(
    ("size", "exact"),
    [(1, 1 / 2), (2, (2 - math.sqrt(2)) / 4), (3, (math.pi - 2 * math.sqrt(2)) / (4 * math.pi))],
)
def test_shares_of_positive_matrices_are_those_of_the_ensemble(size: int, exact: float) -> None:
    draws = 40_000
    assert positive_share(size, draws, 0) == pytest.approx(exact, abs=5 * math.sqrt(exact * (1 - exact) / draws))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_double_wells_are_counted_by_their_curvatures(count: int) -> None:
    curvatures = 3.0 * np.array(list(itertools.product((-1, 0, 1), repeat=count))) ** 2 - 1
    negative = (curvatures < 0).sum(axis=1)
    assert double_wells(count) == ((negative == 0).sum(), ((negative > 0) & (negative < count)).sum())


# Equation 1


@settings(max_examples=10)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 1000))
def test_equation_1_agrees_with_finite_differences(depth: int, width: int, seed: int) -> None:
    weights = equation_1.random_weights(depth, width, seed)
    start, target = np.random.default_rng(seed).normal(size=(2, width))

    def cost(flat: Array) -> float:
        x = start
        for weight in flat.reshape(depth, width, width):
            x = np.tanh(weight @ x)
        return float(np.sum((x - target) ** 2)) / 2

    expected = central(cost, np.ravel(weights)).reshape(depth, width, width)
    np.testing.assert_allclose(equation_1.printed_gradient(weights, start, target), expected, atol=1e-8)


def test_equation_1_is_automatic_differentiation_in_a_net_whose_layers_differ_in_width() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(after, before)) for before, after in itertools.pairwise([3, 5, 2, 4])]
    start, target = rng.normal(size=3), rng.normal(size=4)
    model = equation_1.as_model(weights)
    objective = Objective(model, keras.losses.MeanSquaredError(), start[None], target[None])
    printed = equation_1.printed_gradient(weights, start, target)
    expected = np.concatenate([gradient.T.ravel() for gradient in printed])
    np.testing.assert_allclose(objective.gradient() * 4 / 2, expected, atol=1e-14)


# What is refused


@pytest.mark.parametrize(("width", "seed", "word"), [(5, 0, "width 5"), (13, 0, "width 13"), (6, -1, "seed -1")])
def test_weights_out_of_range_are_refused_by_name(width: int, seed: int, word: str) -> None:
    with pytest.raises(BadInputError, match=word):
        singular_net("overlap", width, seed)
    with pytest.raises(BadInputError, match=word):
        dead_relu_net(width, seed)


@pytest.mark.parametrize(("values", "word"), [((0, 6, 0), "depth 0"), ((3, 0, 0), "width 0"), ((3, 6, -1), "seed -1")])
def test_deep_nets_out_of_range_are_refused_by_name(values: tuple[int, int, int], word: str) -> None:
    with pytest.raises(BadInputError, match=word):
        equation_1.random_weights(*values)


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(BadInputError, match="draws 0"):
        positive_share(2, 0, 0)
