"""Where an epoch's time goes on the nets of document 003, and how it compares with Keras' ``fit``.

Every net trains on generated images in batches of 500, as the document did, and is then evaluated. One epoch of
our loop is taken apart: data order, gathering and scaling images, the training steps, and the evaluation. ``fit``
does the same through ``validation_data``; the two take turns, so that other work on the machine disturbs both alike.
The rate counts three forward passes' worth of multiply-adds for a step, two operations each, and stands beside that of
a large matrix product.

    python benchmarks/where_an_epoch_goes.py --repeats 5

takes four CPU minutes. On one of two cores of an AMD EPYC with TensorFlow 2.21 and Keras 3.15, beside other work, an
epoch of 2,500 images took these CPU seconds (a 2,048-square matrix product reached 104 GFLOP per CPU second):

    net                    order  gather   steps    eval  GFLOP/CPU-s of steps, CPU time over fit's
    baseline_12_3          0.000   0.004    0.71    0.05  56, 0.89 (sd 0.03)
    baseline_12_16         0.000   0.003    1.61    0.10  122, 0.95 (sd 0.04)
    baseline_69_3          0.000   0.003    2.72    0.18  26, 0.97 (sd 0.03)
    concatenation_69_3     0.000   0.004    3.85    0.25  45, 0.99 (sd 0.02)
    summation_69_3         0.000   0.007    3.22    0.22  22, 0.98 (sd 0.02)

So the time goes into the steps, and the deep nets' into convolutions of 3 channels, which run at a fifth of the rate of
those of 16: the same arithmetic on a fifth of a vector register. Smaller batches, neighbouring pixels or several
seeds folded into channels, another layout and another compiler were tried, and none made them cheaper.

TensorFlow computes convolutions with oneDNN of itself only where the processor has AVX-512 VNNI; this library has it do
so everywhere. With ``TF_ENABLE_ONEDNN_OPTS=0`` this script shows what TensorFlow takes otherwise. On an AMD EPYC with
AVX2 alone (82 GFLOP per CPU second in a 1,024-square product), one on each of two cores at the same time, the steps
took, mean of two epochs:

    net                oneDNN   without   share
    baseline_12_3        1.36      4.27    0.32
    baseline_12_16       3.91      7.30    0.54
    summation_12_16      4.07      9.23    0.44
    baseline_69_3        5.61     23.43    0.24
"""

import argparse
from collections.abc import Callable

import numpy as np
from fit_against_train import fit_epoch, seconds

from skipnets import datasets, order, scoring
from skipnets.analysis.costs import cost
from skipnets.engines import KerasEngine, scaled
from skipnets.experiments import concat_vs_sum
from skipnets.specs import RunSpec, parse_spec

TRAIN_IMAGES, TEST_IMAGES = 2500, 500
CELLS = ("baseline_12_3", "baseline_12_16", "baseline_69_3", "concatenation_69_3", "summation_69_3")


def spec_of(cell: str) -> RunSpec:
    """Return the cell's run, cut down to few generated images and one epoch."""
    data = concat_vs_sum().cell(cell).spec.model_dump()
    few = {"image_set": "synthetic", "train_images": TRAIN_IMAGES, "test_images": TEST_IMAGES, "epochs": 1}
    return parse_spec(data | few)


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process that ``work`` takes."""
    return seconds(work)[0]


def epoch_parts(engine: KerasEngine, images: datasets.ImageSet, number: int) -> dict[str, float]:
    """CPU seconds of each part of one epoch of our own loop."""
    spec, spent = engine.spec, {}
    batches = order.batches(spec.seed, number, TRAIN_IMAGES, spec.batch_size)
    spent["order"] = cpu_seconds(lambda: order.batches(spec.seed, number, TRAIN_IMAGES, spec.batch_size))
    # Timed beside the epoch, since ``train`` gathers its own batches.
    spent["gather"] = cpu_seconds(lambda: [scaled(images.x_train[batch]) for batch in batches])
    spent["steps"] = cpu_seconds(lambda: engine.train(number, batches)) - spent["gather"]
    spent["evaluation"] = cpu_seconds(
        lambda: scoring.cross_entropy(engine.predict(images.x_test), images.y_test, spec.loss)
    )
    return spent


def matrix_product_rate(size: int = 2048) -> float:
    """GFLOP per CPU second of a float32 matrix product."""
    a = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    return 2 * size**3 / min(cpu_seconds(lambda: a @ a) for _ in range(3)) / 1e9


def main() -> None:
    """Measure and print a line for each net."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--repeats", type=int, default=5, help="epochs of each that are measured")
    repeats = arguments.parse_args().repeats
    images = datasets.load("synthetic").select(TRAIN_IMAGES, TEST_IMAGES)
    print(f"matrix product: {matrix_product_rate():.0f} GFLOP per CPU second")
    print(f"{'net':20} {'order':>7} {'gather':>7} {'steps':>7} {'eval':>7}  GFLOP/CPU-s of steps, CPU time over fit's")
    for cell in CELLS:
        spec = spec_of(cell)
        engine, fit = KerasEngine(spec, images), fit_epoch(spec, images)
        parts, fitted = [], []
        for number in range(repeats + 1):
            parts.append(epoch_parts(engine, images, number))
            fitted.append(cpu_seconds(lambda fit=fit, number=number: fit(number)))
        means = {name: np.mean([part[name] for part in parts[1:]]) for name in parts[0]}  # the first epoch compiles
        ratio = np.array([sum(part.values()) for part in parts[1:]]) / np.array(fitted[1:])
        rate = 3 * 2 * cost(engine.model).multiply_adds * TRAIN_IMAGES / means["steps"] / 1e9
        print(
            f"{cell:20} {means['order']:7.3f} {means['gather']:7.3f} {means['steps']:7.2f} {means['evaluation']:7.2f}  "
            f"{rate:.0f}, {ratio.mean():.2f} (sd {ratio.std(ddof=1):.2f}, n={repeats})",
            flush=True,
        )


if __name__ == "__main__":
    main()
