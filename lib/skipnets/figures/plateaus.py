"""Figures of the chapter on plateaus, and the model as its interactive figure reads it."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from skipnets.analysis.two_units import (
    Teacher,
    best_single_unit,
    coordinates,
    cost,
    curvature,
    escape_rate,
    held,
    plateau_cost,
    reduced_rate,
)
from skipnets.figures.page_data import page_data
from skipnets.figures.style import BLUE, GREEN, INK, ORANGE, PINK, SILVER

Array = npt.NDArray[np.float64]

HELD, LEAVES = ORANGE, BLUE

#: Half the width of the plane that is shown, in u and in z.
REACH = 4.0


def rate_plot(teachers: Mapping[str, Teacher]) -> Figure:
    """Rate of leaving the singular line along z: of the whole flow, and of the flow that holds s and r fixed."""
    figure, axes = plt.subplots(1, len(teachers), figsize=(9, 3.3), sharex=True)
    z = np.linspace(-REACH, REACH, 241)
    for axis, (name, teacher) in zip(axes, teachers.items(), strict=True):
        rate = escape_rate(z, teacher)
        axis.axhline(0, color=INK, linewidth=0.8)
        axis.fill_between(z, rate, 0, where=rate < 0, color=HELD, alpha=0.25, linewidth=0, label="stable")
        axis.fill_between(z, rate, 0, where=rate > 0, color=LEAVES, alpha=0.25, linewidth=0, label="unstable")
        axis.plot(z, rate, color=INK, label="whole flow")
        axis.plot(z, reduced_rate(z, teacher), color=INK, linestyle=":", label="s and r fixed")
        margin = 1.6 * np.abs(rate).max()
        axis.set(title=f"teacher: {name}", xlabel="z, place on the singular line", ylim=(-margin, margin))
    axes[0].set_ylabel("rate of leaving (per unit of time)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def paths_plot(students: Array, times: Array, teacher: Teacher) -> Figure:
    """Paths (starts, times, 4) of the flow in the plane of u and z, and their costs over those of the plateau."""
    figure, (plane, curve) = plt.subplots(1, 2, figsize=(9, 4))
    _singular_line(plane, teacher)
    for path in students:
        colour = HELD if held(path[-1], teacher) else LEAVES
        u, z = coordinates(path)
        plane.plot(u, z, color=colour, linewidth=1.3)
        plane.plot(u[0], z[0], "o", color=colour, markersize=4)
        curve.plot(times, cost(path, teacher) / plateau_cost(teacher), color=colour, linewidth=1.3)
    plane.set(xlabel="u = w2 - w1", ylabel="z = (v1 - v2) / (v1 + v2)", xlim=(-REACH, REACH), ylim=(-REACH, REACH))
    curve.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    curve.set(
        xscale="log", yscale="log", xlim=(times[0], times[-1]), ylim=(1e-3, None),
        xlabel="time (log scale)", ylabel="cost / cost of the plateau (log scale)",
    )  # fmt: skip
    return figure


def _singular_line(axis: Axes, teacher: Teacher) -> None:
    """Draw the singular line, its unstable half dashed."""
    inside_is_stable = curvature(teacher) < 0
    for low, high in ((-REACH, -1), (-1, 1), (1, REACH)):
        stable = inside_is_stable == (low == -1)
        axis.plot([0, 0], [low, high], color=SILVER, linewidth=4, alpha=0.7, linestyle="-" if stable else (0, (1, 1)))


def lost_plot(distances: Array, times: Mapping[float, Array], teacher: Teacher) -> Figure:
    """Time until half the plateau's cost against the distance of the start, a line a z; the slopes are predicted."""
    figure, axis = plt.subplots(figsize=(7.6, 3.6))
    for (z, taken), colour in zip(times.items(), (LEAVES, GREEN, PINK), strict=False):
        axis.plot(distances, taken, "o", color=colour, markersize=5)
        slope = np.log(10) / escape_rate(np.array(z), teacher)
        axis.plot(distances, taken[-1] - slope * np.log10(distances / distances[-1]), color=colour, label=f"z = {z:g}")
    axis.set(
        xscale="log", ylim=(0, None),
        xlabel="distance u of the start from the singular line (log scale)", ylabel="time to half the plateau's cost",
    )  # fmt: skip
    figure.legend(loc="outside upper center", ncols=len(times))
    return figure


def starts_plot(students: Mapping[str, Array], times: Array, teachers: Mapping[str, Teacher]) -> Figure:
    """Cost against time of random starts (starts, times, 4), a panel a teacher."""
    figure, axes = plt.subplots(1, len(students), figsize=(9, 3.6), sharex=True, sharey=True)
    for axis, (name, paths) in zip(axes, students.items(), strict=True):
        teacher = teachers[name]
        stuck = held(paths[:, -1], teacher)
        shares = cost(paths, teacher) / plateau_cost(teacher)
        axis.plot(times, shares[~stuck].T, color=LEAVES, linewidth=0.5)
        axis.plot(times, shares[stuck].T, color=HELD, linewidth=0.5)
        axis.set(title=f"teacher: {name}\n{stuck.sum()} of {len(stuck)} held", xlabel="time (log scale)")
    axes[0].set(
        xscale="log", yscale="log", xlim=(times[0], times[-1]), ylim=(1e-4, None),
        ylabel="cost / cost of the plateau (log scale)",
    )  # fmt: skip
    return figure


def walks_plot(costs: Mapping[float, Array], teacher: Teacher) -> Figure:
    """Share of walks whose cost is still above 0.95 of the plateau's, a line a strength of noise."""
    figure, axis = plt.subplots(figsize=(7.6, 3.2))
    for (noise, found), colour in zip(costs.items(), (HELD, LEAVES, GREEN), strict=False):
        times = np.arange(1, found.shape[1] + 1)
        share = 100 * (found > 0.95 * plateau_cost(teacher)).mean(axis=0)
        axis.plot(times, share, color=colour, label=f"noise {noise:g}" if noise else "no noise")
    axis.set(ylim=(0, 105), xlabel="time", ylabel="walks on the plateau (%)")
    figure.legend(loc="outside upper center", ncols=len(costs))
    return figure


def interactive_model(teachers: Mapping[str, Teacher], start: tuple[float, float], until: float) -> str:
    """Return the element from which ``_static/plateaus.js`` reads what it integrates, invisible without scripts.

    Args:
        teachers: teachers to choose from, by name; the first is shown first.
        start: u and z of the first path shown.
        until: time at which paths end.
    """
    model = {
        "reach": REACH,
        "start": start,
        "until": until,
        "teachers": {
            name: {
                "incoming": teacher.incoming,
                "outgoing": teacher.outgoing,
                "single": best_single_unit(teacher),
                "plateau": plateau_cost(teacher),
                "stableInside": curvature(teacher) < 0,
            }
            for name, teacher in teachers.items()
        },
    }
    return page_data("plateaus-model", model)
