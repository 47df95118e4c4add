"""A chapter's parameters: what it declares, which values they take, and whether a run has set any."""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from IPython import get_ipython
from IPython.display import Markdown, display
from pydantic import TypeAdapter

from skipnets.errors import BadInputError, require

#: How the cell begins that papermill puts behind the parameters cell.
INJECTED = "# Parameters"

_TYPES = {kind.__name__: kind for kind in (bool, dict, float, int, list, str, tuple)}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell, ``name: annotation = default  # meaning``."""

    name: str
    annotation: str
    default: str
    meaning: str

    def accepts(self, value: Any) -> bool:
        """Whether ``value`` is of the annotated type in JSON's sense: a list will do for a tuple, 1 for a float."""
        try:
            kind = eval(self.annotation, {"__builtins__": {}}, _TYPES)
        except NameError as error:
            raise BadInputError(f"{self}: an annotation is built from {', '.join(_TYPES)} and None") from error
        try:
            TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
        except (TypeError, ValueError):
            return False
        return True

    def __str__(self) -> str:
        line = f"{self.name}: {self.annotation} = {self.default}"
        return f"{line}  # {self.meaning}" if self.meaning else line


def declared_parameters(source: str) -> dict[str, Parameter]:
    """Read a parameters cell; only annotated assignments count."""
    lines = source.splitlines()
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            assert node.end_lineno is not None
            meaning = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode().partition("#")[2].strip()
            name, annotation, default = (ast.unparse(part) for part in (node.target, node.annotation, node.value))
            found[name] = Parameter(name, annotation, default, meaning)
    return found


def refuse_bad_parameters(declared: Mapping[str, Parameter], given: Mapping[str, Any]) -> None:
    """Compare the parameters given to a chapter with those it declares.

    Raises:
        BadInputError: A name that is not declared or a value of another type; the message lists what is declared.
    """
    problems = []
    for name, value in given.items():
        if name not in declared:
            problems.append(f"no parameter {name!r}")
        elif not declared[name].accepts(value):
            problems.append(f"{name}: expected {declared[name].annotation}, received {value!r}")
    if problems:
        listed = [f"  {parameter}" for parameter in declared.values()] or ["  none"]
        raise BadInputError("\n".join([*problems, "the chapter's parameters:", *listed]))


def check_parameters(**ranges: tuple[float, float | None]) -> bool:
    """Check what papermill has set, and say below the cell what it was; called in the cell behind the parameters.

    papermill itself only warns of a name that the chapter does not have and lets every type pass.

    Args:
        ranges: Least and greatest value of a parameter, both allowed, by its name; None is no limit.

    Returns:
        Whether this is a papermill run with parameters. False in the book's build and in JupyterLab.

    Raises:
        BadInputError: A parameter that the chapter does not have, a value of another type or outside its range.
    """
    shell = get_ipython()
    if shell is None:
        return False
    cells: list[str] = shell.user_ns["In"]
    positions = [position for position, source in enumerate(cells) if source.startswith(INJECTED)]
    given: dict[str, Any] = {}
    if positions:
        injected = ast.parse(cells[positions[-1]])
        nodes = [node for node in ast.walk(injected) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        declared = declared_parameters(cells[positions[-1] - 1])
        given = {node.id: shell.user_ns[node.id] for node in nodes}
        refuse_bad_parameters(declared, given)
    for name, (least, most) in ranges.items():
        require(least, most, **{name: shell.user_ns[name]})
    if positions:
        told = ", ".join(f"`{name} = {value!r}`" for name, value in given.items())
        notice = (
            f"> **A rerun with other parameters: {told}.** What is computed below is this rerun's. Captions, "
            "alternative texts and sentences without a number of their own were written of the book's records, and by "
            "these verdicts are judged."
        )
        display(Markdown(notice))  # type: ignore[no-untyped-call]
    return bool(positions)
