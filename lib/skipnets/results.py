"""What a chapter works on: an experiment's records, as tidy DataFrames, with what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console

from skipnets.analysis.statistics import find_spikes, first_epoch, summarize
from skipnets.experiments import Cell, Experiment
from skipnets.progress import RunDisplay
from skipnets.records import RunRecord
from skipnets.specs import RunSpec


@dataclass(frozen=True)
class Results:
    """The records of an experiment. Cells without a record have an empty list."""

    experiment: Experiment
    records: dict[str, list[RunRecord]]  # by cell, seeds rising
    missing: list[tuple[Cell, RunSpec]]

    def cells(self, names: Sequence[str] | None = None) -> list[Cell]:
        """Return the cells called ``names`` (all where None) that have a record."""
        chosen = [cell for cell in self.experiment.cells if self.records.get(cell.name)]
        return chosen if names is None else [cell for name in names for cell in chosen if cell.name == name]

    def seeds(self, names: Sequence[str] | None = None) -> dict[str, tuple[int, ...]]:
        """Return the recorded seeds of each cell."""
        return {cell.name: tuple(r.spec.seed for r in self.records[cell.name]) for cell in self.cells(names)}

    def curves(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Return every measured epoch; of a run that diverged, those before its loss stopped being finite.

        Columns: cell, label, seed, epoch, measure (``training``: dropout on, averaged by Keras;
        ``training_inference``: the same images, dropout off; ``test``), loss (nats an image), accuracy.
        """
        parts = []
        for cell in self.cells(names):
            for record in self.records[cell.name]:
                for measure in ("training", "training_inference", "test"):
                    curve = getattr(record.history, measure)
                    part = pd.DataFrame({"epoch": curve.epochs, "loss": curve.loss, "accuracy": curve.accuracy})
                    if record.final.diverged_at is not None:
                        part = part[part.epoch <= record.final.diverged_at.epoch]
                    parts.append(part.assign(cell=cell.name, label=cell.label, seed=record.spec.seed, measure=measure))
        columns = ["cell", "label", "seed", "epoch", "measure", "loss", "accuracy"]
        return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)

    def finals(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Return one row a run: cell, label, seed, status, and the final loss and accuracy of each measure.

        Further columns: epochs; minutes in all; epochs_to_learn (95 % of the training images right, dropout off);
        spikes (of the test loss, per 100 epochs); epoch_seconds (median, training alone).
        """
        rows = []
        for cell in self.cells(names):
            for record in self.records[cell.name]:
                final = record.final
                row = {"cell": cell.name, "label": cell.label, "seed": record.spec.seed, "status": final.status}
                row |= {"epochs": record.history.training.epochs[-1], "minutes": record.environment.seconds / 60}
                row |= {"epochs_to_learn": epochs_to_learn(record), "spikes": spikes_per_hundred(record, "test")}
                row |= {"epoch_seconds": float(np.median(record.environment.epoch_seconds))}
                for measure in ("training", "training_inference", "test"):
                    metrics = getattr(final, measure)
                    row |= {f"{measure}_loss": metrics.loss, f"{measure}_accuracy": metrics.accuracy}
                rows.append(row)
        return pd.DataFrame(rows)

    def by_seed(self, name: str, column: str) -> dict[int, float]:
        """Return one column of ``finals`` for one cell, by seed, without the runs that diverged."""
        finals = self.finals([name])
        if finals.empty:
            return {}
        finished = finals[finals.status == "completed"]
        return dict(zip(finished.seed.tolist(), finished[column].tolist(), strict=True))

    def diverged(self, name: str) -> dict[int, int]:
        """Return the completed epochs after which runs of a cell diverged, by seed."""
        ends = {record.spec.seed: record.final.diverged_at for record in self.records.get(name, [])}
        return {seed: end.epoch for seed, end in ends.items() if end is not None}

    def describe(self, name: str, column: str) -> str:
        """Return mean, spread and number of seeds of one column of ``finals`` for one cell, or that there is none."""
        values = list(self.by_seed(name, column).values())
        lost = len(self.diverged(name))
        if not values:
            return f"all {lost} diverged" if lost > 1 else "diverged" if lost else "not recorded yet"
        return f"{summarize(values)}" + (f"; {lost} diverged" if lost else "")


def spikes_per_hundred(record: RunRecord, measure: str) -> float:
    """Spikes per 100 epochs in a run's loss: ``training`` (dropout on) or ``test``."""
    curve = getattr(record.history, measure)
    return find_spikes(curve.epochs, curve.loss).per_hundred


def epochs_to_learn(record: RunRecord, accuracy: float = 0.95) -> float:
    """First measured epoch at which training accuracy, dropout off, reaches ``accuracy``; past the last if never."""
    curve = record.history.training_inference
    return float(first_epoch(curve.epochs, curve.accuracy, accuracy) or record.spec.epochs + 1)


def tail_means(results: Results, name: str, measure: str, metric: str, last: int = 20) -> dict[int, float]:
    """Mean of a metric over the measured epochs among the ``last`` of each run of a cell, by seed."""
    means = {}
    for record in results.records.get(name, []):
        curve = getattr(record.history, measure)
        ended = curve.epochs[-1]
        tail = [
            value for epoch, value in zip(curve.epochs, getattr(curve, metric), strict=True) if epoch > ended - last
        ]
        means[record.spec.seed] = float(np.mean(tail))
    return means


def single_run_differences(results: Results, first: str, second: str, column: str) -> npt.NDArray[np.float64]:
    """Differences of a column of ``Results.finals`` between every run of ``first`` and of ``second``, sorted."""
    finals = results.finals([first, second])
    values = [finals.loc[finals.cell == name, column].to_numpy(dtype=float) for name in (first, second)]
    return np.sort(np.subtract.outer(*values).ravel())


def load_results(experiment: Experiment, train_missing: bool = False) -> Results:
    """Return the experiment's records; with ``train_missing``, train first what has none.

    Raises:
        SkipnetsError: A record is damaged, or a run that was asked for failed.
    """
    if train_missing and experiment.missing():
        from skipnets.training import train

        with RunDisplay(Console(soft_wrap=True)) as display:
            for cell, spec in experiment.missing():
                display.begin(cell.label, spec)
                display.end(train(spec, experiment.store, report=display))
    return Results(experiment, experiment.records(), experiment.missing())
