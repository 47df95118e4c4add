"""The explorer of very deep nets' first steps: heat maps of layers against steps, and their numbers for the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch

from skipnets.figures.first_steps import QUANTITIES, Array, channels_of, table_of
from skipnets.figures.page_data import page_data
from skipnets.figures.style import ORANGE, SILVER
from skipnets.measurements import FirstSteps
from skipnets.rounding import significant

INFINITE, ZERO = ORANGE, SILVER
COLOURS = plt.get_cmap("Blues").with_extremes(under=ZERO, bad=INFINITE)


# What the page's script makes of the other tables and the dead channels, to spare the page a copy.
DERIVED = ("condition", "dead")


def explorer_picture(found: Mapping[str, FirstSteps], quantity: str) -> Figure:
    """Heat maps of one of ``QUANTITIES``, a net each, layers against steps, on one logarithmic scale of colours."""
    if not found:
        return _nothing_yet()
    columns = min(2, len(found))
    rows = math.ceil(len(found) / columns)
    figure, axes = plt.subplots(rows, columns, figsize=(9, 0.7 + 2.1 * rows), sharex=True, squeeze=False)
    for axis in axes.flat[len(found) :]:
        axis.set_axis_off()
    tables = [table_of(steps, quantity) for steps in found.values()]
    lowest, highest = _decades(tables)
    norm = LogNorm(10.0**lowest, 10.0**highest)
    for axis, (label, steps), table in zip(axes.flat, found.items(), tables, strict=False):
        image = _heat_map(axis, table, norm)
        axis.set_yticks(range(len(table)), list(map(str, steps.moments)), fontsize=7)
        axis.set_ylim(max(map(len, tables)) - 0.5, -0.5)  # a net that diverged has fewer rows, not higher ones
        end = "" if steps.diverged_at is None else f"\nloss not finite after {steps.diverged_at} steps"
        axis.set_title(label + end, loc="left", fontsize=9)
    for axis in axes[:, 0]:
        axis.set_ylabel("steps taken")
    for axis in axes.flat[len(found) - columns : len(found)]:
        axis.set_xlabel("convolution, by depth")
        axis.tick_params(labelbottom=True)  # where an odd number of nets leaves the place below empty
    figure.colorbar(image, ax=axes, label=f"{QUANTITIES[quantity].label}\n(log scale)")
    own = [Patch(color=INFINITE, label="infinite or undefined")]
    if any((table == 0).any() for table in tables):
        own.append(Patch(color=ZERO, label="0"))
    figure.legend(handles=own, loc="outside upper center", ncols=2)
    return figure


def _nothing_yet() -> Figure:
    figure, axis = plt.subplots(figsize=(9, 1.5))
    axis.set_axis_off()
    axis.text(0.5, 0.5, "not measured yet", ha="center", color=SILVER)
    return figure


def _heat_map(axis: Axes, table: Array, norm: LogNorm) -> AxesImage:
    # A logarithmic scale leaves out 0 as it does infinity; a number that is smaller than any lies below the scale.
    shown = np.ma.masked_invalid(np.where(table == 0, np.finfo(float).tiny, table))
    moments, layers = table.shape
    return axis.imshow(
        shown, cmap=COLOURS, norm=norm, aspect="auto", interpolation="nearest",
        extent=(0.5, layers + 0.5, moments - 0.5, -0.5),
    )  # fmt: skip


def explorer_model(found: Mapping[str, FirstSteps]) -> str:
    """Return the element from which ``_static/first-steps.js`` draws, invisible without scripts.

    Args:
        found: The nets to choose from, by their label; the first is shown first.
    """
    quantities = {
        key: {"label": quantity.label, "decades": _decades(table_of(steps, key) for steps in found.values())}
        for key, quantity in QUANTITIES.items()
    }
    model = {"quantities": quantities, "nets": {label: _net(steps) for label, steps in found.items()}}
    return page_data("first-steps", model)


def _net(steps: FirstSteps) -> dict[str, object]:
    """A net as the script reads it; each table has a row a moment, a column a layer."""
    channels, moments = channels_of(steps), list(steps.moments.values())
    return {
        "moments": list(steps.moments),
        "diverged": steps.diverged_at,
        "channels": channels,
        "dead": [moment.dead for moment in moments],
        # Where live channels depend on each other as far as rounding lets one see, 1.
        "lost": [
            [int(rank + dead < there) for rank, dead, there in zip(moment.rank, moment.dead, channels, strict=True)]
            for moment in moments
        ],
        "tables": {
            key: [[_short(value) for value in row] for row in table_of(steps, key).tolist()]
            for key in QUANTITIES
            if key not in DERIVED
        },
    }


def _decades(tables: Iterable[Array]) -> tuple[int, int]:
    """Powers of ten, at least one apart, between which all finite numbers above 0 lie."""
    values = np.concatenate([np.empty(0), *(table.ravel() for table in tables)])
    powers = np.log10(values[np.isfinite(values) & (values > 0)])
    if not powers.size:
        return 0, 1
    lowest = math.floor(powers.min())
    return lowest, max(lowest + 1, math.ceil(powers.max()))


def _short(value: float) -> float | None:
    """Three significant digits, whole numbers without a point, and None for what JSON does not have."""
    if not math.isfinite(value):
        return None
    rounded = significant(value, 3)
    return int(rounded) if rounded.is_integer() and rounded < 1e16 else rounded
