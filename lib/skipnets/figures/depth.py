"""Figures of what depth does to training, from the records of nets of rising depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from skipnets.analysis.statistics import compare_paired
from skipnets.figures.runs import MEASURES, mark_rerun
from skipnets.figures.style import INK, SILVER
from skipnets.results import Results
from skipnets.scoring import CHANCE


def depth_plot(results: Results, kinds: Mapping[str, Sequence[str]]) -> Figure:
    """Late accuracy against the number of layers, a panel a kind of net.

    ``kinds`` holds the cells of each panel by its title, their architectures of rising depth. Dots are seeds, lines
    their mean; training images are measured in inference mode. A run that diverged is a cross at chance.
    """
    figure, axes = plt.subplots(
        1, len(kinds), figsize=(3 * len(kinds) + 0.6, 3.2), sharex=True, sharey=True, squeeze=False
    )
    drawn: set[int] = set()
    for axis, (title, names) in zip(axes.flat, kinds.items(), strict=True):
        cells = results.cells(names)
        depths = {cell.name: cell.spec.architecture.depth for cell in cells}  # type: ignore[union-attr]
        outcomes = results.outcomes([cell.name for cell in cells])
        lost = [depths[cell.name] for cell in cells for _ in results.diverged(cell.name)]
        if lost:
            axis.plot(lost, [CHANCE] * len(lost), "x", color=INK, markersize=5, clip_on=False)
        outcomes = outcomes[outcomes.status == "completed"] if cells else outcomes
        for measure in ("training_inference", "test") if cells else ():
            label, colour = MEASURES[measure]
            at, accuracy = outcomes.cell.map(depths), outcomes[f"{measure}_accuracy"]
            axis.plot(at, accuracy, "o", color=colour, alpha=0.55, markersize=4, markeredgewidth=0)
            mean = accuracy.groupby(at).mean()
            axis.plot(mean.index, mean, color=colour, linewidth=1.3, label=_without_dropout(label))
        axis.axhline(CHANCE, color=SILVER, linewidth=0.8, linestyle=":")
        axis.set(title=title, ylim=(0, 1.02))
        drawn |= set(depths.values())
    for axis in axes.flat:  # which share their ticks
        _label_depths(axis, sorted(drawn))
    axes[0, 0].set_ylabel("accuracy (share of images)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    mark_rerun(figure, results)
    return figure


def gain_plot(results: Results, pairs: Mapping[int, tuple[str, str]]) -> Figure:
    """What skips add at each depth: accuracy of the first cell of a pair minus that of the second, by their depth.

    Points are means over the seeds that both cells have, bars 95 % intervals; runs that diverged are left out.
    """
    figure, axis = plt.subplots(figsize=(7.6, 3.4))
    axis.axhline(0, color=SILVER, linewidth=0.9)
    drawn: set[int] = set()
    for measure in ("training_inference", "test"):
        values = {
            depth: [results.by_seed(name, f"{measure}_accuracy") for name in pair] for depth, pair in pairs.items()
        }
        found = {depth: compare_paired(*both) for depth, both in values.items() if both[0].keys() & both[1].keys()}
        label, colour = MEASURES[measure]
        aside = 0.97 if measure == "test" else 1.03
        axis.errorbar(
            [aside * depth for depth in found],
            [100 * one.difference for one in found.values()],
            [[100 * (one.high - one.difference) for one in found.values()]] * 2,
            fmt="o-", color=colour, markersize=5, linewidth=1.3, capsize=3, label=_without_dropout(label),
        )  # fmt: skip
        drawn |= found.keys()
    axis.set_ylabel("ResNet minus PlainNet\n(percentage points of accuracy)")
    _label_depths(axis, sorted(drawn or pairs))
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    mark_rerun(figure, results)
    return figure


def _label_depths(axis: Axes, depths: Sequence[int]) -> None:
    axis.set(xlabel="layers (log scale)", xscale="log")
    axis.set_xticks(depths, [str(depth) for depth in depths])
    axis.minorticks_off()


def _without_dropout(label: str) -> str:
    """These nets have no dropout: with it off means in inference mode."""
    return label.replace("dropout off", "inference")
