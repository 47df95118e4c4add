"""MyST tables with a caption and a name to refer to, of numbers or of a network's layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a page of tables alone need not load a backend
    from skipnets.architectures.summary import LayerRow


def myst_table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str, name: str) -> str:
    """Return a MyST table directive that can be referred to as ``{numref}`name```."""
    lines = [f":::{{table}} {caption}", f":name: {name}", "", _row(header), _row(["---"] * len(header))]
    return "\n".join([*lines, *(_row(row) for row in rows), ":::"])


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def layer_table(layers: Sequence[LayerRow], caption: str, name: str) -> str:
    """Return a network's layers and the total of their parameters as a MyST table."""
    rows: list[Sequence[object]] = [
        (
            f"`{row.name}`",
            row.kind,
            _shape(row.shape),
            f"{row.parameters:,}",
            ", ".join(f"`{name}`" for name in row.inputs),
        )
        for row in layers
    ]
    total = ("**total**", "", "", f"**{sum(row.parameters for row in layers):,}**", "")
    return myst_table(("layer", "kind", "output", "parameters", "connected to"), [*rows, total], caption, name)


def _shape(shape: tuple[int | None, ...]) -> str:
    return "\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}".join(str(side) for side in shape[1:])
