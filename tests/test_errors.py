"""Numbers outside their range are refused by name."""

import math

import pytest

from skipnets.errors import BadInputError, require


@pytest.mark.parametrize(
    ("least", "most", "number", "message"),
    [
        (1, None, 0, "width 0: expected at least 1"),
        (3, 7, 8, "width 8: expected 3 to 7"),
        (3, 7, 2, "width 2: expected 3 to 7"),
        (0, None, math.nan, "width nan: expected at least 0"),
    ],
)
def test_a_number_outside_its_range_is_refused(least: float, most: float | None, number: float, message: str) -> None:
    with pytest.raises(BadInputError, match=f"^{message}$"):
        require(least, most, depth=least, width=number)


def test_both_ends_of_a_range_are_allowed() -> None:
    require(3, 7, width=3, depth=7)
    require(0, width=math.inf)
