"""The whole spectrum of a symmetric operator at a glance: density, shares, trace, rank, with errors over random probes.

Stochastic Lanczos quadrature (Ghorbani, Krishnan and Xiao, 2019, arXiv:1901.10159): a random vector sees every
eigenvalue with equal weight on average, and the Lanczos matrix of that vector is a Gauss quadrature of what it sees.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from skipnets.analysis.lanczos import Array, Operator, Report, size_of, tridiagonalize
from skipnets.errors import BadInputError, require_positive

Distribution = Literal["rademacher", "gaussian"]


@dataclass(frozen=True)
class Estimate:
    """A mean over random probes."""

    value: float
    error: float  # standard error over the probes; NaN with one probe
    probes: int


def _mean(values: Sequence[float]) -> Estimate:
    n = len(values)
    error = float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return Estimate(float(np.mean(values)), error, n)


@dataclass(frozen=True)
class SpectralDensity:
    """A spectrum as each of several random probes sees it: points with weights that sum to 1."""

    size: int
    nodes: tuple[Array, ...]  # one (m,) a probe, rising
    weights: tuple[Array, ...]  # one (m,) a probe

    @property
    def largest(self) -> float:
        """Largest absolute eigenvalue that any probe saw."""
        return max(float(np.abs(nodes).max()) for nodes in self.nodes)

    def mean(self) -> Estimate:
        """Mean eigenvalue; times ``size`` it is the trace."""
        return _mean([float(n @ w) for n, w in zip(self.nodes, self.weights, strict=True)])

    def share_below(self, threshold: float) -> Estimate:
        """Share of the eigenvalues below -threshold times the largest in size.

        Without a threshold the count is one of rounding errors: half of a flat spectrum lies below zero.

        Raises:
            BadInputError: A threshold of zero or less.
        """
        require_positive(threshold=threshold)
        edge = -threshold * self.largest
        return _mean([float(w[n < edge].sum()) for n, w in zip(self.nodes, self.weights, strict=True)])

    def share_within(self, threshold: float) -> Estimate:
        """Share of the eigenvalues within +-threshold times the largest in size.

        Raises:
            BadInputError: A threshold of zero or less.
        """
        require_positive(threshold=threshold)
        edge = threshold * self.largest
        return _mean([float(w[np.abs(n) <= edge].sum()) for n, w in zip(self.nodes, self.weights, strict=True)])

    def smooth(self, grid: npt.ArrayLike, width: float) -> tuple[Array, Array]:
        """Density at ``grid`` (g,) with every point widened to a Gaussian; mean and standard error over probes, (g,).

        Args:
            grid: Where, in units of the eigenvalues.
            width: Standard deviation of the Gaussian, in the same units.

        Raises:
            BadInputError: A width of zero or less.
        """
        require_positive(width=width)
        at = np.asarray(grid, dtype=np.float64)[:, None]
        bells = [
            np.exp(-(((at - n) / width) ** 2) / 2) @ w / (width * math.sqrt(2 * math.pi))
            for n, w in zip(self.nodes, self.weights, strict=True)
        ]
        estimates = [_mean(list(column)) for column in np.transpose(bells)]
        return np.array([e.value for e in estimates]), np.array([e.error for e in estimates])


def probe(size: int, seed: int, number: int, distribution: Distribution = "rademacher") -> Array:
    """Return random vector ``number`` of length 1, shape (size,); each has a generator of its own.

    Raises:
        BadInputError: An unknown distribution.
    """
    rng = np.random.default_rng([seed, number])
    if distribution == "rademacher":
        return rng.choice([-1.0, 1.0], size) / math.sqrt(size)
    if distribution == "gaussian":
        vector = rng.standard_normal(size)
        return vector / np.linalg.norm(vector)
    raise BadInputError(f"distribution {distribution!r}: expected rademacher or gaussian")


def spectral_density(
    operator: Operator,
    probes: int = 10,
    steps: int = 80,
    seed: int = 0,
    distribution: Distribution = "rademacher",
    seconds: float | None = None,
    progress: Report | None = None,
) -> SpectralDensity:
    """See the spectrum through random probes by stochastic Lanczos quadrature.

    Args:
        operator: A symmetric operator.
        probes: Random vectors; the errors shrink with their square root.
        steps: Lanczos steps and products a probe; moments up to 2 * steps - 1 are exact for that probe.
        seed: Of the probes. The result repeats for the same seed unless ``seconds`` cuts it short.
        distribution: Of the probes' entries.
        seconds: After this time no further probe begins; the first always ends.
        progress: Called after each product.

    Raises:
        BadInputError: A number out of range.
    """
    size = size_of(operator)
    require_positive(probes=probes, steps=steps, seconds=seconds)
    planned, done, begun = probes * min(steps, size), 0, time.monotonic()
    nodes, weights = [], []

    def report() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, planned)

    for number in range(probes):
        if number and seconds is not None and time.monotonic() - begun > seconds:
            break
        found = tridiagonalize(operator, probe(size, seed, number, distribution), steps, report=report)
        values, vectors = found.eigen()
        nodes.append(values)
        weights.append(vectors[0] ** 2)
    return SpectralDensity(size, tuple(nodes), tuple(weights))


def trace(
    operator: Operator,
    probes: int = 30,
    seed: int = 0,
    distribution: Distribution = "rademacher",
    seconds: float | None = None,
    progress: Report | None = None,
) -> Estimate:
    """Hutchinson's estimate of the trace (1990, doi:10.1080/03610919008812866), one product a probe.

    Args:
        operator: A symmetric operator.
        probes: Random vectors.
        seed: Of the probes.
        distribution: Of the probes' entries; Rademacher has no error on a diagonal matrix.
        seconds: After this time no further probe begins.
        progress: Called after each product.

    Raises:
        BadInputError: A number out of range.
    """
    size = size_of(operator)
    require_positive(probes=probes, seconds=seconds)
    begun, values = time.monotonic(), []
    for number in range(probes):
        if number and seconds is not None and time.monotonic() - begun > seconds:
            break
        vector = probe(size, seed, number, distribution)
        values.append(size * float(vector @ (operator @ vector)))
        if progress:
            progress(number + 1, probes)
    return _mean(values)


@dataclass(frozen=True)
class Rank:
    """How many directions of a symmetric matrix are flat."""

    rank: int
    nullity: int
    tolerance: float  # an eigenvalue counts as zero up to this share of the largest in size
    eigenvalues: Array  # (size,), rising


def rank(matrix: npt.ArrayLike, tolerance: float | None = None) -> Rank:
    """Rank and nullity of a dense symmetric matrix (size, size).

    Args:
        matrix: Symmetric up to rounding.
        tolerance: Share of the largest absolute eigenvalue up to which one is zero; None is size times the rounding of
            float64. For a matrix made of float32 products give at least 1e-6.

    Raises:
        BadInputError: Not square, not finite, not symmetric to 1e-4 of its largest entry, or a tolerance below zero.
    """
    given = np.asarray(matrix, dtype=np.float64)
    size = size_of(given)
    require_positive(tolerance=tolerance)
    if not np.isfinite(given).all():
        raise BadInputError("matrix: expected finite entries")
    skew = float(np.abs(given - given.T).max())
    if skew > 1e-4 * float(np.abs(given).max()):
        raise BadInputError(f"matrix: expected a symmetric one, entries differ by {skew:.2g} from their mirror image")
    share = size * float(np.finfo(np.float64).eps) if tolerance is None else tolerance
    values: Array = np.linalg.eigvalsh((given + given.T) / 2).astype(np.float64)
    zero = int((np.abs(values) <= share * np.abs(values).max()).sum())
    return Rank(size - zero, zero, share, values)
