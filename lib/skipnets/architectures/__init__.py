"""Keras builders of every network in the three write-ups; ``build`` turns a spec's architecture into a model."""

from typing import Any, get_args

import keras

from skipnets.architectures import cnn_vs_resnet, concat_vs_sum, very_deep
from skipnets.architectures.blocks import Frame
from skipnets.architectures.initializers import REGISTERED
from skipnets.errors import BadInputError, require
from skipnets.specs import CNN, DeepNet, Initializer, JoinNet, Loss, Part, ResNet

_BUILDERS: dict[type[Part], Any] = {
    CNN: cnn_vs_resnet.build_cnn,
    ResNet: cnn_vs_resnet.build_resnet,
    JoinNet: concat_vs_sum.build_join_net,
    DeepNet: very_deep.build_deep_net,
}


def build(
    architecture: Part,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
    loss: Loss = "logits",
    initializer: Initializer = "glorot_uniform",
) -> keras.Model:
    """Build the network that ``architecture`` describes, with fresh weights from Keras' global seed.

    Args:
        architecture: One of the architecture parts of ``skipnets.specs``.
        input_shape: Height, width and channels of an image.
        classes: Number of outputs.
        loss: ``"logits"`` leaves the outputs linear, ``"probabilities"`` gives the output layer a softmax.
        initializer: Name of the initializer of every kernel, as specs have it.

    Returns:
        A model from images (n, height, width, channels) to outputs (n, classes).

    Raises:
        BadInputError: No such loss or initializer, images without three sizes or without a class, images too small for
            the network's convolutions and poolings, or the initializer does not fit its channels or the images'.
    """
    for name, value, allowed in (("loss", loss, get_args(Loss)), ("initializer", initializer, get_args(Initializer))):
        if value not in allowed:
            raise BadInputError(f"{name} {value!r}: expected one of {', '.join(allowed)}")
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise BadInputError(f"image shape {input_shape}: expected height, width and channels, each at least 1")
    require(1, classes=classes)
    if initializer == "looks_linear" and input_shape[2] % 2 == 0:
        raise BadInputError(
            f"initializer 'looks_linear': images of {input_shape[2]} channels would count as mirrored already, "
            "expected an odd number"
        )
    output_activation = "softmax" if loss == "probabilities" else None
    frame = Frame(input_shape, classes, output_activation, REGISTERED.get(initializer, initializer))
    try:
        return _BUILDERS[type(architecture)](architecture, frame)
    except BadInputError:
        raise
    except ValueError as error:  # all else that Keras could refuse is checked by now
        raise BadInputError(f"image shape {input_shape}: too small for a {type(architecture).__name__}") from error


def blueprint(architecture: Part) -> keras.Model:
    """Build a network for CIFAR-10's images without making its weights, which takes half of the time.

    For what can be read off its layers: their shapes, and how many weights they have.
    """
    with keras.StatelessScope(initialize_variables=False):
        return build(architecture)
