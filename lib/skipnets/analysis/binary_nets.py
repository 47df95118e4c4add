"""Every ReLU net of two nodes a layer with weights +-1, enumerated: which are local minima, and of what kind.

The toy of Orhan (arXiv:1701.09175v1, section 2.2): 7 layers of 2 nodes, a scalar output, a random regression from two
dimensions. Counting the input and the output among the 7 layers gives five 2 x 2 matrices and an output vector, 22
weights, 4,194,304 nets. The state after a layer is shared by all nets that continue it, and the output layer is
quadratic, so that all losses of one architecture on 64 inputs take seconds on one core.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from skipnets.errors import require

Array = npt.NDArray[np.float64]
Kind = Literal["plain", "residual", "hyper-residual", "path-residual"]

KINDS: tuple[Kind, ...] = ("plain", "residual", "hyper-residual", "path-residual")

#: Local minima as read off the paper; approximate but for the 54.
PUBLISHED: dict[Kind, int] = {
    "plain": 3_200_000,
    "residual": 140_000,
    "hyper-residual": 54,
    "path-residual": 505_000,
}

#: Most layers that are enumerated: one more would take sixteen times the memory.
MOST_LAYERS = 7

#: All signs of two weights (4, 2). A matrix is a pair of these rows, and so is numbered by its bits.
SIGNS: Array = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], dtype=np.float64)


@dataclass(frozen=True)
class Landscape:
    """Loss of every net of one architecture; bit 1 of a net's number is a weight +1, the first weight leads."""

    loss: Array  # (2 ** weights,) mean squared error
    power: Array  # (2 ** weights,) mean squared output; 0 for a silent net
    scale: float  # mean squared target, the loss of a silent net


@dataclass(frozen=True)
class Minima:
    """Counts of nets without a better neighbour one flipped weight away."""

    nets: int
    minima: int
    strict: int  # every neighbour is worse
    silent: int  # output 0 on every input
    best: int  # loss of the best net of all


def regression(seed: int, samples: int = 64) -> tuple[Array, Array]:
    """Return standard normal inputs (2, samples) and targets (samples,) that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(2, samples)), rng.normal(size=samples)


def landscape(kind: Kind, inputs: Array, targets: Array, layers: int = MOST_LAYERS) -> Landscape:
    """Compute the loss of every net.

    Args:
        kind: the architecture.
        inputs: of shape (2, samples).
        targets: of shape (samples,).
        layers: input and output included; there are ``layers - 2`` matrices.

    Returns:
        The loss of each of the ``2 ** (4 * layers - 6)`` nets.

    Raises:
        BadInputError: Too few layers for a matrix or too many for the memory.
    """
    require(3, MOST_LAYERS, layers=layers)
    matrices = layers - 2
    states = totals = inputs[np.newaxis]
    if matrices == 1:
        loss, power = _outputs(_options(kind, 1, states, totals), targets)
        return Landscape(loss, power, float(np.mean(targets**2)))
    states = _successors(_options(kind, 1, states, totals))
    parts = []
    for first in states:  # one subtree a first matrix, to stay within a few dozen megabytes
        branch = first[np.newaxis]
        total = branch + inputs
        for layer in range(2, matrices):
            branch = _successors(_options(kind, layer, branch, total))
            total = np.repeat(total, len(branch) // len(total), axis=0) + branch
        parts.append(_outputs(_options(kind, matrices, branch, total), targets))
    losses, powers = zip(*parts, strict=True)
    return Landscape(np.concatenate(losses), np.concatenate(powers), float(np.mean(targets**2)))


def _options(kind: Kind, layer: int, states: Array, totals: Array) -> Array:
    """What each node can become under each of its four rows of weights.

    Args:
        kind: the architecture.
        layer: number of the layer that ``states`` belong to, from 1.
        states: of shape (states, 2, samples).
        totals: sum of the states of this and all earlier layers, of shape (states, 2, samples).

    Returns:
        Array of shape (states, node, row, samples).
    """
    active = np.maximum(SIGNS @ states, 0)[:, np.newaxis]
    if kind == "plain":
        return np.repeat(active, 2, axis=1)
    if kind == "residual":
        return 2 / 3 * (active + states[:, :, np.newaxis])
    if kind == "hyper-residual":
        return 2 / (layer + 2) * (active + totals[:, :, np.newaxis])
    both = states.sum(axis=1, keepdims=True).repeat(2, axis=1)
    return 2 / 4 * (active + both[:, :, np.newaxis])


def _successors(options: Array) -> Array:
    """Return the states (16 * states, 2, samples) under all pairs of rows."""
    count, _, rows, samples = options.shape
    states = np.empty((count, rows, rows, 2, samples))
    states[..., 0, :] = options[:, 0, :, np.newaxis]
    states[..., 1, :] = options[:, 1, np.newaxis, :]
    return states.reshape(-1, 2, samples)


def _outputs(options: Array, targets: Array) -> tuple[Array, Array]:
    """Loss and mean squared output (64 * states,) under all last matrices and all output weights.

    Both are quadratic in the output weights, so that second moments of the last nodes are all that is needed.
    """
    first, second = options[:, 0], options[:, 1]
    samples = len(targets)
    power = [np.mean(node**2, axis=-1) for node in (first, second)]  # (states, row)
    along = [node @ targets / samples for node in (first, second)]
    cross = first @ second.transpose(0, 2, 1) / samples  # (states, row, row)
    squares = (power[0][:, :, np.newaxis] + power[1][:, np.newaxis])[..., np.newaxis]
    output_power = squares + 2 * cross[..., np.newaxis] * SIGNS.prod(axis=1)
    overlap = (
        along[0][:, :, np.newaxis, np.newaxis] * SIGNS[:, 0] + along[1][:, np.newaxis, :, np.newaxis] * SIGNS[:, 1]
    )
    loss = output_power - 2 * overlap + np.mean(targets**2)
    return loss.ravel(), output_power.ravel()


def count_minima(found: Landscape, tolerance: float = 1e-9) -> Minima:
    """Count the nets that no flip of one weight improves.

    Args:
        found: the losses.
        tolerance: difference of two losses, in units of the mean squared target, that counts as equal: equal functions
            summed in another order differ by rounding.

    Returns:
        How many there are and of what kind.
    """
    slack = tolerance * found.scale
    minimal = np.ones(found.loss.shape, bool)
    strict = np.ones(found.loss.shape, bool)
    for bit in range(found.loss.size.bit_length() - 1):
        pairs = found.loss.reshape(-1, 2, 2**bit)
        gain = pairs - pairs[:, ::-1]  # how much better the neighbour is
        minimal &= (gain <= slack).reshape(-1)
        strict &= (gain < -slack).reshape(-1)
    return Minima(
        nets=found.loss.size,
        minima=int(minimal.sum()),
        strict=int(strict.sum()),
        silent=int((minimal & (found.power <= slack)).sum()),
        best=int((found.loss <= found.loss.min() + slack).sum()),
    )
