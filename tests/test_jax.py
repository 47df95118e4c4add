"""The JAX engine against the Keras engine on TensorFlow, and against itself."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jax_side import CASES, engine_without_dropout, steps
from tiny import make_spec

SCRIPT = Path(__file__).parent / "jax_side.py"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What TensorFlow (``tensorflow.<case>.<what>``) and JAX (``<case>.<what>``) answered, from the same states."""
    folder, found = tmp_path_factory.mktemp("jax"), {}
    for name, changes in CASES.items():
        spec = make_spec(**changes)
        engine = engine_without_dropout(spec)
        np.savez(folder / f"{name}.npz", *engine.state())
        found |= {f"tensorflow.{name}.{key}": value for key, value in steps(engine, spec).items()}
    backend = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    faster_to_compile = {
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    subprocess.run([sys.executable, SCRIPT, folder], check=True, env=os.environ | backend | faster_to_compile)
    with np.load(folder / "jax.npz") as file:
        return found | {name: file[name] for name in file.files}


@pytest.mark.parametrize("case", CASES)
def test_every_step_has_the_loss_that_tensorflow_gives(case: str, answers: dict[str, Any]) -> None:
    expected = answers[f"tensorflow.{case}.loss"]
    assert len(expected) > 1
    assert answers[f"{case}.loss"] == pytest.approx(expected, rel=1e-4)
    assert answers[f"{case}.correct"].tolist() == answers[f"tensorflow.{case}.correct"].tolist()


@pytest.mark.parametrize("case", CASES)
def test_trained_networks_answer_alike(case: str, answers: dict[str, Any]) -> None:
    expected = answers[f"tensorflow.{case}.outputs"]
    assert np.abs(answers[f"{case}.outputs"] - expected).max() < 0.01 * np.abs(expected).max()


def test_a_gpu_takes_all_full_batches_in_one_scan(answers: dict[str, Any]) -> None:
    assert {case: int(answers[f"{case}.stretch"]) for case in CASES} == dict.fromkeys(CASES, 1) | {"looped": 3}


def test_a_state_handed_out_is_not_touched_by_later_steps(answers: dict[str, Any]) -> None:
    assert answers["restored.loss"].tolist() == answers["looped.loss"].tolist()
    assert answers["restored.outputs"].tolist() == answers["looped.outputs"].tolist()


def test_a_pause_leaves_no_trace_in_the_record(answers: dict[str, Any]) -> None:
    assert "paused in epoch 2 of 2" in str(answers["pause.said"])
    assert answers["paused.history"] == answers["whole.history"]
    assert answers["paused.final"] == answers["whole.final"]
    assert (answers["paused.sittings"], answers["whole.sittings"]) == (2, 1)
    assert answers["whole.backend"] == "jax"
