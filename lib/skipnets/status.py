"""How far an experiment is: per cell, which seeds are recorded, diverged, in progress, missing, damaged."""

from dataclasses import dataclass
from pathlib import Path

from skipnets.checkpoints import Checkpoint
from skipnets.errors import DamagedFileError
from skipnets.experiments import Experiment
from skipnets.records import RunRecord


@dataclass(frozen=True)
class CellStatus:
    """Seeds of one cell by state.

    ``recorded`` includes ``diverged``; ``missing`` includes ``in_progress``; ``damaged`` are in neither.
    """

    cell: str
    label: str
    image_set: str
    epochs: int
    seeds: list[int]
    recorded: list[int]
    diverged: list[int]
    in_progress: list[int]
    missing: list[int]
    damaged: list[int]
    test_accuracy: float | None  # mean over the completed runs, each the median of its last 50 epochs


def experiment_status(experiment: Experiment, checkpoints: Path) -> list[CellStatus]:
    """Return one row a cell, in the experiment's order.

    Raises:
        SkipnetsError: A record cannot be read.
    """
    rows = []
    for cell in experiment.cells:
        found: dict[int, RunRecord] = {}
        missing, damaged = [], []
        for spec in cell.specs():
            try:
                if (record := experiment.store.load(spec)) is None:
                    missing.append(spec.seed)
                else:
                    found[spec.seed] = record
            except DamagedFileError:
                damaged.append(spec.seed)
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
                damaged=damaged,
                test_accuracy=sum(accuracies) / len(accuracies) if accuracies else None,
            )
        )
    return rows
