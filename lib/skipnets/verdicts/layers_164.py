"""The rules of claims about nets of 164 layers, by their first training steps; each docstring says what is measured.

A range or a condition number a thousand times another needs no interval: one seed is enough, and is told.
"""

import numpy as np
import numpy.typing as npt

from skipnets.measurements import FIRST_STEPS, FirstSteps, Moment
from skipnets.results import Results
from skipnets.verdicts import NotMeasuredError, Rules, Status, Verdict

RULES = Rules()

#: The layers whose plots the paper prints.
FIRST, LATE = 1, 160

#: What the paper prints of PlainNet on MNIST: range of the first layer's outputs, and of most of its weights.
PRINTED_OUTPUTS, PRINTED_WEIGHTS = 1.7e6, 4e5

#: Condition numbers "high in the early layers" that "quickly reduce": by ten; a fall by less than half is none.
TENFOLD, A_REAL_FALL = 10, 2

#: Every verdict on condition numbers says whose matrix it is about.
READING = "The paper does not say which matrix it takes; this is channels against images and places, after ReLU."

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


def infinite_layers(moment: Moment) -> list[int]:
    """Convolutions, counted from 1, whose hidden representation has an infinite condition number.

    One dead channel is enough; where all live, the number itself is asked.
    """
    return [layer for layer, condition in enumerate(moment.condition_all, start=1) if condition == np.inf]


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
    """In PlainNet on CIFAR-10's images, layers before 80 have finite condition numbers and the others infinite ones.

    Refuted where no layer is infinite, conditional where they lie elsewhere.
    """
    steps = _steps(results, "plain_net")
    start, end = (infinite_layers(moment) for moment in (steps.moments[0], _last(steps)))
    as_printed = end == list(range(80, len(steps.layers) + 1))
    status: Status = "supported" if as_printed else "conditional" if end else "refuted"
    reason = (
        f"One seed: the condition number is infinite in {_of_layers(start, steps)} at the start and in "
        f"{_of_layers(end, steps)} after {max(steps.moments)} steps, of which {sum(layer < 80 for layer in end)} lie "
        f"before layer 80. It is so wherever a channel is dead. {READING}"
    )
    return Verdict(status, reason)


@RULES.decide("C19")
def residual_nets_are_never_infinite(results: Results) -> Verdict:
    """Every layer of a ResNet keeps a finite condition number, on either image set; first steps cannot decide it.

    The sentence is about nets that are trained to the end, so what the first 500 steps show is told and no more.
    """
    nets = [steps for name in ("residual_net", "residual_net_mnist") for steps in results.first_steps(name).values()]
    if not nets:
        raise NotMeasuredError(f"Needs the first {FIRST_STEPS} steps of cell residual_net, which are not measured.")
    told = []
    for steps in nets:
        infinite = {step: infinite_layers(moment) for step, moment in steps.moments.items()}
        most, last = max(infinite, key=lambda step: len(infinite[step])), max(infinite)
        told.append(
            f"on {steps.spec.image_set}, in {_of_layers(infinite[most], steps)} after {most} steps and in "
            f"{len(infinite[last])} after {last}, with a loss of {np.mean(steps.loss[-50:]):.2f} nats in the last 50"
        )
    reason = (
        f"The condition number is infinite, where channels are dead, {'; '.join(told)} (guessing: 2.30). One seed; "
        f"nets trained to the end are not measured. {READING}"
    )
    return Verdict("conditional", reason)


@RULES.decide("C20")
def condition_falls_with_depth(results: Results) -> Verdict:
    """In a ResNet, condition numbers of the last hundred layers are a tenth of the first twenty's, on both image sets.

    Medians, without the dead channels. Conditional where they fall by half on one set, refuted where they rise on both.
    """
    falls, told = [], []
    for cell in ("residual_net", "residual_net_mnist"):
        steps = _steps(results, cell)
        condition = _last(steps).condition
        early, late = float(np.median(condition[:20])), float(np.median(condition[-100:]))
        falls.append(early / late)
        told.append(
            f"{early:,.0f} and {late:,.0f} on {steps.spec.image_set}, at a loss of {np.mean(steps.loss[-50:]):.2f} nats"
        )
    status: Status = "not distinguishable"
    if min(falls) >= TENFOLD:
        status = "supported"
    elif max(falls) >= A_REAL_FALL:
        status = "conditional"
    elif max(falls) < 1:
        status = "refuted"
    reason = (
        f"One seed, after {max(steps.moments)} steps, of channels that are not dead, median over the first 20 and the "
        f"last 100 convolutions: {'; '.join(told)} (guessing: 2.30)."
    )
    return Verdict(status, reason)


def _of_layers(found: list[int], steps: FirstSteps) -> str:
    return f"{len(found)} of {len(steps.layers)} layers"
