"""The rules of document 003's measured claims; each function's docstring says the claim as it is measured.

Accuracies are those after the last epoch, as in Table 1.
"""

from collections.abc import Sequence

from skipnets.analysis.statistics import Comparison
from skipnets.published import TABLE_1
from skipnets.records import RunRecord
from skipnets.results import Results
from skipnets.verdicts import Rule, Rules, Status, Verdict
from skipnets.verdicts.comparing import compare, points, summary, verdict_by_range

RULES = Rules()

#: A recorded accuracy within two points of a printed one repeats it.
NEAR = 0.02

#: Below this a net of ten classes has learnt next to nothing; chance is 0.1.
UNTRAINED = 0.15

JOINS = ("baseline", "concatenation", "summation")
KERNELS = (3, 16, 64)


def end_test(record: RunRecord) -> float:
    """Test accuracy after the last epoch."""
    return record.history.test.accuracy[-1]


def overfitting(record: RunRecord) -> float:
    """Accuracy on the training images, dropout off, less that on the test images, after the last epoch."""
    return record.history.training_inference.accuracy[-1] - end_test(record)


def _rising(found: Sequence[Comparison]) -> Status:
    """Supported where every difference is above zero, refuted where none can be, conditional where some are."""
    if all(comparison.low > 0 for comparison in found):
        return "supported"
    if all(comparison.high < 0 for comparison in found):
        return "refuted"
    distinct = any(comparison.low > 0 or comparison.high < 0 for comparison in found)
    return "conditional" if distinct else "not distinguishable"


def _told(labels: Sequence[str], found: Sequence[Comparison]) -> str:
    return "; ".join(f"{label} {points(comparison)}" for label, comparison in zip(labels, found, strict=True))


def _row(cell: str) -> Rule:
    def rule(results: Results) -> Verdict:
        """A recorded net's test accuracy lies within two points of the printed one."""
        printed, found = TABLE_1[cell], summary(results, cell, end_test)
        trained = summary(results, cell, lambda record: record.history.training.accuracy[-1])
        reason = (
            f"Recorded test accuracy {found}, printed {printed.test:g}; training accuracy with dropout on {trained}, "
            f"printed {printed.training:g}."
        )
        return verdict_by_range(found, printed.test - NEAR, printed.test + NEAR, reason)

    return rule


for number, name in enumerate(TABLE_1, start=20):
    RULES[f"B{number}"] = _row(name)


@RULES.decide("B3")
def concatenation_improves_test_accuracy(results: Results) -> Verdict:
    """With 12 layers, concatenation has the higher test accuracy than the baseline at every number of kernels."""
    found = [compare(results, f"concatenation_12_{k}", f"baseline_12_{k}", end_test) for k in KERNELS]
    reason = (
        f"Test accuracy, concatenation less baseline, 12 layers: {_told([f'{k} kernels' for k in KERNELS], found)}."
    )
    return Verdict(_rising(found), reason, found[0].difference, found[0].low, found[0].high)


@RULES.decide("B37")
def more_kernels_better_and_overfit(results: Results) -> Verdict:
    """Concatenation with 64 kernels has the higher test accuracy than with 16, and the larger gap to training."""
    pair = ("concatenation_12_64", "concatenation_12_16")
    found = [compare(results, *pair, value) for value in (end_test, overfitting)]
    reason = f"Concatenation, 12 layers, 64 less 16 kernels: {_told(('test accuracy', 'overfitting'), found)}."
    return Verdict(_rising(found), reason, found[0].difference, found[0].low, found[0].high)


@RULES.decide("B38")
def concatenation_before_summation_before_baseline(results: Results) -> Verdict:
    """With 12 layers, test accuracy falls from concatenation to summation to baseline at every number of kernels."""
    pairs = [("concatenation", "summation"), ("summation", "baseline")]
    chosen = [(better, worse, k) for k in KERNELS for better, worse in pairs]
    found = [compare(results, f"{better}_12_{k}", f"{worse}_12_{k}", end_test) for better, worse, k in chosen]
    labels = [f"{better} less {worse}, {k} kernels" for better, worse, k in chosen]
    return Verdict(
        _rising(found), f"Test accuracy: {_told(labels, found)}.", found[0].difference, found[0].low, found[0].high
    )


@RULES.decide("B43")
def overfitting_grows_with_kernels(results: Results) -> Verdict:
    """With 12 layers, the gap between training (dropout off) and test accuracy grows from 3 to 16 to 64 kernels."""
    chosen = [(join, more, fewer) for join in JOINS for more, fewer in ((16, 3), (64, 16))]
    found = [compare(results, f"{join}_12_{more}", f"{join}_12_{fewer}", overfitting) for join, more, fewer in chosen]
    labels = [f"{join}, {more} less {fewer} kernels" for join, more, fewer in chosen]
    return Verdict(
        _rising(found), f"Overfitting: {_told(labels, found)}.", found[0].difference, found[0].low, found[0].high
    )


@RULES.decide("B51")
def deep_baselines_are_untrainable(results: Results) -> Verdict:
    """The baseline of 69 layers of 3 kernels learns nothing; conditional if it does from He's initialisation."""
    glorot, he = (summary(results, cell, end_test) for cell in ("baseline_69_3", "baseline_69_3_he"))
    status: Status = "not distinguishable"
    if glorot.low > UNTRAINED:
        status = "refuted"
    elif glorot.high < UNTRAINED:
        status = "conditional" if he.low > UNTRAINED else "supported"
    reason = f"Test accuracy of the baseline, 69 layers of 3 kernels: with Glorot's initialisation {glorot}, He's {he}."
    return Verdict(status, reason, glorot.mean, glorot.low, glorot.high)


@RULES.decide("B52")
def joined_deep_nets_train(results: Results) -> Verdict:
    """Concatenation and summation nets of 69 layers of 3 kernels learn."""
    found = [summary(results, f"{join}_69_3", end_test) for join in JOINS[1:]]
    learn = [one.low > UNTRAINED for one in found]
    status: Status = "supported" if all(learn) else "conditional" if any(learn) else "not distinguishable"
    if all(one.high < UNTRAINED for one in found):
        status = "refuted"
    reason = f"Test accuracy with 69 layers of 3 kernels: concatenation {found[0]}, summation {found[1]}."
    return Verdict(status, reason, found[0].mean, found[0].low, found[0].high)
