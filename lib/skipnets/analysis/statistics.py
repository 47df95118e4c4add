"""How sure a number is: spread over seeds, paired comparisons, the error of a test set, and how to say it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

LEVEL = 0.95
POWER = 0.8

#: Accuracies and losses that differ by less than this differ by rounding alone.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Summary:
    """A mean over seeds. Spread and interval are NaN where one seed gives none."""

    n: int
    mean: float
    sd: float  # sample standard deviation over seeds
    low: float  # 95 % Student interval of the mean
    high: float

    def rounded(self, digits: int) -> str:
        """Mean and, of several seeds, spread with ``digits`` decimals, in one unbroken line."""
        spread = f"\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{self.sd:.{digits}f}" if self.n > 1 else ""
        return f"{self.mean:.{digits}f}{spread}"

    @property
    def value(self) -> str:
        """Mean and spread with three decimals, of large numbers with one."""
        return self.rounded(3 if abs(self.mean) < 10 else 1)

    def __str__(self) -> str:
        return f"{self.value} ({self.n} seeds)" if self.n > 1 else f"{self.value} (one seed)"


def summarize(values: Sequence[float], resolution: float = 0.0) -> Summary:
    """Mean, standard deviation and 95 % Student interval of ``values``, one a seed.

    Args:
        values: One a seed.
        resolution: Step of the grid that the values lie on. Seeds that agree on a coarse grid are still uncertain:
            the standard error of their mean is at least ``resolution / sqrt(12 n)``, that of the rounding alone.

    Raises:
        ValueError: No value.
    """
    array = np.asarray(values, dtype=float)
    if array.size == 0:
        raise ValueError("no value to summarize")
    mean = float(array.mean())
    if array.size == 1:
        return Summary(1, mean, math.nan, math.nan, math.nan)
    sd = float(array.std(ddof=1))
    half = _t_quantile(array.size) * _standard_error(array, resolution)
    return Summary(array.size, mean, sd, mean - half, mean + half)


def _t_quantile(n: int) -> float:
    """How many standard errors a 95 % interval of ``n`` values reaches to either side."""
    return float(stats.t.ppf((1 + LEVEL) / 2, n - 1))


def _standard_error(array: npt.NDArray[np.float64], resolution: float) -> float:
    """Standard error of the mean: at least that of rounding each value to ``resolution``, 0 where both are nothing."""
    error = max(float(stats.sem(array)), resolution / math.sqrt(12 * array.size))
    return error if error > ROUNDING else 0.0


def further_value(found: Summary) -> float:
    """How far one further value may lie from the mean of ``found``: half its 95 % prediction interval.

    Of normal values: ``t sd sqrt(1 + 1/n)`` with n - 1 degrees of freedom. NaN where one seed gives no spread.
    """
    return float(_t_quantile(found.n) * found.sd * (1 + 1 / found.n) ** 0.5)


@dataclass(frozen=True)
class Comparison:
    """A paired difference ``first - second``, one pair a seed. NaN where the pairs are too few."""

    n: int
    difference: float
    low: float  # 95 % Student interval of the mean difference
    high: float
    p: float  # two-sided paired t test; NaN also where the differences show no spread at all
    detectable: float  # difference that n pairs of this spread find with a power of 80 %

    @property
    def distinguishable(self) -> bool:
        """Whether the interval leaves out zero."""
        return bool(self.low > 0 or self.high < 0)


def compare_paired(first: Mapping[Any, float], second: Mapping[Any, float], *, resolution: float = 0.0) -> Comparison:
    """Compare two cells over the seeds that both have.

    Args:
        first: Values by seed, or by whatever else makes a pair.
        second: Values by the same.
        resolution: Step of the grid that the values lie on, as in ``summarize``; a difference has the rounding of both.

    Raises:
        ValueError: No seed in common.
    """
    differences = np.array([value - second[seed] for seed, value in first.items() if seed in second], dtype=float)
    n = len(differences)
    if n == 0:
        raise ValueError("no seed in common")
    mean = float(differences.mean())
    if n == 1:
        return Comparison(1, mean, math.nan, math.nan, math.nan, math.nan)
    error = _standard_error(differences, math.sqrt(2) * resolution)
    half = _t_quantile(n) * error
    p = float(2 * stats.t.sf(abs(mean) / error, n - 1)) if error else math.nan
    detectable = _detectable_effect(n) * error * math.sqrt(n)
    return Comparison(n, mean, mean - half, mean + half, p, detectable)


@cache
def _detectable_effect(n: int) -> float:
    """How many standard deviations a mean of ``n`` differences must be from 0 to be found with a power of 80 %."""
    return float(TTestPower().solve_power(nobs=n, alpha=1 - LEVEL, power=POWER))


def accuracy_error(accuracy: float, images: int) -> float:
    """Binomial standard error of an accuracy measured on ``images`` independent test images."""
    return math.sqrt(accuracy * (1 - accuracy) / images)


def accuracy_interval(right: int, images: int) -> tuple[float, float]:
    """95 % Wilson interval of the accuracy behind ``right`` answers out of ``images``."""
    low, high = proportion_confint(right, images, alpha=1 - LEVEL, method="wilson")
    return float(low), float(high)


@dataclass(frozen=True)
class Disagreement:
    """Two nets on the same test images."""

    images: int
    only_first: int  # right by the first net alone
    only_second: int
    p: float  # exact McNemar test

    @property
    def difference(self) -> float:
        """Accuracy of the first net minus that of the second."""
        return (self.only_first - self.only_second) / self.images


def compare_images(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> Disagreement:
    """McNemar's exact test on the right answers of two nets, both of shape (images,).

    Raises:
        ValueError: The shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(f"different test sets: {first.shape} and {second.shape}")
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    table = [[int((first & second).sum()), only_first], [only_second, int((~first & ~second).sum())]]
    return Disagreement(first.size, only_first, only_second, float(mcnemar(table, exact=True).pvalue))


def bootstrap_images(
    first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_], resamples: int = 5000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of a mean accuracy difference under another draw of test images.

    ``first`` and ``second`` have shape (seeds, images); images are resampled together for all seeds, so the interval
    holds for these trained nets and says how far the choice of test images could have moved them.
    """
    per_image = first.mean(axis=0) - second.mean(axis=0)
    result = stats.bootstrap(
        (per_image,), np.mean, n_resamples=resamples, confidence_level=LEVEL, method="percentile",
        rng=np.random.default_rng(seed), batch=500,
    )  # fmt: skip
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def correct_for_many(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's correction of a page's p-values, by name; NaN stays NaN and does not count."""
    known = {name: p for name, p in p_values.items() if not math.isnan(p)}
    if not known:
        return dict(p_values)
    corrected = multipletests(list(known.values()), method="holm")[1]
    return dict(p_values) | {name: float(p) for name, p in zip(known, corrected, strict=True)}


def sentence(comparison: Comparison, first: str, second: str, of: str) -> str:
    """Say in plain words what a paired comparison found.

    Args:
        comparison: The comparison of ``first`` with ``second``.
        first: Name of the first cell, as the sentence's subject.
        second: Name of the second cell.
        of: The quantity, a share as in "test accuracy", told in percentage points.
    """
    by = f"{abs(comparison.difference) * 100:.2g} points"
    way = "higher" if comparison.difference > 0 else "lower"
    if comparison.n == 1:
        return (
            f"With one seed, the {of} of {first} is {by} {way} than that of {second}; one pair tells nothing of chance."
        )
    interval = f"95 % interval {comparison.low * 100:+.2g} to {comparison.high * 100:+.2g}"
    if comparison.distinguishable:
        return f"The {of} of {first} is {by} {way} than that of {second} ({interval}, {comparison.n} paired seeds)."
    return (
        f"The {of} of {first} and {second} is indistinguishable with {comparison.n} paired seeds ({interval} points): "
        f"a difference under {comparison.detectable * 100:.2g} points could not have been seen."
    )
