"""Categorical cross-entropy: Equation 5 of document 000, and three ways to hand a net's outputs to Keras' loss."""

from __future__ import annotations

from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: Logits; probabilities straight from a softmax layer; probabilities as bare numbers, as after a dropout.
Route = Literal["logits", "softmax layer", "bare probabilities"]

ROUTES: tuple[Route, ...] = ("logits", "softmax layer", "bare probabilities")


def equation_5(targets: Array, probabilities: Array) -> Array:
    """Return -sum_i y_i log(yhat_i) in nats, shape (n,), from arrays (n, classes); a target of 0 adds nothing."""
    # the logarithm only where it counts: 0 times the logarithm of 0 is 0 in this sum
    logarithms = np.log(probabilities, out=np.zeros_like(probabilities), where=targets > 0)
    return -(targets * logarithms).sum(axis=1)


def keras_loss(targets: Array, logits: Array, route: Route) -> Array:
    """Let Keras compute the loss of each image in single precision.

    Args:
        targets: one-hot, of shape (n, classes).
        logits: of shape (n, classes).
        route: how the loss gets them. On TensorFlow a softmax layer's output still knows its logits, and the loss
            takes those; once anything changes the output, only the probabilities are left, which Keras clips.

    Returns:
        Losses in nats, of shape (n,).
    """
    outputs: Any = logits.astype(np.float32)
    if route != "logits":
        outputs = keras.layers.Activation("softmax")(outputs)
    if route == "bare probabilities":
        outputs = keras.ops.convert_to_numpy(outputs)
    loss = keras.losses.CategoricalCrossentropy(from_logits=route == "logits", reduction=None)
    return np.asarray(keras.ops.convert_to_numpy(loss(targets, outputs)), dtype=np.float64)


def wrong_by(gaps: Array, classes: int = 10) -> tuple[Array, Array]:
    """Return one-hot targets and logits (n, classes) where the true class lies ``gaps`` (n,) below all others."""
    targets, logits = np.zeros((2, len(gaps), classes))
    targets[:, 0], logits[:, 0] = 1, -gaps
    return targets, logits
