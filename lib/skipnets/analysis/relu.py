"""ReLU: how near to a straight line it is, and into how many straight pieces a net cuts a line.

Counts of pieces are exact. The expectation to compare with is Hanin and Rolnick's (arXiv:1901.09021): at the start of
training it grows with the number of units, wherever they stand; the most a deep net can have, as in ``sawtooth``, is
exponential in its depth (Montufar et al., arXiv:1402.1869; Telgarsky, arXiv:1602.04485).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: A layer: weights (inputs, units) and biases (units,).
Layer = tuple[Array, Array]


def relu(z: Array) -> Array:
    """Return max(0, z)."""
    return np.maximum(z, 0)


def linear_share(activation: Callable[[Array], Array], spreads: Sequence[float]) -> Array:
    """Share of an activation's variance that the best straight line explains, its R squared.

    Args:
        activation: elementwise function of an array.
        spreads: standard deviations of its normal input, mean 0.

    Returns:
        One share a spread; 1 would be a straight line.
    """
    z, step = np.linspace(-10, 10, 40_001, retstep=True)
    weights = np.exp(-(z**2) / 2) * step / np.sqrt(2 * np.pi)
    shares = []
    for spread in spreads:
        values = activation(spread * z)
        centred = values - weights @ values
        shares.append((weights @ (z * centred)) ** 2 / (weights @ centred**2))
    return np.array(shares)


def random_net(widths: Sequence[int], seed: int) -> list[Layer]:
    """Return a net of one input: He's normal weights (variance 2 / inputs), standard normal biases."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=(inputs, units)) * np.sqrt(2 / inputs), rng.normal(size=units))
        for inputs, units in zip([1, *widths], widths, strict=False)
    ]


def sawtooth(depth: int) -> list[Layer]:
    """Return a net of two units a layer that folds [0, 1] in half once a layer: 2 ** depth pieces there."""
    bias = np.array([0.0, -0.5])
    return [(np.ones((1, 2)), bias), *[(np.array([[2.0, 2.0], [-4.0, -4.0]]), bias)] * (depth - 1)]


def last_units(net: Sequence[Layer], x: Array) -> Array:
    """Return what the last ReLU layer gives at x (points,), of shape (points, units)."""
    values = x[:, None]
    for weights, biases in net:
        values = relu(values @ weights + biases)
    return values


def breakpoints(net: Sequence[Layer]) -> Array:
    """Every input at which a unit of a net of one input goes on or off, in order, exactly.

    On a piece all units are affine in the input, so that each unit of the next layer has at most one zero there.

    Returns:
        Inputs of shape (breakpoints,); they cut the line into one piece more.
    """
    points = np.empty(0)
    slopes, offsets = np.ones((1, 1)), np.zeros((1, 1))  # (pieces, units) of what enters the next layer
    for weights, biases in net:
        slopes, offsets = slopes @ weights, offsets @ weights + biases
        left, right = np.append(-np.inf, points)[:, None], np.append(points, np.inf)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):  # a unit that is flat on a piece has no zero there
            zeros = -offsets / slopes
        new = np.unique(zeros[(left < zeros) & (zeros < right) & np.isfinite(zeros)])
        piece = np.searchsorted(points, _between(np.union1d(points, new)))
        points = np.union1d(points, new)
        slopes, offsets = slopes[piece], offsets[piece]
        on = slopes * _between(points)[:, None] + offsets > 0
        slopes, offsets = slopes * on, offsets * on
    return points


def _between(points: Array) -> Array:
    """Return one input inside each piece that ``points`` cut the line into."""
    if not len(points):
        return np.zeros(1)
    return np.concatenate([points[:1] - 1, (points[1:] + points[:-1]) / 2, points[-1:] + 1])
