"""Measure how alike the outputs are that a net of document 003 joins, and what the net loses without each."""

import keras
import numpy as np
import numpy.typing as npt

from skipnets import datasets
from skipnets.analysis.similarity import linear_cka
from skipnets.architectures.summary import layer_rows
from skipnets.engines import compiled_model, scaled
from skipnets.errors import BadInputError
from skipnets.measurements import JoinedMaps, Machine
from skipnets.records import Setup, digest_arrays
from skipnets.specs import JoinNet, RunSpec
from skipnets.training import trained_weights


def check_joined_maps(spec: RunSpec, images: int) -> None:
    """Refuse what ``measure_joined_maps`` could not measure with these arguments, before anything is trained.

    Raises:
        BadInputError: The net joins nothing, or is tested on fewer images.
    """
    if not isinstance(spec.architecture, JoinNet) or spec.architecture.join == "none":
        raise BadInputError(f"{spec.run_id}: expected a net that concatenates or sums its layers' outputs")
    if not 2 <= images <= spec.test_images:
        raise BadInputError(f"images {images}: expected 2 to {spec.test_images}, as many as {spec.run_id} is tested on")


def measure_joined_maps(spec: RunSpec, images: int = 1000) -> JoinedMaps:
    """Train the net of ``spec`` and measure what its join reads on the first ``images`` test images.

    Without an output means with its mean over the images in its place: what it says of an image is gone, and the
    scale of what the next layer reads stays.

    Raises:
        BadInputError: ``check_joined_maps`` refuses, the image set has fewer images, or the run diverged.
    """
    check_joined_maps(spec, images)
    setup = Setup.here()
    data = datasets.load_for(spec)
    weights = trained_weights(spec, data)
    model = compiled_model(spec, data)
    model.set_weights(weights)
    return describe_join(model, spec, data.x_test[:images], data.y_test[:images], setup)


def describe_join(
    model: keras.Model, spec: RunSpec, images: datasets.Images, labels: datasets.Labels, setup: Setup
) -> JoinedMaps:
    """Measure the join of ``model``, trained as ``spec`` and ``setup`` say, on images (n, height, width, channels)."""
    join = model.get_layer("join")
    outputs = keras.Model(model.input, join.input).predict(scaled(images), verbose=0)
    head = keras.Model(join.input, model.output)

    def accuracy(joined: list[npt.NDArray[np.float32]]) -> float:
        return round(float((head.predict(joined, verbose=0).argmax(axis=1) == labels).mean()), 4)

    means = [np.broadcast_to(output.mean(axis=0), output.shape) for output in outputs]
    places = range(len(outputs))
    return JoinedMaps(
        spec=spec,
        weights=digest_arrays(model.get_weights()),
        images=len(images),
        outputs=next(row.inputs for row in layer_rows(model) if row.name == "join"),
        similarity=tuple(tuple(round(linear_cka(one, other), 4) for other in outputs) for one in outputs),
        accuracy=accuracy(outputs),
        without=tuple(accuracy([*outputs[:k], means[k], *outputs[k + 1 :]]) for k in places),
        up_to=tuple(accuracy([*outputs[: k + 1], *means[k + 1 :]]) for k in places),
        machine=Machine.of(setup),
    )
