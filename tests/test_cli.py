"""The `skipnets` command: what it prints, its exit codes, and what it leaves on disk."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import keras
import pytest

from factory import made_up_record
from skipnets import cli, datasets, workers
from skipnets.checkpoints import Checkpoint
from skipnets.experiments import Cell, Experiment, cnn_vs_resnet
from skipnets.files import exclusive
from skipnets.records import RunRecord, Store
from skipnets.specs import RunSpec, parse_spec

Run = Callable[..., tuple[int, str, str]]

#: A run of seconds: 422 weights, two steps an epoch.
TINY = ["train", "--architecture", "plain_net", "--arg", "depth=8", "--arg", "width=2", "--arg", "batch_norm=false",
        "--samples", "64", "--set", "test_images=32", "--set", "batch_size=32"]  # fmt: skip
TINY_SPEC = parse_spec(
    {
        "architecture": {"kind": "plain_net", "depth": 8, "width": 2, "batch_norm": False},
        "image_set": "synthetic",
        "train_images": 64,
        "test_images": 32,
        "optimizer": {"kind": "rmsprop"},
        "batch_size": 32,
        "epochs": 2,
    }
)


@pytest.fixture(scope="module", autouse=True)
def synthetic_once() -> Iterator[None]:
    """Generate the synthetic images once instead of once a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "synthetic", cache(datasets.synthetic))
        yield


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder in which everything that a command writes must land."""
    monkeypatch.setattr("skipnets.experiments.grid.RESULTS", tmp_path / "committed")
    monkeypatch.setenv("SKIPNETS_LOCAL_RESULTS", str(tmp_path / "local"))
    monkeypatch.setenv("SKIPNETS_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("SKIPNETS_DATA", str(tmp_path / "images"))
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, printed.out, printed.err

    return call


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def records_in(folder: Path) -> list[RunRecord]:
    return [RunRecord.from_json(path.read_bytes()) for path in sorted(folder.glob("*.json"))]


# --- networks and image sets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "total"),
    [
        (["cnn"], "parameters 418,794, trainable 418,794"),
        (["resnet", "--arg", "skips=false"], "parameters 223,242, trainable 223,242"),
        (["resnet", "--image-shape", "28,28,1", "--classes", "7"], "parameters 221,895, trainable 221,895"),
        (["residual_net", "--arg", "depth=8", "--arg", "width=4"], "parameters 5,126, trainable 5,006"),
    ],
)
def test_summary_ends_with_the_totals(run: Run, arguments: list[str], total: str) -> None:
    code, printed, _ = run("summary", *arguments)
    assert code == 0
    assert printed.splitlines()[-1] == total


def test_summary_shows_every_layer_with_its_connections(run: Run) -> None:
    _, printed, _ = run("summary", "resnet")
    rows = [re.split(r"\s*│\s*", line)[1:-1] for line in printed.splitlines() if line.startswith("│")]
    assert len(rows) == 15
    assert ["unit2_add", "Add", "(None, 9, 9, 64)", "0", "unit2_conv2, unit1_add"] in rows
    assert sum(int(row[3].replace(",", "")) for row in rows) == 223_242


def test_names_are_printed_whole_through_a_pipe(run: Run) -> None:
    assert "stage3_unit1_conv2_norm" in run("summary", "residual_net", "--arg", "depth=8")[1]
    assert "resnet_no_skips_dropout_0 " in run("status")[1]


def test_data_verify_prints_shapes_and_fingerprints(run: Run) -> None:
    code, printed, _ = run("data", "verify", "synthetic")
    assert code == 0
    assert "synthetic: 10 classes" in printed
    assert "(3000, 32, 32, 3)" in printed
    for fingerprint in datasets.synthetic().fingerprints().values():
        assert fingerprint in printed


def test_a_damaged_image_set_is_a_failure(run: Run, folder: Path) -> None:
    (folder / "images").mkdir()
    (folder / "images" / "mine.npz").write_bytes(b"PK\x03\x04 and then nothing")
    code, _, error = run("data", "verify", "mine")
    assert code == 1
    assert "mine.npz is damaged" in error


# --- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["summary", "lstm"], ["kind", "'lstm'", "'cnn', 'resnet'"]),
        (["summary", "cnn", "--arg", "output_droput=0.1"], ["output_droput", "0.1", "output_dropout"]),
        (["summary", "cnn", "--arg", "output_dropout=1.5"], ["output_dropout", "1.5", "less than 1"]),
        (["summary", "cnn", "--arg", "output_dropout"], ["'output_dropout'", "name=value"]),
        (["summary", "resnext", "--arg", "depth=12"], ["depth", "12", "9n+2"]),
        (["summary", "cnn", "--image-shape", "32x32"], ["image shape", "'32x32'", "32,32,3"]),
        (["summary", "cnn", "--image-shape", "32,-32,3"], ["image shape", "'32,-32,3'", "above 0"]),
        (["summary", "cnn", "--image-shape", "4,4,3"], ["(4, 4, 3)", "too small for a CNN"]),
        (["summary", "cnn", "--classes", "1"], ["--classes", "greater than or equal to 2"]),
        (["train"], ["a spec file, --experiment, --architecture"]),
        (["train", "spec.json", "--experiment", "cnn_vs_resnet"], ["one of"]),
        (["train", "nowhere.json"], ["nowhere.json", "No such file"]),
        (["train", "--experiment", "dense_nets"], ["'dense_nets'", "cnn_vs_resnet"]),
        (["train", "--experiment", "cnn_vs_resnet", "--cells", "cnn,rnn"], ["'rnn'", "cnn, resnet"]),
        (["train", "--experiment", "cnn_vs_resnet", "--set", "seed=1"], ["--set", "--architecture"]),
        (["train", "--experiment", "cnn_vs_resnet", "--results", "x"], ["--results", "single run"]),
        (["train", "--architecture", "cnn", "--cells", "cnn"], ["--cells", "--experiment"]),
        ([*TINY, "--epochs", "0"], ["--epochs", "greater than or equal to 1"]),
        (["summary", "cnn", "--arg", "kind=resnet"], ["kind 'resnet'", "'cnn'"]),
        (["summary", "join_net", "--arg", "kernels=true"], ["kernels", "True", "number"]),
        ([*TINY, "--seeds", "4-2"], ["seeds", "'4-2'", "0-4"]),
        ([*TINY, "--seeds", ""], ["seeds", "''", "0-4"]),
        ([*TINY, "--seeds", "0-300000000"], ["seeds", "'0-300000000'", "300,000,001", "at most 10,000"]),
        ([*TINY, "--budget", ""], ["duration", "''", "90s"]),
        ([*TINY, "--seeds", "1", "--set", "seed=2"], ["given twice", "--seeds", "--set", "seed"]),
        ([*TINY, "--seeds", "4294967296"], ["seed", "4294967296", "less than"]),
        ([*TINY, "--budget", "90"], ["duration", "'90'", "90s"]),
        ([*TINY, "--test-samples", "32"], ["given twice", "--set", "test_images"]),
        ([*TINY, "--jobs", "0"], ["--jobs", "greater than or equal to 1"]),
        ([*TINY, "--image-set", "../x"], ["image_set", "'../x'"]),
        ([*TINY, "--set", "optimizer=adam"], ["optimizer", "'adam'", "dictionary"]),
        ([*TINY, "--set", "optimizer.kind=adagrad"], ["optimizer.kind", "'adagrad'", "'adam'"]),
        ([*TINY, "--set", "optimizer.lr=0.1"], ["optimizer.rmsprop.lr", "0.1", "learning_rate"]),
        ([*TINY, "--set", "architecture.kind=cnn"], ["--set architecture", "--arg"]),
        ([*TINY, "--set", "colour=red"], ["colour", "'red'", "image_set"]),
        (["status", "--experiment", ""], ["''", "cnn_vs_resnet"]),
        (["status", "--experiment", "dense_nets"], ["'dense_nets'", "cnn_vs_resnet"]),
        (["data", "verify", "svhn"], ["'svhn'", "SKIPNETS_DATA"]),
        (["data", "verify", "../x"], ["'../x'", "letters"]),
        (["data", "fetch", "svhn"], ["'svhn'", "mnist, cifar10, cifar100"]),
    ],
    ids=" ".join,
)
def test_bad_input_is_named_and_nothing_is_written(
    run: Run, folder: Path, arguments: list[str], said: list[str]
) -> None:
    code, printed, error = run(*arguments)
    assert code == 2
    assert printed == ""
    assert "Traceback" not in error
    for words in said:
        assert words in error
    assert files(folder) == []


def test_an_unknown_image_set_leaves_no_record(run: Run, folder: Path) -> None:
    code, _, error = run(*TINY, "--image-set", "svhn")
    assert code == 2
    assert "image set 'svhn': there is no" in error
    assert not [name for name in files(folder) if name.endswith((".json", ".npz"))]


def test_too_few_images_are_bad_input(run: Run) -> None:
    code, _, error = run(*TINY, "--samples", "4000")
    assert code == 2
    assert "has 3000 train images, 4000 are needed" in error


# --- training ----------------------------------------------------------------------------------------------------


def test_a_run_is_trained_once(run: Run, folder: Path) -> None:
    command = [*TINY, "--epochs", "2", "--seeds", "0,3"]
    code, printed, _ = run(*command)
    assert code == 0
    assert "plain_net, seed 3: 2 epochs" in printed
    assert "2 of 2 runs recorded" in printed
    store = Store(folder / "local" / "runs")
    assert {record.spec for record in records_in(store.folder)} == {TINY_SPEC, TINY_SPEC.with_seed(3)}
    assert not list((folder / "checkpoints").glob("*.npz"))
    before = {path: path.read_bytes() for path in store.folder.iterdir()}
    code, printed, _ = run(*command)
    assert code == 0
    assert "2 of 2 runs recorded" in printed
    assert {path: path.read_bytes() for path in store.folder.iterdir()} == before


def test_a_spec_file_is_trained_and_flags_win(run: Run, folder: Path) -> None:
    path = folder / "spec.json"
    path.write_text(TINY_SPEC.model_dump_json())
    code, _, _ = run("train", str(path), "--epochs", "1", "--results", str(folder / "mine"))
    assert code == 0
    (record,) = records_in(folder / "mine")
    assert record.spec == TINY_SPEC.model_copy(update={"epochs": 1})


def test_an_experiment_at_another_scale_is_recorded_apart(run: Run, folder: Path) -> None:
    scale = {"image_set": "synthetic", "samples": 64, "test_samples": 32, "batch_size": 16, "epochs": 1, "seeds": [1]}
    code, printed, _ = run("train", "--experiment", "cnn_vs_resnet", "--cells", "resnet", "--image-set", "synthetic",
                           "--samples", "64", "--test-samples", "32", "--batch-size", "16", "--epochs", "1",
                           "--seeds", "1")  # fmt: skip
    assert code == 0
    assert "ResNet, seed 1: 1 epochs" in printed
    (record,) = cnn_vs_resnet(**scale).records()["resnet"]
    assert record.spec.seed == 1
    assert not (folder / "committed").exists()


def test_a_budget_pauses_and_the_same_command_goes_on(run: Run, folder: Path) -> None:
    command = [*TINY, "--epochs", "2"]
    code, printed, _ = run(*command, "--budget", "1s")
    assert code == 0
    assert "paused in epoch 1 of 2; the same command goes on from there" in printed
    assert "1 of 1 runs left" in printed
    assert Checkpoint(folder / "checkpoints", TINY_SPEC).path.exists()
    assert run(*command)[0] == 0
    (record,) = records_in(folder / "local" / "runs")
    assert record.environment.sittings == 2


def test_a_run_paused_for_one_folder_is_left_alone_by_another(run: Run, folder: Path) -> None:
    command = [*TINY, "--epochs", "2", "--results"]
    run(*command, str(folder / "one"), "--budget", "1s")
    paused = Checkpoint(folder / "one" / "checkpoints", TINY_SPEC).path
    before = paused.read_bytes()
    assert run(*command, str(folder / "other"))[0] == 0
    (record,) = records_in(folder / "other")
    assert record.environment.sittings == 1
    assert paused.read_bytes() == before


def test_one_damaged_run_does_not_stop_the_others(run: Run, folder: Path) -> None:
    damaged = Checkpoint(folder / "checkpoints", TINY_SPEC).path
    damaged.parent.mkdir()
    damaged.write_bytes(b"not a checkpoint")
    code, printed, error = run(*TINY, "--epochs", "2", "--seeds", "0,1")
    assert code == 1
    assert f"checkpoint {damaged} is damaged" in error
    assert "1 of 2 runs recorded" in printed
    assert [record.spec.seed for record in records_in(folder / "local" / "runs")] == [1]


def test_nothing_is_started_where_nothing_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(*TINY, "--epochs", "2")[0] == 0
    monkeypatch.setattr(workers, "load_keras", lambda: pytest.fail("a backend was started"))
    code, printed, _ = run(*TINY, "--epochs", "2")
    assert code == 0
    assert "1 of 1 runs recorded" in printed


def test_a_run_that_another_process_trains_is_passed_over(run: Run, folder: Path) -> None:
    with exclusive(Checkpoint(folder / "checkpoints", TINY_SPEC).lock, busy=""):
        code, printed, _ = run(*TINY, "--epochs", "2")
    assert code == 0
    assert "0 of 1 runs recorded" in printed
    assert "1 busy elsewhere" in printed


def damaged_record(store: Store, spec: RunSpec) -> Path:
    path = store.save(made_up_record(spec))
    path.write_text(path.read_text().replace('"seconds": 60.0', '"seconds": 6.0'))
    return path


def test_a_damaged_record_is_a_failure_that_names_it_and_does_not_stop_the_others(run: Run, folder: Path) -> None:
    store = Store(folder / "local" / "runs")
    path = damaged_record(store, TINY_SPEC)
    code, printed, error = run(*TINY, "--epochs", "2", "--seeds", "0,1")
    assert code == 1
    assert f"{path} was changed after it was written" in error
    assert "1 of 2 runs recorded" in printed
    assert store.load(TINY_SPEC.with_seed(1)) is not None


def test_a_damaged_record_does_not_stop_an_experiment(run: Run, small: Experiment) -> None:
    path = damaged_record(small.store, TINY_SPEC)
    code, printed, error = run("train", "--experiment", "small", "--cells", "one,two")
    assert code == 1
    assert f"{path} was changed" in error
    assert "2 of 3 runs recorded" in printed
    assert f"{TINY_SPEC.with_seed(2).run_id}.json" in files(small.store.folder)
    code, printed, _ = run("status", "--experiment", "small")
    assert code == 0
    (row,) = (line for line in printed.splitlines() if line.startswith("│ one "))
    assert [word for word in row.split() if word != "│"][:7] == ["one", "2", "1", "0", "0", "0", "1"]


def test_a_budget_that_ends_after_a_failure_is_one(run: Run, folder: Path) -> None:
    damaged_record(Store(folder / "local" / "runs"), TINY_SPEC)
    code, printed, _ = run(*TINY, "--epochs", "2", "--seeds", "0,1", "--budget", "1s")
    assert code == 1
    assert "paused in epoch 1 of 2" in printed
    assert "2 of 2 runs left; 0 busy elsewhere, 1 failed" in printed


# --- several processes and Ctrl-C --------------------------------------------------------------------------------


def test_jobs_share_the_runs(run: Run, folder: Path) -> None:
    command = [*TINY, "--epochs", "1", "--seeds", "0-1", "--results", str(folder / "mine")]
    assert run(*command, "--jobs", "2", "--budget=10m")[0] == 0
    assert sorted(record.spec.seed for record in records_in(folder / "mine")) == [0, 1]


def test_no_more_workers_start_than_runs_are_missing(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def run_workers(jobs: int, command: list[str], stop: threading.Event) -> int:
        started.append(jobs)
        return 0

    monkeypatch.setattr(cli, "run_workers", run_workers)
    command = [*TINY, "--epochs", "2", "--seeds", "0-2", "--jobs", "4"]
    store = Store(folder / "local" / "runs")
    run(*command)
    damaged_record(store, TINY_SPEC)  # which no worker would train
    run(*command)
    assert started == [3, 2]
    run(*command, "--weights")
    assert started.pop() == 3
    store.save(made_up_record(TINY_SPEC))
    for seed in (1, 2):
        store.save(made_up_record(TINY_SPEC.with_seed(seed)))
    assert run(*command)[1].count("3 of 3 runs recorded") == 1
    assert started == [3, 2]


def test_a_workers_command_is_this_one_for_a_single_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.time, "monotonic", lambda: 1000.0)
    command = ["train", "spec.json", "--jobs", "2", "--seeds=0-4", "--budget=1h", "--epochs", "3"]
    assert cli._worker_command(command, float("inf")) == ["train", "spec.json", "--seeds=0-4", "--epochs", "3"]
    *same, option, left = cli._worker_command(command, 1100.0)
    assert same == ["train", "spec.json", "--seeds=0-4", "--epochs", "3"]
    assert (option, left) == ("--budget", "100s")


def test_ctrl_c_saves_exits_130_and_says_how_to_go_on(folder: Path) -> None:
    command = [*TINY, "--epochs", "100000", "--seeds", "0-1", "--results", str(folder / "mine")]
    with subprocess.Popen(
        [sys.executable, "-m", "skipnets.cli", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "seed 0: 100000 epochs" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        printed, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert re.search(r"paused in epoch \d+ of 100000; the same command goes on from there", printed)
    assert "2 of 2 runs left" in printed
    assert "Traceback" not in error
    assert Checkpoint(folder / "mine" / "checkpoints", TINY_SPEC.model_copy(update={"epochs": 100_000})).path.exists()
    assert records_in(folder / "mine") == []


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 2", 2), ("kill -9 $$", 1)])
def test_the_worst_exit_code_of_the_workers_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, code: int
) -> None:
    monkeypatch.setattr(workers.sys, "executable", worker_in(tmp_path, script))
    assert workers.run_workers(2, [], threading.Event()) == code


def worker_in(folder: Path, script: str) -> str:
    """Write an executable that runs ``script``, whatever it is called with; return its path."""
    worker = folder / "worker"
    worker.write_text(f"#!/bin/sh\n{script}\n")
    worker.chmod(0o755)
    return str(worker)


def waits_to_be_asked(log: Path) -> str:
    """Return a script that ends half a second after it was asked to, and logs how often it was."""
    asked = f"trap 'echo asked >> {log}; asked=1' TERM"
    return f"{asked}\necho up >> {log}\nuntil [ $asked ]; do sleep 0.1; done\n{'sleep 0.1; ' * 5}"


def test_workers_are_asked_to_stop_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    monkeypatch.setattr(workers.sys, "executable", worker_in(tmp_path, waits_to_be_asked(log)))

    class OnceBothAreUp(threading.Event):
        def is_set(self) -> bool:
            return log.read_text().count("up") == 2

    assert workers.run_workers(2, [], OnceBothAreUp()) == 130
    assert sorted(log.read_text().split()) == ["asked", "asked", "up", "up"]


def test_workers_are_asked_to_stop_when_their_parent_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    script = (
        f"import sys, threading; sys.executable = {worker_in(tmp_path, waits_to_be_asked(log))!r}; "
        "from skipnets.workers import run_workers; run_workers(1, [], threading.Event())"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as parent:
        await_word(log, "up")
        parent.kill()
    await_word(log, "asked")


def await_word(log: Path, word: str) -> None:
    """Return once ``word`` is in the file."""
    end = time.monotonic() + 60
    while word not in log.read_text():
        assert time.monotonic() < end, f"{word!r} is not in {log.read_text()!r}"
        time.sleep(0.05)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_workers_have_cores_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "log"
    worker = worker_in(tmp_path, f"grep Cpus_allowed_list /proc/self/status >> {log}")
    monkeypatch.setattr(workers.sys, "executable", worker)
    assert workers.run_workers(2, [], threading.Event()) == 0
    cores = sorted(os.sched_getaffinity(0))
    shares = {",".join(map(str, cores[number::2])) for number in (0, 1)}
    assert {line.split()[1] for line in log.read_text().splitlines()} == shares


def test_a_second_ctrl_c_interrupts() -> None:
    before = signal.getsignal(signal.SIGINT)
    with workers.stop_on_signal() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)  # a scheduler's, which may come twice
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


# --- status ------------------------------------------------------------------------------------------------------


def test_status_as_json_counts_every_run(run: Run) -> None:
    experiment = cnn_vs_resnet()
    first, second, *_ = experiment.cell("resnet").specs()
    experiment.store.save(made_up_record(first, test_accuracy=0.5))
    experiment.store.save(made_up_record(second, test_accuracy=0.4))
    code, printed, _ = run("status", "--json")
    assert code == 0
    rows = {row["cell"]: row for row in json.loads(printed)["cnn_vs_resnet"]}
    assert list(rows) == [cell.name for cell in experiment.cells]
    assert rows["resnet"]["recorded"] == [0, 1]
    assert rows["resnet"]["missing"] == [2, 3, 4]
    assert rows["resnet"]["test_accuracy"] == pytest.approx(0.45)
    assert sum(len(row["seeds"]) for row in rows.values()) == len(list(experiment.runs()))


def test_a_folder_of_checkpoints_is_where_runs_pause_and_where_status_looks(
    run: Run, folder: Path, small: Experiment
) -> None:
    mine = ("--checkpoints", str(folder / "mine"))
    assert run("train", "--experiment", "small", "--cells", "two", "--budget", "1s", *mine)[0] == 0
    assert Checkpoint(folder / "mine", TINY_SPEC.with_seed(2)).path.exists()
    for options, paused in ((mine, [2]), ((), [])):
        printed = run("status", "--experiment", "small", "--json", *options)[1]
        assert [row["in_progress"] for row in json.loads(printed)["small"]] == [[], paused, []]


def test_status_as_a_table(run: Run) -> None:
    experiment = cnn_vs_resnet()
    experiment.store.save(made_up_record(experiment.cell("cnn").spec, test_accuracy=0.45))
    code, printed, _ = run("status", "--experiment", "cnn_vs_resnet")
    assert code == 0
    (row,) = (line for line in printed.splitlines() if line.startswith("│ cnn "))
    assert [word for word in row.split() if word != "│"] == ["cnn", "5", "1", "0", "0", "4", "0", "0.450"]


def test_a_spec_of_the_command_line_is_the_spec_of_a_file(tiny_spec: RunSpec, tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(tiny_spec.model_dump_json())
    flags = [f"{name}={value}" for name, value in (("test_images", 40), ("batch_size", 32), ("seed", 3))]
    flags.append("evaluate_training_every=2")
    assert cli._single_spec(path, None, None, None, {}) == tiny_spec
    scale = {"image_set": "synthetic", "samples": 100, "epochs": 3}
    assert cli._single_spec(None, "resnet", None, flags, scale) == tiny_spec
    scale |= {"test_samples": 40, "batch_size": 32}
    assert cli._single_spec(None, "resnet", None, flags[2:], scale) == tiny_spec


# --- measurements ------------------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Return an experiment of runs of seconds, which every command takes for the one it is asked for."""
    join_net = {"kind": "join_net", "depth": 3, "kernels": 2, "join": "sum", "dense_units": 4}
    joined = parse_spec(TINY_SPEC.model_dump() | {"architecture": join_net, "epochs": 1, "loss": "probabilities"})
    cells = (
        Cell("one", "One", TINY_SPEC, (0, 1)),
        Cell("two", "Two", TINY_SPEC, (2,)),
        Cell("joined", "Joined", joined, (0,)),
    )
    experiment = Experiment("small", "Small", cells)
    monkeypatch.setattr(cli, "find_experiment", lambda name, seeds=None: experiment)
    return experiment


def all_measured(grid: Experiment) -> str:
    return f"All of it is measured already, in {grid.measurements.folder}.\n"


def test_first_steps_are_measured_once(run: Run, folder: Path, small: Experiment) -> None:
    command = ["measure", "first-steps", "--cells", "one", "--steps", "3", "--images", "8"]
    code, printed, _ = run(*command)
    assert code == 0
    paths = [Path(line) for line in printed.splitlines()]
    names = [f"{TINY_SPEC.with_seed(seed).run_id}-first3.json" for seed in (0, 1)]
    assert paths == [folder / "committed" / "small" / "measurements" / name for name in names]
    found = small.measurements.first_steps(TINY_SPEC, 3)
    assert found is not None
    assert (len(found.loss), found.images) == (3, 8)
    assert run(*command) == (0, "", all_measured(small))
    code, _, error = run(*command[:-1], "9")
    assert code == 2
    assert f"--images 9: {names[0]} was measured with 8; delete" in error


def test_states_are_measured_once_and_the_last_from_kept_weights(run: Run, small: Experiment) -> None:
    command = ["measure", "states", "--cells", "two", "--images", "8", "--probes", "1", "--steps", "2", "--epochs"]
    code, printed, _ = run(*command, "0,1")
    assert code == 0
    spec = TINY_SPEC.with_seed(2)
    assert [Path(line).name for line in printed.splitlines()] == [
        f"{spec.run_id}-epoch{epoch}.json" for epoch in (0, 1)
    ]
    assert run(*command, "0,1") == (0, "", all_measured(small))
    assert run("train", "--experiment", "small", "--cells", "two", "--weights")[0] == 0
    assert run(*command, "0-2")[0] == 0
    first, last = small.measurements.state(spec, 0), small.measurements.state(spec, 2)
    assert first is not None
    assert last is not None
    assert (last.images, last.probes, last.steps) == (8, 1, 2)
    assert last.weights != first.weights


def test_joins_are_measured_once(run: Run, small: Experiment) -> None:
    command = ["measure", "joins", "--cells", "joined", "--images", "16"]
    assert run(*command)[0] == 0
    found = small.measurements.joined_maps(small.cell("joined").spec)
    assert found is not None
    assert (found.images, len(found.without)) == (16, 4)
    assert run(*command) == (0, "", all_measured(small))
    assert small.missing() == list(small.runs())


def test_what_other_processes_train_or_have_measured_is_passed_over(run: Run, folder: Path, small: Experiment) -> None:
    scratch = folder / "local" / "states" / "checkpoints"
    held = Checkpoint(scratch, TINY_SPEC.shortened(1)).lock
    command = ["measure", "states", "--cells", "one", "--epochs", "1", "--images", "8", "--probes", "1", "--steps", "2"]
    with exclusive(held, busy=""):
        code, printed, error = run(*command)
    assert (code, len(printed.splitlines())) == (0, 1)
    assert error == f"{TINY_SPEC.shortened(1).run_id} is being trained by another process\n"
    assert small.measurements.state(TINY_SPEC, 1) is None

    cli._measure(small, [("one", lambda: object(), ())], lambda: None, lambda: pytest.fail("measured again"))  # type: ignore[list-item, return-value]


def test_step_times_are_those_of_three_optimisers(run: Run, small: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "parse_architecture", lambda kind, arguments: TINY_SPEC.architecture)
    command = ["measure", "step-times", "plain_net", "--rounds"]
    code, printed, _ = run(*command, "2")
    assert code == 0
    found = small.measurements.step_times("plain_net")
    assert found is not None
    assert printed.strip() == str(small.measurements.folder / found.file_name)
    assert {kind: len(seconds) for kind, seconds in found.cpu_seconds.items()} == dict.fromkeys(
        ("rmsprop", "adam", "sgd"), 2
    )
    assert run(*command, "2") == (0, "", all_measured(small))
    code, _, error = run(*command, "3")
    assert code == 2
    assert f"--rounds 3: {found.file_name} was measured with 2; delete" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["states", "--cells", "one", "--epochs", "0,3", "--images", "8"], "epoch 3: expected 0 to 2"),
        (["states", "--cells", "one", "--epochs", "0-2", "--images", "8"], "no final weights of"),
        (["states", "--cells", "one,joined", "--epochs", "0", "--images", "8"], "loss 'probabilities' of"),
        (["states", "--cells", "one", "--epochs", "0", "--images", "65"], "images 65: expected 1 to 64"),
        (["joins", "--cells", "joined,one", "--images", "8"], "expected a net that concatenates or sums"),
        (["joins", "--cells", "joined", "--images", "33"], "images 33: expected 2 to 32"),
        (["first-steps", "--cells", "one,joined", "--steps", "1", "--images", "8"], "architecture 'join_net'"),
        (["first-steps", "--cells", "one", "--steps", "5", "--images", "8"], "steps 5: expected 1 to 4"),
    ],
    ids=lambda given: given if isinstance(given, str) else " ".join(given),
)
def test_what_cannot_be_measured_is_found_before_anything_is(
    run: Run, folder: Path, small: Experiment, arguments: list[str], said: str
) -> None:
    code, printed, error = run("measure", *arguments)
    assert (code, printed) == (2, "")
    assert said in error
    assert files(folder) == []


@pytest.mark.parametrize(
    ("command", "what"),
    [(["states", "--epochs", "0,1"], "a state"), (["first-steps", "--steps", "1"], "first steps")],
)
def test_another_backend_is_refused_before_anything_is_trained(
    run: Run, folder: Path, small: Experiment, monkeypatch: pytest.MonkeyPatch, command: list[str], what: str
) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    code, printed, error = run("measure", *command, "--cells", "one", "--images", "8")
    assert (code, printed) == (2, "")
    assert f"backend 'jax': {what} needs KERAS_BACKEND=tensorflow" in error
    assert files(folder) == []


def test_data_fetch_refuses_a_damaged_copy(run: Run, folder: Path) -> None:
    (folder / "images").mkdir()
    (folder / "images" / "cifar10.npz").write_bytes(b"garbage")
    code, printed, error = run("data", "fetch", "cifar10")
    assert (code, printed) == (1, "")
    assert "cifar10.npz is damaged" in error
