"""Keras builders of every network in the three write-ups; ``build`` turns a spec's architecture into a model."""

from typing import Any

import keras

from skipnets.architectures import cnn_vs_resnet, concat_vs_sum, very_deep
from skipnets.architectures.blocks import Frame
from skipnets.architectures.initializers import REGISTERED
from skipnets.errors import BadInputError
from skipnets.specs import CNN, DeepNet, JoinNet, Part, ResNet

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
    loss: str = "logits",
    initializer: str = "glorot_uniform",
) -> keras.Model:
    """Build the network that ``architecture`` describes, with fresh weights from Keras' global seed.

    Args:
        architecture: One of the architecture parts of ``skipnets.specs``.
        input_shape: Height, width and channels of an image.
        classes: Number of outputs.
        loss: ``"logits"`` leaves the outputs linear, ``"probabilities"`` gives the output layer a softmax.
        initializer: Name of the initialiser of every kernel, as specs have it.

    Returns:
        A model from images (n, height, width, channels) to outputs (n, classes).

    Raises:
        BadInputError: The images are too small for the network's convolutions and poolings, or the initialiser does
            not fit its channels or the images'.
    """
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
    except ValueError as error:
        raise BadInputError(f"image shape {input_shape}: too small for a {type(architecture).__name__}") from error
