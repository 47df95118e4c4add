"""What the first write-up says of its building blocks, each sentence put to a small computation.

The verdicts in ``data/claims.yml`` name these tests as their evidence.
"""

import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers
from scipy.signal import convolve2d

from skipnets.analysis.costs import cost
from skipnets.architectures import build
from skipnets.architectures.summary import layer_rows
from skipnets.specs import CNN, ResNet


def to_numpy(tensor: Any) -> npt.NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


# The two networks


def test_the_resnet_holds_no_batch_normalization() -> None:
    """Each of its seven convolutions would bring four parameters a channel, and these are in no printed number."""
    resnet = build(ResNet())
    convolutions = [layer for layer in resnet.layers if isinstance(layer, layers.Conv2D)]
    assert not [layer for layer in resnet.layers if isinstance(layer, layers.BatchNormalization)]
    assert resnet.count_params() == 223_242
    assert 4 * sum(layer.filters for layer in convolutions) == 1664


def test_the_two_networks_differ_in_more_than_skips() -> None:
    cnn, resnet = build(CNN()), build(ResNet())
    kinds = [[row.kind for row in layer_rows(model)] for model in (cnn, resnet)]
    assert ["GlobalAveragePooling2D" in names for names in kinds] == [False, True]
    assert ["Flatten" in names for names in kinds] == [True, False]
    assert kinds[0][-2:] == ["Dense", "Dropout"]
    assert kinds[1][-2:] == ["Dropout", "Dense"]
    paddings = [[x.padding for x in model.layers if isinstance(x, layers.Conv2D)] for model in (cnn, resnet)]
    assert [names.count("valid") for names in paddings] == [0, 3]
    pools = [[x.pool_size for x in model.layers if isinstance(x, layers.MaxPooling2D)] for model in (cnn, resnet)]
    assert pools == [[(2, 2)] * 3, [(3, 3)]]


def test_the_resnet_keeps_its_parameters_without_its_additions() -> None:
    assert build(ResNet(skips=False)).count_params() == 223_242


def test_additions_cost_no_parameter_and_next_to_no_arithmetic() -> None:
    with_skips, without = build(ResNet()), build(ResNet(skips=False))
    assert with_skips.count_params() == without.count_params()
    additions = sum(math.prod(x.output.shape[1:]) for x in with_skips.layers if isinstance(x, layers.Add))
    assert additions == 2 * 9 * 9 * 64
    assert additions / (2 * cost(with_skips).multiply_adds) == pytest.approx(0.000179, rel=0.01)


# Convolution


def test_keras_computes_a_cross_correlation() -> None:
    rng = np.random.default_rng(0)
    image, kernel = rng.normal(size=(8, 8)), rng.normal(size=(3, 3))
    layer = layers.Conv2D(1, 3, use_bias=False)
    layer.build((None, 8, 8, 1))
    layer.set_weights([kernel[:, :, None, None]])
    computed = to_numpy(layer(image[None, :, :, None].astype("float32")))[0, :, :, 0]
    assert computed == pytest.approx(convolve2d(image, kernel[::-1, ::-1], mode="valid"), abs=1e-5)
    assert np.abs(computed - convolve2d(image, kernel, mode="valid")).max() > 1


def test_a_convolution_saves_parameters_and_arithmetic() -> None:
    """The CNN's second layer against a dense layer between the same 32,768 inputs and outputs."""
    layer = build(CNN()).get_layer("stage1_conv2")
    pixels = math.prod(layer.output.shape[1:])
    assert layer.count_params() == 9_248
    assert pixels * pixels + pixels == 1_073_774_592
    assert pixels * pixels / (32 * 32 * math.prod(layer.kernel.shape)) == pytest.approx(114, abs=1)


def test_a_convolution_is_equivariant_inside_and_pooling_only_to_multiples_of_its_stride() -> None:
    keras.utils.set_random_seed(0)
    image = np.random.default_rng(0).normal(size=(1, 32, 32, 3)).astype("float32")
    convolution = layers.Conv2D(4, 3, padding="same", activation="relu")
    pooling = layers.MaxPooling2D(2)

    def mismatch(function: Any, shift_in: int, shift_out: int) -> npt.NDArray[np.float32]:
        """Largest difference in each row between shifting the input down and shifting the output down."""
        moved = to_numpy(function(np.roll(image, shift_in, axis=1)))
        expected = np.roll(to_numpy(function(image)), shift_out, axis=1)
        return np.abs(moved - expected).max(axis=(0, 2, 3))

    rows = mismatch(convolution, 1, 1)
    assert rows[2:-1].max() < 1e-5
    assert rows[[0, 1, -1]].min() > 0.1
    both = keras.Sequential([convolution, pooling])
    assert mismatch(both, 2, 1)[2:-1].max() < 1e-5
    assert min(mismatch(both, 1, shift)[2:-1].min() for shift in (0, 1)) > 0.1


# RMSprop


def test_one_plus_beta_makes_every_step_a_quarter_as_long() -> None:
    """Under a steady gradient the document's average settles at 19 times its square, the usual one at its square."""
    beta, gradient, averages = 0.9, 0.3, [0.0, 0.0]
    weight, optimizer = keras.Variable(0.0), keras.optimizers.RMSprop(1e-3, rho=beta)
    for _ in range(200):
        averages = [
            beta * average + factor * gradient**2
            for average, factor in zip(averages, (1 + beta, 1 - beta), strict=True)
        ]
        before = float(weight.value)
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
    assert np.array(averages) / gradient**2 == pytest.approx([19, 1])
    steps = [1e-3 * gradient / math.sqrt(average) for average in averages]
    assert before - float(weight.value) == pytest.approx(steps[1], rel=1e-3)
    assert steps[0] / steps[1] == pytest.approx(0.229, abs=5e-4)


def test_mini_batches_mislead_the_sign_but_not_rmsprop() -> None:
    """Ten mini-batches whose gradients cancel: nine of 0.1 and one of -0.9, over and over.

    Steps by the sign alone, as rprop takes them, end every round eight steps away; RMSprop's, less than one.
    """
    gradients = [0.1] * 9 + [-0.9]
    weight, optimizer = keras.Variable(0.0), keras.optimizers.RMSprop(1.0)
    ends = [0.0]
    for _ in range(20):
        for gradient in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
        ends.append(float(weight.value))
    assert -np.sign(gradients).sum() == -8
    assert ends[-1] - ends[-2] == pytest.approx(-0.68, abs=0.01)


# Initialization, dropout, seeds, cross-entropy


def test_glorot_scaling_slows_the_decay_of_gradients_and_relu_needs_twice_the_variance() -> None:
    """Mean squared gradient before 20 layers over that behind them; Glorot and Bengio compare with the common 1/3n."""
    width, depth, samples = 64, 20, 64

    def ratio(variance: float, relu: bool) -> float:
        rng = np.random.default_rng(0)
        weights = rng.normal(scale=math.sqrt(variance), size=(depth, width, width))
        x, slopes = rng.normal(size=(samples, width)), []
        for weight in weights:
            h = x @ weight
            x = np.maximum(h, 0) if relu else np.tanh(h)
            slopes.append(h > 0 if relu else 1 - x**2)
        gradient = first = rng.normal(size=(samples, width))
        for weight, slope in zip(weights[::-1], slopes[::-1], strict=True):
            gradient = (gradient * slope) @ weight.T
        return float(np.mean(gradient**2) / np.mean(first**2))

    common, glorot, he = 1 / (3 * width), 1 / width, 2 / width
    assert ratio(common, relu=False) < 1e-8
    assert 0.01 < ratio(glorot, relu=False) < 0.1
    assert 1e-7 < ratio(glorot, relu=True) < 1e-5
    assert 0.3 < ratio(he, relu=True) < 3


def test_dropout_strikes_the_given_share_in_training_only() -> None:
    dropout, ones = layers.Dropout(0.3, seed=1), np.ones((200, 500), dtype="float32")
    first, second = (to_numpy(dropout(ones, training=True)) for _ in range(2))
    assert (first == 0).mean() == pytest.approx(0.3, abs=0.005)
    assert first[first != 0] == pytest.approx(1 / 0.7, rel=1e-6)
    assert (first != second).any()
    assert (to_numpy(dropout(ones, training=False)) == ones).all()


def test_dropout_does_not_look_at_what_it_strikes() -> None:
    strength = np.tile(np.linspace(1, 100, 10, dtype="float32"), (20_000, 1))
    struck = to_numpy(layers.Dropout(0.5, seed=1)(strength, training=True)) == 0
    assert struck.mean(axis=0) == pytest.approx(0.5, abs=0.02)
    reversed_strength = to_numpy(layers.Dropout(0.5, seed=1)(strength[:, ::-1], training=True)) == 0
    assert (struck == reversed_strength).all()
