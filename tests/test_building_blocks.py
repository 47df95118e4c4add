"""Building blocks: each computation against a closed form, another implementation or brute force."""

import math
from itertools import pairwise

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import convolve2d, correlate2d
from scipy.special import log_softmax, softmax

from skipnets.analysis import convolution, costs, cross_entropy, dead_units, dropout, relu
from skipnets.analysis.output_dropout import logits_ceiling, probabilities_ceiling
from skipnets.architectures import build
from skipnets.errors import BadInputError
from skipnets.figures import building_blocks
from skipnets.scoring import CLIP
from skipnets.specs import CNN

SIDES = st.integers(1, 6)


# Convolution


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 9))
def test_equation_2_is_the_full_convolution_of_scipy(
    height: int, width: int, rows: int, columns: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    image, kernel = rng.normal(size=(height, width)), rng.normal(size=(rows, columns))
    np.testing.assert_allclose(convolution.equation_2(image, kernel), convolve2d(image, kernel), atol=1e-12)


@pytest.mark.parametrize(
    ("border", "mode", "boundary"), [("valid", "valid", "fill"), ("same", "same", "fill"), ("periodic", "same", "wrap")]
)
def test_keras_correlates_for_every_border(border: convolution.Border, mode: str, boundary: str) -> None:
    rng = np.random.default_rng(0)
    image, kernel = rng.normal(size=(8, 7)).astype("float32"), rng.normal(size=(3, 5)).astype("float32")
    computed = convolution.keras_convolution(image[None, :, :, None], kernel[:, :, None, None], border)
    np.testing.assert_allclose(computed[0, :, :, 0], correlate2d(image, kernel, mode, boundary), atol=1e-5)


def test_a_stride_keeps_every_second_output() -> None:
    rng = np.random.default_rng(0)
    images, kernels = rng.normal(size=(2, 8, 8, 3)).astype("float32"), rng.normal(size=(3, 3, 3, 2)).astype("float32")
    every = convolution.keras_convolution(images, kernels, "periodic")
    np.testing.assert_allclose(
        convolution.keras_convolution(images, kernels, "periodic", stride=2), every[:, ::2, ::2], atol=1e-5
    )


def test_pooling_takes_the_largest_of_a_square() -> None:
    maps = np.random.default_rng(0).normal(size=(2, 4, 6, 3)).astype("float32")
    expected = maps.reshape(2, 2, 2, 3, 2, 3).max(axis=(2, 4))
    np.testing.assert_array_equal(convolution.max_pooling(maps, 2), expected)


def test_textures_reach_from_0_to_1_and_follow_their_seed() -> None:
    images = convolution.textures(16, seed=1)
    assert images.shape == (8, 16, 16, 3)
    assert (images.min(), images.max()) == (0, 1)
    assert (images == convolution.textures(16, seed=1)).all()
    steps = np.abs(np.diff(images, axis=1)).mean()
    assert np.abs(images[:, 0] - images[:, -1]).mean() == pytest.approx(steps, rel=0.2)


def test_shift_errors_of_functions_whose_answer_is_known() -> None:
    images = np.zeros((2, 4, 1, 1), dtype="float32")
    images[0, 0], images[1, 2] = 1, 1
    assert convolution.shift_errors(lambda x: x, images, [0, 1, 3]) == pytest.approx([0, 0, 0])
    # every second row: the one pixel is lost or found at odd shifts, half of the distance to the other image
    assert convolution.shift_errors(lambda x: x[:, ::2], images, [1, 2], stride=2) == pytest.approx(
        [1 / math.sqrt(2), 0]
    )
    # an output that should stand still moves onto a free place: as far as another image
    assert convolution.shift_errors(lambda x: x, images, [1], stride=None) == pytest.approx([1])
    with pytest.raises(BadInputError, match="two or more"):
        convolution.shift_errors(lambda x: x, images[:1], [1])


def test_maps_of_a_net_are_those_of_its_layers_one_by_one() -> None:
    model = build(CNN(), input_shape=(8, 8, 3))
    images = convolution.textures(8, seed=0)
    x = images
    for layer in model.layers[1:4]:
        x = layer(x)
    np.testing.assert_allclose(convolution.maps_of(model, "stage1_pool")(images), x, atol=1e-6)


@pytest.mark.parametrize("side", [8, 32, 47])
def test_parameters_of_the_heads_by_hand(side: int) -> None:
    cells = (side // 2 // 2 // 2) ** 2
    expected = [(128 * cells + 1) * 64 + 65 * 10, 129 * 64 + 65 * 10, 129 * 10]
    assert list(costs.head_parameters(side).values()) == expected
    assert list(costs.head_parameters(side)) == list(costs.HEADS)


def test_the_head_as_printed_is_the_one_of_the_document() -> None:
    assert costs.head_parameters(32)[costs.HEADS[0]] == 131_136 + 650
    with pytest.raises(BadInputError, match="too small"):
        costs.head_parameters(7)


# ReLU


def test_a_line_explains_the_same_share_of_relu_at_every_spread() -> None:
    """ReLU(z) = z/2 + |z|/2: the line explains 1/4 of a variance of 1/2 - 1/(2 pi)."""
    expected = 0.25 / (0.5 - 0.5 / np.pi)
    assert relu.linear_share(relu.relu, [0.01, 1, 100]) == pytest.approx([expected] * 3, rel=1e-5)


def test_tanh_goes_from_a_line_to_a_step() -> None:
    shares = relu.linear_share(np.tanh, [0.01, 1000])
    assert shares == pytest.approx([1, 2 / np.pi], rel=2e-3)
    z = np.random.default_rng(0).normal(size=400_000)
    assert relu.linear_share(np.tanh, [2])[0] == pytest.approx(np.corrcoef(z, np.tanh(2 * z))[0, 1] ** 2, abs=3e-3)


@pytest.mark.parametrize("width", [1, 7, 30])
def test_one_layer_breaks_the_line_once_a_unit(width: int) -> None:
    net = relu.random_net([width], seed=0)
    ((weights, biases),) = net
    np.testing.assert_allclose(relu.breakpoints(net), np.sort(-biases / weights[0]))


@pytest.mark.parametrize("widths", [[3, 3], [6, 5, 4], [4, 4, 4, 4]])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_breakpoints_are_where_the_pattern_of_a_fine_grid_changes(widths: list[int], seed: int) -> None:
    net = relu.random_net(widths, seed)
    grid = np.linspace(-20, 20, 400_001)
    values, patterns = grid[:, None], []
    for weights, biases in net:
        values = relu.relu(values @ weights + biases)
        patterns.append(values > 0)
    changes = np.flatnonzero((np.diff(np.hstack(patterns), axis=0) != 0).any(axis=1))
    points = relu.breakpoints(net)
    found = points[np.abs(points) < 20]
    cells = np.unique(np.searchsorted(grid, found) - 1)  # two in one cell of the grid look like one
    np.testing.assert_array_equal(cells, changes)


def test_between_breakpoints_the_net_is_a_straight_line() -> None:
    net = relu.random_net([5, 5, 5], seed=3)
    for left, right in pairwise(relu.breakpoints(net)):
        first, middle, last = relu.last_units(net, np.linspace(left, right, 3))
        np.testing.assert_allclose(middle, (first + last) / 2, atol=1e-9)


@pytest.mark.parametrize("depth", [1, 2, 5, 9])
def test_the_sawtooth_has_a_piece_for_every_path_through_its_folds(depth: int) -> None:
    points = relu.breakpoints(relu.sawtooth(depth))
    inside = points[(points > 0) & (points < 1)]
    np.testing.assert_array_equal(inside, np.arange(1, 2**depth) / 2**depth)
    heights = relu.last_units(relu.sawtooth(depth), np.append(inside, 1)) @ [2, -4]
    assert heights == pytest.approx(np.arange(1, 2**depth + 1) % 2)


def test_the_gradient_of_the_hidden_layer_agrees_with_finite_differences() -> None:
    rng = np.random.default_rng(0)
    weights, biases, outgoing = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=4)
    inputs, targets = rng.normal(size=(6, 3)), rng.normal(size=6)

    def loss(flat: np.ndarray) -> float:
        states = relu.relu(inputs @ flat[:12].reshape(3, 4) + flat[12:])
        return float(np.mean((states @ outgoing - targets) ** 2) / 2)

    here = np.append(weights.ravel(), biases)
    numeric = [(loss(here + step) - loss(here - step)) / 2e-6 for step in 1e-6 * np.eye(16)]
    found = dead_units.hidden_gradient(weights, biases, outgoing, inputs, targets)
    np.testing.assert_allclose(np.append(found[0].ravel(), found[1]), numeric, atol=1e-8)


def test_a_step_of_no_length_kills_nothing_and_a_dead_unit_stays_dead() -> None:
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(50, 4)), rng.normal(size=50)
    assert not dead_units.dead_after_one_step([0.0], inputs, targets, 20, [0, 1]).any()
    weights, biases = rng.normal(size=(4, 3)), np.array([-100.0, 0.0, 0.0])
    gradient, along_bias = dead_units.hidden_gradient(weights, biases, np.ones(3), inputs, targets)
    assert not gradient[:, 0].any()
    assert along_bias[0] == 0
    assert gradient[:, 1:].all()


def test_dead_units_counted_by_hand() -> None:
    """One positive input: a unit is dead at the start if its weight is negative, and the step moves only the others."""
    inputs, targets, rate, width = np.array([[2.0]]), np.array([5.0]), 0.7, 40
    rng = np.random.default_rng(4)
    weights, outgoing = rng.normal(size=width) * math.sqrt(2), rng.normal(size=width) * math.sqrt(2 / width)
    error = relu.relu(2 * weights) @ outgoing - 5
    step = np.where(weights > 0, rate * error * outgoing, 0)
    after = 2 * (weights - 2 * step) - step
    assert dead_units.dead_after_one_step([rate], inputs, targets, width, [4])[0, 0] == np.mean(after <= 0)


# Dropout


@settings(max_examples=20)
@given(st.floats(0.05, 0.9))
def test_dropout_keeps_the_mean_and_its_scale_is_the_share_kept(rate: float) -> None:
    values = np.full(20_000, 3, dtype="float32")
    (kept,) = dropout.draws(values, rate, steps=1, seed=0)
    assert np.unique(kept) == pytest.approx([0, 3 / (1 - rate)], rel=1e-5)
    deviation = 3 * math.sqrt(rate / (1 - rate) / len(values))
    assert kept.mean() == pytest.approx(3, abs=5 * deviation)


def test_each_step_draws_anew_a_seed_draws_the_same_and_inference_draws_nothing() -> None:
    values = np.linspace(1, 2, 50, dtype="float32")
    first, again, other = (dropout.draws(values, 0.5, 3, seed) for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
    assert (first[0] != first[1]).any()
    assert (dropout.draws(values, 0.5, 3, 0, training=False) == values).all()


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_rates_that_leave_nothing_are_refused(rate: float) -> None:
    with pytest.raises(BadInputError, match=f"rate {rate}: expected"):
        dropout.draws(np.ones(3, dtype="float32"), rate, 1, 0)
    with pytest.raises(BadInputError, match=f"rate {rate}: expected"):
        dropout.simulated_ceiling(rate, "logits", 10, 0)


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5])
def test_the_simulated_ceiling_is_that_of_the_closed_forms(rate: float) -> None:
    samples = 20_000
    for outputs, (accuracy, loss), deviation in (
        ("logits", logits_ceiling(rate), 1.2),
        ("probabilities", probabilities_ceiling(rate), 8.1),
    ):
        found = dropout.simulated_ceiling(rate, outputs, samples, seed=0)  # type: ignore[arg-type]
        assert found[0] == pytest.approx(accuracy, abs=2.5 / math.sqrt(samples))
        # a struck probability is divided by what is left, which moves the loss of a kept one from 0 by up to 1e-5
        assert found[1] == pytest.approx(loss, abs=1e-5 + 4 * deviation * bool(rate) / math.sqrt(samples))


def test_only_a_seed_makes_processes_agree() -> None:
    assert dropout.fresh_processes_agree("random.seed(7)")
    assert not dropout.fresh_processes_agree("pass")


# Cross-entropy


@settings(max_examples=20)
@given(st.integers(2, 12), st.floats(0.1, 5), st.integers(0, 9))
def test_equation_5_is_the_log_softmax_of_the_true_class(classes: int, spread: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, labels = spread * rng.normal(size=(6, classes)), rng.integers(0, classes, 6)
    targets, expected = np.eye(classes)[labels], -log_softmax(logits, axis=1)[np.arange(6), labels]
    np.testing.assert_allclose(
        cross_entropy.equation_5(targets, softmax(logits, axis=1)), expected, rtol=1e-9, atol=1e-12
    )
    expected = np.minimum(expected, 15)  # beyond, the routes part: the next test
    for route in cross_entropy.ROUTES:
        found = np.minimum(cross_entropy.keras_loss(targets, logits, route), 15)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-6)


def test_equation_5_passes_over_classes_that_are_not_true() -> None:
    assert cross_entropy.equation_5(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])) == 0


def test_an_image_that_is_wrong_by_a_gap_costs_the_gap_and_the_logarithm_of_its_rivals() -> None:
    gaps = np.array([0.0, 8.0, 16.0, 30.0])
    targets, logits = cross_entropy.wrong_by(gaps)
    expected = np.log(9 * np.exp(gaps) + 1)
    np.testing.assert_allclose(cross_entropy.keras_loss(targets, logits, "logits"), expected, rtol=1e-6)
    clipped = np.minimum(expected, -math.log(CLIP))
    np.testing.assert_allclose(cross_entropy.keras_loss(targets, logits, "bare probabilities"), clipped, rtol=1e-5)
    through_layer = expected if keras.backend.backend() == "tensorflow" else clipped
    np.testing.assert_allclose(cross_entropy.keras_loss(targets, logits, "softmax layer"), through_layer, rtol=1e-5)


# Figures


@pytest.mark.usefixtures("agg")
def test_figures_draw_what_they_are_given() -> None:
    struck = np.array([[True, False], [True, True]])
    figure = building_blocks.draws_plot(struck, np.array([1.0, 2.0]), 0.5, shown=1)
    picture, shares = figure.axes
    assert picture.images[0].get_array().tolist() == [[True, False]]
    assert shares.lines[0].get_ydata().tolist() == [1.0, 0.5]
    figure = building_blocks.head_plot([32, 64], {name: [1, 2] for name in costs.HEADS})
    assert [text.get_text() for text in figure.axes[0].texts] == list(costs.HEADS)
