"""Figures of very deep nets in their first training steps: a number a layer, and the losses on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from skipnets.architectures import blueprint
from skipnets.figures.style import BLUE, GREEN, INK, ORANGE, PINK, SILVER
from skipnets.measurements import FirstSteps, Moment
from skipnets.specs import Part

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """Something that every convolution has at every moment."""

    label: str
    of: Callable[[Moment, FirstSteps], Sequence[float] | Array]  # of a moment among these steps: a number a layer
    share: bool = False  # from 0 to 1 and drawn so, rather than on a logarithmic axis
    highest: float | None = None  # what lies above is beyond even float64, and not drawn to scale


#: What can be shown, by the key that figures and the page's script use; the explorer begins with the first.
QUANTITIES = {
    "condition": Quantity("condition number of all channels", lambda moment, _: moment.condition_all),
    "condition_live": Quantity(
        "condition number of the live channels", lambda moment, _: moment.condition, highest=1e20
    ),
    "dead": Quantity("share of dead channels", lambda moment, steps: np.divide(moment.dead, channels_of(steps))),
    "output_range": Quantity("range of the outputs", lambda moment, _: moment.output_range),
    "kernel_range": Quantity("range of the weights", lambda moment, _: moment.kernel_range),
    "output_gradient": Quantity("gradient norm of the outputs", lambda moment, _: moment.output_gradient),
    "kernel_gradient": Quantity("gradient norm of the weights", lambda moment, _: moment.kernel_gradient),
    "spread": Quantity("relative spread across images", lambda moment, _: moment.spread, share=True),
}


def by_layer_plot(found: Mapping[str, FirstSteps], quantities: Sequence[str], moments: Sequence[int]) -> Figure:
    """Numbers of every convolution, a column a net and a row one of ``QUANTITIES``, a line a moment.

    A tick above a panel of condition numbers of live channels marks a layer that has dead ones at the last moment, so
    that the number of all its channels is infinite.
    """
    figure, axes = plt.subplots(
        len(quantities), len(found), figsize=(9, 2.5 * len(quantities) + 0.7), sharex="col", sharey="row", squeeze=False
    )
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(moments)))
    for column, (label, steps) in zip(axes.T, found.items(), strict=True):
        layers = np.arange(1, len(steps.layers) + 1)
        for axis, quantity in zip(column, quantities, strict=True):
            for moment, values in zip(steps.moments, table_of(steps, quantity), strict=True):
                if moment in moments:
                    shown = np.where(np.isfinite(values), values, np.nan)
                    shade = shades[moments.index(moment)]
                    axis.plot(layers, shown, color=shade, linewidth=1.4, label=_after(moment))
            if quantity == "condition_live":
                dead = layers[np.array(steps.moments[max(steps.moments)].dead) > 0]
                if len(dead):  # no ticks at all would leave the panels no room
                    axis.plot(dead, np.full(len(dead), 1.02), "|", color=ORANGE, markersize=5, clip_on=False,
                              transform=axis.get_xaxis_transform())  # fmt: skip
            if QUANTITIES[quantity].share:
                axis.set_ylim(-0.05, 1.02)  # a line along 0 is not to hide behind the axis
            else:
                axis.set_yscale("log")
        column[0].set_title(fill(label, 80 // len(found)), fontsize=10, pad=10)
    figure.supxlabel("convolution, from the image on", fontsize=9)
    for axis, quantity in zip(axes[:, 0], quantities, strict=True):
        if (highest := QUANTITIES[quantity].highest) is not None:
            axis.set_ylim(top=min(highest, axis.get_ylim()[1]))
        scale = "share" if QUANTITIES[quantity].share else "log scale"
        axis.set_ylabel(f"{QUANTITIES[quantity].label}\n({scale})", fontsize=8)
    # Not of one net alone, which may have ended before the last moment.
    known = {label: line for axis in axes[0] for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles=list(known.values()), loc="outside upper center", ncols=len(moments))
    return figure


def losses_plot(found: Mapping[str, FirstSteps], window: int = 20) -> Figure:
    """Loss of the batches against steps, a line a net, averaged over ``window`` steps; a cross where it is not finite.

    The dotted line is the loss of ten equal guesses. A triangle stands where a line passes the frame's upper edge.
    """
    highest = 2.6  # a loss above that is of no interest here, and would flatten all others
    figure, axis = plt.subplots(figsize=(9, 3.9))
    colours = (BLUE, ORANGE, GREEN, PINK, INK, "#ca9161", "#56b4e9", "#949494")
    axis.axhline(np.log(10), color=SILVER, linewidth=0.9, linestyle=":")
    for (label, steps), colour in zip(found.items(), colours, strict=False):
        smooth = pd.Series(steps.loss).rolling(window, min_periods=1).mean()
        axis.plot(range(1, len(smooth) + 1), smooth, color=colour, linewidth=1.3, label=label)
        passing = np.flatnonzero(np.diff(smooth > highest)) + 1
        for step in passing:
            axis.plot(step, highest, "^", color=colour, markersize=7, clip_on=False)
        if steps.diverged_at is not None:
            axis.plot(steps.diverged_at + 1, 0.02, "x", color=colour, transform=axis.get_xaxis_transform())
    axis.set(xlabel="training step", ylabel="loss (nats per image)", ylim=(min(1.9, axis.dataLim.y0), highest))
    axis.legend(fontsize=7.5, ncols=2)
    return figure


def table_of(steps: FirstSteps, quantity: str) -> Array:
    """Numbers (moments, layers) of one of ``QUANTITIES``."""
    return np.array([QUANTITIES[quantity].of(moment, steps) for moment in steps.moments.values()], dtype=float)


def silenced_from(steps: FirstSteps) -> int | None:
    """First measured number of steps at which channels show every image alike that do not in a pass in float64.

    A layer has such a channel where those that tell images apart in float32 are fewer than are independent in float64.
    """
    channels = np.array(channels_of(steps))
    for moment, found in steps.moments.items():
        # Channels that are constant and not 0 add one direction together.
        apart = channels - found.constant + np.greater(found.constant, found.dead)
        if (apart < found.rank_double).any():
            return moment
    return None


def channels_of(steps: FirstSteps) -> tuple[int, ...]:
    """Output channels of every convolution."""
    of_layer = _channels_of_net(steps.spec.architecture)
    return tuple(of_layer[name] for name in steps.layers)


@cache
def _channels_of_net(net: Part) -> dict[str, int]:
    """Output channels of every layer of a net, which takes seconds to build."""
    return {layer.name: layer.output.shape[-1] for layer in blueprint(net).layers}


def _after(moment: int) -> str:
    return "start" if moment == 0 else f"after {moment} step{'s' if moment > 1 else ''}"
