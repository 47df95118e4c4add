"""Document 004's very deep nets."""

from collections.abc import Sequence
from typing import Any, Literal

from skipnets.experiments.grid import Cell, Experiment, Scale, seeds_of
from skipnets.specs import SGD, DeepNet, StepDecay, parse_spec

#: He et al.'s depths of two-layer blocks in three stages, 6n+2, up to document 004's 164.
DEPTHS = (8, 14, 20, 32, 56, 110, 164)

#: Depths at which the sweep begins at a tenth of the learning rate, and that rate.
SLOW_STARTS, SLOW_RATE = (110, 164), 0.01

#: Document 004's names of its nets, by their kind.
NETS = {"plain_net": "PlainNet", "residual_net": "ResNet", "resnext": "ResNeXt"}

#: The paper's own, as far as it says; and that of the sweep over depth, whose nets are half as wide.
PAPER = Scale("cifar10-jpeg", epochs=200, samples=50_000, test_samples=10_000, batch_size=128)
SWEEP, SWEEP_WIDTH = Scale("cifar10-jpeg", epochs=20, samples=5000, test_samples=1000, batch_size=128), 8


def very_deep(
    image_set: str = SWEEP.image_set,
    epochs: int = SWEEP.epochs,
    samples: int = SWEEP.samples,
    test_samples: int = SWEEP.test_samples,
    batch_size: int = SWEEP.batch_size,
    width: int = SWEEP_WIDTH,
    seeds: Sequence[int] | None = None,
) -> Experiment:
    """Document 004's nets at rising depth, half as wide as published and trained briefly: a sweep that a CPU can do.

    He et al.'s settings (2015, section 4.2): SGD with momentum, weight decay, He initialization, a learning rate of 0.1
    that is divided by ten after half and three quarters of the epochs. From 110 layers on it is 0.01, since theirs of
    110 layers would not start at 0.1, and one seed of each net is trained at 0.1 as well. Without batch normalization
    it is 0.01.

    Raises:
        BadInputError: An argument is out of range; the message names it.
    """
    scale = Scale(image_set, epochs, samples, test_samples, batch_size)

    def cell(
        kind: Literal["plain_net", "residual_net"],
        depth: int,
        rate: float,
        difference: tuple[str, str] = ("", ""),
        batch_norm: bool = True,
        planned: tuple[int, ...] = (0, 1, 2),
    ) -> Cell:
        net = DeepNet(kind=kind, depth=depth, width=width, batch_norm=batch_norm)
        milestones = tuple(sorted({max(1, epochs // 2), max(1, 3 * epochs // 4)}))
        spec = parse_spec(
            scale.fields()
            | {
                "architecture": net,
                "optimizer": SGD(learning_rate=rate, momentum=0.9),
                "schedule": StepDecay(milestones=milestones).within(epochs),
                "weight_decay": 1e-4,
                "initializer": "he_normal",
                "evaluate_test_every": 5,
            }
        )
        name, label = f"{kind}_{depth}{difference[0]}", f"{NETS[kind]}, {depth} layers{difference[1]}"
        return Cell(name, label, spec, seeds_of(seeds, planned))

    kinds: tuple[Literal["plain_net", "residual_net"], ...] = ("plain_net", "residual_net")
    cells = [cell(kind, depth, SLOW_RATE if depth in SLOW_STARTS else 0.1) for depth in DEPTHS for kind in kinds]
    fast = ("_rate_0.1", ", learning rate 0.1")
    cells += [cell(kind, depth, 0.1, fast, planned=(0,)) for depth in SLOW_STARTS for kind in kinds]
    bare = ("_unnormalized", ", no batch normalization")
    cells += [cell("plain_net", depth, 0.01, bare, batch_norm=False) for depth in (20, 56)]
    return Experiment(
        name="very_deep",
        title="PlainNet and ResNet at rising depth (document 004, reduced)",
        cells=tuple(cells),
        full_scale=(scale, width) == (SWEEP, SWEEP_WIDTH),
    )


def layers_164(
    image_set: str = PAPER.image_set,
    epochs: int = PAPER.epochs,
    samples: int = PAPER.samples,
    test_samples: int = PAPER.test_samples,
    batch_size: int = PAPER.batch_size,
    seeds: Sequence[int] | None = None,
) -> Experiment:
    """Document 004's nets at its own depth and settings, and what might rescue the plain one.

    The paper behind it names SGD with momentum 0.9, weight decay 0.0001, batches of 128, a learning rate from 0.1 down
    to 0.0001, at most 200 epochs, shifts and flips except on MNIST. It does not name the milestones (here after half,
    three quarters and nine tenths of the epochs), the initializer (here He's), or whether its PlainNet is normalized
    (here both). A CPU can do the first steps of each: ``skipnets measure first-steps``. The cells on other images exist
    in the book's experiment alone.

    The learning rate of the two orthogonal starts was chosen once, of two, by one seed of the looks-linear one: at 0.01
    its loss jumped and stayed at that of guessing, at 0.001 it fell.

    Raises:
        BadInputError: An argument is out of range; the message names it.
    """
    milestones = tuple(sorted({max(1, round(share * epochs)) for share in (0.5, 0.75, 0.9)}))
    scale = Scale(image_set, epochs, samples, test_samples, batch_size)
    base = scale.fields() | {
        "schedule": StepDecay(milestones=milestones).within(epochs),
        "weight_decay": 1e-4,
        "initializer": "he_normal",
        "augmentation": "none" if image_set == "mnist" else "shift_flip",
        "evaluate_test_every": 5,
    }
    full_scale = scale == PAPER

    def cell(name: str, difference: str = "", rate: float = 0.1, main: bool = False, **changes: Any) -> Cell:
        kind = next(kind for kind in NETS if name.startswith(kind))
        net = {"kind": kind} | changes.pop("net", {})
        data = base | {"architecture": net, "optimizer": SGD(learning_rate=rate, momentum=0.9)} | changes
        label = NETS[kind] + (f", {difference}" if difference else "")
        return Cell(name, label, parse_spec(data), seeds_of(seeds), main)

    bare: dict[str, Any] = {"net": {"batch_norm": False}}
    cells = [
        *(cell(kind, main=True) for kind in NETS),
        cell("plain_net_unnormalized", "no batch normalization", main=True, **bare),
        *(cell(f"plain_net_rate_{rate:g}", f"learning rate {rate:g}", rate) for rate in (0.01, 0.001)),
        *(
            cell(f"plain_net_unnormalized_rate_{rate:g}", f"no batch normalization, learning rate {rate:g}", rate,
                 **bare)
            for rate in (0.01, 0.001)
        ),
        *(
            cell(f"plain_net_{start}", f"{label}, no batch normalization, learning rate 0.001", 0.001,
                 initializer=start, **bare)
            for start, label in (("delta_orthogonal", "delta-orthogonal"), ("looks_linear", "looks-linear"))
        ),
        *(
            cell(f"residual_net_scale_{scale:g}", f"branches times {scale:g}", net={"branch_scale": scale})
            for scale in (0.25, 0.1)
        ),
    ]  # fmt: skip
    if full_scale:
        mnist: dict[str, Any] = {"image_set": "mnist", "train_images": 60_000, "augmentation": "none"}
        cells += [
            *(cell(f"{kind}_mnist", "MNIST", main=True, **mnist) for kind in NETS),
            cell("plain_net_unnormalized_mnist", "no batch normalization, MNIST", main=True, **mnist, **bare),
            *(cell(f"{kind}_cifar100", "CIFAR-100", main=True, image_set="cifar100") for kind in NETS),
            cell(
                "plain_net_unnormalized_cifar100",
                "no batch normalization, CIFAR-100",
                main=True,
                image_set="cifar100",
                **bare,
            ),
        ]
    return Experiment(
        name="layers_164",
        title="PlainNet, ResNet and ResNeXt of 164 layers (document 004)",
        cells=tuple(cells),
        full_scale=full_scale,
    )
