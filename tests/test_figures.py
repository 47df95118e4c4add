"""Figures of records, notes that say where they come from, and the mark of a rerun at another scale."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from factory import diverged, made_up_record, made_up_state
from skipnets.architectures import build
from skipnets.experiments import cnn_vs_resnet, very_deep
from skipnets.figures import depth, joins, networks, notes, runs, states
from skipnets.figures.style import ORANGE
from skipnets.records import Metrics
from skipnets.results import Results, load_results
from skipnets.specs import CNN, JoinNet, ResNet

IN_A_NOTEBOOK = """
from IPython.core.interactiveshell import InteractiveShell
cell = InteractiveShell.instance().run_cell
cell("import matplotlib.pyplot as plt; from skipnets.figures.style import use_book_style; use_book_style()")
cell("figure = plt.figure(); figure.canvas.draw = lambda: print('drawn for a screen')")
"""

pytestmark = pytest.mark.usefixtures("agg")

NAMES = ["cnn", "resnet"]


def results_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **scale: object) -> Results:
    """Made-up records of two cells, two seeds each."""
    monkeypatch.setenv("SKIPNETS_LOCAL_RESULTS", str(tmp_path / "local"))
    monkeypatch.setattr("skipnets.experiments.grid.RESULTS", tmp_path / "results")
    grid = cnn_vs_resnet(seeds=[0, 1], **scale).select(NAMES)  # type: ignore[arg-type]
    for _, spec in grid.runs():
        losses = [2.0 + (0.01 * (epoch % 2)) + (1.0 if epoch == 100 else 0.0) for epoch in range(spec.epochs)]
        grid.store.save(made_up_record(spec, test_loss=losses))
    return load_results(grid)


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_every_figure_of_results_marks_a_rerun() -> None:
    """Those that no test draws at another scale as well."""
    drawn = [
        function
        for module in (depth, joins, runs, states)
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and {"results": "Results", "return": "Figure"}.items() <= function.__annotations__.items()
    ]
    assert len(drawn) > 10
    assert [
        function.__qualname__ for function in drawn if "mark_rerun(figure, results)" not in inspect.getsource(function)
    ] == []


def test_a_cell_shows_its_figure_without_drawing_it_for_a_screen_first() -> None:
    inline = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    cells = subprocess.run(
        [sys.executable, "-c", IN_A_NOTEBOOK], env=os.environ | inline, capture_output=True, text=True, check=True
    )
    assert cells.stdout.splitlines() == ["<Figure size 640x480 with 0 Axes>"]


def test_without_a_measurement_the_line_below_says_so() -> None:
    nothing = Results(cnn_vs_resnet(), {"cnn": []}, [])
    assert "nothing measured yet" in notes.of_first_steps({}, [])
    assert "nothing measured yet" in notes.of_states(nothing, ["cnn"], [7])


def drawings(results: Results) -> list[Figure]:
    return [
        runs.learning_curves(results, NAMES),
        runs.ceiling_plot(results, {"cnn": 0.2, "resnet": 0.5}),
        runs.outcome_dots(results, NAMES, "test_accuracy", "test accuracy"),
        runs.spike_plot(results, NAMES),
        runs.single_run_plot(results, "resnet", "cnn", "test_accuracy", "difference"),
    ]


def test_a_figure_of_the_books_scale_has_no_mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for figure in drawings(results_of(monkeypatch, tmp_path)):
        assert "not a result" not in words(figure)


def test_the_note_below_a_figure_says_what_it_was_computed_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    note = notes.of_runs(results_of(monkeypatch, tmp_path), NAMES)
    assert note == (
        "{.source-note}\ncifar10-head, 2,500 training and 1,017 test images; seeds 0-1. "
        "`skipnets train --experiment cnn_vs_resnet --cells cnn,resnet`"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": {"x_train": "f" * 16}}, "**on images that differ under one name, so no fair comparison**"),
        ({"backend": "jax"}, "**on several backends, so no fair comparison**"),
    ],
)
def test_the_note_says_where_records_do_not_belong_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    grid = results_of(monkeypatch, tmp_path).experiment
    record = grid.records()["cnn"][1]
    grid.store.save(record.model_copy(update={"environment": record.environment.model_copy(update=changes)}))
    assert f"; seeds 0-1; {said}. " in notes.of_runs(load_results(grid), NAMES)


def test_a_note_lists_the_runs_without_a_record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    results = results_of(monkeypatch, tmp_path)
    assert notes.of_missing_runs(results, "Missing:") == ""
    results.experiment.store.path(results.records["cnn"][1].spec).unlink()
    label = results.experiment.cell("cnn").label
    missing = load_results(results.experiment)
    assert notes.of_missing_runs(missing, "Missing:") == f"Missing:\n\n* {label}: seed 1"
    timed = notes.of_missing_runs(missing, "Missing:", lambda cell: 12.34 if cell.name == "cnn" else None)
    assert timed == f"Missing:\n\n* {label}: seed 1; about 12 hours a run"


@pytest.mark.parametrize("scale", [{"epochs": 130}, {"image_set": "synthetic", "samples": 64, "test_samples": 50}])
def test_a_rerun_at_another_scale_never_looks_like_a_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scale: dict[str, object]
) -> None:
    results = results_of(monkeypatch, tmp_path, **scale)
    for figure in drawings(results):
        assert "not a result" in words(figure)
    assert "skipnets train" not in notes.of_runs(results, NAMES)


def test_the_exact_average_is_drawn_where_the_last_weights_were_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results, label = results_of(monkeypatch, tmp_path), "last weights, all draws averaged"
    assert label not in words(runs.ceiling_plot(results, {"cnn": 0.2}))
    spec = results.experiment.cell("cnn").spec
    state = made_up_state(spec, spec.epochs).model_copy(update={"struck": Metrics(loss=0.2, accuracy=0.88)})
    results.experiment.measurements.save(state)
    figure = runs.ceiling_plot(results, {"cnn": 0.2})
    assert label in words(figure)
    pluses = [line for line in figure.axes[0].lines if line.get_label() == label]
    assert pluses[0].get_xydata().tolist() == [[0.2, 0.88]]


def test_spikes_are_counted_in_the_title(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "CNN, spikes: 2" in words(runs.spike_plot(results_of(monkeypatch, tmp_path), NAMES))


def test_the_diagram_shows_every_layer_and_a_line_for_each_skip() -> None:
    figure = networks.architecture_diagram({"CNN": build(CNN()), "ResNet": build(ResNet())})
    text = words(figure)
    assert "CNN: 418,794 parameters" in text
    assert "ResNet: 223,242 parameters" in text
    assert [to_hex(patch.get_edgecolor()) for patch in figure.axes[1].patches].count(ORANGE) == 2


def test_the_trunk_of_a_diagram_is_the_longest_way_and_its_skips_lie_at_heights_of_their_own() -> None:
    model = build(JoinNet(depth=3, kernels=2, join="concatenate"))
    (axis,) = networks.architecture_diagram({"joined": model}).axes
    assert [text.get_position()[1] for text in axis.texts if text.get_text() == "max pool"].count(0) == 3
    skips = [patch for patch in axis.patches if to_hex(patch.get_edgecolor()) == ORANGE]
    assert len({patch.get_path().vertices[:, 1].max() for patch in skips}) == len(skips) == 3


@pytest.mark.parametrize(("seeds", "described"), [([0], "seed 0"), ([2, 0, 1], "seeds 0-2"), ([0, 2], "seeds 0, 2")])
def test_seeds_are_described(seeds: list[int], described: str) -> None:
    assert notes.describe_seeds(seeds) == described


def states_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Results:
    """Made-up states of two nets after 5 and 25 epochs, two seeds each; the first was also measured at the end."""
    monkeypatch.setattr("skipnets.experiments.grid.RESULTS", tmp_path)
    grid = cnn_vs_resnet()
    for name, silenced in (("resnet", 0.4), ("resnet_no_skips", 0.1)):
        for seed in (0, 1):
            for epoch in (5, 25):
                spec = grid.cell(name).spec.with_seed(seed)
                grid.measurements.save(made_up_state(spec, epoch, silenced=silenced + seed / 100))
    grid.measurements.save(made_up_state(grid.cell("resnet").spec, 250))
    return load_results(grid)


def test_states_are_compared_at_the_moments_that_all_nets_share(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results = states_of(monkeypatch, tmp_path)
    assert results.measured_epochs(["resnet", "resnet_no_skips"]) == [5, 25]
    assert results.measured_epochs(["cnn"]) == []
    assert sorted(results.states("resnet", 25)) == [0, 1]
    assert list(results.states("resnet")) == [0]


def test_a_lesion_shows_every_seed_and_the_whole_net(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    figure = states.lesion_plot(states_of(monkeypatch, tmp_path), ["resnet", "resnet_no_skips"], 25)
    for axis, silenced in zip(figure.axes, (0.4, 0.1), strict=True):
        dots = sorted(tuple(line.get_xdata()) for line in axis.lines if line.get_marker() == "o")
        assert dots == [pytest.approx((silenced, silenced)), pytest.approx((silenced + 0.01, silenced + 0.01))]
        assert "whole net " in [text.get_text() for text in axis.texts]


def test_the_course_of_a_spectrum_is_drawn_from_its_shares(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    results, names = states_of(monkeypatch, tmp_path), ["resnet", "resnet_no_skips"]
    course = states.course_plot(results, names, [5, 25], flat=1e-2)
    means = [line for line in course.axes[0].lines if line.get_linestyle() == "-"]
    assert [list(line.get_ydata()) for line in means] == [[pytest.approx(0.9)] * 2] * 2
    density = states.spectrum_plot(results, names, [5, 25])
    assert [axis.get_title() for axis in density.axes] == ["after 5 epochs", "after 25 epochs"]
    grid, heights = density.axes[0].lines[0].get_data()
    near_zero = np.abs(grid) < 0.1
    flat_and_just_above = 0.9 + 0.05
    assert np.trapezoid(heights[near_zero], grid[near_zero]) == pytest.approx(flat_and_just_above, abs=0.01)


def test_the_note_below_a_figure_of_states(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    note = notes.of_states(states_of(monkeypatch, tmp_path), ["resnet"], [5, 25])
    assert "trained on 2,500 images and measured on 256 of them" in note
    assert "1,017 test images; epochs 5,25; seeds 0-1" in note
    assert "`skipnets measure states --cells resnet --epochs 5,25`" in note


def test_depth_is_drawn_from_all_seeds_and_the_whole_experiment_needs_no_cells_in_its_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("skipnets.experiments.grid.RESULTS", tmp_path)
    grid = very_deep(seeds=[0, 1])
    for cell in grid.select(["plain_net_8", "plain_net_20"]).cells:
        for spec in cell.specs():
            grid.store.save(made_up_record(spec, test_accuracy=0.3 + 0.1 * spec.seed))
    grid.store.save(diverged(made_up_record(grid.cell("residual_net_20").spec)))
    names = {
        "residual": ["residual_net_20"],
        "plain": [cell.name for cell in grid.cells if cell.name != "residual_net_20"],
        "none": ["residual_net_8"],
    }
    results = load_results(grid)
    figure = depth.depth_plot(results, names)
    residual, plain, none = figure.axes
    assert [(line.get_marker(), line.get_xdata()) for line in residual.lines if len(line.get_xdata()) == 1] == [
        ("x", [20])
    ]
    assert [tick.get_text() for tick in none.get_xticklabels()] == ["8", "20"]  # of all panels, which share them
    dots = [line for line in plain.lines if line.get_marker() == "o"]
    assert [sorted(line.get_xdata()) for line in dots] == [[8, 8, 20, 20]] * 2
    assert sorted(dots[1].get_ydata()) == pytest.approx([0.3, 0.3, 0.4, 0.4])
    assert [line.get_marker() for line in none.lines] == ["None"]  # chance alone
    assert notes.of_runs(results, [cell.name for cell in grid.cells]).endswith(
        "`skipnets train --experiment very_deep`"
    )


def test_what_skips_add_is_drawn_where_both_nets_share_seeds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("skipnets.experiments.grid.RESULTS", tmp_path)
    grid = very_deep(seeds=[0, 1])
    accuracies = {"plain_net_8": 0.3, "residual_net_8": 0.4, "plain_net_20": 0.3}
    for name, accuracy in accuracies.items():
        for spec in grid.cell(name).specs():
            grid.store.save(
                made_up_record(spec, test_accuracy=accuracy + (0.02 * spec.seed if "residual" in name else 0))
            )
    figure = depth.gain_plot(
        load_results(grid), {layers: (f"residual_net_{layers}", f"plain_net_{layers}") for layers in (8, 20)}
    )
    (axis,) = figure.axes
    training, test = (container.lines[0] for container in axis.containers)
    assert training.get_ydata() == pytest.approx([0])
    assert test.get_ydata() == pytest.approx([11])  # 10 points by seed 0, 12 by seed 1
    assert [label.get_text() for label in axis.get_xticklabels()] == ["8"]
