"""What an epoch of our own training loop costs against Keras' ``fit``, on the two nets of document 000.

Both train on 2,500 generated images in batches of 64 and then evaluate 1,017 test images, ``fit`` through
``validation_data``. They take turns, so that whatever else the machine does disturbs both alike; where it does
much else, CPU seconds are the fair measure.

    python benchmarks/fit_against_train.py --repeats 15

takes three CPU minutes. On two cores of an AMD EPYC with TensorFlow 2.21 and Keras 3.15, 15 epochs of each beside other
work, an epoch of ours took this share of an epoch of ``fit`` (standard deviation over the epochs):

    net      CPU seconds    wall seconds
    cnn      0.98 (0.03)    0.94 (0.39)
    resnet   0.97 (0.03)    0.97 (0.44)
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from skipnets import datasets, order, scoring
from skipnets.engines import KerasEngine, compiled_model, encode_labels, scaled
from skipnets.specs import RunSpec, parse_spec

TRAIN_IMAGES, TEST_IMAGES, BATCH_SIZE = 2500, 1017, 64


def spec_of(kind: str) -> RunSpec:
    """Return document 000's run with the net called ``kind``."""
    return parse_spec(
        {
            "architecture": {"kind": kind},
            "image_set": "synthetic",
            "train_images": TRAIN_IMAGES,
            "test_images": TEST_IMAGES,
            "optimizer": {"kind": "rmsprop"},
            "batch_size": BATCH_SIZE,
            "epochs": 1,
        }
    )


def fit_epoch(spec: RunSpec, images: datasets.ImageSet) -> Callable[[int], None]:
    """Return a function that trains one more epoch with ``fit``."""
    model = compiled_model(spec, images)
    x, y = scaled(images.x_train), encode_labels(spec, images.y_train, images.classes)
    test = scaled(images.x_test), encode_labels(spec, images.y_test, images.classes)

    def epoch(number: int) -> None:
        model.fit(x, y, batch_size=spec.batch_size, validation_data=test, verbose=0)

    return epoch


def train_epoch(spec: RunSpec, images: datasets.ImageSet) -> Callable[[int], None]:
    """Return a function that trains one more epoch the way ``skipnets.training`` does."""
    engine = KerasEngine(spec, images)

    def epoch(number: int) -> None:
        for batch in order.batches(spec.seed, number, len(images.y_train), spec.batch_size):
            engine.train(number, [batch])
        scoring.cross_entropy(engine.predict(images.x_test), images.y_test, spec.loss)

    return epoch


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of this process and wall seconds that ``work`` takes."""
    begun = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - begun[0], time.perf_counter() - begun[1]


def main() -> None:
    """Measure and print a line for each net and unit."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--repeats", type=int, default=10, help="epochs of each that are measured")
    repeats = arguments.parse_args().repeats
    images = datasets.load("synthetic").select(TRAIN_IMAGES, TEST_IMAGES)
    for kind in ("cnn", "resnet"):
        spec = spec_of(kind)
        ways = {"fit": fit_epoch(spec, images), "train": train_epoch(spec, images)}
        measured: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for number in range(repeats + 1):
            for name, epoch in ways.items():
                measured[name].append(seconds(lambda epoch=epoch, number=number: epoch(number)))
        fit, train = (np.array(measured[name][1:]) for name in ("fit", "train"))  # the first epoch compiles
        for column, unit in enumerate(("CPU-s", "wall s")):
            ratio = train[:, column] / fit[:, column]
            print(
                f"{kind:7} {unit:7} fit {fit[:, column].mean():.2f}, train {train[:, column].mean():.2f}, "
                f"ratio {ratio.mean():.3f} (sd {ratio.std(ddof=1):.3f}, n={repeats})"
            )


if __name__ == "__main__":
    main()
