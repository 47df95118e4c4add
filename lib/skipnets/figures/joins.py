"""Figures of the chapter on document 003: accuracy against what a net costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from skipnets.analysis.costs import Cost
from skipnets.figures.style import BLUE, GREEN, ORANGE

COLOURS = {"baseline": BLUE, "concatenation": GREEN, "summation": ORANGE}


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
            axis.plot(price, net.printed, "o", color=COLOURS[join], fillstyle="none", markersize=7, markeredgewidth=1.5)
            axis.plot([price] * len(net.recorded), net.recorded, "o", color=COLOURS[join], markersize=3.5, alpha=0.7)
            axis.annotate(f"{layers}/{kernels}", (price, net.printed), (5, 4), textcoords="offset points", fontsize=7.5)
    for join, colour in COLOURS.items():
        axes[0].plot([], [], "o", color=colour, fillstyle="none", markeredgewidth=1.5, label=join)
    axes[0].set(xscale="log", xlabel="parameters", ylabel="test accuracy (share of images)", ylim=(0, 0.82))
    axes[1].set(xscale="log", xlabel="multiply-adds of an image")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure
