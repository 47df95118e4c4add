"""What the write-ups print, to stand beside what the book records."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Accuracies:
    """Training and test accuracy at the end of one published run, as shares."""

    training: float
    test: float


#: Document 003, Table 1, by cell of ``concat_vs_sum``. Two rows are misprinted: the baseline's last has no depth, which
#: Figures 6 and 7 give as 69; the concatenation's last has its entries one column to the left.
TABLE_1 = {
    "baseline_12_3": Accuracies(0.498, 0.485),
    "baseline_12_16": Accuracies(0.801, 0.676),
    "baseline_12_64": Accuracies(0.999, 0.64),
    "baseline_69_3": Accuracies(0.101, 0.099),
    "concatenation_12_3": Accuracies(0.595, 0.588),
    "concatenation_12_16": Accuracies(0.834, 0.686),
    "concatenation_12_64": Accuracies(0.999, 0.74),
    "concatenation_69_3": Accuracies(0.647, 0.625),
    "concatenation_69_16": Accuracies(0.932, 0.74),
    "concatenation_120_3": Accuracies(0.782, 0.666),
    "summation_12_3": Accuracies(0.519, 0.511),
    "summation_12_16": Accuracies(0.751, 0.668),
    "summation_12_64": Accuracies(1.0, 0.714),
    "summation_69_3": Accuracies(0.499, 0.499),
}


@dataclass(frozen=True)
class Sized(Accuracies):
    """Accuracies of a published net with its size."""

    parameters: float  # millions, as printed


@dataclass(frozen=True)
class DepthTable:
    """One table of the paper behind document 004: a row a kind of net."""

    image_set: str
    depth: int
    rows: dict[str, Sized]  # by kind of net


#: Oyedotun et al., Tables I to IV, by number: single values, without seeds. Table IV counts the first answer alone.
DEPTH_TABLES = {
    "I": DepthTable(
        "MNIST",
        164,
        {
            "plain_net": Sized(0.1138, 0.1135, 2.5),
            "residual_net": Sized(0.9958, 0.9960, 2.6),
            "resnext": Sized(1.0, 0.9972, 2.5),
        },
    ),
    "II": DepthTable(
        "CIFAR-10",
        164,
        {
            "plain_net": Sized(0.1026, 0.1016, 2.5),
            "residual_net": Sized(0.9993, 0.9353, 2.6),
            "resnext": Sized(0.9996, 0.9389, 2.5),
        },
    ),
    "III": DepthTable(
        "CIFAR-100",
        164,
        {
            "plain_net": Sized(0.0100, 0.0112, 2.5),
            "residual_net": Sized(0.9983, 0.7572, 2.6),
            "resnext": Sized(0.9994, 0.7664, 2.5),
        },
    ),
    "IV": DepthTable(
        "ImageNet",
        101,
        {
            "plain_net": Sized(0.1537, 0.1494, 44.1),
            "residual_net": Sized(0.8856, 0.7732, 44.5),
            "resnext": Sized(0.8974, 0.7848, 44.3),
        },
    ),
}

#: He et al. (2015, Table 6): test error of ResNets on CIFAR-10 by depth, at 110 layers the best of several runs.
RESNET_TEST_ERRORS = {20: 0.0875, 32: 0.0751, 44: 0.0717, 56: 0.0697, 110: 0.0643, 1202: 0.0793}

#: How often each digit from 0 to 9 occurs among the images of MNIST.
DIGITS = {
    "training": (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    "test": (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
}
