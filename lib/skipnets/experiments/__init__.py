"""The write-ups' experiments: named cells, their specs and their seeds, a module a document."""

from collections.abc import Callable
from typing import Any

from skipnets.errors import BadInputError
from skipnets.experiments.document_000 import cnn_vs_resnet
from skipnets.experiments.document_003 import concat_vs_sum, concat_vs_sum_pocket
from skipnets.experiments.document_004 import DEPTHS, layers_164, very_deep
from skipnets.experiments.grid import Cell, Experiment

__all__ = [
    "DEPTHS",
    "EXPERIMENTS",
    "Cell",
    "Experiment",
    "cnn_vs_resnet",
    "concat_vs_sum",
    "concat_vs_sum_pocket",
    "find_experiment",
    "layers_164",
    "very_deep",
]

EXPERIMENTS: dict[str, Callable[..., Experiment]] = {
    "cnn_vs_resnet": cnn_vs_resnet,
    "concat_vs_sum": concat_vs_sum,
    "concat_vs_sum_pocket": concat_vs_sum_pocket,
    "layers_164": layers_164,
    "very_deep": very_deep,
}


def find_experiment(name: str, **arguments: Any) -> Experiment:
    """Return the experiment called ``name`` at the scale that ``arguments`` ask for.

    Raises:
        BadInputError: There is no such experiment; the message lists them.
    """
    if name not in EXPERIMENTS:
        raise BadInputError(f"no experiment {name!r}; there are: {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name](**arguments)
