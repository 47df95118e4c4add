"""Equation 1 of the first write-up, the gradient of a deep net as a product of matrices, multiplied out as printed.

The write-up defines neither the cost E nor the vector e. The formula is right for half the squared error and e = target
minus output (Orhan and Pitkow 2018, arXiv:1701.09175, supplementary note 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt

from skipnets.errors import require

Array = npt.NDArray[np.float64]


def random_weights(depth: int, width: int, seed: int) -> list[Array]:
    """Draw ``depth`` matrices (width, width) of independent normal entries of variance 1 / width.

    Raises:
        BadInputError: A depth or width below 1, or a seed below 0.
    """
    require(1, depth=depth, width=width)
    require(0, seed=seed)
    return list(np.random.default_rng(seed).normal(size=(depth, width, width)) / np.sqrt(width))


def printed_gradient(weights: Sequence[Array], inputs: Array, target: Array) -> list[Array]:
    """Evaluate Equation 1 for every weight of the net x_{l+1} = tanh(W_l x_l).

    The matrices are multiplied from the left, as they stand; automatic differentiation begins at the right.

    Args:
        weights: W_l of shape (outputs, inputs) of each layer.
        inputs: One input (inputs,).
        target: Its target (outputs,).

    Returns:
        dE / dW_l for every l, each of the shape of W_l.
    """
    x = [inputs]
    for weight in weights:
        x.append(np.tanh(weight @ x[-1]))
    slopes = [1 - after**2 for after in x[1:]]  # f'(h_{l+1}) of every l
    error = target - x[-1]
    gradients = []
    for layer in range(len(weights)):
        product = np.eye(len(weights[layer]))
        for later in range(layer + 1, len(weights)):
            product = product @ weights[later].T @ np.diag(slopes[later])
        # row i of the product belongs to the only entry that is not zero in the row vector of the equation
        gradients.append(-np.outer(slopes[layer] * (product @ error), x[layer]))
    return gradients


def as_model(weights: Sequence[Array]) -> keras.Model:
    """Return the same net in Keras, in float64; a kernel is the transpose of W_l."""
    outputs = inputs = keras.Input((weights[0].shape[1],), dtype="float64")
    for weight in weights:
        outputs = keras.layers.Dense(len(weight), "tanh", use_bias=False, dtype="float64")(outputs)
    model = keras.Model(inputs, outputs)
    model.set_weights([weight.T for weight in weights])
    return model
