"""Figures of the chapter on document 003: accuracy against what a net costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from skipnets.analysis.costs import Cost
from skipnets.figures.style import BLUE, GREEN, ORANGE

COLOURS = {"baseline": BLUE, "concatenation": GREEN, "summation": ORANGE}

#: Where a point's label stands, in points from it, so that nets of equal cost do not hide each other's.
SIDES = {"baseline": (0, -14), "concatenation": (0, 7), "summation": (-17, 3)}


@dataclass(frozen=True)
class Priced:
    """A net's cost beside its test accuracies."""

    cost: Cost
    printed: float
    recorded: tuple[float, ...]  # one a seed


def cost_plot(nets: Mapping[str, Priced]) -> Figure:
    """Test accuracy against parameters and against multiply-adds, a colour a join; ``nets`` by cell.

    Rings are printed values, dots recorded ones. Labels say layers/kernels.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True)
    for name, net in nets.items():
        join, layers, kernels = name.split("_")[:3]
        for axis, price in zip(axes, (net.cost.parameters, net.cost.multiply_adds), strict=True):
            at, colour = price / 1e6, COLOURS[join]
            axis.plot(at, net.printed, "o", color=colour, fillstyle="none", markersize=7, markeredgewidth=1.5)
            axis.plot([at] * len(net.recorded), net.recorded, "o", color=colour, markersize=3.5, alpha=0.7)
            axis.annotate(
                f"{layers}/{kernels}", (at, net.printed), SIDES[join], textcoords="offset points",
                fontsize=7.5, color=colour, ha="center",
            )  # fmt: skip
    for join, colour in COLOURS.items():
        axes[0].plot([], [], "o", color=colour, fillstyle="none", markeredgewidth=1.5, label=join)
    for axis, ticks, label in (
        (axes[0], (2, 4, 10, 20, 40), "parameters (millions)"),
        (axes[1], (3, 10, 30, 100, 200), "multiply-adds of an image (millions)"),
    ):
        axis.set(xscale="log", xlabel=label, xlim=(0.75 * ticks[0], 1.3 * ticks[-1]), ylim=(0, 0.85))
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
        axis.minorticks_off()
    axes[0].set_ylabel("test accuracy (share of images)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure
