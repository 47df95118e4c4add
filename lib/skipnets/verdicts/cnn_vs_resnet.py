"""The rules of document 000's measured claims; each function's docstring says the claim as it is measured."""

from dataclasses import replace
from functools import partial

import numpy as np

from skipnets.analysis.output_dropout import logits_ceiling
from skipnets.analysis.statistics import Comparison, Summary, accuracy_interval, compare_paired, summarize
from skipnets.measurements import State
from skipnets.records import Curve, RunRecord
from skipnets.results import LEARNT_SHARE, Results, epochs_to_learn, spikes_per_hundred
from skipnets.verdicts import NotMeasuredError, Rules, Status, Verdict
from skipnets.verdicts.comparing import (
    ALIKE,
    UNTRAINED,
    Value,
    alike,
    apart,
    by_shared_seed,
    compare,
    epochs_to_loss,
    late,
    points,
    status_by_side,
    summary,
    told,
    told_each,
    verdict_by_all_signs,
    verdict_by_range,
    verdict_by_sign,
    within,
)

RULES = Rules()

#: An eigenvalue of the Hessian up to this share of the largest counts as next to zero. 80 Lanczos steps see a trained
#: net's spectrum near zero in steps of about a thousandth of the largest, so that a lower threshold would count steps.
FLAT = 1e-2

#: A loss in nats that leaves next to nothing to learn: guessing among ten costs 2.30.
NEXT_TO_NO_LOSS = 0.1

#: A fall of accuracy from one epoch to the next that one would see in the document's figures.
FALL = 0.05

#: Every verdict on the CNN's output dropout says whose rate it is about.
OUR_RATE = "(The document prints no rate of that dropout; 20 % is the book's, chosen since it fits.)"


def _shared_epoch(results: Results, *cells: str) -> int:
    """The most epochs after which all these cells were measured with two shared seeds.

    Raises:
        NotMeasuredError: There are none.
    """
    if epochs := results.measured_epochs(cells):
        return epochs[-1]
    raise NotMeasuredError(f"Needs states of {' and '.join(cells)} with two shared seeds: skipnets measure states.")


def _mean_between(curve: Curve, metric: str, first: int, last: int) -> float:
    values = getattr(curve, metric)
    return float(np.mean([value for epoch, value in zip(curve.epochs, values, strict=True) if first <= epoch <= last]))


def _test_change(metric: str, early: tuple[int, int]) -> Value:
    """Mean of a test metric in epochs 241 to 250 minus its mean in the epochs from ``early[0]`` to ``early[1]``."""

    def change(record: RunRecord) -> float:
        test = record.history.test
        return _mean_between(test, metric, 241, 250) - _mean_between(test, metric, *early)

    return change


def _test_spikes(record: RunRecord) -> float:
    return spikes_per_hundred(record, "test")


def _spike(results: Results) -> float:
    """About what one spike more adds to the spikes per 100 epochs of a run, whose first epochs do not count."""
    return 100 / results.experiment.cell("resnet").spec.epochs


def _spike_rate(results: Results, cell: str, measure: str = "test") -> Summary:
    """Spikes per 100 epochs of a cell's loss."""
    rate = partial(spikes_per_hundred, measure=measure)
    return within(summary(results, cell, rate, resolution=_spike(results)), 0.0)


def _settled(record: RunRecord) -> list[float]:
    """Test accuracy of the epochs after 100."""
    curve = record.history.test
    return [accuracy for epoch, accuracy in zip(curve.epochs, curve.accuracy, strict=True) if epoch > 100]


def test_accuracy_to_100(record: RunRecord) -> float:
    """Mean test accuracy of epochs 51 to 100, where the controls of 100 epochs end."""
    return _mean_between(record.history.test, "accuracy", 51, 100)


def _epochs_to_learn_of_100(record: RunRecord) -> float:
    """``epochs_to_learn``, 101 where the net needs more than the 100 epochs of a control."""
    return min(epochs_to_learn(record), 101)


def _compare_learning(results: Results, first: str, second: str, epochs: Value = epochs_to_learn) -> Comparison:
    """Compare the epochs until 95 % are learnt, which are known as finely as the training images are evaluated."""
    every = results.experiment.cell(first).spec.evaluate_training_every
    return compare(results, first, second, epochs, resolution=every)


# Medians over the last 50 epochs; "learnt" is what the net knows of the training images with dropout off.
TRAINING_ACCURACY, TRAINING_LOSS = late("training", "accuracy"), late("training", "loss")
LEARNT, LOSS_LEARNT = late("training_inference", "accuracy"), late("training_inference", "loss")
TEST_ACCURACY, TEST_LOSS = late("test", "accuracy"), late("test", "loss")


# --- the rules, in the order of the claims ---


@RULES.decide("A2")
def skips_eliminate_singularities(results: Results) -> Verdict:
    """A smaller share of the Hessian's eigenvalues is next to zero with the additions than without."""
    nets = ("resnet", "resnet_no_skips")
    epoch = _shared_epoch(results, *nets)
    with_skips, without = (
        {seed: state.spectrum.density().share_within(FLAT).value for seed, state in results.states(net, epoch).items()}
        for net in nets
    )
    found = compare_paired(with_skips, without)
    shares = [f"{100 * np.mean(list(of_net.values())):.2f} %" for of_net in (with_skips, without)]
    reason = (
        f"Share of the Hessian's eigenvalues within {FLAT:g} of the largest around zero after {epoch} epochs, ResNet "
        f"with the additions minus without: {points(found)}. It is {shares[0]} with, "
        f"{shares[1]} without them."
    )
    return Verdict(status_by_side(found, "refuted", "supported"), reason)


@RULES.decide("A3")
def staggering_resnet_smooth_cnn(results: Results) -> Verdict:
    """Test accuracy changes more from epoch to epoch in the ResNet than in the CNN, after epoch 100."""
    found = compare(results, "resnet", "cnn", lambda record: float(np.std(np.diff(_settled(record)))))
    reason = "Standard deviation of the epoch-to-epoch change of test accuracy after epoch 100, ResNet minus CNN"
    return verdict_by_sign(found, "supported", "refuted", reason)


@RULES.decide("A4")
def lower_maximum(results: Results) -> Verdict:
    """The largest test loss of the ResNet lies below the largest of the CNN."""
    found = compare(results, "resnet", "cnn", lambda record: max(record.history.test.loss))
    return verdict_by_sign(found, "refuted", "supported", "Largest test loss of a run in nats, ResNet minus CNN")


@RULES.decide("A5")
def cnn_quicker_to_one(results: Results) -> Verdict:
    """The CNN's training accuracy converges to 1 before the ResNet's: with dropout on, as printed, it never does.

    Whether it "proved stable" is judged with A3.
    """
    quicker = cnn_quicker(results)
    on = summary(results, "cnn", TRAINING_ACCURACY)
    if quicker.status != "supported" or on.high > LEARNT_SHARE:
        return quicker
    printed = f"With dropout on, as the document measured, it does not converge to 1 but ends at {told(on)}."
    return replace(quicker, status="conditional", reason=f"{quicker.reason} {printed}")


@RULES.decide("A65")
def cnn_quicker(results: Results) -> Verdict:
    """The CNN needs fewer epochs than the ResNet until 95 % of the training images are right with dropout off."""
    found = _compare_learning(results, "cnn", "resnet")
    reason = "Epochs until 95 % of the training images are right with dropout off, CNN minus ResNet"
    return verdict_by_sign(found, "refuted", "supported", reason)


@RULES.decide("A8")
def overfitting_solved(results: Results) -> Verdict:
    """With dropout, the ResNet's training and test accuracy lie within ten points; conditional if they do not.

    One net on 2,500 images can show that the sentence does not hold everywhere, and no more.
    """
    gap = summary(results, "resnet", lambda record: LEARNT(record) - TEST_ACCURACY(record))
    gain = compare(results, "resnet", "resnet_dropout_0", TEST_ACCURACY)
    reason = (
        "In document 000's ResNet, not in the nets that the sentence is about: "
        "share of the training images that it knows with 50 % dropout minus that of the test images: "
        f"{points(gap)}. Its test accuracy with the dropout minus without: {points(gain)}."
    )
    return Verdict(status_by_side(gap, "conditional", "supported", of=0.1), reason)


@RULES.decide("A10")
def resnet_better_in_both(results: Results) -> Verdict:
    """In the last 50 epochs the ResNet's test accuracy is higher and its test loss lower than the CNN's."""
    accuracy = compare(results, "resnet", "cnn", TEST_ACCURACY)
    loss = compare(results, "resnet", "cnn", TEST_LOSS)
    better = (accuracy.low > 0, loss.high < 0)
    status: Status = "supported" if all(better) else "conditional" if any(better) else "not distinguishable"
    if not any(better) and (accuracy.high < 0 or loss.low > 0):
        status = "refuted"
    reason = (
        f"ResNet minus CNN on test images, accuracy {points(accuracy)}, loss {told(loss, unit=' nats')}. The nets "
        "differ in much more than skips."
    )
    return Verdict(status, reason)


@RULES.decide("A11")
def nothing_after_125(results: Results) -> Verdict:
    """In epochs 241 to 250 neither net tests better than in 116 to 125: accuracy by two points, or the loss at all.

    Supported where accuracies gain less than that and losses rise.
    """
    nets = {"CNN": "cnn", "ResNet": "resnet"}
    gains, rises = (
        {label: summary(results, cell, _test_change(metric, (116, 125))) for label, cell in nets.items()}
        for metric in ("accuracy", "loss")
    )
    better = [found.low > 0 for found in gains.values()] + [found.high < 0 for found in rises.values()]
    status: Status = "refuted" if all(better) else "conditional" if any(better) else "not distinguishable"
    if all(found.high < ALIKE for found in gains.values()) and all(found.low > 0 for found in rises.values()):
        status = "conditional" if any(better) else "supported"
    reason = (
        "Epochs 241-250 minus 116-125, on test images: accuracy, "
        f"{told_each(list(gains), list(gains.values()))}; loss in nats, "
        f"{told_each(list(rises), list(rises.values()), told)}."
    )
    return Verdict(status, reason)


@RULES.decide("A31")
def signal_survives_a_silent_branch(results: Results) -> Verdict:
    """With one branch silenced the ResNet loses under five points of test accuracy; conditional: it keeps over 15 %.

    Refuted where it keeps less. A net without additions cannot do so, whatever it has learnt: behind a silent layer all
    is constant. It is told beside the ResNet, and decides nothing.
    """
    epoch = _shared_epoch(results, "resnet", "resnet_no_skips")
    states = list(results.states("resnet", epoch).values())
    left = [_without_a_branch(state) for state in states]
    kept = summarize([float(np.mean(of_net)) for of_net in left])
    lost = summarize([state.test_accuracy - float(np.mean(of_net)) for state, of_net in zip(states, left, strict=True)])
    status: Status = "not distinguishable"
    if lost.high < FALL:
        status = "supported"
    elif kept.high < UNTRAINED:
        status = "refuted"
    elif kept.low > UNTRAINED and lost.low > FALL:
        status = "conditional"
    shares = [one / state.test_accuracy for state, of_net in zip(states, left, strict=True) for one in of_net]
    bare = [_without_a_branch(state) for state in results.states("resnet_no_skips", epoch).values()]
    reason = (
        f"After {epoch} epochs the ResNet loses {points(lost)} of test accuracy when the last layer of a unit's "
        f"branch is set to zero, mean of the two units, and keeps {told(kept)}: between {100 * min(shares):.0f} % and "
        f"{100 * max(shares):.0f} % of what it had. Without additions {np.mean(bare):.2f} is left, as it must be. Of "
        "110 layers, Veit et al. report no noticeable change when one block is deleted."
    )
    return Verdict(status, reason)


def _without_a_branch(state: State) -> list[float]:
    """Test accuracy of a ResNet with the last layer of a unit's branch silenced, for either unit."""
    return [layer.silenced for layer in state.layers if layer.layer in ("unit1_conv2", "unit2_conv2")]


@RULES.decide("A41")
def nearly_linear_is_easy(results: Results) -> Verdict:
    """ReLU learns the training images in fewer epochs than tanh, and a net without activations in no more than ReLU.

    If near-linearity were what makes ReLU easy to optimise, a net whose only bend is max pooling would be easier still.
    """
    tanh, linear = (
        _compare_learning(results, "cnn_no_dropout", other, _epochs_to_learn_of_100)
        for other in ("cnn_tanh", "cnn_linear")
    )
    status: Status = "not distinguishable"
    if tanh.low > 0:
        status = "refuted"
    elif tanh.high < 0 and linear.high < 0:
        status = "conditional"
    elif tanh.high < 0 and linear.low > 0:
        status = "supported"
    reason = (
        "Epochs until 95 % of the training images are right, 101 if never, in the CNN without output dropout: ReLU "
        f"minus tanh {told(tanh)}, ReLU minus no activation, max pooling alone, {told(linear)}: above zero, ReLU is "
        "the slower."
    )
    return Verdict(status, reason)


@RULES.decide("A49")
def dropout_makes_spikes(results: Results) -> Verdict:
    """The ResNet spikes more often with dropout than without."""
    found = compare(results, "resnet", "resnet_dropout_0", _test_spikes, resolution=_spike(results))
    reason = (
        "Spikes per 100 epochs in the ResNet's test loss: without dropout "
        f"{told(_spike_rate(results, 'resnet_dropout_0'))}; with a dropout of 50 % "
        "minus without"
    )
    return verdict_by_sign(found, "supported", "refuted", reason)


@RULES.decide("A62")
def dropout_staggers_both_nets(results: Results) -> Verdict:
    """Both nets' test losses spike more often with their dropout than without: one stands in the head, one behind.

    Accuracy is not judged.
    """
    pairs = {"ResNet": ("resnet", "resnet_dropout_0"), "CNN": ("cnn", "cnn_no_dropout")}
    found = [compare(results, *pair, _test_spikes, resolution=_spike(results)) for pair in pairs.values()]
    return verdict_by_all_signs(
        "Spikes per 100 epochs of test loss, with dropout minus without", list(pairs), found, tell=told
    )


@RULES.decide("A50")
def spikes_only_in_the_resnet(results: Results) -> Verdict:
    """After epoch 100, test accuracy falls by five points or more from one epoch to the next in the ResNet alone.

    Conditional where the CNN's falls too, though less often: the CNN's interval reaches one fall a run.
    """

    def falls(record: RunRecord) -> float:
        return float(np.sum(np.diff(_settled(record)) <= -FALL))

    found = compare(results, "resnet", "cnn", falls, resolution=1)
    cnn = within(summary(results, "cnn", falls, resolution=1), 0.0)
    status = status_by_side(found, "supported", "refuted")
    if status == "supported" and cnn.high >= 1:
        status = "conditional"
    reason = (
        f"Falls of the test accuracy by five points or more after epoch 100, a run: CNN {told(cnn)}, ResNet minus CNN "
        f"{told(found)}. Whether they come at certain intervals was not measured."
    )
    return Verdict(status, reason)


@RULES.decide("A51")
def skips_and_dropout_together(results: Results) -> Verdict:
    """Dropout adds more spikes to the net with skips than to the one without: the interaction in the 2x2."""
    cells = ("resnet", "resnet_dropout_0", "resnet_no_skips", "resnet_no_skips_dropout_0")
    both, skips, dropout, neither = by_shared_seed(results, cells, _test_spikes)
    with_skips = {seed: both[seed] - skips[seed] for seed in both}
    without = {seed: dropout[seed] - neither[seed] for seed in both}
    reason = (
        "Spikes per 100 epochs of test loss: with neither "
        f"{told(_spike_rate(results, 'resnet_no_skips_dropout_0'))}; what dropout adds with skips minus what it "
        "adds without"
    )
    found = compare_paired(with_skips, without, resolution=2**0.5 * _spike(results))
    return verdict_by_sign(found, "supported", "refuted", reason)


@RULES.decide("A53")
def loss_to_zero(results: Results) -> Verdict:
    """The CNN's training loss converges to zero quickly: with dropout off it does, with dropout on it cannot."""
    on, off = summary(results, "cnn", TRAINING_LOSS), summary(results, "cnn", LOSS_LEARNT)
    learnt = summary(results, "cnn", epochs_to_learn)
    reason = (
        f"With dropout off it ends at {told(off)}; 95 % of the training images are right by epoch {learnt.mean:.0f}. "
        f"With dropout on it cannot fall below {logits_ceiling(0.2)[1]:.2f} and ends at {told(on)}. {OUR_RATE}"
    )
    return Verdict(status_by_side(off, "refuted", "conditional", of=NEXT_TO_NO_LOSS), reason)


@RULES.decide("A54")
def cnn_test_loss_rises(results: Results) -> Verdict:
    """The CNN's test loss is higher in epochs 241 to 250 than in epochs 41 to 50."""
    found = summary(results, "cnn", _test_change("loss", (41, 50)))
    reason = f"The CNN's test loss in epochs 241-250 minus that in epochs 41-50, in nats: {told(found)}."
    return Verdict(status_by_side(found, "supported", "refuted"), reason)


@RULES.decide("A55")
def accuracy_stops_at_09(results: Results) -> Verdict:
    """The CNN's training accuracy converges to 0.9 and not 1: with dropout on; with dropout off it reaches 1."""
    on, off = summary(results, "cnn", TRAINING_ACCURACY), summary(results, "cnn", LEARNT)
    reason = f"With dropout on {told(on)}, as printed; the same nets with dropout off {told(off)}."
    status: Status = "not distinguishable"
    if on.high < 0.85 or on.low > LEARNT_SHARE:
        status = "refuted"
    elif on.low > 0.85 and on.high < LEARNT_SHARE:
        status = status_by_side(off, "conditional", "supported", of=LEARNT_SHARE)
    return Verdict(status, reason)


@RULES.decide("A56")
def plateau_from_a_singularity(results: Results) -> Verdict:
    """The 0.9 comes from a singularity: not if it is the ceiling of the output dropout and goes with that layer."""
    on, without = summary(results, "cnn", TRAINING_ACCURACY), summary(results, "cnn_no_dropout", LEARNT)
    ceiling = logits_ceiling(0.2)[0]
    explained = on.low > ceiling - ALIKE and on.high < ceiling + ALIKE and without.low > 1 - ALIKE
    reason = (
        f"A perfect net behind a 20 % output dropout scores {ceiling:.3f}; the CNN ends at {told(on)}. Without that "
        f"layer it reaches {told(without)}. {OUR_RATE}"
    )
    return Verdict("refuted" if explained else "not distinguishable", reason)


def _within(results: Results, name: str, low: float, high: float) -> Verdict:
    """Judge whether the test accuracy lies in a printed range, as far as seeds and test images can tell."""
    found, cell = summary(results, name, TEST_ACCURACY), results.experiment.cell(name)
    images = cell.spec.test_images
    least, most = accuracy_interval(round(found.mean * images), images)
    error = (most - least) / 2
    reason = (
        f"{cell.label} ({cell.spec.image_set}): test accuracy in the last 50 epochs {told(found)}; with 95 % "
        f"confidence, the choice of the {images:,} images moves it by no more than {100 * error:.1f} points. The words "
        f"are read as {low:.2f} to {high:.2f}."
    )
    return verdict_by_range(found, low, high, error, reason)


@RULES.decide("A57")
def cnn_test_accuracy(results: Results) -> Verdict:
    """In the last 50 epochs the CNN's test accuracy, on 10,000 images, lies between 0.4 and 0.5."""
    return _within(results, "cnn_jpeg", 0.40, 0.50)


@RULES.decide("A59")
def skips_prevent_overfitting(results: Results) -> Verdict:
    """With the additions test loss ends less far above its minimum than without, and within 0.1 nats of it.

    Conditional where less far alone, since then they lessen overfitting and do not prevent it; refuted where neither.
    """

    def rise(record: RunRecord) -> float:
        return TEST_LOSS(record) - min(record.history.test.loss)

    found, above = compare(results, "resnet", "resnet_no_skips", rise), summary(results, "resnet", rise)
    if above.low > NEXT_TO_NO_LOSS:
        status: Status = "conditional" if found.high < 0 else "refuted"
    else:
        status = status_by_side(found, "refuted", "supported")
    reason = (
        f"The ResNet's test loss ends {told(above)} nats above its minimum; with the additions minus without: "
        f"{told(found)}."
    )
    return Verdict(status, reason)


@RULES.decide("A60")
def resnet_training_accuracy(results: Results) -> Verdict:
    """The ResNet's training accuracy lies between 0.9 and 1, above the CNN's: fairly compared with dropout off.

    The losses are told beside it: with dropout on, the CNN's cannot fall below that of its output dropout.
    """
    on, off = summary(results, "resnet", TRAINING_ACCURACY), compare(results, "resnet", "cnn", LEARNT)
    loss_on, loss_off = (compare(results, "resnet", "cnn", loss) for loss in (TRAINING_LOSS, LOSS_LEARNT))
    status: Status = "not distinguishable"
    if on.high < 0.9 or off.high < 0:
        status = "refuted"
    elif on.low > 0.9:
        status = "supported" if off.low > 0 else "conditional"
    reason = (
        f"With dropout on the ResNet ends at {told(on)}. With dropout off, ResNet minus CNN is {points(off)}. Training "
        f"loss in nats, ResNet minus CNN: with dropout on {told(loss_on)}, off {told(loss_off)}."
    )
    return Verdict(status, reason)


@RULES.decide("A61")
def resnet_test_accuracy(results: Results) -> Verdict:
    """In the last 50 epochs the ResNet's test accuracy, on 10,000 images, is 0.46 to 0.54: high 40s to low 50s."""
    return _within(results, "resnet_jpeg", 0.46, 0.54)


@RULES.decide("A70")
def ahead_by_a_negligible_margin(results: Results) -> Verdict:
    """The ResNet's test accuracy is above the CNN's, by less than two points."""
    found, average = compare(results, "resnet", "cnn", TEST_ACCURACY), summary(results, "resnet", TEST_ACCURACY)
    status: Status = "not distinguishable"
    if found.low > ALIKE or found.high < 0:
        status = "refuted"
    elif alike(found) and found.low > 0:
        status = "supported"
    reason = (
        f"In the last 50 epochs, ResNet minus CNN: {points(found)}; the ResNet's "
        f"average, printed as about 45 %, is {told(average)}."
    )
    return Verdict(status, reason)


#: Cells under Adam with those that differ from them in the optimiser alone.
ADAM_AND_RMSPROP = (("resnet_adam", "resnet"), ("cnn_adam", "cnn_no_dropout"))


@RULES.decide("A63")
def adam_costs_more(results: Results) -> Verdict:
    """A training step of the ResNet takes more time under Adam than under RMSprop, by more than 5 %."""
    times = results.experiment.measurements.step_times("resnet")
    if times is None:
        raise NotMeasuredError("Needs step times: skipnets measure step-times.")
    adam, rmsprop = (np.array(times.cpu_seconds[kind]) for kind in ("adam", "rmsprop"))
    found = summarize((adam / rmsprop - 1).tolist())
    reason = (
        "CPU time of a step of the ResNet under Adam beyond that under RMSprop, "
        f"{found.n} rounds of {times.steps} steps taken in turns: {100 * found.mean:+.1f} % "
        f"(95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f})."
    )
    return Verdict(status_by_side(found, "supported", "refuted", of=0.05), reason)


@RULES.decide("A64")
def rmsprop_faster(results: Results) -> Verdict:
    """Both nets need fewer epochs under RMSprop than under Adam until their training loss is at most 0.1 nats."""
    to_loss = partial(epochs_to_loss, loss=NEXT_TO_NO_LOSS)
    found = [compare(results, rms, adam, to_loss, resolution=1) for adam, rms in ADAM_AND_RMSPROP]
    status: Status = "not distinguishable"
    if all(comparison.high < 0 for comparison in found):
        status = "supported"
    elif all(comparison.low > 0 for comparison in found):
        status = "refuted"
    reason = (
        "Epochs until the training loss, dropout on, is at most 0.1 nats, RMSprop minus Adam, both at 0.001 and not "
        "tuned: ResNet "
        f"{told(found[0])}, CNN without output dropout {told(found[1])}."
    )
    return Verdict(status, reason)


@RULES.decide("A66")
def flat_loss_is_a_plateau(results: Results) -> Verdict:
    """The flat training loss of Figure 5 is a plateau of learning: not if nothing is left to learn."""
    late = summary(results, "cnn", LOSS_LEARNT)
    reason = (
        f"With dropout off the CNN's training loss in nats ends at {told(late)}: the curve is flat because next "
        "to nothing is left to learn, not because learning is stuck."
    )
    return Verdict("refuted" if late.high < NEXT_TO_NO_LOSS else "not distinguishable", reason)


@RULES.decide("A68")
def both_nets_spike(results: Results) -> Verdict:
    """Both nets' losses spike at least once in 200 epochs, on test images and on training images alike.

    Conditional where one of the four losses does so and another discernibly does not.
    """
    rates = {
        (label, measure): _spike_rate(results, cell, measure)
        for label, cell in (("CNN", "cnn"), ("ResNet", "resnet"))
        for measure in ("test", "training")
    }
    often, seldom = ([rate.low > 0.5 for rate in rates.values()], [rate.high < 0.5 for rate in rates.values()])
    status: Status = "not distinguishable"
    if all(often):
        status = "supported"
    elif all(seldom):
        status = "refuted"
    elif any(often) and any(seldom):
        status = "conditional"
    labels = [f"{label}, {measure} loss" for label, measure in rates]
    reason = (
        f"Of the losses, spikes per 100 epochs: {told_each(labels, list(rates.values()), told)}. Falls of the test "
        "accuracy are counted for claim A50."
    )
    return Verdict(status, reason)


@RULES.decide("A69")
def first_images_are_as_good(results: Results) -> Verdict:
    """What the document rests on, and does not claim: test accuracy is the same when the nets train on other images.

    Those are images 1,501 to 4,000, a thousand of them the same.
    """
    pairs = (("resnet", "resnet_other_images"), ("cnn_no_dropout", "cnn_other_images"))
    found = [compare(results, cell, other, TEST_ACCURACY) for cell, other in pairs]
    status: Status = "not distinguishable"
    if all(map(alike, found)):
        status = "supported"
    elif any(map(apart, found)):
        status = "refuted" if all(map(apart, found)) else "conditional"
    reason = (
        "Test accuracy after training on the first 2,500 images minus that after "
        f"training on images 1,501 to 4,000 (1,000 are in both): ResNet {points(found[0])}, CNN without output dropout "
        f"{points(found[1])}."
    )
    return Verdict(status, reason)
