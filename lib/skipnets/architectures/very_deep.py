"""Document 004: PlainNet, ResNet and ResNeXt for small images, 164 layers by default.

PlainNet and ResNet are He et al.'s CIFAR nets (2015, section 4.2): a stem, three stages of n basic blocks of two
3x3 convolutions with 16, 32 and 64 channels, global average pooling and the output layer, 6n+2 layers. Their
164-layer form has 2,602,906 trainable parameters with batch normalization and 2,590,778 without.

ResNeXt takes Xie et al.'s block (2017): 1x1, grouped 3x3, 1x1 convolutions, so 9n+2 layers (164: n = 18). The paper
behind document 004 names neither cardinality nor widths. Here: cardinality 4, inner widths 32, 64, 128 (8, 16, 32 a
group), outer widths 64, 128, 256; 2,432,474 trainable parameters at 164 layers where the paper prints 2.5.

Convolutions have no bias, shortcuts no parameters: where the size changes they take every second pixel and pad the
new channels with zeros (He et al.'s option A).
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from skipnets.architectures.blocks import BatchNormalization, Frame, GroupedConv2D
from skipnets.specs import DeepNet

CARDINALITY = 4


def build_deep_net(net: DeepNet, frame: Frame) -> keras.Model:
    """Build the plain, residual or ResNeXt net that ``net`` describes."""
    block, layers_a_block, expansion = (_resnext_branch, 3, 4) if net.kind == "resnext" else (_basic_branch, 2, 1)
    blocks = (net.depth - 2) // (3 * layers_a_block)
    inputs = frame.input()
    x = _conv_unit(net, frame, inputs, net.width, "stem")
    for stage in range(1, 4):
        for unit in range(1, blocks + 1):
            strides = 2 if stage > 1 and unit == 1 else 1
            width = net.width * 2 ** (stage - 1)
            x = _unit(net, frame, x, block, width, expansion, strides, f"stage{stage}_unit{unit}")
    x = layers.GlobalAveragePooling2D(name="global_pool")(x)
    return keras.Model(inputs, frame.output(x), name=f"{net.kind}_{net.depth}")


def _unit(
    net: DeepNet,
    frame: Frame,
    x: Any,
    branch: Callable[..., Any],
    width: int,
    expansion: int,
    strides: int,
    name: str,
) -> Any:
    """Apply one block: its branch, the shortcut beside it (not in a plain net), and the closing ReLU."""
    y = branch(net, frame, x, width, strides, name)
    if net.kind != "plain_net":
        if net.branch_scale != 1:
            y = layers.Rescaling(net.branch_scale, name=f"{name}_scale")(y)
        y = layers.Add(name=f"{name}_add")([y, _shortcut(x, width * expansion, strides, name)])
    return layers.ReLU(name=f"{name}_relu")(y)


def _basic_branch(net: DeepNet, frame: Frame, x: Any, width: int, strides: int, name: str) -> Any:
    x = _conv_unit(net, frame, x, width, f"{name}_conv1", strides=strides)
    return _conv_unit(net, frame, x, width, f"{name}_conv2", relu=False)


def _resnext_branch(net: DeepNet, frame: Frame, x: Any, width: int, strides: int, name: str) -> Any:
    x = _conv_unit(net, frame, x, 2 * width, f"{name}_conv1", kernel_size=1)
    x = GroupedConv2D(2 * width, CARDINALITY, strides, frame.initializer, name=f"{name}_conv2")(x)
    x = _norm_relu(net, x, f"{name}_conv2")
    return _conv_unit(net, frame, x, 4 * width, f"{name}_conv3", relu=False, kernel_size=1)


def _conv_unit(net: DeepNet, frame: Frame, x: Any, filters: int, name: str, relu: bool = True, **options: Any) -> Any:
    x = frame.conv(x, filters, name=name, activation=None, use_bias=False, **options)
    return _norm_relu(net, x, name, relu)


def _norm_relu(net: DeepNet, x: Any, name: str, relu: bool = True) -> Any:
    if net.batch_norm:
        x = BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _shortcut(x: Any, channels: int, strides: int, name: str) -> Any:
    if strides > 1:
        x = layers.MaxPooling2D(1, strides=strides, name=f"{name}_every_second")(x)
    missing = channels - x.shape[-1]
    if missing:
        # Read as channels first, the last axis is a width, and Keras' layer pads it (keras.ops.pad has no fixed name).
        padding = layers.ZeroPadding2D(((0, 0), (0, missing)), "channels_first", name=f"{name}_new_channels")
        x = padding(x)
    return x
