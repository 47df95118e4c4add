"""Small nets placed exactly at a singularity: their loss, Jacobian and Hessian in closed form.

The net is v . phi(W x), or v . (phi(W x) + x) with an identity skip, under half the mean squared error. Its Hessian is
a sum of two matrices: J'J / n from the slopes of the outputs, and their curvatures weighted with the errors. The second
decides whether a singularity of the weights is one of the Hessian. The three causes are those of Orhan and Pitkow
(2018, arXiv:1701.09175).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
from scipy.special import expit

from skipnets.errors import require

Array = npt.NDArray[np.float64]
Cause = Literal["elimination", "overlap", "linear dependence"]
Setting = Literal["perfect fit", "error left", "elsewhere"]

CAUSES: tuple[Cause, ...] = ("elimination", "overlap", "linear dependence")
SETTINGS: tuple[Setting, ...] = ("perfect fit", "error left", "elsewhere")

#: Linear dependence takes six units; beyond twelve the smallest true eigenvalues come near the tolerance.
WIDTHS = (6, 12)

#: An eigenvalue counts as zero up to this share of the largest.
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Activation:
    """A nonlinearity with its derivatives, for NumPy arrays, and itself again for Keras."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    bend: Callable[[Array], Array]
    in_keras: Callable[[Any], Any]


#: log((1 + e^t) / 2): a smooth ReLU that passes through 0, so that a unit without incoming weights is silent.
SMOOTH = Activation(
    value=lambda t: np.logaddexp(0, t) - math.log(2),
    slope=expit,
    bend=lambda t: expit(t) * expit(-t),
    in_keras=lambda t: keras.ops.softplus(t) - math.log(2),
)

RELU = Activation(
    value=lambda t: np.maximum(t, 0),
    slope=lambda t: (t > 0).astype(np.float64),
    bend=np.zeros_like,
    in_keras=keras.ops.relu,
)


@dataclass(frozen=True)
class Net:
    """The function v . phi(W x), or v . (phi(W x) + x); its parameters are W, then v, in Keras' order."""

    incoming: Array  # (inputs, units), a unit a column; as many units as inputs
    outgoing: Array  # (units,)
    skip: bool = False
    activation: Activation = SMOOTH

    @property
    def parameters(self) -> Array:
        """All weights (inputs * units + units,)."""
        return np.concatenate([self.incoming.ravel(), self.outgoing])

    def with_parameters(self, parameters: Array) -> Net:
        """Return the same net with other weights, as ``parameters`` strings them together."""
        split = self.incoming.size
        incoming = parameters[:split].reshape(self.incoming.shape)
        return Net(incoming, parameters[split:], self.skip, self.activation)

    def row(self, unit: int) -> int:
        """Where the outgoing weight of ``unit`` stands among the parameters."""
        return self.incoming.size + unit

    def rows_into(self, unit: int) -> npt.NDArray[np.int64]:
        """Where the incoming weights of ``unit`` stand among the parameters, of shape (inputs,)."""
        inputs, units = self.incoming.shape
        return np.arange(inputs) * units + unit

    def hidden(self, inputs: Array) -> Array:
        """What the outgoing weights see (n, units), of ``inputs`` (n, inputs)."""
        hidden = self.activation.value(inputs @ self.incoming)
        return hidden + inputs if self.skip else hidden

    def outputs(self, inputs: Array) -> Array:
        """Outputs (n,)."""
        return self.hidden(inputs) @ self.outgoing

    def jacobian(self, inputs: Array) -> Array:
        """Derivatives (n, parameters) of the outputs."""
        slopes = self.activation.slope(inputs @ self.incoming) * self.outgoing
        by_incoming = inputs[:, :, None] * slopes[:, None, :]
        return np.hstack([by_incoming.reshape(len(inputs), -1), self.hidden(inputs)])

    def mean_curvature(self, inputs: Array, weights: Array) -> Array:
        """Second derivatives (parameters, parameters) of the outputs, averaged with ``weights`` (n,)."""
        before = inputs @ self.incoming
        bends = self.activation.bend(before) * self.outgoing * weights[:, None] / len(inputs)
        slopes = self.activation.slope(before) * weights[:, None] / len(inputs)
        curvature = np.zeros((self.parameters.size,) * 2)
        for unit in range(len(self.outgoing)):
            into, out = self.rows_into(unit), self.row(unit)
            curvature[np.ix_(into, into)] = inputs.T @ (bends[:, unit, None] * inputs)
            curvature[into, out] = curvature[out, into] = inputs.T @ slopes[:, unit]
        return curvature

    def as_model(self) -> keras.Model:
        """Return the same net in Keras, in float64, with outputs of shape (n, 1)."""
        size, units = self.incoming.shape
        inputs = keras.Input((size,), dtype="float64")
        phi = self.activation.in_keras
        hidden = keras.layers.Dense(units, phi, use_bias=False, dtype="float64", name="incoming")(inputs)
        if self.skip:
            hidden = keras.layers.Add(dtype="float64", name="skip")([hidden, inputs])
        output = keras.layers.Dense(1, use_bias=False, dtype="float64", name="outgoing")(hidden)
        model = keras.Model(inputs, output)
        model.set_weights([self.incoming, self.outgoing[:, None]])
        return model


@dataclass(frozen=True)
class Place:
    """A net with data: one point of a landscape, whose height is half the mean squared error."""

    net: Net
    inputs: Array  # (n, inputs)
    targets: Array  # (n,)

    @property
    def errors(self) -> Array:
        """Output minus target (n,)."""
        return self.net.outputs(self.inputs) - self.targets

    def loss(self) -> float:
        """Half the mean squared error."""
        return float(np.mean(self.errors**2)) / 2

    def loss_along(self, direction: Array, steps: Array) -> Array:
        """Loss (steps,) where the parameters are moved by each of ``steps`` times ``direction`` (parameters,)."""
        start = self.net.parameters
        moved = [self.net.with_parameters(start + step * direction) for step in steps]
        return np.array([Place(net, self.inputs, self.targets).loss() for net in moved])

    def gradient(self) -> Array:
        """Gradient (parameters,) of the loss."""
        return self.net.jacobian(self.inputs).T @ self.errors / len(self.inputs)

    def hessian(self) -> Array:
        """Hessian (parameters, parameters) of the loss."""
        jacobian = self.net.jacobian(self.inputs)
        return jacobian.T @ jacobian / len(self.inputs) + self.net.mean_curvature(self.inputs, self.errors)


def ordinary_weights(width: int, seed: int) -> tuple[Array, Array]:
    """Draw incoming (width, width) and outgoing weights (width,) at which nothing is singular.

    Raises:
        BadInputError: A width outside ``WIDTHS``, or a seed below zero.
    """
    require(*WIDTHS, width=width)
    require(0, seed=seed)
    rng = np.random.default_rng(seed)
    return rng.normal(size=(width, width)), rng.uniform(0.5, 1.5, width)


def singular_net(cause: Cause, width: int, seed: int, skip: bool = False, activation: Activation = SMOOTH) -> Net:
    """Return a net exactly at one of the three singularities, its other weights random.

    Elimination: no weights lead into unit 0. Overlap: the same weights lead into units 0 and 1. Linear dependence:
    units 0 to 5 lie along a, -a, b, -b, a + b and -(a + b). Since phi(t) - phi(-t) = t, as for ReLU, their outputs add
    up to a + b - (a + b) = 0 with the signs of ``free_direction``, though no two are equal and none is silent.

    Raises:
        BadInputError: A width outside ``WIDTHS``, or a seed below zero.
    """
    incoming, outgoing = ordinary_weights(width, seed)
    if cause == "elimination":
        incoming[:, 0] = 0
    elif cause == "overlap":
        incoming[:, 1] = incoming[:, 0]
    else:
        a, b = incoming[:, 0].copy(), incoming[:, 2].copy()
        incoming[:, :6] = np.transpose([a, -a, b, -b, a + b, -a - b])
    return Net(incoming, outgoing, skip, activation)


def dead_relu_net(width: int, seed: int, skip: bool = False) -> Net:
    """Return a net of ReLU whose unit 0 is silent on every input, since its bias is -1 and its other weights are 0.

    Raises:
        BadInputError: A width outside ``WIDTHS``, or a seed below zero.
    """
    incoming, outgoing = ordinary_weights(width, seed)
    incoming[:, 0] = 0
    incoming[-1, 0] = -1
    return Net(incoming, outgoing, skip, RELU)


def free_direction(cause: Cause, width: int) -> Array:
    """Direction (parameters,) of length 1 along which the outputs of ``singular_net`` without a skip do not change."""
    signs = {"elimination": [1], "overlap": [1, -1], "linear dependence": [1, -1, 1, -1, -1, 1]}[cause]
    direction = np.zeros(width * width + width)
    direction[width * width : width * width + len(signs)] = signs
    return direction / np.linalg.norm(direction)


def place(net: Net, setting: Setting, seed: int) -> Place:
    """Put a net on random data, four samples a parameter, so that its weights are where ``setting`` says.

    The targets are the net's own outputs (perfect fit), these plus normal noise (elsewhere), or plus the part of the
    noise to which every derivative of the outputs is orthogonal: a critical point with an error left. The last input
    is always 1, so that W holds biases too; the others are standard normal.
    """
    rng = np.random.default_rng([seed, 1])
    inputs = rng.normal(size=(4 * net.parameters.size, len(net.incoming)))
    inputs[:, -1] = 1
    noise = rng.normal(size=len(inputs))
    if setting == "error left":
        jacobian = net.jacobian(inputs)
        noise -= jacobian @ np.linalg.lstsq(jacobian, noise)[0]
    elif setting == "perfect fit":
        noise *= 0
    return Place(net, inputs, net.outputs(inputs) + noise)
