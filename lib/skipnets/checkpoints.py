"""Unfinished runs on disk: everything the next step depends on, in one file that is complete or absent."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skipnets.environment import backend
from skipnets.errors import DamagedFileError
from skipnets.files import in_order, numbered, read_arrays, write_atomically
from skipnets.records import History, Stop
from skipnets.specs import RunSpec


@dataclass
class Progress:
    """How far a run has come: ``epoch`` complete epochs, and sums over the first ``step`` steps of the next one."""

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0  # summed over images
    correct: int = 0
    images: int = 0
    epoch_clock: float = 0.0  # seconds of training spent on the epoch under way
    seconds: float = 0.0  # training and evaluation, all sittings
    sittings: int = 0
    fingerprints: dict[str, str] = field(default_factory=dict)  # of the arrays trained and tested on
    epoch_seconds: list[float] = field(default_factory=list)
    history: History = field(default_factory=History)
    diverged_at: Stop | None = None


class Checkpoint:
    """The checkpoint of one run, and the lock under which it is trained.

    The backend is part of the checkpoint's name, since dropout generators differ between them. It is not part of the
    lock's: whichever backend trains the run, its record is one.
    """

    def __init__(self, folder: Path, spec: RunSpec):
        self.path = folder / f"{spec.run_id}.{backend()}.npz"
        self.lock = folder / f"{spec.run_id}.lock"

    def save(self, progress: Progress, arrays: list[npt.NDArray[Any]]) -> None:
        """Replace the checkpoint."""
        plain = vars(progress) | {
            "history": progress.history.model_dump_json(),
            "diverged_at": progress.diverged_at.model_dump() if progress.diverged_at else None,
        }
        kept = {"progress": np.array(json.dumps(plain))} | numbered(arrays)
        write_atomically(self.path, lambda file: np.savez(file, **kept))

    def load(self) -> tuple[Progress, list[npt.NDArray[Any]]] | None:
        """Return progress and arrays, or None where nothing was saved.

        Raises:
            DamagedFileError: What the file holds is damaged; the message says how to start afresh.
            SkipnetsError: The file cannot be read.
        """
        try:
            if (stored := read_arrays(self.path)) is None:
                return None
            plain = json.loads(str(stored.pop("progress")))
            arrays = in_order(stored)
            plain["history"] = History.model_validate_json(plain["history"])
            plain["diverged_at"] = plain["diverged_at"] and Stop(**plain["diverged_at"])
            return Progress(**plain), arrays
        except (ValueError, KeyError, TypeError) as error:
            raise self.damaged(error) from error

    def damaged(self, why: Exception) -> DamagedFileError:
        """Return the error that says that this checkpoint is of no use, and what to do."""
        return DamagedFileError(
            f"checkpoint {self.path} is damaged ({why}); delete it to start this run from its beginning"
        )

    def discard(self) -> None:
        """Remove the checkpoint of a run whose record is safe, and the parts of files that killed saves left."""
        for path in (self.path, *self.path.parent.glob(f".{self.path.name}.*")):
            path.unlink(missing_ok=True)
