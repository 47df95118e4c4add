"""Networks drawn from the models that the builders build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from skipnets.figures.style import ORANGE
from skipnets.tables import LayerRow, layer_rows

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


def architecture_diagram(models: dict[str, keras.Model]) -> Figure:
    """Networks from left to right, one a row under its title: a box a layer, arcs for connections that skip.

    A box is taller where the maps are wider; under it stands its output, height x width x channels.
    """
    rows = {title: [row for row in layer_rows(model) if row.kind != "Flatten"] for title, model in models.items()}
    longest = max(len(layers) for layers in rows.values())
    figure, axes = plt.subplots(len(rows), 1, figsize=(0.4 * longest + 0.3, 2.3 * len(rows)), squeeze=False)
    for axis, (title, layers) in zip(axes[:, 0], rows.items(), strict=True):
        _draw_network(axis, layers)
        axis.set(xlim=(-0.7, longest - 0.3), ylim=(-1.4, 1.6))
        axis.set_title(f"{title}: {models[title].count_params():,} parameters", loc="left", weight="bold", fontsize=10)
        axis.axis("off")
    return figure


def _draw_network(axis: Axes, layers: Sequence[LayerRow]) -> None:
    place = {row.name: x for x, row in enumerate(layers)}
    for x, row in enumerate(layers):
        text, colour = _KINDS.get(row.kind, (row.kind, "#eeeeee"))
        size = row.shape[1] if len(row.shape) == 4 else 4
        half = 0.5 + 0.4 * np.log2(max(2, size or 2)) / 5
        axis.add_patch(
            FancyBboxPatch((x - 0.3, -half), 0.6, 2 * half, boxstyle="round,pad=0,rounding_size=0.08",
                           facecolor=colour, edgecolor="#444444", linewidth=0.8)
        )  # fmt: skip
        axis.text(x, 0, text, rotation=0 if text == "+" else 90, ha="center", va="center", fontsize=8.5)
        shape = "x".join(str(side) for side in row.shape[1:])
        axis.text(x + 0.3, -1.0, shape, rotation=45, ha="right", va="top", fontsize=7.5, color="#333333")
        for parent in row.inputs:
            start = place.get(parent, x - 1)  # Flatten is not drawn
            if start == x - 1:
                axis.add_patch(FancyArrowPatch((start + 0.3, 0), (x - 0.3, 0), arrowstyle="->", mutation_scale=7,
                                               shrinkA=0, shrinkB=0, color="#444444", linewidth=0.8))  # fmt: skip
            else:
                axis.add_patch(FancyArrowPatch((start, half), (x, half), arrowstyle="->", mutation_scale=9,
                                               connectionstyle=f"arc3,rad={-0.8 / (x - start)}", shrinkA=0, shrinkB=0,
                                               color=ORANGE, linewidth=1.6))  # fmt: skip
