"""Fixtures shared by the tests: one tiny run on generated images, and folders of its own for what a test writes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skipnets import datasets
from skipnets.records import Store
from skipnets.specs import RunSpec
from tiny import few_images, make_spec


@pytest.fixture
def tiny_spec() -> RunSpec:
    return make_spec()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


@pytest.fixture(scope="module")
def few_synthetic_images() -> Iterator[None]:
    """Let the image set ``synthetic`` have as few images as the tiny run needs, since making them takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "synthetic", few_images)
        yield
