"""Files that are complete or absent, and locks that end with their process."""

import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from skipnets.errors import RunBusyError, SkipnetsError
from skipnets.files import exclusive, require_writable, write_atomically


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
