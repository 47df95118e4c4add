"""The rules of claims about depth; each function's docstring says the claim as it is measured."""

from skipnets.records import RunRecord
from skipnets.results import Results
from skipnets.verdicts import Rules, Status, Verdict
from skipnets.verdicts.comparing import CHANCE, compare, points, status_by_sign

RULES = Rules()

#: He et al. (2015, Figure 6) show the damage between these depths.
SHALLOW, DEEP = 20, 56


def learnt(record: RunRecord) -> float:
    """Share of the training images that are right late in a run, in inference mode."""
    return record.late("training_inference", "accuracy")


@RULES.decide("A29", "B8")
def depth_degrades_training(results: Results) -> Verdict:
    """Plain nets know fewer of their training images at 56 layers than at 20."""
    plain = compare(results, f"plain_net_{DEEP}", f"plain_net_{SHALLOW}", learnt, CHANCE)
    residual = compare(results, f"residual_net_{DEEP}", f"residual_net_{SHALLOW}", learnt, CHANCE)
    status = status_by_sign(plain, "refuted", "supported")
    reason = (
        f"Training accuracy at {DEEP} less that at {SHALLOW} layers in short runs of narrow nets: plain nets "
        f"{points(plain)}, ResNets {points(residual)}."
    )
    return Verdict.of(status, reason, plain)


@RULES.decide("A30")
def normalized_initialization_does_not_mend_it(results: Results) -> Verdict:
    """Plain nets with He's initialisation know less at 56 layers than at 20, batch normalisation or not."""
    with_norm = compare(results, f"plain_net_{DEEP}", f"plain_net_{SHALLOW}", learnt, CHANCE)
    without = compare(results, f"plain_net_{DEEP}_unnormalized", f"plain_net_{SHALLOW}_unnormalized", learnt, CHANCE)
    worse = [found.high < 0 for found in (with_norm, without)]
    status: Status = "supported" if all(worse) else "conditional" if any(worse) else "not distinguishable"
    if with_norm.low > 0 and without.low > 0:
        status = "refuted"
    reason = (
        f"Training accuracy of plain nets with He's initialisation, {DEEP} less {SHALLOW} layers in short runs of "
        f"narrow nets: with batch normalisation {points(with_norm)}, without {points(without)}."
    )
    return Verdict.of(status, reason, with_norm)
