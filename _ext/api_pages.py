"""Show the classes of the library as their source does: fields with types, defaults and comments.

A pydantic model's own signature spells out every constraint object, and leaves out the comments.
"""

import ast
import dataclasses
import inspect
import textwrap
from typing import Any

from pydantic import BaseModel
from sphinx.application import Sphinx


def has_fields(obj: object) -> bool:
    """Whether ``obj`` is a class that is declared by its fields."""
    return inspect.isclass(obj) and (dataclasses.is_dataclass(obj) or issubclass(obj, BaseModel))


def drop_signature(app: Sphinx, what: str, name: str, obj: object, *_: Any) -> tuple[str, str] | None:
    """Leave out the constructor's signature of a class with fields."""
    return ("", "") if has_fields(obj) else None


def show_fields(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Add the lines that declare a class's fields to its docstring."""
    if not has_fields(obj):
        return
    source = textwrap.dedent(inspect.getsource(obj))
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    fields = [node for node in definition.body if isinstance(node, ast.AnnAssign)]
    declared = [line for node in fields for line in source.splitlines()[node.lineno - 1 : node.end_lineno]]
    if declared:
        lines += ["", ".. code-block:: python", "", *(f"   {line.strip()}" for line in declared), ""]


def keep_colon(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Keep napoleon from taking what stands before a colon in the docstring of a property or constant for its type."""
    if what in {"attribute", "data", "property"} and lines:
        lines[0] = f":{lines[0]}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("autodoc-process-signature", drop_signature)
    app.connect("autodoc-process-docstring", show_fields)
    app.connect("autodoc-process-docstring", keep_colon, priority=400)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
