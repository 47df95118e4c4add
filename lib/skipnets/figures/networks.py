"""Networks drawn from the models that the builders build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from skipnets.architectures.summary import LayerRow, layer_rows
from skipnets.figures.style import ORANGE

if TYPE_CHECKING:  # a page of records alone need not load a backend
    import keras

_KINDS = {
    "Conv2D": ("conv", "#cfe2f3"),
    "GroupedConv2D": ("grouped conv", "#b4d3ee"),
    "MaxPooling2D": ("max pool", "#f9dcc4"),
    "GlobalAveragePooling2D": ("average", "#f9dcc4"),
    "BatchNormalization": ("batch norm", "#e4dcf1"),
    "Dense": ("dense", "#d3ead0"),
    "Dropout": ("dropout", "#fbeeb8"),
    "Add": ("+", "#ffffff"),
    "Concatenate": ("concat", "#ffffff"),
    "Flatten": ("flatten", "#eeeeee"),
    "ReLU": ("ReLU", "#eeeeee"),
    "InputLayer": ("input", "#eeeeee"),
}


#: In units of the y axis: what a skip lies above the one below it, and the room below boxes for slanted sizes.
_STEP, _BELOW = 0.55, 2.0

_INCHES = (0.4, 0.62)  # of a unit of either axis


@dataclass(frozen=True)
class _Skip:
    """A way past layers of the trunk, from one place on it to another."""

    start: int
    end: int
    aside: tuple[LayerRow, ...]  # what it leads through
    level: int  # its height above the trunk, so that no two cross


def architecture_diagram(models: dict[str, keras.Model]) -> Figure:
    """Networks from left to right, one a row under its title: a box a layer, lines above for connections that skip.

    A box is taller where the maps are wider; under it stands its output, height x width x channels. In a row stands
    the longest way through a net, and what a skip leads through stands above it.
    """
    trunks = {title: _trunk(layer_rows(model)) for title, model in models.items()}
    skips = {title: _skips(layer_rows(model), trunks[title]) for title, model in models.items()}
    longest = max(map(len, trunks.values()))
    heights = [_BELOW + 1.1 + _STEP * len({skip.level for skip in found}) for found in skips.values()]
    figure, axes = plt.subplots(
        len(models), 1, squeeze=False, height_ratios=heights,
        figsize=(_INCHES[0] * longest + 0.3, _INCHES[1] * sum(heights) + 0.35 * len(models)),
    )  # fmt: skip
    for axis, height, title in zip(axes[:, 0], heights, models, strict=True):
        _draw_trunk(axis, trunks[title])
        for skip in skips[title]:
            _draw_skip(axis, skip, trunks[title], len({skip.level for skip in skips[title]}))
        axis.set(xlim=(-0.7, longest - 0.3), ylim=(-_BELOW, height - _BELOW))
        axis.set_title(f"{title}: {models[title].count_params():,} parameters", loc="left", weight="bold", fontsize=10)
        axis.axis("off")
    return figure


def _trunk(layers: Sequence[LayerRow]) -> list[LayerRow]:
    """The longest way to the last layer; ``layers`` stand in the order of computation."""
    ways: dict[str, list[LayerRow]] = {}
    for row in layers:
        before = max((ways[parent] for parent in row.inputs), key=len, default=[])
        ways[row.name] = before if row.kind == "Flatten" else [*before, row]
    return ways[layers[-1].name]


def _skips(layers: Sequence[LayerRow], trunk: Sequence[LayerRow]) -> list[_Skip]:
    place = {row.name: x for x, row in enumerate(trunk)}
    aside = {row.name: row for row in layers if row.name not in place and row.kind != "Flatten"}
    found: list[_Skip] = []
    for end, row in enumerate(trunk):
        for name in row.inputs:
            past = []
            while name in aside:
                past.append(aside[name])
                name = aside[name].inputs[0]
            if past or place.get(name, end - 1) < end - 1:
                found.append(_Skip(place[name], end, tuple(reversed(past)), 0))
    placed: list[_Skip] = []
    for skip in sorted(found, key=lambda skip: skip.end - skip.start):
        below = [other.level for other in placed if other.start < skip.end and skip.start < other.end]
        placed.append(replace(skip, level=1 + max(below, default=0)))
    return placed


def _half(row: LayerRow) -> float:
    """Half the height of a layer's box."""
    size = row.shape[1] if len(row.shape) == 4 else 4
    return float(0.5 + 0.4 * np.log2(max(2, size or 2)) / 5)


def _shape(row: LayerRow) -> str:
    return "x".join(str(side) for side in row.shape[1:])


def _draw_trunk(axis: Axes, layers: Sequence[LayerRow]) -> None:
    for x, row in enumerate(layers):
        text, colour = _KINDS.get(row.kind, (row.kind, "#eeeeee"))
        _draw_box(axis, (x, 0), (0.6, 2 * _half(row)), colour)
        axis.text(x, 0, text, rotation=0 if text == "+" else 90, ha="center", va="center", fontsize=8.5)
        axis.text(x + 0.3, -1.0, _shape(row), rotation=45, ha="right", va="top", fontsize=7.5, color="#333333")
        if x:
            axis.add_patch(FancyArrowPatch((x - 0.7, 0), (x - 0.3, 0), arrowstyle="->", mutation_scale=7,
                                           shrinkA=0, shrinkB=0, color="#444444", linewidth=0.8))  # fmt: skip


def _draw_skip(axis: Axes, skip: _Skip, trunk: Sequence[LayerRow], levels: int) -> None:
    """Up from a box, along above the trunk, and down: the higher, the further right, so that none cross at its end."""
    y = 0.9 + _STEP * skip.level
    leaves, arrives = skip.start + 0.2, skip.end - 0.3 + 0.6 * skip.level / (levels + 1)
    way = [(leaves, _half(trunk[skip.start])), (leaves, y), (arrives, y), (arrives, _half(trunk[skip.end]))]
    axis.add_patch(FancyArrowPatch(path=Path(way), arrowstyle="->", mutation_scale=9, color=ORANGE, linewidth=1.4,
                                   shrinkA=0, shrinkB=0))  # fmt: skip
    for number, row in enumerate(skip.aside):
        text, colour = _KINDS.get(row.kind, (row.kind, "#eeeeee"))
        x = skip.start + 0.6 + 1.6 * number
        _draw_box(axis, (x, y), (1.4, 0.36), colour)
        axis.text(x, y, text, ha="center", va="center", fontsize=8)
        axis.text(x + 0.8, y + 0.02, _shape(row), ha="left", va="bottom", fontsize=7.5, color="#333333")


def _draw_box(axis: Axes, middle: tuple[float, float], size: tuple[float, float], colour: str) -> None:
    corner = (middle[0] - size[0] / 2, middle[1] - size[1] / 2)
    axis.add_patch(
        FancyBboxPatch(corner, *size, boxstyle="round,pad=0,rounding_size=0.08",
                       facecolor=colour, edgecolor="#444444", linewidth=0.8)
    )  # fmt: skip
