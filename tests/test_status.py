"""The status of an experiment: every run is recorded or missing, and nothing else is counted."""

from pathlib import Path

import pytest

from factory import diverged, made_up_record
from skipnets.checkpoints import Checkpoint, Progress
from skipnets.experiments import Experiment, cnn_vs_resnet
from skipnets.status import CellStatus, experiment_status


@pytest.fixture
def grid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Experiment:
    monkeypatch.setenv("SKIPNETS_LOCAL_RESULTS", str(tmp_path))
    return cnn_vs_resnet(image_set="synthetic", epochs=4, samples=64, test_samples=20, seeds=[0, 1, 2])


def rows(grid: Experiment, checkpoints: Path) -> dict[str, CellStatus]:
    return {row.cell: row for row in experiment_status(grid, checkpoints)}


def test_before_the_first_run_everything_is_missing(grid: Experiment, checkpoints: Path) -> None:
    found = experiment_status(grid, checkpoints)
    assert [row.cell for row in found] == [cell.name for cell in grid.cells]
    for row in found:
        assert (row.seeds, row.missing) == ([0, 1, 2], [0, 1, 2])
        assert (row.recorded, row.diverged, row.in_progress, row.damaged, row.test_accuracy) == ([], [], [], [], None)


def test_runs_are_counted_where_they_belong(grid: Experiment, checkpoints: Path) -> None:
    first, second, third = grid.cell("resnet").specs()
    grid.store.save(made_up_record(first, test_accuracy=0.5))
    grid.store.save(diverged(made_up_record(second, test_accuracy=0.0), epoch=3))
    Checkpoint(checkpoints, third).save(Progress(epoch=1), [])
    row = rows(grid, checkpoints)["resnet"]
    assert row.recorded == [0, 1]
    assert row.diverged == [1]
    assert row.missing == row.in_progress == [2]
    assert row.test_accuracy == pytest.approx(0.5)  # of the completed run
    assert row.label == "ResNet"
    assert (row.image_set, row.epochs) == ("synthetic", 4)
    others = [other for name, other in rows(grid, checkpoints).items() if name != "resnet"]
    assert all(other.missing == [0, 1, 2] and not other.in_progress for other in others)


def test_a_damaged_record_is_counted_and_hides_no_other(grid: Experiment, checkpoints: Path) -> None:
    first, second, _ = grid.cell("resnet").specs()
    grid.store.save(made_up_record(first)).write_text("{}")
    grid.store.save(made_up_record(second, test_accuracy=0.5))
    row = rows(grid, checkpoints)["resnet"]
    assert (row.damaged, row.recorded, row.missing) == ([0], [1], [2])
    assert row.test_accuracy == pytest.approx(0.5)


def test_a_checkpoint_beside_a_record_is_not_in_progress(grid: Experiment, checkpoints: Path) -> None:
    spec = grid.cell("cnn").spec
    grid.store.save(made_up_record(spec))
    Checkpoint(checkpoints, spec).save(Progress(epoch=4), [])
    assert rows(grid, checkpoints)["cnn"].in_progress == []


def test_another_scales_records_and_checkpoints_do_not_count(grid: Experiment, checkpoints: Path) -> None:
    other = cnn_vs_resnet(image_set="synthetic", epochs=5, samples=64, test_samples=20).cell("cnn").spec
    grid.store.save(made_up_record(other))
    Checkpoint(checkpoints, other).save(Progress(epoch=1), [])
    row = rows(grid, checkpoints)["cnn"]
    assert (row.recorded, row.in_progress) == ([], [])
