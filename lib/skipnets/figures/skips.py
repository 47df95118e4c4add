"""Figures of the chapter on what a skip changes: energies, learning curves, condition numbers, counts of minima."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from skipnets.analysis.binary_nets import PUBLISHED, Minima
from skipnets.analysis.binary_nets import Kind as BinaryKind
from skipnets.analysis.linear_nets import Kind, ProductConditions, mode_energy, saddle, shift
from skipnets.figures.style import BLUE, GREEN, INK, ORANGE, PINK, SILVER

Array = npt.NDArray[np.float64]

#: Colours by net, from a palette that colour-blind readers can tell apart.
COLOURS: dict[str, str] = {"plain": ORANGE, "residual": BLUE, "hyper-residual": GREEN}


def saddle_plot(kinds: Sequence[Kind], strength: float) -> Figure:
    """Contours of the energy of one mode of a two-layer net, a panel a kind, with the saddle marked."""
    figure, axes = plt.subplots(1, len(kinds), figsize=(9, 3.3), sharex=True, sharey=True)
    grid = np.linspace(-3.5, 2.5, 121)
    weights = np.stack(np.meshgrid(grid, grid), axis=-1)
    for axis, kind in zip(axes, kinds, strict=True):
        skips = shift(kind, 2)
        energy = mode_energy(weights, skips, strength)
        levels = strength**2 / 2 * np.geomspace(0.01, 10, 10)
        axis.contour(grid, grid, energy, levels=levels, colors=SILVER, linewidths=0.6)
        axis.contour(grid, grid, energy, levels=[strength**2 / 2], colors=COLOURS[kind], linewidths=1.6)
        axis.plot(*saddle(skips), "x", color=COLOURS[kind], markersize=12, markeredgewidth=3)
        axis.plot(0, 0, "+", color=INK, markersize=13, markeredgewidth=1.8)  # in the plain net upon the saddle
        axis.set(title=kind, xlabel="weight of layer 1", aspect="equal")
    axes[0].set_ylabel("weight of layer 2")
    return figure


def mode_plot(curves: Mapping[Kind, Sequence[tuple[Array, Array]]]) -> Figure:
    """Share of the task still to be learnt against time, a line a start; a curve is (times, share), both (times,)."""
    figure, axis = plt.subplots(figsize=(7.6, 3.6))
    for kind, starts in curves.items():
        for number, (times, share) in enumerate(starts):
            axis.plot(times, share, color=COLOURS[kind], linewidth=1.1, label=kind if number == 0 else None)
    axis.set(
        xscale="log", yscale="log", ylim=(1e-4, None),
        xlabel="time (units of tau, log scale)", ylabel="error |s - product| / s (log scale)",
    )  # fmt: skip
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def condition_plot(nets: Sequence[ProductConditions]) -> Figure:
    """Condition number against depth: the mean over seeds, in a band from the least to the greatest."""
    figure, axis = plt.subplots(figsize=(7.6, 3.6))
    for net, colour in zip(nets, (ORANGE, BLUE, GREEN, PINK), strict=False):
        axis.fill_between(net.depths, net.log10.min(0), net.log10.max(0), color=colour, alpha=0.25, linewidth=0)
        axis.plot(net.depths, net.log10.mean(0), color=colour, label=net.label)
    axis.set(xlabel="depth (layers)", ylabel="condition number (power of ten)", ylim=(0, None))
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def minima_plot(counts: Mapping[BinaryKind, Minima], published: bool) -> Figure:
    """Local minima, silent ones and strict ones, of every kind of net; published counts if they are of this depth."""
    figure, axis = plt.subplots(figsize=(7.6, 3.6))
    places = np.arange(len(counts))
    bars = {
        "all minima": (BLUE, [found.minima for found in counts.values()]),
        "silent: output 0 everywhere": (ORANGE, [found.silent for found in counts.values()]),
        "strict: every neighbour worse": (GREEN, [found.strict for found in counts.values()]),
    }
    for number, (label, (colour, values)) in enumerate(bars.items()):
        drawn = axis.bar(places + 0.27 * (number - 1), values, 0.25, color=colour, label=label)
        axis.bar_label(drawn, [f"{value:,}" for value in values], fontsize=6.5, rotation=40, padding=4)
    if published:
        values = [PUBLISHED[kind] for kind in counts]
        axis.plot(places - 0.4, values, "D", color=INK, markersize=5, markerfacecolor="white", label="published")
    axis.set(
        yscale="symlog", ylim=(0, 30 * max(found.minima for found in counts.values())),
        xticks=places, xticklabels=list(counts), ylabel="nets (log scale above 1)",
    )  # fmt: skip
    figure.legend(loc="outside upper center", ncols=4)
    return figure
