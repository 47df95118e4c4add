"""Figures of the chapter on RMSprop: step lengths, mini-batches, races."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from skipnets.analysis.descent import RULES, Array, Surface, descend
from skipnets.figures.style import BLUE, GREEN, INK, ORANGE, PINK

#: Colours by rule, from a palette that colour-blind readers can tell apart.
COLOURS = {
    "gradient descent": "#949494",
    "momentum": GREEN,
    "RMSprop": ORANGE,
    "Adam": BLUE,
    "rprop": PINK,
}


def length_plot(gradients: Array, lengths: Mapping[str, Array]) -> Figure:
    """Length of a step against the size of a steady gradient, both (n,), a line a rule."""
    figure, axis = plt.subplots(figsize=(7.6, 3.6))
    styles = ("-", "--", ":", "-.")
    for (label, of_rule), style in zip(lengths.items(), styles, strict=False):
        colour = next((colour for name, colour in COLOURS.items() if label.startswith(name)), INK)
        axis.plot(gradients, of_rule, style, color=colour, label=label)
    axis.set(
        xscale="log", yscale="log",
        xlabel="size of a steady gradient (log scale)", ylabel="step / learning rate (log scale)",
    )  # fmt: skip
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def walk_plot(walks: Mapping[str, Array], batches: int) -> Figure:
    """A weight over mini-batches whose gradients cancel, each walk (steps + 1,), in units of the learning rate."""
    figure, axis = plt.subplots(figsize=(7.6, 3.6))
    for name, walk in walks.items():
        axis.plot(np.arange(len(walk)) / batches, walk, color=COLOURS[name], linewidth=1.2)
        axis.text((len(walk) - 1) / batches, walk[-1], f" {name}", color=COLOURS[name], va="center", fontsize=9)
    axis.set(xlabel=f"rounds of {batches} mini-batches", ylabel="weight / learning rate")
    axis.margins(x=0.12)
    return figure


def race_plot(surfaces: Sequence[Surface], best: Mapping[str, Mapping[str, float]], steps: int) -> Figure:
    """Value of each surface against steps, a line a rule at its best rate, which ``best`` holds by surface and rule."""
    figure, axes = plt.subplots(1, len(surfaces), figsize=(2.7 * len(surfaces), 3.2))
    for axis, surface in zip(axes, surfaces, strict=True):
        for name, rate in best[surface.name].items():
            values = surface.value(descend(RULES[name](rate), surface, steps)[:, 0])
            axis.plot(np.arange(1, steps + 2), np.maximum(values, 1e-9), color=COLOURS[name], linewidth=1.1, label=name)
        axis.axhline(surface.goal, color=INK, linewidth=0.8, linestyle=":")
        axis.set(xscale="log", yscale="log", ylim=(1e-6, None), title=surface.name, xlabel="steps, from 1 (log scale)")
    axes[0].set_ylabel("value (log scale)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(RULES))
    return figure


def tuning_plot(rates: Array, needed: Mapping[str, Mapping[str, Array]], steps: int) -> Figure:
    """Steps to the goal against the learning rate, a panel a surface, a line a rule; breaks where it is not reached."""
    figure, axes = plt.subplots(1, len(needed), figsize=(2.7 * len(needed), 3.2), sharey=True)
    for axis, (surface, of_rules) in zip(axes, needed.items(), strict=True):
        for name, found in of_rules.items():
            axis.plot(rates, np.where(np.isfinite(found), found, np.nan), ".-", color=COLOURS[name], label=name)
        axis.set(xscale="log", yscale="log", ylim=(1, 1.5 * steps), title=surface, xlabel="learning rate")
    axes[0].set_ylabel("steps to the goal (log scale)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(RULES))
    return figure
