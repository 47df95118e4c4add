"""Running a chapter with other parameters: checked before anything runs, never in place."""

import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jupytext
import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from skipnets.chapters import Parameter, declared_parameters, refuse_bad_parameters
from skipnets.errors import BadInputError, SkipnetsError
from skipnets.files import require_writable, write_atomically

#: The kernel of the environment that skipnets is installed in, whatever the notebook's own is called.
KERNEL = "python3"


def execute_chapter(chapter: Path, output: Path, parameters: Mapping[str, Any]) -> None:
    """Execute ``chapter`` with ``parameters`` through papermill and write the executed notebook to ``output``.

    Args:
        chapter: A chapter as MyST notebook (.md) or as .ipynb.
        output: Where the executed notebook goes (.ipynb) when it has ended, also when a cell fails.
        parameters: Values by name, as plain JSON data.

    Raises:
        BadInputError: No such chapter; a name that its parameters cell does not have, or a value of another type;
            ``output`` is the chapter itself, its pair or a folder. Nothing has run then.
        SkipnetsError: A cell failed, or ``output`` cannot be written.
    """
    notebook = _read(chapter)
    refuse_bad_parameters(_declared(notebook), parameters)
    if output.suffix != ".ipynb":
        raise BadInputError(f"{output}: an executed chapter is written as .ipynb")
    if output.resolve().with_suffix("") == chapter.resolve().with_suffix(""):
        raise BadInputError(f"{output} is the chapter itself or its pair: choose another output")
    if output.is_dir():
        raise BadInputError(f"{output} is a folder: name the notebook to write in it")
    require_writable(output.parent)
    with TemporaryDirectory() as folder:
        draft = str(Path(folder) / "draft.ipynb")
        nbformat.write(notebook, draft)
        if parameters:
            loaded = load_notebook_node(draft)
            nbformat.write(
                parameterize_notebook(loaded, dict(parameters), kernel_name=KERNEL, language="python"), draft
            )
        try:
            papermill.execute_notebook(draft, draft, kernel_name=KERNEL, progress_bar=sys.stderr.isatty())
        except DeadKernelError as error:
            raise SkipnetsError(f"{chapter}: the kernel died; what ran before is in {output}") from error
        except PapermillExecutionError as error:
            # A spec that a chapter builds of its parameters refuses them by pydantic's error.
            kind = BadInputError if error.ename in {"BadInputError", "ValidationError"} else SkipnetsError
            raise kind(
                f"{chapter}: cell {error.exec_count} failed with {error.ename}: {error.evalue}\n"
                f"what ran before it, and its traceback, are in {output}"
            ) from error
        finally:
            executed = nbformat.read(draft, as_version=4)
            names = {"input_path": str(chapter), "output_path": str(output)}  # instead of the draft's
            executed.metadata["papermill"] = executed.metadata.get("papermill", {}) | names
            write_atomically(output, lambda file: file.write(nbformat.writes(executed).encode()))


def _read(chapter: Path) -> nbformat.NotebookNode:
    if chapter.suffix not in {".md", ".ipynb"}:
        raise BadInputError(f"{chapter}: a chapter is a .md or .ipynb file")
    try:
        notebook = jupytext.read(chapter)
    except OSError as error:
        raise BadInputError(f"{chapter}: {error.strerror}") from error
    except Exception as error:  # jupytext, nbformat and yaml raise errors without a common class
        raise BadInputError(f"{chapter} is not a notebook: {error}") from error
    if "kernelspec" not in notebook.metadata:  # jupytext would run the shell examples of any Markdown file
        raise BadInputError(f"{chapter} is not a chapter: its header names no kernel")
    return notebook


def _declared(notebook: nbformat.NotebookNode) -> dict[str, Parameter]:
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            return declared_parameters(cell.source)
    return {}
