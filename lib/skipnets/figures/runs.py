"""Figures drawn from records: learning curves, outcomes, spikes, ceilings.

One of a rerun at another scale says so across its middle, so that a copy of the picture cannot pass for a result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from skipnets.analysis.curves import find_spikes
from skipnets.analysis.output_dropout import logits_ceiling
from skipnets.analysis.statistics import summarize
from skipnets.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PINK, SILVER, say
from skipnets.results import Results, single_run_differences

#: Colour of each way of measuring, from a palette that colour-blind readers can tell apart.
MEASURES = {
    "training": ("training images, dropout on", BLUE),
    "training_inference": ("training images, dropout off", GREEN),
    "test": ("test images", ORANGE),
}


def mark_rerun(figure: Figure, results: Results) -> None:
    """Write across ``figure`` that it is a rerun's at another scale, if it is."""
    if not results.experiment.full_scale:
        spec = results.experiment.cells[0].spec
        scale = f"rerun: {spec.image_set}, {spec.train_images} images, {spec.epochs} epochs"
        figure.text(
            0.5, 0.5, f"{scale}\nnot a result",
            fontsize=22, color=ORANGE, alpha=0.35, rotation=20, ha="center", va="center",
        )  # fmt: skip


def panel_grid(number: int, width: float, height: float, xlabel: str) -> tuple[Figure, Any]:
    """Return a figure of ``number`` panels of that size in inches, three a row, and its axes (rows, columns).

    They share their axes; the lowest panel of each column labels the x axis, and places without a panel are blank.
    """
    columns = max(1, min(3, number))
    rows = max(1, -(-number // columns))
    figure, axes = plt.subplots(
        rows, columns, figsize=(width * columns + 0.6, height * rows + 0.6), sharex=True, sharey=True, squeeze=False
    )
    for axis in axes.flat[number:]:
        axis.axis("off")
    for column in range(columns):
        lowest = axes[(number - 1 - column) // columns, column]
        lowest.set_xlabel(xlabel)
        lowest.tick_params(labelbottom=True)
    return figure, axes


def draw_seeds(axis: Axes, curves: pd.DataFrame, metric: str, colour: str, label: str) -> None:
    """Draw ``metric`` of rows of ``Results.curves`` against epochs: a thin line a seed, a thick one for their mean."""
    for _, of_seed in curves.groupby("seed"):
        axis.plot(of_seed.epoch, of_seed[metric], color=colour, linewidth=0.5, alpha=0.45)
    mean = curves.groupby("epoch")[metric].mean()
    axis.plot(mean.index, mean, color=colour, linewidth=1.4, label=label)


def learning_curves(results: Results, names: Sequence[str]) -> Figure:
    """Accuracy above loss against epochs, one column a cell, a thin line a seed and a thick one for their mean.

    Loss is on a logarithmic axis: within one run it goes from thousandths of a nat (training) to tens (test).
    """
    curves = results.curves(names)
    cells = results.cells(names)
    columns = max(1, len(cells))
    figure, axes = plt.subplots(
        2, columns, figsize=(3.3 * columns + 0.8, 5.6), sharex=True, sharey="row", squeeze=False
    )
    for column, cell in zip(axes.T, cells, strict=False):
        of_cell = curves[curves.cell == cell.name]
        for measure, (label, colour) in MEASURES.items():
            of_measure = of_cell[of_cell.measure == measure]
            for axis, metric in zip(column, ("accuracy", "loss"), strict=True):
                draw_seeds(axis, of_measure, metric, colour, label)
        if ends := results.diverged(cell.name):
            for axis in column:
                for epoch in ends.values():
                    axis.axvline(epoch, color=INK, linewidth=0.9, linestyle=":")
            column[0].text(max(ends.values()) + 3, 0.03, "NaN", fontsize=8, color=INK)
        column[0].set(title=cell.label, ylim=(0, 1.02))
        column[1].set(xlabel="epoch", yscale="log")
    axes[0, 0].set_ylabel("accuracy (share of images)")
    axes[1, 0].set_ylabel("loss (nats per image, log scale)")
    if cells:
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=3)
    mark_rerun(figure, results)
    return figure


@dataclass(frozen=True)
class Panel:
    """Curves of several cells over each other."""

    title: str
    measure: str  # one of MEASURES
    metric: str  # accuracy or loss
    lines: Mapping[str, str]  # cell by label


#: Nats an image: a loss far above that of guessing (2.3 of ten classes) would flatten all others.
HIGHEST_LOSS = 5.0


def overlaid(results: Results, panels: Sequence[Panel]) -> Figure:
    """Curves of several cells in each panel, seeds thin and their mean thick; document 003, Figures 5 to 7.

    Panels that all show the same metric share their axis. Dotted lines stand where the learning rate of a cell falls. A
    line leaves the frame where a loss is above ``HIGHEST_LOSS``.
    """
    shared = len({panel.metric for panel in panels}) == 1
    figure, axes = plt.subplots(1, len(panels), figsize=(9, 3.9), squeeze=False, sharey=shared)
    colours = (BLUE, GREEN, ORANGE, PINK, SILVER)
    units = {"accuracy": "accuracy (share of images)", "loss": "loss (nats per image)"}
    for axis, panel in zip(axes[0], panels, strict=True):
        for (label, name), colour in zip(panel.lines.items(), colours, strict=False):
            curves = results.curves([name])
            if not curves.empty:
                draw_seeds(axis, curves[curves.measure == panel.measure], panel.metric, colour, label)
        axis.set(title=panel.title, xlabel="epoch", ylabel=units[panel.metric])
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if axis.lines:
            axis.legend(fontsize=7.5)
            schedules = [cell.spec.schedule for cell in results.cells(list(panel.lines.values()))]
            for epoch in {epoch for schedule in schedules if schedule for epoch in schedule.milestones}:
                axis.axvline(epoch, color=GREY, linewidth=0.8, linestyle=":")
        else:
            say(axis, "not recorded yet")
        if shared:
            axis.label_outer()
    # Last, so that an axis that panels share has room for all of them.
    for axis, panel in zip(axes[0], panels, strict=True):
        highest = axis.get_ylim()[1]
        axis.set_ylim(0, min(highest, HIGHEST_LOSS) if panel.metric == "loss" else highest)
    mark_rerun(figure, results)
    return figure


def ceiling_plot(results: Results, rates: dict[str, float]) -> Figure:
    """Late training accuracy and loss against the closed form of the output dropout.

    ``rates`` holds the rate of the dropout after the output layer, by cell. A point is the mean over seeds, its bar two
    standard errors. Where the last weights were measured, a plus shows their exact average over all draws.
    """
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.8))
    grid = np.linspace(0, 0.6, 121)
    forms = np.array([logits_ceiling(rate) for rate in grid])
    for axis, form, metric in zip(axes, forms.T, ("accuracy", "loss"), strict=True):
        axis.plot(grid, form, color=GREY, linewidth=1.2, label="closed form for a perfect net")
        for measure, marker in (("training", "o"), ("training_inference", "^")):
            label, colour = MEASURES[measure]
            points = [
                (rate, summarize(values))
                for name, rate in rates.items()
                if (values := list(results.by_seed(name, f"{measure}_{metric}").values()))
            ]
            errors = [0 if point.n == 1 else 2 * point.sd / point.n**0.5 for _, point in points]
            at, means = [rate for rate, _ in points], [point.mean for _, point in points]
            axis.errorbar(at, means, errors, fmt=marker, color=colour, markersize=5, capsize=3, label=label)
        states = [(rate, state) for name, rate in rates.items() for state in results.states(name).values()]
        exact = [(rate, getattr(state.struck, metric)) for rate, state in states if state.struck]
        if exact:
            axis.plot(*np.transpose(exact), "k+", label="last weights, all draws averaged")
        axis.set_xlabel("rate of the dropout after the output layer")
    axes[0].set(ylabel="accuracy (share of images)", ylim=(0.5, 1.02))
    axes[1].set(ylabel="loss (nats per image)", ylim=(-0.05, None))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    mark_rerun(figure, results)
    return figure


def outcome_dots(results: Results, names: Sequence[str], column: str, label: str) -> Figure:
    """One value a completed run as dots, a row a cell, with the mean and its 95 % interval over seeds.

    ``column`` is one of those of ``Results.outcomes``; ``label`` names the axis with its unit.
    """
    cells = [cell for cell in results.cells(names) if results.by_seed(cell.name, column)]
    figure, axis = plt.subplots(figsize=(7.6, 0.42 * max(2, len(cells)) + 1.3))
    for row, cell in enumerate(cells):
        values = list(results.by_seed(cell.name, column).values())
        found = summarize(values)
        axis.plot(values, [row] * len(values), "o", color=BLUE, alpha=0.55, markersize=5, markeredgewidth=0)
        if found.n > 1:
            axis.plot([found.low, found.high], [row, row], color=INK, linewidth=1.2)
        axis.plot(found.mean, row, "|", color=INK, markersize=14, markeredgewidth=2)
    axis.set(
        xlabel=label,
        yticks=range(len(cells)),
        yticklabels=[cell.label for cell in cells],
        ylim=(len(cells) - 0.5, -0.5),
    )
    axis.grid(axis="x", linewidth=0.4)
    mark_rerun(figure, results)
    return figure


def spike_plot(results: Results, names: Sequence[str]) -> Figure:
    """Test loss against epochs, one panel a cell, all seeds, with the epochs that count as spikes marked."""
    curves = results.curves(names)
    cells = results.cells(names)
    figure, axes = panel_grid(len(cells), 3.1, 2.3, "epoch")
    colour = MEASURES["test"][1]
    for axis, cell in zip(axes.flat, cells, strict=False):
        marked = 0
        for _, of_seed in curves[(curves.cell == cell.name) & (curves.measure == "test")].groupby("seed"):
            spikes = find_spikes(of_seed.epoch.tolist(), of_seed.loss.tolist())
            axis.plot(of_seed.epoch, of_seed.loss, color=colour, linewidth=0.5, alpha=0.5)
            at = of_seed[of_seed.epoch.isin(spikes.epochs)]
            axis.plot(at.epoch, at.loss, "o", color=INK, markersize=2.5)
            marked += len(at)
        axis.set_title(f"{cell.label}, spikes: {marked}", fontsize=9)
    for axis in axes[:, 0]:
        axis.set_ylabel("loss (nats)")
    mark_rerun(figure, results)
    return figure


def single_run_plot(results: Results, first: str, second: str, column: str, label: str) -> Figure:
    """Every difference that one run of ``first`` and one of ``second`` could have shown, with its sign counted."""
    differences = single_run_differences(results, first, second, column)
    figure, axis = plt.subplots(figsize=(7.6, 2.4))
    axis.axvline(0, color=GREY, linewidth=0.8)
    axis.plot(differences, np.linspace(0.2, 0.8, len(differences)), "o", color=BLUE, alpha=0.6, markeredgewidth=0)
    favour = int((differences > 0).sum())
    names = [results.experiment.cell(name).label for name in (first, second)]
    axis.set(xlabel=label, yticks=[], ylim=(0, 1),
             title=f"{names[0]} ahead in {favour} of {len(differences)} pairs of single runs")  # fmt: skip
    axis.spines.left.set_visible(False)
    mark_rerun(figure, results)
    return figure
