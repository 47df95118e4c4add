"""Figures of what depth does to training, from the records of nets of rising depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from skipnets.figures.runs import MEASURES, sign
from skipnets.figures.style import SILVER
from skipnets.results import Results


def depth_plot(results: Results, kinds: Mapping[str, Sequence[str]]) -> Figure:
    """Late accuracy against the number of layers, a panel a kind of net.

    ``kinds`` holds the cells of each panel by its title, their architectures of rising depth. Dots are seeds, lines
    their mean; training images are measured in inference mode.
    """
    figure, axes = plt.subplots(1, len(kinds), figsize=(3 * len(kinds) + 0.6, 3.2), sharex=True, sharey=True)
    for axis, (title, names) in zip(axes, kinds.items(), strict=True):
        cells = results.cells(names)
        depths = {cell.name: cell.spec.architecture.depth for cell in cells}  # type: ignore[union-attr]
        outcomes = results.outcomes([cell.name for cell in cells])
        for measure in ("training_inference", "test") if cells else ():
            label, colour = MEASURES[measure]
            at, accuracy = outcomes.cell.map(depths), outcomes[f"{measure}_accuracy"]
            axis.plot(at, accuracy, "o", color=colour, alpha=0.55, markersize=4, markeredgewidth=0)
            mean = accuracy.groupby(at).mean()
            axis.plot(mean.index, mean, color=colour, linewidth=1.3, label=label.replace("dropout off", "inference"))
        axis.axhline(0.1, color=SILVER, linewidth=0.8, linestyle=":")
        axis.set(title=title, xlabel="layers", xscale="log", ylim=(0, 1.02))
        ticks = sorted(depths.values())
        axis.set_xticks(ticks, [str(depth) for depth in ticks])
        axis.minorticks_off()
    axes[0].set_ylabel("accuracy (share of images)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    sign(figure, results, [name for names in kinds.values() for name in names])
    return figure
