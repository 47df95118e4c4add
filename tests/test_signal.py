"""Signal through deep nets: measures against NumPy, closed forms against measurement, document 003's sentences."""

from functools import cache
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from skipnets.analysis.dense_nets import Wiring, build_dense_net
from skipnets.analysis.mean_field import GAINS, coactive, cosine_after_relu, predict, silent_probability
from skipnets.analysis.signal import Signal, layers_of_kind, measure_cosines, measure_signal
from skipnets.architectures import build
from skipnets.datasets import synthetic
from skipnets.errors import BadInputError
from skipnets.specs import JoinNet

Array = npt.NDArray[np.float64]

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
WIDTH, DEPTH, INPUTS = 256, 20, 48


def hidden(depth: int) -> list[str]:
    return [f"hidden{number}" for number in range(1, depth + 1)]


def batch(width: int = WIDTH, inputs: int = INPUTS) -> tuple[Array, npt.NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(inputs, width)), rng.integers(0, 10, inputs)


@cache
def dense_signal(wiring: Wiring, initializer: str, batch_norm: bool = False) -> Signal:
    return measure_signal(build_dense_net(wiring, WIDTH, DEPTH, initializer, batch_norm), LOSS, *batch(), hidden(DEPTH))


def by_hand(
    model: keras.Model, x: Array, labels: npt.NDArray[np.int64]
) -> tuple[list[Array], list[Array], list[Array]]:
    """Outputs of a plain net's matrices, gradients of each input's loss in them, of the mean loss in the matrices.

    By Eqs. 1 to 3 of document 003 in one numbering, without biases, and its Eq. 6 as corrected.
    """
    matrices = [np.asarray(weight, np.float64).T for weight in model.trainable_variables]
    reached, activations = [x @ matrices[0].T], [x]
    for matrix in matrices[1:]:
        activations.append(np.maximum(reached[-1], 0))
        reached.append(activations[-1] @ matrix.T)
    # the output layer of the dense net reads the last hidden layer before its ReLU
    activations[-1] = reached[-2]
    reached[-1] = activations[-1] @ matrices[-1].T
    errors = [softmax(reached[-1], axis=1) - np.eye(matrices[-1].shape[0])[labels]]
    for number in range(len(matrices) - 1, 0, -1):
        passed = errors[0] @ matrices[number]
        errors.insert(0, passed if number == len(matrices) - 1 else passed * (reached[number - 1] > 0))
    kernels = [error.T @ z / len(x) for error, z in zip(errors, activations, strict=True)]
    return reached, errors, kernels


def test_equation_6_corrected_is_what_automatic_differentiation_gives() -> None:
    model = build_dense_net("plain", 12, 5)
    x, labels = batch(12, 8)
    names = [*hidden(5), "output"]
    signal = measure_signal(model, LOSS, x, labels, names)
    reached, errors, kernels = by_hand(model, x, labels)
    np.testing.assert_allclose(signal.scale, [np.sqrt((h**2).mean()) for h in reached], rtol=1e-5)
    np.testing.assert_allclose(signal.spread, [np.sqrt(h.var(0).mean()) for h in reached], rtol=1e-5)
    np.testing.assert_allclose(signal.gradient, [np.linalg.norm(e) / np.sqrt(8) for e in errors], rtol=1e-4)
    np.testing.assert_allclose(signal.kernel_gradient, [np.linalg.norm(k) for k in kernels], rtol=1e-4)
    assert np.isnan(signal.bias_gradient).all()
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(LOSS.call(tf.constant(labels), model(x.astype("float32"))))
    for computed, expected in zip(tape.gradient(value, model.trainable_variables), kernels, strict=True):
        np.testing.assert_allclose(np.asarray(computed).T, expected, atol=1e-6)


def test_equation_6_as_printed_leaves_the_first_weights_without_a_gradient() -> None:
    """It chains derivatives of weights in weights, which are zero; automatic differentiation finds a gradient."""
    model = build_dense_net("plain", 4, 2)
    x, labels = batch(4, 8)
    with tf.GradientTape(persistent=True) as tape:
        cost = tf.reduce_mean(LOSS.call(tf.constant(labels), model(x.astype("float32"))))
        first, second, last = (tf.convert_to_tensor(variable) for variable in model.trainable_variables)
    assert [tape.gradient(last, second), tape.gradient(second, first)] == [None, None]
    assert float(tf.norm(tape.gradient(cost, model.trainable_variables[0].value))) > 1e-3


@pytest.mark.parametrize("width", [4, 40])
def test_the_gradient_is_one_pass_backwards_whatever_the_number_of_weights(width: int) -> None:
    depth = 6
    model = build_dense_net("plain", width, depth)

    @tf.function
    def gradient(x: Any) -> Any:
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(model(x) ** 2)
        return tape.gradient(value, [variable.value for variable in model.trainable_variables])

    graph = gradient.get_concrete_function(tf.TensorSpec([3, width])).graph
    products = sum(node.op == "MatMul" for node in graph.as_graph_def().node)
    layers = depth + 1
    assert products == layers + 2 * layers - 1


@pytest.mark.parametrize(
    ("wiring", "initializer", "batch_norm"),
    [
        ("plain", "glorot_normal", False),
        ("plain", "he_normal", True),
        ("residual", "he_normal", False),
        ("residual", "he_normal", True),
        ("summation", "glorot_normal", False),
        ("concatenation", "he_normal", False),
    ],
)
def test_closed_forms_agree_with_wide_nets(wiring: Wiring, initializer: str, batch_norm: bool) -> None:
    """On the mean over eight nets; a single one is off by some 7 %."""
    depth, measured = 8, []
    x, labels = batch()
    for seed in range(8):
        model = build_dense_net(wiring, WIDTH, depth, initializer, batch_norm, seed)
        signal = measure_signal(model, LOSS, x, labels, hidden(depth))
        cosines = measure_cosines(model, x, hidden(depth))
        scale, gradient = signal.scale / signal.scale[0], signal.gradient / signal.gradient[-1]
        measured.append([scale, signal.relative_spread, gradient, cosines.backward])
    scale, spread, gradient, backward = np.mean(measured, axis=0)
    expected = predict(wiring, GAINS[initializer], depth, batch_norm)
    np.testing.assert_allclose(scale, expected.scale, rtol=0.06)
    np.testing.assert_allclose(spread, expected.spread, atol=0.02)
    np.testing.assert_allclose(gradient, expected.gradient, rtol=0.1)  # a batch of 48 is not a large one
    np.testing.assert_allclose(backward, expected.backward, atol=0.03)


@settings(max_examples=20)
@given(angle=st.floats(0.0, np.pi))
def test_cosines_behind_a_relu_agree_with_quadrature(angle: float) -> None:
    """Jointly normal h on a circle: the mean over its direction of what a ReLU lets through on both inputs."""
    direction = (np.arange(20_000) + 0.5) * 2 * np.pi / 20_000
    first, second = (np.maximum(np.cos(direction - place), 0) for place in (0, angle))
    assert float(cosine_after_relu(np.cos(angle))) == pytest.approx(
        np.mean(first * second) / np.mean(first**2), abs=1e-3
    )
    assert float(coactive(np.cos(angle))) == pytest.approx(2 * np.mean((first > 0) & (second > 0)), abs=1e-3)


def test_narrow_nets_fall_silent_as_often_as_they_should() -> None:
    rng, width, depth, nets = np.random.default_rng(0), 3, 8, 4000
    x = rng.normal(size=(nets, width))
    for _ in range(depth):
        x = np.maximum(np.einsum("nij,nj->ni", rng.normal(size=(nets, width, width)), x), 0)
    expected = silent_probability(width, depth)
    assert np.mean(~x.any(axis=1)) == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / nets))


def test_scale_and_gradient_fall_by_the_same_factor() -> None:
    signal = dense_signal("plain", "glorot_normal")
    scale, gradient = signal.scale / signal.scale[0], signal.gradient / signal.gradient[-1]
    np.testing.assert_allclose([scale[-1], gradient[0]], 0.5 ** ((DEPTH - 1) / 2), rtol=0.4)
    np.testing.assert_allclose(np.log(scale * gradient), np.log(scale[-1]), atol=0.5)


def test_normalizing_every_layer_confines_the_forward_signal_and_explodes_the_backward_one() -> None:
    signal = dense_signal("plain", "he_normal", batch_norm=True)
    np.testing.assert_allclose(signal.scale, 1, atol=0.01)
    np.testing.assert_allclose(signal.relative_spread, 1, atol=0.01)
    growth = (signal.gradient[0] / signal.gradient[-1]) ** (1 / (DEPTH - 1))
    assert growth == pytest.approx(np.sqrt(np.pi / (np.pi - 1)), abs=0.02)
    assert growth == pytest.approx(1.21, abs=0.02)


def test_a_join_levels_the_gradient_and_a_residual_skip_alone_does_not() -> None:
    def ratio(wiring: Wiring, initializer: str) -> float:
        signal = dense_signal(wiring, initializer)
        return float(signal.gradient[0] / signal.gradient[-1])

    assert ratio("plain", "glorot_normal") < 0.01
    assert 1 < ratio("summation", "glorot_normal") < 2
    assert 1 < ratio("concatenation", "glorot_normal") < 2
    assert ratio("residual", "he_normal") ** (2 / (DEPTH - 1)) == pytest.approx(2, rel=0.05)
    assert ratio("plain", "he_normal") == pytest.approx(1, abs=0.4)


@pytest.fixture(scope="module")
def deep_baseline() -> tuple[Signal, Signal, list[str]]:
    """Document 003's net of 69 layers of 3 kernels, as built and after one step of its training."""
    images = synthetic(8, 1)
    pixels, labels = images.x_train / 255.0, images.y_train
    keras.utils.set_random_seed(0)
    model = build(JoinNet(depth=69, kernels=3))
    names = layers_of_kind(model, keras.layers.Conv2D, keras.layers.BatchNormalization)
    before = measure_signal(model, LOSS, pixels, labels, names)
    model.compile(keras.optimizers.SGD(0.01), LOSS, run_eagerly=True)
    model.train_on_batch(pixels, labels)
    return before, measure_signal(model, LOSS, pixels, labels, names), names


def test_normalizing_after_poolings_alone_does_not_confine_the_signal(
    deep_baseline: tuple[Signal, Signal, list[str]],
) -> None:
    before, _, names = deep_baseline
    assert before.scale[names.index("stage3_norm")] < 1e-6
    assert 1 / np.sqrt(keras.layers.BatchNormalization().epsilon) == pytest.approx(31.6, abs=0.1)


def test_one_step_leaves_the_last_layers_of_the_deep_baseline_with_biases_alone(
    deep_baseline: tuple[Signal, Signal, list[str]],
) -> None:
    before, after, names = deep_baseline
    last = names.index("stage3_conv23")
    assert before.relative_spread[last] > 0.1
    assert after.relative_spread[last] < np.finfo(np.float32).eps
    assert before.bias_gradient[last] > 0.01
    kernels = before.kernel_gradient[[number for number, name in enumerate(names) if "conv" in name]]
    assert kernels[-1] < 1e-3 * kernels[0] < 1e-10


def test_measuring_changes_nothing_and_sees_the_batch_as_training_does() -> None:
    keras.utils.set_random_seed(0)
    model = build(JoinNet(depth=3, kernels=2), (16, 16, 3))
    images, labels = np.random.default_rng(0).random((4, 16, 16, 3)), np.arange(4)
    names = ["stage1_norm", "dropout1"]
    before = [variable.numpy() for variable in model.variables]
    first, again = (measure_signal(model, LOSS, images, labels, names) for _ in range(2))
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    np.testing.assert_array_equal(first.scale, again.scale)
    norm = keras.Model(model.input, model.get_layer("stage1_norm").output)
    scale = {mode: np.sqrt(np.mean(np.square(norm(images, training=mode)))) for mode in (True, False)}
    assert first.scale[0] == pytest.approx(scale[True], rel=1e-5) != pytest.approx(scale[False], rel=0.01)


def test_silent_channels_are_counted() -> None:
    inputs = keras.Input((4, 4, 2))
    model = keras.Model(
        inputs, keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="relu", name="conv")(inputs))
    )
    kernel, _ = model.get_layer("conv").get_weights()
    model.get_layer("conv").set_weights([np.abs(kernel), np.array([0.0, -1e3, -1e3, 0.0])])
    images = np.random.default_rng(0).random((3, 4, 4, 2))
    signal = measure_signal(model, LOSS, images, np.zeros(3, int), ["conv"])
    assert signal.silent == pytest.approx([0.5])
    assert signal.bias_gradient[0] > 0


def test_cosines_of_a_linear_net() -> None:
    """Gradients do not depend on the input, so their cosine is 1; those of the outputs follow from the matrix."""
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(4, use_bias=False, name="matrix")(inputs)))
    x = np.array([[1.0, 0, 0], [0, 2.0, 0], [1.0, 1.0, 0]])
    cosines = measure_cosines(model, x, ["matrix"])
    rows = x @ np.asarray(model.get_layer("matrix").kernel, np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert cosines.forward[0] == pytest.approx((rows @ rows.T)[np.triu_indices(3, 1)].mean(), abs=1e-5)
    assert cosines.backward[0] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"layers": ["nowhere"]}, "layer 'nowhere'"),
        ({"layers": []}, "at least one"),
        ({"images": np.ones((1, 4))}, "at least two"),
        ({"labels": [0]}, "as many of both"),
    ],
)
def test_bad_requests_are_named(arguments: dict[str, Any], complaint: str) -> None:
    good = {"images": np.ones((2, 4)), "labels": [0, 1], "layers": ["hidden1"]}
    with pytest.raises(BadInputError, match=complaint):
        measure_signal(build_dense_net("plain", 4, 1), LOSS, **(good | arguments))


@pytest.mark.parametrize("name", ["width", "depth"])
def test_an_empty_net_is_refused(name: str) -> None:
    with pytest.raises(BadInputError, match=f"{name} 0"):
        build_dense_net("plain", **({"width": 4, "depth": 2} | {name: 0}))
