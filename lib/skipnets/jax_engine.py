"""Training under JAX: the image set stays on the device, and an epoch is a few compiled scans over its steps.

Made for a GPU, where ``fit`` waits for the host in every step: here only the indices of a stretch's images go up, and
one loss and one count a step come back. Products have the full precision of float32, as on the cards of the documents,
and not the TF32 that recent cards prefer. On a CPU TensorFlow is about four times as fast on convolutions.
"""

from collections.abc import Callable, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import numpy.typing as npt

from skipnets import order
from skipnets.datasets import Images, ImageSet
from skipnets.engines import PREDICT_BATCH, StepResults, compiled_model, encode_labels, loss_function
from skipnets.specs import RunSpec

LONGEST_STRETCH = 100

jax.config.update("jax_default_matmul_precision", "highest")  # type: ignore[no-untyped-call]

Values = list[jax.Array]
State = tuple[Values, Values, Values]  # trainable, non-trainable (dropout generators among them), optimiser
Moves = tuple[jax.Array, jax.Array]  # corners of the crops (..., 2), flips (...)


class JaxEngine:
    """Trains in scans of up to 100 steps; the Keras variables are only the blueprint of the state on the device."""

    def __init__(self, spec: RunSpec, images: ImageSet):
        self.spec = spec
        # On a CPU, XLA's convolutions are up to 17 times slower inside a loop than outside.
        on_cpu = jax.default_backend() == "cpu"
        self.scan = _unrolled_scan if on_cpu else jax.lax.scan
        self.stretch = _largest_divisor(len(images.y_train) // spec.batch_size, 1 if on_cpu else LONGEST_STRETCH)
        self.model = compiled_model(spec, images)
        output = self.model.get_layer("output")
        self.softmax_apart = spec.loss == "probabilities" and output.output is self.model.output
        if self.softmax_apart:
            # On TensorFlow, Keras takes the loss from what enters a softmax that ends the net. Taken from the
            # probabilities, which are clipped, it would give a confidently wrong image no gradient.
            output.activation = keras.activations.linear
            self.loss = loss_function(spec.model_copy(update={"loss": "logits"}))
        else:
            self.loss = loss_function(spec)
        targets = encode_labels(spec, images.y_train, images.classes)
        self.data = jax.device_put((images.x_train, images.y_train, targets))
        self._variables = (
            self.model.trainable_variables,
            self.model.non_trainable_variables,
            self.model.optimizer.variables,
        )
        self._state = self._state_of_variables()
        self._learning_rate_at = [variable.name for variable in self._variables[2]].index("learning_rate")
        self._train = jax.jit(self._take_steps, donate_argnums=0)
        self._outputs = jax.jit(self._infer)

    def set_learning_rate(self, rate: float) -> None:
        """Use ``rate`` from the next step on."""
        self._state[2][self._learning_rate_at] = jnp.array(rate, dtype=jnp.float32)

    def train(self, epoch: int, batches: Sequence[order.Indices]) -> StepResults:
        """Take one optimiser step on each batch of image indices; neighbours of equal size go into one scan."""
        losses, hits = [], []
        for _, equally_large in groupby(batches, key=len):
            indices = np.stack(list(equally_large))
            moves = None
            if self.spec.augmentation == "shift_flip":
                corners, flips = order.shifts_and_flips(self.spec.seed, epoch, len(self.data[0]))
                moves = corners[indices], flips[indices]
            self._state, (loss, correct) = self._train(self._state, self.data, indices, moves)
            losses.append(loss)
            hits.append(correct)
        return StepResults(np.concatenate(losses, dtype=np.float64), np.concatenate(hits, dtype=np.int64))

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        """Outputs (n, classes) in inference mode."""
        # Equal parts, the last one filled up with black images: one compilation for a set of any size.
        size = -(-len(images) // -(-len(images) // PREDICT_BATCH))
        outputs = []
        for start in range(0, len(images), size):
            part = images[start : start + size]
            filled = np.pad(part, ((0, size - len(part)), (0, 0), (0, 0), (0, 0)))
            outputs.append(self._outputs(self._state[:2], filled))
        return np.concatenate(outputs)[: len(images)]

    def weights(self) -> list[npt.NDArray[Any]]:
        """The network's weights, as ``keras.Model.set_weights`` takes them."""
        for variables, values in zip(self._variables[:2], self._state[:2], strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return self.model.get_weights()

    def state(self) -> list[npt.NDArray[Any]]:
        """Every array that the next step depends on."""
        return list(jax.device_get(list(chain(*self._state))))

    def restore(self, arrays: Sequence[npt.NDArray[Any]]) -> None:
        """Put back what ``state`` gave; ValueError where the arrays are another network's."""
        for variable, array in zip(chain(*self._variables), arrays, strict=True):
            variable.assign(array)
        self._state = self._state_of_variables()

    def _state_of_variables(self) -> State:
        # Copies, since a step consumes the buffers of the state that it is given.
        trainable, non_trainable, optimizer = (
            [jnp.array(variable.value) for variable in variables] for variables in self._variables
        )
        return trainable, non_trainable, optimizer

    def _take_steps(
        self, state: State, data: Sequence[jax.Array], indices: jax.Array, moves: Moves | None
    ) -> tuple[State, tuple[jax.Array, jax.Array]]:
        """Take one step on each row of ``indices`` (steps, b); return the state, losses and right answers (steps,)."""

        def step(state: State, batch: tuple[jax.Array, Moves | None]) -> tuple[State, tuple[jax.Array, jax.Array]]:
            return self._step(state, data, *batch)

        return self.scan(step, state, (indices, moves))

    def _step(
        self, state: State, data: Sequence[jax.Array], indices: jax.Array, moves: Moves | None
    ) -> tuple[State, tuple[jax.Array, jax.Array]]:
        trainable, non_trainable, optimizer = state
        images, labels, targets = (array[indices] for array in data)
        if moves is not None:
            images = jax.vmap(_shift_flip)(images, *moves)

        def penalised_loss(weights: Values) -> tuple[jax.Array, tuple[jax.Array, jax.Array, Values]]:
            outputs, updated, penalties = self.model.stateless_call(
                weights, non_trainable, _scaled(images), training=True, return_losses=True
            )
            loss = self.loss(targets, outputs)
            return loss + sum(penalties), (loss, outputs, updated)

        gradients, (loss, outputs, non_trainable) = jax.grad(penalised_loss, has_aux=True)(trainable)
        trainable, optimizer = self.model.optimizer.stateless_apply(optimizer, gradients, trainable)
        return (trainable, non_trainable, optimizer), (loss, (outputs.argmax(axis=1) == labels).sum())

    def _infer(self, weights: tuple[Values, Values], images: jax.Array) -> jax.Array:
        outputs: jax.Array = self.model.stateless_call(*weights, _scaled(images), training=False)[0]
        return jax.nn.softmax(outputs) if self.softmax_apart else outputs


def _unrolled_scan(step: Callable[[Any, Any], Any], state: Any, inputs: Any) -> Any:
    """Give what ``jax.lax.scan`` gives, without a loop in the compiled program."""
    results = []
    for number in range(len(jax.tree.leaves(inputs)[0])):
        state, result = step(state, jax.tree.map(itemgetter(number), inputs))
        results.append(result)
    return state, jax.tree.map(lambda *values: jnp.stack(values), *results)


def _scaled(images: jax.Array) -> jax.Array:
    return images.astype(jnp.float32) / 255


def _shift_flip(image: jax.Array, corner: jax.Array, flip: jax.Array) -> jax.Array:
    """Do to one image (h, w, c) what ``order.shift_flip`` does to many."""
    padded = jnp.pad(image, ((order.PADDING, order.PADDING), (order.PADDING, order.PADDING), (0, 0)))
    cropped = jax.lax.dynamic_slice(padded, (corner[0], corner[1], 0), image.shape)
    return jnp.where(flip, cropped[:, ::-1], cropped)


def _largest_divisor(number: int, limit: int) -> int:
    return max((divisor for divisor in range(1, min(number, limit) + 1) if number % divisor == 0), default=1)
