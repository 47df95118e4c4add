"""What a curve over epochs shows: sudden spikes, and when it first reaches something."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: What counts as a spike: from which epoch on, beyond how many robust deviations of how many changes around it (an odd
#: number), and beyond which share of the loss.
FIRST, DEVIATIONS, WINDOW, SHARE = 20, 5.0, 51, 0.1


@dataclass(frozen=True)
class Spikes:
    """Sudden bad epochs of one loss curve."""

    epochs: tuple[int, ...]  # at which the loss jumped
    per_hundred: float  # spikes per 100 steps from one epoch to the next; NaN where no such step was measured


def find_spikes(epochs: Sequence[int], losses: Sequence[float]) -> Spikes:
    """Find the epochs at which a loss jumped up more than it wobbles around that time.

    A spike is a rise from one epoch to the next of more than five robust standard deviations (1.4826 times the median
    absolute deviation) of the 51 changes around it, and of more than a tenth of the median loss there. The spread is
    local since a curve that settles wobbles ever less; the share keeps the last crumbs of a settled curve from
    counting. Epochs before the 20th, when every loss falls steeply, losses that are not finite, and changes over more
    than one epoch are left out.
    """
    at, series = np.asarray(epochs), np.asarray(losses, dtype=float)
    kept = (at >= FIRST) & np.isfinite(series)
    at, level = at[kept], series[kept]
    counted = np.diff(at, prepend=at[:1]) == 1
    if not counted.any():
        return Spikes((), math.nan)
    change = np.where(counted, np.diff(level, prepend=level[:1]), np.nan)
    changes = _windows(change)[counted]
    usual = np.nanmedian(changes, axis=1)
    spread = np.nanmedian(np.abs(changes - usual[:, np.newaxis]), axis=1)
    local = np.nanmedian(_windows(level)[counted], axis=1)
    rise = change[counted]
    jumped = (rise > usual + DEVIATIONS * 1.4826 * spread) & (rise > SHARE * local)
    return Spikes(tuple(int(epoch) for epoch in at[counted][jumped]), 100 * float(jumped.mean()))


def _windows(series: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the ``WINDOW`` values around each value, shape (values, WINDOW), NaN past either end."""
    padded = np.pad(series, WINDOW // 2, constant_values=np.nan)
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW)


def first_epoch(epochs: Iterable[int], reached: Iterable[bool]) -> int | None:
    """First measured epoch at which something is ``reached``; None if it never is."""
    return next((epoch for epoch, there in zip(epochs, reached, strict=True) if there), None)
