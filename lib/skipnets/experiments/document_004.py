"""Document 004's very deep nets."""

from collections.abc import Sequence

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
