"""From outputs to losses and correct answers, image by image, the same on every backend."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

Floats = npt.NDArray[np.floating]

#: Keras clips probabilities to this distance from 0 and 1 before it takes their logarithm.
CLIP = 1e-7

#: Accuracy of a net of ten classes that knows nothing, and of one whose training diverged.
CHANCE = 0.1


def cross_entropy(
    outputs: Floats, labels: npt.NDArray[np.int64], loss: Literal["logits", "probabilities"]
) -> npt.NDArray[np.float64]:
    """Categorical cross-entropy of each image in nats, shape (n,), from outputs (n, classes).

    Probabilities are renormalized and clipped as ``keras.losses.CategoricalCrossentropy`` does with plain arrays,
    so an image costs at most -log(1e-7) = 16.1. That holds for evaluations. A net that ends in a softmax is trained on
    what enters it, unclipped, so that the loss of the training curve (dropout on) has no such bound.
    """
    rows, outputs = np.arange(len(labels)), outputs.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):  # a diverged network's outputs give NaN in silence
        if loss == "logits":
            return -log_softmax(outputs, axis=1)[rows, labels]
        probabilities = outputs / outputs.sum(axis=1, keepdims=True)
    return -np.log(np.clip(probabilities[rows, labels], CLIP, 1 - CLIP))


def correct(outputs: Floats, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether the largest output is the label's, shape (n,); outputs that are not finite are wrong answers."""
    return (outputs.argmax(axis=1) == labels) & np.isfinite(outputs).all(axis=1)
