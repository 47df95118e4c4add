"""Files that are complete or absent, and locks that end with their process."""

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
import pytest

from skipnets.errors import RunBusyError, SkipnetsError
from skipnets.files import exclusive, read, read_arrays, require_writable, write_atomically


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.json"
    write_atomically(path, lambda file: file.write(b"content"))
    assert path.read_bytes() == b"content"
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(path.parent) == ["file.json"]


@pytest.mark.parametrize(
    ("failure", "seen"),
    [(OSError(28, "Disk full"), SkipnetsError), (ValueError(), ValueError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_a_failing_writer_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, failure: BaseException, seen: type[BaseException]
) -> None:
    path = tmp_path / "file.json"
    path.write_text("old")

    def fail(file: BinaryIO) -> None:
        file.write(b"half of the n")
        raise failure

    with pytest.raises(seen):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.json"]


def test_the_old_file_stands_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text("old")

    def write(file: BinaryIO) -> None:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"

    write_atomically(path, write)
    assert path.read_text() == "new"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    inside = tmp_path / "file" / "folder"
    with pytest.raises(SkipnetsError, match=f"cannot write {inside}/x"):
        write_atomically(inside / "x", lambda file: None)
    with pytest.raises(SkipnetsError, match=f"cannot write to {inside}"):
        require_writable(inside)


def test_asking_whether_a_folder_is_writable_leaves_it_empty(tmp_path: Path) -> None:
    require_writable(tmp_path / "new")
    assert os.listdir(tmp_path / "new") == []


def failing(error: int) -> Callable[..., NoReturn]:
    def fail(*arguments: object) -> NoReturn:
        raise OSError(error, os.strerror(error))

    return fail


@pytest.mark.parametrize("error", [errno.EACCES, errno.ESTALE, errno.EIO])
def test_a_file_that_cannot_be_read_is_named_and_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    path = tmp_path / "arrays.npz"
    np.savez(path, one=np.ones(1))
    monkeypatch.setattr(Path, "read_bytes", failing(error))
    for reader in (read, read_arrays):
        with pytest.raises(SkipnetsError, match=f"cannot read {path}: {os.strerror(error)}"):
            reader(path)


def test_a_lack_of_memory_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "arrays.npz"
    np.savez(path, one=np.ones(1))

    def full(*arguments: object, **options: object) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(np, "load", full)
    with pytest.raises(MemoryError):
        read_arrays(path)


def test_where_there_is_no_file_there_is_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "none", tmp_path / "file" / "none"):
        assert read(path) is read_arrays(path) is None


HOLD = """
import sys, time
from pathlib import Path
from skipnets.files import exclusive
with exclusive(Path(sys.argv[1]), "busy"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_excludes_other_processes_and_ends_with_a_killed_one(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunBusyError, match="held elsewhere"), exclusive(path, busy="held elsewhere"):
            pass
        holder.kill()
        holder.wait()
        with exclusive(path, busy="held elsewhere"):
            pass


def test_a_lock_is_free_again_after_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with pytest.raises(ZeroDivisionError), exclusive(path, busy="busy"):
        _ = 1 / 0
    with exclusive(path, busy="busy"), pytest.raises(RunBusyError, match="busy"), exclusive(path, busy="busy"):
        pass


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.ESTALE])
def test_a_lock_that_cannot_be_had_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    path = tmp_path / "run.lock"
    monkeypatch.setattr(fcntl, "flock", failing(error))
    with pytest.raises(SkipnetsError, match=f"cannot lock {path}: {os.strerror(error)}"), exclusive(path, busy="busy"):
        pass


def test_a_failure_under_a_lock_is_not_called_the_locks(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), exclusive(tmp_path / "run.lock", busy="busy"):
        (tmp_path / "none").read_text()
