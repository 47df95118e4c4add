"""Checkpoints: they read back exactly, whatever they hold, and damage of any kind is noticed."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skipnets.checkpoints import Checkpoint, Progress
from skipnets.errors import DamagedFileError, RunBusyError, SkipnetsError
from skipnets.files import exclusive
from skipnets.records import Curve, History, Stop
from tiny import make_spec

PROGRESS = Progress(
    epoch=2,
    step=3,
    loss_sum=0.1 + 0.2,
    correct=61,
    images=96,
    epoch_clock=1.25,
    seconds=7.5,
    sittings=2,
    fingerprints={"x_train": "0123456789abcdef"},
    epoch_seconds=[1.5, 1.25],
    history=History(training=Curve().point(1, 2.3, 0.1).point(2, 1.9, 0.3), test=Curve().point(2, 2.0, 0.2)),
)
ARRAYS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, dtype=np.int64), np.zeros(0, dtype=np.uint32)]

numbers = st.integers(0, 10**9)
amounts = st.floats(0, 1e12)
progresses = st.builds(
    Progress,
    epoch=numbers,
    step=numbers,
    loss_sum=amounts,
    correct=numbers,
    seconds=amounts,
    epoch_seconds=st.lists(amounts, max_size=3),
    history=st.builds(
        lambda loss, accuracy: History(test=Curve().point(1, loss, accuracy)), st.floats(), st.floats(0, 1)
    ),
    diverged_at=st.none() | st.builds(Stop, epoch=numbers, step=numbers),
)
states = st.lists(
    st.sampled_from([np.float32, np.int64, np.uint32]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, max_side=3))
    ),
    max_size=12,
)


@given(progresses, states)
@settings(deadline=None)
def test_a_checkpoint_reads_back_exactly(progress: Progress, arrays: list[np.ndarray]) -> None:
    with TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder), make_spec())
        checkpoint.save(progress, arrays)
        saved = checkpoint.load()
    assert saved is not None
    assert repr(saved[0]) == repr(progress)  # in which NaN equals NaN
    assert [array.dtype for array in saved[1]] == [array.dtype for array in arrays]
    assert [array.shape for array in saved[1]] == [array.shape for array in arrays]
    assert [array.tobytes() for array in saved[1]] == [array.tobytes() for array in arrays]


def test_more_arrays_than_ten_keep_their_order(checkpoints: Path) -> None:
    checkpoint = Checkpoint(checkpoints, make_spec())
    checkpoint.save(PROGRESS, [np.array(number) for number in range(1200)])
    saved = checkpoint.load()
    assert saved is not None
    assert [int(array) for array in saved[1]] == list(range(1200))


def test_there_is_none_before_the_first_save_and_after_discarding(checkpoints: Path) -> None:
    checkpoint = Checkpoint(checkpoints, make_spec())
    assert checkpoint.load() is None
    checkpoint.save(PROGRESS, ARRAYS)
    checkpoint.discard()
    assert checkpoint.load() is None
    checkpoint.discard()


def test_discarding_removes_what_killed_saves_left_of_this_run_alone(checkpoints: Path) -> None:
    checkpoint, other = (Checkpoint(checkpoints, make_spec(seed=seed)) for seed in (3, 4))
    for each in (checkpoint, other):
        each.save(PROGRESS, ARRAYS)
        (checkpoints / f".{each.path.name}.k1ll3d").write_bytes(b"half")
    checkpoint.discard()
    assert sorted(os.listdir(checkpoints)) == sorted([f".{other.path.name}.k1ll3d", other.path.name])


KILLED_SAVE = """
import os, signal, sys
from pathlib import Path
import numpy as np
from skipnets.checkpoints import Checkpoint, Progress
from skipnets.specs import read_spec

os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
Checkpoint(Path(sys.argv[1]), read_spec(Path(sys.argv[2]))).save(Progress(epoch=9), [np.ones(9)])
"""


def test_a_save_killed_on_its_way_leaves_the_old_checkpoint(tmp_path: Path, checkpoints: Path) -> None:
    checkpoint = Checkpoint(checkpoints, make_spec())
    checkpoint.save(PROGRESS, ARRAYS)
    (tmp_path / "spec.json").write_text(make_spec().model_dump_json())
    killed = subprocess.run([sys.executable, "-c", KILLED_SAVE, checkpoints, tmp_path / "spec.json"], check=False)
    assert killed.returncode == -9
    saved = checkpoint.load()
    assert saved is not None
    assert saved[0] == PROGRESS
    assert len(os.listdir(checkpoints)) == 2
    checkpoint.discard()
    assert os.listdir(checkpoints) == []


def test_runs_and_backends_have_checkpoints_of_their_own(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [Checkpoint(checkpoints, make_spec(seed=seed)).path for seed in (3, 4)]
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    paths.append(Checkpoint(checkpoints, make_spec()).path)
    assert len(set(paths)) == 3
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert Checkpoint(checkpoints, make_spec()).path.name.endswith(".tensorflow.npz")


def test_a_run_is_locked_for_every_backend(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its record has one name, whichever backend it is trained on."""
    here = Checkpoint(checkpoints, make_spec()).lock
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    there = Checkpoint(checkpoints, make_spec()).lock
    with exclusive(here, busy=""), pytest.raises(RunBusyError), exclusive(there, busy="busy"):
        pass
    assert Checkpoint(checkpoints, make_spec(seed=4)).lock != here


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    checkpoint = Checkpoint(tmp_path_factory.mktemp("whole"), make_spec())
    checkpoint.save(PROGRESS, ARRAYS)
    return checkpoint.path.read_bytes()


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_is_noticed_or_harmless(whole: bytes, data: st.DataObject) -> None:
    content = bytearray(whole)
    content[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder), make_spec())
        checkpoint.path.write_bytes(content)
        try:
            saved = checkpoint.load()
        except DamagedFileError:
            return
    assert saved is not None
    assert saved[0] == PROGRESS
    # Too few arrays are left to the engine, which takes its own number of them alone.
    assert [repr(array) for array in saved[1]] == [repr(array) for array in ARRAYS[: len(saved[1])]]


def a_plain_array(whole: bytes, path: Path) -> None:
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))


def another_archive(whole: bytes, path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, x_train=np.zeros(3))


def another_progress(whole: bytes, path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, progress=np.array('{"epoch": 1, "chapter": 2, "history": "{}", "diverged_at": null}'))


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole, path: path.write_bytes(b""),
        lambda whole, path: path.write_bytes(whole[:1]),
        lambda whole, path: path.write_bytes(whole[: len(whole) // 2]),
        lambda whole, path: path.write_bytes(whole[:-1]),
        lambda whole, path: path.write_bytes(whole[1:]),
        lambda whole, path: path.write_text("not an archive"),
        a_plain_array,
        another_archive,
        another_progress,
    ],
    ids=["empty", "one byte", "half", "last byte", "first byte", "text", "array", "archive", "progress"],
)
def test_what_is_no_checkpoint_is_named_and_left_alone(
    whole: bytes, checkpoints: Path, damage: Callable[[bytes, Path], object]
) -> None:
    checkpoint = Checkpoint(checkpoints, make_spec())
    checkpoints.mkdir()
    damage(whole, checkpoint.path)
    before = checkpoint.path.read_bytes()
    with pytest.raises(DamagedFileError, match=f"checkpoint {checkpoint.path} is damaged .*; delete it to start"):
        checkpoint.load()
    assert checkpoint.path.read_bytes() == before


def test_a_checkpoint_that_cannot_be_read_is_not_called_damaged(checkpoints: Path) -> None:
    checkpoint = Checkpoint(checkpoints, make_spec())
    checkpoint.path.mkdir(parents=True)
    with pytest.raises(SkipnetsError, match=f"cannot read {checkpoint.path}: Is a directory") as caught:
        checkpoint.load()
    assert not isinstance(caught.value, DamagedFileError)


def test_a_failed_save_leaves_the_old_checkpoint_and_nothing_else(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint(checkpoints, make_spec())
    checkpoint.save(PROGRESS, ARRAYS)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SkipnetsError, match=f"cannot write {checkpoint.path}: No space left on device"):
        checkpoint.save(replace(PROGRESS, epoch=9), ARRAYS)
    saved = checkpoint.load()
    assert saved is not None
    assert saved[0] == PROGRESS
    assert os.listdir(checkpoints) == [checkpoint.path.name]
