"""Durations, seeds and name=value pairs of the command line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipnets.errors import BadInputError
from skipnets.parsing import key_values, number_list, seconds, value


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("150m", 9000), ("2h", 7200), ("1h30m", 5400), ("0.5h", 1800), ("1m0.5s", 60.5)]
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@given(st.integers(0, 99), st.integers(0, 59), st.integers(1, 59))
def test_durations_add_up(hours: int, minutes: int, rest: int) -> None:
    assert seconds(f"{hours}h{minutes}m{rest}s") == hours * 3600 + minutes * 60 + rest


@pytest.mark.parametrize("text", ["", "90", "h", "2 h", "-5m", "0s", "1h30", "2d", "1e3s", "5mm"])
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(BadInputError, match=r"expected a number and a unit, as in 90s") as caught:
        seconds(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", (0,)),
        ("0-4", (0, 1, 2, 3, 4)),
        ("0,2,5-7", (0, 2, 5, 6, 7)),
        ("3-3", (3,)),
        ("2,0-3", (2, 0, 1, 3)),
        ("1, 4", (1, 4)),
    ],
)
def test_seeds(text: str, expected: tuple[int, ...]) -> None:
    assert number_list("seeds", text) == expected


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, unique=True))
def test_a_list_of_seeds_reads_back(seeds: list[int]) -> None:
    assert list(number_list("seeds", ",".join(str(seed) for seed in seeds))) == seeds


@pytest.mark.parametrize("text", ["0-300000000", "0-9999,7-8", "0-99999999999999999999"])
def test_a_list_too_long_to_be_meant_is_refused_before_it_is_made(text: str) -> None:
    with pytest.raises(BadInputError, match=f"seeds '{text}': .* numbers, expected at most 10,000"):
        number_list("seeds", text)


@pytest.mark.parametrize("text", ["", "a", "-1", "4-2", "1,,2", "1-", "0.5", "1-2-3", "1" * 5000])
def test_what_are_no_seeds_is_named(text: str) -> None:
    with pytest.raises(BadInputError, match="expected numbers and rising ranges") as caught:
        number_list("seeds", text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3", 3), ("0.5", 0.5), ("1e-3", 0.001), ("true", True), ("False", False), ("null", None), ("[1, 2]", [1, 2]),
     ("adam", "adam"), ("1h", "1h"), ("", "")],
)  # fmt: skip
def test_values(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


json_values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.lists(st.integers())
names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


@given(st.dictionaries(names, json_values | st.dictionaries(names, json_values, min_size=1)))
def test_pairs_read_back_with_dots_for_nesting(data: dict[str, object]) -> None:
    pairs = []
    for name, content in data.items():
        if isinstance(content, dict):
            pairs += [f"{name}.{inner}={json.dumps(found)}" for inner, found in content.items()]
        else:
            pairs.append(f"{name}={json.dumps(content)}")
    assert key_values(pairs) == data


def test_an_equals_sign_may_stand_in_a_value() -> None:
    assert key_values(["label=a=b"]) == {"label": "a=b"}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["depth"], "'depth': expected name=value"),
        (["=3"], "expected name=value"),
        (["a..b=3"], "expected name=value"),
        (["a=1", "a=2"], "a is given twice"),
        (["a.b=1", "a=2"], "a is given twice"),
        (["a=1", "a.b=2"], "a was already given as a plain value"),
    ],
)
def test_pairs_that_cannot_be_read_are_named(pairs: list[str], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        key_values(pairs)
