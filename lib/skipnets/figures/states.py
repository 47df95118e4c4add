"""Figures of measured states: what a silenced layer costs, how a spectrum looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from skipnets.analysis.spectrum import SpectralDensity
from skipnets.figures.runs import mark_rerun, panel_grid
from skipnets.figures.style import BLUE, GREEN, INK, ORANGE
from skipnets.results import Results

#: Colours of the cells of a comparison, from a palette that colour-blind readers can tell apart.
COLOURS = (BLUE, ORANGE, GREEN)

#: Width of the Gaussian that widens an eigenvalue, as a share of the largest.
WIDTH = 0.01


def lesion_plot(results: Results, names: Sequence[str], epoch: int) -> Figure:
    """Test accuracy with one hidden layer silenced, a panel a cell, a dot a seed, against that of the whole net."""
    figure, axes = plt.subplots(1, len(names), figsize=(4.3 * len(names), 3.4), sharex=True, sharey=True, squeeze=False)
    furthest = 0.0
    for axis, name in zip(axes[0], names, strict=True):
        states = list(results.states(name, epoch).values())
        layers = [layer.layer for layer in states[0].layers]
        silenced = np.array([[layer.silenced for layer in state.layers] for state in states])
        places = np.arange(len(layers))
        axis.hlines(places, 0, silenced.mean(axis=0), color=BLUE, linewidth=6, alpha=0.35)
        for answers in silenced:
            axis.plot(answers, places, "o", color=BLUE, markersize=4)
        whole = float(np.mean([state.test_accuracy for state in states]))
        furthest = max(furthest, whole, silenced.max())
        axis.axvline(whole, color=INK, linewidth=1)
        axis.text(whole, -0.75, "whole net ", ha="right", fontsize=8)
        axis.set(xlabel="test accuracy (share of images)", xlim=(0, 1.08 * furthest), ylim=(len(layers) - 0.4, -1.1))
        axis.set_yticks(places, layers)
        axis.set_title(results.experiment.cell(name).label, loc="left", fontsize=10)
    mark_rerun(figure, results)
    return figure


def spectrum_plot(results: Results, names: Sequence[str], epochs: Sequence[int]) -> Figure:
    """Density of the Hessian's eigenvalues, a panel a moment, a line a cell: mean over seeds, on logarithmic axes."""
    figure, axes = panel_grid(len(epochs), 2.7, 2.5, "eigenvalue / largest")
    for axis, epoch in zip(axes.flat, epochs, strict=False):
        for name, colour in zip(names, COLOURS, strict=False):
            densities = [state.spectrum.density() for state in results.states(name, epoch).values()]
            grid = np.linspace(-0.2, 1.1, 400)
            lines = [d.largest * d.smooth(grid * d.largest, WIDTH * d.largest)[0] for d in densities]
            axis.plot(grid, np.mean(lines, axis=0), color=colour, label=results.experiment.cell(name).label)
        axis.set(yscale="log", ylim=(1e-6, 1e2), title=f"after {epoch} epoch{'s' if epoch != 1 else ''}")
    for axis in axes[:, 0]:
        axis.set_ylabel("density (log scale)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(names))
    mark_rerun(figure, results)
    return figure


def course_plot(results: Results, names: Sequence[str], epochs: Sequence[int], flat: float) -> Figure:
    """Shares of flat and of negative eigenvalues and the largest one over training, a dot a seed, lines the means."""
    panels: dict[str, Callable[[SpectralDensity], float]] = {
        f"share within {flat:g} of the largest": lambda density: density.share_within(flat).value,
        f"share below -{flat:g} of the largest": lambda density: density.share_below(flat).value,
        "largest (nats, log scale)": lambda density: density.largest,
    }
    figure, axes = plt.subplots(1, len(panels), figsize=(3.6 * len(panels), 3.2), sharex=True)
    places = np.arange(len(epochs))
    for axis, (label, value) in zip(axes, panels.items(), strict=True):
        for offset, name, colour in zip((-0.08, 0.08, 0.0), names, COLOURS, strict=False):
            values = [
                [value(state.spectrum.density()) for state in results.states(name, epoch).values()] for epoch in epochs
            ]
            for place, of_epoch in zip(places, values, strict=True):
                axis.plot(np.full(len(of_epoch), place + offset), of_epoch, "o", color=colour, markersize=4, alpha=0.7)
            axis.plot(places + offset, [np.mean(of_epoch) for of_epoch in values], color=colour, linewidth=1.2,
                      label=results.experiment.cell(name).label)  # fmt: skip
        axis.set(xlabel="epochs of training", ylabel=label, xlim=(-0.5, len(epochs) - 0.5))
        axis.set_xticks(places, [str(epoch) for epoch in epochs])
    axes[2].set_yscale("log")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(names))
    mark_rerun(figure, results)
    return figure
