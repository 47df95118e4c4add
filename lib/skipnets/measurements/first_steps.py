"""Measure the first steps of a training, and what they do to every convolution.

Steps are those that training takes: the same weights, images and rates, a step at a time. Measuring between them leaves
the net as it was.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import islice

import keras
import numpy as np
import numpy.typing as npt

from skipnets import datasets, order
from skipnets.analysis.conditioning import in_double_precision, measure_kernel, measure_representations
from skipnets.analysis.signal import measure_signal
from skipnets.architectures.blocks import GroupedConv2D
from skipnets.engines import KerasEngine, encode_labels, loss_function, scaled
from skipnets.environment import require_tensorflow
from skipnets.errors import BadInputError
from skipnets.measurements import FIRST_STEPS, FirstSteps, Machine, Moment
from skipnets.records import Setup
from skipnets.rounding import significant
from skipnets.specs import DeepNet, RunSpec

#: After how many steps the net is measured, beside the last.
MOMENTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)


def check_first_steps(spec: RunSpec, steps: int, images: int) -> None:
    """Refuse what ``measure_first_steps`` could not measure with these arguments, before a step is taken.

    Raises:
        BadInputError: Another backend than TensorFlow, another net, more steps than the run has, or more images.
    """
    require_tensorflow("first steps")
    if not isinstance(spec.architecture, DeepNet):
        raise BadInputError(f"architecture {spec.architecture.kind!r}: expected plain_net, residual_net or resnext")
    if not 1 <= steps <= spec.steps:
        raise BadInputError(f"steps {steps}: expected 1 to {spec.steps}, as many as {spec.run_id} has")
    if not 2 <= images <= spec.fitted_images:
        raise BadInputError(f"images {images}: expected 2 to {spec.fitted_images}, as many as {spec.run_id} trains on")


def measure_first_steps(spec: RunSpec, steps: int = FIRST_STEPS, images: int = 64) -> FirstSteps:
    """Train ``spec`` for its first ``steps`` steps and measure the net at some moments.

    Args:
        spec: A run of one of document 004's nets, in which a ReLU follows every convolution.
        steps: How many steps to take. A loss that is not finite ends them early.
        images: How many of the first training images the net is measured on, as one batch.

    Raises:
        BadInputError: ``check_first_steps`` refuses, or the image set has fewer images.
    """
    check_first_steps(spec, steps, images)
    setup = Setup.here()
    training = datasets.load_for(spec)
    fitted = training.select(spec.fitted_images, spec.test_images)
    engine = KerasEngine(spec, fitted)
    probe = _Probe(spec, engine.model, scaled(fitted.x_train[:images]), fitted.y_train[:images], fitted.classes)
    losses: list[float] = []
    accuracies: list[float] = []
    moments = {0: probe.measure()}
    for epoch, batch in islice(_batches(spec, len(fitted.y_train)), steps):
        engine.set_learning_rate(spec.learning_rate(epoch))
        results = engine.train(epoch, [batch])
        losses.append(significant(results.loss[0], 7))
        accuracies.append(_short(results.correct[0] / len(batch)))
        if not math.isfinite(losses[-1]):
            break
        if len(losses) in (*MOMENTS, steps):
            moments[len(losses)] = probe.measure()
    return FirstSteps(
        spec=spec,
        steps=steps,
        loss=tuple(losses),
        accuracy=tuple(accuracies),
        diverged_at=None if math.isfinite(losses[-1]) else len(losses) - 1,
        images=images,
        layers=tuple(probe.hidden),
        moments=moments,
        machine=Machine.of(setup),
    )


def _batches(spec: RunSpec, images: int) -> Iterator[tuple[int, order.Indices]]:
    """Yield every batch of the run with its epoch."""
    for epoch in range(spec.epochs):
        for batch in order.batches(spec.seed, epoch, images, spec.batch_size):
            yield epoch, batch


class _Probe:
    """Fixed images, and a net that changes between one measurement and the next."""

    def __init__(
        self, spec: RunSpec, model: keras.Model, x: npt.NDArray[np.float32], labels: datasets.Labels, classes: int
    ):
        self.model, self.x = model, x
        self.y, self.loss = encode_labels(spec, labels, classes), loss_function(spec)
        self.twin = in_double_precision(model)
        self.hidden = _hidden_behind(model)

    def measure(self) -> Moment:
        """Measure the net as it is."""
        convolutions, relus = list(self.hidden), list(self.hidden.values())
        self.twin.set_weights(self.model.get_weights())
        kernels = [self.model.get_layer(name).kernel.numpy() for name in convolutions]
        # After the step before a loss that is not finite, numbers may be infinite: then so are the measures, or nan.
        with np.errstate(over="ignore", invalid="ignore"):
            signal = measure_signal(self.model, self.loss, self.x, self.y, [*convolutions, *relus])
            unfolded = [measure_kernel(self.model.get_layer(name)) for name in convolutions]
            single, double = (
                measure_representations(net, self.x, relus, training=True, batch_size=len(self.x))
                for net in (self.model, self.twin)
            )
        outputs, hidden = slice(len(convolutions)), slice(len(convolutions), None)
        return Moment(
            kernel_lowest=_row(kernel.min() for kernel in kernels),
            kernel_highest=_row(kernel.max() for kernel in kernels),
            kernel_condition=_row(kernel.condition for kernel in unfolded),
            kernel_gradient=_row(signal.kernel_gradient[outputs]),
            output_lowest=_row(signal.lowest[outputs]),
            output_highest=_row(signal.highest[outputs]),
            output_gradient=_row(signal.gradient[outputs]),
            hidden_highest=_row(signal.highest[hidden]),
            spread=_row(signal.relative_spread[hidden]),
            condition=_row(found.condition_live for found in single),
            condition_double=_row(found.condition_live for found in double),
            rank=tuple(found.rank for found in single),
            rank_double=tuple(found.rank for found in double),
            effective_rank=_row(found.effective_rank for found in single),
            dead=tuple(found.dead for found in single),
            constant=tuple(found.constant for found in single),
        )


def _hidden_behind(model: keras.Model) -> dict[str, str]:
    """Name every convolution and the first ReLU behind it, in the order of computation."""
    behind: dict[str, str] = {}
    waiting: list[str] = []
    for layer in model.operations:
        if isinstance(layer, keras.layers.Conv2D | GroupedConv2D):
            waiting.append(layer.name)
        elif isinstance(layer, keras.layers.ReLU):
            behind |= dict.fromkeys(waiting, layer.name)
            waiting.clear()
    return behind


def _row(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(_short(value) for value in values)


def _short(value: float) -> float:
    """Four significant digits: a file holds tens of thousands of them."""
    return significant(value, 4)
