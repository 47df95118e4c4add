"""Rounding to as many digits as a number is known to."""


def significant(value: float, digits: int) -> float:
    """Return ``value`` with so many significant digits; infinities and NaN stay."""
    return float(f"{value:.{digits}g}")
