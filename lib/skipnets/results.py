"""What a chapter works on: an experiment's records, as tidy DataFrames, with what is missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console

from skipnets.analysis.curves import find_spikes, first_epoch
from skipnets.analysis.statistics import summarize
from skipnets.errors import SkipnetsError
from skipnets.experiments import Cell, Experiment, find_experiment
from skipnets.measurements import FIRST_STEPS, FirstSteps, JoinedMaps, State
from skipnets.paths import checkpoint_folder
from skipnets.records import RunRecord
from skipnets.specs import RunSpec
from skipnets.workers import train_in_turn

T = TypeVar("T")


@dataclass(frozen=True)
class Results:
    """The records of an experiment. Cells without a record have an empty list."""

    experiment: Experiment
    records: dict[str, list[RunRecord]]  # by cell, seeds rising
    missing: list[tuple[Cell, RunSpec]]

    def of_cell(self, name: str) -> list[RunRecord]:
        """Return the records of a cell, seeds rising; none where none is made, or where a rerun leaves the cell out.

        Raises:
            BadInputError: The experiment has no such cell, in the book either; the message lists its cells.
        """
        if name not in self.records:
            find_experiment(self.experiment.name).cell(name)
        return self.records.get(name, [])

    def cells(self, names: Sequence[str] | None = None) -> list[Cell]:
        """Return the cells called ``names`` (all where None) that have a record.

        Raises:
            BadInputError: The experiment has no cell of a name.
        """
        asked = [cell.name for cell in self.experiment.cells] if names is None else names
        return [self.experiment.cell(name) for name in asked if self.of_cell(name)]

    def seeds(self, names: Sequence[str] | None = None) -> dict[str, tuple[int, ...]]:
        """Return the recorded seeds of each cell."""
        return {cell.name: tuple(r.spec.seed for r in self.of_cell(cell.name)) for cell in self.cells(names)}

    def mixed(self, names: Sequence[str] | None = None) -> list[str]:
        """Return in what records of these cells differ that a comparison should have in common; as a rule nothing."""
        records = [record for cell in self.cells(names) for record in self.of_cell(cell.name)]
        sets: dict[tuple[object, ...], dict[str, str]] = {}
        alike = True
        for record in records:
            spec, found = record.spec, record.environment.images
            asked = (spec.image_set, spec.train_offset, spec.train_images, spec.test_images)
            alike &= sets.setdefault(asked, found) == found
        differing = {
            "images that differ under one name": not alike,
            "several backends": len({record.environment.backend for record in records}) > 1,
        }
        return [what for what, differs in differing.items() if differs]

    def curves(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Return every measured epoch; of a run that diverged, those before its loss stopped being finite.

        Columns: cell, label, seed, epoch, measure (``training``: dropout on, averaged by Keras;
        ``training_inference``: the same images, dropout off; ``test``), loss (nats an image), accuracy.
        """
        parts = []
        for cell in self.cells(names):
            for record in self.of_cell(cell.name):
                for measure in ("training", "training_inference", "test"):
                    curve = getattr(record.history, measure)
                    part = pd.DataFrame({"epoch": curve.epochs, "loss": curve.loss, "accuracy": curve.accuracy})
                    if record.final.diverged_at is not None:
                        part = part[part.epoch <= record.final.diverged_at.epoch]
                    parts.append(part.assign(cell=cell.name, label=cell.label, seed=record.spec.seed, measure=measure))
        columns = ["cell", "label", "seed", "epoch", "measure", "loss", "accuracy"]
        return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)

    def outcomes(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Return one row a run: cell, label, seed, status, and how it came out.

        ``training_accuracy``, ``training_loss`` (dropout on), ``training_inference_...`` (dropout off) and ``test_...``
        are medians over the measured epochs among the last 50, of a run under 100 in its latter half
        (``RunRecord.late``), since one may be a spike. Further columns: epochs; minutes in all; epochs_to_learn (95 %
        of the training images right, dropout off); spikes (of the test loss, per 100 epochs; NaN where it was not
        measured every epoch); epoch_seconds (median, training alone).
        """
        rows = []
        for cell in self.cells(names):
            for record in self.of_cell(cell.name):
                rows.append(
                    {
                        "cell": cell.name,
                        "label": cell.label,
                        "seed": record.spec.seed,
                        "status": record.final.status,
                        "epochs": record.history.training.epochs[-1],
                        "minutes": record.environment.seconds / 60,
                        "epochs_to_learn": epochs_to_learn(record),
                        "spikes": spikes_per_hundred(record, "test"),
                        "epoch_seconds": float(np.median(record.environment.epoch_seconds)),
                    }
                    | {
                        f"{measure}_{metric}": record.late(measure, metric)
                        for measure in ("training", "training_inference", "test")
                        for metric in ("loss", "accuracy")
                    }
                )
        return pd.DataFrame(rows)

    def by_seed(self, name: str, column: str) -> dict[int, float]:
        """Return one column of ``outcomes`` for one cell, by seed, of runs that have it and did not diverge."""
        outcomes = self.outcomes([name])
        if outcomes.empty:
            return {}
        finished = outcomes[(outcomes.status == "completed") & outcomes[column].notna()]
        return dict(zip(finished.seed.tolist(), finished[column].tolist(), strict=True))

    def values(self, name: str, value: Callable[[RunRecord], float], diverged: float | None = None) -> dict[int, float]:
        """Return ``value`` of each completed run of a cell, by seed; of one that diverged ``diverged``, or nothing."""
        found = {
            record.spec.seed: value(record) if record.final.status == "completed" else diverged
            for record in self.of_cell(name)
        }
        return {seed: one for seed, one in found.items() if one is not None}

    def diverged(self, name: str) -> dict[int, int]:
        """Return the completed epochs after which runs of a cell diverged, by seed."""
        ends = {record.spec.seed: record.final.diverged_at for record in self.of_cell(name)}
        return {seed: end.epoch for seed, end in ends.items() if end is not None}

    def right_answers(self, name: str) -> dict[int, npt.NDArray[np.bool_]]:
        """Return whether each test image was right after the last epoch, (images,), by seed, of completed runs."""
        return {
            record.spec.seed: record.final.right_answers(record.spec.test_images)
            for record in self.of_cell(name)
            if record.final.status == "completed"
        }

    def states(self, name: str, epoch: int | None = None) -> dict[int, State]:
        """Return the measured states of a cell after ``epoch`` epochs (the last if None), by seed."""
        kept = self.experiment.measurements
        return self._measured(name, lambda spec: kept.state(spec, spec.epochs if epoch is None else epoch))

    def joined_maps(self, name: str) -> dict[int, JoinedMaps]:
        """Return what was measured of the joins of a cell's nets, by seed."""
        return self._measured(name, self.experiment.measurements.joined_maps)

    def first_steps(self, name: str, steps: int | None = FIRST_STEPS) -> dict[int, FirstSteps]:
        """Return the measured first ``steps`` steps of a cell (all of the run's if None), by seed."""
        kept = self.experiment.measurements
        return self._measured(name, lambda spec: kept.first_steps(spec, spec.steps if steps is None else steps))

    def _measured(self, name: str, read: Callable[[RunSpec], T | None]) -> dict[int, T]:
        """What ``read`` finds of a cell's runs, by seed, without those of which there is nothing."""
        found = {spec.seed: read(spec) for spec in self.experiment.cell(name).specs()}
        return {seed: measured for seed, measured in found.items() if measured is not None}

    def measured_epochs(self, names: Sequence[str]) -> list[int]:
        """Return after how many epochs all cells called ``names`` were measured, with two shared seeds or more."""
        kept = self.experiment.measurements
        measured = [
            {(spec.seed, epoch) for spec in self.experiment.cell(name).specs() for epoch in kept.epochs(spec)}
            for name in names
        ]
        shared = [epoch for _, epoch in set.intersection(*measured)]
        return sorted(epoch for epoch in set(shared) if shared.count(epoch) >= 2)

    def describe(self, name: str, column: str) -> str:
        """Return mean, spread and number of seeds of one column of ``outcomes`` for one cell, or that there is none."""
        values = list(self.by_seed(name, column).values())
        lost = len(self.diverged(name))
        if not values:
            unknown = "not measured" if self.of_cell(name) else "not recorded yet"
            return f"all {lost} diverged" if lost > 1 else "diverged" if lost else unknown
        return f"{summarize(values)}" + (f"; {lost} diverged" if lost else "")


def spikes_per_hundred(record: RunRecord, measure: str) -> float:
    """Spikes per 100 epochs in a run's loss: ``training`` (dropout on) or ``test``."""
    curve = getattr(record.history, measure)
    return find_spikes(curve.epochs, curve.loss).per_hundred


#: A net knows its training images where it has this share of them right.
LEARNT_SHARE = 0.95


def epochs_to_learn(record: RunRecord) -> float:
    """First measured epoch at which training accuracy, dropout off, reaches 95 %; one past the last if never."""
    curve = record.history.training_inference
    learnt = [accuracy >= LEARNT_SHARE for accuracy in curve.accuracy]
    return float(first_epoch(curve.epochs, learnt) or record.spec.epochs + 1)


def single_run_differences(results: Results, first: str, second: str, column: str) -> npt.NDArray[np.float64]:
    """Differences of a column of ``Results.outcomes`` between completed runs of ``first`` and ``second``, sorted."""
    values = [np.array(list(results.by_seed(name, column).values())) for name in (first, second)]
    return np.sort(np.subtract.outer(*values).ravel())


def load_results(experiment: Experiment, train_missing: bool = False) -> Results:
    """Return the experiment's records; with ``train_missing``, train first what has none.

    A run that another process trains meanwhile is left to it, and is missing in what is returned.

    Raises:
        BadInputError: A run cannot be trained as it was asked for.
        SkipnetsError: A record is damaged, or a run that was asked for failed, after the others were trained.
    """
    if train_missing and (missing := experiment.missing()):
        console = Console(soft_wrap=True)
        if train_in_turn(missing, experiment.store, checkpoint_folder(), console):
            raise SkipnetsError(f"not every run of {experiment.name} could be trained; the reasons are printed above")
    records = experiment.records()
    return Results(experiment, records, experiment.missing(records))
