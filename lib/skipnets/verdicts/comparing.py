"""What the rules share: numbers of runs over seeds with their interval, and the verdicts that intervals give."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from skipnets.analysis.curves import first_epoch
from skipnets.analysis.statistics import Comparison, Summary, compare_paired, summarize
from skipnets.records import RunRecord
from skipnets.results import Results
from skipnets.verdicts import NotMeasuredError, Status, Verdict

Value = Callable[[RunRecord], float]

#: Accuracies that differ by less than two points count as alike: about the error of a test set of 1,000 images, the
#: smallest of the book's own scales.
ALIKE = 0.02

#: Below this a net of ten classes has learnt next to nothing.
UNTRAINED = 0.15

#: Every verdict on condition numbers says whose matrix it is about.
READING = "The paper does not say which matrix it takes; this is channels against images and places, after ReLU."


def late(measure: str, metric: str) -> Value:
    """Return what takes a run's ``RunRecord.late``: of ``training_inference``, what it knows of its training images."""
    return lambda record: record.late(measure, metric)


def by_seed(results: Results, cell: str, value: Value, diverged: float | None = None) -> dict[int, float]:
    """Return what ``Results.values`` has of ``cell``: of two runs or more, since one says nothing about chance.

    Raises:
        NotMeasuredError: Fewer than two are recorded.
    """
    found = results.values(cell, value, diverged)
    if len(found) < 2:
        raise NotMeasuredError(f"Needs two completed runs of cell {cell}, {len(found)} recorded.")
    return found


def by_shared_seed(
    results: Results, cells: Sequence[str], value: Value, diverged: float | None = None
) -> list[dict[int, float]]:
    """Return what ``by_seed`` has of each cell, of the seeds alone that all of them share: at least two.

    Raises:
        NotMeasuredError: They share fewer.
    """
    found = [by_seed(results, cell, value, diverged) for cell in cells]
    seeds = sorted(set.intersection(*(set(values) for values in found)))
    if len(seeds) < 2:
        raise NotMeasuredError(f"Needs two seeds that {', '.join(cells[:-1])} and {cells[-1]} share.")
    return [{seed: values[seed] for seed in seeds} for values in found]


def summary(
    results: Results, cell: str, value: Value, diverged: float | None = None, resolution: float = 0.0
) -> Summary:
    """Return mean, spread and interval of ``value`` over the runs of ``cell``, as ``by_seed`` has them.

    ``resolution`` is the step of the grid that the values lie on, where that is coarse.

    Raises:
        NotMeasuredError: Fewer than two are recorded.
    """
    return summarize(list(by_seed(results, cell, value, diverged).values()), resolution)


def compare(
    results: Results, first: str, second: str, value: Value, diverged: float | None = None, resolution: float = 0.0
) -> Comparison:
    """Return the difference of ``value`` between two cells, paired by seed, of the runs that ``by_seed`` has.

    ``resolution`` is the step of the grid that the values lie on, where that is coarse.

    Raises:
        NotMeasuredError: They share fewer than two seeds.
    """
    of_first, of_second = by_shared_seed(results, (first, second), value, diverged)
    return compare_paired(of_first, of_second, resolution=resolution)


def within(found: Summary, least: float, most: float = math.inf) -> Summary:
    """Return the summary of a number that cannot leave these bounds, so that its interval does not either."""
    return replace(found, low=max(found.low, least), high=min(found.high, most))


def epochs_to_loss(record: RunRecord, loss: float) -> int:
    """First epoch whose training loss, dropout on, is at most ``loss`` nats; one more than the run has if none is."""
    training = record.history.training
    return first_epoch(training.epochs, [value <= loss for value in training.loss]) or training.epochs[-1] + 1


def alike(found: Comparison) -> bool:
    """Say whether the whole interval of a difference in accuracy counts as no difference."""
    return found.low > -ALIKE and found.high < ALIKE


def told(found: Summary | Comparison, scale: float = 1, unit: str = "", digits: str = ".3g") -> str:
    """Say a mean or a difference with its interval, in the unit that ``scale`` turns it into."""
    value, sign, seeds = (
        (found.difference, "+", "paired seeds") if isinstance(found, Comparison) else (found.mean, "", "seeds")
    )
    number, low, high = (f"{scale * one:{sign}{digits}}" for one in (value, found.low, found.high))
    return f"{number}{unit} (95 % interval {low} to {high}, {found.n} {seeds})"


def points(found: Summary | Comparison) -> str:
    """Say a difference of two shares in percentage points, to a tenth."""
    return told(found, 100, " points", ".1f")


def told_each(
    labels: Sequence[str],
    found: Sequence[Summary | Comparison],
    tell: Callable[[Summary | Comparison], str] = points,
) -> str:
    """Say labelled numbers one after another."""
    return "; ".join(f"{label} {tell(comparison)}" for label, comparison in zip(labels, found, strict=True))


def apart(found: Comparison) -> bool:
    """Say whether the whole interval of a difference in accuracy counts as a difference."""
    return found.low > ALIKE or found.high < -ALIKE


def status_by_side(found: Summary | Comparison, if_above: Status, if_below: Status, of: float = 0.0) -> Status:
    """Return the status that the side of ``of`` gives on which the whole interval lies, if it lies on one."""
    if found.low > of:
        return if_above
    return if_below if found.high < of else "not distinguishable"


def verdict_by_sign(comparison: Comparison, if_positive: Status, if_negative: Status, reason: str) -> Verdict:
    """Return the verdict that a difference's sign gives by its interval, with the difference told behind ``reason``."""
    status = status_by_side(comparison, if_positive, if_negative)
    return Verdict(status, f"{reason}: {told(comparison)}.")


def rising(found: Sequence[Comparison], everywhere: bool = False) -> Status:
    """Supported where every difference is above zero, conditional where some are and others are below it.

    Refuted where some are below zero and none above; of a claim about ``everywhere``, where any is below.
    """
    above, below = (any(one.low > 0 for one in found), any(one.high < 0 for one in found))
    if all(one.low > 0 for one in found):
        return "supported"
    if below and (everywhere or not above):
        return "refuted"
    return "conditional" if above and below else "not distinguishable"


def verdict_by_all_signs(
    what: str,
    labels: Sequence[str],
    found: Sequence[Comparison],
    everywhere: bool = False,
    tell: Callable[[Summary | Comparison], str] = points,
) -> Verdict:
    """Return the verdict where all differences should be above zero, with each of them told."""
    return Verdict(rising(found, everywhere), f"{what}: {told_each(labels, found, tell)}.")


def verdict_by_range(found: Summary, low: float, high: float, error: float, reason: str) -> Verdict:
    """Supported where mean and uncertainty lie in the printed range; refuted where they lie outside.

    The uncertainty is that of the seeds and, independent of it, ``error``, half a 95 % interval of the test set.
    """
    margin = math.hypot((found.high - found.low) / 2, error)
    status: Status = "not distinguishable"
    if low <= found.mean - margin and found.mean + margin <= high:
        status = "supported"
    elif found.mean + margin < low or found.mean - margin > high:
        status = "refuted"
    return Verdict(status, reason)
