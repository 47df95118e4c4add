"""The closed forms against a simulated perfect net behind a dropout layer."""

import keras
import numpy as np
import pytest

from skipnets.analysis.output_dropout import logits_ceiling, probabilities_ceiling
from skipnets.scoring import cross_entropy


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 10, 40_000)


def dropped(outputs: np.ndarray, rate: float) -> np.ndarray:
    layer = keras.layers.Dropout(rate, seed=1)
    return np.asarray(keras.ops.convert_to_numpy(layer(outputs.astype("float32"), training=True)))


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.25, 0.5])
def test_logits(labels: np.ndarray, rate: float) -> None:
    perfect = np.where(np.eye(10, dtype=bool)[labels], 60.0, -60.0)
    outputs = dropped(perfect, rate)
    accuracy, loss = logits_ceiling(rate)
    # Equal labels and evenly spread positions make argmax's first-of-the-tied rule fair on average.
    assert (outputs.argmax(axis=1) == labels).mean() == pytest.approx(accuracy, abs=0.006)
    assert cross_entropy(outputs, labels, "logits").mean() == pytest.approx(loss, abs=0.02)


def test_probabilities(labels: np.ndarray) -> None:
    outputs = dropped(np.where(np.eye(10, dtype=bool)[labels], 1 - 9e-6, 1e-6), 0.1)
    accuracy, loss = probabilities_ceiling(0.1)
    assert (outputs.argmax(axis=1) == labels).mean() == pytest.approx(accuracy, abs=0.006)
    assert float(keras.losses.CategoricalCrossentropy()(np.eye(10)[labels], outputs)) == pytest.approx(loss, abs=0.1)


def test_striking_the_only_probability_above_zero_gives_nan() -> None:
    """A net so sure that its other probabilities underflow has nothing left to renormalize: 0 / 0."""
    struck = np.zeros((1, 10), dtype="float32")
    assert np.isnan(float(keras.losses.CategoricalCrossentropy()(np.eye(10)[:1], struck)))


def test_no_dropout_no_ceiling() -> None:
    assert logits_ceiling(0.0) == (pytest.approx(1.0), pytest.approx(0.0))
    assert probabilities_ceiling(0.0)[0] == 1.0
