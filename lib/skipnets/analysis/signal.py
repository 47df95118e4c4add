"""Forward and backward signal of any Keras model on a batch, layer by layer: scale, spread, silence, gradients.

The batch passes once forwards and once backwards, all of it in memory, as in a training step: batch
normalization takes the statistics of this batch, dropout draws. What such a step would change in the model is put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from skipnets.environment import require_tensorflow
from skipnets.errors import BadInputError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """What passes through the chosen layers of a model; every array is of shape (layers,)."""

    layers: tuple[str, ...]
    lowest: Array  # smallest number in the outputs
    highest: Array  # largest number in the outputs
    scale: Array  # root mean square of the outputs, over images and units
    spread: Array  # standard deviation of a unit across the images, root mean square over units
    silent: Array  # share of the channels (last axis) that are the same number on every image and at every position
    gradient: Array  # norm of the derivative of an image's loss in the layer's outputs, root mean square over images
    kernel_gradient: Array  # norm of the gradient of the mean loss in the layer's kernels; nan without any
    bias_gradient: Array  # the same in its biases and other weights that are vectors; nan without any

    @property
    def relative_spread(self) -> Array:
        """Spread as a share of the scale: 1 if inputs are told apart fully, 0 if all give the same (or nothing)."""
        return np.divide(self.spread, self.scale, out=np.zeros_like(self.scale), where=self.scale > 0)


def layers_of_kind(model: keras.Model, *kinds: type[keras.layers.Layer]) -> list[str]:
    """Names of the layers of a functional model that are of one of ``kinds``, in the order of computation."""
    return [layer.name for layer in model.operations if isinstance(layer, kinds)]


def outputs_of(model: keras.Model, layers: Sequence[str]) -> list[Any]:
    """Symbolic outputs of ``layers``, from which to make a model of them.

    Raises:
        BadInputError: No such layer, or no layer at all.
    """
    known = [layer.name for layer in model.operations]
    if unknown := [name for name in layers if name not in known]:
        raise BadInputError(f"layer {unknown[0]!r}: model {model.name!r} has {', '.join(known)}")
    if not layers:
        raise BadInputError(f"layers: expected at least one of model {model.name!r}")
    return [model.get_layer(name).output for name in layers]


def measure_signal(
    model: keras.Model,
    loss: keras.losses.Loss,
    images: npt.ArrayLike,
    labels: npt.ArrayLike,
    layers: Sequence[str],
) -> Signal:
    """Measure the signal of a batch in the outputs of ``layers``.

    Args:
        model: A functional model on the TensorFlow backend.
        loss: A Keras loss.
        images: (n, ...) inputs of the model, n at least 2.
        labels: (n, ...) as the loss wants them.
        layers: Names of layers.

    Returns:
        One value a layer, in the order of ``layers``.

    Raises:
        BadInputError: Another backend, no such layer, no layer at all, images and labels that do not pair up.
    """
    probe, x = _prepare(model, images, layers)
    y = tf.constant(np.asarray(labels))
    if len(y) != len(x):
        raise BadInputError(f"images {tuple(x.shape)} and labels {tuple(y.shape)}: expected as many of both")
    weights = [model.get_layer(name).trainable_variables for name in layers]
    with unchanged(model), tf.GradientTape() as tape:
        tape.watch(x)
        *hidden, outputs = probe(x, training=True)
        total = tf.reduce_sum(loss.call(y, outputs))
    sources = (hidden, [[variable.value for variable in variables] for variables in weights])
    backward, weight_gradients = tape.gradient(total, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    lowest, highest, scale, spread, silent = np.array([_describe(np.asarray(h, np.float64)) for h in hidden]).T
    return Signal(
        tuple(layers),
        lowest,
        highest,
        scale,
        spread,
        silent,
        np.array([np.linalg.norm(np.asarray(g, np.float64)) / np.sqrt(len(x)) for g in backward]),
        np.array([_norm([part for part in parts if part.ndim > 1]) / len(x) for parts in weight_gradients]),
        np.array([_norm([part for part in parts if part.ndim == 1]) / len(x) for parts in weight_gradients]),
    )


@dataclass(frozen=True)
class Cosines:
    """Mean cosine over all pairs of different inputs, in the chosen layers; both arrays are of shape (layers,)."""

    layers: tuple[str, ...]
    forward: Array  # of the layer's outputs
    backward: Array  # of the derivatives of one output of the model in the layer's outputs


def measure_cosines(model: keras.Model, inputs: npt.ArrayLike, layers: Sequence[str], seed: int = 0) -> Cosines:
    """Measure how alike a model treats its inputs, forwards and backwards.

    Gradients of different inputs that point the same way can be followed together; where their cosine is near 0 they
    are as unrelated as white noise, "shattered" (Balduzzi et al., 2017).

    With batch normalization an output depends on all inputs, and the sum over the batch of what it normalizes is
    constant. So the outputs are added with random signs, and each input's gradient is taken with its own sign; what
    it holds of the other inputs' outputs falls with the size of the batch.

    Args:
        model: A functional model on the TensorFlow backend; its first output is derived.
        inputs: (n, ...), n at least 2.
        layers: Names of layers.
        seed: Of the signs.

    Returns:
        One value a layer, in the order of ``layers``; nan where every input gives zeros.

    Raises:
        BadInputError: Another backend, no such layer, no layer at all, fewer than two inputs.
    """
    probe, x = _prepare(model, inputs, layers)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], len(x))
    with unchanged(model), tf.GradientTape() as tape:
        tape.watch(x)
        *hidden, outputs = probe(x, training=True)
        total = tf.reduce_sum(tf.reshape(outputs, [len(x), -1])[:, 0] * tf.constant(signs, outputs.dtype))
    backward = tape.gradient(total, hidden, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return Cosines(
        tuple(layers),
        np.array([_mean_cosine(np.asarray(h, np.float64)) for h in hidden]),
        np.array([_mean_cosine((signs * np.asarray(g, np.float64).T).T) for g in backward]),
    )


def _prepare(model: keras.Model, images: npt.ArrayLike, layers: Sequence[str]) -> tuple[keras.Model, Any]:
    """Return a model of the chosen layers' outputs and, last, the model's own, and the images as a tensor."""
    require_tensorflow("the signal")
    outputs = outputs_of(model, layers)
    x = tf.constant(np.asarray(images), model.inputs[0].dtype)
    if x.ndim < 1 or len(x) < 2:
        raise BadInputError(f"images {tuple(x.shape)}: expected at least two")
    return keras.Model(model.inputs, [*outputs, model.outputs[0]]), x


@contextmanager
def unchanged(model: keras.Model) -> Iterator[None]:
    """Put back what a pass in training mode changes: moving statistics, and how far dropout has drawn."""
    before = [(variable, variable.numpy()) for variable in model.non_trainable_variables]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def _describe(h: Array) -> tuple[float, float, float, float, float]:
    """The fields of ``Signal`` from ``lowest`` to ``silent`` for one layer's outputs."""
    spans = np.ptp(h.reshape(-1, h.shape[-1]), axis=0)
    return h.min(), h.max(), np.sqrt((h**2).mean()), np.sqrt(h.var(axis=0).mean()), np.mean(spans == 0)


def _norm(tensors: Sequence[Any]) -> float:
    return float(np.sqrt(sum(np.sum(np.asarray(tensor, np.float64) ** 2) for tensor in tensors))) if tensors else np.nan


def _mean_cosine(rows: Array) -> float:
    """Mean cosine of all pairs of different rows (n, ...) that are not zero; nan if there are fewer than two."""
    rows = rows.reshape(len(rows), -1)
    norms = np.linalg.norm(rows, axis=1)
    rows = rows[norms > 0] / norms[norms > 0, np.newaxis]
    n = len(rows)
    return float((np.linalg.norm(rows.sum(axis=0)) ** 2 - n) / (n * (n - 1))) if n > 1 else float("nan")
