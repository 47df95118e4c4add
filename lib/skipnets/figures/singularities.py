"""Figures of the chapter on singularities: saddles, the three causes, spectra, rows of the Hessian, Equation 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from skipnets.analysis.saddles import Saddle
from skipnets.analysis.singularities import CAUSES, Cause
from skipnets.figures.style import BLUE, INK, ORANGE, SILVER

Array = npt.NDArray[np.float64]

#: Without and with a skip, from a palette that colour-blind readers can tell apart.
PLAIN, SKIP = ORANGE, BLUE


def saddles_plot(surfaces: Sequence[Saddle]) -> Figure:
    """Contours around the origin, a panel a surface: the level of the saddle thick, higher blue, lower orange."""
    figure, axes = plt.subplots(1, len(surfaces), figsize=(9, 2.9), sharex=True, sharey=True)
    grid = np.linspace(-1.5, 1.5, 151)
    x, y = np.meshgrid(grid, grid)
    for axis, surface in zip(axes, surfaces, strict=True):
        height = surface.value(x, y) - surface.value(np.zeros(1), np.zeros(1))
        levels = np.array([0.1, 0.3, 0.6, 1.0, 1.6, 2.4])
        axis.contourf(grid, grid, height, [-100, 0, 100], colors=["#f6d5bd", "#cfe3f1"])
        axis.contour(grid, grid, height, np.concatenate([-levels[::-1], levels]), colors=SILVER, linewidths=0.6)
        axis.contour(grid, grid, height, [0], colors=INK, linewidths=1.4)
        axis.plot(0, 0, "o", color=INK, markersize=5)
        values = sorted(np.linalg.eigvalsh(surface.hessian))
        axis.set_title(f"${surface.formula}$\neigenvalues {values[0]:.0f}, {values[1]:.0f}", fontsize=9.5)
        axis.set(xlabel="x", aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    axes[0].set_ylabel("y")
    return figure


@dataclass(frozen=True)
class Line:
    """The loss along one direction, without and with the skip."""

    steps: Array  # (steps,)
    plain: Array  # (steps,) change of the loss
    skip: Array  # (steps,)


def causes_plot(lines: Mapping[Cause, Line]) -> Figure:
    """The three causes as drawings of nets, and below them how the loss changes along the free direction."""
    figure, axes = plt.subplots(
        2, len(CAUSES), figsize=(9, 5), sharey="row", sharex="row", gridspec_kw={"height_ratios": [1.15, 1]}
    )
    for drawing, below, cause in zip(*axes, CAUSES, strict=True):
        _draw_net(drawing, cause)
        line = lines[cause]
        below.plot(line.steps, line.skip, color=SKIP, linewidth=1.6, label="with the skip")
        below.plot(line.steps, line.plain, color=PLAIN, linewidth=2.2, label="without")
        below.set_xlabel("step along the free direction")
    axes[1, 0].set_ylabel("change of the loss")
    handles, labels = axes[1, 0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside lower center", ncols=2)
    return figure


def _draw_net(axis: Axes, cause: Cause) -> None:
    """Draw three inputs, three units and one output; orange is what the cause is about, blue the skips."""
    heights = (1.0, 0.0, -1.0)
    weights: dict[Cause, tuple[tuple[str, ...], str]] = {
        "elimination": (("none", SILVER, SILVER), "nothing leads into the first unit"),
        "overlap": ((PLAIN, PLAIN, SILVER), "the same weights lead into two units"),
        "linear dependence": ((PLAIN, PLAIN, PLAIN), "the outputs of the units add up to zero"),
    }
    colours, text = weights[cause]
    for unit, (colour, height) in enumerate(zip(colours, heights, strict=True)):
        for start in heights:
            silent = colour == "none"
            axis.plot(
                [0, 1], [start, height], color=PLAIN if silent else colour, linewidth=1.1,
                linestyle=(0, (1, 3)) if silent else "-",
            )  # fmt: skip
        free = colour != SILVER
        axis.plot([1, 2], [height, 0], color=PLAIN if free else SILVER, linewidth=2.4 if free else 1.1)
        axis.annotate(
            "", (0.93, height + 0.1), (0.07, height + 0.1),
            arrowprops={"arrowstyle": "->", "color": SKIP, "connectionstyle": "arc3,rad=-0.28", "linewidth": 1.1},
        )  # fmt: skip
        axis.annotate(f"$v_{unit}$", (1.5, height / 2), (2, 7 if height >= 0 else -13), textcoords="offset points")
    for x, places in ((0, heights), (1, heights), (2, (0.0,))):
        axis.plot([x] * len(places), places, "o", color="white", markeredgecolor=INK, markersize=13, zorder=3)
    axis.set_title(cause, fontsize=10.5, weight="bold")
    axis.text(1, 1.5, text, ha="center", fontsize=8.5)
    axis.set(xlim=(-0.2, 2.2), ylim=(-1.3, 1.6))
    axis.set_axis_off()


def spectra_plot(spectra: Mapping[tuple[str, Cause, bool], Array], tolerance: float) -> Figure:
    """Every eigenvalue by its size relative to the largest, rising.

    Args:
        spectra: eigenvalues (parameters,) by setting (a row of panels each), cause (a column each) and skip.
        tolerance: below this share of the largest an eigenvalue counts as zero.
    """
    settings = list(dict.fromkeys(setting for setting, _, _ in spectra))
    figure, axes = plt.subplots(len(settings), len(CAUSES), figsize=(9, 5), sharex=True, sharey=True, squeeze=False)
    floor = 1e-18  # rounding to exactly zero has no logarithm
    for row, setting in zip(axes, settings, strict=True):
        for axis, cause in zip(row, CAUSES, strict=True):
            axis.axhspan(floor / 10, tolerance, color="#eeeeee", linewidth=0)
            for skip, colour, marker in ((False, PLAIN, "o"), (True, SKIP, ".")):
                sizes = np.sort(np.abs(spectra[setting, cause, skip]))
                sizes = np.maximum(sizes / sizes[-1], floor)
                label = "with the skip" if skip else "without"
                face = colour if skip else "none"
                axis.semilogy(
                    np.arange(1, len(sizes) + 1), sizes, marker, color=colour, markerfacecolor=face, markersize=4.5,
                    label=label,
                )  # fmt: skip
            axis.set(ylim=(floor / 4, 4), yticks=10.0 ** np.arange(-18, 1, 6))
            axis.minorticks_off()  # dozens of them, of no use over 18 powers of ten
        row[0].set_ylabel(f"{setting}\n|eigenvalue| / largest")
    for axis, cause in zip(axes[0], CAUSES, strict=True):
        axis.set_title(cause)
    for axis in axes[-1]:
        axis.set_xlabel("rank of the eigenvalue")
    axes[0, 0].annotate("counted as zero", (0.97, 0.36), xycoords="axes fraction", ha="right", fontsize=8, color=SILVER)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def rows_plot(rows: Mapping[str, Mapping[str, Array]], width: int) -> Figure:
    """Rows of Hessians as strips of colour, white for zero.

    Args:
        rows: (parameters,) by what the row is (a line of strips each) and by place (a column each); the incoming
            weights unit by unit, then the outgoing ones.
        width: inputs and units of the nets.
    """
    columns = list(next(iter(rows.values())))
    figure, axes = plt.subplots(len(rows), len(columns), figsize=(9, 2.9), sharex=True, squeeze=False)
    most = max(float(np.abs(entries).max()) for places in rows.values() for entries in places.values())
    colours = LinearSegmentedColormap.from_list("rows", [PLAIN, "white", SKIP])
    for line, (name, places) in zip(axes, rows.items(), strict=True):
        for axis, column in zip(line, columns, strict=True):
            image = axis.imshow(places[column][None], cmap=colours, vmin=-most, vmax=most, aspect="auto")
            axis.set_yticks([])
            for edge in range(1, width + 1):
                axis.axvline(edge * width - 0.5, color=SILVER, linewidth=0.6)
            for spine in axis.spines.values():
                spine.set(visible=True, color=SILVER, linewidth=0.6)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for axis, column in zip(axes[0], columns, strict=True):
        axis.set_title(column)
    middles = [block * width + (width - 1) / 2 for block in range(width + 1)]
    for axis in axes[-1]:
        axis.set_xticks(middles, [*(f"$w_{{{unit}}}$" for unit in range(width)), "$v$"])
    for axis in axes.flat:
        axis.tick_params(axis="x", length=0)
    figure.supxlabel("by the weights into each unit, and by the outgoing weights", fontsize=9.5)
    figure.colorbar(image, ax=axes, label="second derivative", shrink=0.95)
    return figure


def equation_plot(largest: Array, deviations: Array) -> Figure:
    """Largest derivative of each layer (layers,), and the largest deviation (layers,) between two ways to it."""
    figure, axis = plt.subplots(figsize=(7.6, 3.2))
    layers = np.arange(1, len(largest) + 1)
    axis.semilogy(layers, largest, "o-", color=SKIP, markersize=4)
    deviations = np.maximum(deviations, 1e-20)  # two ways may agree to the last bit
    axis.semilogy(layers, deviations, "o-", color=PLAIN, markersize=4)
    for values, text, colour in (
        (largest, "largest derivative of the layer", SKIP),
        (deviations, "largest deviation of Equation 1 from it", PLAIN),
    ):
        axis.annotate(text, (layers[-1], values.max()), (0, 8), textcoords="offset points", ha="right", color=colour)
    axis.set(xlabel="weight layer, from the input", ylabel="dE / dW (log scale)", ylim=(None, 50 * largest.max()))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
