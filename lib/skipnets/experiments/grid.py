"""What an experiment is: named cells, each with its spec and its seeds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from skipnets.errors import BadInputError
from skipnets.measurements import Measurements
from skipnets.paths import RESULTS, local_results
from skipnets.records import RunRecord, Store
from skipnets.specs import RunSpec


class Scale(NamedTuple):
    """What decides how large every run of a grid is, unless its cell says otherwise."""

    image_set: str
    epochs: int
    samples: int  # training images
    test_samples: int
    batch_size: int

    def fields(self) -> dict[str, Any]:
        """Return the fields of a spec that every cell shares."""
        return {
            "image_set": self.image_set,
            "epochs": self.epochs,
            "train_images": self.samples,
            "test_images": self.test_samples,
            "batch_size": self.batch_size,
        }


@dataclass(frozen=True)
class Cell:
    """One place of a grid with all its seeds."""

    name: str
    label: str  # what a figure or table calls it
    spec: RunSpec  # of any seed: the runs have those of ``seeds``
    seeds: tuple[int, ...]
    main: bool = False

    def specs(self) -> Iterator[RunSpec]:
        """Yield the cell's runs, one a seed."""
        for seed in self.seeds:
            yield self.spec.with_seed(seed)


@dataclass(frozen=True)
class Experiment:
    """A named grid of cells at one scale.

    ``full_scale`` is False for a rerun with other parameters than the book's. Its records are kept apart from the
    committed ones, and its figures say so.
    """

    name: str
    title: str
    cells: tuple[Cell, ...]
    full_scale: bool = True

    @property
    def store(self) -> Store:
        """Where the experiment's records lie: committed at full scale, ignored by git otherwise."""
        return Store((RESULTS if self.full_scale else local_results()) / self.name)

    @property
    def measurements(self) -> Measurements:
        """What was measured once on the experiment's trained nets."""
        return Measurements(self.store.folder / "measurements")

    def cell(self, name: str) -> Cell:
        """Return the cell called ``name``.

        Raises:
            BadInputError: There is none; the message lists the cells.
        """
        for cell in self.cells:
            if cell.name == name:
                return cell
        raise BadInputError(f"{self.name} has no cell {name!r}; its cells: {', '.join(c.name for c in self.cells)}")

    def select(self, names: Sequence[str]) -> "Experiment":
        """Return the experiment with the cells called ``names`` alone, each once, in that order."""
        return replace(self, cells=tuple(self.cell(name) for name in dict.fromkeys(names)))

    def runs(self) -> Iterator[tuple[Cell, RunSpec]]:
        """Yield every run, the main cells' first, and among these the first seed of each cell before the second."""
        pairs = [(cell, spec) for cell in self.cells for spec in cell.specs()]
        yield from sorted(pairs, key=lambda pair: (not pair[0].main, pair[1].seed))

    def records(self) -> dict[str, list[RunRecord]]:
        """Return what is recorded, by cell, seeds in order.

        Raises:
            SkipnetsError: A record is damaged or cannot be read.
        """
        found = {cell.name: [self.store.load(spec) for spec in cell.specs()] for cell in self.cells}
        return {name: [record for record in records if record is not None] for name, records in found.items()}

    def missing(self, records: Mapping[str, Sequence[RunRecord]] | None = None) -> list[tuple[Cell, RunSpec]]:
        """Return the runs without a record, in the order to train them in.

        Args:
            records: What ``records`` returned, so that a run that ends meanwhile is not passed over by both; by
                default they are read now.

        Raises:
            SkipnetsError: A record is damaged or cannot be read.
        """
        found = self.records() if records is None else records
        recorded = {record.spec.run_id for of_cell in found.values() for record in of_cell}
        return [(cell, spec) for cell, spec in self.runs() if spec.run_id not in recorded]


def seeds_of(asked: Sequence[int] | None, planned: tuple[int, ...] = (0, 1, 2)) -> tuple[int, ...]:
    """The seeds that a caller asks for, each once, or those of the plan."""
    return planned if asked is None else tuple(dict.fromkeys(asked))
