"""Figures of the chapter on building blocks: convolutions and shifts, heads, ReLU, dropout, cross-entropy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from skipnets.figures.style import BLUE, GREEN, ORANGE, PINK, SILVER

Array = npt.NDArray[np.floating]

#: Inks that colour-blind readers can tell apart.
INKS = (BLUE, ORANGE, GREEN, PINK)


def number_grids(grids: Mapping[str, Array]) -> Figure:
    """Small arrays side by side, each under its title, with their numbers written in; zeros stay empty."""
    figure, axes = plt.subplots(1, len(grids), figsize=(2.9 * len(grids), 3.1))
    greatest = max(np.abs(grid).max() for grid in grids.values())
    for axis, (title, grid) in zip(axes, grids.items(), strict=True):
        axis.imshow(grid, cmap="Blues", vmin=0, vmax=1.6 * greatest)
        for (row, column), value in np.ndenumerate(grid):
            if value:
                axis.text(column, row, f"{value:g}", ha="center", va="center", fontsize=11)
        axis.set_xticks(np.arange(grid.shape[1] + 1) - 0.5, minor=True)
        axis.set_yticks(np.arange(grid.shape[0] + 1) - 0.5, minor=True)
        axis.grid(which="minor", color="white", linewidth=1.5)
        axis.tick_params(which="minor", length=0)
        axis.set_title(title, fontsize=10)
        axis.set(xlabel="column j", ylabel="row i", xticks=range(grid.shape[1]), yticks=range(grid.shape[0]))
        axis.spines[:].set_visible(False)
    return figure


def shift_plot(shifts: Sequence[int], panels: Mapping[str, Mapping[str, Array]]) -> Figure:
    """Error against shift (shifts,), a panel a title, a line a function."""
    figure, axes = plt.subplots(1, len(panels), figsize=(9.2, 4.2), sharey=True)
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        for (label, errors), ink, marker, size in zip(lines.items(), INKS, "osD^", (7, 5, 7, 4), strict=False):
            # the first and the third marker are hollow rings, since the lines of some layers coincide
            axis.plot(
                shifts, errors, color=ink, marker=marker, markersize=size, linewidth=1.2, label=label,
                markerfacecolor="white" if size == 7 else ink,
            )  # fmt: skip
        axis.set(title=title, xlabel="shift of the image (pixels)")
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), fontsize=8.5)
    axes[0].set_ylim(-0.03, None)
    axes[0].set_ylabel("error (1: as far as another image)")
    return figure


def head_plot(sides: Sequence[int], counts: Mapping[str, Sequence[int]]) -> Figure:
    """Parameters of each head against the side of the images."""
    figure, axis = plt.subplots(figsize=(7.6, 3.4))
    for (label, parameters), ink in zip(counts.items(), (ORANGE, BLUE, GREEN), strict=True):
        axis.plot(sides, parameters, color=ink, marker="o", markersize=4)
        axis.annotate(label, (sides[-1], parameters[-1]), (6, 0), textcoords="offset points", va="center", color=ink)
    axis.set(
        xscale="log", yscale="log", xlabel="side of the images (pixels, log scale)",
        ylabel="parameters (log scale)", xticks=sides, xticklabels=[str(side) for side in sides], ylim=(500, None),
    )  # fmt: skip
    axis.minorticks_off()
    return figure


def linear_share_plot(spreads: Array, shares: Mapping[str, Array]) -> Figure:
    """Share of variance that a straight line explains against the spread of the input, a line an activation."""
    figure, axis = plt.subplots(figsize=(7.6, 3.2))
    for (label, values), ink in zip(shares.items(), INKS, strict=False):
        axis.plot(spreads, values, color=ink)
        axis.annotate(label, (spreads[-1], values[-1]), (6, 0), textcoords="offset points", va="center", color=ink)
    axis.set(
        xscale="log", xlabel="standard deviation of the input (log scale)",
        ylabel="share of variance\na straight line explains", ylim=(0.5, 1.02),
    )  # fmt: skip
    return figure


def pieces_plot(
    x: Array, y: Array, breaks: tuple[Array, Array], units: Sequence[int], pieces: Mapping[int, Array]
) -> Figure:
    """One random net as a function, and how many pieces nets of other sizes have.

    Args:
        x: inputs (points,).
        y: the net's output there (points,).
        breaks: the breakpoints and the output at them, both (breakpoints,).
        units: sizes of the nets.
        pieces: by depth, pieces (units, seeds).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.7))
    left.plot(x, y, color=BLUE, linewidth=1.2)
    left.plot(*breaks, "o", color=ORANGE, markersize=3.5)
    left.set(xlabel="input", ylabel="output", title=f"one random net, {len(breaks[0]) + 1} pieces in view")
    right.plot(units, units, color=SILVER, linestyle=":", linewidth=1.5)
    right.annotate("one a unit", (units[1], units[1]), (26, -2), textcoords="offset points", color=SILVER)
    for (depth, counts), ink, marker, aside in zip(
        pieces.items(), INKS, "osD^", (-0.06, -0.02, 0.02, 0.06), strict=False
    ):
        mean, low, high = counts.mean(1), counts.min(1), counts.max(1)
        label = f"{depth} layer" + "s" * (depth > 1)
        right.errorbar(
            np.array(units) * (1 + aside), mean, [mean - low, high - mean],
            fmt=marker, color=ink, markersize=4, linewidth=1, label=label,
        )  # fmt: skip
    right.set(
        xscale="log", yscale="log", xlabel="units in the whole net (log scale)",
        ylabel="pieces of the line (log scale)",
        title="random nets", xticks=units, xticklabels=[str(size) for size in units],
    )  # fmt: skip
    right.minorticks_off()
    right.legend(loc="upper left", fontsize=8.5)
    return figure


def dead_plot(rates: Array, shares: Mapping[str, Array]) -> Figure:
    """Share of dead units (seeds, rates) against the learning rate: the mean in a band from least to greatest."""
    figure, axis = plt.subplots(figsize=(7.6, 3.2))
    for (label, values), ink in zip(shares.items(), (ORANGE, BLUE), strict=True):
        axis.fill_between(rates, values.min(0), values.max(0), color=ink, alpha=0.2, linewidth=0)
        axis.plot(rates, values.mean(0), color=ink, label=label)
    axis.set(
        xscale="log", xlabel="learning rate (log scale)", ylabel="share of units dead\nafter one step", ylim=(0, None)
    )
    axis.legend(loc="upper left")
    return figure


def draws_plot(struck: npt.NDArray[np.bool_], strengths: Array, rate: float, shown: int) -> Figure:
    """Which units of a batch's first images were struck, and each unit's share of the batch against its strength.

    Args:
        struck: of shape (images, units).
        strengths: what the units held, of shape (units,).
        rate: of the dropout.
        shown: images to draw.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.4))
    left.imshow(struck[:shown], cmap="Blues", vmin=0, vmax=1.3, aspect="auto", interpolation="nearest")
    left.set(yticks=range(0, shown, 5), xlabel="unit", ylabel="image", title="struck units (dark)")
    right.plot(strengths, struck.mean(0), "o", color=BLUE, markersize=4)
    right.axhline(rate, color=ORANGE, linewidth=1.2)
    right.annotate(f"rate {rate:g}", (strengths[0], rate), (0, 14), textcoords="offset points", color=ORANGE)
    right.set(
        xlabel="strength of the unit", ylabel=f"share of {len(struck):,} images\nfor which it is struck",
        title="strong and weak", ylim=(0, max(1.6 * rate, 1.2 * struck.mean(0).max())),
    )  # fmt: skip
    return figure


def ceiling_plot(
    rates: Array, forms: Mapping[str, Array], simulated_rates: Sequence[float], simulated: Mapping[str, Array]
) -> Figure:
    """Accuracy and loss of a perfect net behind an output dropout: closed forms (rates, 2), simulations (points, 2)."""
    figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.6))
    for column, (axis, label) in enumerate(zip(axes, ("accuracy", "loss (nats)"), strict=True)):
        for (name, values), ink, marker in zip(forms.items(), (BLUE, ORANGE), "oD", strict=True):
            axis.plot(rates, values[:, column], color=ink, linewidth=1.2, label=f"{name}, closed form")
            axis.plot(
                simulated_rates, simulated[name][:, column], marker, color=ink, markersize=5, markerfacecolor="white",
                label=f"{name}, simulated",
            )  # fmt: skip
        axis.set(xlabel="rate of the output dropout", ylabel=label)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=8.5)
    return figure


def loss_plot(gaps: Array, losses: Mapping[str, Array], limit: float) -> Figure:
    """Loss of an image against how far its true logit lies below the others, by route; clipping ends at ``limit``."""
    figure, axis = plt.subplots(figsize=(7.6, 3.4))
    styles = (("#9fd8c8", "-", 6.0), (BLUE, "--", 1.5), (ORANGE, "-", 1.5))  # two of the lines coincide on TensorFlow
    for (label, values), (ink, dashes, thickness) in zip(losses.items(), styles, strict=True):
        axis.plot(gaps, values, label=label, color=ink, linestyle=dashes, linewidth=thickness)
    _level(axis, limit, f"-log(1e-7) = {limit:.1f}")
    axis.set(xlabel="the true logit lies below the others by", ylabel="loss (nats)", ylim=(0, None))
    axis.legend(loc="upper left")
    return figure


def _level(axis: Axes, height: float, label: str) -> None:
    axis.axhline(height, color=SILVER, linestyle=":", linewidth=1)
    axis.annotate(label, (0.02, height), (0, 3), xycoords=("axes fraction", "data"), textcoords="offset points",
                  color=SILVER, fontsize=8.5)  # fmt: skip
