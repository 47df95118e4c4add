"""Tables of the book: a network's layers, and MyST tables with a caption and a name to refer to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a page of tables alone need not load a backend
    import keras


@dataclass(frozen=True)
class LayerRow:
    """One row of a network's summary."""

    name: str
    kind: str  # the layer's class
    shape: tuple[int | None, ...]  # of its output; None is the batch
    parameters: int
    inputs: tuple[str, ...]  # names of the layers it reads


def layer_rows(model: keras.Model) -> list[LayerRow]:
    """Return a row for each layer of a functional model, in the order of computation.

    A layer of a model cut out of a larger one also has connections there, which do not count.
    """
    nodes = [node for depth in model._nodes_by_depth.values() for node in depth]
    return [
        LayerRow(
            name=layer.name,
            kind=type(layer).__name__,
            shape=tuple(layer.output.shape),
            parameters=layer.count_params(),
            inputs=tuple(
                parent.operation.name for node in nodes if node.operation is layer for parent in node.parent_nodes
            ),
        )
        for layer in model.operations
    ]


def myst_table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str, name: str) -> str:
    """Return a MyST table directive that can be referred to as ``{numref}`name```."""
    lines = [f":::{{table}} {caption}", f":name: {name}", "", _row(header), _row(["---"] * len(header))]
    return "\n".join([*lines, *(_row(row) for row in rows), ":::"])


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def layer_table(model: keras.Model, caption: str, name: str) -> str:
    """Return a network's layer rows and total as a MyST table."""
    rows: list[Sequence[object]] = [
        (
            f"`{row.name}`",
            row.kind,
            _shape(row.shape),
            f"{row.parameters:,}",
            ", ".join(f"`{name}`" for name in row.inputs),
        )
        for row in layer_rows(model)
    ]
    total = ("**total**", "", "", f"**{model.count_params():,}**", "")
    return myst_table(("layer", "kind", "output", "parameters", "connected to"), [*rows, total], caption, name)


def _shape(shape: tuple[int | None, ...]) -> str:
    return "\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}".join(str(side) for side in shape[1:])
