"""What tests/test_jax.py asks of the JAX engine, answered in a process of its own: python jax_side.py FOLDER.

Keras takes one backend a process. This one reads the states that FOLDER/<case>.npz holds and writes FOLDER/jax.npz.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any
from unittest import mock

import keras
import numpy as np

from skipnets import datasets, order
from skipnets.engines import Engine, make_engine
from skipnets.errors import RunPausedError
from skipnets.specs import RunSpec
from tiny import few_images, make_spec, train_in

RESIDUAL_NET = {"kind": "residual_net", "depth": 8, "width": 4}
MOMENTUM = {"kind": "sgd", "momentum": 0.9, "nesterov": True}

#: Runs without dropout, which takes other random numbers on each backend. The one with a ragged batch runs in the loop
#: that a GPU gets. The one with probabilities starts sure of itself, and so mostly wrong beyond what clipping keeps.
CASES: dict[str, dict[str, Any]] = {
    "cnn": {"architecture": {"kind": "cnn", "output_dropout": 0}, "optimizer": MOMENTUM, "train_images": 64},
    "join_net": {
        "architecture": {"kind": "join_net", "depth": 3, "kernels": 2, "join": "concatenate"},
        "train_images": 64,
    },
    "saturated": {
        "architecture": {"kind": "join_net", "depth": 3, "kernels": 2, "join": "sum", "dense_units": 16},
        "optimizer": {"kind": "sgd", "learning_rate": 1e-3},
        "loss": "probabilities",
        "train_images": 64,
    },
    "residual_net": {
        "architecture": RESIDUAL_NET,
        "weight_decay": 1.0,
        "augmentation": "shift_flip",
        "labels": "integer",
        "train_images": 64,
    },
    "looped": {
        "architecture": RESIDUAL_NET,
        "optimizer": MOMENTUM,
        "weight_decay": 1.0,
        "augmentation": "shift_flip",
        "train_images": 28,
        "batch_size": 8,
    },
}

Answers = dict[str, np.ndarray]


def engine_without_dropout(spec: RunSpec) -> Engine:
    engine: Any = make_engine(spec, few_images().select(spec.train_images, spec.test_images))
    for layer in engine.model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0
    if spec.loss == "probabilities":
        kernel = engine.model.get_layer("output").kernel
        kernel.assign(100 * kernel)
    return engine


def steps(engine: Engine, spec: RunSpec) -> Answers:
    """Train the first epoch as ``training`` does; return losses, right answers and outputs for the test images."""
    engine.set_learning_rate(spec.optimizer.learning_rate / 2)
    shuffled = order.permutation(spec.seed, 0, spec.train_images)
    batches = [shuffled[i : i + spec.batch_size] for i in range(0, len(shuffled), spec.batch_size)]
    parts = range(0, len(batches), engine.stretch)
    given = [engine.train(0, batches[i : i + engine.stretch]) for i in parts]
    return {
        "loss": np.concatenate([each.loss for each in given]),
        "correct": np.concatenate([each.correct for each in given]),
        "outputs": engine.predict(few_images().x_test),
    }


def compared(folder: Path) -> Iterator[tuple[str, Answers]]:
    """Yield the answers of every case from the state that the other backend began with, and of the last once more."""
    for name, changes in CASES.items():
        spec = make_spec(**changes)
        with mock.patch("jax.default_backend", return_value="gpu" if name == "looped" else "cpu"):
            engine = engine_without_dropout(spec)
        with np.load(folder / f"{name}.npz") as file:
            engine.restore([file[key] for key in file.files])
        before = engine.state()
        yield name, steps(engine, spec) | {"stretch": np.array(engine.stretch)}
    engine.restore(before)
    yield "restored", steps(engine, spec)


def recorded(folder: Path) -> Iterator[tuple[str, Answers]]:
    """Yield what a run with dropout and batch norm records, whole and paused in its second epoch."""
    spec = make_spec(**CASES["join_net"] | {"epochs": 2})
    told = []
    stop = Event()

    def report(*_: Any) -> None:
        told.append(1)
        if len(told) == 4:
            stop.set()

    try:
        train_in(folder / "paused", spec, stop=stop, report=report)
    except RunPausedError as pause:
        yield "pause", {"said": np.array(str(pause))}
    for name in ("paused", "whole"):
        record = train_in(folder / name, spec)
        yield (
            name,
            {
                "history": np.array(record.history.model_dump_json()),
                "final": np.array(record.final.model_dump_json()),
                "backend": np.array(record.environment.backend),
                "sittings": np.array(record.environment.sittings),
            },
        )


if __name__ == "__main__":
    datasets.synthetic = few_images
    home = Path(sys.argv[1])
    answers = [*compared(home), *recorded(home)]
    np.savez(home / "jax.npz", **{f"{name}.{key}": value for name, given in answers for key, value in given.items()})
