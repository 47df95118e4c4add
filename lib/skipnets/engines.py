"""How a network is trained step by step: through Keras on any backend, or as one compiled scan under JAX.

An engine holds the network, its optimiser and the training images. It trains on batches given by index, predicts, and
hands out its whole state (weights, optimiser, dropout generators) as arrays, so that a run can go on elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
import numpy.typing as npt

from skipnets import order
from skipnets.architectures import build
from skipnets.datasets import Images, ImageSet, Labels
from skipnets.specs import SGD, Adam, RMSprop, RunSpec

PREDICT_BATCH = 1000


@dataclass(frozen=True)
class StepResults:
    """What a stretch of training steps gave, one entry a step, dropout on."""

    loss: npt.NDArray[np.float64]  # (steps,) mean cross-entropy of the batch, without the weight penalty
    correct: npt.NDArray[np.int64]  # (steps,) right answers in the batch


class Engine(Protocol):
    """What the training loop needs of a backend."""

    stretch: int  # how many batches ``train`` takes best at once

    def set_learning_rate(self, rate: float) -> None:
        """Use ``rate`` from the next step on."""

    def train(self, epoch: int, batches: Sequence[order.Indices]) -> StepResults:
        """Take one optimiser step on each batch of image indices; ``epoch`` decides the augmentation."""

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        """Outputs (n, classes) in inference mode."""

    def weights(self) -> list[npt.NDArray[Any]]:
        """The network's weights, as ``keras.Model.set_weights`` takes them."""

    def state(self) -> list[npt.NDArray[Any]]:
        """Every array that the next step depends on."""

    def restore(self, arrays: Sequence[npt.NDArray[Any]]) -> None:
        """Put back what ``state`` gave.

        Raises:
            ValueError: The arrays are those of another network.
        """


def make_engine(spec: RunSpec, images: ImageSet) -> Engine:
    """Build the spec's network from its seed, compile it, and choose the engine that suits the backend."""
    if keras.backend.backend() == "jax":
        from skipnets.jax_engine import JaxEngine

        return JaxEngine(spec, images)
    return KerasEngine(spec, images)


def compiled_model(spec: RunSpec, images: ImageSet) -> keras.Model:
    """Build and compile the spec's network; its weights and dropout generators come from ``spec.seed`` alone."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(spec.seed)
    shape = images.x_train.shape[1:]
    model = build(spec.architecture, (shape[0], shape[1], shape[2]), images.classes, spec.loss, spec.initializer)
    if spec.weight_decay:
        for variable in model.trainable_variables:
            if variable.name == "kernel":
                # Keras' own weight_decay is decoupled from the gradient: with momentum that is another method.
                variable.regularizer = keras.regularizers.L2(spec.weight_decay / 2)
    loss = loss_function(spec)
    optimizer = make_optimizer(spec)
    model.compile(optimizer, loss, metrics=[keras.metrics.MeanMetricWrapper(loss, name="cross_entropy"), "accuracy"])
    optimizer.build(model.trainable_variables)
    return model


def loss_function(spec: RunSpec) -> keras.losses.Loss:
    """Return the Keras loss for the spec's label format and reading of the outputs."""
    from_logits = spec.loss == "logits"
    if spec.labels == "integer":
        return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    return keras.losses.CategoricalCrossentropy(from_logits=from_logits)


def make_optimizer(spec: RunSpec) -> keras.optimizers.Optimizer:
    """Return the Keras optimiser with the spec's settings."""
    classes = {RMSprop: keras.optimizers.RMSprop, Adam: keras.optimizers.Adam, SGD: keras.optimizers.SGD}
    return classes[type(spec.optimizer)](**spec.optimizer.model_dump(exclude={"kind"}))


def encode_labels(spec: RunSpec, labels: Labels, classes: int) -> npt.NDArray[Any]:
    """Bring integer labels (n,) to the spec's label format: unchanged, or one-hot (n, classes)."""
    return labels if spec.labels == "integer" else np.eye(classes, dtype=np.float32)[labels]


def scaled(images: Images) -> npt.NDArray[np.float32]:
    """Pixels from 0 to 1."""
    return images.astype(np.float32) / np.float32(255)


class KerasEngine:
    """Trains with ``train_on_batch``: the fastest plain way on a CPU, and the same on every backend."""

    stretch = 1

    def __init__(self, spec: RunSpec, images: ImageSet):
        self.spec = spec
        self.images = images.x_train
        self.targets = encode_labels(spec, images.y_train, images.classes)
        self.model = compiled_model(spec, images)

    def set_learning_rate(self, rate: float) -> None:
        """Use ``rate`` from the next step on."""
        self.model.optimizer.learning_rate = rate

    def train(self, epoch: int, batches: Sequence[order.Indices]) -> StepResults:
        """Take one optimiser step on each batch of image indices."""
        losses, hits = [], []
        for batch in batches:
            images = self.images[batch]
            if self.spec.augmentation == "shift_flip":
                corners, flips = order.shifts_and_flips(self.spec.seed, epoch, len(self.images))
                images = order.shift_flip(images, corners[batch], flips[batch])
            self.model.reset_metrics()
            logs = self.model.train_on_batch(scaled(images), self.targets[batch], return_dict=True)
            losses.append(float(logs["cross_entropy"]))
            hits.append(round(float(logs["accuracy"]) * len(batch)))
        return StepResults(np.array(losses), np.array(hits))

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        """Outputs (n, classes) in inference mode."""
        parts = range(0, len(images), PREDICT_BATCH)
        return np.concatenate([self.model.predict_on_batch(scaled(images[i : i + PREDICT_BATCH])) for i in parts])

    def weights(self) -> list[npt.NDArray[Any]]:
        """The network's weights, as ``keras.Model.set_weights`` takes them."""
        return self.model.get_weights()

    def state(self) -> list[npt.NDArray[Any]]:
        """Every array that the next step depends on."""
        return [np.asarray(variable.numpy()) for variable in self._variables()]

    def restore(self, arrays: Sequence[npt.NDArray[Any]]) -> None:
        """Put back what ``state`` gave; ValueError where the arrays are another network's."""
        for variable, array in zip(self._variables(), arrays, strict=True):
            variable.assign(array)

    def _variables(self) -> list[Any]:
        model = self.model
        return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
