"""Measurements of trained nets: the right weights, numbers that another route gives too, files that are sealed."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from skipnets import datasets
from skipnets.analysis.curvature import Hessian, Objective
from skipnets.analysis.output_dropout import average_over_draws, logits_ceiling
from skipnets.analysis.spectrum import probe
from skipnets.checkpoints import Checkpoint
from skipnets.engines import KerasEngine, compiled_model, encode_labels, loss_function, scaled
from skipnets.errors import BadInputError, DamagedFileError, RunPausedError, SkipnetsError
from skipnets.measurements import Measurements, State, step_times
from skipnets.measurements.states import describe_outputs, measure_state
from skipnets.measurements.step_times import measure_step_times
from skipnets.order import permutation
from skipnets.records import Store, digest_arrays
from skipnets.specs import SGD, Adam, DeepNet, RMSprop, RunSpec, StepDecay
from skipnets.training import train
from tiny import few_images, make_spec, train_in

NET = DeepNet(kind="plain_net", depth=8, width=2, batch_norm=False)


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, few_synthetic_images: None) -> None:
    monkeypatch.setenv("SKIPNETS_LOCAL_RESULTS", str(tmp_path / "local"))
    monkeypatch.setenv("SKIPNETS_CHECKPOINTS", str(tmp_path / "checkpoints"))


@pytest.fixture
def spec() -> RunSpec:
    return make_spec(architecture=NET, optimizer=SGD(), epochs=3)


def test_the_spectrum_is_that_of_the_nets_own_hessian(spec: RunSpec, store: Store) -> None:
    """A probe's nodes and weights average to v'Hv, which one product gives too."""
    state = measure_state(spec, 0, store, images=32, probes=2, steps=5)
    data = few_images()
    model = compiled_model(spec, data)
    x, y = scaled(data.x_train[:32]), encode_labels(spec, data.y_train[:32], data.classes)
    objective = Objective(model, loss_function(spec), x, y)
    assert state.loss == pytest.approx(objective.value())
    density, hessian = state.spectrum.density(), Hessian(objective)
    assert density.size == model.count_params()
    for number, (nodes, weights) in enumerate(zip(density.nodes, density.weights, strict=True)):
        vector = probe(density.size, 0, number)
        assert weights.sum() == pytest.approx(1, abs=1e-5)
        assert nodes @ weights == pytest.approx(vector @ (hessian @ vector), rel=1e-4)


def test_an_early_state_is_the_longer_runs_own(spec: RunSpec, store: Store) -> None:
    spec = spec.model_copy(update={"schedule": StepDecay(milestones=(2,))})  # which the shorter run does not reach
    data = few_images()
    engine = KerasEngine(spec, data)
    for epoch in range(2):
        shuffled = permutation(spec.seed, epoch, 100)
        engine.train(epoch, [shuffled[i : i + 32] for i in range(0, 100, 32)])
    for _ in range(2):  # trained, then from what was kept of that training
        state = measure_state(spec, 2, store, images=10, probes=1, steps=2)
        assert state.weights == digest_arrays(engine.weights())


def test_the_training_of_a_measurement_leaves_a_paused_run_of_the_same_spec_alone(
    spec: RunSpec, store: Store, checkpoints: Path
) -> None:
    shorter = spec.model_copy(update={"epochs": 2})
    with pytest.raises(RunPausedError):
        train(shorter, store, checkpoints, deadline=0)
    paused = Checkpoint(checkpoints, shorter).path
    before = paused.read_bytes()
    measure_state(spec, 2, store, images=10, probes=1, steps=2)
    assert paused.read_bytes() == before


def test_a_net_is_not_measured_on_images_that_it_was_not_trained_on(
    spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_in(tmp_path, spec, keep_weights=True)
    store = Store(tmp_path / "results")
    measure_state(spec, 2, store, images=10, probes=1, steps=2)
    images = few_images()
    monkeypatch.setattr(datasets, "synthetic", lambda: replace(images, x_test=images.x_test[::-1]))
    for epoch in (2, 3):
        with pytest.raises(SkipnetsError, match=r"record .* was made on other images \(x_test"):
            measure_state(spec, epoch, store, images=10, probes=1, steps=2)


def test_a_state_of_a_run_that_diverged_before_is_refused(store: Store) -> None:
    spec = make_spec(architecture=NET, optimizer=SGD(learning_rate=1e30), epochs=3)
    with pytest.raises(BadInputError, match="diverged: there are no final weights"):
        measure_state(spec, 2, store, images=10, probes=1, steps=2)


def test_the_last_state_needs_kept_weights_and_is_theirs(spec: RunSpec, tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    train_in(tmp_path, spec)
    with pytest.raises(BadInputError, match="train --weights"):
        measure_state(spec, 3, store, images=10)
    record = train_in(tmp_path, spec, keep_weights=True)
    kept = store.load_weights(record)
    assert kept is not None
    state = measure_state(spec, 3, store, images=10, probes=1, steps=2)
    assert state.weights == digest_arrays(kept)
    assert state.test_accuracy == pytest.approx(record.final.test.accuracy)
    # A plain net with a silent layer gives every image the same answer.
    shares = np.bincount(few_images().y_test, minlength=10) / 40
    assert all(any(layer.silenced == pytest.approx(share) for share in shares) for layer in state.layers)


@pytest.mark.parametrize(
    ("changes", "arguments", "named"),
    [
        ({}, {"epoch": 4}, "epoch 4"),
        ({}, {"epoch": -1}, "epoch -1"),
        ({}, {"epoch": 0, "images": 101}, "images 101"),
        ({"validation": 0.2}, {"epoch": 0, "images": 81}, "images 81: expected 1 to 80"),
        ({"loss": "probabilities"}, {"epoch": 0}, "loss 'probabilities'"),
    ],
)
def test_what_cannot_be_measured_is_named(
    spec: RunSpec, store: Store, changes: dict[str, object], arguments: dict[str, int], named: str
) -> None:
    with pytest.raises(BadInputError, match=named):
        measure_state(spec.model_copy(update=changes), store=store, **arguments)


def test_dead_units_and_ranks_of_known_outputs() -> None:
    rng = np.random.default_rng(0)
    two_directions = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 5))
    two_directions[:, 3] = 0
    found = describe_outputs("conv", two_directions.astype(np.float32), 0.5)
    assert (found.units, found.dead, found.rank) == (5, 1, 2)
    weak = rng.normal(size=(3000, 4)) * [1, 1, 1e-4, 0]  # far above rounding, however many the images
    assert describe_outputs("conv", weak.astype(np.float32), 0.5).rank == 3
    even = np.eye(4, dtype=np.float32)
    assert describe_outputs("conv", even, 0.5).effective_rank == pytest.approx(4)
    silent = describe_outputs("conv", np.zeros((6, 3), dtype=np.float32), 0.5)
    assert (silent.dead, silent.rank, silent.effective_rank) == (3, 0, 0)


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5])
def test_the_average_over_draws_is_kerass_dropout_many_times(rate: float) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 50)
    logits = (rng.normal(size=(50, 10)) + 3 * np.eye(10)[labels]).astype(np.float32)
    accuracy, loss = average_over_draws(logits, labels, rate)
    many, outputs = np.tile(labels, 2000), keras.layers.Dropout(rate, seed=1)(np.tile(logits, (2000, 1)), training=True)
    assert (np.asarray(outputs).argmax(axis=1) == many).mean() == pytest.approx(accuracy, abs=0.006)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(many, outputs)
    assert float(entropy) == pytest.approx(loss, abs=0.01)


def test_the_average_over_draws_of_a_perfect_net_is_the_ceiling() -> None:
    labels = np.arange(10)
    perfect = np.where(np.eye(10, dtype=bool), 60.0, -60.0).astype(np.float32)
    assert average_over_draws(perfect, labels, 0.2) == pytest.approx(logits_ceiling(0.2))


def test_a_state_of_a_net_with_output_dropout_tells_the_average_over_its_draws(store: Store) -> None:
    spec = make_spec(architecture={"kind": "cnn", "output_dropout": 0.3})
    struck = measure_state(spec, 0, store, images=10, probes=1, steps=2).struck
    data = few_images()
    logits = compiled_model(spec, data)(scaled(data.x_train), training=False).numpy()
    accuracy, loss = average_over_draws(logits, data.y_train, 0.3)
    assert struck is not None
    assert (struck.accuracy, struck.loss) == pytest.approx((accuracy, loss), rel=1e-4)
    without = make_spec(architecture={"kind": "cnn", "output_dropout": 0})
    assert measure_state(without, 0, store, images=10, probes=1, steps=2).struck is None


def test_a_state_reads_back_and_a_strangers_is_refused(spec: RunSpec, store: Store, tmp_path: Path) -> None:
    measurements = Measurements(tmp_path / "measurements")
    assert measurements.state(spec, 0) is None
    state = measure_state(spec, 0, store, images=10, probes=1, steps=2)
    path = measurements.save(state)
    assert measurements.state(spec, 0) == state
    stranger = path.with_name(f"{spec.with_seed(9).run_id}-epoch0.json")
    path.rename(stranger)
    with pytest.raises(DamagedFileError, match="another measurement than its name says"):
        measurements.state(spec.with_seed(9), 0)
    stranger.write_text(stranger.read_text().replace('"epoch": 0', '"epoch": 1'))
    with pytest.raises(DamagedFileError, match="changed after it was written"):
        State.from_json(stranger.read_text())


def test_a_measurement_that_cannot_be_read_is_named(spec: RunSpec, tmp_path: Path) -> None:
    path = tmp_path / f"{spec.run_id}-epoch0.json"
    path.mkdir()
    with pytest.raises(SkipnetsError, match=f"cannot read {path}: Is a directory"):
        Measurements(tmp_path).state(spec, 0)


def test_optimisers_take_turns_and_every_turn_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_times, "BATCH_SIZE", 10)
    monkeypatch.setattr(step_times, "STEPS", 2)
    times = measure_step_times(NET, (RMSprop(), Adam()), rounds=3)
    assert (times.rounds, times.batch_size, times.steps) == (3, 10, 2)
    assert {kind: len(seconds) for kind, seconds in times.cpu_seconds.items()} == {"rmsprop": 3, "adam": 3}
    assert min(min(seconds) for seconds in times.cpu_seconds.values()) > 0
    measurements = Measurements(tmp_path)
    measurements.save(times)
    assert measurements.step_times("plain_net") == times
    assert measurements.step_times("resnet") is None
