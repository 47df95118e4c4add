"""Closed forms for the signal of wide random ReLU nets: moments, cosines of inputs and of gradients, silence.

A layer is h' = s h + W relu(h), with s = 0 in a plain and 1 in a residual net, and W of independent entries of mean 0
and variance v / width. Its *gain* is v / 2: 1/2 for Glorot's v = 1 and 1 for He's v = 2. The forms hold as the width
grows, as if the way back met weights drawn anew (He et al., 2015, arXiv:1502.01852, for the moments; Cho and Saul,
2009, for the cosines; Balduzzi et al., 2017, for the gradients). Inputs are orthogonal and of equal length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skipnets.analysis.dense_nets import Wiring

Array = npt.NDArray[np.float64]

#: Gain of a layer by Keras' name of the initializer.
GAINS: dict[str, float] = {"glorot_normal": 0.5, "he_normal": 1.0}

#: Share of a rectified normal variable's second moment that is variance; the rest is its squared mean.
VARIED = 1 - 1 / np.pi


@dataclass(frozen=True)
class Prediction:
    """What the closed forms say of layers h_1 to h_depth; every array is of shape (depth,)."""

    scale: Array  # root mean square of h, in units of that of h_1
    spread: Array  # standard deviation across inputs as a share of the scale
    gradient: Array  # norm of the gradient in h, in units of that in the last layer
    backward: Array  # cosine between two inputs' gradients of one output


def predict(wiring: Wiring, gain: float, depth: int, batch_norm: bool = False) -> Prediction:
    """Predict the signal of ``build_dense_net``'s nets of ``depth`` hidden layers at initialization.

    With batch normalization the batch is large, and its inputs stay as good as orthogonal once their mean is taken off.
    """
    skip = float(wiring == "residual")
    if batch_norm:
        return _predict_normalized(skip, gain, depth)
    layers = np.arange(depth)
    growth = skip + gain
    cosines = forward_cosines(0.0, gain, depth, skip)
    backward = backward_cosines((skip + gain * coactive(cosines[:-1])) / growth)
    gradient = growth ** ((depth - 1 - layers) / 2)
    if wiring in ("concatenation", "summation"):
        gradient, backward = joined_gradients(gain, cosines)
    return Prediction(growth ** (layers / 2), np.sqrt(1 - cosines), gradient, backward)


def _predict_normalized(skip: float, gain: float, depth: int) -> Prediction:
    layers = np.arange(depth)
    if skip:
        moments, variances = 2 * gain + gain * layers, 2 * gain + gain * VARIED * layers
        branch = gain / variances[:-1]  # of a layer's squared gradient, what comes back through its normalization
    else:
        moments = variances = np.ones(depth)
        branch = np.full(depth - 1, 1 / VARIED)
    gradient = np.sqrt(np.append(np.cumprod((skip + branch)[::-1])[::-1], 1.0))
    kept = (skip + branch * coactive(0.0)) / (skip + branch)
    return Prediction(np.sqrt(moments / moments[0]), np.sqrt(variances / moments), gradient, backward_cosines(kept))


def coactive(cosine: npt.ArrayLike) -> Array:
    """Of the units active on one input, the share active on another with this cosine: 1/2 if orthogonal."""
    return np.asarray(1 - np.arccos(np.clip(cosine, -1, 1)) / np.pi)


def cosine_after_relu(cosine: npt.ArrayLike) -> Array:
    """Cosine between relu(h) on two inputs, from the cosine between the h, which are jointly normal."""
    angle = np.arccos(np.clip(cosine, -1, 1))
    return np.asarray((np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi)


def forward_cosines(start: float, gain: float, depth: int, skip: float = 0.0) -> Array:
    """Cosines (depth,) between h_1 to h_depth on two inputs of equal length, whose h_1 have the cosine ``start``."""
    found = [start]
    for _ in range(depth - 1):
        found.append((skip * found[-1] + gain * float(cosine_after_relu(found[-1]))) / (skip + gain))
    return np.array(found)


def backward_cosines(kept: Array) -> Array:
    """Cosines (depth,) between gradients in h_1 to h_depth, from the factors (depth - 1,) of the layers between."""
    return np.append(np.cumprod(kept[::-1])[::-1], 1.0)


def joined_gradients(gain: float, cosines: Array) -> tuple[Array, Array]:
    """Gradients in a net whose output reads the sum, or each, of h_1 to h_depth, whose forward ``cosines`` are given.

    Layer l hears from the output by itself and through every later layer: 1 + gain + gain^2 + ...

    Returns:
        Norms (depth,) in units of that at the last layer, and cosines (depth,) between two inputs' gradients.
    """
    moments, products = [1.0], [1.0]
    for shared in coactive(cosines[:-1])[::-1]:
        moments.append(1 + gain * moments[-1])
        products.append(1 + gain * float(shared) * products[-1])
    return np.sqrt(moments[::-1]), np.array(products[::-1]) / np.array(moments[::-1])


def silent_probability(width: int, depth: int) -> float:
    """Probability that one input leaves nothing behind ``depth`` dense ReLU layers of ``width`` units without bias.

    Exact at any width: while anything arrives, every unit is as likely to be negative as not, and all are with
    probability 2^-width (compare Lu et al., 2019, arXiv:1903.06733).
    """
    return float(1 - (1 - 0.5**width) ** depth)
