"""The rules of claims about nets of 164 layers, by their first training steps; each docstring says what is measured.

A range or a condition number a thousand times another needs no interval: one seed is enough, and is told.
"""

import numpy as np
import numpy.typing as npt

from skipnets.measurements import FIRST_STEPS, FirstSteps, Moment
from skipnets.results import Results
from skipnets.verdicts import NotMeasuredError, Rules, Status, Verdict
from skipnets.verdicts.comparing import READING

RULES = Rules()

#: The layers whose plots the paper prints.
FIRST, LATE = 1, 160

#: What the paper prints of PlainNet on MNIST: range of the first layer's outputs, and of most of its weights.
PRINTED_OUTPUTS, PRINTED_WEIGHTS = 1.7e6, 4e5

#: From where on the paper finds PlainNet's layers infinite; shares of layers that are next to none and next to all.
ONSET, HARDLY_ANY, NEARLY_ALL = 80, 0.1, 0.9

#: A layer is out of proportion to another where its range is a thousand times the other's.
OUT_OF_PROPORTION = 1000


def _steps(results: Results, name: str) -> FirstSteps:
    """The steps of a cell's first measured seed.

    Raises:
        NotMeasuredError: There are none.
    """
    found = results.first_steps(name)
    if not found:
        raise NotMeasuredError(f"Needs the first {FIRST_STEPS} steps of cell {name}, which are not measured.")
    return found[min(found)]


def _last(steps: FirstSteps) -> Moment:
    return steps.moments[max(steps.moments)]


def _first_and_late(of_layers: npt.NDArray[np.float64]) -> tuple[float, float]:
    """What a number a layer is in the two layers whose plots the paper prints.

    Raises:
        NotMeasuredError: It is undefined in one of them.
    """
    first, late = float(of_layers[FIRST - 1]), float(of_layers[LATE - 1])
    if np.isnan([first, late]).any():
        raise NotMeasuredError(f"Needs a finite range in layers {FIRST} and {LATE}, which hold infinities.")
    return first, late


def infinite_shares(moment: Moment) -> tuple[float, float]:
    """Share of the layers before ``ONSET``, and from there on, whose condition number is infinite."""
    infinite = moment.condition_all == np.inf
    return float(infinite[: ONSET - 1].mean()), float(infinite[ONSET - 1 :].mean())


@RULES.decide("C14")
def plain_nets_first_layers_explode(results: Results) -> Verdict:
    """On MNIST, outputs and weights of PlainNet's first layer grow a thousand times larger than those of layer 160.

    Conditional where they do with batch normalization and not without, or the reverse.
    """
    told, explodes = [], []
    for cell, name in (("plain_net_mnist", "with"), ("plain_net_unnormalized_mnist", "without")):
        steps = _steps(results, cell)
        moment = _last(steps)
        outputs, weights = _first_and_late(moment.output_range), _first_and_late(moment.kernel_range)
        explodes.append(all(first > OUT_OF_PROPORTION * late for first, late in (outputs, weights)))
        told.append(
            f"{name} batch normalization, after {max(steps.moments)} steps, outputs range over {outputs[0]:.2g} in "
            f"layer {FIRST} and {outputs[1]:.2g} in layer {LATE}, weights over {weights[0]:.2g} and {weights[1]:.2g}"
        )
    status: Status = "supported" if all(explodes) else "conditional" if any(explodes) else "refuted"
    reason = (
        f"One seed: {'; '.join(told)} (printed, for the first layer: {PRINTED_OUTPUTS:.2g} and {PRINTED_WEIGHTS:.2g})."
    )
    return Verdict(status, reason)


@RULES.decide("C15")
def residual_nets_stay_in_proportion(results: Results) -> Verdict:
    """On MNIST, outputs and weights of a ResNet's first layer stay within a thousand times those of layer 160."""
    steps = _steps(results, "residual_net_mnist")
    moment = _last(steps)
    outputs, weights = _first_and_late(moment.output_range), _first_and_late(moment.kernel_range)
    calm = all(first < OUT_OF_PROPORTION * late for first, late in (outputs, weights))
    reason = (
        f"One seed, after {max(steps.moments)} steps: outputs range over {outputs[0]:.2g} in layer {FIRST} and "
        f"{outputs[1]:.2g} in layer {LATE} (printed: 6), weights over {weights[0]:.2g} and {weights[1]:.2g}."
    )
    return Verdict("supported" if calm else "refuted", reason)


@RULES.decide("C16")
def plain_nets_are_infinite_from_layer_80_on(results: Results) -> Verdict:
    """Infinite in under 10 % of PlainNet's layers before 80, over 90 % from there on; conditional if twice as often.

    Supported where that is so at the last moment with batch normalization and without. Conditional where in one of the
    nets, at the start or at the last moment, more than 10 % of the later layers are infinite, twice the share of the
    earlier ones at least; refuted where in none.
    """
    told, as_printed, later = [], [], {}
    for cell, name in (("plain_net", "with"), ("plain_net_unnormalized", "without")):
        steps = _steps(results, cell)
        moments = {"at the start": steps.moments[0], f"after {max(steps.moments)} steps": _last(steps)}
        shares = {when: infinite_shares(moment) for when, moment in moments.items()}
        early, late = shares[next(reversed(shares))]
        as_printed.append(early < HARDLY_ANY and late > NEARLY_ALL)
        later[name] = any(late > max(HARDLY_ANY, 2 * early) for early, late in shares.values())
        found = ", ".join(f"{early:.0%} and {late:.0%} {when}" for when, (early, late) in shares.items())
        ends = (
            "" if steps.diverged_at is None else f", before a loss that is not finite at step {steps.diverged_at + 1}"
        )
        told.append(f"{name} batch normalization {found}{ends}".replace("%", " %"))
    status: Status = "supported" if all(as_printed) else "conditional" if any(later.values()) else "refuted"
    commoner = " and ".join(name for name, more in later.items() if more) or "neither with nor without"
    reason = (
        f"One seed, share of infinite layers before {ONSET} and from there on: {'; '.join(told)}. Twice as common or "
        f"more from layer {ONSET} on: {commoner} batch normalization. A layer is infinite wherever a channel is dead. "
        f"{READING}"
    )
    return Verdict(status, reason)
