"""The strict build, in a small project with the real configuration: what it executes, when it fails, what it loads."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from skipnets.paths import ROOT

INDEX = "# A book\n\nBy {cite:t}`parker2022`, with $x^2$ and {numref}`tbl-printed`.\n"

CHAPTER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A chapter

```{code-cell}
from skipnets.paths import RESULTS, ROOT

with open(ROOT / "executions", "a") as file:
    file.write("x")
print("mark", *(path.read_text() for path in sorted(RESULTS.glob("*.json"))))
```

```{code-cell}
from IPython.display import Markdown

Markdown(":::{table} Printed by a cell, after {cite:t}`gil`\\n:name: tbl-printed\\n\\n| a |\\n| --- |\\n| 1 |\\n:::")
```
"""

API = "# The library\n\n```{eval-rst}\n.. autoclass:: skipnets.status.CellStatus\n```\n"

CONTENTS = """\
format: jb-book
root: index.md
parts:
  - caption: Experiments
    chapters:
      - file: chapters/chapter.md
      - file: chapters/api.md
      - file: chapters/references.md
"""


@dataclass(frozen=True)
class Book:
    """A project of three pages and a chapter that counts its executions."""

    root: Path

    @property
    def executions(self) -> int:
        log = self.root / "executions"
        return len(log.read_text()) if log.exists() else 0

    @property
    def site(self) -> Path:
        return self.root / "_build" / "html"

    def page(self, name: str) -> str:
        return (self.site / "chapters" / f"{name}.html").read_text()

    def build(self) -> subprocess.CompletedProcess[str]:
        """Build strictly, with the project's own copy of the library."""
        command = [Path(sys.executable).with_name("jupyter-book"), "build", str(self.root), "-W", "-n", "--keep-going"]
        environment = os.environ | {"PYTHONPATH": str(self.root / "lib")}
        return subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def make_book(root: Path) -> Book:
    for name in ("_config.yml", "requirements.lock", "chapters/references.md", "chapters/references.bib"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    for folder in ("_ext", "_static", "lib"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (root / "data" / "results").mkdir(parents=True)
    for hidden in (".venv", "env/lib/.notes"):
        (root / hidden).mkdir(parents=True)
        (root / hidden / "notes.md").write_text("no page of the book")
    pages = {"_toc.yml": CONTENTS, "index.md": INDEX, "chapters/chapter.md": CHAPTER, "chapters/api.md": API}
    for name, text in pages.items():
        (root / name).write_text(text)
    return Book(root)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A book that was built once."""
    book = make_book(tmp_path_factory.mktemp("book"))
    result = book.build()
    assert result.returncode == 0, result.stderr
    return book


def test_a_chapter_is_executed_again_after_a_change_of_what_it_depends_on(built: Book) -> None:
    chapter = built.root / "chapters" / "chapter.md"
    record = built.root / "data" / "results" / "record.json"
    module = built.root / "lib" / "skipnets" / "paths.py"

    def executions_after(change: Callable[[], object]) -> int:
        before = built.executions
        change()
        assert built.build().returncode == 0
        return built.executions - before

    assert built.executions == 1
    assert executions_after(lambda: None) == 0
    assert executions_after(lambda: chapter.write_text(CHAPTER + "\nA sentence.\n")) == 0
    assert "A sentence." in built.page("chapter")
    assert executions_after(lambda: record.write_text("0.9375")) == 1
    assert "mark 0.9375" in built.page("chapter")
    assert executions_after(lambda: module.write_text(module.read_text() + "\n# a comment\n")) == 1
    assert executions_after(lambda: os.utime(module)) == 0
    assert len(list((built.root / "_build" / ".jupyter_cache").iterdir())) == 1


def test_a_failing_cell_fails_every_build(built: Book, tmp_path: Path) -> None:
    book = Book(tmp_path / "copy")
    shutil.copytree(built.root, book.root)
    (book.root / "chapters" / "chapter.md").write_text(CHAPTER.replace('"mark"', "1 / 0"))
    for _ in range(2):
        result = book.build()
        assert result.returncode != 0
        assert "ZeroDivisionError" in result.stderr


def test_a_warning_fails_every_build_until_its_cause_is_gone(built: Book, tmp_path: Path) -> None:
    book = Book(tmp_path / "copy")
    shutil.copytree(built.root, book.root)
    page = book.root / "chapters" / "api.md"
    page.write_text(API + "\n{numref}`no-such-figure`\n")
    for _ in range(2):
        result = book.build()
        assert result.returncode != 0
        assert "no-such-figure" in result.stderr
    page.write_text(API)
    assert book.build().returncode == 0


class Loaded(HTMLParser):
    """Collects the addresses that a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") != "canonical":
            self.addresses.append(given.get("href") or "")
        elif tag in {"script", "img", "iframe", "source", "object", "embed"}:
            self.addresses.append(given.get("src") or given.get("data") or "")


def test_the_site_loads_nothing_from_elsewhere(built: Book) -> None:
    pages = [page for page in built.site.rglob("*.html") if "_static" not in page.parts]
    assert len(pages) >= 4
    for page in pages:
        parser = Loaded()
        parser.feed(page.read_text())
        external = [address for address in parser.addresses if re.match(r"(https?:)?//", address)]
        assert external == [], page
        missing = [
            address
            for address in parser.addresses
            if address
            and not address.startswith("data:")
            and not (page.parent / re.sub(r"[?#].*", "", address)).exists()
        ]
        assert missing == [], page
        scripts = "".join(re.findall(r"<script[^>]*>(.*?)</script>", page.read_text(), flags=re.DOTALL))
        assert "://" not in scripts, page
    for style in built.site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(https?:)?//|@import\s+(url\()?['\"]?https?:", style.read_text()), style


def test_formulas_are_set_by_a_local_script(built: Book) -> None:
    assert re.search(r'<script[^>]*src="_static/mathjax/tex-chtml.js', (built.site / "index.html").read_text())
    assert list((built.site / "_static" / "mathjax").rglob("MathJax_Main-Regular.woff"))


def test_a_table_that_a_cell_prints_is_numbered_and_referred_to(built: Book) -> None:
    assert "Table 1" in re.sub(r"<[^>]+>", "", built.page("chapter"))
    assert (
        '<a class="reference internal" href="chapters/chapter.html#tbl-printed">'
        in (built.site / "index.html").read_text()
    )


def test_a_class_shows_its_fields_with_their_comments(built: Book) -> None:
    shown = re.sub(r"<[^>]+>", "", built.page("api"))
    assert "test_accuracy: float | None  # mean over the completed runs" in shown


def make(folder: Path, pip: str) -> subprocess.CompletedProcess[str]:
    """Run the set-up part of the Makefile with an interpreter whose environments have ``pip`` as their pip."""
    python = folder / "python"
    python.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = -c ]; then exit 0; fi\n'
        'mkdir -p .venv/bin && printf "#!/bin/sh\\necho x >> installs\\n%s\\n" "$PIP" > .venv/bin/python\n'
        "chmod +x .venv/bin/python\n"
    )
    python.chmod(0o755)
    command = ["make", f"PYTHON={python}", ".venv/ready"]
    return subprocess.run(command, cwd=folder, env=os.environ | {"PIP": pip}, capture_output=True, text=True)


def test_a_set_up_that_failed_is_begun_again_and_a_finished_one_is_not(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    installs = tmp_path / "installs"
    assert make(tmp_path, "exit 1").returncode != 0
    assert not (tmp_path / ".venv" / "ready").exists()
    for expected in (3, 3):  # one that failed, then the lock and the library
        assert make(tmp_path, "exit 0").returncode == 0
        assert len(installs.read_text().split()) == expected
    later = (tmp_path / ".venv" / "ready").stat().st_mtime + 10
    os.utime(tmp_path / "requirements.lock", (later, later))
    assert make(tmp_path, "exit 0").returncode == 0
    assert len(installs.read_text().split()) == 5
