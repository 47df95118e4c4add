"""What chapters work on: tidy frames of records, and what is missing."""

from pathlib import Path

import pytest

from factory import diverged, made_up_record
from skipnets.errors import BadInputError, RunBusyError, SkipnetsError
from skipnets.experiments import Experiment, cnn_vs_resnet
from skipnets.records import RunRecord, Store
from skipnets.results import load_results, single_run_differences
from skipnets.specs import RunSpec


@pytest.fixture
def grid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Experiment:
    monkeypatch.setenv("SKIPNETS_LOCAL_RESULTS", str(tmp_path))
    return cnn_vs_resnet(image_set="synthetic", epochs=30, samples=64, test_samples=50, seeds=[0, 1]).select(
        ["cnn", "resnet"]
    )


def test_frames_hold_every_epoch_and_every_run(grid: Experiment) -> None:
    for cell, accuracy in (("cnn", 0.4), ("resnet", 0.5)):
        for spec in grid.cell(cell).specs():
            grid.store.save(made_up_record(spec, test_accuracy=accuracy + spec.seed / 10))
    results = load_results(grid)
    curves, outcomes = results.curves(), results.outcomes()
    assert len(curves[(curves.cell == "cnn") & (curves.measure == "test")]) == 2 * 30
    assert outcomes.groupby("cell").test_accuracy.mean().to_dict() == {
        "cnn": pytest.approx(0.45),
        "resnet": pytest.approx(0.55),
    }
    assert single_run_differences(results, "resnet", "cnn", "test_accuracy").tolist() == pytest.approx(
        [0, 0.1, 0.1, 0.2]
    )
    for epochs, middle in ((200, 175.5), (80, 60.5), (1, 1)):  # of epochs 151 to 200, 41 to 80, and of the only one
        rising = made_up_record(grid.cell("cnn").spec.model_copy(update={"epochs": epochs}))
        assert rising.late("training", "accuracy") == pytest.approx(0.9 * middle / epochs)
    assert results.missing == []


def test_what_is_not_recorded_is_missing_and_never_trained_unasked(grid: Experiment) -> None:
    grid.store.save(made_up_record(grid.cell("cnn").spec))
    results = load_results(grid)
    assert results.seeds() == {"cnn": (0,)}
    assert [(cell.name, spec.seed) for cell, spec in results.missing] == [("resnet", 0), ("cnn", 1), ("resnet", 1)]
    assert results.curves(["resnet"]).empty
    assert results.by_seed("cnn_tanh", "test_accuracy") == {}  # a cell of the book that this rerun leaves out
    with pytest.raises(BadInputError, match="cnn_vs_resnet has no cell 'rnn'; its cells: cnn, resnet, resnet_no_skips"):
        results.outcomes(["cnn", "rnn"])
    assert len(list(grid.store.folder.iterdir())) == 1


def test_a_busy_or_failing_run_does_not_keep_a_chapter_from_training_the_others(
    grid: Experiment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (_, busy), (_, failing) = grid.missing()[:2]
    trouble: dict[RunSpec, SkipnetsError] = {busy: RunBusyError("held elsewhere")}

    def train(spec: RunSpec, store: Store, *others: object) -> RunRecord:
        if spec in trouble:
            raise trouble[spec]
        store.save(record := made_up_record(spec))
        return record

    monkeypatch.setattr("skipnets.training.train", train)
    assert load_results(grid.select(["cnn"]), train_missing=True).missing == [(grid.cell("cnn"), busy)]
    trouble[failing] = SkipnetsError("disk full")
    with pytest.raises(SkipnetsError, match="not every run of cnn_vs_resnet"):
        load_results(grid, train_missing=True)
    assert "disk full" in capsys.readouterr().err
    assert [spec for _, spec in grid.missing()] == [busy, failing]


def test_a_diverged_run_ends_its_curves_and_leaves_the_means(grid: Experiment) -> None:
    first, second = grid.cell("cnn").specs()
    grid.store.save(made_up_record(first, test_accuracy=0.4))
    grid.store.save(diverged(made_up_record(second, test_accuracy=0.0), epoch=12))
    results = load_results(grid)
    assert results.diverged("cnn") == {1: 12}
    assert results.by_seed("cnn", "test_accuracy") == {0: pytest.approx(0.4)}
    assert results.describe("cnn", "test_accuracy") == "0.400 (one seed); 1 diverged"
    curves = results.curves(["cnn"])
    assert curves[(curves.seed == 1) & (curves.measure == "test")].epoch.max() == 12
