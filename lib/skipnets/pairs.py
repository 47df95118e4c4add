"""The .ipynb beside each chapter: made from the .md, never the other way, the same bytes every time.

``python -m skipnets.pairs`` writes them; with ``--check`` it names those that are out of step.
"""

import hashlib
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat

from skipnets.files import write_atomically
from skipnets.paths import ROOT

CHAPTERS = ROOT / "chapters"


def paired_chapters(folder: Path = CHAPTERS) -> list[Path]:
    """Return the .md files that ask for a pair, those whose header names ipynb among its formats."""
    found = []
    for path in sorted(folder.glob("*.md")):
        header = jupytext.read(path).metadata.get("jupytext", {})
        if "ipynb" in header.get("formats", ""):
            found.append(path)
    return found


def pair_text(chapter: Path) -> str:
    """Return the content of the .ipynb that belongs to ``chapter``.

    A cell's id comes from its source, since jupytext would draw a new one each time.
    """
    notebook = jupytext.read(chapter)
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        cell.id = f"{digest}-{seen[digest]}" if seen[digest] else digest
        seen[digest] += 1
    del notebook.metadata["jupytext"]["text_representation"]
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return nbformat.writes(notebook) + "\n"


def out_of_step(folder: Path = CHAPTERS) -> list[Path]:
    """Return the chapters whose .ipynb is missing or is not what ``pair_text`` gives."""
    pairs = {chapter: chapter.with_suffix(".ipynb") for chapter in paired_chapters(folder)}
    return [chapter for chapter, pair in pairs.items() if not pair.exists() or pair.read_text() != pair_text(chapter)]


def main(arguments: Sequence[str]) -> int:
    """Write the pairs that are out of step, or with ``--check`` only name them; return the exit code."""
    stale = out_of_step()
    for chapter in stale:
        pair = chapter.with_suffix(".ipynb")
        if "--check" in arguments:
            print(f"{pair.relative_to(ROOT)} is not in step with {chapter.name}: make pairs")
        else:
            content = pair_text(chapter).encode()
            write_atomically(pair, lambda file, content=content: file.write(content))  # type: ignore[misc]
            print(pair.relative_to(ROOT))
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
