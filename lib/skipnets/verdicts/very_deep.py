"""The rules of claims about depth; each function's docstring says the claim as it is measured.

The runs are short and the nets narrow. That a net learns in such a run shows that it can; that it does not may be due
to the scale. Where the literature has it otherwise at full scale, a rule therefore says no more than *conditional*.
"""

import math

import numpy as np
from scipy.stats import somersd

from skipnets.analysis.statistics import Comparison, Summary, compare_paired, summarize
from skipnets.experiments.document_004 import DEPTHS, SLOW_RATE, SLOW_STARTS
from skipnets.measurements import FirstSteps
from skipnets.published import RESNET_TEST_ERRORS
from skipnets.records import RunRecord
from skipnets.results import Results
from skipnets.scoring import CHANCE
from skipnets.verdicts import NotMeasuredError, Rules, Status, Verdict
from skipnets.verdicts.comparing import (
    ALIKE,
    READING,
    UNTRAINED,
    Value,
    by_seed,
    by_shared_seed,
    compare,
    late,
    points,
    status_by_side,
    summary,
    told,
    told_each,
    verdict_by_all_signs,
    within,
)

RULES = Rules()

#: He et al. (2015, Figure 6) show the damage between these depths.
SHALLOW, DEEP = 20, 56

#: Document 004's "one to ten layers" and its 164.
FEWEST, MOST = DEPTHS[0], DEPTHS[-1]

#: The deepest ResNet of the sweep that learns well; it is measured between the steps of its whole run.
DEEPEST_LEARNER = "residual_net_110"

#: Condition numbers "high in the early layers" that "quickly reduce": by ten; a fall by less than half is none.
TENFOLD, A_REAL_FALL = 10, 2

SCALE = "in short runs of narrow nets"
DEEP_SCALE = f"{SCALE} that begin at a learning rate of 0.1, from {SLOW_STARTS[0]} layers on of {SLOW_RATE}"


# What a net knows of its training images, and of others, late in a run.
learnt, tested = late("training_inference", "accuracy"), late("test", "accuracy")


def _gap(record: RunRecord) -> float:
    """How much more of the training images than of the test images is right late in a run."""
    return learnt(record) - tested(record)


def _compare(results: Results, first: str, second: str, value: Value = learnt) -> Comparison:
    """Compare two cells; a run that diverged knows nothing."""
    return compare(results, first, second, value, CHANCE)


def _gains(results: Results, depth: int) -> list[Comparison]:
    """What the skips add at ``depth`` layers, in training and in test accuracy."""
    return [_compare(results, f"residual_net_{depth}", f"plain_net_{depth}", value) for value in (learnt, tested)]


def _trend(results: Results, kind: str, value: Value) -> Summary:
    """How steadily ``value`` rises with depth, a number a seed, summed up over seeds.

    Of all pairs of depths the share where the deeper net has more, less the share where it has less (Somers' D):
    1 if every further layer helps, -1 if every one hurts, 0 if all have the same.
    """
    at = by_shared_seed(results, [f"{kind}_{depth}" for depth in DEPTHS], value, CHANCE)
    rises = [somersd(DEPTHS, [values[seed] for values in at]).statistic for seed in at[0]]
    steps = math.comb(len(DEPTHS), 2)  # pairs of depths; one that turns round moves the share by two of them
    return within(summarize(np.nan_to_num(rises).tolist(), resolution=2 / steps), -1.0, 1.0)


def _falling(fall: Comparison, qualified: Comparison) -> Status:
    """Supported where a fall and its ``qualified`` form are both below zero, refuted where the first is above.

    Conditional where it is below zero and the other not, to within two points.
    """
    if fall.low > 0:
        return "refuted"
    if fall.high < 0 and qualified.high < 0:
        return "supported"
    return "conditional" if fall.high < 0 and qualified.low > -ALIKE else "not distinguishable"


@RULES.decide("A29", "B8")
def depth_degrades_training(results: Results) -> Verdict:
    """From 20 to 56 layers plain nets lose training accuracy, and more of it than ResNets lose in runs as short.

    Conditional where they lose it, and no more than two points beyond what ResNets do.
    """
    plain, residual = (
        _compare(results, f"{kind}_{DEEP}", f"{kind}_{SHALLOW}") for kind in ("plain_net", "residual_net")
    )
    cells = [f"{kind}_{depth}" for kind in ("plain_net", "residual_net") for depth in (SHALLOW, DEEP)]
    plain_shallow, plain_deep, residual_shallow, residual_deep = by_shared_seed(results, cells, learnt, CHANCE)
    beyond = compare_paired(
        {seed: plain_deep[seed] - plain_shallow[seed] for seed in plain_deep},
        {seed: residual_deep[seed] - residual_shallow[seed] for seed in residual_deep},
    )
    status = _falling(plain, beyond)
    reason = (
        f"Training accuracy at {DEEP} minus that at {SHALLOW} layers {SCALE}: plain nets {points(plain)}, ResNets "
        f"{points(residual)}, plain nets beyond ResNets {points(beyond)}. What both share may be due to the short "
        "runs: at full scale He's ResNets gain by depth."
    )
    return Verdict(status, reason)


@RULES.decide("A30")
def normalized_initialization_does_not_mend_it(results: Results) -> Verdict:
    """Plain nets with He's initialization know less at 56 layers than at 20, batch normalization or not.

    Conditional where they do one way and, to within two points, do not the other way.
    """
    with_norm = _compare(results, f"plain_net_{DEEP}", f"plain_net_{SHALLOW}")
    without = _compare(results, f"plain_net_{DEEP}_unnormalized", f"plain_net_{SHALLOW}_unnormalized")
    both = (with_norm, without)
    worse, spared = any(found.high < 0 for found in both), any(found.low > -ALIKE for found in both)
    status: Status = "conditional" if worse and spared else "not distinguishable"
    if all(found.high < 0 for found in both):
        status = "supported"
    elif all(found.low > 0 for found in both):
        status = "refuted"
    begun = sorted(by_seed(results, f"plain_net_{SHALLOW}_unnormalized", learnt, CHANCE).values())
    reason = (
        f"Training accuracy of plain nets with He's initialization, {DEEP} minus {SHALLOW} layers {SCALE}: with batch "
        f"normalization {points(with_norm)}, without {points(without)}. Without it the seeds know "
        f"{', '.join(f'{one:.2f}' for one in begun)} of their training images at {SHALLOW} layers already (chance: "
        f"{CHANCE:g}): whoever knows little has little to lose. He et al. argue otherwise: from batch normalization, "
        "and from gradients that they measured."
    )
    return Verdict(status, reason)


@RULES.decide("C1")
def deeper_generalizes_better(results: Results) -> Verdict:
    """Test accuracy rises with depth, in ResNets and in plain nets; never refuted, since He's ResNets have it rise."""
    residual, plain = (_trend(results, kind, tested) for kind in ("residual_net", "plain_net"))
    status: Status = "not distinguishable"
    if residual.low > 0 and plain.low > 0:
        status = "supported"
    elif residual.high < 0 or plain.high < 0:
        status = "conditional"
    errors = [f"{100 * RESNET_TEST_ERRORS[depth]:.2f} % with {depth:,}" for depth in (20, 110, 1202)]
    reason = (
        f"Pairs of depths where the deeper net tests better minus those where it tests worse, as a share of all pairs "
        f"from {FEWEST} to {MOST} layers, {DEEP_SCALE}: ResNets {told(residual)}, plain nets {told(plain)}. He et al. "
        f"print test errors of {', '.join(errors[:-1])} and {errors[-1]} layers, of ResNets at full scale on CIFAR-10."
    )
    return Verdict(status, reason)


@RULES.decide("C2")
def few_layers_are_no_problem(results: Results) -> Verdict:
    """Plain nets of 8 layers learn (over 15 % right), at most two points less of their training images than ResNets."""
    plain = summary(results, f"plain_net_{FEWEST}", learnt, CHANCE)
    gain, _ = _gains(results, FEWEST)
    status: Status = "not distinguishable"
    if plain.high < UNTRAINED:
        status = "refuted"
    elif plain.low > UNTRAINED and gain.high < ALIKE:
        status = "supported"
    elif plain.low > UNTRAINED and gain.low > ALIKE:
        status = "conditional"
    reason = (
        f"Training accuracy of plain nets of {FEWEST} layers {SCALE}: {told(plain)}; ResNets minus plain nets "
        f"{points(gain)}."
    )
    return Verdict(status, reason)


@RULES.decide("C3")
def difficulty_beyond_ten_layers(results: Results) -> Verdict:
    """Plain nets of 14 layers know fewer of their training images than those of 8, and those of 164 do too.

    Conditional where the difficulty comes but later: at 164 layers they know fewer, at 14 at most two points fewer.
    """
    deeper = {
        depth: _compare(results, f"plain_net_{depth}", f"plain_net_{FEWEST}") for depth in DEPTHS if depth > FEWEST
    }
    beyond_ten, deepest = deeper[DEPTHS[1]], deeper[MOST]
    status = _falling(deepest, beyond_ten)
    spared = [depth for depth, found in deeper.items() if found.high >= 0]
    onset = next((depth for depth in deeper if depth > max(spared, default=0)), None)
    since = f" It is discernibly lower at {onset} layers and at every greater depth." if onset else ""
    reason = (
        f"Training accuracy of plain nets {DEEP_SCALE}, minus that at {FEWEST} layers: at {DEPTHS[1]} "
        f"{points(beyond_ten)}, at {MOST} {points(deepest)}.{since}"
    )
    return Verdict(status, reason)


@RULES.decide("C4")
def difficulty_worsens_with_depth(results: Results) -> Verdict:
    """Training accuracy of plain nets falls with depth; at 164 layers they know next to nothing (under 15 % right)."""
    trend = _trend(results, "plain_net", learnt)
    deepest = summary(results, f"plain_net_{MOST}", learnt, CHANCE)
    status: Status = "not distinguishable"
    if trend.low > 0:
        status = "refuted"
    elif trend.high < 0 and deepest.high < UNTRAINED:
        status = "supported"
    elif trend.high < 0 and deepest.low > UNTRAINED:
        status = "conditional"
    reason = (
        "Pairs of depths where the deeper plain net knows more of its training images minus those where it knows less, "
        f"as a share of all pairs, {DEEP_SCALE}: {told(trend)}. Training accuracy at {MOST} layers: {told(deepest)}."
    )
    return Verdict(status, reason)


@RULES.decide("C9")
def skips_help_training_and_generalization(results: Results) -> Verdict:
    """At 20 and 56 layers ResNets train and test better; conditional if their gap between training and test grows too.

    Plain nets train at 20 layers. The gap, training minus test accuracy, is what generalization means in the narrow
    sense.
    """
    found = [gain for depth in (SHALLOW, DEEP) for gain in _gains(results, depth)]
    labels = [f"{what} at {depth} layers" for depth in (SHALLOW, DEEP) for what in ("training", "test")]
    verdict = verdict_by_all_signs(f"Accuracy {SCALE}, ResNet minus plain net", labels, found)
    gaps = [compare(results, f"residual_net_{depth}", f"plain_net_{depth}", _gap, 0.0) for depth in (SHALLOW, DEEP)]
    status = verdict.status
    if status == "supported" and any(gap.low > 0 for gap in gaps):
        status = "conditional"
    told_gaps = told_each([f"at {depth} layers" for depth in (SHALLOW, DEEP)], gaps)
    return Verdict(status, f"{verdict.reason} The gap, training minus test accuracy, changes by: {told_gaps}.")


@RULES.decide("C13")
def plain_nets_are_worse_and_untrainable(results: Results) -> Verdict:
    """At 164 layers plain nets test below ResNets and learn next to nothing (under 15 % of training images right)."""
    _, gain = _gains(results, MOST)
    plain = summary(results, f"plain_net_{MOST}", learnt, CHANCE)
    status = status_by_side(gain, "conditional", "refuted")
    if status == "conditional" and plain.high < UNTRAINED:
        status = "supported"
    elif status == "conditional" and plain.low <= UNTRAINED:
        status = "not distinguishable"
    reason = (
        f"At {MOST} layers {SCALE} that begin at a learning rate of {SLOW_RATE}: test accuracy, ResNet minus plain net "
        f"{points(gain)}; training accuracy of the plain net {told(plain)}."
    )
    return Verdict(status, reason)


def _whole_run(results: Results) -> FirstSteps:
    """What was measured between the steps of ``DEEPEST_LEARNER``'s first measured seed, to the end.

    Raises:
        NotMeasuredError: Nothing was.
    """
    found = results.first_steps(DEEPEST_LEARNER, steps=None)
    if not found:
        raise NotMeasuredError(f"Needs the condition numbers of cell {DEEPEST_LEARNER} over its whole run.")
    return found[min(found)]


def _told_of(run: FirstSteps) -> str:
    """Say which net it is, and how much it has learnt when its training ends."""
    right = 100 * np.mean(run.accuracy[-50:])
    return f"One seed of a ResNet of {len(run.layers) + 1} layers {SCALE}, with {right:.0f} % right at the end"


@RULES.decide("C19")
def residual_nets_are_never_infinite(results: Results) -> Verdict:
    """No layer of a ResNet of 110 layers has an infinite condition number when its training ends; conditional at most.

    At most, since ResNets of 164 layers have infinite ones in their first steps at the paper's learning rate.
    """
    run = _whole_run(results)
    infinite = {steps: len(moment.infinite_layers) for steps, moment in run.moments.items()}
    most, end = max(infinite, key=lambda steps: infinite[steps]), max(infinite)
    told = f"none of {len(run.layers)} layers has an infinite one, at {len(infinite)} moments from start to end"
    if infinite[most]:
        told = (
            f"{infinite[most]} of {len(run.layers)} layers have an infinite one after {most} steps, when most have, "
            f"and {infinite[end]} after the last, {end}"
        )
    reason = (
        f"{_told_of(run)}: {told}. One dead channel is enough, and ResNets of 164 layers have them in their first "
        f"500 steps, to the last, at a learning rate of 0.1. {READING}"
    )
    return Verdict("refuted" if infinite[end] else "conditional", reason)


@RULES.decide("C20")
def condition_falls_with_depth(results: Results) -> Verdict:
    """When its training ends, a ResNet's condition numbers behind its first twenty layers are a tenth of those in them.

    Medians, without the dead channels. Conditional where they are half or less; where they are larger too, since that
    is one seed of a smaller net, and ResNets of 164 layers at the paper's learning rate begin otherwise.
    """
    run = _whole_run(results)
    condition = run.moments[max(run.moments)].condition
    early, late = float(np.median(condition[:20])), float(np.median(condition[20:]))
    status: Status = "not distinguishable"
    if early >= TENFOLD * late:
        status = "supported"
    elif early >= A_REAL_FALL * late or early < late:
        status = "conditional"
    reason = (
        f"{_told_of(run)}: the median condition number, without dead channels, is {early:,.0f} in the first 20 "
        f"convolutions and {late:,.0f} in the others. ResNets of 164 layers, after 500 steps at a learning rate of "
        f"0.1, have infinite ones in most of their first 20 layers and in a smaller share of the others. {READING}"
    )
    return Verdict(status, reason)


@RULES.decide("C21")
def skips_are_powerful(results: Results) -> Verdict:
    """From 56 layers on, ResNets know more of their training images than plain nets."""
    depths = [depth for depth in DEPTHS if depth >= DEEP]
    found = [_gains(results, depth)[0] for depth in depths]
    labels = [f"{depth} layers" for depth in depths]
    return verdict_by_all_signs(f"Training accuracy {DEEP_SCALE}, ResNet minus plain net", labels, found)
