"""Figures of the chapter on document 003: its Figures 4 to 7, what a net costs, and what the controls change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from adjustText import adjust_text
from matplotlib.figure import Figure

from skipnets.analysis.costs import Cost
from skipnets.analysis.statistics import Comparison, summarize
from skipnets.experiments.document_003 import JOINS, KERNELS
from skipnets.figures.notes import describe_seeds
from skipnets.figures.page_data import page_data
from skipnets.figures.runs import MEASURES, draw_seeds, mark_rerun
from skipnets.figures.style import BLUE, GREEN, INK, ORANGE, SILVER, say
from skipnets.published import Accuracies
from skipnets.results import Results

COLOURS = dict(zip(JOINS, (BLUE, GREEN, ORANGE), strict=True))

#: Percentage points up to which a difference's interval is drawn: two seeds can leave one of 150.
WIDEST = 45


def training_and_test(results: Results) -> Figure:
    """Document 003, Figure 4: accuracy curves of 12-layer nets, a row a join, a column a number of kernels."""
    figure, axes = plt.subplots(len(COLOURS), len(KERNELS), figsize=(9, 6.6), sharex=True, sharey=True, squeeze=False)
    for row, join in zip(axes, COLOURS, strict=True):
        for axis, number in zip(row, KERNELS, strict=True):
            name = f"{join}_12_{number}"
            curves = results.curves([name])
            for measure, (label, colour) in MEASURES.items():
                draw_seeds(axis, curves[curves.measure == measure], "accuracy", colour, label)
            if curves.empty:
                say(axis, "ended in NaN at once" if results.diverged(name) else "not recorded yet")
            axis.set(title=f"{join}, {number} kernels", ylim=(0, 1.02))
        row[0].set_ylabel("accuracy (share)")
    for axis in axes[-1]:
        axis.set_xlabel("epoch")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    mark_rerun(figure, results)
    return figure


def joined_maps_plot(results: Results, names: Sequence[str]) -> Figure:
    """How alike what trained nets join is, what they lose without each, what they know by the first ones alone.

    A row each, a column a cell, lines and the map means over seeds.
    """
    figure, axes = plt.subplots(
        3, len(names), figsize=(9, 7.8), squeeze=False, gridspec_kw={"height_ratios": (3, 2, 2)}
    )
    for (above, below, lowest), name in zip(axes.T, names, strict=True):
        found = list(results.joined_maps(name).values())
        label = results.experiment.cell(name).label
        if not found:
            above.set_title(label, fontsize=9)
            say(above, "not measured yet")
            continue
        title = f"{label}, {describe_seeds([maps.spec.seed for maps in found])}"
        above.set_title(title.replace(", ", ",\n", 1), fontsize=9)
        places = range(1, 1 + len(found[0].outputs))
        edges = (0.5, len(places) + 0.5)
        similarity = np.mean([maps.similarity for maps in found], axis=0)
        above.imshow(similarity, vmin=0, vmax=1, cmap="viridis", extent=(*edges, *edges[::-1]))
        ticks = places[:: max(1, len(places) // 4)]
        above.set(xlabel="joined output, by depth", ylabel="joined output", xticks=ticks, yticks=ticks)
        below.axhline(0, color=SILVER, linewidth=0.9)
        lowest.axhline(float(np.mean([maps.accuracy for maps in found])), color=SILVER, linewidth=0.9)
        lost = [[100 * (maps.accuracy - left) for left in maps.without] for maps in found]
        for axis, rows in ((below, lost), (lowest, [maps.up_to for maps in found])):
            for of_seed in rows:
                axis.plot(places, of_seed, "o", color=BLUE, markersize=3, alpha=0.55, markeredgewidth=0)
            axis.plot(places, np.mean(rows, axis=0), color=BLUE, linewidth=1.3)
        below.set(xlabel="joined output left out, by depth", ylabel="test accuracy lost\n(points)", xticks=ticks)
        lowest.set(xlabel="joined outputs up to this one alone", ylabel="test accuracy", xticks=ticks, ylim=(0, None))
    if maps_drawn := [axis.images[0] for axis in axes[0] if axis.images]:
        figure.colorbar(maps_drawn[0], ax=list(axes[0]), label="similarity (linear CKA)")
    mark_rerun(figure, results)
    return figure


@dataclass(frozen=True)
class Priced:
    """A net's cost beside what came of it."""

    cost: Cost
    printed: float | None  # test accuracy of the published run
    recorded: tuple[float, ...]  # test accuracy, one a seed
    minutes: float | None = None  # of training a run


def cost_plot(results: Results, nets: Mapping[str, Priced]) -> Figure:
    """Test accuracy against parameters, multiply-adds and, where there are runs, time; a colour a join, by cell.

    Rings are printed values, dots those of ``results``. Labels say layers/kernels.
    """
    panels: list[tuple[str, tuple[float, ...], Callable[[Priced], float | None]]] = [
        ("parameters (millions)", (2, 4, 10, 20, 40), lambda net: net.cost.parameters / 1e6),
        ("multiply-adds of an image (millions)", (3, 10, 30, 100, 200), lambda net: net.cost.multiply_adds / 1e6),
    ]
    if any(net.minutes for net in nets.values()):
        panels.append(("training of a run (minutes)", (0.3, 1, 3, 10, 30), lambda net: net.minutes))
    figure, axes = plt.subplots(1, len(panels), figsize=(9, 3.8), sharey=True)
    for name, net in nets.items():
        join, layers, kernels = name.split("_")[:3]
        marked = net.printed if net.printed is not None else summarize(net.recorded).mean if net.recorded else None
        for axis, (_, _, price) in zip(axes, panels, strict=True):
            at, colour = price(net), COLOURS[join]
            if at is None or marked is None:
                continue
            if net.printed is not None:
                axis.plot(at, net.printed, "o", color=colour, fillstyle="none", markersize=7, markeredgewidth=1.5)
            axis.plot([at] * len(net.recorded), net.recorded, "o", color=colour, markersize=3.5, alpha=0.7)
            axis.text(at, marked, f"{layers}/{kernels}", fontsize=7.5, color=colour, ha="center", va="center")
    for join, colour in COLOURS.items():
        axes[0].plot([], [], "o", color=colour, fillstyle="none", markeredgewidth=1.5, label=join)
    for axis, (label, ticks, _) in zip(axes, panels, strict=True):
        axis.set(xscale="log", xlabel=label, xlim=(0.75 * ticks[0], 1.3 * ticks[-1]))
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.minorticks_off()
    axes[0].set(ylabel="test accuracy (share of images)", ylim=(0, 1.15 * axes[0].dataLim.y1))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    figure.draw_without_rendering()  # the labels' places depend on the layout
    for axis in axes:
        adjust_text(
            list(axis.texts), ax=axis, objects=list(axis.lines), expand=(1.6, 2.2), force_text=(0.3, 0.5),
            force_static=(0.4, 0.4), iter_lim=100, arrowprops={"arrowstyle": "-", "color": SILVER, "linewidth": 0.7},
        )  # fmt: skip
    mark_rerun(figure, results)
    return figure


def differences_plot(results: Results, found: Mapping[str, Comparison], unit: str) -> Figure:
    """Paired differences with their 95 % interval, a row each; an arrow where one goes on beyond ``WIDEST`` points."""
    figure, axis = plt.subplots(figsize=(7.6, 0.36 * max(2, len(found)) + 1.4))
    axis.axvline(0, color=SILVER, linewidth=0.9)
    for row, comparison in enumerate(found.values()):
        colour = ORANGE if comparison.distinguishable else INK
        low, high = 100 * comparison.low, 100 * comparison.high
        axis.plot([max(low, -WIDEST), min(high, WIDEST)], [row, row], color=colour, linewidth=1.4)
        axis.plot(100 * comparison.difference, row, "o", color=colour, markersize=5)
        for end, beyond, arrow in ((-WIDEST, low < -WIDEST, "<"), (WIDEST, high > WIDEST, ">")):
            if beyond:
                axis.plot(end, row, arrow, color=colour, markersize=6)
    axis.set(xlabel=unit, yticks=range(len(found)), yticklabels=list(found), ylim=(max(1, len(found)) - 0.5, -0.5))
    if not found:
        say(axis, "no pair of nets with two seeds")
    mark_rerun(figure, results)
    return figure


def curves_model(rows: Mapping[str, str], scales: Mapping[str, Results], printed: Mapping[str, Accuracies]) -> str:
    """Return the element from which ``_static/table-1.js`` draws the learning curve of a row that one points at.

    Args:
        rows: Cell by the text of a row's first entry.
        scales: Results by the name of their scale; cells without a record are left out.
        printed: Published accuracies by cell.
    """
    model = {
        row: {
            "printed": [printed[name].training, printed[name].test],
            "scales": [
                {"scale": scale, "seeds": len(results.of_cell(name))} | _mean_curves(results, name)
                for scale, results in scales.items()
                if results.of_cell(name)
            ],
        }
        for row, name in rows.items()
    }
    return page_data("table-1-curves", model)


def _mean_curves(results: Results, name: str) -> dict[str, list[tuple[int, float]]]:
    """Points (epoch, mean accuracy over seeds) of training with dropout on, and of test."""
    curves = results.curves([name])
    means = {
        measure: curves[curves.measure == measure].groupby("epoch").accuracy.mean() for measure in ("training", "test")
    }
    return {
        measure: list(zip(mean.index.tolist(), mean.round(4).tolist(), strict=True)) for measure, mean in means.items()
    }
