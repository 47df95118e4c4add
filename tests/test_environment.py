"""Where a run happened: what a process says of itself is what it started with."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import pytest

from skipnets import environment
from skipnets.engines import KerasEngine, StepResults
from skipnets.measurements import step_times
from skipnets.measurements.step_times import measure_step_times
from skipnets.specs import SGD, DeepNet
from tiny import make_spec, train_in


@pytest.fixture(autouse=True)
def _a_new_process() -> Iterator[None]:
    for once in (environment.versions, environment.commit):
        once.cache_clear()
    yield
    for once in (environment.versions, environment.commit):
        once.cache_clear()


def git(folder: Path, *arguments: str) -> str:
    me = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    return subprocess.run(
        ["git", "-C", str(folder), *me, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with one commit, which counts as the book's."""
    root = tmp_path / "checkout"
    (root / "lib").mkdir(parents=True)
    (root / "lib" / "code.py").write_text("one")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "one")
    monkeypatch.setattr(environment, "ROOT", root)
    return root


def test_a_commit_is_named_and_a_change_in_lib_marked(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")[:12]
    (checkout / "note").write_text("outside lib")
    assert environment.commit() == head
    environment.commit.cache_clear()
    (checkout / "lib" / "code.py").write_text("two")
    assert environment.commit() == head + "+"


@pytest.mark.parametrize(
    ("devices", "found"),
    [(["cpu:0"], False), (["cpu:0", "cpu:1"], False), (["cpu:0", "gpu:0"], True), (["tpu:0"], True)],
)
def test_an_accelerator_is_a_device_other_than_the_processor(
    monkeypatch: pytest.MonkeyPatch, devices: list[str], found: bool
) -> None:
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: devices)
    assert environment.has_accelerator() == found
    assert (environment.device() == "GPU") == found


def test_tensorflow_computes_with_onednn_on_every_processor() -> None:
    told = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    greeting = subprocess.run(
        [sys.executable, "-c", "import skipnets, tensorflow"],
        env=told | {"TF_CPP_MIN_LOG_LEVEL": "0"},
        check=True,
        capture_output=True,
        text=True,
    ).stderr
    assert "oneDNN custom operations are on" in greeting


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    assert environment.commit() is None


@pytest.mark.usefixtures("few_synthetic_images")
def test_a_record_names_the_commit_that_its_run_began_with(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed to, and a package replaced, while a first run is under way; a second one runs the same old code."""
    began, versions = git(checkout, "rev-parse", "HEAD")[:12], environment.versions()
    environment.versions.cache_clear()

    def change(*told: object) -> None:
        git(checkout, "commit", "--quiet", "--allow-empty", "--message", "two")
        monkeypatch.setattr(environment, "version", lambda package: "99")

    for seed in (0, 1):
        record = train_in(tmp_path, make_spec(epochs=1, seed=seed), report=change)
        assert record.environment.commit == began
        assert record.environment.versions == versions
    assert git(checkout, "rev-parse", "HEAD")[:12] != began


@pytest.mark.usefixtures("few_synthetic_images")
def test_a_measurement_names_the_commit_that_it_began_with(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began, train = git(checkout, "rev-parse", "HEAD")[:12], KerasEngine.train

    def change(*arguments: Any) -> StepResults:
        git(checkout, "commit", "--quiet", "--allow-empty", "--message", "two")
        return train(*arguments)

    monkeypatch.setattr(KerasEngine, "train", change)
    net = DeepNet(kind="plain_net", depth=8, width=2)
    monkeypatch.setattr(step_times, "BATCH_SIZE", 5)
    assert measure_step_times(net, (SGD(),), rounds=1).machine.commit == began
    assert git(checkout, "rev-parse", "HEAD")[:12] != began
