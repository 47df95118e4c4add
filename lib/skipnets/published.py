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
