"""Document 003's grid of joins, depths and kernels, at paper and at pocket scale."""

from collections.abc import Sequence
from typing import Any

from skipnets.experiments.grid import Cell, Experiment, Scale, seeds_of
from skipnets.published import TABLE_1
from skipnets.specs import SGD, JoinNet, parse_spec

#: The document's own, and one of a twentieth of the steps.
PAPER = Scale("cifar10-jpeg", epochs=200, samples=50_000, test_samples=10_000, batch_size=500)
POCKET = Scale("cifar10-jpeg", epochs=20, samples=5000, test_samples=2000, batch_size=100)

#: The joins and the numbers of kernels of Table 1, as the cells' names have them.
JOINS = ("baseline", "concatenation", "summation")
KERNELS = (3, 16, 64)


def concat_vs_sum(
    image_set: str = PAPER.image_set,
    epochs: int = PAPER.epochs,
    samples: int = PAPER.samples,
    test_samples: int = PAPER.test_samples,
    batch_size: int = PAPER.batch_size,
    seeds: Sequence[int] | None = None,
) -> Experiment:
    """Document 003's Table 1, the rows that its text promises and the table lacks, and controls that part causes.

    Cells are named by join, layers and kernels. SGD at 0.01 without momentum, softmax outputs.

    Raises:
        BadInputError: An argument is out of range; the message names it.
    """
    scale = Scale(image_set, epochs, samples, test_samples, batch_size)
    return Experiment(
        name="concat_vs_sum",
        title="Concatenate or sum? (document 003)",
        cells=_join_cells(scale, 0.01, seeds),
        full_scale=scale == PAPER,
    )


def concat_vs_sum_pocket(
    image_set: str = POCKET.image_set,
    epochs: int = POCKET.epochs,
    samples: int = POCKET.samples,
    test_samples: int = POCKET.test_samples,
    batch_size: int = POCKET.batch_size,
    seeds: Sequence[int] | None = None,
) -> Experiment:
    """The cells of ``concat_vs_sum`` at a scale that two cores do in four to five hours, all seeds together.

    A tenth of the images, a tenth of the epochs, a fifth of the batch: a twentieth of the steps, and a learning rate
    that makes up for some of it. It was chosen once, by one seed of the baseline with 12 layers: at 0.03, 0.1 and 0.3,
    test accuracy was 0.45, 0.46 and 0.39 with 16 kernels, 0.25, 0.38 and 0.09 with 3.

    Raises:
        BadInputError: An argument is out of range; the message names it.
    """
    scale = Scale(image_set, epochs, samples, test_samples, batch_size)
    return Experiment(
        name="concat_vs_sum_pocket",
        title="Concatenate or sum? (document 003, pocket scale)",
        cells=_join_cells(scale, 0.1, seeds),
        full_scale=scale == POCKET,
    )


def _join_cells(scale: Scale, rate: float, seeds: Sequence[int] | None) -> tuple[Cell, ...]:
    """The cells of document 003's grid, which differ in what their names say, at one scale and learning rate."""
    base = scale.fields() | {
        "loss": "probabilities",
        "optimizer": SGD(learning_rate=rate),
        "evaluate_test_every": 2,
        "evaluate_training_every": 10,
    }
    joins: dict[str, dict[str, Any]] = dict(zip(JOINS, ({}, {"join": "concatenate"}, {"join": "sum"}), strict=True))

    def cell(name: str, difference: str = "", changes: dict[str, Any] | None = None, **architecture: Any) -> Cell:
        join, depth, kernels = name.split("_")[:3]
        net = JoinNet(depth=int(depth), kernels=int(kernels), **(joins[join] | architecture))
        data = base | {"architecture": net} | (changes or {})
        label = f"{join.capitalize()}, {depth} layers of {kernels} kernels" + (f", {difference}" if difference else "")
        return Cell(name, label, parse_spec(data), seeds_of(seeds), main=name in TABLE_1)

    he: dict[str, Any] = {"initializer": "he_normal"}
    fifth, tenth = ({"epochs": -(-scale.epochs // part)} for part in (5, 10))
    return (
        *(cell(name) for name in TABLE_1),
        cell("baseline_99_3"),
        cell("summation_69_16"),
        cell("summation_120_3"),
        *(cell(f"baseline_69_{kernels}_he", "He initialization", he) for kernels in (3, 16)),
        *(
            cell(f"baseline_69_{kernels}_normalized", "every convolution normalized", normalization="convolutions")
            for kernels in (3, 16)
        ),
        cell("baseline_69_16"),
        *(
            cell(f"{join}_12_16_bottleneck", "squeezed to 16 channels", bottleneck=True)
            for join in ("baseline", "concatenation")
        ),
        # 6,959 units bring the baseline within 500 parameters of the concatenation
        cell("baseline_12_16_wide", "6,959 units in the first dense layer", dense_units=6959),
        *(cell(f"{join}_12_16_pooled", "four poolings", stages=4) for join in joins),
        *(cell(f"{join}_12_6") for join in joins),
        *(cell(f"{join}_12_16_long", "twice the epochs", {"epochs": 2 * scale.epochs}) for join in joins),
        # for a machine on which all of them take hours
        *(cell(f"{join}_12_16_short", "a fifth of the epochs", fifth) for join in joins),
        *(cell(f"{join}_69_3_brief", "a tenth of the epochs", tenth) for join in joins),
        cell("baseline_69_3_he_brief", "He initialization, a tenth of the epochs", he | tenth),
    )
