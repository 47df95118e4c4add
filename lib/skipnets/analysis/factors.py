"""How much of the variance of an outcome each factor of a balanced grid explains."""

import math
from collections import Counter
from collections.abc import Sequence

import pandas as pd
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from skipnets.errors import BadInputError


def variance_explained(outcomes: pd.DataFrame, value: str, factors: Sequence[str]) -> dict[str, float]:
    """Return each factor's share of the sum of squares of ``value`` (eta squared), the joint effects', and the seeds'.

    Args:
        outcomes: One row a run, with the columns ``value`` and ``factors``.
        value: The outcome.
        factors: Columns whose levels cross: every combination has the same number of runs, two or more.

    Returns:
        Shares that add up to 1, a factor by its name, a joint effect by its factors' names joined by " x ", and what
        is left within a combination by "seeds".

    Raises:
        BadInputError: A combination lacks runs, or the outcome never varies.
    """
    counts = Counter(outcomes[list(factors)].itertuples(index=False, name=None))
    combinations = math.prod(outcomes[factor].nunique() for factor in factors)
    if len(set(counts.values())) != 1 or len(counts) != combinations or min(counts.values()) < 2:
        raise BadInputError(
            f"outcomes: {len(counts)} of {combinations} combinations of {', '.join(factors)} have "
            f"{sorted(set(counts.values()))} runs: expected as many in each, and at least two"
        )
    if outcomes[value].nunique() == 1:
        raise BadInputError(f"{value}: the same in all {len(outcomes)} runs, so there is no variance to explain")
    fitted = ols(f"Q('{value}') ~ {' * '.join(f'C({factor})' for factor in factors)}", outcomes).fit()
    squares = anova_lm(fitted, typ=2)["sum_sq"]
    total = float(squares.sum())
    names = {term: " x ".join(part[2:-1] for part in term.split(":")) for term in squares.index if term != "Residual"}
    return {names.get(term, "seeds"): float(square) / total for term, square in squares.items()}
