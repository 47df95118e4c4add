"""Document 003, Figures 1-3: baseline, concatenation and summation nets of any depth."""

from typing import Any

import keras
from keras import layers

from skipnets.architectures.blocks import BatchNormalization, Frame, dropout
from skipnets.specs import JoinNet


def build_join_net(net: JoinNet, frame: Frame) -> keras.Model:
    """Build equal stages of convolutions, each closed by max pooling and batch normalization.

    With a join, the output of *every* convolution is max-pooled to the size that the last pooling leaves, and
    all of them are concatenated with (or added to) the output of that last, normalized, pooling. So the last
    convolution's pooled output enters twice, once raw and once normalized, as the document's wording has it.
    """
    x = inputs = frame.input()
    pooled_outputs = []
    for stage in range(1, net.stages + 1):
        for number in range(1, net.depth // net.stages + 1):
            x = _convolution(net, frame, x, f"stage{stage}_conv{number}")
            if net.join != "none":
                size = 2 ** (net.stages + 1 - stage)
                pooled_outputs.append(layers.MaxPooling2D(size, name=f"stage{stage}_conv{number}_pool")(x))
        x = layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
        if net.normalization == "poolings":
            x = BatchNormalization(name=f"stage{stage}_norm")(x)
    if net.join == "concatenate":
        x = layers.Concatenate(name="join")([*pooled_outputs, x])
    elif net.join == "sum":
        x = layers.Add(name="join")([*pooled_outputs, x])
    if net.bottleneck:
        x = frame.conv(x, net.kernels, name="bottleneck", kernel_size=1)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate((net.dense_units, 1024), start=1):
        x = frame.dense(x, units, name=f"dense{number}")
        x = dropout(x, 0.5, name=f"dropout{number}")
    return keras.Model(inputs, frame.output(x), name=f"join_net_{net.join}")


def _convolution(net: JoinNet, frame: Frame, x: Any, name: str) -> Any:
    if net.normalization == "poolings":
        return frame.conv(x, net.kernels, name=name)
    x = frame.conv(x, net.kernels, name=name, activation=None, use_bias=False)
    x = BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
