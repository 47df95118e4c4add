"""Figures of the chapter on depth and signal: what reaches each layer, forwards and backwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from skipnets.analysis.mean_field import Prediction
from skipnets.analysis.signal import Cosines, Signal
from skipnets.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PINK, SILVER

Array = npt.NDArray[np.float64]

COLOURS = (ORANGE, GREEN, BLUE, PINK)

#: Below this share of a number, float32 does not see a difference.
ROUNDING = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Compared:
    """A net's measured signal beside its closed form."""

    label: str
    signal: Signal
    cosines: Cosines
    prediction: Prediction


def signal_plot(rows: Sequence[Sequence[Compared]]) -> Figure:
    """Scale, spread and gradient against depth, a column each, a row a group of nets; lines are closed forms."""
    figure, axes = plt.subplots(len(rows), 3, figsize=(9, 2.9 * len(rows)), sharex=True, sharey="col", squeeze=False)
    for row, nets in zip(axes, rows, strict=True):
        for net, colour in zip(nets, COLOURS, strict=False):
            signal, prediction = net.signal, net.prediction
            _points(row[0], signal.scale / signal.scale[0], prediction.scale, colour)
            _points(row[1], signal.relative_spread, prediction.spread, colour, net.label)
            _points(row[2], signal.gradient / signal.gradient[-1], prediction.gradient, colour)
        row[0].set(yscale="log", ylabel="scale / that of layer 1")
        row[1].set(ylim=(0, 1.05), ylabel="spread / scale")
        row[2].set(yscale="log", ylabel="gradient / that of the last layer")
        row[1].legend(fontsize=7.5, handletextpad=0.2, loc="lower left")
    for axis, title in zip(
        axes[0], ("forward: scale", "forward: spread across inputs", "backward: gradient"), strict=True
    ):
        axis.set_title(title)
    for axis in axes[-1]:
        axis.set_xlabel("layer")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def cosine_plot(nets: Sequence[Compared]) -> Figure:
    """Cosine between two inputs, in the layers' outputs and in the gradients of one output, against depth."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.3), sharex=True, sharey=True)
    for net, colour in zip(nets, COLOURS, strict=False):
        # what all inputs share is what the spread leaves of the scale
        _points(axes[0], net.cosines.forward, 1 - net.prediction.spread**2, colour, net.label)
        _points(axes[1], net.cosines.backward, net.prediction.backward, colour)
    axes[0].set(title="forward: of the outputs", xlabel="layer", ylabel="mean cosine of two inputs", ylim=(-0.05, 1.05))
    axes[1].set(title="backward: of the gradients", xlabel="layer")
    axes[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside upper center", ncols=len(nets))
    return figure


def join_plot(nets: Mapping[str, Signal], after: Signal) -> Figure:
    """The convolutions of document 003's nets: scale, spread before and after a step, gradients of the kernels.

    Args:
        nets: by label; the first is the baseline. All share their convolutions' weights.
        after: The baseline once a step was taken.
    """
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.4), sharex=True)
    baseline = next(iter(nets.values()))
    number = np.arange(1, len(baseline.layers) + 1)
    axes[0].plot(number, baseline.scale, color=INK, linewidth=1.3)
    axes[0].set(yscale="log", title="forward: scale", ylabel="root mean square")
    for signal, style, label in ((baseline, "-", "as built"), (after, ":", "after one step")):
        floored = np.maximum(signal.relative_spread, ROUNDING / 100)
        axes[1].plot(number, floored, style, color=ORANGE, label=label)
    axes[1].axhline(ROUNDING, color=SILVER, linewidth=0.8)
    axes[1].text(1, ROUNDING * 1.5, "rounding of float32", fontsize=7.5, color=GREY)
    axes[1].set(yscale="log", title="baseline: spread", ylabel="spread / scale")
    axes[1].legend(fontsize=7.5, loc="center left")
    for (label, signal), colour in zip(nets.items(), COLOURS, strict=False):
        axes[2].plot(number, signal.kernel_gradient, color=colour, linewidth=1.2, label=label)
    axes[2].plot(number, baseline.bias_gradient, ":", color=COLOURS[0], linewidth=1.2, label="baseline, biases")
    axes[2].set(yscale="log", title="backward: gradients", ylabel="norm (kernels; dotted: biases)")
    low, high = axes[2].get_ylim()
    axes[2].set_ylim(low, high * (high / low) ** 0.55)  # room for the legend above the curves
    axes[2].legend(fontsize=7.5, loc="upper right")
    for axis in axes:
        axis.set_xlabel("convolution")
        for third in (len(number) / 3, 2 * len(number) / 3):
            axis.axvline(third + 0.5, color="#bbbbbb", linewidth=0.6, zorder=0)
    return figure


def _points(axis: Axes, measured: Array, predicted: Array, colour: str, label: str | None = None) -> None:
    number = np.arange(1, len(measured) + 1)
    axis.plot(number, predicted, color=colour, linewidth=1)
    axis.plot(number, measured, ".", color=colour, markersize=5, label=label)
