"""Files that are either complete or absent, and locks that die with their process."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from skipnets.errors import RunBusyError, SkipnetsError


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then rename it to ``path``.

    Readers see the old content or the new, never a part. A failure leaves the old file untouched.

    Raises:
        SkipnetsError: The folder cannot be written or the disk is full.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would hide a record from other accounts
        os.replace(temporary, path)
    except OSError as error:
        raise SkipnetsError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an ``.npz`` file by name, checked against its checksums.

    Raises:
        ValueError: The file does not read back, for whatever reason.
    """
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            if (member := file.zip.testzip()) is not None:  # numpy checks only as far as it reads
                raise ValueError(f"{member} does not match its checksum")
            return {name: file[name] for name in file.files}
    except Exception as error:  # a damaged archive fails in zipfile, zlib or numpy, each with errors of its own
        raise ValueError(str(error) or type(error).__name__) from error


def require_writable(folder: Path) -> None:
    """Raise SkipnetsError unless a file can be created in ``folder`` (made if absent)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SkipnetsError(f"cannot write to {folder}: {error.strerror or error}") from error


@contextmanager
def exclusive(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock file ``path``; the kernel drops it when the process ends, however it ends.

    Raises:
        RunBusyError: Another process holds it; the message is ``busy``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunBusyError(busy) from error
        yield
