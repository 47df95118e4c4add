"""Fixtures shared by the tests: one tiny run on generated images, and folders of its own for what a test writes."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from skipnets import datasets
from skipnets.records import Store
from skipnets.specs import RunSpec, parse_spec


@pytest.fixture(scope="session")
def loaded_once() -> Iterator[None]:
    """Generate the synthetic images once a session instead of once a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load", cache(datasets.load))
        yield


@pytest.fixture
def tiny_spec() -> RunSpec:
    return make_spec()


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


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"
