"""The write-ups' experiments: named cells, their specs and their seeds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from skipnets.errors import BadInputError
from skipnets.measurements import Measurements
from skipnets.paths import LOCAL_RESULTS, RESULTS
from skipnets.published import TABLE_1
from skipnets.records import RunRecord, Store
from skipnets.specs import CNN, SGD, Adam, DeepNet, JoinNet, Part, ResNet, RMSprop, RunSpec, StepDecay, parse_spec


@dataclass(frozen=True)
class Cell:
    """One place of a grid with all its seeds."""

    name: str
    label: str  # what a figure or table calls it
    spec: RunSpec  # with seed 0
    seeds: tuple[int, ...]
    main: bool = False

    def specs(self) -> Iterator[RunSpec]:
        """Yield the cell's runs, one a seed."""
        for seed in self.seeds:
            yield self.spec.with_seed(seed)


@dataclass(frozen=True)
class Experiment:
    """A named grid of cells at one scale.

    ``full_scale`` is False for a rerun with other parameters than the book's. Its records are kept apart from the
    committed ones, and its figures say so.
    """

    name: str
    title: str
    cells: tuple[Cell, ...]
    full_scale: bool = True

    @property
    def store(self) -> Store:
        """Where the experiment's records lie: committed at full scale, ignored by git otherwise."""
        return Store((RESULTS if self.full_scale else LOCAL_RESULTS) / self.name)

    @property
    def measurements(self) -> Measurements:
        """What was measured once on the experiment's trained nets."""
        return Measurements(self.store.folder / "measurements")

    def cell(self, name: str) -> Cell:
        """Return the cell called ``name``.

        Raises:
            BadInputError: There is none; the message lists the cells.
        """
        for cell in self.cells:
            if cell.name == name:
                return cell
        raise BadInputError(f"{self.name} has no cell {name!r}; its cells: {', '.join(c.name for c in self.cells)}")

    def select(self, names: Sequence[str]) -> "Experiment":
        """Return the experiment with the cells called ``names`` alone, in that order."""
        return replace(self, cells=tuple(self.cell(name) for name in names))

    def runs(self) -> Iterator[tuple[Cell, RunSpec]]:
        """Yield every run, the main cells' first, and among these the first seed of each cell before the second."""
        pairs = [(cell, spec) for cell in self.cells for spec in cell.specs()]
        yield from sorted(pairs, key=lambda pair: (not pair[0].main, pair[1].seed))

    def records(self) -> dict[str, list[RunRecord]]:
        """Return what is recorded, by cell, seeds in order."""
        found = {cell.name: [self.store.load(spec) for spec in cell.specs()] for cell in self.cells}
        return {name: [record for record in records if record is not None] for name, records in found.items()}

    def missing(self, weights: bool = False) -> list[tuple[Cell, RunSpec]]:
        """Return the runs without a record (or, with ``weights``, without kept ones), in the order to train them in."""
        return [(cell, spec) for cell, spec in self.runs() if not self.store.holds(spec, weights)]


def cnn_vs_resnet(
    image_set: str = "cifar10-head",
    epochs: int = 250,
    samples: int = 2500,
    test_samples: int = 1017,
    batch_size: int = 64,
    seeds: Sequence[int] | None = None,
) -> Experiment:
    """Document 000: a CNN against a small residual net on the first 2,500 images of CIFAR-10.

    The defaults are the book's experiment, each cell with its own seeds. Any other value of an argument that decides
    a result makes a rerun at another scale. The cells about other images exist in the book's experiment alone.

    Raises:
        BadInputError: An argument is out of range; the message names it.
    """
    five, three, two = (0, 1, 2, 3, 4), (0, 1, 2), (0, 1)
    rms = RMSprop()
    base = _base(image_set, samples, test_samples, batch_size, epochs)
    full_scale = (image_set, epochs, samples, test_samples, batch_size) == ("cifar10-head", 250, 2500, 1017, 64)

    def cell(
        name: str,
        label: str,
        architecture: Part,
        cell_seeds: tuple[int, ...],
        optimizer: Part = rms,
        main: bool = False,
        **changes: Any,
    ) -> Cell:
        own = changes if epochs == 250 else changes | {"epochs": epochs}
        data = base | {"optimizer": optimizer, "architecture": architecture} | own
        chosen_seeds = cell_seeds if seeds is None else tuple(dict.fromkeys(seeds))
        return Cell(name, label, parse_spec(data), chosen_seeds, main)

    plain_cnn, resnet, no_skips = CNN(output_dropout=0), ResNet(), ResNet(skips=False)
    momentum = SGD(learning_rate=0.01, momentum=0.9)
    cells = [
        cell("cnn", "CNN", CNN(output_dropout=0.2), five, main=True),
        cell("resnet", "ResNet", resnet, five, main=True),
        cell("resnet_no_skips", "ResNet without additions", no_skips, five, main=True),
        cell("cnn_no_dropout", "CNN without output dropout", plain_cnn, five, main=True),
        cell("cnn_softmax", "CNN, softmax", CNN(output_dropout=0.1), five, main=True, loss="probabilities"),
        *(
            cell(f"cnn_dropout_{percent}", f"CNN, output dropout {percent} %", CNN(output_dropout=percent / 100), two,
                 epochs=100)
            for percent in (10, 25, 50)
        ),
        cell("resnet_dropout_0", "ResNet, no dropout", ResNet(dropout=0), three),
        cell("resnet_dropout_25", "ResNet, dropout 25 %", ResNet(dropout=0.25), three),
        cell("resnet_no_skips_dropout_0", "ResNet without additions, no dropout", ResNet(skips=False, dropout=0),
             three),
        cell("resnet_adam", "ResNet, Adam", resnet, two, Adam()),
        cell("cnn_adam", "CNN without output dropout, Adam", plain_cnn, two, Adam()),
        cell("resnet_sgd", "ResNet, SGD with momentum", resnet, two, momentum),
        cell("cnn_sgd", "CNN without output dropout, SGD with momentum", plain_cnn, two, momentum),
        *(
            cell(name, f"CNN without output dropout, {label}", changed, three, epochs=100)
            for name, label, changed in (
                ("cnn_two_stages", "two stages", CNN(output_dropout=0, stages=2)),
                ("cnn_tanh", "tanh", CNN(output_dropout=0, activation="tanh")),
                ("cnn_linear", "linear", CNN(output_dropout=0, activation="linear")),
                ("cnn_average", "averaged maps", CNN(output_dropout=0, head="average")),
            )
        ),
        cell("resnet_flatten", "ResNet, flattened maps", ResNet(head="flatten"), three, epochs=100),
        cell("resnet_epsilon", "ResNet, RMSprop epsilon 0.001", resnet, three, RMSprop(epsilon=1e-3)),
    ]  # fmt: skip
    if full_scale:
        jpeg: dict[str, Any] = {"image_set": "cifar10-jpeg", "test_images": 10_000, "evaluate_test_every": 5}
        more = jpeg | {"train_images": 25_000, "epochs": 50}
        cells += [
            cell("resnet_other_images", "ResNet, images 1,501 to 4,000", resnet, two, train_offset=1500),
            cell("cnn_other_images", "CNN without output dropout, images 1,501 to 4,000", plain_cnn, two,
                 train_offset=1500),
            cell("resnet_jpeg", "ResNet, 10,000 test images", resnet, three, **jpeg),
            cell("cnn_jpeg", "CNN, 10,000 test images", CNN(output_dropout=0.2), three, **jpeg),
            cell("resnet_25000", "ResNet, 25,000 training images", resnet, (0,), **more),
            cell("cnn_25000", "CNN, 25,000 training images", CNN(output_dropout=0.2), (0,), **more),
        ]  # fmt: skip
    return Experiment(
        name="cnn_vs_resnet",
        title="A CNN against a ResNet (document 000)",
        cells=tuple(cells),
        full_scale=full_scale,
    )  # fmt: skip


#: He et al.'s depths of two-layer blocks in three stages, 6n+2, up to document 004's 164.
DEPTHS = (8, 14, 20, 32, 56, 110, 164)


def very_deep(
    image_set: str = "cifar10-jpeg",
    epochs: int = 20,
    samples: int = 5000,
    test_samples: int = 1000,
    batch_size: int = 128,
    width: int = 8,
    seeds: Sequence[int] | None = None,
) -> Experiment:
    """Document 004's nets at rising depth, half as wide as published and trained briefly: a sweep that a CPU can do.

    He et al.'s settings (2015, section 4.2): SGD with momentum, weight decay, He initialisation, a learning rate of 0.1
    that is divided by ten after half and three quarters of the epochs. Without batch normalisation it is 0.01.

    Raises:
        BadInputError: An argument is out of range; the message names it.
    """
    chosen_seeds = (0, 1, 2) if seeds is None else tuple(dict.fromkeys(seeds))

    def cell(kind: str, word: str, depth: int, batch_norm: bool = True) -> Cell:
        net = DeepNet(kind=kind, depth=depth, width=width, batch_norm=batch_norm)
        milestones = tuple(sorted({max(1, epochs // 2), max(1, 3 * epochs // 4)}))
        spec = parse_spec(
            _base(image_set, samples, test_samples, batch_size, epochs)
            | {
                "architecture": net,
                "optimizer": SGD(learning_rate=0.1 if batch_norm else 0.01, momentum=0.9),
                "schedule": StepDecay(milestones=milestones),
                "weight_decay": 1e-4,
                "initializer": "he_normal",
                "evaluate_test_every": 5,
            }
        )
        name, label = f"{kind}_{depth}", f"{word}, {depth} layers"
        if not batch_norm:
            name, label = f"{name}_unnormalized", f"{label}, no batch normalisation"
        return Cell(name, label, spec, chosen_seeds)

    kinds = (("plain_net", "PlainNet"), ("residual_net", "ResNet"))
    cells = [cell(kind, word, depth) for depth in DEPTHS for kind, word in kinds]
    cells += [cell("plain_net", "PlainNet", depth, batch_norm=False) for depth in (20, 56)]
    return Experiment(
        name="very_deep",
        title="PlainNet and ResNet at rising depth (document 004, reduced)",
        cells=tuple(cells),
        full_scale=(image_set, epochs, samples, test_samples, batch_size, width)
        == ("cifar10-jpeg", 20, 5000, 1000, 128, 8),
    )


def concat_vs_sum(
    image_set: str = "cifar10-jpeg",
    epochs: int = 200,
    samples: int = 50_000,
    test_samples: int = 10_000,
    batch_size: int = 500,
    seeds: Sequence[int] | None = None,
) -> Experiment:
    """Document 003's Table 1, the rows that its text promises and the table lacks, and controls that part causes.

    Cells are named by join, layers and kernels. SGD at 0.01 without momentum, softmax outputs.

    Raises:
        BadInputError: An argument is out of range; the message names it.
    """
    base = _base(image_set, samples, test_samples, batch_size, epochs) | {
        "optimizer": SGD(learning_rate=0.01),
        "evaluate_test_every": 2,
        "evaluate_training_every": 10,
    }
    return Experiment(
        name="concat_vs_sum",
        title="Concatenate or sum? (document 003)",
        cells=_join_cells(base, seeds),
        full_scale=(image_set, epochs, samples, test_samples, batch_size) == ("cifar10-jpeg", 200, 50_000, 10_000, 500),
    )


def concat_vs_sum_pocket(
    image_set: str = "cifar10-jpeg",
    epochs: int = 20,
    samples: int = 5000,
    test_samples: int = 2000,
    batch_size: int = 100,
    seeds: Sequence[int] | None = None,
) -> Experiment:
    """The cells of ``concat_vs_sum`` at a scale that two cores do in about three hours, all seeds together.

    A tenth of the images, a tenth of the epochs, a fifth of the batch: a twentieth of the steps, and a learning rate
    that makes up for some of it. It was chosen once, by one seed of the baseline with 12 layers: at 0.03, 0.1 and 0.3,
    test accuracy was 0.45, 0.46 and 0.39 with 16 kernels, 0.25, 0.38 and 0.09 with 3.

    Raises:
        BadInputError: An argument is out of range; the message names it.
    """
    base = _base(image_set, samples, test_samples, batch_size, epochs) | {
        "optimizer": SGD(learning_rate=0.1),
        "evaluate_test_every": 2,
        "evaluate_training_every": 10,
    }
    return Experiment(
        name="concat_vs_sum_pocket",
        title="Concatenate or sum? (document 003, pocket scale)",
        cells=_join_cells(base, seeds),
        full_scale=(image_set, epochs, samples, test_samples, batch_size) == ("cifar10-jpeg", 20, 5000, 2000, 100),
    )


def _base(image_set: str, samples: int, test_samples: int, batch_size: int, epochs: int) -> dict[str, Any]:
    return {
        "image_set": image_set,
        "train_images": samples,
        "test_images": test_samples,
        "batch_size": batch_size,
        "epochs": epochs,
    }


def _join_cells(base: dict[str, Any], seeds: Sequence[int] | None) -> tuple[Cell, ...]:
    """The cells of document 003's grid, which differ from ``base`` in what their names say."""
    chosen_seeds = (0, 1, 2) if seeds is None else tuple(dict.fromkeys(seeds))
    joins: dict[str, dict[str, Any]] = {
        "baseline": {},
        "concatenation": {"join": "concatenate"},
        "summation": {"join": "sum"},
    }

    def cell(name: str, difference: str = "", changes: dict[str, Any] | None = None, **architecture: Any) -> Cell:
        join, depth, kernels = name.split("_")[:3]
        net = JoinNet(depth=int(depth), kernels=int(kernels), **(joins[join] | architecture))
        data = base | {"loss": "probabilities", "architecture": net} | (changes or {})
        label = f"{join.capitalize()}, {depth} layers of {kernels} kernels" + (f", {difference}" if difference else "")
        return Cell(name, label, parse_spec(data), chosen_seeds, main=name in TABLE_1)

    he: dict[str, Any] = {"initializer": "he_normal"}
    return (
        *(cell(name) for name in TABLE_1),
        cell("baseline_99_3"),
        cell("summation_69_16"),
        cell("summation_120_3"),
        *(cell(f"baseline_69_{kernels}_he", "He initialisation", he) for kernels in (3, 16)),
        *(
            cell(f"baseline_69_{kernels}_normalized", "every convolution normalised", normalization="convolutions")
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
        *(cell(f"{join}_12_16_long", "twice the epochs", {"epochs": 2 * base["epochs"]}) for join in joins),
    )


EXPERIMENTS: dict[str, Callable[..., Experiment]] = {
    "cnn_vs_resnet": cnn_vs_resnet,
    "concat_vs_sum": concat_vs_sum,
    "concat_vs_sum_pocket": concat_vs_sum_pocket,
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
