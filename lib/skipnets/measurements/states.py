"""Measure trained nets: their curvature, and what every hidden layer holds and is worth."""

import keras
import numpy as np
import numpy.typing as npt

from skipnets import datasets
from skipnets.analysis.conditioning import condition
from skipnets.analysis.curvature import Hessian, Objective
from skipnets.analysis.output_dropout import average_over_draws
from skipnets.analysis.spectrum import spectral_density
from skipnets.datasets import ImageSet
from skipnets.engines import compiled_model, encode_labels, loss_function, scaled
from skipnets.environment import require_tensorflow
from skipnets.errors import BadInputError
from skipnets.measurements import LayerState, Machine, Spectrum, State
from skipnets.records import Metrics, Setup, Store, digest_arrays
from skipnets.rounding import significant
from skipnets.specs import CNN, RunSpec
from skipnets.training import trained_weights


def check_state(spec: RunSpec, epoch: int, store: Store, images: int) -> None:
    """Refuse what ``measure_state`` could not measure with these arguments, before anything is trained.

    Raises:
        BadInputError: Another backend than TensorFlow, the epoch lies outside the run, its outputs are not logits, it
            trains on fewer images, or the last epoch's weights are not kept.
    """
    require_tensorflow("a state")
    if not 0 <= epoch <= spec.epochs:
        raise BadInputError(f"epoch {epoch}: expected 0 to {spec.epochs}, as many as {spec.run_id} has")
    if spec.loss != "logits":
        raise BadInputError(f"loss {spec.loss!r} of {spec.run_id}: a state is measured on logits")
    if not 1 <= images <= spec.fitted_images:
        raise BadInputError(f"images {images}: expected 1 to {spec.fitted_images}, as many as {spec.run_id} trains on")
    if epoch == spec.epochs:
        record = store.find(spec, weights=True)
        if record is None or record.final.status == "diverged":
            raise BadInputError(f"no final weights of {spec.run_id} are kept: skipnets train --weights keeps them")


def measure_state(
    spec: RunSpec, epoch: int, store: Store, images: int = 256, probes: int = 2, steps: int = 80
) -> State:
    """Measure the net of ``spec`` as it is after ``epoch`` epochs.

    The last epoch's weights are those that ``store`` keeps. Earlier ones come from training the shorter run anew, which
    takes the same steps, since nothing in a step knows how many are to follow.

    Args:
        spec: A run whose outputs are logits.
        epoch: 0 for the initial weights.
        store: Where the run's weights are kept.
        images: How many of the first training images the curvature and the layers are measured on.
        probes: Random vectors of the spectral density.
        steps: Lanczos steps of each.

    Raises:
        BadInputError: ``check_state`` refuses, the images are not those of the kept training, or the shorter run
            diverged.
    """
    check_state(spec, epoch, store, images)
    setup = Setup.here()
    training = datasets.load_for(spec)
    model = _model_after(spec, epoch, training, store)
    x, y = scaled(training.x_train[:images]), encode_labels(spec, training.y_train[:images], training.classes)
    objective = Objective(model, loss_function(spec), x, y, batch_size=32)
    density = spectral_density(Hessian(objective), probes, steps)
    return State(
        spec=spec,
        epoch=epoch,
        weights=digest_arrays(model.get_weights()),
        images=images,
        loss=objective.value(),
        test_accuracy=_test_accuracy(model, training),
        layers=tuple(_layer_states(model, x, training)),
        spectrum=Spectrum(
            size=density.size,
            nodes=tuple(tuple(_short(nodes)) for nodes in density.nodes),
            weights=tuple(tuple(_short(weights)) for weights in density.weights),
        ),
        struck=_struck(spec, model, training),
        machine=Machine.of(setup),
    )


def _model_after(spec: RunSpec, epoch: int, images: ImageSet, store: Store) -> keras.Model:
    weights = None
    if epoch == spec.epochs:
        record = store.load(spec)
        assert record is not None, "check_state has found it"
        images.require(record.environment.images, f"record {store.path(spec)}")
        weights = store.load_weights(record)
    elif epoch:
        weights = trained_weights(spec.shortened(epoch), images)
    model = compiled_model(spec, images)
    if weights is not None:
        model.set_weights(weights)
    return model


def _struck(spec: RunSpec, model: keras.Model, images: ImageSet) -> Metrics | None:
    if not isinstance(spec.architecture, CNN) or not spec.architecture.output_dropout:
        return None
    logits = model.predict(scaled(images.x_train), verbose=0)
    accuracy, loss = average_over_draws(logits, images.y_train, spec.architecture.output_dropout)
    return Metrics(loss=loss, accuracy=accuracy)


def _layer_states(model: keras.Model, x: npt.NDArray[np.float32], images: ImageSet) -> list[LayerState]:
    """Measure every hidden layer with weights."""
    hidden = [layer for layer in model.layers if layer.weights and layer.name != "output"]
    outputs = keras.Model(model.input, [layer.output for layer in hidden]).predict_on_batch(x)
    return [
        describe_outputs(layer.name, maps.reshape(-1, maps.shape[-1]), _silenced(model, layer, images))
        for layer, maps in zip(hidden, outputs, strict=True)
    ]


def describe_outputs(layer: str, vectors: npt.NDArray[np.float32], silenced: float) -> LayerState:
    """Describe the outputs (images x positions, channels) of a layer; ``silenced`` is passed on."""
    found = condition([vectors])
    return LayerState(
        layer=layer,
        units=vectors.shape[1],
        dead=found.dead,
        silenced=silenced,
        rank=found.rank,
        effective_rank=round(found.effective_rank, 4),
    )


def _silenced(model: keras.Model, layer: keras.Layer, images: ImageSet) -> float:
    kept = layer.get_weights()
    layer.set_weights([np.zeros_like(array) for array in kept])
    try:
        return _test_accuracy(model, images)
    finally:
        layer.set_weights(kept)


def _test_accuracy(model: keras.Model, images: ImageSet) -> float:
    return float((model.predict(scaled(images.x_test), verbose=0).argmax(axis=1) == images.y_test).mean())


def _short(values: npt.NDArray[np.float64]) -> list[float]:
    """Seven significant digits, all that float32 products have."""
    return [significant(value, 7) for value in values]
