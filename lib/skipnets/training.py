"""RunSpec in, RunRecord out: training that is deterministic on a CPU, resumable, and bounded in time.

The same spec on the same machine, number of cores and versions gives the same history to the last bit, interrupted or
not. On a GPU the order of floating-point sums inside a kernel is the driver's: the seed then labels a repetition.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from skipnets import datasets, order, scoring
from skipnets.checkpoints import Checkpoint, Progress
from skipnets.datasets import Images, ImageSet, Labels
from skipnets.engines import Engine, make_engine
from skipnets.errors import BadInputError, RunPausedError
from skipnets.files import exclusive, require_writable
from skipnets.paths import checkpoint_folder, local_results
from skipnets.records import Curve, Environment, Final, RunRecord, Setup, Stop, Store, digest_arrays, now, pack_bits
from skipnets.specs import RunSpec

#: A killed run loses at most this many seconds of work, and one step.
CHECKPOINT_EVERY = 30.0

T = TypeVar("T")
Report = Callable[[Progress], None]


def train(
    spec: RunSpec,
    store: Store,
    checkpoints: Path | None = None,
    deadline: float = float("inf"),
    stop: threading.Event | None = None,
    report: Report | None = None,
    keep_weights: bool = False,
) -> RunRecord:
    """Return the record of ``spec`` from ``store``, training it first where there is none.

    Args:
        spec: The run.
        store: Where its record is looked for and written.
        checkpoints: Folder of unfinished runs; default ``$SKIPNETS_CHECKPOINTS`` or data/checkpoints.
        deadline: Moment of ``time.monotonic`` by which to have stopped and saved. What comes next is expected to take
            as long as the longest of its kind so far; the first step and evaluation of a sitting cannot be foreseen.
        stop: When set from elsewhere, the run stops after the step under way.
        report: Called after every stretch of steps and every evaluation.
        keep_weights: Keep the final weights beside the record. A recorded run without them is trained again, and its
            record replaced by that of the run whose weights are kept.

    Raises:
        BadInputError: The image set does not exist or is too small.
        RunBusyError: Another process is training this run.
        RunPausedError: Time is up or ``stop`` was set; a checkpoint holds what was done.
        SkipnetsError: The image set is no longer the one that the run was begun or recorded on (a record that is only
            returned is not held against it); a folder cannot be written or has no locks; a file is damaged or cannot be
            read.
    """
    if (record := store.find(spec, keep_weights)) is not None:
        return record
    images = datasets.load_for(spec)
    folder = checkpoints or checkpoint_folder()
    require_writable(store.folder)
    require_writable(folder)
    checkpoint = Checkpoint(folder, spec)
    with exclusive(checkpoint.lock, busy=f"{spec.run_id} is being trained by another process"):
        if (recorded := store.load(spec)) is not None:
            images.require(recorded.environment.images, f"record {store.path(spec)}")
        if (record := store.find(spec, keep_weights)) is not None:
            return record
        run = _Run(spec, images, checkpoint, deadline, stop or threading.Event(), report)
        record = run.finish()
        if keep_weights and record.final.status == "completed":
            store.save_weights(record, run.engine.weights())
        store.save(record)
        checkpoint.discard()
    return record


def trained_weights(spec: RunSpec, images: ImageSet) -> list[npt.NDArray[Any]]:
    """Return the final weights of ``spec``, for a measurement on ``images``, which are the run's.

    A further measurement finds them in a folder of their own, where an unfinished training lies too: that of an
    experiment's own run is left alone.

    Raises:
        BadInputError: The run diverged.
        SkipnetsError: It was trained on other images, and as ``train``.
    """
    scratch = Store(local_results() / "states")
    record = train(spec, scratch, scratch.folder / "checkpoints", keep_weights=True)
    images.require(record.environment.images, f"record {scratch.path(spec)}")
    weights = scratch.load_weights(record)
    if weights is None:
        raise BadInputError(f"{spec.run_id} diverged: there are no final weights to measure")
    return weights


class _Run:
    """One sitting at one run."""

    def __init__(
        self,
        spec: RunSpec,
        images: ImageSet,
        checkpoint: Checkpoint,
        deadline: float,
        stop: threading.Event,
        report: Report | None,
    ):
        self.setup = Setup.here()
        self.spec, self.images, self.checkpoint = spec, images, checkpoint
        self.deadline, self.stop, self.report = deadline, stop, report
        self.fitted = images.select(spec.fitted_images, spec.test_images)
        self.held_out = images.x_train[spec.fitted_images :], images.y_train[spec.fitted_images :]
        self.engine: Engine = make_engine(spec, self.fitted)
        self.progress = Progress()
        if (saved := checkpoint.load()) is not None:
            self.progress, arrays = saved
            images.require(self.progress.fingerprints, f"checkpoint {checkpoint.path}")
            try:
                self.engine.restore(arrays)
            except ValueError as error:
                raise checkpoint.damaged(error) from error
        self.progress.fingerprints = images.fingerprints()
        self.progress.sittings += 1
        self.resumed_with, self.started = self.progress.seconds, time.monotonic()
        self.saved_at = self.started
        self.longest = {"stretch": 0.0, "evaluation": 0.0, "save": 0.0}

    def finish(self) -> RunRecord:
        """Train what is left and return the record."""
        progress = self.progress
        while progress.epoch < self.spec.epochs and progress.diverged_at is None:
            self._train_epoch()
            self._timed("evaluation", self._close_epoch)
            self._pause_if_due()
        return self._record()

    def _train_epoch(self) -> None:
        progress, spec = self.progress, self.spec
        self.engine.set_learning_rate(spec.learning_rate(progress.epoch))
        batches = order.batches(spec.seed, progress.epoch, len(self.fitted.y_train), spec.batch_size)
        while progress.step < len(batches):
            self._pause_if_due()
            part = batches[progress.step : progress.step + self.engine.stretch]
            begun = time.monotonic()
            results = self._timed("stretch", lambda part=part: self.engine.train(progress.epoch, part))  # type: ignore[misc]
            progress.epoch_clock += time.monotonic() - begun
            for batch, loss, correct in zip(part, results.loss, results.correct, strict=True):
                progress.loss_sum += float(loss) * len(batch)
                progress.correct += int(correct)
                progress.images += len(batch)
                if not np.isfinite(loss):
                    progress.diverged_at = Stop(epoch=progress.epoch, step=progress.step)
                    return
                progress.step += 1
            self._tell()

    def _close_epoch(self) -> None:
        """Measure what the spec asks for after this epoch, and begin the next."""
        progress, spec, history = self.progress, self.spec, self.progress.history
        epoch = progress.epoch + 1
        ended = epoch == spec.epochs or progress.diverged_at is not None
        update = {
            "training": history.training.point(
                epoch, progress.loss_sum / progress.images, progress.correct / progress.images
            )
        }
        if ended or epoch % spec.evaluate_training_every == 0:
            update["training_inference"] = self._measured(
                history.training_inference, epoch, self.fitted.x_train, self.fitted.y_train
            )
        if ended or epoch % spec.evaluate_test_every == 0:
            update["test"] = self._measured(history.test, epoch, self.images.x_test, self.images.y_test)
            if spec.held_out:
                update["validation"] = self._measured(history.validation or Curve(), epoch, *self.held_out)
        if ended and progress.diverged_at is None and not np.isfinite(update["training_inference"].loss[-1]):
            progress.diverged_at = Stop(epoch=progress.epoch, step=progress.step)  # in the last step of all
        progress.history = history.model_copy(update=update)
        progress.epoch_seconds.append(round(progress.epoch_clock, 3))
        progress.epoch, progress.step = epoch, 0
        progress.loss_sum, progress.correct, progress.images, progress.epoch_clock = 0.0, 0, 0, 0.0
        self._tell()

    def _measured(self, curve: Curve, epoch: int, images: Images, labels: Labels) -> Curve:
        outputs = self.engine.predict(images)
        loss = scoring.cross_entropy(outputs, labels, self.spec.loss).mean()
        return curve.point(epoch, float(loss), float(scoring.correct(outputs, labels).mean()))

    def _pause_if_due(self) -> None:
        """Save when the last save is old; stop when time is up or a stop was asked for."""
        now = time.monotonic()
        needed = sum(self.longest.values()) + 1.0
        if self.stop.is_set() or now + needed > self.deadline:
            self._save()
            epochs = self.spec.epochs
            raise RunPausedError(
                f"{self.spec.run_id} paused in epoch {min(self.progress.epoch + 1, epochs)} of {epochs}; "
                "the same command goes on from there"
            )
        if now - self.saved_at > CHECKPOINT_EVERY:
            self._timed("save", self._save)

    def _save(self) -> None:
        self._clock()
        self.checkpoint.save(self.progress, self.engine.state())
        self.saved_at = time.monotonic()

    def _clock(self) -> None:
        self.progress.seconds = self.resumed_with + time.monotonic() - self.started

    def _tell(self) -> None:
        if self.report is not None:
            self._clock()
            self.report(self.progress)

    def _timed(self, what: str, work: Callable[[], T]) -> T:
        begun = time.monotonic()
        try:
            return work()
        finally:
            self.longest[what] = max(self.longest[what], time.monotonic() - begun)

    def _record(self) -> RunRecord:
        # The finished state is saved first: a record that cannot be written then costs no training.
        self._save()
        progress, images = self.progress, self.images
        history = progress.history
        right = scoring.correct(self.engine.predict(images.x_test), images.y_test)
        return RunRecord(
            spec=self.spec,
            history=history,
            final=Final(
                status="diverged" if progress.diverged_at else "completed",
                diverged_at=progress.diverged_at,
                training=history.training.last(),
                training_inference=history.training_inference.last(),
                test=history.test.last(),
                test_correct=pack_bits(right),
                state=digest_arrays(self.engine.state()),
            ),
            environment=Environment(
                **dict(self.setup),
                images=progress.fingerprints,
                finished=now(),
                seconds=round(progress.seconds, 1),
                sittings=progress.sittings,
                epoch_seconds=tuple(progress.epoch_seconds),
            ),
        )
