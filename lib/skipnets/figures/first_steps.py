"""Figures of very deep nets in their first training steps: a number a layer, and the losses on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from skipnets.figures.style import BLUE, GREEN, INK, ORANGE, PINK, SILVER
from skipnets.measurements import FirstSteps, Moment

Array = npt.NDArray[np.float64]

#: What a moment tells of every convolution, by the label of its axis.
QUANTITIES: dict[str, Callable[[Moment], Array]] = {
    "range of outputs": lambda moment: np.subtract(moment.output_highest, moment.output_lowest),
    "range of weights": lambda moment: np.subtract(moment.kernel_highest, moment.kernel_lowest),
    "gradient in outputs": lambda moment: np.array(moment.output_gradient),
    "gradient in weights": lambda moment: np.array(moment.kernel_gradient),
    "condition number": lambda moment: np.array(moment.condition),
    "spread across images": lambda moment: np.array(moment.spread),
}


def by_layer_plot(found: Mapping[str, FirstSteps], quantities: Sequence[str], moments: Sequence[int]) -> Figure:
    """Numbers of every convolution, a column a net and a row a quantity, a line a moment, on logarithmic axes.

    Condition numbers are those of the channels that are not dead. A tick above a panel of them marks a layer that has
    dead channels at the last moment, so that the condition number of the whole layer is infinite.
    """
    figure, axes = plt.subplots(
        len(quantities), len(found), figsize=(9, 2.5 * len(quantities) + 0.7), sharex="col", sharey="row", squeeze=False
    )
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(moments)))
    for column, (label, steps) in zip(axes.T, found.items(), strict=True):
        layers = np.arange(1, len(steps.layers) + 1)
        for axis, quantity in zip(column, quantities, strict=True):
            there = [moment for moment in moments if moment in steps.moments]
            for moment in there:
                values = QUANTITIES[quantity](steps.moments[moment])
                shown = np.where(np.isfinite(values) & (values > 0), values, np.nan)
                shade = shades[moments.index(moment)]
                axis.plot(layers, shown, color=shade, linewidth=1.1, label=_after(moment))
            if quantity == "condition number" and there:
                dead = layers[np.array(steps.moments[there[-1]].dead) > 0]
                axis.plot(dead, np.full(len(dead), 1.02), "|", color=ORANGE, markersize=5, clip_on=False,
                          transform=axis.get_xaxis_transform())  # fmt: skip
            axis.set(yscale="log")
        column[0].set_title(label, fontsize=10, pad=10)
        column[-1].set_xlabel("convolution, from the image on")
    for axis, quantity in zip(axes[:, 0], quantities, strict=True):
        axis.set_ylabel(f"{quantity}\n(log scale)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(moments))
    return figure


def losses_plot(found: Mapping[str, FirstSteps], window: int = 20) -> Figure:
    """Loss of the batches against steps, a line a net, averaged over ``window`` steps; a cross where it is not finite.

    The dotted line is the loss of ten equal guesses.
    """
    figure, axis = plt.subplots(figsize=(9, 3.9))
    colours = (BLUE, ORANGE, GREEN, PINK, INK, "#ca9161", "#56b4e9", "#949494")
    axis.axhline(np.log(10), color=SILVER, linewidth=0.9, linestyle=":")
    for (label, steps), colour in zip(found.items(), colours, strict=False):
        smooth = pd.Series(steps.loss).rolling(window, min_periods=1).mean()
        axis.plot(range(1, len(smooth) + 1), smooth, color=colour, linewidth=1.3, label=label)
        if steps.diverged_at is not None:
            axis.plot(steps.diverged_at + 1, 0.02, "x", color=colour, transform=axis.get_xaxis_transform())
    axis.set(xlabel="training step", ylabel="loss (nats per image)", ylim=(0, 6))
    axis.legend(fontsize=7.5, ncols=2)
    return figure


def source_note(found: Mapping[str, FirstSteps], names: Iterable[str]) -> str:
    """Say in MyST what the nets of a figure were trained and measured on, and the command that measures them."""
    first = next(iter(found.values()))
    images = ", ".join(dict.fromkeys(steps.spec.image_set for steps in found.values()))
    seeds = ", ".join(str(seed) for seed in sorted({steps.spec.seed for steps in found.values()}))
    return (
        f"{{.source-note}}\n{images}; measured on {first.images} training images; seed {seeds}. "
        f"`skipnets measure first-steps --cells {','.join(names)}`"
    )


def _after(moment: int) -> str:
    return "start" if moment == 0 else f"after {moment} step{'s' if moment > 1 else ''}"
