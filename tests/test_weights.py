"""Final weights beside a record: the same network as the record tells of, or none."""

import os
from pathlib import Path

import numpy as np
import pytest

from skipnets import datasets
from skipnets.engines import compiled_model, scaled
from skipnets.errors import DamagedFileError
from skipnets.records import RunRecord, Store
from tiny import few_images, make_spec, train_in


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def store(folder: Path) -> Store:
    return Store(folder / "results")


@pytest.fixture(scope="module")
def record(folder: Path) -> RunRecord:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "synthetic", few_images)
        return train_in(folder, make_spec(), keep_weights=True)


def test_a_network_with_the_kept_weights_gives_the_recorded_answers(store: Store, record: RunRecord) -> None:
    images = few_images()
    model = compiled_model(record.spec, images)
    model.set_weights(store.load_weights(record))
    right = model.predict_on_batch(scaled(images.x_test)).argmax(axis=1) == images.y_test
    assert np.array_equal(right, record.final.right_answers(len(images.y_test)))
    assert right.mean() == pytest.approx(record.final.test.accuracy)


def test_a_recorded_run_without_weights_counts_as_missing_only_where_they_are_asked_for(
    store: Store, record: RunRecord
) -> None:
    path = store.weights_path(record.spec)
    assert store.find(record.spec, weights=True) == record
    aside = path.rename(path.with_suffix(".aside"))
    try:
        assert store.find(record.spec) == record
        assert store.find(record.spec, weights=True) is None
    finally:
        aside.rename(path)


@pytest.mark.usefixtures("few_synthetic_images")
def test_weights_of_a_recorded_run_can_be_had_later(tmp_path: Path) -> None:
    spec = make_spec(epochs=1)
    plain = train_in(tmp_path, spec)
    store = Store(tmp_path / "results")
    assert store.load_weights(plain) is None
    again = train_in(tmp_path, spec, keep_weights=True)
    assert again.history == plain.history
    assert store.load_weights(again) is not None
    assert store.load(spec) == again
    assert os.listdir(tmp_path / "checkpoints") == [f"{spec.run_id}.lock"]


def test_weights_of_another_training_are_not_taken_for_this_record_s(store: Store, record: RunRecord) -> None:
    other = record.model_copy(update={"final": record.final.model_copy(update={"state": "f" * 64})})
    assert store.load_weights(other) is None


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_cut_file_is_named(store: Store, record: RunRecord, share: float) -> None:
    path = store.weights_path(record.spec)
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(DamagedFileError, match=f"{path} is damaged"):
            store.load_weights(record)
    finally:
        path.write_bytes(whole)


def test_a_changed_byte_is_found(store: Store, record: RunRecord) -> None:
    path = store.weights_path(record.spec)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[len(changed) // 2] ^= 1
    try:
        path.write_bytes(bytes(changed))
        with pytest.raises(DamagedFileError, match=f"{path} is damaged"):
            store.load_weights(record)
    finally:
        path.write_bytes(whole)
