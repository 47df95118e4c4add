"""Dead units in a net of one hidden layer: what they do to the condition number and to learning, and what kills them.

The condition number of a hidden representation is its largest singular value over its smallest. A unit that is 0 on
every input is a row of zeros in the matrix of units against inputs: the smallest singular value is 0, and the number
infinite, whatever the other units do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: A bias so low that no input of ``rings`` wakes a unit whose incoming weights have length 1.
ASLEEP = -10.0


@dataclass(frozen=True)
class Learnt:
    """A net after training, measured on new inputs."""

    units: int
    dead: int  # units that are 0 on every input
    rank: int  # of the units' outputs
    condition: float  # of the same matrix; infinite where the rank is below the number of units
    accuracy: float  # share of the inputs that are right
    outputs: Array  # log-odds of the class, (inputs,)


def rings(inputs: int, seed: int) -> tuple[Array, Array]:
    """Return points of the plane (inputs, 2), within 3 of the origin, and whether each lies in the inner half of them.

    Both classes are equally likely, and no straight line tells them apart.
    """
    rng = np.random.default_rng(seed)
    squares, angles = rng.random(inputs), 2 * np.pi * rng.random(inputs)
    points = 3 * np.sqrt(squares)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return points, (squares < 0.5).astype(float)


def learn(alive: int, dead: int, seed: int = 0) -> Learnt:
    """Train a ReLU net on 400 points of ``rings``, by 2,000 steps of gradient descent, and measure it on 400 new ones.

    Args:
        alive: Hidden units with random weights; a seed gives them the same ones whatever ``dead`` is.
        dead: Further hidden units that start with a bias of ``ASLEEP``.
        seed: Of the weights and the points.

    Returns:
        The net as it is on the new points.
    """
    inputs, steps, rate = 400, 2000, 0.5
    (weights, biases, out), asleep = _draw(alive, seed), _draw(dead, seed + 3)
    weights, out = np.vstack([weights, asleep[0]]), np.concatenate([out, asleep[2]])
    biases, offset = np.concatenate([biases, np.full(dead, ASLEEP)]), 0.0
    points, inner = rings(inputs, seed + 1)
    for _ in range(steps):
        hidden = _hidden(points, weights, biases)
        error = 1 / (1 + np.exp(-(hidden @ out + offset))) - inner
        back = np.outer(error, out) * (hidden > 0) / inputs
        weights, biases = weights - rate * back.T @ points, biases - rate * back.sum(axis=0)
        out, offset = out - rate * hidden.T @ error / inputs, offset - rate * float(error.mean())
    points, inner = rings(inputs, seed + 2)
    return _measure(_hidden(points, weights, biases), out, offset, inner)


def dead_after_one_step(
    rates: Sequence[float], inputs: Array, targets: Array, width: int, seeds: Sequence[int]
) -> Array:
    """Share of dead units after one step of gradient descent from a fresh net of one hidden layer.

    Dead: the unit gives 0 on every input, so that its gradient is 0 and no further step revives it. Weights start
    normal with He's variance, biases at 0; the loss is half the mean squared error.

    Args:
        rates: learning rates.
        inputs: of shape (n, features).
        targets: of shape (n,).
        width: hidden units.
        seeds: one fresh net each.

    Returns:
        Shares of shape (seeds, rates).
    """
    shares = np.empty((len(seeds), len(rates)))
    for row, seed in enumerate(seeds):
        rng = np.random.default_rng(seed)
        weights = rng.normal(size=(inputs.shape[1], width)) * np.sqrt(2 / inputs.shape[1])
        outgoing = rng.normal(size=width) * np.sqrt(2 / width)
        along_weights, along_biases = hidden_gradient(weights, np.zeros(width), outgoing, inputs, targets)
        for column, rate in enumerate(rates):
            states = inputs @ (weights - rate * along_weights) - rate * along_biases
            shares[row, column] = np.mean((states <= 0).all(axis=0))
    return shares


def hidden_gradient(
    weights: Array, biases: Array, outgoing: Array, inputs: Array, targets: Array
) -> tuple[Array, Array]:
    """Gradient of half the mean squared error of outgoing . relu(inputs weights + biases), for weights and biases.

    Args:
        weights: of shape (features, width).
        biases: of shape (width,).
        outgoing: weights to the one output, of shape (width,).
        inputs: of shape (n, features).
        targets: of shape (n,).

    Returns:
        Gradients of the shapes of ``weights`` and ``biases``.
    """
    states = inputs @ weights + biases
    errors = np.maximum(states, 0) @ outgoing - targets
    at_states = errors[:, None] * outgoing * (states > 0) / len(inputs)
    return inputs.T @ at_states, at_states.sum(axis=0)


def _draw(units: int, seed: int) -> tuple[Array, Array, Array]:
    """Return incoming weights of length 1, biases that put every unit's kink among the points, and outgoing weights."""
    rng = np.random.default_rng(seed)
    angles = rng.uniform(0, 2 * np.pi, units)
    weights = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return weights, rng.uniform(-2, 2, units), rng.normal(size=units) / np.sqrt(max(1, units))


def _hidden(points: Array, weights: Array, biases: Array) -> Array:
    hidden: Array = np.maximum(points @ weights.T + biases, 0)
    return hidden


def _measure(hidden: Array, out: Array, offset: float, inner: Array) -> Learnt:
    singular = np.linalg.svd(hidden, compute_uv=False)
    rank, units = int(np.linalg.matrix_rank(hidden)), hidden.shape[1]
    outputs = hidden @ out + offset
    return Learnt(
        units=units,
        dead=int((hidden == 0).all(axis=0).sum()),
        rank=rank,
        condition=float(singular[0] / singular[-1]) if rank == units else np.inf,
        accuracy=float(np.mean((outputs > 0) == (inner > 0))),
        outputs=outputs,
    )
