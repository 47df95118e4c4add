"""Saddles of two variables, singular and not, and how rare minima are among random matrices.

A critical point is *singular*, or degenerate, if the determinant of its Hessian is zero. Whether it is a saddle is
another question: both kinds of saddle exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skipnets.errors import require

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Saddle:
    """A function of two variables with a saddle at the origin."""

    formula: str  # in LaTeX
    value: Callable[[Array, Array], Array]
    hessian: Array  # (2, 2), at the origin

    def along(self, direction: Array, steps: Array) -> Array:
        """Change (steps,) of the function from the origin along ``direction`` (2,)."""
        x, y = np.outer(direction, steps)
        return self.value(x, y) - self.value(np.zeros(1), np.zeros(1))


#: An ordinary saddle, that of the smallest net, and two degenerate ones.
SADDLES: tuple[Saddle, ...] = (
    Saddle("x^2 - y^2", lambda x, y: x**2 - y**2, np.diag([2.0, -2.0])),
    Saddle(r"\frac{1}{2}(xy - 1)^2", lambda x, y: (x * y - 1) ** 2 / 2, np.array([[0.0, -1.0], [-1.0, 0.0]])),
    Saddle("x^2 - y^4", lambda x, y: x**2 - y**4, np.diag([2.0, 0.0])),
    Saddle("x^3 - 3xy^2", lambda x, y: x**3 - 3 * x * y**2, np.zeros((2, 2))),
)


def positive_share(size: int, draws: int, seed: int) -> float:
    """Share of random symmetric matrices (size, size) that have only positive eigenvalues.

    Were these the Hessians of critical points, it would be the share of minima. The matrices are those of the Gaussian
    orthogonal ensemble, of independent normal entries, for which the share is known in closed form up to size 3 and
    falls like exp(-size^2 log(3) / 4) (Dean and Majumdar 2006, doi:10.1103/PhysRevLett.97.160201).

    Args:
        size: Rows.
        draws: How many matrices.
        seed: Of the matrices.

    Raises:
        BadInputError: A size or a number of draws below 1.
    """
    require(1, size=size, draws=draws)
    matrices = np.random.default_rng(seed).normal(size=(draws, size, size))
    smallest = np.linalg.eigvalsh(matrices + matrices.transpose(0, 2, 1))[:, 0]
    return float(np.mean(smallest > 0))


def double_wells(count: int) -> tuple[int, int]:
    """Return how many minima and how many saddles ``count`` double wells side by side have.

    Each well (x^2 - 1)^2 / 4 has minima at -1 and 1 and a maximum at 0, and the function is their sum. A choice of one
    of the three in every coordinate is a critical point, a minimum if none is 0, a maximum if all are.
    """
    return 2**count, 3**count - 2**count - 1
