"""A network's layers as rows: what each is, gives and reads."""

from dataclasses import dataclass

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
