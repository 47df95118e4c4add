"""Executing a chapter: what is refused before it runs, what is kept when it fails, what papermill alone lets pass."""

from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from skipnets import cli
from skipnets.errors import BadInputError, SkipnetsError
from skipnets.execution import execute_chapter

CHAPTER = """\
---
jupytext:
  formats: ipynb,md:myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A chapter

```{code-cell}
:tags: [parameters]

epochs: int = 250  # passes over the training images
rate: float = 0.5
seeds: list | None = None
```

```{code-cell}
from skipnets.chapters import check_parameters

rerun = check_parameters()
```

```{code-cell}
1 / (epochs != 13)
print([epochs, rate, seeds, rerun])
```
"""


@pytest.fixture
def chapter(tmp_path: Path) -> Path:
    """A chapter and its pair, in a folder of their own."""
    path = tmp_path / "chapters" / "chapter.md"
    path.parent.mkdir()
    path.write_text(CHAPTER)
    jupytext.write(jupytext.read(path), path.with_suffix(".ipynb"))
    return path


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out" / "chapter.ipynb"


def printed(notebook: Path) -> str:
    cell = nbformat.read(notebook, as_version=4).cells[-1]
    return "".join(part.text for part in cell.outputs if part.output_type == "stream")


@pytest.mark.parametrize("suffix", [".md", ".ipynb"])
def test_both_forms_run_with_parameters(chapter: Path, output: Path, suffix: str) -> None:
    before = {path: path.read_text() for path in chapter.parent.iterdir()}
    execute_chapter(chapter.with_suffix(suffix), output, {"epochs": 3, "rate": 1, "seeds": [0, 1]})
    assert printed(output).strip() == "[3, 1, [0, 1], True]"
    assert {path: path.read_text() for path in chapter.parent.iterdir()} == before


def test_without_parameters_it_is_no_rerun(chapter: Path, output: Path) -> None:
    execute_chapter(chapter, output, {})
    assert printed(output).strip() == "[250, 0.5, None, False]"


def test_a_folder_is_no_output(chapter: Path, output: Path) -> None:
    output.mkdir(parents=True)
    with pytest.raises(BadInputError, match=f"{output} is a folder"):
        execute_chapter(chapter, output, {})
    assert list(output.iterdir()) == []


def test_the_output_is_whole_or_that_of_before(chapter: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the last cell has run; then nothing tells of the draft that it was."""
    execute_chapter(chapter, output, {})
    before, run = output.read_bytes(), papermill.execute_notebook

    def watched(*paths: str, **options: object) -> None:
        run(*paths, **options)
        assert output.read_bytes() == before

    monkeypatch.setattr(papermill, "execute_notebook", watched)
    execute_chapter(chapter, output, {"epochs": 4})
    assert printed(output).strip() == "[4, 0.5, None, True]"
    assert nbformat.read(output, as_version=4).metadata.papermill.output_path == str(output)
    assert list(output.parent.iterdir()) == [output]


def test_an_executed_notebook_runs_again_with_other_parameters(chapter: Path, output: Path) -> None:
    execute_chapter(chapter, output, {"epochs": 3})
    again = output.with_name("{again}.ipynb")
    execute_chapter(output, again, {"epochs": 4})
    assert printed(again).strip() == "[4, 0.5, None, True]"


def test_bad_parameters_are_refused_before_anything_runs(chapter: Path, output: Path) -> None:
    with pytest.raises(BadInputError) as refusal:
        execute_chapter(chapter, output, {"epoch": 3, "epochs": "three", "seeds": 0, "rate": None})
    message = str(refusal.value)
    assert "no parameter 'epoch'" in message
    assert "epochs: expected int, received 'three'" in message
    assert "seeds: expected list | None, received 0" in message
    assert "rate: expected float, received None" in message
    assert "epochs: int = 250  # passes over the training images" in message
    assert not output.exists()


@pytest.mark.parametrize("suffix", [".md", ".ipynb"])
def test_the_chapter_and_its_pair_are_never_the_output(
    chapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.ipynb").symlink_to(chapter.with_suffix(".ipynb"))
    before = {path: path.read_text() for path in chapter.parent.iterdir()}
    for target in ("chapters/chapter.ipynb", "chapters/../chapters/chapter.md", "link.ipynb"):
        with pytest.raises(BadInputError):
            execute_chapter(chapter.with_suffix(suffix), Path(target), {"epochs": 3})
    assert {path: path.read_text() for path in chapter.parent.iterdir()} == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("absent.md", None),
        ("chapter.txt", "text"),
        ("chapter.ipynb", "{"),
        ("folder.md", "/"),
        ("README.md", "# Text\n\n```bash\ntouch was-run\n```\n"),
    ],
)
def test_what_is_no_chapter_is_bad_input(tmp_path: Path, output: Path, name: str, content: str | None) -> None:
    path = tmp_path / name
    if content == "/":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    with pytest.raises(BadInputError, match=name):
        execute_chapter(path, output, {})


def test_a_failing_cell_keeps_the_output_and_exits_with_1(
    chapter: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["execute", str(chapter), str(output), "-p", "epochs=13"])
    assert ended.value.code == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    outputs = [part for cell in nbformat.read(output, as_version=4).cells for part in cell.get("outputs", [])]
    assert [part.ename for part in outputs if part.output_type == "error"] == ["ZeroDivisionError"]


def test_the_command_exits_with_2_on_bad_input(chapter: Path, output: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["execute", str(chapter), str(output), "-p", "epochs=many"])
    assert ended.value.code == 2


def test_a_kernel_that_dies_is_reported(chapter: Path, output: Path) -> None:
    chapter.write_text(CHAPTER.replace("1 / (epochs != 13)", "import os; os._exit(1)"))
    with pytest.raises(SkipnetsError, match="kernel died"):
        execute_chapter(chapter, output, {})


def test_plain_papermill_is_strict_as_well(chapter: Path, tmp_path: Path) -> None:
    with pytest.raises(PapermillExecutionError) as failure:
        papermill.execute_notebook(
            str(chapter.with_suffix(".ipynb")), str(tmp_path / "out.ipynb"), {"epohcs": 3}, progress_bar=False
        )
    assert failure.value.ename == "BadInputError"
    assert "epohcs" in failure.value.evalue
