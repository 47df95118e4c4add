"""Gradient, Hessian and Gauss-Newton matrix of a network's loss, as operators that multiply vectors.

A product costs about 2.5 gradients and never forms the matrix (Pearlmutter, 1994, doi:10.1162/neco.1994.6.1.147).
Vectors are float64 NumPy arrays; the products inside have the precision of the model.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from skipnets.environment import require_tensorflow
from skipnets.errors import BadInputError, SkipnetsError

Array = npt.NDArray[np.float64]

#: A dense matrix of this many rows takes 200 MB.
DENSE_LIMIT = 5000

#: Columns of a dense matrix that are computed together.
DENSE_BLOCK = 250


class CurvatureError(SkipnetsError):
    """The loss has no usable derivatives at these parameters."""


class Objective:
    """The mean loss of a model over images, as a function of its trainable parameters.

    The model runs in inference mode: no dropout, stored batch statistics. The mean is over the per-image values of
    the loss, whatever reduction and precision the loss was made with; penalties on the weights are left out. The
    parameter vector strings together the flattened trainable variables in the model's own order.

    Args:
        model: A built Keras model on the TensorFlow backend.
        loss: A Keras loss that is twice differentiable in the outputs.
        images: (n, ...) inputs of the model.
        labels: (n, ...) as the loss wants them.
        batch_size: How many images are in memory at once; all if None. The result is the same up to rounding. Some
            tens are quickest for convolutions, since what they touch stays in the processor's caches.
        layers: Names of the layers whose parameters vary, all others fixed; all vary if None.

    Raises:
        BadInputError: Another backend, a model that is not built or has no such layer or no parameter, a loss that is
            none of Keras' classes, images and labels that do not pair up, a batch size below 1.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: keras.losses.Loss,
        images: npt.ArrayLike,
        labels: npt.ArrayLike,
        batch_size: int | None = None,
        layers: Sequence[str] | None = None,
    ):
        require_tensorflow("curvature")
        if not model.built:
            raise BadInputError(f"model {model.name!r} is not built: give it an input shape or call it once")
        if not isinstance(loss, keras.losses.Loss):
            raise BadInputError(f"loss {loss!r}: expected an instance of a class of keras.losses")
        self.model, self.loss = model, loss
        self.variables = [variable.value for variable in _chosen(model, layers)]
        self.names = [variable.path for variable in _chosen(model, layers)]
        dtypes = {variable.dtype for variable in self.variables}
        if len(dtypes) != 1:
            raise BadInputError(
                f"model {model.name!r}: expected parameters of one precision, got {sorted(map(str, dtypes))}"
            )
        (self.dtype,) = dtypes
        self.size = sum(int(np.prod(variable.shape)) for variable in self.variables)
        self.images = np.asarray(images, self.dtype.as_numpy_dtype)
        given = np.asarray(labels)
        self.labels = given.astype(self.dtype.as_numpy_dtype) if given.dtype.kind == "f" else given
        if self.images.ndim < 1 or self.labels.ndim < 1 or not 0 < len(self.images) == len(self.labels):
            raise BadInputError(
                f"images {self.images.shape} and labels {self.labels.shape}: expected as many of both, at least one"
            )
        if batch_size is not None and batch_size < 1:
            raise BadInputError(f"batch_size {batch_size}: expected at least 1")
        self.batch_size = batch_size or len(self.images)
        self._value = tf.function(lambda x, y: self.mean_loss(y, self.model(x, training=False)))
        self._value_and_gradient = tf.function(self.value_and_gradient)

    def value(self) -> float:
        """Mean loss.

        Raises:
            CurvatureError: The loss of a batch is not finite.
        """
        return float(self.accumulate(lambda x, y: (self._value(x, y),) * 2))

    def gradient(self) -> Array:
        """Gradient (size,) of the mean loss.

        Raises:
            CurvatureError: The loss of a batch is not finite or does not depend differentiably on a variable.
        """
        return self.accumulate(self._value_and_gradient)

    def positions(self, layers: Sequence[str]) -> npt.NDArray[np.int64]:
        """Where the parameters of ``layers`` stand in the parameter vector.

        Raises:
            BadInputError: The model has no such layer, or it does not vary here.
        """
        wanted = [variable.path for variable in _chosen(self.model, layers)]
        if missing := [path for path in wanted if path not in self.names]:
            raise BadInputError(f"layers {list(layers)}: {missing[0]} does not vary here")
        ends = np.cumsum([int(np.prod(variable.shape)) for variable in self.variables])
        starts = [0, *ends[:-1]]
        parts = zip(self.names, starts, ends, strict=True)
        return np.concatenate([np.arange(start, end) for name, start, end in parts if name in wanted])

    def mean_loss(self, labels: Any, outputs: Any) -> Any:
        """Mean loss of a batch as a tensor.

        ``Loss.__call__`` would round the outputs of a float64 model to float32; ``Loss.call`` does not.
        """
        return tf.reduce_mean(self.loss.call(labels, outputs))

    def value_and_gradient(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Mean loss and its gradient (size,) on a batch, as tensors, recorded by any tape around it."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self.variables)
            value = self.mean_loss(y, self.model(x, training=False))
        gradients = tape.gradient(value, self.variables)
        self.refuse_unconnected(gradients)
        return value, flat(gradients)

    def refuse_unconnected(self, gradients: Sequence[Any]) -> None:
        """Raise a CurvatureError that names the first variable without a gradient."""
        for name, gradient in zip(self.names, gradients, strict=True):
            if gradient is None:
                raise CurvatureError(
                    f"variable {name}: no derivative of the loss: it does not depend on it or not differentiably"
                )

    def split(self, vector: Any) -> list[Any]:
        """Cut a tensor (size,) into the shapes of the variables."""
        sizes = [int(np.prod(variable.shape)) for variable in self.variables]
        parts = tf.split(vector, sizes)
        return [tf.reshape(part, variable.shape) for part, variable in zip(parts, self.variables, strict=True)]

    def accumulate(self, function: Callable[[Any, Any], tuple[Any, Any]]) -> Array:
        """Mean of ``function``'s second result over the batches, weighted by their images; the first is the loss.

        Raises:
            CurvatureError: The loss or the result of a batch is not finite.
        """
        total: Any = 0.0
        for number, (start, x, y) in enumerate(self._batches()):
            value, result = function(x, y)
            where = f"batch {number} (images {start} to {start + len(x) - 1})"
            if not np.isfinite(float(value)):
                raise CurvatureError(f"the loss is {float(value)} on {where}")
            array = np.asarray(result, np.float64)
            if not np.isfinite(array).all():
                raise CurvatureError(f"the loss is finite on {where}, but its derivatives are not")
            total = total + array * (len(x) / len(self.images))
        return np.asarray(total)

    def _batches(self) -> Iterator[tuple[int, Any, Any]]:
        for start in range(0, len(self.images), self.batch_size):
            part = slice(start, start + self.batch_size)
            yield start, tf.constant(self.images[part]), tf.constant(self.labels[part])


def _chosen(model: keras.Model, layers: Sequence[str] | None) -> list[Any]:
    if layers is None:
        chosen = list(model.trainable_variables)
    else:
        known = {layer.name: layer for layer in model.layers}
        if unknown := [name for name in layers if name not in known]:
            raise BadInputError(f"layer {unknown[0]!r}: model {model.name!r} has {', '.join(known)}")
        wanted = {id(variable) for name in layers for variable in known[name].trainable_variables}
        chosen = [variable for variable in model.trainable_variables if id(variable) in wanted]
    if not chosen:
        raise BadInputError(f"model {model.name!r}, layers {layers}: no trainable parameter")
    return chosen


def flat(tensors: Sequence[Any]) -> Any:
    """String tensors together to one of shape (size,)."""
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)


class CurvatureOperator:
    """A symmetric matrix (size, size) known by its products; ``@`` takes a vector (size,) or a block (size, k)."""

    def __init__(self, objective: Objective):
        self.objective = objective
        self.shape = (objective.size, objective.size)
        # Any number of vectors and of images in one trace; a single vector has one trace for each size of batch.
        data = (objective.images, objective.labels)
        specs = [tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in data]
        rows = tf.TensorSpec([None, objective.size], objective.dtype)
        self._products = tf.function(self._trace, input_signature=[*specs, rows])
        self._one_product = tf.function(self._trace_one)

    def _trace_one(self, x: Any, y: Any, vector: Any) -> tuple[Any, Any]:
        """Loss and the product (size,) with one vector (size,)."""
        value, product = self._prepare(x, y)
        return value, product(vector)

    def _trace(self, x: Any, y: Any, rows: Any) -> tuple[Any, Any]:
        """Loss and the products (k, size) with k vectors (k, size), which share what does not depend on them."""
        value, product = self._prepare(x, y)
        return value, tf.map_fn(product, rows)

    def _prepare(self, x: Any, y: Any) -> tuple[Any, Callable[[Any], Any]]:
        """Loss of a batch, and a function from a vector (size,) to its product with the batch's matrix."""
        raise NotImplementedError

    def __matmul__(self, vectors: npt.ArrayLike) -> Array:
        """Multiply a vector (size,) or a block of vectors (size, k).

        Raises:
            BadInputError: Another shape, or a value that is not finite.
            CurvatureError: The loss has no usable derivatives; the message says on which batch or variable.
        """
        given = np.asarray(vectors)
        size = self.shape[0]
        if given.ndim not in (1, 2) or given.shape[0] != size:
            raise BadInputError(f"vectors of shape {given.shape}: expected ({size},) or ({size}, k)")
        if not np.isfinite(given).all():
            raise BadInputError("vectors: expected finite values")
        rows = tf.constant(given.T, self.objective.dtype)
        if given.ndim == 1:
            return self.objective.accumulate(lambda x, y: self._one_product(x, y, rows))
        return self.objective.accumulate(lambda x, y: self._products(x, y, rows)).T

    def dense(
        self, limit: int = DENSE_LIMIT, seconds: float | None = None, progress: Callable[[int, int], None] | None = None
    ) -> Array:
        """The matrix itself (size, size); symmetric up to rounding.

        Args:
            limit: The largest size that is tried.
            seconds: A matrix that takes longer is given up.
            progress: Called with the number of columns done and of all columns.

        Raises:
            BadInputError: More than ``limit`` parameters.
            CurvatureError: The time ran out; the message says how far it got.
        """
        size = self.shape[0]
        if size > limit:
            raise BadInputError(
                f"a dense matrix of {size} x {size} entries takes {8 * size**2 / 1e9:.1f} GB: at most {limit}"
            )
        begun, matrix = time.monotonic(), np.empty((size, size))
        for start in range(0, size, DENSE_BLOCK):
            if seconds is not None and time.monotonic() - begun > seconds:
                raise CurvatureError(f"dense matrix: {start} of {size} columns after {seconds:g} s")
            columns = slice(start, min(start + DENSE_BLOCK, size))
            matrix[:, columns] = self @ np.eye(size)[:, columns]
            if progress:
                progress(columns.stop, size)
        return matrix


class Hessian(CurvatureOperator):
    """Second derivatives of the mean loss, multiplied by reverse mode over reverse mode."""

    def _prepare(self, x: Any, y: Any) -> tuple[Any, Callable[[Any], Any]]:
        variables = self.objective.variables
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(variables)
            value, gradient = self.objective.value_and_gradient(x, y)

        def product(vector: Any) -> Any:
            # Zero, not an error: the gradient need not depend on every variable, as in a linear function.
            zero = tf.UnconnectedGradients.ZERO
            return flat(tape.gradient(gradient, variables, output_gradients=vector, unconnected_gradients=zero))

        return value, product


class GaussNewton(CurvatureOperator):
    """The generalised Gauss-Newton matrix, the mean over images of J' L J.

    J is the Jacobian of the model's outputs and L the Hessian of the loss in the outputs (Schraudolph, 2002,
    doi:10.1162/08997660260028683). It is the Hessian without the curvature of the network itself, and for a loss that
    is convex in the outputs it has no negative eigenvalue. With a softmax as the model's last layer the outputs are
    probabilities, and the matrix is not that of the same network with logits.
    """

    def _prepare(self, x: Any, y: Any) -> tuple[Any, Callable[[Any], Any]]:
        objective, zero = self.objective, tf.UnconnectedGradients.ZERO
        # J' u is linear in u: its derivative along v is J v. Reverse mode twice needs no forward rules.
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as linear:
            with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
                tape.watch(objective.variables)
                outputs = objective.model(x, training=False)
            probe = tf.zeros_like(outputs)
            linear.watch(probe)
            parts = tape.gradient(outputs, objective.variables, output_gradients=probe)
            objective.refuse_unconnected(parts)
            pulled = flat(parts)
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(outputs)
            with tf.GradientTape() as inner:
                inner.watch(outputs)
                value = objective.mean_loss(y, outputs)
            slope = inner.gradient(value, outputs)

        def product(vector: Any) -> Any:
            pushed = linear.gradient(pulled, probe, output_gradients=vector)
            curved = outer.gradient(slope, outputs, output_gradients=pushed, unconnected_gradients=zero)
            return flat(tape.gradient(outputs, objective.variables, output_gradients=curved))

        return value, product
