"""What the chapter on document 003 shows: its figures, the interactive table, and what joins read."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from browser import needs_browser, needs_node, run_script, title_of
from factory import diverged, made_up_maps, made_up_record
from skipnets.analysis.costs import Cost, architecture_cost
from skipnets.analysis.statistics import compare_paired
from skipnets.engines import compiled_model, scaled
from skipnets.errors import BadInputError, DamagedFileError
from skipnets.experiments import concat_vs_sum_pocket, very_deep
from skipnets.figures import joins, notes, runs
from skipnets.measurements.joins import describe_join, measure_joined_maps
from skipnets.paths import ROOT
from skipnets.published import TABLE_1
from skipnets.records import Setup
from skipnets.results import Results, load_results
from skipnets.specs import JoinNet
from skipnets.verdicts import NotMeasuredError
from skipnets.verdicts.concat_vs_sum import MULTIPLY_ADDS, some_connectivity_is_redundant
from tiny import few_images, make_spec

pytestmark = pytest.mark.usefixtures("agg", "few_synthetic_images")


def joined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Results:
    """Made-up records of three of document 003's cells, two seeds each, which end 0.1 apart."""
    monkeypatch.setattr("skipnets.experiments.grid.RESULTS", tmp_path)
    grid = concat_vs_sum_pocket(seeds=[0, 1])
    for name, accuracy in (("baseline_12_3", 0.3), ("summation_12_3", 0.4), ("concatenation_12_16", 0.6)):
        for spec in grid.cell(name).specs():
            grid.store.save(made_up_record(spec, test_accuracy=accuracy + 0.1 * spec.seed))
    return load_results(grid)


def test_accuracies_of_joins_stand_in_their_place_and_gaps_say_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    figure = joins.training_and_test(joined(monkeypatch, tmp_path))
    panels = {axis.get_title(): axis for axis in figure.axes}
    seed_0, seed_1, mean = (line.get_ydata()[-1] for line in panels["concatenation, 16 kernels"].lines[-3:])
    assert (seed_0, seed_1, mean) == pytest.approx((0.6, 0.7, 0.65))
    assert [text.get_text() for text in panels["summation, 64 kernels"].texts] == ["not recorded yet"]


def test_a_panel_says_that_its_runs_ended_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    grid = joined(monkeypatch, tmp_path).experiment
    lost = diverged(made_up_record(grid.cell("baseline_12_64").spec), epoch=0)
    figure = joins.training_and_test(Results(grid, {"baseline_12_64": [lost]}, []))
    panels = {axis.get_title(): axis for axis in figure.axes}
    assert [text.get_text() for text in panels["baseline, 64 kernels"].texts] == ["ended in NaN at once"]


def test_curves_are_laid_over_each_other_and_what_is_not_recorded_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = {"plain": "baseline_12_3", "deep": "baseline_69_3"}
    figure = runs.overlaid(joined(monkeypatch, tmp_path), [runs.Panel("losses", "training", "loss", lines)])
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["plain"]
    assert figure.axes[0].get_ylabel() == "loss (nats per image)"


@pytest.mark.parametrize(("largest", "top"), [(8e16, runs.HIGHEST_LOSS), (3.0, 3.15)])
def test_a_loss_beyond_all_others_does_not_flatten_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, largest: float, top: float
) -> None:
    """Both panels have the frame of the larger of the two."""
    grid = joined(monkeypatch, tmp_path).experiment
    record = made_up_record(grid.cell("baseline_12_3").spec)
    loss = (largest, *[0.0] * (len(record.history.training.loss) - 1))
    history = record.history.model_copy(update={"training": record.history.training.model_copy(update={"loss": loss})})
    results = Results(grid, {"baseline_12_3": [record.model_copy(update={"history": history})]}, [])
    panels = [runs.Panel(name, "training", "loss", {name: name}) for name in ("baseline_12_3", "baseline_69_3")]
    figure = runs.overlaid(results, panels)
    assert [axis.get_ylim() for axis in figure.axes] == [(0, pytest.approx(top))] * 2


def test_milestones_of_the_learning_rate_are_marked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("skipnets.experiments.grid.RESULTS", tmp_path)
    grid = very_deep(seeds=[0])
    grid.store.save(made_up_record(grid.cell("plain_net_8").spec))
    lines = {"plain": "plain_net_8", "residual": "residual_net_8"}
    axis = runs.overlaid(load_results(grid), [runs.Panel("losses", "training", "loss", lines)]).axes[0]
    assert sorted(line.get_xdata()[0] for line in axis.lines if line.get_linestyle() == ":") == [10, 15]


def test_a_difference_is_drawn_in_points_with_its_interval(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = {"a minus b": compare_paired({0: 0.5, 1: 0.52, 2: 0.54}, {0: 0.4, 1: 0.41, 2: 0.42})}
    figure = joins.differences_plot(joined(monkeypatch, tmp_path), found, "points")
    zero, interval, dot = figure.axes[0].lines
    assert dot.get_xdata() == pytest.approx([11])
    assert list(interval.get_xdata()) == pytest.approx([100 * found["a minus b"].low, 100 * found["a minus b"].high])
    assert zero.get_xdata() == [0, 0]


def test_an_interval_that_passes_the_frame_ends_in_an_arrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = {"a minus b": compare_paired({0: 0.5, 1: 0.3}, {0: 0.1, 1: 0.1})}  # two pairs: -97 to +157 points
    _, interval, _, *arrows = joins.differences_plot(joined(monkeypatch, tmp_path), found, "points").axes[0].lines
    assert list(interval.get_xdata()) == [-joins.WIDEST, joins.WIDEST]
    assert [arrow.get_marker() for arrow in arrows] == ["<", ">"]


def test_nets_are_placed_by_cost_time_and_accuracy() -> None:
    price = Cost(parameters=2_000_000, multiply_adds=3_000_000, additions=0, activation_bytes=0)
    nets = {
        "baseline_12_3": joins.Priced(price, None, (0.3, 0.4), 1.5),
        "summation_12_3": joins.Priced(price, 0.5, ()),
    }
    figure = joins.cost_plot(Results(concat_vs_sum_pocket(epochs=2), {}, []), nets)
    parameters, arithmetic, time = figure.axes
    assert "not a result" in figure.texts[-1].get_text()
    dots = [line for line in arithmetic.lines if len(line.get_xdata()) == 2]
    assert [list(line.get_xdata()) for line in dots] == [[3, 3]]
    assert [text.get_text() for text in time.texts] == ["12/3"]
    assert len(parameters.texts) == 2


def test_labels_of_nets_that_lie_close_do_not_hide_each_other() -> None:
    price = Cost(parameters=2_000_000, multiply_adds=3_000_000, additions=0, activation_bytes=0)
    nets = {f"{join}_12_3": joins.Priced(price, 0.5, ()) for join in joins.COLOURS}
    for axis in joins.cost_plot(Results(concat_vs_sum_pocket(), {}, []), nets).axes:
        boxes = [text.get_window_extent() for text in axis.texts]
        assert len(boxes) == 3
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


@needs_node
def test_the_row_that_one_points_at_tells_its_curve_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = {"baseline 12/3": "baseline_12_3", "baseline 12/64": "baseline_12_64"}
    element = joins.curves_model(rows, {"pocket scale": joined(monkeypatch, tmp_path)}, TABLE_1)
    model = element.partition(">")[2].partition("<")[0]
    script = ROOT / "_static" / "table-1.js"
    program = f"""
        const {{ describeRow }} = require("{script}");
        const model = {model};
        console.log(JSON.stringify(Object.entries(model).map(([row, found]) => describeRow(row, found))));
    """
    assert run_script(program) == [
        "baseline 12/3. pocket scale (mean of 2 seeds, 20 epochs): training 0.900, test 0.350; "
        "printed: training 0.498, test 0.485.",
        "baseline 12/64. printed: training 0.999, test 0.640. No run is recorded yet.",
    ]


@needs_browser
def test_rows_of_table_1_are_reached_by_pointer_and_keyboard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = {"baseline 12/3": "baseline_12_3", "concatenation 12/16": "concatenation_12_16"}
    element = joins.curves_model(rows, {"pocket scale": joined(monkeypatch, tmp_path / "results")}, TABLE_1)
    table = "".join(f"<tr><td>{row}</td></tr>" for row in (*rows, "another net"))
    page = tmp_path / "page.html"
    page.write_text(f"""<!doctype html><html><body><table id="tbl-table-1"><tbody>{table}</tbody></table>{element}
        <script src="{(ROOT / "_static" / "table-1.js").as_uri()}"></script><script>
        document.addEventListener("DOMContentLoaded", () => {{
          const told = [document.querySelector("output").textContent];
          const lines = [...document.querySelectorAll("tr")];
          lines[1].dispatchEvent(new MouseEvent("mouseenter"));
          told.push(document.querySelector("output").textContent);
          lines[0].focus();
          told.push(document.querySelector("tr.shown td").textContent);
          told.push(lines.map((line) => line.tabIndex), document.querySelectorAll("path.curve").length);
          document.title = JSON.stringify(told);
        }});</script></body></html>""")
    first, second, *others = title_of(page)
    assert first.startswith("baseline 12/3. pocket scale")
    assert "test 0.650" in second
    assert others == ["baseline 12/3", [0, 0, -1], 2]


@pytest.mark.parametrize("join", ["concatenate", "sum"])
def test_a_joined_output_that_the_head_does_not_read_costs_nothing(join: str) -> None:
    """Left out by hand: the weights behind a concatenated output are zeroed, a summed one is a constant already."""
    spec = make_spec(architecture=JoinNet(depth=3, kernels=2, join=join, dense_units=4), loss="probabilities")
    images = few_images()
    model = compiled_model(spec, images)
    if join == "concatenate":
        kernel, bias = model.get_layer("dense1").get_weights()
        rows = kernel.reshape(4, 4, 8, 4)  # flattened: height, width, maps
        rows[:, :, 2:4] = 0
        model.get_layer("dense1").set_weights([rows.reshape(kernel.shape), bias])
    else:
        weights = model.get_layer("stage2_conv1").get_weights()
        model.get_layer("stage2_conv1").set_weights([np.zeros_like(array) for array in weights])
    found = describe_join(model, spec, images.x_test, images.y_test, Setup.here())
    assert found.outputs == ("stage1_conv1_pool", "stage2_conv1_pool", "stage3_conv1_pool", "stage3_norm")
    assert found.accuracy == pytest.approx(
        float((model.predict(scaled(images.x_test), verbose=0).argmax(axis=1) == images.y_test).mean())
    )
    assert found.without[1] == found.accuracy
    assert found.up_to[0] == found.up_to[1]  # the second adds nothing to the first
    assert found.up_to[2] == found.without[3]
    assert found.up_to[3] == found.accuracy
    assert found.similarity[0][0] == 1


def test_a_net_that_joins_nothing_and_too_many_images_are_refused() -> None:
    with pytest.raises(BadInputError, match="concatenates or sums"):
        measure_joined_maps(make_spec())
    with pytest.raises(BadInputError, match="images 41: expected 2 to 40"):
        measure_joined_maps(make_spec(architecture=JoinNet(depth=3, kernels=2, join="sum")), 41)


@pytest.mark.parametrize(
    ("without", "status"),
    [
        ((0.5, 0.495, 0.49, 0.3), "conditional"),
        ((0.3, 0.3, 0.3, 0.3), "refuted"),
        ((0.5, 0.3, 0.3, 0.3), "conditional"),
    ],
)
def test_redundancy_is_judged_by_what_a_net_can_spare(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, without: tuple[float, ...], status: str
) -> None:
    """Of 32 outputs, since two seeds that agree on a share of four would tell little."""
    results, without = joined(monkeypatch, tmp_path), 8 * without
    with pytest.raises(NotMeasuredError, match="0 measured"):
        some_connectivity_is_redundant(results)
    for spec in results.experiment.cell("concatenation_12_16").specs():
        results.experiment.measurements.save(made_up_maps(spec, without))
    verdict = some_connectivity_is_redundant(results)
    assert verdict.status == status
    assert "to the next: 0.8 (" in verdict.reason
    cells = ["concatenation_12_16", "summation_12_16"]
    figure = joins.joined_maps_plot(results, cells)
    note = notes.of_joined_maps(results, cells)
    assert "1,000 test images; concatenation_12_16: seeds" in note
    assert "`skipnets measure joins --experiment concat_vs_sum" in note
    kept = [axis.lines[-1].get_ydata() for axis in figure.axes if "up to" in axis.get_xlabel()]
    assert [set(line) for line in kept] == [{0.5}]
    lost = [axis for axis in figure.axes if "lost" in axis.get_ylabel()]
    assert [list(axis.lines[-1].get_ydata()) for axis in lost] == [[pytest.approx(50 - 100 * left) for left in without]]


@pytest.mark.parametrize(("depth", "kernels"), MULTIPLY_ADDS)
def test_the_price_of_depth_and_of_kernels_is_that_of_the_nets(depth: int, kernels: int) -> None:
    found = architecture_cost(JoinNet(depth=depth, kernels=kernels, join="concatenate"))
    assert found.multiply_adds / 1e6 == pytest.approx(MULTIPLY_ADDS[depth, kernels], abs=0.05)


def test_joined_maps_read_back_and_a_strangers_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    grid = joined(monkeypatch, tmp_path).experiment
    spec = grid.cell("concatenation_12_16").spec
    path = grid.measurements.save(made_up_maps(spec, (0.5, 0.4)))
    assert grid.measurements.joined_maps(spec) == made_up_maps(spec, (0.5, 0.4))
    path.rename(path.with_name(f"{spec.with_seed(1).run_id}-joined.json"))
    with pytest.raises(DamagedFileError, match="another measurement than its name says"):
        grid.measurements.joined_maps(spec.with_seed(1))
