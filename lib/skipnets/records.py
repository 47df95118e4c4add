"""What happened in a run: RunRecord, and the store of records on disk.

A record is a small text file: canonical JSON with one key a line, written atomically, checked on reading against the
schema and against its own digest. It is never edited by hand. A run's final weights may lie beside it, in a file that
says which record it belongs to.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from skipnets import environment
from skipnets.errors import DamagedFileError
from skipnets.files import in_order, numbered, read, read_arrays, write_atomically
from skipnets.rounding import significant
from skipnets.specs import RunSpec, canonical_json, explain

SCHEMA = 1

#: How many epochs count as the end of a run.
LATE = 50


class Entry(BaseModel):
    """A frozen piece of a record. NaN and infinities are written as strings, so that the file stays valid JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Curve(Entry):
    """A metric over the epochs at which it was measured; ``epochs`` counts completed epochs."""

    epochs: tuple[int, ...] = ()
    loss: tuple[float, ...] = ()
    accuracy: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _equally_long(self) -> "Curve":
        if not len(self.epochs) == len(self.loss) == len(self.accuracy):
            raise ValueError("epochs, loss and accuracy differ in length")
        return self

    def point(self, epoch: int, loss: float, accuracy: float) -> "Curve":
        """Return the curve with one more point; values keep seven significant digits, as float32 has."""
        return Curve(
            epochs=(*self.epochs, epoch),
            loss=(*self.loss, significant(loss, 7)),
            accuracy=(*self.accuracy, significant(accuracy, 7)),
        )

    def last(self) -> "Metrics":
        """Return the last point."""
        return Metrics(loss=self.loss[-1], accuracy=self.accuracy[-1])


class History(Entry):
    """Cross-entropy (nats an image, without weight penalty) and accuracy per epoch.

    ``training`` is what Keras averages while it trains, dropout on and weights moving; ``training_inference`` the
    same images measured afterwards with dropout off. ``validation`` exists where the spec holds images out.
    """

    training: Curve = Curve()
    training_inference: Curve = Curve()
    test: Curve = Curve()
    validation: Curve | None = None


class Metrics(Entry):
    """Loss and accuracy at one moment."""

    loss: float
    accuracy: float


class Stop(Entry):
    """Where a loss stopped being finite: completed epochs and the step, counted from 0, in the next one."""

    epoch: int
    step: int


class Final(Entry):
    """How the run ended and its metrics at that moment. Files have ``state`` under an older name."""

    model_config = ConfigDict(validate_by_name=True)

    status: Literal["completed", "diverged"]
    diverged_at: Stop | None = None
    training: Metrics
    training_inference: Metrics
    test: Metrics
    test_correct: str  # base64 of one bit a test image, in their order
    state: str = Field(alias="weights")  # SHA-256 of the whole trained state: weights, dropout generators, optimiser

    @model_validator(mode="after")
    def _says_where_it_diverged(self) -> "Final":
        if (self.status == "diverged") != (self.diverged_at is not None):
            raise ValueError(f"status {self.status!r} does not go with diverged_at {self.diverged_at!r}")
        return self

    def right_answers(self, images: int) -> npt.NDArray[np.bool_]:
        """Return whether each test image was classified correctly, shape (images,)."""
        packed = np.frombuffer(base64.b64decode(self.test_correct), dtype=np.uint8)
        return np.unpackbits(packed, count=images).astype(bool)


class Setup(Entry):
    """With what something is computed."""

    backend: str
    device: str
    versions: dict[str, str]
    commit: str | None

    @classmethod
    def here(cls) -> "Setup":
        """Return this process's, to be asked for before the work: hours later, git may have another commit."""
        return Setup(
            backend=environment.backend(),
            device=environment.device(),
            versions=environment.versions(),
            commit=environment.commit(),
        )


class Environment(Setup):
    """What the spec does not decide: where, with what and how fast.

    Of a run that was interrupted, device, versions and commit are those of its last sitting.
    """

    images: dict[str, str]  # fingerprints of the arrays used
    finished: str  # UTC, ISO 8601
    seconds: float  # training and evaluation, summed over all sittings
    sittings: int  # 1 for a run that was never interrupted
    epoch_seconds: tuple[float, ...]  # training alone


class Sealed(Entry):
    """A whole file: its fields under their schema version and a digest of them all."""

    schema_version: int = Field(SCHEMA, alias="schema")

    def to_json(self) -> str:
        """Return the file's content."""
        data = json.loads(self.model_dump_json(by_alias=True))
        return _layout({"schema": data["schema"], "digest": _digest(data)} | data) + "\n"

    def write(self, path: Path) -> Path:
        """Write the file atomically and return its path."""
        text = self.to_json().encode()
        write_atomically(path, lambda file: file.write(text))
        return path

    @classmethod
    def from_json(cls, text: str | bytes, source: str = "record") -> Self:
        """Read what ``to_json`` wrote.

        Raises:
            DamagedFileError: Not JSON, another schema version, a field that is missing or out of range, or
                content that does not match the digest.
        """
        try:
            data = json.loads(text, parse_constant=_refuse_constant)
        except ValueError as error:
            raise DamagedFileError(f"{source} is not JSON: {error}") from error
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, dict) else None
            raise DamagedFileError(f"{source}: schema version {found!r}, this library reads {SCHEMA}")
        digest = data.pop("digest", None)
        if digest != _digest(data):
            raise DamagedFileError(f"{source} was changed after it was written: its content does not match its digest")
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise DamagedFileError(f"{source}: {explain(error, 'record')}") from error


class RunRecord(Sealed):
    """One finished run. Top-level keys: schema, digest, spec, history, final, environment."""

    spec: RunSpec
    history: History
    final: Final
    environment: Environment

    @model_validator(mode="after")
    def _ends_where_it_says(self) -> "RunRecord":
        epochs = self.history.training.epochs
        if self.final.status == "completed" and (not epochs or epochs[-1] != self.spec.epochs):
            raise ValueError(f"a completed run of {self.spec.epochs} epochs has a history of {len(epochs)}")
        return self

    def late(self, measure: str, metric: str) -> float:
        """Median of a metric over the measured epochs among the last 50, of a run under 100 in its latter half.

        ``measure`` is ``training``, ``training_inference`` or ``test``, ``metric`` loss or accuracy. A single epoch,
        the last one for instance, may be a spike.
        """
        curve = getattr(self.history, measure)
        values = zip(curve.epochs, getattr(curve, metric), strict=True)
        last = curve.epochs[-1]
        return float(np.median([value for epoch, value in values if epoch > last - max(1, min(LATE, last // 2))]))


def now() -> str:
    """Return the time as records write it: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def digest_arrays(arrays: Iterable[npt.NDArray[Any]]) -> str:
    """Return the SHA-256 of the arrays' bytes, one after another."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def pack_bits(right: npt.NDArray[np.bool_]) -> str:
    """Return one bit an image as base64 text."""
    return base64.b64encode(np.packbits(right).tobytes()).decode()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is Python's, not JSON's")


def _digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(data).encode()).hexdigest()


def _layout(value: Any, indent: int = 0) -> str:
    """JSON with one key a line and each list on one line, so that a diff shows which curve changed."""
    if not isinstance(value, dict):
        return json.dumps(value, allow_nan=False)
    pad = "  " * (indent + 1)
    lines = [f"{pad}{json.dumps(key)}: {_layout(item, indent + 1)}" for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + "\n" + "  " * indent + "}"


class Store:
    """The records of one folder, found by their spec."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, spec: RunSpec) -> Path:
        """Where the record of ``spec`` lies, whether or not it exists."""
        return self.folder / f"{spec.run_id}.json"

    def load(self, spec: RunSpec) -> RunRecord | None:
        """Return the record of ``spec``, or None where there is none.

        Raises:
            DamagedFileError: The file is not what was written, or holds another run.
            SkipnetsError: The file cannot be read.
        """
        path = self.path(spec)
        if (content := read(path)) is None:
            return None
        record = RunRecord.from_json(content, str(path))
        if self.path(record.spec) != path:
            raise DamagedFileError(f"{path} holds another run than its name says")
        return record

    def save(self, record: RunRecord) -> Path:
        """Write ``record`` atomically and return its path."""
        return record.write(self.path(record.spec))

    def find(self, spec: RunSpec, weights: bool = False) -> RunRecord | None:
        """Return the record of ``spec``; with ``weights``, None also where its final weights are not kept.

        A run that diverged has none worth keeping.

        Raises:
            DamagedFileError: A file is not what was written.
            SkipnetsError: A file cannot be read.
        """
        record = self.load(spec)
        if record is None or not weights or record.final.status == "diverged":
            return record
        return None if self.load_weights(record) is None else record

    def weights_path(self, spec: RunSpec) -> Path:
        """Where the final weights of ``spec`` lie, whether or not they are kept."""
        return self.folder / "weights" / f"{spec.run_id}.npz"

    def save_weights(self, record: RunRecord, weights: Sequence[npt.NDArray[Any]]) -> Path:
        """Keep the weights that ``record`` ended with, as ``Model.get_weights`` gives them; return their path."""
        path = self.weights_path(record.spec)
        kept = {"state": np.array(record.final.state)} | numbered(weights)
        write_atomically(path, lambda file: np.savez_compressed(file, **kept))
        return path

    def load_weights(self, record: RunRecord) -> list[npt.NDArray[Any]] | None:
        """Return the weights that ``record`` ended with, for ``Model.set_weights``.

        None where none are kept, or where the file belongs to another training of the same spec: on another kind of
        processor it rounds otherwise.

        Raises:
            DamagedFileError: The file does not match its checksums.
            SkipnetsError: The file cannot be read.
        """
        path = self.weights_path(record.spec)
        try:
            if (stored := read_arrays(path)) is None:
                return None
            belongs = str(stored.pop("state")) == record.final.state
            return in_order(stored) if belongs else None
        except (ValueError, KeyError) as error:
            raise DamagedFileError(f"{path} is damaged ({error}); delete it to have the run trained again") from error
