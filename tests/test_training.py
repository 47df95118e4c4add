"""Training: the same numbers whether or not a run was interrupted, and no loss when something goes wrong."""

import errno
import json
import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from skipnets import datasets, order, training
from skipnets.checkpoints import Checkpoint, Progress
from skipnets.datasets import ImageSet
from skipnets.engines import KerasEngine, StepResults, compiled_model, make_optimizer
from skipnets.errors import DamagedFileError, RunBusyError, RunPausedError, SkipnetsError
from skipnets.records import RunRecord, Stop, Store
from skipnets.specs import RunSpec
from tiny import few_images, make_spec, train_and_die, train_and_hang, train_in

pytestmark = pytest.mark.usefixtures("few_synthetic_images")


def results(record: RunRecord) -> tuple[Any, ...]:
    """Return what must not depend on how often a run was interrupted."""
    return record.history, record.final


# --- a network that only remembers ---------------------------------------------------------------------------------


class Clock:
    """Stands in for the module ``time``: seconds pass only where a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class Rememberer:
    """An engine whose one weight depends on every batch, epoch and learning rate so far, in their order."""

    def __init__(self, world: "World", spec: RunSpec):
        self.world, self.stretch, self.rate = world, world.stretch, np.array(0.0)
        self.weight, self.step = np.array(float(spec.seed)), np.array(0)

    def set_learning_rate(self, rate: float) -> None:
        self.rate = np.array(rate)

    def train(self, epoch: int, batches: Sequence[order.Indices]) -> StepResults:
        assert len({len(batch) for batch in batches}) == 1, "a compiled stretch has batches of one size"
        self.world.batches.extend((epoch, batch.tolist()) for batch in batches)
        losses = []
        for batch in batches:
            self.world.clock.now += self.world.step_seconds
            self.weight = np.cos(100 * self.weight + self.rate + epoch + batch @ np.arange(len(batch)))
            losses.append(np.nan if self.step == self.world.nan_at else 1 + self.weight)
            self.step = self.step + 1
        return StepResults(np.array(losses), np.array([len(batch) // 2 for batch in batches]))

    def predict(self, images: np.ndarray) -> np.ndarray:
        self.world.clock.now += self.world.evaluation_seconds
        return np.cos(self.weight + np.arange(len(images) * 10).reshape(-1, 10)).astype(np.float32)

    def state(self) -> list[np.ndarray]:
        return [self.weight, self.rate, self.step]

    def restore(self, arrays: Sequence[np.ndarray]) -> None:
        self.weight, self.rate, self.step = arrays


@dataclass
class World:
    """How the simulated machine behaves, and which batches it has trained on."""

    stretch: int = 1
    nan_at: int = -1
    step_seconds: float = 1.0
    evaluation_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.batches: list[tuple[int, list[int]]] = []


@contextmanager
def simulated(world: World) -> Iterator[Path]:
    """Let ``train`` use rememberers and a clock that stands still; give it a folder."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(training, "make_engine", lambda spec, images: Rememberer(world, spec))
        patch.setattr(training, "time", world.clock)
        yield Path(folder)


def stop_after(reports: int) -> dict[str, Any]:
    """Return arguments of ``train`` that stop it after so many stretches and evaluations."""
    stop, told = threading.Event(), count(1)

    def report(progress: Progress) -> None:
        if next(told) == reports:
            stop.set()

    return {"stop": stop, "report": report}


def train_in_sittings(folder: Path, spec: RunSpec, sittings: Sequence[dict[str, Any]]) -> RunRecord:
    """Train until the end; each sitting but the last one must end in a pause."""
    for arguments in sittings:
        with pytest.raises(RunPausedError, match="the same command goes on from there"):
            train_in(folder, spec, **arguments)
    return train_in(folder, spec)


# --- order -----------------------------------------------------------------------------------------------------------


def test_every_epoch_visits_every_image_once_in_an_order_of_its_own() -> None:
    world, again, other = World(), World(), World()
    for each, seed in ((world, 3), (again, 3), (other, 4)):
        with simulated(each) as folder:
            train_in(folder, make_spec(seed=seed))
    orders = [[image for at, batch in world.batches if at == epoch for image in batch] for epoch in range(3)]
    assert [sorted(images) for images in orders] == [list(range(100))] * 3
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert again.batches == world.batches
    assert other.batches != world.batches


def test_keras_fit_repeats_its_order_once_it_is_seeded() -> None:
    """The reason for an order of our own; fails when Keras has mended it."""
    seen = []

    class Watcher(keras.Model):
        def train_step(self, data: Any) -> dict[str, float]:
            seen.append(data[0].numpy().ravel().tolist())
            return {"loss": 0.0}

    keras.utils.set_random_seed(0)
    model = Watcher()
    model.compile(run_eagerly=True)
    model.fit(np.arange(12.0)[:, None], np.zeros(12), batch_size=12, epochs=3, shuffle=True, verbose=0)
    assert sorted(seen[0]) == list(range(12)) != seen[0]
    assert seen[0] == seen[1] == seen[2]
    assert len({tuple(order.permutation(0, epoch, 12)) for epoch in range(3)}) == 3


# --- interruptions ---------------------------------------------------------------------------------------------------


@given(
    stretch=st.sampled_from([1, 3]),
    reports=st.lists(st.integers(1, 4), max_size=4),
    validation=st.sampled_from(["test", 0.04]),
    evaluate_every=st.integers(1, 4),
)
@settings(max_examples=25, deadline=None)
def test_pauses_leave_no_trace_in_the_results(
    stretch: int, reports: list[int], validation: Any, evaluate_every: int
) -> None:
    spec = make_spec(
        epochs=5 * len(reports) + 4,
        schedule={"milestones": [1, 3]},
        validation=validation,
        evaluate_test_every=evaluate_every,
    )
    with simulated(World(stretch)) as folder:
        whole = train_in(folder, spec)
    with simulated(World(stretch)) as folder:
        parts = train_in_sittings(folder, spec, [stop_after(each) for each in reports])
        assert sorted(path.suffix for path in folder.rglob("*.*")) == [".json", ".lock"]
    assert results(parts) == results(whole)
    assert whole.environment.sittings == 1
    assert parts.environment.sittings == len(reports) + 1
    assert parts.environment.seconds == whole.environment.seconds > 0


@given(
    step_seconds=st.integers(1, 20),
    evaluation_seconds=st.integers(0, 60),
    seconds=st.integers(0, 150),
    stretch=st.sampled_from([1, 3]),
)
@settings(max_examples=25, deadline=None)
def test_a_run_stops_before_its_deadline(
    step_seconds: int, evaluation_seconds: int, seconds: int, stretch: int
) -> None:
    spec = make_spec(epochs=100, evaluate_training_every=1)
    world = World(stretch, step_seconds=step_seconds, evaluation_seconds=evaluation_seconds)
    first_epoch = 4 * step_seconds + 2 * evaluation_seconds
    with simulated(world) as folder:
        with pytest.raises(RunPausedError):
            train_in(folder, spec, deadline=first_epoch + seconds)
        assert world.clock.now <= first_epoch + seconds
        unused = stretch * step_seconds + 2 * evaluation_seconds + 1
        assert world.clock.now >= min(first_epoch, seconds) - unused
        assert Checkpoint(folder / "checkpoints", spec).load() is not None


def test_a_run_without_time_leaves_a_checkpoint_and_no_record() -> None:
    world = World()
    with simulated(world) as folder:
        with pytest.raises(RunPausedError, match="paused in epoch 1 of 3"):
            train_in(folder, make_spec(), deadline=0.5)
        assert world.batches == []
        assert train_in(folder, make_spec()).final.status == "completed"


def test_a_pause_behind_the_last_epoch_does_not_speak_of_another() -> None:
    world = World(step_seconds=10)
    with simulated(world) as folder, pytest.raises(RunPausedError, match="paused in epoch 3 of 3"):
        train_in(folder, make_spec(), deadline=3 * 4 * 10 + 5)
    assert len(world.batches) == 12


@pytest.mark.parametrize(
    "changes",
    [
        {
            "architecture": {"kind": "residual_net", "depth": 8, "width": 4},
            "optimizer": {"kind": "sgd", "momentum": 0.9, "nesterov": True},
            "schedule": {"milestones": [1, 2]},
            "weight_decay": 1e-3,
            "augmentation": "shift_flip",
            "labels": "integer",
            "train_images": 80,
            "validation": 0.2,
            "test_images": 16,
        },
        {
            "architecture": {"kind": "cnn"},
            "optimizer": {"kind": "adam"},
            "loss": "probabilities",
            "initializer": "he_normal",
            "train_images": 96,
            "test_images": 32,
        },
    ],
    ids=["batch norm, augmentation, decay, momentum", "output dropout, Adam"],
)
def test_networks_go_on_in_the_middle_of_an_epoch(tmp_path: Path, changes: dict[str, Any]) -> None:
    spec = make_spec(**changes)
    whole = train_in(tmp_path / "whole", spec)
    parts = train_in_sittings(tmp_path / "parts", spec, [stop_after(5)])
    assert results(parts) == results(whole)
    assert parts.environment.sittings == 2


def test_the_same_spec_gives_the_same_numbers_and_another_seed_others(tmp_path: Path) -> None:
    one, same, other = (
        train_in(tmp_path / name, make_spec(epochs=1, train_images=64, test_images=32, seed=seed))
        for name, seed in (("one", 3), ("same", 3), ("other", 4))
    )
    assert results(one) == results(same)
    assert one.history != other.history
    assert one.final.state != other.final.state


# --- images that are not the run's -----------------------------------------------------------------------------------


@pytest.fixture
def swap_images(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Put other training images of the same name in the place of the run's; what is given says how both are named."""
    before = few_images()
    after = replace(before, x_train=before.x_train[::-1])

    def swap() -> str:
        monkeypatch.setattr(datasets, "synthetic", lambda: after)
        made_on, found = (images.fingerprints()["x_train"] for images in (before, after))
        return rf"made on other images \(x_train {made_on}\) than image set 'synthetic' has now \(x_train {found}\)"

    return swap


def test_a_run_does_not_go_on_with_other_images(swap_images: Callable[[], str]) -> None:
    spec, world = make_spec(), World()
    with simulated(world) as folder:
        with pytest.raises(RunPausedError):
            train_in(folder, spec, **stop_after(2))
        path, steps = Checkpoint(folder / "checkpoints", spec).path, len(world.batches)
        with pytest.raises(SkipnetsError, match=f"checkpoint {path} was {swap_images()}"):
            train_in(folder, spec)
        assert path.exists()
        assert len(world.batches) == steps
        path.unlink()
        assert train_in(folder, spec).environment.sittings == 1


def test_a_record_of_other_images_is_not_replaced_for_its_weights(swap_images: Callable[[], str]) -> None:
    spec = make_spec()
    with simulated(World()) as folder:
        record = train_in(folder, spec)
        path = Store(folder / "results").path(spec)
        assert train_in(folder, spec) == record
        with pytest.raises(SkipnetsError, match=f"record {path} was {swap_images()}"):
            train_in(folder, spec, keep_weights=True)
        assert Store(folder / "results").load(spec) == record


# --- other processes -------------------------------------------------------------------------------------------------


@dataclass
class Ordeal:
    """A run killed five times, then held by a process that hangs and is killed too, and trained to its end."""

    whole: RunRecord
    record: RunRecord
    exits: list[int | None]
    checkpoints_left: list[str]
    results_left: list[str]


@pytest.fixture(scope="module")
def ordeal(tmp_path_factory: pytest.TempPathFactory, few_synthetic_images: None) -> Ordeal:
    spec = make_spec(train_images=96, test_images=32, epochs=20, evaluate_test_every=10, evaluate_training_every=10)
    folder = tmp_path_factory.mktemp("ordeal")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["skipnets.training"])
    exits = []
    for seed in range(5):
        moment = random.Random(seed)
        arguments = folder, spec, moment.randint(1, 4), moment.uniform(0, 0.05)
        exits.append(exit_of(context.Process(target=train_and_die, args=arguments)))
    hanging = context.Event()
    holder = context.Process(target=train_and_hang, args=(folder, spec, hanging))
    holder.start()
    try:
        assert hanging.wait(timeout=120)
        with pytest.raises(RunBusyError, match=f"{spec.run_id} is being trained by another process"):
            train_in(folder, spec)
    finally:
        holder.kill()
        holder.join()
    return Ordeal(
        record=train_in(folder, spec),
        whole=train_in(tmp_path_factory.mktemp("whole"), spec),
        exits=exits,
        checkpoints_left=os.listdir(folder / "checkpoints"),
        results_left=os.listdir(folder / "results"),
    )


def exit_of(process: Any) -> int | None:
    process.start()
    process.join(timeout=120)
    return process.exitcode


def test_a_run_killed_at_random_moments_ends_as_if_it_never_was(ordeal: Ordeal) -> None:
    assert ordeal.exits == [-signal.SIGKILL] * 5
    assert results(ordeal.record) == results(ordeal.whole)


def test_a_killed_run_keeps_what_it_had_done(ordeal: Ordeal) -> None:
    assert ordeal.record.environment.sittings > 3


def test_kills_leave_no_temporary_files(ordeal: Ordeal) -> None:
    run_id = ordeal.record.spec.run_id
    assert ordeal.checkpoints_left == [f"{run_id}.lock"]
    assert ordeal.results_left == [f"{run_id}.json"]


# --- divergence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stretch", [1, 3])
@pytest.mark.parametrize(("step", "where"), [(0, (0, 0)), (5, (1, 1)), (11, (2, 3))])
def test_a_loss_that_is_not_finite_ends_the_run(stretch: int, step: int, where: tuple[int, int]) -> None:
    with simulated(World(stretch, nan_at=step)) as folder:
        final = train_in(folder, make_spec()).final
    assert final.status == "diverged"
    assert final.diverged_at == Stop(epoch=where[0], step=where[1])


def test_a_network_that_diverges_in_its_last_step_is_not_called_completed(tmp_path: Path) -> None:
    spec = make_spec(optimizer={"kind": "sgd", "learning_rate": 1e30}, train_images=32, batch_size=32, epochs=1)
    record = train_in(tmp_path, spec)
    assert np.isfinite(record.final.training.loss)
    assert record.final.diverged_at == Stop(epoch=0, step=1)


def test_a_network_that_diverges_leaves_a_readable_record(tmp_path: Path) -> None:
    spec = make_spec(optimizer={"kind": "sgd", "learning_rate": 1e30})
    record = train_in(tmp_path, spec)
    assert record.final.diverged_at == Stop(epoch=0, step=1)
    store = Store(tmp_path / "results")

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is not JSON")

    json.loads(store.path(spec).read_text(), parse_constant=refuse)
    again = store.load(spec)
    assert again is not None
    assert np.isnan(again.final.training.loss)
    assert again.final.test.accuracy == 0


# --- damage and full disks -------------------------------------------------------------------------------------------


def test_a_damaged_checkpoint_is_named_and_left_where_it_is() -> None:
    spec = make_spec()
    with simulated(World()) as folder:
        with pytest.raises(RunPausedError):
            train_in(folder, spec, **stop_after(2))
        path = Checkpoint(folder / "checkpoints", spec).path
        half = path.read_bytes()[:-100]
        path.write_bytes(half)
        with pytest.raises(DamagedFileError, match=f"{path} is damaged .*; delete it to start"):
            train_in(folder, spec)
        assert path.read_bytes() == half


def test_a_checkpoint_of_another_network_is_refused() -> None:
    spec = make_spec()
    with simulated(World()) as folder:
        checkpoint = Checkpoint(folder / "checkpoints", spec)
        checkpoint.save(Progress(), [np.zeros(2)])
        with pytest.raises(DamagedFileError, match=f"{checkpoint.path} is damaged"):
            train_in(folder, spec)


def failing_replace(error: int, folder: str) -> Callable[[Any, Any], None]:
    replace = os.replace

    def fail(source: Any, target: Any) -> None:
        if Path(target).parent.name == folder:
            raise OSError(error, os.strerror(error))
        replace(source, target)

    return fail


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS])
def test_a_record_that_cannot_be_written_costs_no_training(monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    spec, world = make_spec(), World()
    with simulated(world) as folder:
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", failing_replace(error, "results"))
            with pytest.raises(SkipnetsError, match=os.strerror(error)):
                train_in(folder, spec)
        assert os.listdir(folder / "results") == []
        steps = len(world.batches)
        record = train_in(folder, spec)
        assert len(world.batches) == steps
        assert record.history.training.epochs == (1, 2, 3)
        assert os.listdir(folder / "checkpoints") == [f"{spec.run_id}.lock"]
    with simulated(World()) as folder:
        assert results(record) == results(train_in(folder, spec))


def test_a_full_disk_keeps_the_last_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = make_spec()
    with simulated(World()) as folder:
        with pytest.raises(RunPausedError):
            train_in(folder, spec, **stop_after(2))

        def full(descriptor: int) -> NoReturn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(SkipnetsError, match="No space left on device"):
                train_in(folder, spec)
        names = sorted(os.listdir(folder / "checkpoints"))
        assert names == [f"{spec.run_id}.{kind}" for kind in ("lock", "tensorflow.npz")]
        saved = Checkpoint(folder / "checkpoints", spec).load()
        assert saved is not None
        assert saved[0].step == 2


@pytest.mark.parametrize("closed", ["results", "checkpoints"])
def test_a_folder_that_cannot_be_written_is_found_before_training(closed: str) -> None:
    world = World()
    with simulated(world) as folder:
        (folder / closed).write_text("a file in the folder's place")
        with pytest.raises(SkipnetsError, match=f"cannot write to {folder / closed}"):
            train_in(folder, make_spec())
    assert world.batches == []


# --- the engine ------------------------------------------------------------------------------------------------------


def engine_on(images: ImageSet, **changes: Any) -> KerasEngine:
    usual = {"architecture": {"kind": "residual_net", "depth": 8, "width": 4}, "optimizer": {"kind": "sgd"}}
    return KerasEngine(make_spec(**usual | changes), images)


@dataclass
class Step:
    """The state before one step of a plain net, what the step gave, and the state after it."""

    before: list[np.ndarray]
    given: StepResults
    after: list[np.ndarray]


@pytest.fixture(scope="module")
def plain_step() -> Step:
    engine = engine_on(few_images())
    return Step(engine.state(), engine.train(0, [np.arange(32)]), engine.state())


def test_a_step_reports_the_cross_entropy_without_the_weight_penalty(plain_step: Step) -> None:
    penalised = engine_on(few_images(), weight_decay=0.5)
    penalised.restore(plain_step.before)
    assert penalised.train(0, [np.arange(32)]).loss == pytest.approx(plain_step.given.loss, rel=1e-6)
    rate, kernel = 0.01, plain_step.before[0]
    assert penalised.state()[0] == pytest.approx(plain_step.after[0] - rate * 0.5 * kernel, abs=1e-6)


def test_integer_labels_give_the_step_of_one_hot_labels(plain_step: Step) -> None:
    integer = engine_on(few_images(), labels="integer")
    integer.restore(plain_step.before)
    given = integer.train(0, [np.arange(32)])
    assert given.loss == pytest.approx(plain_step.given.loss, rel=1e-6)
    assert given.correct.tolist() == plain_step.given.correct.tolist()
    assert integer.targets.shape == (100,)


@pytest.mark.usefixtures("few_synthetic_images")
def test_each_curve_is_measured_on_its_own_images_at_the_epochs_asked_for(tmp_path: Path) -> None:
    spec = make_spec(
        train_images=80,
        validation=0.2,
        epochs=4,
        evaluate_test_every=2,
        evaluate_training_every=3,
        optimizer={"kind": "sgd"},
    )
    record = train_in(tmp_path, spec, keep_weights=True)
    history, images = record.history, few_images()
    assert history.training.epochs == (1, 2, 3, 4)
    assert history.test.epochs == history.validation.epochs == (2, 4)
    assert history.training_inference.epochs == (3, 4)
    model = compiled_model(spec, images)
    model.set_weights(Store(tmp_path / "results").load_weights(record))
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for name, x, y in (
        ("training_inference", images.x_train[:64], images.y_train[:64]),
        ("validation", images.x_train[64:80], images.y_train[64:80]),
        ("test", images.x_test, images.y_test),
    ):
        outputs, last = model.predict_on_batch(x / np.float32(255)), getattr(history, name).last()
        assert last.loss == pytest.approx(float(entropy(y, outputs)), rel=1e-5), name
        assert last.accuracy == pytest.approx((outputs.argmax(axis=1) == y).mean(), rel=1e-6), name


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "rmsprop", "learning_rate": 0.02, "rho": 0.8, "momentum": 0.3, "epsilon": 1e-3},
        {"kind": "adam", "learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3},
        {"kind": "sgd", "learning_rate": 0.02, "momentum": 0.9, "nesterov": True},
    ],
    ids=lambda given: given["kind"],
)
def test_the_optimiser_is_the_specs(settings: dict[str, Any]) -> None:
    optimizer = make_optimizer(make_spec(optimizer=settings))
    settings = dict(settings)
    assert type(optimizer).__name__.lower() == settings.pop("kind")
    config = optimizer.get_config()
    assert {name: config[name] for name in settings} == pytest.approx(settings)


@pytest.mark.parametrize("loss", ["logits", "probabilities"])
def test_two_steps_are_nesterovs_by_hand(loss: str) -> None:
    """Gradients by TensorFlow, of the mean cross-entropy and of wd/2 |kernel|^2; the update by its formula."""
    images = few_images()
    engine = engine_on(
        images,
        architecture={"kind": "cnn", "output_dropout": 0},
        loss=loss,
        weight_decay=0.1,
        optimizer={"kind": "sgd", "momentum": 0.9, "nesterov": True},
    )
    engine.set_learning_rate(0.05)
    model = engine.model
    names = [v.path for v in model.trainable_variables]
    weights = [v.numpy().astype(np.float64) for v in model.trainable_variables]
    velocity = [np.zeros_like(w) for w in weights]
    twin = compiled_model(engine.spec, images)
    for batch in (np.arange(32), np.arange(32, 60)):
        for v, w in zip(twin.trainable_variables, weights, strict=True):
            v.assign(w)
        with tf.GradientTape() as tape:
            outputs = twin(images.x_train[batch] / np.float32(255), training=True)
            p = outputs if loss == "probabilities" else tf.nn.softmax(outputs)
            value = -tf.reduce_mean(tf.math.log(tf.gather(p, images.y_train[batch], axis=1, batch_dims=1)))
        gradients = tape.gradient(value, [v.value for v in twin.trainable_variables])
        given = engine.train(0, [batch])
        assert given.loss == pytest.approx(float(value), rel=1e-5)
        assert given.correct == (np.asarray(outputs).argmax(1) == images.y_train[batch]).sum()
        for i, (name, gradient) in enumerate(zip(names, gradients, strict=True)):
            g = np.asarray(gradient, np.float64) + 0.1 * weights[i] * name.endswith("kernel")
            velocity[i] = 0.9 * velocity[i] - 0.05 * g
            weights[i] = weights[i] + 0.9 * velocity[i] - 0.05 * g
    for name, found, expected in zip(names, model.trainable_variables, weights, strict=True):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_killed_run_loses_at_most_half_a_minute_and_one_step() -> None:
    world, spec = World(step_seconds=7), make_spec(epochs=10)
    lost: list[float] = []
    with simulated(world) as folder:

        def report(progress: Progress) -> None:
            saved = Checkpoint(folder / "checkpoints", spec).load()
            kept = 0 if saved is None else 4 * saved[0].epoch + saved[0].step
            lost.append(world.clock.now - 7 * kept)

        record = train_in(folder, spec, report=report)
    assert 30 < max(lost) <= 30 + 7
    assert record.environment.epoch_seconds == (28,) * 10


def test_a_run_that_another_process_finished_meanwhile_is_not_trained_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world, spec, lock = World(), make_spec(), training.exclusive
    with simulated(world) as folder:
        record = train_in(folder / "elsewhere", spec)
        steps = len(world.batches)

        @contextmanager
        def late(*arguments: Any, **options: Any) -> Iterator[None]:
            Store(folder / "results").save(record)
            with lock(*arguments, **options):
                yield

        monkeypatch.setattr(training, "exclusive", late)
        assert train_in(folder, spec) == record
        assert len(world.batches) == steps


def test_a_diverged_run_is_not_trained_again_for_weights() -> None:
    world, spec = World(nan_at=2), make_spec()
    with simulated(world) as folder:
        record = train_in(folder, spec, keep_weights=True)
        steps = len(world.batches)
        assert train_in(folder, spec, keep_weights=True).to_json() == record.to_json()
        assert len(world.batches) == steps
        assert not (folder / "results" / "weights").exists()
