"""Two units: the closed form against quadrature, the flow against SciPy's, and the interactive figure against both."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.special import erf

from browser import needs_browser, needs_node, run_script, title_of
from skipnets.analysis.two_units import (
    TEACHERS,
    Teacher,
    best_single_unit,
    coordinates,
    cost,
    curvature,
    distance_to_teacher,
    escape_rate,
    flow,
    gradient,
    held,
    hessian,
    noisy_walks,
    place,
    plateau_cost,
    random_starts,
    reduced_rate,
    sample_gradients,
    sampled_walks,
    time_to_reach,
    upright,
)
from skipnets.errors import BadInputError
from skipnets.figures.plateaus import interactive_model, lost_plot, paths_plot, rate_plot, starts_plot, walks_plot
from skipnets.paths import ROOT

SAME, OPPOSITE = TEACHERS["same sign"], TEACHERS["opposite signs"]
SCRIPT = ROOT / "_static" / "plateaus.js"
NODES, WEIGHTS = np.polynomial.legendre.leggauss(400)
X, DENSITY = 9 * NODES, 9 * WEIGHTS * np.exp(-((9 * NODES) ** 2) / 2) / math.sqrt(2 * math.pi)

weights = st.lists(st.floats(-3, 3), min_size=4, max_size=4).map(np.array)
teachers = pytest.mark.parametrize("teacher", TEACHERS.values(), ids=TEACHERS)


def output(student: np.ndarray) -> np.ndarray:
    return erf(np.outer(X, student[:2]) / math.sqrt(2)) @ student[2:]


@given(weights)
@settings(max_examples=30, deadline=None)
def test_the_cost_is_the_expectation(student: np.ndarray) -> None:
    target = output(np.array([*SAME.incoming, *SAME.outgoing]))
    assert cost(student, SAME) == pytest.approx(DENSITY @ (output(student) - target) ** 2 / 2, rel=1e-6)


@given(weights)
@settings(max_examples=30, deadline=None)
def test_derivatives_agree_with_finite_differences(student: np.ndarray) -> None:
    step = 1e-5 * np.eye(4)
    slopes = (cost(student + step, OPPOSITE) - cost(student - step, OPPOSITE)) / 2e-5
    np.testing.assert_allclose(gradient(student, OPPOSITE), slopes, atol=1e-6, rtol=1e-6)
    bends = (gradient(student + step, OPPOSITE) - gradient(student - step, OPPOSITE)) / 2e-5
    np.testing.assert_allclose(hessian(student, OPPOSITE), bends, atol=1e-6, rtol=1e-6)


@teachers
def test_every_place_of_the_singular_line_is_critical_and_of_the_same_cost(teacher: Teacher) -> None:
    line = place(0, np.linspace(-3, 3, 13), teacher)
    assert np.abs(gradient(line, teacher)).max() < 1e-6
    assert np.ptp(cost(line, teacher)) < 1e-12
    assert cost(line, teacher) == pytest.approx(plateau_cost(teacher))


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_places_have_the_coordinates_asked_for(u: float, z: float) -> None:
    student = place(u, z, SAME)
    assert [float(value) for value in coordinates(student)] == pytest.approx([u, z])
    s, r = best_single_unit(SAME)
    assert student[2] * student[0] + student[3] * student[1] == pytest.approx(s * r)


@teachers
def test_the_curvature_is_the_expectation_of_error_times_bend(teacher: Teacher) -> None:
    s, r = best_single_unit(teacher)
    error = output(np.array([*teacher.incoming, *teacher.outgoing])) - r * erf(s * X / math.sqrt(2))
    bend = -math.sqrt(2 / math.pi) * s * X * np.exp(-((s * X) ** 2) / 2)
    assert curvature(teacher) == pytest.approx(r / 4 * DENSITY @ (error * bend * X**2), rel=1e-6)


@teachers
def test_the_halves_of_the_line_are_where_wei_and_amari_say(teacher: Teacher) -> None:
    z = np.array([-2.0, -1.1, -0.9, -0.5, 0.0, 0.5, 0.9, 1.1, 2.0])
    assert (np.sign(escape_rate(z, teacher)) == np.sign(reduced_rate(z, teacher))).all()
    assert abs(escape_rate(np.array(1.0), teacher)) < 1e-10
    unstable = np.array(0.0 if curvature(teacher) > 0 else 2.0)
    times = np.array([3.0, 6.0]) / escape_rate(unstable, teacher)
    path = flow(place(1e-6, unstable, teacher)[None], teacher, times, tolerance=1e-9)[0]
    assert np.diff(np.log(coordinates(path)[0])) == pytest.approx(3, rel=0.01)


@teachers
def test_the_flow_agrees_with_another_solver(teacher: Teacher) -> None:
    starts, times = random_starts(2, 1.0, 1), np.array([0.1, 3.0, 15.0])
    for start, path in zip(starts, flow(starts, teacher, times, tolerance=1e-7), strict=True):
        other = solve_ivp(
            lambda _, at: -gradient(at, teacher), (0, 15), start, "LSODA", t_eval=times, rtol=1e-7, atol=1e-9
        )
        np.testing.assert_allclose(path, other.y.T, rtol=1e-3, atol=1e-4)


def test_the_cost_never_rises_along_a_path() -> None:
    costs = cost(flow(random_starts(5, 3.0, 0), OPPOSITE, np.geomspace(0.01, 100, 30)), OPPOSITE)
    assert (np.diff(costs) <= 1e-9).all()


def test_every_tenfold_approach_costs_the_time_that_the_hessian_predicts() -> None:
    times = np.linspace(0.5, 100, 200)
    costs = cost(flow(place(np.array([0.01, 0.001]), 0.5, SAME), SAME, times), SAME)
    taken = time_to_reach(plateau_cost(SAME) / 2, times, costs)
    assert np.diff(taken) == pytest.approx(math.log(10) / escape_rate(np.array(0.5), SAME), rel=0.02)
    assert time_to_reach(1e-9, times, costs) == pytest.approx(math.inf)


def test_random_starts_are_held_by_one_line_and_not_by_the_other() -> None:
    starts = random_starts(40, 1.0, 0)
    shares = [held(flow(starts, teacher, np.array([1000.0]))[:, 0], teacher).mean() for teacher in TEACHERS.values()]
    assert shares[0] == 0
    assert shares[1] > 0.9


def test_held_asks_for_the_line_its_stable_half_and_the_plateaus_cost() -> None:
    assert held(place(0.001, 2.0, SAME), SAME)
    assert not held(place(0.001, 0.5, SAME), SAME)
    assert not held(place(0.1, 2.0, SAME), SAME)
    assert not held(1.1 * place(0.0, 2.0, SAME), SAME)


@given(weights)
def test_turning_units_upright_keeps_the_function(student: np.ndarray) -> None:
    turned = upright(student)
    assert (turned[:2] >= 0).all()
    assert cost(turned, SAME) == pytest.approx(cost(student, SAME))


def test_the_distance_to_the_teacher_knows_its_symmetries() -> None:
    (w1, w2), (v1, v2) = SAME.incoming, SAME.outgoing
    same = np.array([[w1, w2, v1, v2], [w2, w1, v2, v1], [-w1, w2, -v1, v2], [-w2, -w1, -v2, -v1 - 1]])
    np.testing.assert_allclose(distance_to_teacher(same, SAME), [0, 0, 0, 1])
    across_zero = np.array([-w1, w2, v1, v2])  # nearer to (w1, v1) than to (-w1, -v1), though w is negative
    assert distance_to_teacher(across_zero, SAME) == pytest.approx(2 * w1)


def test_the_mean_over_inputs_is_the_gradient() -> None:
    """Inputs at the nodes of Gauss and Hermite average over the normal distribution."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    student = np.array([[0.3, 1.1, 2.0, -0.7], [0.8, 0.5, -1.0, 4.0]])
    found = sample_gradients(student, OPPOSITE, np.broadcast_to(nodes, (2, 120)))
    mean = (found * weights[:, None]).sum(axis=1) / weights.sum()
    assert mean == pytest.approx(gradient(student, OPPOSITE), abs=1e-6)


def test_a_sampled_step_is_the_mean_over_its_inputs_and_repeatable() -> None:
    start = np.array([[0.3, 1.1, 2.0, -0.7]])
    found = [sampled_walks(start, SAME, 1.0, 3, 1, seed)[0, 0] for seed in (0, 0, 1)]
    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).all()
    inputs = np.random.default_rng(0).normal(size=(1, 3))
    assert found[0] == pytest.approx((start - sample_gradients(start, SAME, inputs).mean(axis=1))[0], abs=1e-12)


def test_the_noise_of_sampling_does_not_end_the_plateau_as_independent_noise_does() -> None:
    """On the line an input pulls both outgoing weights alike: not along it, where they share out the weight."""
    on_the_line = place(0.0, 1.2, SAME)
    pulls = sample_gradients(on_the_line, SAME, np.linspace(-3, 3, 31))
    assert pulls[:, 2] == pytest.approx(pulls[:, 3], abs=1e-12)
    assert np.ptp(pulls[:, 2]) > 1
    beside = np.tile(place(0.1, 1.2, SAME), (40, 1))
    noisy, sampled = noisy_walks(beside, SAME, 0.3, 200, 0), cost(sampled_walks(beside, SAME, 0.04, 1, 200, 0), SAME)
    left = [int((costs[:, -1] <= 0.95 * plateau_cost(SAME)).sum()) for costs in (noisy, sampled)]
    assert left[0] > 40 / 3
    assert left[1] == 0


def test_walks_without_noise_are_gradient_descent_and_noise_is_repeatable() -> None:
    start = place(0.5, 0.5, SAME)
    student = start.copy()
    for _ in range(50):
        student -= 0.04 * gradient(student, SAME)
    found = noisy_walks(start[None], SAME, 0.0, 2, 0)
    assert found[0, 1] == pytest.approx(cost(student, SAME))
    noisy = [noisy_walks(start[None], SAME, 0.3, 2, seed) for seed in (0, 0, 1)]
    assert (noisy[0] == noisy[1]).all()
    assert (noisy[0] != noisy[2]).all()


@pytest.mark.parametrize(("number", "outgoing", "named"), [(0, 1.0, "starts 0"), (1, 0.0, "outgoing 0")])
def test_starts_that_cannot_be_drawn_are_refused(number: int, outgoing: float, named: str) -> None:
    with pytest.raises(BadInputError, match=named):
        random_starts(number, outgoing, 0)


@pytest.mark.usefixtures("agg")
def test_every_figure_is_drawn() -> None:
    times = np.array([1.0, 2.0])
    paths = {name: flow(random_starts(3, 1.0, 0), teacher, times) for name, teacher in TEACHERS.items()}
    rate_plot(TEACHERS)
    paths_plot(paths["same sign"], times, SAME)
    assert "0 of 3 held" in starts_plot(paths, times, TEACHERS).axes[0].get_title()
    lost_plot(np.array([0.1, 0.01]), {0.5: np.array([30.0, 45.0])}, SAME)
    shares = walks_plot({0.0: np.array([[1.0, 0.1], [1.0, 1.0]])}, SAME).axes[0].lines[0].get_ydata()
    assert list(np.asarray(shares)) == [100, 50]


# The interactive figure


def model() -> dict:
    return json.loads(re.sub(r"</?script[^>]*>", "", interactive_model(TEACHERS, (0.1, 0.5), 100.0)))


@needs_node
def test_the_script_computes_what_the_library_computes() -> None:
    starts = [(0.1, 0.5), (1.5, 1.5), (-1.0, -0.4), (0.3, 2.0)]
    program = f"""
        const {{ costAndGradient, describe, follow }} = require({json.dumps(str(SCRIPT))});
        const model = {json.dumps(model())};
        const found = Object.values(model.teachers).map((teacher) => {json.dumps(starts)}.map(([u, z]) => {{
          const points = follow(u, z, teacher, 50);
          return {{ last: points[points.length - 1], first: points[0], words: describe(points, teacher) }};
        }}));
        console.log(JSON.stringify(found));
    """
    for teacher, found in zip(TEACHERS.values(), run_script(program), strict=True):
        u, z = np.array(starts).T
        students = place(u, z, teacher)
        ends = flow(students, teacher, np.array([50.0]), tolerance=1e-8)[:, 0]
        for student, end, start, path in zip(students, ends, starts, found, strict=True):
            assert path["first"]["cost"] == pytest.approx(float(cost(student, teacher)), rel=1e-9)
            there = [path["last"]["u"], path["last"]["z"], path["last"]["cost"]]
            expected = [*(float(value) for value in coordinates(end)), float(cost(end, teacher))]
            assert there == pytest.approx(expected, rel=2e-2, abs=1e-3)
            assert path["last"]["time"] == 50
            assert path["words"].startswith(f"From u = {start[0]:.2f}, z = {start[1]:.2f}: ")


@needs_node
def test_the_script_tells_times_and_shares_in_plain_rounded_numbers() -> None:
    paths = [(0.1, 0.5, 150), (1e-3, 0.5, 150), (1e-3, 0.5, 25), (2.5, 0.0, 150)]
    program = f"""
        const {{ describe, follow }} = require({json.dumps(str(SCRIPT))});
        const teacher = {json.dumps(model())}.teachers["same sign"];
        const told = {json.dumps(paths)}.map(([u, z, until]) => describe(follow(u, z, teacher, until), teacher));
        console.log(JSON.stringify(told));
    """
    told = run_script(program)
    times = np.linspace(0.05, 150, 3000)
    costs = cost(flow(place(*np.array(paths[:2]).T[:2], SAME), SAME, times), SAME)
    for words, half in zip(told, time_to_reach(plateau_cost(SAME) / 2, times, costs), strict=False):
        assert f"half of the plateau's cost is reached at time {half:.0f}; at time 150 the cost is " in words
    assert "does not reach half of the plateau's cost; at time 25 the cost is 100 % of the plateau's" in told[2]
    assert not any(re.search(r"\de[+-]?\d", words) for words in told)


@needs_browser
def test_the_page_is_operated_by_keyboard_and_pointer_and_tells_in_words_what_it_shows(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"""<!doctype html><html><body><figure id="fig-paths"><img alt=""></figure>
        {interactive_model(TEACHERS, (0.1, 2.0), 20.0)}<script src="{SCRIPT.as_uri()}"></script><script>
        const told = [];
        window.requestAnimationFrame = (draw) => draw();
        document.addEventListener("DOMContentLoaded", () => {{
          const tell = () => told.push(document.querySelector("output").textContent);
          tell();
          const slider = document.querySelector("[name=z]");
          slider.value = 0.5;
          slider.dispatchEvent(new Event("input"));
          tell();
          const plane = document.querySelector(".plateaus-plane");
          plane.setPointerCapture = () => {{}};
          const frame = plane.querySelector(".frame").getBoundingClientRect();
          const middle = {{ clientX: frame.left + frame.width / 2, clientY: frame.top + frame.height / 4 }};
          plane.dispatchEvent(new PointerEvent("pointerdown", middle));
          tell();
          document.title = JSON.stringify([document.querySelectorAll("figure img").length, ...told]);
        }});</script></body></html>""")
    pictures, *told = title_of(page)
    assert pictures == 0
    assert [re.match(r"From u = (.*), z = (.*): ", words).groups() for words in told] == [  # type: ignore[union-attr]
        ("0.10", "2.00"), ("0.10", "0.50"), ("0.00", "2.00"),
    ]  # fmt: skip
