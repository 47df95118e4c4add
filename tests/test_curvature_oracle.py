"""Curvature operators against curvlinops, another library on another framework; skipped where it is not installed.

pip install -r requirements.lock "torch==2.13.*"
pip install --no-deps curvlinops-for-pytorch linear_operator einops einconv backpack-for-pytorch unfoldNd jaxtyping
pip install --no-deps wadler-lindig tqdm
"""

from typing import Any

import keras
import numpy as np
import pytest

from skipnets.analysis.curvature import GaussNewton, Hessian, Objective

torch: Any = pytest.importorskip("torch")
curvlinops: Any = pytest.importorskip("curvlinops")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # theirs


def test_hessian_and_gauss_newton_products_are_curvlinops() -> None:
    """A small convolutional net with max pooling, in float64, with the same weights on both sides."""
    inputs = keras.Input((8, 8, 3), dtype="float64")
    x = keras.layers.Conv2D(4, 3, activation="relu", dtype="float64")(inputs)
    x = keras.layers.MaxPooling2D(2, dtype="float64")(x)
    outputs = keras.layers.Dense(5, dtype="float64")(keras.layers.Flatten(dtype="float64")(x))
    model = keras.Model(inputs, outputs)
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(6, 8, 8, 3)), rng.integers(0, 5, 6)
    objective = Objective(model, keras.losses.SparseCategoricalCrossentropy(from_logits=True), images, labels)

    class ChannelsLast(torch.nn.Module):  # type: ignore[misc]
        def forward(self, maps: Any) -> Any:
            return maps.permute(0, 2, 3, 1).flatten(1)

    twin = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), ChannelsLast(), torch.nn.Linear(36, 5)
    ).double()
    orders = [(3, 2, 0, 1), (0,), (1, 0), (0,)]
    parameters = list(twin.parameters())
    with torch.no_grad():
        for parameter, array, order in zip(parameters, model.get_weights(), orders, strict=True):
            parameter.copy_(torch.tensor(array.transpose(order).copy()))
    data = [(torch.tensor(images.transpose(0, 3, 1, 2).copy()), torch.tensor(labels))]
    vector = rng.normal(size=objective.size)
    parts = [np.asarray(part) for part in objective.split(vector)]
    theirs = torch.tensor(np.concatenate([part.transpose(o).ravel() for part, o in zip(parts, orders, strict=True)]))
    for ours, kind in ((Hessian, curvlinops.HessianLinearOperator), (GaussNewton, curvlinops.GGNLinearOperator)):
        operator = kind(twin, torch.nn.CrossEntropyLoss(), parameters, data)
        found = (operator @ theirs).detach().numpy()
        pieces = np.split(found, np.cumsum([p.numel() for p in parameters])[:-1])
        shaped = [p.reshape(tuple(q.shape)) for p, q in zip(pieces, parameters, strict=True)]
        back = [(2, 3, 1, 0), (0,), (1, 0), (0,)]
        expected = np.concatenate([p.transpose(o).ravel() for p, o in zip(shaped, back, strict=True)])
        assert ours(objective) @ vector == pytest.approx(expected, abs=1e-12)
