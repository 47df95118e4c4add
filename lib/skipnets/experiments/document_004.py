"""Document 004's very deep nets."""

from collections.abc import Sequence
from typing import Literal

from skipnets.experiments.grid import Cell, Experiment, base_of
from skipnets.specs import SGD, DeepNet, StepDecay, parse_spec

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
            base_of(image_set, samples, test_samples, batch_size, epochs)
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


Kind = Literal["plain_net", "residual_net", "resnext"]

#: Document 004's names of its nets.
NETS: dict[Kind, str] = {"plain_net": "PlainNet", "residual_net": "ResNet", "resnext": "ResNeXt"}

#: The image sets of Tables I to III: training images and augmentation. CIFAR-10's are those after JPEG compression.
TABLE_SETS: dict[str, tuple[int, Literal["none", "shift_flip"]]] = {
    "mnist": (60_000, "none"),
    "cifar10-jpeg": (50_000, "shift_flip"),
    "cifar100": (50_000, "shift_flip"),
}


def very_deep_tables(epochs: int = 200, seeds: Sequence[int] | None = None) -> Experiment:
    """Oyedotun et al.'s Tables I to III: PlainNet, ResNet and ResNeXt of 164 layers, all images, up to 200 epochs.

    The paper gives SGD with momentum 0.9, weight decay 1e-4, batches of 128 and a learning rate of 0.1 that ends at
    0.0001. Not given, and chosen here: divisions by ten after half, three quarters and seven eighths of the epochs, and
    He initialisation. Nor does it say whether PlainNet is normalised: it is run with batch normalisation and without.

    Raises:
        BadInputError: An argument is out of range; the message names it.
    """
    chosen_seeds = (0, 1, 2) if seeds is None else tuple(dict.fromkeys(seeds))

    def cell(image_set: str, kind: Kind, batch_norm: bool = True) -> Cell:
        images, augmentation = TABLE_SETS[image_set]
        spec = parse_spec(
            base_of(image_set, images, 10_000, 128, epochs)
            | {
                "architecture": DeepNet(kind=kind, batch_norm=batch_norm),
                "optimizer": SGD(learning_rate=0.1, momentum=0.9),
                "schedule": StepDecay(milestones=tuple(sorted({max(1, epochs * part // 8) for part in (4, 6, 7)}))),
                "weight_decay": 1e-4,
                "augmentation": augmentation,
                "initializer": "he_normal",
                "evaluate_test_every": 5,
            }
        )
        name, label = f"{kind}_{image_set}", f"{NETS[kind]}, {image_set}"
        if not batch_norm:
            name, label = f"{name}_unnormalized", f"{label}, no batch normalisation"
        return Cell(name, label, spec, chosen_seeds, main=True)

    cells = [cell(image_set, kind) for image_set in TABLE_SETS for kind in NETS]
    cells += [cell(image_set, "plain_net", batch_norm=False) for image_set in TABLE_SETS]
    return Experiment(
        name="very_deep_tables",
        title="164 layers (document 004, Tables I to III)",
        cells=tuple(cells),
        full_scale=epochs == 200,
    )
