"""Records: they read back as written, refuse what was not, and the committed ones are the experiments' own."""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError
from pydantic_core import from_json

from factory import made_up_record
from skipnets.errors import DamagedFileError, SkipnetsError
from skipnets.experiments import EXPERIMENTS, find_experiment
from skipnets.paths import RESULTS
from skipnets.records import Curve, Metrics, RunRecord, Store, _layout, pack_bits
from skipnets.specs import RunSpec, parse_spec

SPEC = parse_spec(
    {
        "architecture": {"kind": "resnet"},
        "image_set": "synthetic",
        "train_images": 20,
        "test_images": 11,
        "optimizer": {"kind": "sgd"},
        "batch_size": 10,
        "epochs": 3,
        "seed": 4,
    }
)
RECORD = made_up_record(SPEC, test_accuracy=7 / 11)
TEXT = RECORD.to_json()

committed = [(folder.name, path) for folder in sorted(RESULTS.iterdir()) for path in sorted(folder.glob("*.json"))]
any_float = st.floats(width=32)


def signed(data: dict[str, Any]) -> str:
    """Return ``data`` as a record's text whose digest is right, computed here by hand."""
    content = {key: value for key, value in data.items() if key != "digest"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return json.dumps(content | {"digest": hashlib.sha256(text.encode()).hexdigest()})


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@given(st.lists(st.tuples(any_float, any_float), min_size=3, max_size=3), any_float)
def test_every_number_survives_nan_and_infinities_included(points: list[tuple[float, float]], loss: float) -> None:
    curve = Curve()
    for epoch, (point_loss, accuracy) in enumerate(points, start=1):
        curve = curve.point(epoch, point_loss, accuracy)
    record = RECORD.model_copy(
        update={
            "history": RECORD.history.model_copy(update={"training": curve}),
            "final": RECORD.final.model_copy(update={"test": Metrics(loss=loss, accuracy=0.5)}),
        }
    )
    text = record.to_json()
    from_json(text, allow_inf_nan=False)  # a parser without Python's extensions of JSON
    again = RunRecord.from_json(text)
    assert again.to_json() == text
    assert same(again.final.test.loss, loss)
    assert all(same(a, b) for a, b in zip(again.history.training.loss, curve.loss, strict=True))


@given(any_float)
def test_a_curve_keeps_what_float32_holds(loss: float) -> None:
    kept = Curve().point(1, loss, 0.5).loss[0]
    assert same(np.float32(kept), np.float32(loss)) or kept == pytest.approx(loss, rel=5e-7, abs=0)


def test_the_text_is_signed_as_the_documentation_says() -> None:
    data = json.loads(TEXT)
    assert list(data) == ["schema", "digest", "spec", "history", "final", "environment"]
    assert json.loads(signed(data))["digest"] == data["digest"]


def test_each_list_stands_on_one_line() -> None:
    assert '      "accuracy": [0.3, 0.6, 0.9]\n' in TEXT
    assert all(line.count("[") == line.count("]") for line in TEXT.splitlines())


def numbers(data: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) under which a number lies."""
    for key, value in list(data.items() if isinstance(data, dict) else enumerate(data)):
        if isinstance(value, dict | list):
            yield from numbers(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield data, key


def test_a_change_of_any_number_is_noticed() -> None:
    data = json.loads(TEXT)
    places = list(numbers(data))
    assert len(places) > 30
    for container, key in places:
        original = container[key]
        container[key] = original + 1
        with pytest.raises(DamagedFileError, match=r"schema version|does not match its digest"):
            RunRecord.from_json(json.dumps(data))
        container[key] = original
    RunRecord.from_json(json.dumps(data))


@given(st.data())
def test_a_change_of_any_digit_is_noticed(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([place for place, letter in enumerate(TEXT) if letter.isdigit()]))
    digit = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != TEXT[place]]))
    changed = TEXT[:place] + digit + TEXT[place + 1 :]
    with suppress(ValueError):  # the seventeenth digit of a float may leave its value as it was
        assume(json.loads(changed) != json.loads(TEXT))
    with pytest.raises(DamagedFileError):
        RunRecord.from_json(changed)


@given(st.integers(0, len(TEXT) - 2))
def test_a_truncated_file_is_noticed(length: int) -> None:
    with pytest.raises(DamagedFileError, match="is not JSON"):
        RunRecord.from_json(TEXT[:length])


@pytest.mark.parametrize("text", [b"\xff\xfe", "[]", "3", '{"schema": NaN}', '{"schema": 1, "seconds": Infinity}'])
def test_what_is_no_record_is_damaged(text: str | bytes) -> None:
    with pytest.raises(DamagedFileError):
        RunRecord.from_json(text)


@pytest.mark.parametrize("version", [0, 2, None, "1"])
def test_an_unknown_schema_version_is_refused_even_when_signed(version: object) -> None:
    with pytest.raises(DamagedFileError, match=f"schema version {version!r}, this library reads 1"):
        RunRecord.from_json(signed(json.loads(TEXT) | {"schema": version}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["final"].pop("test"), "final.test: Field required"),
        (lambda data: data["history"].update(mood="good"), "history.mood: unknown field"),
        (lambda data: data["spec"].update(epochs=0), "spec.epochs: .*greater than or equal to 1"),
        (lambda data: data["spec"].update(epochs=250), "a completed run of 250 epochs has a history of 3"),
        (lambda data: data["history"]["test"]["loss"].pop(), "differ in length"),
        (lambda data: data["final"].update(status="fine"), "final.status"),
        (lambda data: data["final"].update(status="diverged"), "final: status 'diverged' does not go with .* None"),
        (lambda data: data["final"].update(diverged_at={"epoch": 1, "step": 0}), "final: status 'completed' does not"),
        (lambda data: data.update(colour="red"), r"^record: colour: unknown field \(received 'red'\)$"),
        (lambda data: data["spec"].update(colour="red"), "spec.colour: unknown field, expected one of architecture, "),
    ],
)
def test_the_schema_is_checked_even_when_signed(change: Any, message: str) -> None:
    data = json.loads(TEXT)
    change(data)
    with pytest.raises(DamagedFileError, match=message):
        RunRecord.from_json(signed(data))


def test_what_is_wrong_with_a_whole_record_is_said_without_its_content() -> None:
    data = json.loads(TEXT)
    data["spec"]["epochs"] = 250
    with pytest.raises(DamagedFileError) as caught:
        RunRecord.from_json(signed(data), "r.json")
    assert str(caught.value) == "r.json: record: a completed run of 250 epochs has a history of 3"


def test_a_completed_record_needs_its_whole_history() -> None:
    with pytest.raises(ValidationError, match="a completed run of 5 epochs has a history of 3"):
        RunRecord(
            spec=SPEC.model_copy(update={"epochs": 5}),
            history=RECORD.history,
            final=RECORD.final,
            environment=RECORD.environment,
        )


def test_a_store_returns_what_was_saved(store: Store) -> None:
    assert store.load(SPEC) is None
    path = store.save(RECORD)
    assert path.name == f"{SPEC.run_id}.json"
    assert store.load(SPEC) == RECORD
    assert store.load(SPEC.with_seed(5)) is None


def test_a_store_refuses_another_run_under_a_name(store: Store) -> None:
    other = SPEC.with_seed(5)
    store.path(other).parent.mkdir(parents=True)
    store.path(other).write_text(TEXT)
    with pytest.raises(DamagedFileError, match="holds another run than its name says"):
        store.load(other)


def test_a_store_names_the_file_that_cannot_be_read(store: Store) -> None:
    store.path(SPEC).mkdir(parents=True)
    with pytest.raises(SkipnetsError, match=f"cannot read {store.path(SPEC)}: Is a directory"):
        store.load(SPEC)


@pytest.mark.parametrize("content", [b"", b"\x80\x81", TEXT.encode()[:-20]])
def test_a_store_names_the_damaged_file(store: Store, content: bytes) -> None:
    path = store.save(RECORD)
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=path.name):
        store.load(SPEC)


@given(hnp.arrays(np.bool_, st.integers(1, 70)))
def test_right_answers_survive_packing(right: np.ndarray) -> None:
    final = RECORD.final.model_copy(update={"test_correct": pack_bits(right)})
    assert final.right_answers(len(right)).tolist() == right.tolist()


@pytest.mark.parametrize(("experiment", "path"), committed, ids=[path.stem for _, path in committed])
def test_committed_records_are_the_experiments_own(experiment: str, path: Any) -> None:
    text = path.read_text()
    record = RunRecord.from_json(text)
    stored, written = json.loads(text), json.loads(record.to_json())
    assert _layout(stored) + "\n" == text, "not as the library writes it"
    for data in (stored, written):
        del data["digest"]
    assert parse_spec(stored.pop("spec")) == parse_spec(written.pop("spec"))  # fields may have been added since
    assert stored == written
    assert record.spec.with_seed(0) in [cell.spec for cell in find_experiment(experiment).cells]
    assert path.name == f"{record.spec.run_id}.json"
    assert record.spec.image_set != "synthetic"
    right = record.final.right_answers(record.spec.test_images)
    assert record.final.test.accuracy == pytest.approx(right.mean(), rel=1e-6)


def test_committed_records_of_the_same_images_have_the_same_fingerprints() -> None:
    assert {experiment for experiment, _ in committed} <= set(EXPERIMENTS)
    found: dict[tuple[Any, ...], set[tuple[str, str]]] = defaultdict(set)
    for _, path in committed:
        record = RunRecord.from_json(path.read_text())
        spec, prints = record.spec, record.environment.images
        found["train", spec.image_set, spec.train_offset, spec.train_images].add((prints["x_train"], prints["y_train"]))
        found["test", spec.image_set, spec.test_images].add((prints["x_test"], prints["y_test"]))
    assert {images: len(prints) for images, prints in found.items()} == dict.fromkeys(found, 1)


def test_the_spec_reads_back_with_its_identity(tiny_spec: RunSpec, store: Store) -> None:
    store.save(made_up_record(tiny_spec))
    record = store.load(tiny_spec)
    assert record is not None
    assert record.spec.digest == tiny_spec.digest
