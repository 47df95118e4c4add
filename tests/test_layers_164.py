"""Verdicts and figures from the first steps of nets of 164 layers, made up."""

from pathlib import Path

import numpy as np
import pytest

from factory import made_up_first_steps
from skipnets.experiments import layers_164
from skipnets.figures import first_steps, notes
from skipnets.results import Results, load_results
from skipnets.verdicts import NotMeasuredError
from skipnets.verdicts.layers_164 import RULES, infinite_shares

pytestmark = pytest.mark.usefixtures("agg")

LAYERS = 163


def measured(monkeypatch: pytest.MonkeyPatch, folder: Path, **cells: dict[str, object]) -> Results:
    """Results with made-up first steps of ``cells``, whose numbers are those given, or 1."""
    monkeypatch.setattr("skipnets.experiments.grid.RESULTS", folder)
    grid = layers_164()
    for name, rows in cells.items():
        grid.measurements.save(made_up_first_steps(grid.cell(name).spec, LAYERS, (0, 500), **rows))
    return load_results(grid)


def row(value: float, elsewhere: float = 1.0, until: int = 1) -> tuple[float, ...]:
    """``value`` in the first ``until`` layers and another behind them."""
    return (value,) * until + (elsewhere,) * (LAYERS - until)


HUGE = {
    "output_highest": row(1e6),
    "output_lowest": row(-1e6, 0),
    "kernel_highest": row(1e5),
    "kernel_lowest": row(-1e5, 0),
}
CALM = {"output_lowest": row(0.0, 0), "kernel_lowest": row(0.0, 0)}


def ranging(outputs: float, weights: float) -> dict[str, object]:
    """Outputs and weights of the first layer that range over so many times those of the others."""
    return CALM | {"output_highest": row(outputs), "kernel_highest": row(weights)}


def infinite(early: int, late: int) -> tuple[int, ...]:
    """A dead channel in so many of the 79 layers before the 80th, and of the 84 from there on."""
    return (1,) * early + (0,) * (79 - early) + (1,) * late + (0,) * (84 - late)


@pytest.mark.parametrize(
    ("normalized", "not_normalized", "status", "largest"),
    [
        (HUGE, HUGE, "supported", "2e+06"),
        (HUGE, CALM, "conditional", "2e+06"),
        (CALM, CALM, "refuted", "1"),
        (ranging(1001, 1001), ranging(1001, 1001), "supported", "1e+03"),
        (ranging(999, 1001), ranging(1001, 999), "refuted", "1e+03"),  # outputs or weights alone
    ],
)
def test_a_first_layer_out_of_proportion_with_normalization_and_without(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    normalized: dict[str, object],
    not_normalized: dict[str, object],
    status: str,
    largest: str,
) -> None:
    cells = {"plain_net_mnist": normalized, "plain_net_unnormalized_mnist": not_normalized}
    verdict = RULES["C14"](measured(monkeypatch, tmp_path, **cells))
    assert verdict.status == status
    assert f"with batch normalization, after 500 steps, outputs range over {largest} in" in verdict.reason


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        (CALM, "supported"),
        (HUGE, "refuted"),
        (ranging(999, 999), "supported"),
        (ranging(1001, 1), "refuted"),
        (ranging(1, 1001), "refuted"),
    ],
)
def test_a_residual_net_in_proportion(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows: dict[str, object], status: str
) -> None:
    assert RULES["C15"](measured(monkeypatch, tmp_path, residual_net_mnist=rows)).status == status


@pytest.mark.parametrize(
    ("with_norm", "without", "status", "commoner"),
    [
        (row(0, 1, until=79), row(0, 1, until=79), "supported", "with and without"),
        (row(0, 1, until=78), row(0, 1, until=74), "supported", "with and without"),  # one dead channel is no matter
        (row(0, 1, until=79), row(0), "conditional", "with"),
        (row(0), row(0, 1, until=120), "conditional", "without"),  # half of the later layers
        (row(1, 0, until=79), row(1), "refuted", "neither with nor without"),  # the earlier ones; all alike
        (row(0), row(0, 1, until=162), "refuted", "neither with nor without"),  # a single one is no pattern
        (infinite(7, 76), infinite(0, 84), "supported", "with and without"),  # 9 and 90.5 %
        (infinite(8, 76), infinite(0, 84), "conditional", "with and without"),  # 10.1 %
        (infinite(7, 75), infinite(0, 84), "conditional", "with and without"),  # 89 %
        (infinite(30, 64), infinite(0, 8), "conditional", "with"),  # 38 and 76.2 %; 9.5 %
        (infinite(30, 63), infinite(0, 8), "refuted", "neither with nor without"),  # 38 and 75 %
        (infinite(0, 9), infinite(0, 0), "conditional", "with"),  # 10.7 %
    ],
)
def test_infinite_layers_are_counted_before_layer_80_and_from_there_on(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    with_norm: tuple[int, ...],
    without: tuple[int, ...],
    status: str,
    commoner: str,
) -> None:
    results = measured(monkeypatch, tmp_path, plain_net={"dead": with_norm}, plain_net_unnormalized={"dead": without})
    verdict = RULES["C16"](results)
    assert verdict.status == status
    assert f"from layer 80 on: {commoner} batch normalization" in verdict.reason


def test_the_shares_of_infinite_layers() -> None:
    steps = made_up_first_steps(layers_164().cell("plain_net").spec, LAYERS, dead=row(0, 1, until=121))
    assert infinite_shares(steps.moments[0]) == (0.0, 0.5)


def test_a_layer_is_infinite_by_its_own_number_too() -> None:
    steps = made_up_first_steps(
        layers_164().cell("plain_net").spec, 3, condition=(1.0, float("inf"), 2.0), dead=(0, 0, 1)
    )
    assert steps.moments[0].infinite_layers == [2, 3]


def test_what_is_not_measured_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    results = measured(monkeypatch, tmp_path)
    for rule in RULES.values():
        with pytest.raises(NotMeasuredError, match="Needs the first 500 steps of cell"):
            rule(results)


def test_a_line_a_moment_and_a_tick_a_layer_with_dead_channels() -> None:
    steps = made_up_first_steps(
        layers_164().cell("plain_net").spec, 4, condition=(1.0, float("inf"), 3.0, 4.0), dead=(0, 0, 2, 1),
        output_lowest=(-9.0, 0, 0, 0),
    )  # fmt: skip
    figure = first_steps.by_layer_plot({"PlainNet": steps}, ["condition_live", "output_range"], [0, 5, 10])
    above, below = figure.axes
    start, _, ticks = above.lines
    assert list(ticks.get_xdata()) == [3, 4]
    assert np.isnan(start.get_ydata()[1])
    assert list(below.lines[0].get_ydata()) == [10, 1, 1, 1]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["start", "after 10 steps"]


def test_losses_are_averaged_and_an_end_is_marked() -> None:
    steps = made_up_first_steps(layers_164().cell("plain_net").spec, moments=(0, 40))
    lost = steps.model_copy(update={"loss": (*steps.loss, float("nan")), "diverged_at": 40})
    axis = first_steps.losses_plot({"a": steps, "b": lost}, window=10).axes[0]
    assert axis.lines[1].get_ydata()[-1] == pytest.approx(np.mean(steps.loss[-10:]))
    cross = axis.lines[-1]
    assert (cross.get_marker(), list(cross.get_xdata())) == ("x", [41])


def test_losses_beyond_the_frame_are_marked_where_they_pass_its_edge() -> None:
    steps = made_up_first_steps(layers_164().cell("residual_net").spec, moments=(0, 4))
    axis = first_steps.losses_plot({"a": steps.model_copy(update={"loss": (9.0, 9.0, 2.0, 2.0)})}, window=1).axes[0]
    assert [list(line.get_xdata()) for line in axis.lines if line.get_marker() == "^"] == [[2]]
    assert axis.get_ylim() == (1.9, 2.6)


def test_the_note_says_image_set_seed_and_command() -> None:
    steps = made_up_first_steps(layers_164().cell("plain_net_mnist").spec)
    note = notes.of_first_steps({"PlainNet": steps}, ["plain_net_mnist"])
    assert "mnist; measured on 64 training images; seed 0." in note
    assert "`skipnets measure first-steps --experiment layers_164 --cells plain_net_mnist --steps 10`" in note
