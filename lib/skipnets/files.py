"""Files that are either complete or absent, and locks that die with their process."""

import fcntl
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
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


def read(path: Path) -> bytes | None:
    """Return what the file ``path`` holds, None where there is none.

    Raises:
        SkipnetsError: It cannot be read, which says nothing about its content.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SkipnetsError(f"cannot read {path}: {error.strerror or error}") from error


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]] | None:
    """Return the arrays of an ``.npz`` file by name, checked against its checksums, None where there is no file.

    Raises:
        SkipnetsError: The file cannot be read.
        ValueError: What it holds is damaged, in whatever way.
    """
    # Read whole, so that an error below comes from the content alone, never from the disk.
    if (content := read(path)) is None:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            if (member := file.zip.testzip()) is not None:  # numpy checks only as far as it reads
                raise ValueError(f"{member} does not match its checksum")
            return {name: file[name] for name in file.files}
    except MemoryError:  # the machine's, since a damaged size does not match its checksum
        raise
    except Exception as error:  # a damaged archive fails in zipfile, zlib or numpy, each with errors of its own
        raise ValueError(str(error) or type(error).__name__) from error


def numbered(arrays: Sequence[npt.NDArray[Any]]) -> dict[str, Any]:
    """Name ``arrays`` by their place, for an ``.npz`` file."""
    return {_place(number): array for number, array in enumerate(arrays)}


def in_order(stored: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """Return what ``numbered`` named, in its order.

    Raises:
        KeyError: An array is missing, or one is there that has another name.
    """
    return [stored[_place(number)] for number in range(len(stored))]


def _place(number: int) -> str:
    return f"array{number:05d}"


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
        SkipnetsError: The folder cannot be written, or has no file locks.
    """
    with ExitStack() as held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = held.enter_context(open(path, "w"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunBusyError(busy) from error
        except OSError as error:
            raise SkipnetsError(f"cannot lock {path}: {error.strerror or error}") from error
        yield
