"""Condition numbers against matrices built to have them, blocks against NumPy on the whole, nets against both."""

import tracemalloc
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipnets.analysis.conditioning import (
    Conditioning,
    condition,
    in_double_precision,
    measure_kernel,
    measure_representations,
)
from skipnets.analysis.signal import layers_of_kind
from skipnets.architectures import build
from skipnets.errors import BadInputError
from skipnets.specs import DeepNet

Array = npt.NDArray[np.float64]


def with_singular_values(values: list[float], rows: int, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.normal(size=(size, size)))[0] for size in (rows, len(values)))
    return (left[:, : len(values)] * values) @ right.T


@pytest.mark.parametrize("kappa", [1.0, 7.0, 1e5, 1e10])
@pytest.mark.parametrize("blocks", [1, 9])
def test_a_known_condition_number_is_found(kappa: float, blocks: int) -> None:
    found = condition(np.array_split(with_singular_values([3 * kappa, 3 * kappa, 3.0, 3.0], 200), blocks))
    assert found.condition == pytest.approx(kappa, rel=1e-5)
    assert found.condition_live == found.condition
    assert (found.largest, found.smallest) == pytest.approx((3 * kappa, 3), rel=1e-5)
    assert (found.shape, found.rank, found.dead, found.constant, found.lost) == ((200, 4), 4, 0, 0, False)


def test_blocks_keep_what_the_product_with_the_transpose_squares_away() -> None:
    matrix = with_singular_values([1e10, 1e5, 1.0], 300)
    squared = np.linalg.eigvalsh(matrix.T @ matrix)
    assert condition(np.array_split(matrix, 10)).condition == pytest.approx(1e10, rel=1e-4)
    assert squared[0] < 0 or np.sqrt(squared[-1] / squared[0]) != pytest.approx(1e10, rel=0.5)


@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 12),
    dead=st.integers(0, 12),
    cuts=st.lists(st.integers(1, 39), max_size=5),
    seed=st.integers(0, 1000),
)
def test_any_split_into_blocks_is_the_dense_decomposition(
    rows: int, columns: int, dead: int, cuts: list[int], seed: int
) -> None:
    matrix = np.random.default_rng(seed).normal(size=(rows, columns))
    matrix[:, :dead] = 0
    found = condition(block for block in np.split(matrix, sorted(cuts)) if len(block))
    expected = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(found.singular, expected[: len(found.singular)], atol=1e-12)
    np.testing.assert_allclose(expected[len(found.singular) :], 0, atol=1e-12)
    assert found.shape == matrix.shape
    assert found.dead == min(dead, columns)
    assert found.constant == (columns if rows == 1 else found.dead)
    assert found.rank == np.linalg.matrix_rank(matrix)


def test_single_precision_cannot_see_what_double_precision_does() -> None:
    matrix = with_singular_values([1e10, 1.0], 50)
    double, single = condition([matrix]), condition([matrix.astype(np.float32)])
    assert double.condition == pytest.approx(1e10, rel=1e-4)
    assert (double.rank, double.lost) == (2, False)
    assert single.condition < 1e9
    assert (single.rank, single.lost) == (1, True)
    # what is left of the smallest is the rounding of the entries, which stays below the threshold
    assert 0 < single.smallest <= single.threshold


@given(scale=st.floats(-30, 30), seed=st.integers(0, 1000))
def test_rounding_the_entries_moves_no_singular_value_by_more_than_the_threshold(scale: float, seed: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(60, 8)) * np.logspace(0, -8, 8) * 10**scale
    exact, rounded = condition([matrix]), condition([matrix.astype(np.float32)])
    np.testing.assert_array_less(np.abs(exact.singular - rounded.singular), rounded.threshold)


def test_a_dead_channel_is_told_from_a_dependence_and_from_both() -> None:
    rng = np.random.default_rng(0)
    healthy = rng.normal(size=(500, 6)).astype(np.float32)
    one_dead, dependent = healthy.copy(), healthy.copy()
    one_dead[:, 2] = 0
    dependent[:, 2] = dependent[:, 0] + dependent[:, 1]
    dead, lost = condition([one_dead]), condition([dependent])
    assert (dead.dead, dead.rank, dead.lost) == (1, 5, False)
    assert dead.condition == np.inf
    assert dead.condition_live == pytest.approx(np.linalg.cond(np.delete(one_dead, 2, axis=1).astype(np.float64)))
    assert (lost.dead, lost.rank, lost.lost) == (0, 5, True)
    assert 1e5 < lost.condition < np.inf
    dependent[:, 5] = 0
    both = condition([dependent])
    assert (both.dead, both.rank, both.lost, both.condition) == (1, 4, True, np.inf)
    assert condition([healthy]).condition < 2


def test_constant_representations_have_rank_one_and_zero_ones_none() -> None:
    constant = condition([np.tile(np.float32([1, 2, 3]), (20, 1))] * 3)
    assert (constant.constant, constant.dead, constant.rank, constant.lost) == (3, 0, 1, True)
    assert constant.effective_rank == pytest.approx(1)
    zero = condition([np.zeros((20, 3), np.float32)] * 3)
    assert (zero.constant, zero.dead, zero.rank, zero.effective_rank) == (3, 3, 0, 0)
    assert (zero.largest, zero.smallest, zero.condition, zero.condition_live) == (0, 0, np.inf, np.inf)


def test_dead_columns_of_a_wide_matrix_leave_its_rows_independent() -> None:
    wide = np.random.default_rng(0).normal(size=(4, 9))
    wide[:, :3] = 0
    found = condition([wide[:2], wide[2:]])
    assert (found.dead, found.rank) == (3, 4)
    assert found.condition == pytest.approx(np.linalg.cond(wide)) == found.condition_live


def test_effective_rank_is_the_number_of_equal_directions() -> None:
    assert condition([np.eye(7)]).effective_rank == pytest.approx(7)
    found = condition([with_singular_values([2.0, 1.0], 10)])
    assert found.effective_rank == pytest.approx(np.exp(-0.8 * np.log(0.8) - 0.2 * np.log(0.2)))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_has_no_condition_number(bad: float) -> None:
    blocks = [np.eye(3), np.diag([1.0, bad, 1.0]), np.eye(3)]
    found = condition(blocks)
    assert np.isnan([found.condition, found.condition_live, found.largest, found.effective_rank]).all()
    assert (found.shape, found.rank, found.dead) == ((9, 3), 0, 0)


def test_memory_is_that_of_a_block_whatever_the_number_of_rows() -> None:
    rng = np.random.default_rng(0)
    tracemalloc.start()
    try:
        condition(rng.normal(size=(1000, 16)) for _ in range(200))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    block = 1000 * 16 * 8
    assert peak < 10 * block


@pytest.mark.parametrize(
    ("blocks", "named"),
    [
        ([], "at least one row"),
        ([np.zeros(3)], r"matrix \(3,\) of float64"),
        ([np.zeros((0, 3))], r"matrix \(0, 3\)"),
        ([np.zeros((2, 3), int)], "of int64: expected .*float32 or float64"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], "expected 3 columns of float64"),
        ([np.zeros((2, 3)), np.zeros((2, 3), np.float32)], "of float32: expected 3 columns of float64"),
    ],
)
def test_what_is_no_matrix_is_named(blocks: list[Array], named: str) -> None:
    with pytest.raises(BadInputError, match=named):
        condition(blocks)


def test_a_kernel_is_unfolded_by_output_channels() -> None:
    layer = keras.layers.Conv2D(4, 3)
    layer.build((None, 8, 8, 2))
    found = measure_kernel(layer)
    columns = np.asarray(layer.kernel).transpose(3, 0, 1, 2).reshape(4, -1)
    np.testing.assert_allclose(found.singular, np.linalg.svd(columns, compute_uv=False), rtol=1e-5)
    assert found.shape == (18, 4)
    with pytest.raises(BadInputError, match="layer 'r': a ReLU has no kernel"):
        measure_kernel(keras.layers.ReLU(name="r"))


def test_a_grouped_kernel_is_that_of_the_dense_convolution_it_stands_for() -> None:
    model = build(DeepNet(kind="resnext", depth=11, width=4), (8, 8, 3))
    layer = model.get_layer("stage1_unit1_conv2")
    dense = np.tile(np.asarray(layer.kernel), (1, 1, 4, 1)) * np.asarray(layer.same_group)
    found = measure_kernel(layer)
    expected = np.linalg.svd(dense.reshape(-1, dense.shape[-1]).astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(found.singular, expected, rtol=1e-5)


@pytest.fixture(scope="module")
def net() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build(DeepNet(kind="residual_net", depth=14, width=4), (8, 8, 3))


@pytest.fixture(scope="module")
def images() -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).random((10, 8, 8, 3), dtype=np.float32)


def hidden(model: keras.Model) -> list[str]:
    return layers_of_kind(model, keras.layers.ReLU)


@pytest.mark.parametrize("batch_size", [3, 10])
def test_representations_are_unfolded_by_channels_and_by_images(
    net: keras.Model, images: npt.NDArray[np.float32], batch_size: int
) -> None:
    names = hidden(net)
    dense = [np.asarray(keras.Model(net.input, net.get_layer(name).output)(images), np.float64) for name in names]
    by_channels = measure_representations(net, images, names, batch_size=batch_size)
    by_images = measure_representations(net, images, names, "images", batch_size=batch_size)
    assert len(by_channels) == len(by_images) == len(names)
    for maps, channels, rows in zip(dense, by_channels, by_images, strict=True):
        check(channels, np.moveaxis(maps, -1, 0).reshape(maps.shape[-1], -1).T)
        check(rows, maps.reshape(10, -1))


def check(found: Conditioning, matrix: Array) -> None:
    assert found.shape == matrix.shape
    singular = np.linalg.svd(matrix, compute_uv=False)
    size = len(found.singular)
    np.testing.assert_allclose(found.singular, singular[:size], rtol=1e-4, atol=1e-5 * singular[0])
    assert found.dead == (matrix == 0).all(axis=0).sum()


def test_in_training_mode_a_batch_is_normalized_by_itself_and_the_net_left_as_it_was(
    net: keras.Model, images: npt.NDArray[np.float32]
) -> None:
    before = [variable.numpy() for variable in net.variables]
    first, again = (measure_representations(net, images, hidden(net), training=True, batch_size=10) for _ in range(2))
    for variable, value in zip(net.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert [found.condition for found in first] == [found.condition for found in again]
    outputs = np.asarray(keras.Model(net.input, net.get_layer("stem_norm").output)(images, training=True))
    assert np.abs(outputs.mean(axis=(0, 1, 2))).max() < 1e-5
    check(first[0], np.maximum(outputs, 0).reshape(-1, 4).astype(np.float64))
    assert first[0].condition != pytest.approx(measure_representations(net, images, hidden(net))[0].condition, rel=0.01)


@pytest.mark.parametrize("kind", ["residual_net", "resnext"])
def test_a_copy_in_double_precision_gives_the_same_but_for_rounding(kind: Any, images: npt.NDArray[np.float32]) -> None:
    model = build(DeepNet(kind=kind, depth=20, width=4), (8, 8, 3))
    twin = in_double_precision(model)
    single, double = np.asarray(model(images)), np.asarray(twin(images))
    assert double.dtype == np.float64
    np.testing.assert_allclose(single, double, rtol=1e-3, atol=1e-4 * np.abs(double).max())
    assert np.abs(single - double).max() > 0
    for one, other in zip(
        measure_representations(model, images, hidden(model)),
        measure_representations(twin, images, hidden(twin)),
        strict=True,
    ):
        assert (one.rounding, other.rounding) == (np.finfo(np.float32).eps, np.finfo(np.float64).eps)
        assert one.largest == pytest.approx(other.largest, rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"layers": ["nowhere"]}, "layer 'nowhere'"),
        ({"layers": []}, "at least one"),
        ({"side": "pixels"}, "side 'pixels': expected 'channels' or 'images'"),
        ({"images": np.ones((0, 8, 8, 3), np.float32)}, r"images \(0, 8, 8, 3\): expected at least one"),
    ],
)
def test_bad_requests_are_named(
    net: keras.Model, images: npt.NDArray[np.float32], arguments: dict[str, Any], named: str
) -> None:
    with pytest.raises(BadInputError, match=named):
        measure_representations(**({"model": net, "images": images, "layers": ["stem_relu"]} | arguments))


def test_the_rank_takes_the_smaller_side_into_its_threshold() -> None:
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.normal(size=(s, s)))[0] for s in (60, 8))
    eps = float(np.finfo(np.float64).eps)
    matrix = (left[:, :8] * [1, 1, 1, 1, 1, 1, 20 * eps, 3 * eps]) @ right.T
    found = condition([matrix])
    assert found.threshold == pytest.approx(8 * eps, rel=1e-6, abs=0)
