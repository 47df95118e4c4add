"""Lanczos' method on any symmetric operator: extreme eigenvalues with residuals.

An operator is anything with a ``shape`` (size, size) and an ``@`` that multiplies a vector: a NumPy array, a Hessian.
All vectors are float64 and every new one is orthogonalised twice against all before it: without that, the largest
eigenvalue comes back in many ghost copies (Parlett, The Symmetric Eigenvalue Problem, chapter 13).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh_tridiagonal

from skipnets.errors import BadInputError, require_positive

Array = npt.NDArray[np.float64]

#: Called with the products done and the products planned.
Report = Callable[[int, int], None]

#: A new direction shorter than this times the norm seen so far is rounding: the Krylov space is exhausted.
BREAKDOWN = 1e-12


class Operator(Protocol):
    """A symmetric matrix known by its products."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""

    def __matmul__(self, vector: Array, /) -> Array:
        """Multiply a vector (size,)."""


@dataclass(frozen=True)
class Tridiagonal:
    """What Lanczos found in m steps: A V = V T + last v e_m', with V'V = 1 and T tridiagonal."""

    diagonal: Array  # (m,)
    off_diagonal: Array  # (m - 1,); 0 where the space was exhausted and the method went on elsewhere
    last: float  # length of the direction that is left over; 0 if the space is exhausted
    basis: Array  # (m, size), one Lanczos vector a row
    norm: float  # largest entry of T in size, within a factor of three of the operator's norm as seen from the start

    def eigen(self) -> tuple[Array, Array]:
        """Eigenvalues (m,) of T, rising, and its eigenvectors (m, m), one a column."""
        values, vectors = eigh_tridiagonal(self.diagonal, self.off_diagonal)
        return values, vectors


def size_of(operator: Operator) -> int:
    """Number of rows.

    Raises:
        BadInputError: The operator is not square or empty.
    """
    shape = tuple(operator.shape)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 1:
        raise BadInputError(f"operator of shape {shape}: expected (size, size) with a size of at least 1")
    return shape[0]


def tridiagonalize(
    operator: Operator,
    start: Array,
    steps: int,
    restart: np.random.Generator | None = None,
    deadline: float | None = None,
    report: Callable[[], None] | None = None,
) -> Tridiagonal:
    """Run up to ``steps`` steps of Lanczos' method from ``start`` (size,).

    Args:
        operator: A symmetric operator.
        start: First direction, of any length but zero.
        steps: Steps, one product each; at most the size of the operator.
        restart: Draws a new direction where the space is exhausted, which finds further copies of repeated
            eigenvalues; without it the method ends there.
        deadline: ``time.monotonic()`` after which no further step begins.
        report: Called after each product.

    Raises:
        BadInputError: No step, or a start that is zero, not finite or of another size than the operator.
    """
    size = size_of(operator)
    require_positive(steps=steps)
    length = float(np.linalg.norm(start))
    if np.shape(start) != (size,) or not 0 < length < np.inf:
        raise BadInputError(
            f"start of shape {np.shape(start)}, length {length}: expected ({size},), finite and not zero"
        )
    steps = min(steps, size)
    basis = np.empty((steps, size))
    basis[0] = start / length
    diagonal, off_diagonal, norm, last = [], [], 0.0, 0.0
    for step in range(steps):
        done = basis[: step + 1]
        left = np.array(operator @ done[-1], dtype=np.float64)
        diagonal.append(float(done[-1] @ left))
        for _ in range(2):
            left -= (done @ left) @ done
        last = float(np.linalg.norm(left))
        norm = max(norm, abs(diagonal[-1]), last)
        if report:
            report()
        exhausted = last <= BREAKDOWN * norm or step + 1 == size
        if exhausted:
            last = 0.0
        if step + 1 == steps or (exhausted and restart is None) or (deadline and time.monotonic() > deadline):
            break
        if exhausted:
            assert restart is not None
            left = np.zeros(size)
            while np.linalg.norm(left) < 1e-6:  # a draw that lies in the space already leaves rounding alone
                left = restart.standard_normal(size)
                for _ in range(2):
                    left -= (done @ left) @ done
        off_diagonal.append(last)
        basis[step + 1] = left / np.linalg.norm(left)
    count = len(diagonal)
    return Tridiagonal(np.array(diagonal), np.array(off_diagonal), last, basis[:count], norm)


@dataclass(frozen=True)
class Eigenpairs:
    """Some eigenvalues at one end of the spectrum, outermost first."""

    values: Array  # (k,)
    vectors: Array  # (size, k), orthonormal columns
    residuals: Array  # (k,) |A u - value u|, measured; some true eigenvalue is no farther from the value than this
    converged: npt.NDArray[np.bool_]  # (k,) residual at most the tolerance times the largest |eigenvalue| seen
    steps: int  # of Lanczos' method; fewer than asked for if the time ran out


def eigenpairs(
    operator: Operator,
    count: int,
    end: Literal["largest", "smallest", "magnitude"] = "largest",
    steps: int = 80,
    seed: int = 0,
    tolerance: float = 1e-4,
    seconds: float | None = None,
    progress: Report | None = None,
) -> Eigenpairs:
    """Find the ``count`` eigenpairs at one end of the spectrum.

    A repeated eigenvalue is found once unless the steps exhaust the space of the first start.

    Args:
        operator: A symmetric operator.
        count: How many.
        end: The largest eigenvalues, the smallest (most negative), or the largest in size.
        steps: Lanczos steps, one product each; ``count`` more products measure the residuals.
        seed: Of the first direction. The result repeats for the same seed unless ``seconds`` cuts it short.
        tolerance: For ``converged``.
        seconds: After this time no step begins beyond the first ``count``.
        progress: Called after each product.

    Raises:
        BadInputError: A number out of range, an unknown end.
    """
    size = size_of(operator)
    require_positive(count=count, tolerance=tolerance, seconds=seconds)
    if not count <= min(steps, size):
        raise BadInputError(f"count {count}: expected at most the steps ({steps}) and the size ({size})")
    orders: dict[str, Callable[[Array], Array]] = {"largest": np.negative, "smallest": np.positive}
    orders["magnitude"] = lambda values: -np.abs(values)
    if end not in orders:
        raise BadInputError(f"end {end!r}: expected one of {', '.join(orders)}")
    rng = np.random.default_rng(seed)
    planned, begun, done = min(steps, size) + count, time.monotonic(), 0

    def report() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, planned)

    start = rng.standard_normal(size)
    deadline = None if seconds is None else begun + seconds
    found = tridiagonalize(operator, start, steps, restart=rng, deadline=deadline, report=report)
    if len(found.diagonal) < count:  # out of time: the least that can be answered
        found = tridiagonalize(operator, start, count, restart=rng, report=report)
    values, vectors = found.eigen()
    chosen = np.argsort(orders[end](values), kind="stable")[:count]
    outer, ritz = values[chosen], found.basis.T @ vectors[:, chosen]
    residuals = np.empty(count)
    for i in range(count):
        residuals[i] = np.linalg.norm(operator @ ritz[:, i] - outer[i] * ritz[:, i])
        report()
    limit = tolerance * float(np.abs(values).max())
    return Eigenpairs(outer, ritz, residuals, residuals <= limit, len(found.diagonal))
