"""Curvature operators against closed forms, finite differences and dense float64 matrices."""

from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import numpy as np
import pytest

from skipnets.analysis import curvature
from skipnets.analysis.curvature import CurvatureError, CurvatureOperator, GaussNewton, Hessian, Objective
from skipnets.architectures import build
from skipnets.errors import BadInputError
from skipnets.specs import ResNet

layers, losses = keras.layers, keras.losses
IMAGES = 7


def linear(dtype: str) -> keras.Model:
    inputs = keras.Input((3,), dtype=dtype)
    return keras.Model(inputs, layers.Dense(2, dtype=dtype)(inputs))


def mlp(dtype: str) -> keras.Model:
    inputs = keras.Input((3,), dtype=dtype)
    x = layers.Dense(4, activation="tanh", dtype=dtype, name="hidden")(inputs)
    x = layers.Dropout(0.5, dtype=dtype)(x)
    return keras.Model(inputs, layers.Dense(2, dtype=dtype, name="output")(x))


def convolutions(dtype: str) -> keras.Model:
    """Every kind of layer of the book's nets, with a skip."""
    inputs = keras.Input((6, 6, 1), dtype=dtype)
    x = layers.Conv2D(2, 3, padding="same", activation="softplus", dtype=dtype, name="stem")(inputs)
    branch = layers.BatchNormalization(dtype=dtype, name="norm")(x)
    branch = layers.Conv2D(2, 3, padding="same", activation="tanh", dtype=dtype, name="branch")(branch)
    x = layers.Add(dtype=dtype)([x, branch])
    x = layers.MaxPooling2D(2, dtype=dtype)(x)
    x = layers.GlobalAveragePooling2D(dtype=dtype)(x)
    return keras.Model(inputs, layers.Dense(2, dtype=dtype, name="output")(x))


MODELS = {"linear": linear, "mlp": mlp, "convolutions": convolutions}
LOSSES = {
    "squares": losses.MeanSquaredError(),
    "one_hot": losses.CategoricalCrossentropy(from_logits=True),
    "numbers": losses.SparseCategoricalCrossentropy(from_logits=True),
}


def data_for(model: keras.Model, loss: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 2, IMAGES)
    labels = {"squares": rng.normal(size=(IMAGES, 2)), "one_hot": np.eye(2)[classes], "numbers": classes}[loss]
    return rng.normal(size=(IMAGES, *model.input_shape[1:])), labels


def objective_of(model: str, loss: str, dtype: str = "float64", **options: Any) -> Objective:
    keras.utils.set_random_seed(1)
    net = MODELS[model](dtype)
    return Objective(net, LOSSES[loss], *data_for(net, loss), **options)


@cache
def small_resnet() -> Objective:
    """Tests that leave its weights alone share it and what it has traced."""
    return objective_of("convolutions", "numbers")


@cache
def small_resnet_matrix(kind: type[CurvatureOperator]) -> Any:
    return kind(small_resnet()).dense()


def gradient_at(objective: Objective, shift: Any) -> Any:
    """Gradient with the parameters moved by ``shift`` (size,)."""
    for variable, part in zip(objective.variables, objective.split(shift), strict=True):
        variable.assign_add(part)
    found = objective.gradient()
    for variable, part in zip(objective.variables, objective.split(-shift), strict=True):
        variable.assign_add(part)
    return found


CASES = [("linear", "squares"), *(("mlp", loss) for loss in LOSSES), ("convolutions", "numbers")]


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[Objective, Any]:
    """An objective in float64 and its Hessian (p, p) by central differences of the gradient."""
    objective = objective_of(*request.param)
    step = 1e-5
    shifts = step * np.eye(objective.size)
    return objective, np.array([gradient_at(objective, s) - gradient_at(objective, -s) for s in shifts]) / (2 * step)


def test_the_gradient_is_the_slope_of_the_loss(case: tuple[Objective, Any]) -> None:
    objective, _ = case
    direction = np.random.default_rng(2).normal(size=objective.size)
    values = []
    for sign in (1, -1):
        parts = objective.split(sign * 1e-5 * direction)
        for variable, part in zip(objective.variables, parts, strict=True):
            variable.assign_add(part)
        values.append(objective.value())
        for variable, part in zip(objective.variables, parts, strict=True):
            variable.assign_sub(part)
    assert objective.gradient() @ direction == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-6)


def test_hessian_products_are_those_of_the_dense_matrix(case: tuple[Objective, Any]) -> None:
    objective, expected = case
    hessian = Hessian(objective)
    dense = hessian.dense()
    assert dense == pytest.approx(expected, abs=1e-8)
    assert dense == pytest.approx(dense.T, abs=1e-14)
    rng = np.random.default_rng(3)
    u, v = rng.normal(size=(2, objective.size))
    assert hessian @ v == pytest.approx(dense @ v, abs=1e-13)
    assert v @ (hessian @ u) == pytest.approx(u @ (hessian @ v), abs=1e-12)
    assert hessian @ np.stack([u, v], axis=1) == pytest.approx(dense @ np.stack([u, v], axis=1), abs=1e-13)


def test_gauss_newton_is_the_hessian_of_the_linearised_model(case: tuple[Objective, Any]) -> None:
    objective, expected = case
    operator = GaussNewton(objective)
    dense = operator.dense()
    assert dense == pytest.approx(dense.T, abs=1e-14)
    assert np.linalg.eigvalsh(dense).min() > -1e-12
    v = np.random.default_rng(3).normal(size=objective.size)
    assert operator @ v == pytest.approx(dense @ v, abs=1e-13)
    same = np.allclose(dense, expected, atol=1e-8)
    assert same == (len(objective.variables) == 2), "they differ by the curvature of the network alone"


@pytest.mark.parametrize("loss", LOSSES)
def test_gauss_newton_is_made_of_the_jacobian(loss: str) -> None:
    objective = objective_of("mlp", loss)
    outputs, step = [], 1e-6
    for sign in (1, -1):
        for shift in sign * step * np.eye(objective.size):
            parts = objective.split(shift)
            for variable, part in zip(objective.variables, parts, strict=True):
                variable.assign_add(part)
            outputs.append(objective.model(objective.images, training=False).numpy())
            for variable, part in zip(objective.variables, parts, strict=True):
                variable.assign_sub(part)
    up, down = np.split(np.array(outputs), 2)
    jacobian = (up - down) / (2 * step)  # (p, images, outputs)
    inner = np.broadcast_to(np.eye(2), (IMAGES, 2, 2))  # of the mean over two outputs of the squared error
    if loss != "squares":
        p = np.exp(objective.model(objective.images, training=False).numpy())
        p /= p.sum(axis=1, keepdims=True)
        inner = p[:, :, None] * np.eye(2) - p[:, :, None] * p[:, None, :]
    expected = np.einsum("pni,nij,qnj->pq", jacobian, inner, jacobian) / IMAGES
    assert GaussNewton(objective).dense() == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("kind", [Hessian, GaussNewton])
@pytest.mark.parametrize("loss", ["squares", "numbers"])
def test_a_linear_model_has_the_textbook_hessian(kind: type[CurvatureOperator], loss: str) -> None:
    """X'X/n for squared errors; the mean of (diag p - p p') x x' for a softmax. Parameter (j, k) is kernel[j, k]."""
    objective = objective_of("linear", loss)
    x = np.hstack([objective.images, np.ones((IMAGES, 1))])
    inner = np.broadcast_to(np.eye(2), (IMAGES, 2, 2))
    if loss == "numbers":
        z = objective.model(objective.images).numpy()
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        inner = p[:, :, None] * np.eye(2) - p[:, :, None] * p[:, None, :]
    expected = np.einsum("nj,nkl,nm->jkml", x, inner, x).reshape(8, 8) / IMAGES
    assert kind(objective).dense() == pytest.approx(expected, abs=1e-14)


@pytest.fixture(scope="module")
def in_batches() -> Objective:
    """Batches of three, three and one image."""
    return objective_of("convolutions", "numbers", batch_size=3)


def test_values_and_gradients_of_batches_add_up_to_the_whole(in_batches: Objective) -> None:
    assert in_batches.value() == pytest.approx(small_resnet().value(), rel=1e-14)
    assert in_batches.gradient() == pytest.approx(small_resnet().gradient(), abs=1e-14)


@pytest.mark.parametrize("kind", [Hessian, GaussNewton])
def test_products_of_batches_add_up_to_the_whole(kind: type[CurvatureOperator], in_batches: Objective) -> None:
    operator, dense = kind(in_batches), small_resnet_matrix(kind)
    v = np.random.default_rng(3).normal(size=(len(dense), 2))
    assert operator @ v == pytest.approx(dense @ v, abs=1e-13)
    assert operator @ v[:, 0] == pytest.approx(dense @ v[:, 0], abs=1e-13)


@pytest.mark.parametrize("chosen", [["branch"], ["output", "norm"]])
def test_blocks_are_parts_of_the_whole(chosen: list[str]) -> None:
    part = objective_of("convolutions", "numbers", layers=chosen)
    at = small_resnet().positions(chosen)
    assert part.gradient() == pytest.approx(small_resnet().gradient()[at], abs=1e-14)
    for kind in (Hessian, GaussNewton):
        whole = small_resnet_matrix(kind)
        assert kind(part).dense() == pytest.approx(whole[np.ix_(at, at)], abs=1e-13)


@pytest.mark.parametrize("kind", [Hessian, GaussNewton])
def test_float32_products_are_right_to_their_precision(kind: type[CurvatureOperator]) -> None:
    exact, rounded = (objective_of("mlp", "one_hot", dtype) for dtype in ("float64", "float32"))
    for of, to in zip(exact.variables, rounded.variables, strict=True):
        of.assign(to.numpy().astype(np.float64))
    v = np.random.default_rng(3).normal(size=exact.size)
    found = kind(rounded) @ v
    assert found.dtype == np.float64
    assert found == pytest.approx(kind(exact) @ v, abs=1e-6)
    assert not np.array_equal(found, kind(exact) @ v)


def test_dropout_is_off_and_statistics_are_stored_ones() -> None:
    objective = objective_of("mlp", "squares")
    assert np.array_equal(objective.gradient(), objective.gradient())
    pairs, whole = (objective_of("convolutions", "squares", batch_size=size) for size in (2, None))
    before = whole.value()
    for objective in (pairs, whole):
        norm = objective.model.get_layer("norm")
        norm.moving_mean.assign([0.3, -0.2])
        norm.moving_variance.assign([2.0, 0.5])
    assert whole.value() != pytest.approx(before)
    assert pairs.value() == pytest.approx(whole.value(), rel=1e-12)  # statistics of a batch would tell them apart
    assert pairs.gradient() == pytest.approx(whole.gradient(), rel=1e-10)
    assert norm.moving_mean.numpy().tolist() == [0.3, -0.2]


@pytest.mark.parametrize("kind", [Hessian, GaussNewton])
def test_a_batch_size_that_leaves_a_rest_traces_twice(kind: type[CurvatureOperator]) -> None:
    operator = kind(objective_of("mlp", "squares", batch_size=3))
    for k in (1, 2, 5):
        for _ in range(2):
            operator @ np.ones((operator.shape[0], k))
            operator @ np.ones(operator.shape[0])
    assert operator._one_product.experimental_get_tracing_count() == 2
    assert operator._products.experimental_get_tracing_count() == 1


def test_the_resnet_of_the_first_write_up_has_symmetric_products() -> None:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(4, 32, 32, 3)), rng.integers(0, 10, 4)
    objective = Objective(build(ResNet()), LOSSES["numbers"], images, labels)
    assert objective.size == 223_242
    u, v = rng.choice([-1.0, 1.0], size=(2, objective.size))
    hessian = Hessian(objective)
    assert u @ (hessian @ v) == pytest.approx(v @ (hessian @ u), rel=1e-3)


def bad_objective(**changes: Any) -> Objective:
    options = {"model": mlp("float32"), "loss": LOSSES["squares"], "images": np.ones((2, 3)), "labels": np.ones((2, 2))}
    return Objective(**(options | changes))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: bad_objective(model=keras.Sequential([layers.Dense(2)])), "is not built"),
        (lambda: bad_objective(loss="mse"), "loss 'mse': expected an instance"),
        (lambda: bad_objective(labels=np.ones((3, 2))), r"images \(2, 3\) and labels \(3, 2\)"),
        (lambda: bad_objective(images=np.ones((0, 3)), labels=np.ones((0, 2))), "at least one"),
        (lambda: bad_objective(batch_size=0), "batch_size 0: expected at least 1"),
        (lambda: bad_objective(layers=["hiden"]), "layer 'hiden': model .* has .*hidden, .*output"),
        (lambda: bad_objective(layers=["dropout"], model=named_dropout()), "no trainable parameter"),
        (lambda: bad_objective(layers=["output"]).positions(["hidden"]), "hidden/kernel does not vary here"),
        (lambda: Hessian(bad_objective()) @ np.ones(5), r"vectors of shape \(5,\): expected \(26,\)"),
        (lambda: Hessian(bad_objective()) @ np.full(26, np.nan), "vectors: expected finite values"),
        (lambda: Hessian(bad_objective()).dense(limit=25), "26 x 26 .* at most 25"),
    ],
)
def test_what_is_not_allowed_is_named(make: Callable[[], object], says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        make()


def named_dropout() -> keras.Model:
    inputs = keras.Input((3,))
    return keras.Model(inputs, layers.Dense(2)(layers.Dropout(0.5, name="dropout")(inputs)))


def test_a_loss_that_is_not_finite_names_its_batch() -> None:
    images = np.ones((5, 3))
    images[3] = np.nan
    objective = bad_objective(images=images, labels=np.ones((5, 2)), batch_size=2)
    for work in (objective.value, objective.gradient, lambda: Hessian(objective) @ np.ones(26)):
        with pytest.raises(CurvatureError, match=r"the loss is nan on batch 1 \(images 2 to 3\)"):
            work()


class Root(losses.Loss):
    """Its slope is infinite at a right answer."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return keras.ops.sqrt(keras.ops.sum((y_true - y_pred) ** 2, axis=-1))


def test_a_derivative_that_is_not_finite_names_its_batch() -> None:
    model = linear("float32")
    objective = Objective(model, Root(), np.ones((2, 3)), model(np.ones((2, 3))).numpy())
    with pytest.raises(CurvatureError, match=r"finite on batch 0 \(images 0 to 1\), but its derivatives are not"):
        objective.gradient()


def test_a_variable_without_a_derivative_is_named() -> None:
    inputs = keras.Input((3,))
    x = layers.Dense(4, name="before")(inputs)
    x = layers.Lambda(keras.ops.sign, name="sign")(x)
    x = keras.ops.cast(keras.ops.argmax(x, axis=-1, keepdims=True), "float32")
    model = keras.Model(inputs, layers.Dense(2, name="after")(x))
    for work in (
        lambda o: o.gradient(), lambda o: Hessian(o) @ np.ones(o.size), lambda o: GaussNewton(o) @ np.ones(o.size)
    ):  # fmt: skip
        with pytest.raises(CurvatureError, match="variable before/kernel: no derivative"):
            work(bad_objective(model=model))
    assert bad_objective(model=model, layers=["after"]).gradient().shape == (4,)


def test_a_dense_matrix_tells_how_far_it_is_and_keeps_to_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curvature, "DENSE_BLOCK", 10)
    hessian, done = Hessian(objective_of("mlp", "squares")), []
    blocks = hessian.dense(progress=lambda *counts: done.append(counts))
    assert done == [(10, 26), (20, 26), (26, 26)]
    assert blocks == pytest.approx(hessian @ np.eye(26), abs=1e-15)
    with pytest.raises(CurvatureError, match="0 of 26 columns after 0 s"):
        hessian.dense(seconds=0)
