"""Losses and right answers against Keras' own, image by image."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skipnets.scoring import correct, cross_entropy

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 10, 200)
ONE_HOT = np.eye(10, dtype=np.float32)[LABELS]


@pytest.mark.parametrize("scale", [0.1, 1, 30])
@pytest.mark.parametrize("from_logits", [True, False])
def test_cross_entropy_is_keras(scale: float, from_logits: bool) -> None:
    logits = rng.normal(0, scale, (200, 10)).astype(np.float32)
    outputs = logits if from_logits else np.asarray(keras.ops.softmax(logits))
    found = cross_entropy(outputs, LABELS, "logits" if from_logits else "probabilities")
    for loss, targets in (
        (keras.losses.CategoricalCrossentropy(from_logits=from_logits, reduction=None), ONE_HOT),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits, reduction=None), LABELS),
    ):
        np.testing.assert_allclose(found, np.asarray(loss(targets, outputs)), rtol=2e-5, atol=2e-6)


def test_probabilities_that_dropout_scaled_are_renormalized_as_keras_does() -> None:
    kept = rng.random((200, 10)) > 0.2
    outputs = (rng.dirichlet(np.ones(10), 200) * kept / 0.8).astype(np.float32)
    loss = keras.losses.CategoricalCrossentropy(reduction=None)
    found = cross_entropy(outputs, LABELS, "probabilities")
    np.testing.assert_allclose(found, np.asarray(loss(ONE_HOT, outputs)), rtol=2e-5, atol=2e-6)
    assert found.max() == pytest.approx(-np.log(1e-7))


def test_extreme_logits_stay_exact() -> None:
    outputs = np.array([[1000.0, 0.0], [0.0, 1000.0], [0.0, 0.0]], np.float32)
    assert cross_entropy(outputs, np.array([0, 0, 1]), "logits").tolist() == [0, 1000, pytest.approx(np.log(2))]


@pytest.mark.parametrize("loss", ["logits", "probabilities"])
def test_an_output_that_is_not_finite_gives_no_finite_loss_and_a_wrong_answer(loss: str) -> None:
    outputs = np.array([[np.nan, 1.0], [1.0, np.inf], [0.6, 0.4]], np.float32)
    labels = np.array([0, 1, 0])
    assert np.isfinite(cross_entropy(outputs, labels, loss)).tolist() == [False, False, True]
    assert correct(outputs, labels).tolist() == [False, False, True]


@given(hnp.arrays(np.float32, (7, 5), elements=st.floats(-50, 50, width=32), unique=True), st.data())
def test_an_answer_is_right_where_no_other_output_is_larger(outputs: np.ndarray, data: st.DataObject) -> None:
    labels = np.array(data.draw(st.lists(st.integers(0, 4), min_size=7, max_size=7)))
    expected = [max(row) == row[label] for row, label in zip(outputs.tolist(), labels, strict=True)]
    assert correct(outputs, labels).tolist() == expected


def test_accuracy_is_keras() -> None:
    outputs = rng.normal(size=(200, 10)).astype(np.float32)
    keras_accuracy = np.asarray(keras.metrics.sparse_categorical_accuracy(LABELS, outputs))
    assert correct(outputs, LABELS).mean() == pytest.approx(keras_accuracy.mean())
