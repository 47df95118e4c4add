"""Fixtures shared by the tests: one tiny run on generated images, and folders of its own for what a test writes."""

import os
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from hypothesis import settings

from skipnets import datasets
from skipnets.records import Store
from skipnets.specs import RunSpec
from tiny import few_images, make_spec

if "CI" not in os.environ:  # Hypothesis' own profile for CI does so too: a busy machine is not a bug
    settings.register_profile("local", deadline=None)
    settings.load_profile("local")


@pytest.fixture
def tiny_spec() -> RunSpec:
    return make_spec()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


@pytest.fixture
def agg() -> Iterator[None]:
    """Draw without a screen, and close what was drawn."""
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def few_synthetic_images() -> Iterator[None]:
    """Let the image set ``synthetic`` have as few images as the tiny run needs, since making them takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "synthetic", few_images)
        yield
