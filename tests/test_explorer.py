"""The explorer of first steps: its static picture, the model that the page gets, and what pointer and keys tell."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from browser import needs_browser, needs_node, run_script, title_of
from factory import made_up_first_steps
from skipnets.architectures import build
from skipnets.figures import explorer
from skipnets.figures.first_steps import silenced_from
from skipnets.measurements import FirstSteps
from skipnets.measurements.first_steps import MOMENTS
from skipnets.paths import ROOT
from skipnets.specs import DeepNet
from tiny import make_spec

pytestmark = pytest.mark.usefixtures("agg")

SCRIPT = ROOT / "_static" / "first-steps.js"
INFINITY = math.inf

#: Of a net whose 7 convolutions have 4, 4, 4, 8, 8, 16, 16 channels: the sixth is dead, the last not finite.
ROWS: dict[str, Any] = {
    "condition": (3.2149, 31.0, 32149.0, 4.5e9, 5.0, INFINITY, math.nan),
    "dead": (0, 0, 1, 3, 0, 16, 0),
    "rank": (4, 4, 3, 4, 8, 0, 0),
    "output_lowest": (-1.0, 0.0, -INFINITY, 0.0, 0.0, 0.0, -1e-5),
    "output_highest": (1.0, 1234.0, INFINITY, 0.5, 0.5, 0.0, 0.0),
}


def made_up(net: DeepNet, **rows: object) -> FirstSteps:
    names = [layer.name for layer in build(net).layers if hasattr(layer, "kernel")][:-1]  # without the output layer
    found = made_up_first_steps(make_spec(architecture=net), len(names), MOMENTS, **rows)
    return found.model_copy(update={"layers": tuple(names)})


@pytest.fixture(scope="module")
def nets() -> dict[str, FirstSteps]:
    """A net with troubles, and one that has none but ends early."""
    plain = made_up(DeepNet(kind="plain_net", depth=8, width=4), **ROWS)
    residual = made_up(DeepNet(kind="residual_net", depth=8, width=4))
    early = {steps: residual.moments[steps] for steps in (0, 1, 2)}
    return {"PlainNet": plain, "ResNet": residual.model_copy(update={"moments": early, "diverged_at": 4})}


def test_channels_are_silenced_where_fewer_differ_than_are_independent_in_double_precision() -> None:
    dead, constant, rank = (0, 0, 1, 3, 0, 0, 0), (0, 2, 1, 3, 0, 0, 0), (4, 3, 3, 1, 8, 9, 9)
    net = DeepNet(kind="plain_net", depth=8, width=4)
    fine = made_up(net, dead=dead, constant=constant, rank_double=rank)  # two constant channels are one direction
    assert silenced_from(fine) is None
    later = fine.moments[0].model_copy(update={"rank_double": (4, 4, 3, 1, 8, 9, 9)})
    assert silenced_from(fine.model_copy(update={"moments": fine.moments | {5: later, 10: later}})) == 5


def read(element: str) -> Any:
    start = '<script type="application/json" id="first-steps">'
    assert element.startswith(start)
    return json.loads(element.removeprefix(start).removesuffix("</script>"))


def test_the_model_has_three_digits_and_nothing_that_json_has_not(nets: dict[str, FirstSteps]) -> None:
    model = read(explorer.explorer_model(nets))
    plain, residual = model["nets"]["PlainNet"], model["nets"]["ResNet"]
    assert plain["moments"] == list(MOMENTS)
    assert (residual["moments"], residual["diverged"], plain["diverged"]) == ([0, 1, 2], 4, None)
    assert plain["channels"] == [4, 4, 4, 8, 8, 16, 16]
    assert plain["dead"] == [list(ROWS["dead"])] * len(MOMENTS)
    assert plain["lost"][0] == [0, 0, 0, 1, 0, 0, 1]
    assert plain["tables"]["condition_live"][-1] == [3.21, 31, 32100, 4500000000, 5, None, None]
    assert plain["tables"]["output_range"][-1] == [2, 1230, None, 0.5, 0.5, 0, 1e-05]
    assert model["quantities"].keys() - plain["tables"].keys() == {"condition", "dead"}
    assert model["quantities"]["output_range"]["decades"] == [-5, 4]
    assert model["quantities"]["kernel_gradient"]["decades"] == [0, 1]


def test_six_nets_of_164_layers_fit_into_the_page() -> None:
    draw = np.random.default_rng(0)
    layers = 163

    def row(lowest: float, highest: float) -> tuple[float, ...]:
        return tuple(float(f"{10**power:.4g}") for power in draw.uniform(lowest, highest, layers))

    net = made_up(
        DeepNet(kind="plain_net", width=2),
        condition=row(0, 9),
        output_highest=row(-1, 6),
        kernel_highest=row(-1, 3),
        output_gradient=row(-6, 9),
        kernel_gradient=row(-6, 9),
        dead=tuple(map(int, draw.integers(0, 65, layers))),
    )
    assert len(net.layers) == layers
    element = explorer.explorer_model({f"net {number}": net for number in range(6)})
    assert len(element) < 400_000


def test_the_picture_has_a_map_a_net_and_colours_for_what_has_no_place_on_the_scale(
    nets: dict[str, FirstSteps],
) -> None:
    figure = explorer.explorer_picture(nets, "condition")
    plain, residual, bar = figure.axes
    assert plain.get_title(loc="left") == "PlainNet"
    assert residual.get_title(loc="left") == "ResNet\nloss not finite after 4 steps"
    assert [label.get_text() for label in plain.get_yticklabels()] == list(map(str, MOMENTS))
    assert (plain.get_xlabel(), plain.get_ylabel()) == ("convolution, by depth", "steps taken")
    assert bar.get_ylabel() == "condition number of all channels\n(log scale)"
    assert plain.get_ylim() == residual.get_ylim() == (9.5, -0.5)
    assert list(plain.images[0].get_extent()) == [0.5, 7.5, 9.5, -0.5]
    infinite = np.ma.getmaskarray(plain.images[0].get_array())
    assert infinite[0].tolist() == [False, False, True, True, False, True, True]


@pytest.mark.parametrize(("quantity", "zero"), [("condition", []), ("output_range", ["0"])])
def test_a_zero_is_in_the_legend_where_a_map_has_one(
    nets: dict[str, FirstSteps], quantity: str, zero: list[str]
) -> None:
    figure = explorer.explorer_picture(nets, quantity)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["infinite or undefined", *zero]


@pytest.mark.parametrize(
    ("quantity", "zero", "infinite"),
    [("output_range", {5}, {2}), ("dead", {0, 1, 4, 6}, set()), ("condition_live", set(), {5, 6})],
)
def test_zeros_and_infinities_are_painted_in_their_own_colours(
    nets: dict[str, FirstSteps], quantity: str, zero: set[int], infinite: set[int]
) -> None:
    figure = explorer.explorer_picture(nets, quantity)
    image = figure.axes[0].images[0]
    painted = image.cmap(image.norm(image.get_array()))[0]
    for colour, places in ((explorer.ZERO, zero), (explorer.INFINITE, infinite)):
        assert {i for i, found in enumerate(painted) if to_hex(found) == colour} == places


def test_before_anything_is_measured_there_is_a_picture_that_says_so() -> None:
    figure = explorer.explorer_picture({}, "condition")
    assert [text.get_text() for text in figure.axes[0].texts] == ["not measured yet"]
    assert read(explorer.explorer_model({}))["nets"] == {}


@needs_node
def test_places_are_told_in_words(nets: dict[str, FirstSteps]) -> None:
    places = [
        ("PlainNet", "condition", 4, 0),
        ("PlainNet", "condition_live", 1, 2),
        ("PlainNet", "dead", 0, 3),
        ("PlainNet", "condition", 0, 5),
        ("PlainNet", "condition", 0, 6),
        ("PlainNet", "output_range", 0, 1),
        ("PlainNet", "output_range", 0, 2),
        ("ResNet", "kernel_range", 2, 0),
    ]
    program = f"""
        const {{ describePlace }} = require("{SCRIPT}");
        const model = {json.dumps(read(explorer.explorer_model(nets)))};
        console.log(JSON.stringify({json.dumps(places)}.map((place) => describePlace(model, ...place))));
    """
    assert run_script(program) == [
        "PlainNet, layer 1, after 10 steps: condition number 3.2; none of 4 channels dead.",
        "PlainNet, layer 3, after 1 step: condition number of the live channels 3.2e4; 1 of 4 channels dead, so that "
        "of the whole layer is infinite.",
        "PlainNet, layer 4, before the first step: condition number of the live channels 4.5e9, too large for float32 "
        "to tell from infinite; 3 of 8 channels dead, so that of the whole layer is infinite.",
        "PlainNet, layer 6, before the first step: all 16 channels dead, so that the condition number is infinite.",
        "PlainNet, layer 7, before the first step: condition number infinite or undefined; none of 16 channels dead.",
        "PlainNet, layer 2, before the first step: range of the outputs 1.2e3.",
        "PlainNet, layer 3, before the first step: range of the outputs infinite or undefined.",
        "ResNet, layer 1, after 2 steps: range of the weights 0. The loss of this net is not finite after 4 steps.",
    ]


@needs_node
def test_the_script_has_the_librarys_numbers_and_its_colours(nets: dict[str, FirstSteps]) -> None:
    program = f"""
        const {{ formatNumber, shade, valueAt }} = require("{SCRIPT}");
        const net = {json.dumps(read(explorer.explorer_model(nets))["nets"]["PlainNet"])};
        const row = (quantity) => net.channels.map((_, layer) => valueAt(net, quantity, 0, layer));
        console.log(JSON.stringify({{
          condition: row("condition"), dead: row("dead"), shades: [0, 0.3, 1].map(shade),
          words: [0, 1, 0.00123, 0.000123, 989, 999, 1234, 1e12].map(formatNumber),
        }}));
    """
    found = run_script(program)
    assert found["condition"] == [3.21, 31, None, None, 5, None, None]
    assert found["dead"] == [0, 0, 0.25, 0.375, 0, 1, 0]
    assert found["words"] == ["0", "1", "0.0012", "1.2e-4", "990", "1e3", "1.2e3", "1e12"]
    shades = [tuple(map(int, shade[4:-1].split(","))) for shade in found["shades"]]
    expected = [[round(255 * part) for part in explorer.COLOURS(share)[:3]] for share in (0.0, 0.3, 1.0)]
    np.testing.assert_allclose(shades, expected, atol=2)


@needs_browser
def test_the_map_is_explored_by_pointer_and_keyboard(nets: dict[str, FirstSteps], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"""<!doctype html><html><body><figure id="fig-first-steps"><img alt=""></figure>
        {explorer.explorer_model(nets)}<script src="{SCRIPT.as_uri()}"></script><script>
        document.addEventListener("DOMContentLoaded", () => {{
          const told = [document.querySelectorAll("img").length];
          const tell = () => told.push(document.querySelector("output").textContent);
          tell();
          const frame = document.querySelector(".map .frame");
          const box = frame.getBoundingClientRect();
          const at = {{ clientX: box.left + 2.5 / 7 * box.width, clientY: box.top + 0.15 * box.height }};
          frame.dispatchEvent(new PointerEvent("pointermove", at));
          tell();
          const map = document.querySelector("svg");
          map.focus();
          const press = (key, shiftKey = false) => {{
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {{ key, shiftKey, cancelable: true }}));
            tell();
          }};
          press("ArrowRight");
          press("ArrowDown");
          press("ArrowLeft", true);
          press("ArrowUp");
          press("Enter");
          const choose = (name, value) => {{
            const control = document.querySelector(`[name=${{name}}]`);
            control.value = value;
            control.dispatchEvent(new Event("input"));
            tell();
          }};
          choose("quantity", "kernel_gradient");
          choose("net", "ResNet");
          told.push(document.querySelectorAll(".cells rect").length);
          document.title = JSON.stringify(told);
        }});</script></body></html>""")
    pictures, *told, cells = title_of(page)
    assert (pictures, cells) == (0, 3 * 7)
    assert [words.partition(":")[0] for words in told] == [
        "PlainNet, layer 4, after 500 steps",
        "PlainNet, layer 3, after 1 step",
        "PlainNet, layer 4, after 1 step",
        "PlainNet, layer 4, after 2 steps",
        "PlainNet, layer 1, after 2 steps",
        "PlainNet, layer 1, after 1 step",
        "PlainNet, layer 1, after 1 step",
        "PlainNet, layer 1, after 1 step",
        "ResNet, layer 1, after 1 step",
    ]
    assert told[-2].endswith("gradient norm of the weights 1.")
