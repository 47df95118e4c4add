"""What document 004 and the paper behind it say, where it can be settled without training one of their nets."""

import keras
import numpy as np
import pytest

from skipnets.analysis.dead_units import learn, rings
from skipnets.analysis.linear_nets import log10_power_conditions
from skipnets.architectures.blocks import BatchNormalization
from skipnets.datasets import load
from skipnets.experiments import DEPTHS
from skipnets.paths import ROOT
from skipnets.published import DEPTH_TABLES, DIGITS, RESNET_TEST_ERRORS

MNIST = ROOT / "data" / "cache" / "mnist.npz"

#: Parameters of He et al.'s net of 164 layers, with batch normalization and without; counted in test_architectures.py.
WITH_NORM, WITHOUT_NORM = 2_602_906, 2_590_778


def test_three_tables_are_of_164_layers_and_the_fourth_of_101() -> None:
    assert {number: table.depth for number, table in DEPTH_TABLES.items()} == {
        "I": DEPTHS[-1],
        "II": DEPTHS[-1],
        "III": DEPTHS[-1],
        "IV": 101,
    }
    assert [table.image_set for table in DEPTH_TABLES.values()] == ["MNIST", "CIFAR-10", "CIFAR-100", "ImageNet"]


def test_the_size_of_the_plain_net_is_cut_and_not_rounded_from_a_net_without_batch_normalization() -> None:
    printed = {kind: row.parameters for kind, row in DEPTH_TABLES["II"].rows.items()}
    assert printed["residual_net"] == round(WITH_NORM / 1e6, 1) == WITH_NORM // 100_000 / 10
    assert printed["plain_net"] == WITHOUT_NORM // 100_000 / 10 != round(WITHOUT_NORM / 1e6, 1)
    assert printed["plain_net"] not in {WITH_NORM // 100_000 / 10, round(WITH_NORM / 1e6, 1)}


def test_one_answer_to_every_image_scores_what_table_1_prints_on_test_images_alone() -> None:
    shares = {split: [count / sum(counts) for count in counts] for split, counts in DIGITS.items()}
    plain = DEPTH_TABLES["I"].rows["plain_net"]
    assert [digit for digit, share in enumerate(shares["test"]) if share == plain.test] == [1]
    assert max(shares["training"]) == shares["training"][1] < plain.training


def test_no_constant_answer_scores_what_tables_2_and_3_print() -> None:
    """As many test images of every class leave a constant answer one score, 1 / classes."""
    for number, classes in (("II", 10), ("III", 100)):
        assert DEPTH_TABLES[number].rows["plain_net"].test > 1 / classes


@pytest.mark.skipif(not MNIST.exists(), reason="needs the images of MNIST")
def test_digits_are_counted_as_the_files_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKIPNETS_DATA", str(MNIST.parent))
    images = load("mnist")
    assert tuple(np.bincount(images.y_train)) == DIGITS["training"]
    assert tuple(np.bincount(images.y_test)) == DIGITS["test"]


def test_published_resnets_improve_to_110_layers_and_are_worse_again_at_1202() -> None:
    *rising, deepest = [error for _, error in sorted(RESNET_TEST_ERRORS.items())]
    assert rising == sorted(rising, reverse=True)
    assert min(rising) < deepest < max(rising)


def test_both_rings_are_equally_likely_and_no_line_parts_them() -> None:
    points, inner = rings(2000, 0)
    assert inner.mean() == pytest.approx(0.5, abs=0.05)
    distance = np.hypot(*points.T)
    assert distance[inner == 1].max() < distance[inner == 0].min()
    assert distance.max() < 3


@pytest.mark.parametrize("seed", range(3))
def test_dead_units_make_the_condition_number_infinite_and_leave_training_as_it_was(seed: int) -> None:
    alone, *beside = (learn(alive=16, dead=dead, seed=seed) for dead in (0, 1, 16))
    assert np.isfinite(alone.condition)
    assert alone.accuracy > 0.95
    for dead, net in zip((1, 16), beside, strict=True):
        assert net.condition == np.inf
        assert (net.units, net.dead, net.rank) == (16 + dead, dead, alone.rank)
        np.testing.assert_allclose(net.outputs, alone.outputs, atol=1e-6)


def test_a_net_of_dead_units_learns_nothing() -> None:
    net = learn(alive=0, dead=16)
    assert (net.condition, net.rank) == (np.inf, 0)
    assert np.ptp(net.outputs) == 0
    assert net.accuracy < 0.6


def test_the_condition_of_powers_agrees_with_numpy() -> None:
    factor = np.random.default_rng(0).normal(size=(5, 5))
    weight = factor @ factor.T
    eigenvalues = np.linalg.eigvalsh(weight)
    depths = np.arange(1.0, 4.0)
    for identity, branch in ((0.0, 1.0), (1.0, 1.0), (1.0, 0.1)):
        layer = identity * np.eye(5) + branch * weight
        found = [np.linalg.cond(np.linalg.matrix_power(layer, int(depth))) for depth in depths]
        closed = 10 ** log10_power_conditions(eigenvalues, identity, branch, depths)
        np.testing.assert_allclose(closed, found, rtol=1e-4)


def test_the_identity_alone_does_not_keep_the_condition_of_powers_finite_and_a_branch_that_shrinks_does() -> None:
    """With W = B B^T, the paper's own weights, (I + W)^m has the ratio ((1 + s) / (1 + t))^m, s and t W's extremes."""
    eigenvalues, depths = np.array([0.5, 1.0, 2.0]), np.array([10.0, 100.0, 1000.0])
    plain, residual, tenth = (
        log10_power_conditions(eigenvalues, identity, branch, depths)
        for identity, branch in ((0.0, 1.0), (1.0, 1.0), (1.0, 0.1))
    )
    for unbounded in (plain, residual, tenth):
        np.testing.assert_allclose(unbounded / unbounded[0], depths / depths[0])
    assert (tenth < residual).all()
    assert (residual < plain).all()
    shrinking = [log10_power_conditions(eigenvalues, 1.0, 1 / depth, np.array([depth]))[0] for depth in depths]
    assert max(shrinking) < np.log10(np.e) * (2.0 - 0.5)


@pytest.mark.parametrize(("scale", "alike"), [(1e15, False), (2e18, True)])
def test_batch_normalization_of_huge_outputs_shows_all_images_alike(scale: float, alike: bool) -> None:
    """Every output fits into float32, and so does its square; the sum of the squares over a batch does not."""
    images = scale * np.random.default_rng(0).normal(size=(64, 28, 28, 2)).astype(np.float32)
    assert np.isfinite(images**2).all()
    normalized = np.asarray(BatchNormalization()(images, training=True))
    assert np.isfinite(normalized).all()
    assert (np.ptp(normalized, axis=0).max() == 0) == alike


def test_where_the_rate_is_divided_in_keras_momentum_the_loss_jumps_before_it_falls() -> None:
    """Weights of many curvatures under noisy gradients; the least loss of each lies at 0."""
    curvatures = np.geomspace(0.03, 20, 200, dtype="float32")
    noise = np.random.default_rng(0)
    weights = keras.Variable(np.zeros((50, 200), "float32"))
    optimizer = keras.optimizers.SGD(learning_rate=0.1, momentum=0.9)
    losses = []
    for step in range(500):
        if step == 400:
            optimizer.learning_rate = 0.01
        at = keras.ops.convert_to_numpy(1.0 * weights)
        losses.append((curvatures * at**2).sum(axis=1).mean() / 2)
        gradient = curvatures * at + np.sqrt(curvatures) * noise.normal(size=at.shape).astype("float32")
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weights])
    before = np.mean(losses[350:400])
    assert max(losses[401:410]) > 3 * before
    assert np.mean(losses[450:]) < before / 5
