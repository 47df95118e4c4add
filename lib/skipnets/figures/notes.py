"""The lines of MyST below figures: what they were computed from, by which command, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from skipnets.experiments import Cell, find_experiment
from skipnets.measurements import FirstSteps
from skipnets.results import Results


def describe_seeds(seeds: Sequence[int]) -> str:
    """Say which seeds: ``seed 0``, ``seeds 0-4``, ``seeds 0, 2, 3``."""
    ordered = sorted(seeds)
    if len(ordered) == 1:
        return f"seed {ordered[0]}"
    if ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"seeds {ordered[0]}-{ordered[-1]}"
    return "seeds " + ", ".join(map(str, ordered))


def of_runs(results: Results, names: Sequence[str]) -> str:
    """Say what the cells among ``names`` were trained on, their seeds, and the command; and whether records are mixed.

    The command is left out where the results are a rerun's at another scale, which it would not give again.
    """
    cells = results.cells(names)
    images = dict.fromkeys(
        f"{cell.spec.image_set}, {cell.spec.train_images:,} training and {cell.spec.test_images:,} test images"
        for cell in cells
    )
    seeds = results.seeds(names)
    shared = sorted(set().union(*seeds.values()))
    uneven = [f"{name}: {describe_seeds(found)}" for name, found in seeds.items() if list(found) != shared]
    mixed = [f"**on {what}, so no fair comparison**" for what in results.mixed(names)]
    told = "; ".join([*images, describe_seeds(shared), *uneven, *mixed]) if cells else "nothing recorded yet"
    if not results.experiment.full_scale:
        return _below(told)
    command = f"skipnets train --experiment {results.experiment.name}"
    if set(names) != {cell.name for cell in find_experiment(results.experiment.name).cells}:
        command += f" --cells {','.join(names)}"
    return _below(told, command)


def of_states(results: Results, names: Sequence[str], epochs: Sequence[int]) -> str:
    """Say which nets a figure shows, measured how and when, and the command that measures them."""
    measured = [state for name in names for epoch in epochs for state in results.states(name, epoch).values()]
    if not measured:
        return _NOTHING
    moments, first = ",".join(map(str, epochs)), measured[0]
    seeds = describe_seeds(sorted({state.spec.seed for state in measured}))
    return _below(
        f"{first.spec.image_set}, trained on {first.spec.train_images:,} images and measured on {first.images} of "
        f"them, accuracy on {first.spec.test_images:,} test images; epochs {moments}; {seeds}",
        f"skipnets measure states --cells {','.join(names)} --epochs {moments}",
    )


def of_joined_maps(results: Results, names: Sequence[str]) -> str:
    """Say which nets ``joined_maps_plot`` shows, measured on what, and the command that measures them."""
    found = {name: results.joined_maps(name) for name in names}
    first = next(iter(maps for of_cell in found.values() for maps in of_cell.values()), None)
    if first is None:
        return _NOTHING
    seeds = "; ".join(f"{name}: {describe_seeds(list(of_seed))}" for name, of_seed in found.items() if of_seed)
    return _below(
        f"{first.spec.image_set}, trained on {first.spec.train_images:,} images and measured on {first.images:,} test "
        f"images; {seeds}",
        f"skipnets measure joins --experiment {results.experiment.name} --cells {','.join(names)}",
    )


def of_first_steps(found: Mapping[str, FirstSteps], names: Iterable[str], experiment: str = "layers_164") -> str:
    """Say what the nets of a figure were trained and measured on, and the command that measures them."""
    if not found:
        return _NOTHING
    first = next(iter(found.values()))
    images = ", ".join(dict.fromkeys(steps.spec.image_set for steps in found.values()))
    seeds = describe_seeds(sorted({steps.spec.seed for steps in found.values()}))
    command = f"skipnets measure first-steps --experiment {experiment} --cells {','.join(names)} --steps {first.steps}"
    return _below(f"{images}; measured on {first.images} training images; {seeds}", command)


def of_missing_runs(results: Results, intro: str, hours: Callable[[Cell], float | None] = lambda cell: None) -> str:
    """Return the runs without a record as Markdown, a line a cell below ``intro``; nothing where all are recorded.

    ``hours`` tells how long a run of a cell may take, or None where nobody knows.
    """
    seeds: dict[Cell, list[int]] = {}
    for cell, spec in results.missing:
        seeds.setdefault(cell, []).append(spec.seed)
    lines = [
        f"* {cell.label}: {describe_seeds(of_cell)}"
        + (f"; about {spent:.2g} hours a run" if (spent := hours(cell)) else "")
        for cell, of_cell in seeds.items()
    ]
    return "\n".join([intro, "", *lines]) if lines else ""


def _below(told: str, command: str = "") -> str:
    """Return where a figure comes from, and the command if there is one, as a line of MyST to stand below it."""
    return f"{{.source-note}}\n{told}." + (f" `{command}`" if command else "")


#: The line below a figure of measurements before there are any.
_NOTHING = _below("nothing measured yet")
