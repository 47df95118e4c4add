"""How far an experiment is: per cell, which seeds are recorded, diverged, in progress, missing."""

from dataclasses import dataclass
from pathlib import Path

from skipnets.checkpoints import Checkpoint
from skipnets.experiments import Experiment


@dataclass(frozen=True)
class CellStatus:
    """Seeds of one cell by state. ``recorded`` includes ``diverged``; ``missing`` includes ``in_progress``."""

    cell: str
    label: str
    image_set: str
    epochs: int
    seeds: list[int]
    recorded: list[int]
    diverged: list[int]
    in_progress: list[int]
    missing: list[int]
    test_accuracy: float | None  # mean over the completed runs, each the median of its last 50 epochs


def experiment_status(experiment: Experiment, checkpoints: Path) -> list[CellStatus]:
    """Return one row a cell, in the experiment's order."""
    rows = []
    for cell in experiment.cells:
        records = {spec.seed: experiment.store.load(spec) for spec in cell.specs()}
        found = {seed: record for seed, record in records.items() if record is not None}
        missing = [seed for seed in cell.seeds if seed not in found]
        completed = [record for record in found.values() if record.final.status == "completed"]
        accuracies = [record.late("test", "accuracy") for record in completed]
        rows.append(
            CellStatus(
                cell=cell.name,
                label=cell.label,
                image_set=cell.spec.image_set,
                epochs=cell.spec.epochs,
                seeds=list(cell.seeds),
                recorded=list(found),
                diverged=[seed for seed, record in found.items() if record.final.status == "diverged"],
                in_progress=[
                    seed for seed in missing if Checkpoint(checkpoints, cell.spec.with_seed(seed)).path.exists()
                ],
                missing=missing,
                test_accuracy=sum(accuracies) / len(accuracies) if accuracies else None,
            )
        )
    return rows
