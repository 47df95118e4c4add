"""What the first write-up says of saddles, singularities and plateaus, each sentence put to a small computation.

The verdicts in ``data/claims.yml`` name these tests as their evidence. Everything is computed in float64.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from scipy.integrate import quad, solve_ivp

from skipnets.analysis import two_units

Array = npt.NDArray[np.float64]
UNITS = 6
ROUNDING = 1e-12


def derivatives(function: Callable[[Any], Any], point: Any) -> tuple[Array, Array]:
    """Gradient (p,) and Hessian (p, p) of a scalar function of TensorFlow operations at ``point`` (p,)."""
    at = tf.constant(point, tf.float64)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(at)
        with tf.GradientTape() as inner:
            inner.watch(at)
            value = function(at)
        entries = tf.unstack(inner.gradient(value, at))
    return np.array(entries), np.array([outer.gradient(entry, at) for entry in entries])


class Net:
    """v phi(W x), or v (phi(W x) + x) with an identity skip, and its mean squared error on 64 samples.

    The point of interest is (W, v). The targets are the outputs there plus ``error`` times noise: without error it is a
    critical point. The last input is always 1, so that W holds biases too.
    """

    def __init__(self, incoming: Any, outgoing: Any, phi: Any = tf.tanh, skip: bool = False, error: float = 0.0):
        rng = np.random.default_rng(0)
        self.units, self.inputs = np.shape(incoming)
        self.phi, self.skip = phi, skip
        self.point = np.concatenate([np.ravel(incoming), outgoing])
        self.x = np.hstack([rng.normal(size=(64, self.inputs - 1)), np.ones((64, 1))])
        self.targets = self.outputs(self.point).numpy() + error * rng.normal(size=64)

    def outputs(self, point: Any) -> Any:
        """Outputs (64,) under the parameters ``point``."""
        return tf.linalg.matvec(self.hidden(point), point[self.units * self.inputs :])

    def hidden(self, point: Any) -> Any:
        """What the output weights see (64, units): the hidden units, plus the inputs if there is a skip."""
        incoming = tf.reshape(point[: self.units * self.inputs], (self.units, self.inputs))
        hidden = self.phi(self.x @ tf.transpose(incoming))
        return hidden + self.x if self.skip else hidden

    def loss(self, point: Any) -> Any:
        return tf.reduce_mean((self.outputs(point) - self.targets) ** 2) / 2

    def incoming(self, unit: int) -> slice:
        """Where the incoming weights of a unit stand among the parameters."""
        return slice(unit * self.inputs, (unit + 1) * self.inputs)

    def outgoing(self, unit: int) -> int:
        """Where the outgoing weight of a unit stands among the parameters."""
        return self.units * self.inputs + unit


def random_weights(inputs: int = UNITS, units: int = UNITS) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(units, inputs)) / math.sqrt(inputs), rng.uniform(0.5, 1.5, units)


def elimination(inputs: int = UNITS, units: int = UNITS, **options: Any) -> Net:
    """A net whose first unit has zero incoming weights."""
    incoming, outgoing = random_weights(inputs, units)
    incoming[0] = 0
    return Net(incoming, outgoing, **options)


def overlap(inputs: int = UNITS, units: int = UNITS, **options: Any) -> Net:
    """A net whose first two units have equal incoming, and unequal outgoing, weights."""
    incoming, outgoing = random_weights(inputs, units)
    incoming[1], outgoing[1] = incoming[0], 2 * outgoing[0]
    return Net(incoming, outgoing, **options)


def dependence(inputs: int = UNITS, phi: Any = tf.nn.softplus, **options: Any) -> Net:
    """A net of six units, no two equal and none zero, that depend linearly for every input.

    Since relu(t) - relu(-t) = t, and likewise for its smooth form softplus, units along a, -a, b, -b, a+b and -(a+b)
    satisfy a + b - (a+b) = 0.
    """
    (a, b, *_), outgoing = random_weights(inputs, UNITS)
    return Net([a, -a, b, -b, a + b, -a - b], outgoing, phi=phi, **options)


SINGULARITIES = [elimination, overlap, dependence]


# Saddles


def test_a_saddle_need_not_be_singular() -> None:
    _, ordinary = derivatives(lambda p: p[0] ** 2 - p[1] ** 2, [0, 0])
    assert np.linalg.eigvalsh(ordinary) == pytest.approx([-2, 2])
    assert np.linalg.det(ordinary) == pytest.approx(-4)
    _, of_a_net = derivatives(lambda p: (p[0] * p[1] - 1) ** 2 / 2, [0, 0])
    assert np.linalg.eigvalsh(of_a_net) == pytest.approx([-1, 1])
    for degenerate in (lambda p: p[0] ** 2 - p[1] ** 4, lambda p: p[0] ** 3 - 3 * p[0] * p[1] ** 2):
        gradient, hessian = derivatives(degenerate, [0, 0])
        assert not gradient.any()
        assert np.linalg.det(hessian) == 0


def test_the_cost_falls_along_negative_and_rises_along_positive_eigenvectors() -> None:
    net = Net(np.zeros((2, 3)), np.zeros(2), error=1)
    gradient, hessian = derivatives(net.loss, net.point)
    assert np.abs(gradient).max() < ROUNDING
    values, vectors = np.linalg.eigh(hessian)
    assert [int((np.sign(np.round(values, 9)) == sign).sum()) for sign in (-1, 0, 1)] == [2, 4, 2]
    here, step = net.loss(net.point), 1e-2
    for value, vector in zip(values, vectors.T, strict=True):
        change = float(net.loss(net.point + step * vector) - here)
        assert change == pytest.approx(value * step**2 / 2, rel=0.01, abs=1e-9)


def test_gaussian_matrices_are_positive_ever_more_rarely() -> None:
    """Shares known in closed form for the Gaussian orthogonal ensemble; the factor itself grows with n."""
    rng = np.random.default_rng(0)
    shares = []
    for n in (1, 2, 3, 4):
        draws = rng.normal(size=(200_000, n, n))
        shares.append(np.mean(np.linalg.eigvalsh(draws + draws.transpose(0, 2, 1))[:, 0] > 0))
    exact = [1 / 2, (2 - math.sqrt(2)) / 4, (math.pi - 2 * math.sqrt(2)) / (4 * math.pi)]
    assert shares[:3] == pytest.approx(exact, rel=0.05)
    factors = [first / second for first, second in itertools.pairwise(shares)]
    assert factors == sorted(factors)
    assert factors[-1] > 8


@pytest.mark.parametrize("n", [1, 2, 4])
def test_the_count_of_saddles_depends_on_the_function_not_only_on_its_dimension(n: int) -> None:
    """n double wells side by side have 2^n minima and 3^n - 2^n - 1 saddles; a bowl has one minimum, no saddle."""
    critical = np.array(list(itertools.product((-1, 0, 1), repeat=n)))
    curvatures = 3.0 * critical**2 - 1  # of sum (x^2 - 1)^2 / 4, whose Hessian is diagonal
    minima, maxima = (curvatures > 0).all(axis=1).sum(), (curvatures < 0).all(axis=1).sum()
    assert (minima, len(critical) - minima - maxima) == (2**n, 3**n - 2**n - 1)
    _, bowl = derivatives(lambda p: tf.reduce_sum(p**2), np.zeros(n))
    assert (np.linalg.eigvalsh(bowl) > 0).all()


# Non-identifiable parameters


def test_at_an_overlap_only_the_sum_of_the_outgoing_weights_matters() -> None:
    net = overlap(error=1)
    shift = np.zeros_like(net.point)
    shift[[net.outgoing(0), net.outgoing(1)]] = 1, -1
    losses = [float(net.loss(net.point + t * shift)) for t in np.linspace(-5, 5, 21)]
    assert np.ptp(losses) < ROUNDING


def test_freedom_makes_the_hessian_singular_and_a_singular_hessian_need_not_mean_freedom() -> None:
    net = overlap()
    gradient, hessian = derivatives(net.loss, net.point)
    values = np.linalg.eigvalsh(hessian)
    assert np.abs(gradient).max() < ROUNDING
    assert (values < 1e-10 * values[-1]).sum() == 1 + UNITS  # free: v1 at fixed v1 + v2, and w1 at fixed v1 w1 + v2 w2
    x = np.linspace(-1, 1, 9)
    _, flat = derivatives(lambda w: tf.reduce_mean((w[0] ** 3 * x) ** 2), [0])
    assert not flat.any()
    weights = np.linspace(-1, 1, 101)
    assert len(np.unique(weights**3)) == len(weights), "w^3 x is another function for every w"


def test_on_a_quadratic_every_gradient_step_that_lowers_the_cost_comes_closer() -> None:
    """Whatever the conditioning and the rate: only coordinates of curvature above 2/rate grow, and these weigh more."""
    rng = np.random.default_rng(0)
    lowered = 0
    for _ in range(2000):
        curvatures = 10 ** rng.uniform(-4, 0, 5)
        start = rng.normal(size=5)
        end = start - 10 ** rng.uniform(-1, 4) * curvatures * start
        if curvatures @ end**2 < curvatures @ start**2:
            lowered += 1
            assert np.linalg.norm(end) < np.linalg.norm(start)
    assert lowered > 300


def test_lower_cost_can_mean_farther_away_in_an_identifiable_model() -> None:
    """Fit sin(w x), another function for every w > 0, to sin(x): the slope leads from 3.2 up to 4.8, away from 1."""
    x = np.linspace(0, 2, 201)
    w, costs, distances = 3.2, [], []
    for _ in range(200):
        residual = np.sin(w * x) - np.sin(x)
        costs.append(np.mean(residual**2) / 2)
        distances.append(abs(w - 1))
        w -= 0.1 * np.mean(residual * x * np.cos(w * x))
    assert costs == sorted(costs, reverse=True)
    assert distances == sorted(distances)
    assert [costs[0], costs[-1], w] == pytest.approx([0.699, 0.443, 4.81], rel=2e-3)


def test_a_model_that_is_not_identifiable_can_be_fitted_exactly() -> None:
    v, w = 0.5, 0.1
    for _ in range(400):
        error = v * w - 1
        v, w = v - 0.1 * error * w, w - 0.1 * error * v
    assert v * w == pytest.approx(1, abs=1e-12)


def test_zero_incoming_weights_leave_the_outgoing_weight_free() -> None:
    net = elimination(error=1)
    losses = []
    for value in (-5.0, 0.0, 3.0):
        point = net.point.copy()
        point[net.outgoing(0)] = value
        losses.append(float(net.loss(point)))
        gradient, _ = derivatives(net.loss, point)
        assert gradient[net.outgoing(0)] == 0, "nothing drives it anywhere, least of all to zero"
        assert bool(gradient[net.incoming(0)].any()) == (value != 0)
    assert np.ptp(losses) == 0


def test_equal_incoming_weights_leave_the_outgoing_weights_unequal() -> None:
    """Their gradients are equal, so that a step keeps their difference; it is the incoming weights that part."""
    net = overlap(error=1)
    gradient, _ = derivatives(net.loss, net.point)
    assert gradient[net.outgoing(0)] == pytest.approx(gradient[net.outgoing(1)], abs=ROUNDING)
    v = net.point[[net.outgoing(0), net.outgoing(1)]]
    assert abs(v[0] - v[1]) > 0.1
    assert gradient[net.incoming(0)] / v[0] == pytest.approx(gradient[net.incoming(1)] / v[1], abs=ROUNDING)
    assert np.abs(gradient[net.incoming(0)] - gradient[net.incoming(1)]).max() > 0.01


def test_units_of_a_relu_net_can_depend_linearly() -> None:
    net = dependence(phi=tf.nn.relu)
    hidden = net.hidden(net.point).numpy()
    assert np.linalg.matrix_rank(hidden) == UNITS - 1
    assert (np.abs(hidden).max(axis=0) > 0.1).all()
    assert np.abs(hidden @ [1, -1, 1, -1, -1, 1]).max() < ROUNDING


# The Hessian on the singular sets


@pytest.mark.parametrize("make", SINGULARITIES)
def test_an_identity_skip_takes_the_null_direction_away(make: Callable[..., Net]) -> None:
    nullities = []
    for skip in (False, True):
        net = make(skip=skip)
        _, hessian = derivatives(net.loss, net.point)
        values = np.linalg.eigvalsh(hessian[net.outgoing(0) :, net.outgoing(0) :])
        nullities.append(int((values < 1e-10 * values[-1]).sum()))
    assert nullities == [1, 0]


@pytest.mark.parametrize("skip", [0, 1])
def test_an_identity_skip_moves_a_saddle_rather_than_removing_it(skip: int) -> None:
    gradient, hessian = derivatives(lambda p: ((p[0] + skip) * (p[1] + skip) - 2) ** 2 / 2, [-skip, -skip])
    assert not gradient.any()
    assert np.linalg.eigvalsh(hessian) == pytest.approx([-2, 2])


def smallest_curvature(net: Net) -> float:
    """Smallest absolute eigenvalue of the Hessian over the largest."""
    _, hessian = derivatives(net.loss, net.point)
    curvatures = np.abs(np.linalg.eigvalsh(hessian))
    return float(curvatures.min() / curvatures.max())


@pytest.mark.parametrize("make", SINGULARITIES)
def test_the_hessian_is_singular_at_critical_points_and_not_elsewhere(make: Callable[..., Net]) -> None:
    assert smallest_curvature(make()) < 1e-15
    assert smallest_curvature(make(error=1)) > 1e-5


def test_with_relu_linear_dependence_makes_the_hessian_singular_elsewhere_too() -> None:
    """Units along a and -a share out the samples, so that moving both together changes what another pair can undo."""
    assert smallest_curvature(dependence(phi=tf.nn.relu, error=1)) < 1e-15


def test_elimination_zeroes_the_row_at_critical_points_only() -> None:
    for error in (0, 1):
        net = elimination(error=error)
        _, hessian = derivatives(net.loss, net.point)
        row = hessian[net.outgoing(0)]
        errors = net.outputs(net.point).numpy() - net.targets
        expected = np.zeros_like(row)
        expected[net.incoming(0)] = errors @ net.x / len(errors)  # phi'(0) E[e x], with phi'(0) = 1
        assert row == pytest.approx(expected, abs=ROUNDING)
        assert np.linalg.norm(row) == pytest.approx(0.21 * error, abs=0.005)


def test_a_relu_unit_that_is_dead_on_all_samples_zeroes_the_row_anywhere() -> None:
    incoming, outgoing = random_weights()
    incoming[0] = [0] * (UNITS - 1) + [-1]
    net = Net(incoming, outgoing, phi=tf.nn.relu, error=1)
    gradient, hessian = derivatives(net.loss, net.point)
    assert np.abs(gradient).max() > 0.01
    assert not hessian[net.outgoing(0)].any()


@pytest.mark.parametrize("phi", [tf.tanh, tf.nn.relu])
def test_overlap_makes_the_rows_identical_at_critical_points_only(phi: Any) -> None:
    for error in (0, 1):
        net = overlap(phi=phi, error=error)
        gradient, hessian = derivatives(net.loss, net.point)
        difference = hessian[net.outgoing(0)] - hessian[net.outgoing(1)]
        expected = np.zeros_like(difference)
        for unit, sign in ((0, 1), (1, -1)):
            expected[net.incoming(unit)] = sign * gradient[net.incoming(unit)] / net.point[net.outgoing(unit)]
        assert difference == pytest.approx(expected, abs=ROUNDING)
        assert bool(np.linalg.norm(difference) > 0.1) == bool(error)


def test_equation_1_is_the_gradient_of_half_the_squared_error() -> None:
    """With e = target - output, which the document leaves undefined."""
    rng = np.random.default_rng(0)
    widths = [4, 5, 3, 4, 2]
    weights = [rng.normal(size=(out, into)) for into, out in itertools.pairwise(widths)]
    x, h = [rng.normal(size=widths[0])], [np.empty(0)]
    for weight in weights:
        h.append(weight @ x[-1])
        x.append(np.tanh(h[-1]))
    e = rng.normal(size=widths[-1]) - x[-1]

    def equation_1(layer: int, i: int, j: int) -> float:
        row = np.zeros(widths[layer + 1])
        row[i] = (1 - x[layer + 1][i] ** 2) * x[layer][j]
        for later in range(layer + 1, len(weights)):
            row = row @ weights[later].T * (1 - x[later + 1] ** 2)
        return float(-row @ e)

    variables = [tf.Variable(weight) for weight in weights]
    with tf.GradientTape() as tape:
        output = tf.constant(x[0])
        for variable in variables:
            output = tf.tanh(tf.linalg.matvec(variable, output))
        half_squared_error = tf.reduce_sum((x[-1] + e - output) ** 2) / 2
    for layer, gradient in enumerate(tape.gradient(half_squared_error, variables)):
        formula = [[equation_1(layer, i, j) for j in range(widths[layer])] for i in range(widths[layer + 1])]
        assert gradient.numpy() == pytest.approx(np.array(formula), abs=ROUNDING)


# Plateaus


@pytest.mark.parametrize("units", [1, 4, 16])
def test_more_units_in_one_hidden_layer_do_not_flatten_the_saddle_at_zero(units: int) -> None:
    _, hessian = derivatives(lambda p: (tf.tensordot(p[:units], p[units:], 1) - 1) ** 2 / 2, np.zeros(2 * units))
    assert np.abs(np.linalg.eigvalsh(hessian)) == pytest.approx(1)


@pytest.mark.parametrize("layers", [3, 4, 5])
def test_more_layers_flatten_the_saddle_at_zero(layers: int) -> None:
    _, hessian = derivatives(lambda p: (tf.reduce_prod(p) - 1) ** 2 / 2, np.zeros(layers))
    assert not hessian.any()


@pytest.mark.parametrize(("layers", "expected"), [(2, 1.86), (3, 8.74), (4, 49.4), (5, 333)])
def test_a_deeper_chain_stays_longer_near_zero(layers: int, expected: float) -> None:
    """Gradient flow of (w^layers - 1)^2 / 2, every weight w, from 0.1 until half of the cost is gone."""
    half = (1 - math.sqrt(0.5)) ** (1 / layers)
    time, _ = quad(lambda w: 1 / (w ** (layers - 1) * (1 - w**layers)), 0.1, half)
    assert time == pytest.approx(expected, rel=0.01)


TEACHER = two_units.TEACHERS["same sign"]
SINGLE_COST = two_units.plateau_cost(TEACHER)


def cost(student: Array) -> Array:
    return two_units.cost(student, TEACHER)


def slope(student: Array) -> Array:
    return two_units.gradient(student, TEACHER)


def near_the_overlap(distance: float, share: float) -> Array:
    """Two units around the best single one, ``distance`` apart; the first carries ``share`` of the outgoing weight."""
    incoming, outgoing = two_units.best_single_unit(TEACHER)
    first, second = incoming - (1 - share) * distance, incoming + share * distance
    return np.array([first, second, share * outgoing, (1 - share) * outgoing])


def flow(student: Array, until: float, stop_below: float = -1) -> tuple[float, Array]:
    """Follow the gradient flow until the time or the cost; return when and where it ends."""

    def reached(_: float, at: Array) -> float:
        return float(cost(at)) - stop_below

    reached.terminal = True  # type: ignore[attr-defined]
    path = solve_ivp(
        lambda _, at: -slope(at),
        (0, until),
        student,
        "LSODA",
        rtol=1e-9,
        atol=1e-12,
        events=reached,
    )
    return float(path.t[-1]), path.y[:, -1]


def test_the_plateau_lasts_longer_the_nearer_the_start_to_the_singular_line() -> None:
    """Every tenfold approach costs the same further time, and on the line itself the flow stays for ever."""
    times = [flow(near_the_overlap(distance, 0.75), 1e3, SINGLE_COST / 2)[0] for distance in (0.1, 0.01, 0.001, 0.0001)]
    assert [times[0], times[-1]] == pytest.approx([29.5, 76.8], abs=0.1)
    assert np.diff(times) == pytest.approx(15.8, abs=0.2)
    assert np.abs(slope(near_the_overlap(0, 0.75))).max() < 1e-6


def test_half_of_the_singular_line_attracts_without_any_noise() -> None:
    _, repelled = flow(near_the_overlap(0.1, 0.75), 1e3)
    _, attracted = flow(near_the_overlap(0.1, 1.5), 1e3)
    assert abs(repelled[1] - repelled[0]) > 1
    assert cost(repelled) < 0.01 * SINGLE_COST
    assert abs(attracted[1] - attracted[0]) < 1e-9
    assert cost(attracted) == pytest.approx(SINGLE_COST) == pytest.approx(0.266, abs=1e-3)


def test_noise_ends_the_plateau_rather_than_causing_it() -> None:
    """40 walks start at the attracting half of the line: all stay without noise, many have left by time 200 with it."""
    step = 0.02
    stayed = {}
    for noise in (0.0, 0.3):
        rng = np.random.default_rng(0)
        students = np.tile(near_the_overlap(0.1, 1.1), (40, 1))
        for _ in range(10_000):
            students -= step * slope(students) - noise * math.sqrt(step) * rng.normal(size=students.shape)
        stayed[noise] = int((cost(students) > 0.95 * SINGLE_COST).sum())
    assert stayed[0.0] == 40
    assert stayed[0.3] < 27
