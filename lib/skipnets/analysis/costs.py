"""What a network costs: parameters, multiply-adds and memory, counted from its layers; and what its head costs."""

import math
from dataclasses import dataclass
from typing import Any

import keras

from skipnets.architectures import blueprint, build
from skipnets.architectures.blocks import GroupedConv2D
from skipnets.specs import CNN, Part

#: Bytes of a float32.
FLOAT = 4

#: Heads of document 000's CNN: as printed; with averages instead; averages alone, one map a class (Lin et al. 2013).
HEADS: tuple[str, ...] = ("flatten, dense 64, dense 10", "average, dense 64, dense 10", "ten maps, average")


@dataclass(frozen=True)
class Cost:
    """The cost of one image's forward pass."""

    parameters: int
    multiply_adds: int  # of convolutions and dense layers; twice as many floating-point operations
    additions: int  # of skips: one for each number that an Add layer joins to the first of its inputs
    activation_bytes: int  # every layer's output in float32, which a backward pass keeps


def cost(model: keras.Model) -> Cost:
    """Count what ``model`` costs.

    Multiply-adds are those of He et al. (2016): convolutions, counted at every position of the output as if padding
    were pixels, and dense layers; biases, normalization, activations and pooling are left out. A grouped
    convolution counts as one, however it is computed.
    """
    outputs = [math.prod(layer.output.shape[1:]) for layer in model.layers]
    return Cost(
        parameters=model.count_params(),
        multiply_adds=sum(map(_multiply_adds, model.layers)),
        additions=sum(
            (len(layer.input) - 1) * size
            for layer, size in zip(model.layers, outputs, strict=True)
            if isinstance(layer, keras.layers.Add)
        ),
        activation_bytes=FLOAT * sum(outputs),
    )


def architecture_cost(architecture: Part) -> Cost:
    """Count what a network for CIFAR-10's images costs."""
    return cost(blueprint(architecture))


def _multiply_adds(layer: keras.Layer) -> int:
    if not isinstance(layer, keras.layers.Conv2D | keras.layers.Dense | GroupedConv2D):
        return 0
    positions = math.prod(layer.output.shape[1:-1])
    return int(positions * math.prod(layer.kernel.shape))


def head_parameters(side: int) -> dict[str, int]:
    """Parameters of the head that document 000's CNN needs on images of ``side`` pixels, for each of ``HEADS``.

    Counted by Keras on models that were built.

    Raises:
        BadInputError: The images are too small for three poolings.
    """
    body = build(CNN(), input_shape=(side, side, 3)).get_layer("stage3_pool").output
    heads: list[list[Any]] = [
        [keras.layers.Flatten(), keras.layers.Dense(64), keras.layers.Dense(10)],
        [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(64), keras.layers.Dense(10)],
        [keras.layers.Conv2D(10, 1), keras.layers.GlobalAveragePooling2D()],
    ]
    counts = {}
    for name, head in zip(HEADS, heads, strict=True):
        model = keras.Sequential([keras.Input(body.shape[1:]), *head])
        counts[name] = model.count_params()
    return counts
