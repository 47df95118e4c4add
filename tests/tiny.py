"""One tiny run on generated images, and how to train it in a process that is killed on the way."""

import os
import signal
import threading
from collections.abc import Callable
from functools import cache, partial
from itertools import count
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from skipnets import datasets, training
from skipnets.checkpoints import Progress
from skipnets.records import RunRecord, Store
from skipnets.specs import RunSpec, parse_spec

few_images = cache(partial(datasets.synthetic, train_images=100, test_images=40))


def make_spec(**changes: Any) -> RunSpec:
    """Return the tiny run, changed: a small residual net with dropout, 4 steps an epoch, the last one ragged."""
    usual = {
        "architecture": {"kind": "resnet"},
        "image_set": "synthetic",
        "train_images": 100,
        "test_images": 40,
        "optimizer": {"kind": "rmsprop"},
        "batch_size": 32,
        "epochs": 3,
        "seed": 3,
        "evaluate_training_every": 2,
    }
    return parse_spec(usual | changes)


def train_in(folder: Path, spec: RunSpec, **arguments: Any) -> RunRecord:
    """Train ``spec`` with its record and its checkpoint below ``folder``."""
    return training.train(spec, Store(folder / "results"), folder / "checkpoints", **arguments)


def train_and_die(folder: Path, spec: RunSpec, steps: int, delay: float) -> None:
    """Train with a checkpoint after every step; SIGKILL this process ``delay`` seconds after ``steps`` of them."""
    die = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL))
    _train_saving_often(folder, spec, steps, die.start)


def train_and_hang(folder: Path, spec: RunSpec, hanging: Event) -> None:
    """Train two steps, say so, and go no further."""

    def hang() -> None:
        hanging.set()
        threading.Event().wait()

    _train_saving_often(folder, spec, 2, hang)


def _train_saving_often(folder: Path, spec: RunSpec, reports: int, then: Callable[[], None]) -> None:
    told = count(1)

    def report(progress: Progress) -> None:
        if next(told) == reports:
            then()

    training.CHECKPOINT_EVERY = 0.0
    datasets.synthetic = few_images
    train_in(folder, spec, report=report)
