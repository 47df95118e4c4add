"""Costs against a count by hand and against TensorFlow's own profiler."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from skipnets.analysis.costs import architecture_cost, cost
from skipnets.architectures import build
from skipnets.specs import CNN, DeepNet, JoinNet, Part, ResNet


def test_every_kind_of_layer_by_hand() -> None:
    image = keras.Input((6, 6, 2))
    first = layers.Conv2D(4, 3, padding="same")(image)
    second = layers.Conv2D(4, 3, padding="same")(first)
    joined = layers.Add()([first, second])
    output = layers.Dense(5)(layers.Flatten()(layers.MaxPooling2D(2)(joined)))
    found = cost(keras.Model(image, output))
    assert found.multiply_adds == 36 * 4 * 9 * 2 + 36 * 4 * 9 * 4 + 3 * 3 * 4 * 5
    assert found.additions == 36 * 4
    assert found.parameters == (9 * 2 * 4 + 4) + (9 * 4 * 4 + 4) + (36 * 5 + 5)
    assert found.activation_bytes == 4 * (36 * 2 + 3 * 36 * 4 + 2 * 36 + 5)


@pytest.mark.parametrize(
    "part", [CNN(), ResNet(), JoinNet(depth=12, kernels=3, join="concatenate")], ids=lambda p: p.kind
)
def test_multiply_adds_are_half_the_operations_that_tensorflow_counts(part: Part) -> None:
    model = build(part)
    function = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec((1, 32, 32, 3)))
    options = tf.compat.v1.profiler.ProfileOptionBuilder(
        tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    ).with_empty_output()
    counted = tf.compat.v1.profiler.profile(
        function.graph, options=options.with_node_names(show_name_regexes=[".*(convolution|MatMul).*"]).build()
    )
    assert 2 * cost(model).multiply_adds == counted.total_float_ops


def test_a_grouped_convolution_costs_a_groups_share() -> None:
    net = build(DeepNet(kind="resnext", depth=11, batch_norm=False))
    layer = net.get_layer("stage1_unit1_conv2")
    alone = cost(keras.Model(layer.input, layer.output))
    assert alone.multiply_adds == 32 * 32 * 9 * 32 * 32 // 4
    x = np.ones((1, 32, 32, 32), dtype=np.float32)
    assert keras.Model(layer.input, layer.output).predict_on_batch(x).shape == (1, 32, 32, 32)


@pytest.mark.parametrize(
    "part",
    [CNN(), ResNet(), JoinNet(depth=12, kernels=3, join="concatenate"), DeepNet(kind="resnext", depth=11)],
    ids=lambda p: p.kind,
)
def test_a_network_without_weights_costs_what_a_built_one_does(part: Part) -> None:
    assert architecture_cost(part) == cost(build(part))
