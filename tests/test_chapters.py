"""Chapters: their parameters, their pairs, and each of them run from start to end at a tiny scale."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jupytext
import nbformat
import pytest

from skipnets import chapters, pairs
from skipnets.chapters import Parameter, check_parameters, declared_parameters
from skipnets.errors import BadInputError
from skipnets.execution import execute_chapter
from skipnets.paths import ROOT

CELL = """\
import os
epochs: int = 250  # passes over the training images
label: str = "a = #1"  # größer
seeds: list | None = None
plain = 3
"""

#: Small or other values than the defaults, by chapter; the others run as they are.
TINY: dict[str, dict[str, Any]] = {
    "cnn-vs-resnet": {"epochs": 1, "samples": 64, "test_samples": 50, "image_set": "synthetic", "seeds": [0]},
    "what-is-a-singularity": {"width": 7, "depth": 3, "seed": 1},
    "plateaus": {"starts": 4, "walks": 2},
    "what-a-skip-changes": {"depth": 4, "width": 8},
    "rmsprop": {"rho": 0.8, "budget": 50},
    "depth-and-signal": {"width": 16, "depth": 3, "inputs": 8, "convolutions": 3, "kernels": 2, "images": 4},
    "residual-blocks": {"depth": 20, "kernels": 3},
    "trained-curvature": {"flat": 0.03},
    "concatenate-or-sum": {
        "epochs": 1,
        "samples": 20,
        "test_samples": 20,
        "batch_size": 20,
        "image_set": "synthetic",
        "cells": ["baseline_12_3"],
    },
    "very-deep": {
        "epochs": 1,
        "samples": 20,
        "test_samples": 20,
        "batch_size": 20,
        "width": 2,
        "image_set": "synthetic",
        "cells": ["plain_net_8", "residual_net_8"],
        "alive": 4,
    },
    "building-blocks": {"side": 16, "rate": 0.5, "batch": 20, "images": 100},
}


def parameter(annotation: str) -> Parameter:
    return Parameter("x", annotation, "None", "")


def test_a_parameters_cell_is_read_line_by_line() -> None:
    assert declared_parameters(CELL) == {
        "epochs": Parameter("epochs", "int", "250", "passes over the training images"),
        "label": Parameter("label", "str", "'a = #1'", "größer"),
        "seeds": Parameter("seeds", "list | None", "None", ""),
    }


@pytest.mark.parametrize(
    ("annotation", "value", "accepted"),
    [
        ("int", 3, True),
        ("int", 3.0, False),
        ("int", True, False),
        ("int", "3", False),
        ("int", None, False),
        ("float", 3, True),
        ("float", True, False),
        ("float", float("nan"), True),
        ("bool", True, True),
        ("bool", 1, False),
        ("str", "3", True),
        ("str", 3, False),
        ("int | None", None, True),
        ("int | None", "three", False),
        ("list", [], True),
        ("list", "0,1", False),
        ("list[int]", [0, 1], True),
        ("list[int]", [0, 0.5], False),
        ("tuple[int, ...]", [0, 1], True),
        ("dict[str, float]", {"a": 1}, True),
        ("list", {1}, False),
    ],
)
def test_types_are_those_of_json(annotation: str, value: Any, accepted: bool) -> None:
    assert parameter(annotation).accepts(value) is accepted


def test_an_annotation_that_cannot_be_checked_is_refused() -> None:
    with pytest.raises(BadInputError, match="Path"):
        parameter("Path").accepts("a")


def run_cells(monkeypatch: pytest.MonkeyPatch, *cells: str, **values: Any) -> None:
    """Pretend that a kernel has run ``cells`` and holds ``values``."""
    shell = SimpleNamespace(user_ns={"In": ["", *cells, "check_parameters()"]} | values)
    monkeypatch.setattr(chapters, "get_ipython", lambda: shell)


def test_nothing_is_checked_outside_papermill(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_parameters() is False
    run_cells(monkeypatch, CELL, epochs=250)
    assert check_parameters() is False


def test_injected_parameters_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    run_cells(monkeypatch, CELL, "# Parameters\nepochs = 3\n", epochs=3)
    assert check_parameters() is True
    run_cells(monkeypatch, CELL, '# Parameters\nepochs = "3"\nepoch = 4\n', epochs="3", epoch=4)
    with pytest.raises(BadInputError, match=r"epochs: expected int, received '3'\nno parameter 'epoch'"):
        check_parameters()


@pytest.mark.parametrize(
    ("depth", "most", "complaint"),
    [(2, None, "2: expected at least 3"), (2, 7, "2: expected 3 to 7"), (8, 7, "8: expected 3 to 7")],
)
def test_a_value_outside_its_range_is_named(
    monkeypatch: pytest.MonkeyPatch, depth: int, most: int | None, complaint: str
) -> None:
    run_cells(monkeypatch, "depth: int = 5", f"# Parameters\ndepth = {depth}\n", depth=depth)
    with pytest.raises(BadInputError, match=f"depth {complaint}"):
        check_parameters(depth=(3, most))


def test_a_value_at_the_edge_of_its_range_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for depth in (3, 7):
        run_cells(monkeypatch, "depth: int = 5", f"# Parameters\ndepth = {depth}\n", depth=depth)
        assert check_parameters(depth=(3, 7)) is True


def test_only_the_last_injected_cell_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = (CELL, "# Parameters\nother = 3\n", CELL, "# Parameters\nepochs = 3\n")
    run_cells(monkeypatch, *cells, epochs=3, other=3)
    assert check_parameters() is True


def test_a_chapter_without_parameters_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    run_cells(monkeypatch, "# Parameters\nepochs = 3\n", epochs=3)
    with pytest.raises(BadInputError, match="none"):
        check_parameters()


def test_every_pair_is_in_step_with_its_chapter() -> None:
    assert pairs.out_of_step() == [], "make pairs writes them anew"


def test_a_pair_is_the_same_each_time_and_has_no_outputs() -> None:
    for chapter in pairs.paired_chapters():
        text = pairs.pair_text(chapter)
        assert text == pairs.pair_text(chapter)
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
        assert not any(cell.get("outputs") for cell in notebook.cells)


def test_pairs_out_of_step_are_found(tmp_path: Path) -> None:
    original = pairs.paired_chapters()[0]
    chapter = tmp_path / original.name
    chapter.write_text(original.read_text())
    pair = chapter.with_suffix(".ipynb")
    assert pairs.out_of_step(tmp_path) == [chapter]
    pair.write_text(pairs.pair_text(chapter))
    assert pairs.out_of_step(tmp_path) == []
    chapter.write_text(chapter.read_text() + "\nOne more sentence.\n")
    assert pairs.out_of_step(tmp_path) == [chapter]


def test_pairs_are_named_or_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chapter = tmp_path / "a.md"
    chapter.write_text(pairs.paired_chapters()[0].read_text())
    monkeypatch.setattr(pairs, "ROOT", tmp_path)
    monkeypatch.setattr(pairs, "out_of_step", partial(pairs.out_of_step, tmp_path))
    assert pairs.main(["--check"]) == 1
    assert capsys.readouterr().out == "a.ipynb is not in step with a.md: make pairs\n"
    assert not chapter.with_suffix(".ipynb").exists()
    assert pairs.main([]) == 0
    assert chapter.with_suffix(".ipynb").read_text() == pairs.pair_text(chapter)
    assert capsys.readouterr().out == "a.ipynb\n"
    assert pairs.main(["--check"]) == 0


def test_every_chapter_with_code_has_a_pair() -> None:
    with_code = [path for path in sorted(pairs.CHAPTERS.glob("*.md")) if "{code-cell}" in path.read_text()]
    assert with_code == pairs.paired_chapters()


def test_the_contents_list_every_chapter() -> None:
    contents = (ROOT / "_toc.yml").read_text()
    assert [path.name for path in pairs.CHAPTERS.glob("*.md") if f"file: chapters/{path.name}" not in contents] == []


@pytest.mark.parametrize("chapter", pairs.paired_chapters(), ids=lambda path: path.stem)
def test_a_chapter_runs_at_a_tiny_scale(chapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA", "CHECKPOINTS", "LOCAL_RESULTS"):
        monkeypatch.setenv(f"SKIPNETS_{name}", str(tmp_path / name))
    chosen = TINY.get(chapter.stem, {})
    execute_chapter(chapter, tmp_path / "out.ipynb", chosen)
    recorded = list((tmp_path / "LOCAL_RESULTS").rglob("*.json"))
    assert bool(recorded) == ("epochs" in chosen)
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    figures = [
        part.data
        for cell in executed.cells
        if "figure" in cell.metadata.get("mystnb", {})
        for part in cell.outputs
        if part.output_type == "display_data"
    ]
    wanted = [cell for cell in jupytext.read(chapter).cells if "figure" in cell.metadata.get("mystnb", {})]
    assert len(figures) == len(wanted)
