"""From the words of a command line to values: durations, seeds, name=value pairs."""

import json
import re
from collections.abc import Iterable
from itertools import chain
from typing import Any

from skipnets.errors import BadInputError

#: How many numbers a list may have.
LONGEST = 10_000

_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """Read a duration such as ``90s``, ``150m``, ``2h``, ``1h30m``.

    Raises:
        BadInputError: Not of that form, or not above zero.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smh])", text)
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or total <= 0:
        raise BadInputError(f"duration {text!r}: expected a number and a unit, as in 90s, 150m, 2h or 1h30m")
    return total


def number_list(name: str, text: str) -> tuple[int, ...]:
    """Read whole numbers such as ``0``, ``0-4`` or ``0,2,5-7``.

    Raises:
        BadInputError: Not of that form, or more than 10,000 numbers; the message says ``name``.
    """
    ranges: list[range] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,20})(?:-(\d{1,20}))?\s*", part)
        if match is None or (match[2] and int(match[2]) < int(match[1])):
            raise BadInputError(f"{name} {text!r}: expected numbers and rising ranges, as in 0, 0-4 or 0,2,5-7")
        ranges.append(range(int(match[1]), int(match[2] or match[1]) + 1))
    if (count := sum(each.stop - each.start for each in ranges)) > LONGEST:
        raise BadInputError(f"{name} {text!r}: {count:,} numbers, expected at most {LONGEST:,}")
    return tuple(dict.fromkeys(chain.from_iterable(ranges)))


def value(text: str) -> Any:
    """Read JSON where ``text`` is JSON (3, 0.5, true, [1, 2]), else take it as a word."""
    try:
        return json.loads(text.lower() if text in {"True", "False"} else text)
    except ValueError:
        return text


def key_values(pairs: Iterable[str]) -> dict[str, Any]:
    """Read ``name=value`` pairs; dots in a name nest: ``optimizer.kind=adam`` gives {"optimizer": {"kind": "adam"}}.

    Raises:
        BadInputError: A pair without a name or an equals sign, or two that contradict each other.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not all(name.split(".")):
            raise BadInputError(f"{pair!r}: expected name=value")
        *path, last = name.split(".")
        inner = found
        for step in path:
            inner = inner.setdefault(step, {})
            if not isinstance(inner, dict):
                raise BadInputError(f"{pair!r}: {step} was already given as a plain value")
        if last in inner:
            raise BadInputError(f"{pair!r}: {name} is given twice")
        inner[last] = value(text)
    return found
