"""The rules that turn records into verdicts on the measured claims of document 000, one function a claim.

A rule says *supported* or *refuted* only where the interval over seeds leaves no other reading, *not distinguishable*
where it leaves both, and *conditional* where the claim holds in one reading or setting and not in another.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from skipnets.analysis.output_dropout import logits_ceiling
from skipnets.analysis.statistics import Comparison, Summary, compare_paired, find_spikes, first_epoch, summarize
from skipnets.records import Curve, RunRecord
from skipnets.results import Results, tail_means

Status = Literal["supported", "refuted", "not distinguishable", "conditional", "not yet measured"]


@dataclass(frozen=True)
class Verdict:
    """What became of a claim. The number behind a measured one has its interval in ``low`` and ``high``."""

    status: Status
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


class NotMeasuredError(Exception):
    """The records that a rule needs do not exist yet."""


Rule = Callable[[Results], Verdict]
RULES: dict[str, Rule] = {}


def rule(*ids: str) -> Callable[[Rule], Rule]:
    """Register a function as the rule of the claims ``ids``."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(ids, function))
        return function

    return register


def _records(results: Results, cell: str, seeds: int = 2) -> list[RunRecord]:
    found = results.records.get(cell, [])
    if len(found) < seeds:
        raise NotMeasuredError(f"Needs {seeds} runs of cell {cell}, {len(found)} recorded.")
    return found


def _by_seed(results: Results, cell: str, value: Callable[[RunRecord], float], seeds: int = 2) -> dict[int, float]:
    return {record.spec.seed: value(record) for record in _records(results, cell, seeds)}


def _compare(results: Results, first: str, second: str, value: Callable[[RunRecord], float]) -> Comparison:
    pairs = _by_seed(results, first, value), _by_seed(results, second, value)
    if len(pairs[0].keys() & pairs[1].keys()) < 2:
        raise NotMeasuredError(f"Needs two seeds that {first} and {second} share.")
    return compare_paired(*pairs)


def _summary(results: Results, cell: str, value: Callable[[RunRecord], float]) -> Summary:
    return summarize(list(_by_seed(results, cell, value).values()))


def _of(comparison: Comparison, if_positive: Status, if_negative: Status, reason: str) -> Verdict:
    """Return the verdict that the sign of a difference gives, where the interval leaves out zero."""
    status: Status = "not distinguishable"
    if comparison.distinguishable:
        status = if_positive if comparison.difference > 0 else if_negative
    interval = f"difference {comparison.difference:+.3g}, 95 % interval {comparison.low:+.3g} to {comparison.high:+.3g}"
    return Verdict(
        status, f"{reason} ({interval}, {comparison.n} paired seeds).", comparison.difference, comparison.low, comparison.high
    )


def _final_test_accuracy(record: RunRecord) -> float:
    return record.final.test.accuracy


def _final_test_loss(record: RunRecord) -> float:
    return record.final.test.loss


def _wobble(record: RunRecord, measure: str = "training") -> float:
    """Robust spread of the epoch-to-epoch change of accuracy after epoch 100."""
    curve: Curve = getattr(record.history, measure)
    changes = np.diff([accuracy for epoch, accuracy in zip(curve.epochs, curve.accuracy, strict=True) if epoch > 100])
    return float(np.std(changes))


def _spikes(record: RunRecord, measure: str) -> float:
    """Spikes of the loss per 100 epochs."""
    curve: Curve = getattr(record.history, measure)
    return find_spikes(curve.epochs, curve.loss).per_hundred


def _epoch_of(record: RunRecord, accuracy: float) -> float:
    """First measured epoch at which training accuracy with dropout off reaches ``accuracy``; never counts as 1 more."""
    curve = record.history.training_inference
    return float(first_epoch(curve.epochs, curve.accuracy, accuracy) or record.spec.epochs + 1)


def _mean_between(curve: Curve, metric: str, first: int, last: int) -> float:
    values = getattr(curve, metric)
    return float(np.mean([value for epoch, value in zip(curve.epochs, values, strict=True) if first <= epoch <= last]))


@rule("A3")
def smooth_cnn(results: Results) -> Verdict:
    """The ResNet's results are more staggering than the CNN's."""
    found = _compare(results, "resnet", "cnn", lambda record: _wobble(record, "test"))
    return _of(found, "supported", "refuted", "Test accuracy wobbles from epoch to epoch by a standard deviation that is "
               f"{abs(found.difference) * 100:.2g} points {'larger' if found.difference > 0 else 'smaller'} in the ResNet")  # fmt: skip


@rule("A4")
def lower_maximum(results: Results) -> Verdict:
    """The largest loss of the ResNet lies below the largest of the CNN."""
    found = _compare(results, "resnet", "cnn", lambda record: max(record.history.test.loss))
    return _of(found, "refuted", "supported", "The largest test loss of a run, ResNet less CNN, in nats")


@rule("A5", "A65")
def cnn_quicker(results: Results) -> Verdict:
    """The CNN converges sooner: epochs until training accuracy, dropout off, reaches 0.95."""
    found = _compare(results, "cnn", "resnet", lambda record: _epoch_of(record, 0.95))
    return _of(found, "refuted", "supported", "Epochs until 95 % of the training images are right with dropout off, measured every "
               "fifth epoch, CNN less ResNet")  # fmt: skip


@rule("A8")
def overfitting_solved(results: Results) -> Verdict:
    """Dropout sufficiently addresses overfitting."""
    gaps = _summary(results, "resnet", lambda r: r.final.training_inference.accuracy - r.final.test.accuracy)
    status: Status = "refuted" if gaps.low > 0.1 else "not distinguishable"
    return Verdict(status, f"With 50 % dropout the ResNet still knows {100 * gaps.mean:.0f} points more of its training "
                   f"images than of its test images ({gaps.n} seeds).", gaps.mean, gaps.low, gaps.high)  # fmt: skip


@rule("A10")
def resnet_better_in_both(results: Results) -> Verdict:
    """The ResNet outperforms the CNN in both loss and accuracy, on test images after the last epoch."""
    accuracy = _compare(results, "resnet", "cnn", _final_test_accuracy)
    loss = _compare(results, "resnet", "cnn", _final_test_loss)
    better = (accuracy.low > 0, loss.high < 0)
    status: Status = "supported" if all(better) else "conditional" if any(better) else "not distinguishable"
    if accuracy.high < 0 and loss.low > 0:
        status = "refuted"
    reason = (
        f"On test images the ResNet's accuracy is {100 * accuracy.difference:+.1f} points from the CNN's (95 % interval "
        f"{100 * accuracy.low:+.1f} to {100 * accuracy.high:+.1f}), its loss {loss.difference:+.2f} nats ({loss.low:+.2f} to "
        f"{loss.high:+.2f}), {accuracy.n} paired seeds; the nets differ in much more than skips."
    )
    return Verdict(status, reason, accuracy.difference, accuracy.low, accuracy.high)


@rule("A11")
def nothing_after_125(results: Results) -> Verdict:
    """No discernible improvement past epoch 125: test accuracy of epochs 241-250 less that of 116-125, both nets."""
    gains = {}
    for cell in ("cnn", "resnet"):
        gains[cell] = _summary(
            results,
            cell,
            lambda r: _mean_between(r.history.test, "accuracy", 241, 250) - _mean_between(r.history.test, "accuracy", 116, 125),
        )
    improved = [cell for cell, gain in gains.items() if gain.low > 0]
    status: Status = "supported" if not improved else "conditional" if len(improved) == 1 else "refuted"
    told = "; ".join(f"{cell} {100 * g.mean:+.1f} points ({100 * g.low:+.1f} to {100 * g.high:+.1f})" for cell, g in gains.items())
    worst = gains["resnet"]
    return Verdict(status, f"Test accuracy from epochs 116-125 to 241-250: {told}.", worst.mean, worst.low, worst.high)


@rule("A34")
def comparison_is_possible(results: Results) -> Verdict:
    """Nets with and without skips can be compared with all hyperparameters kept."""
    found = _compare(results, "resnet", "resnet_no_skips", _final_test_accuracy)
    return Verdict("supported", f"Done here: without its two additions the ResNet has the same 223,242 parameters and settings; test "
                   f"accuracy differs by {100 * found.difference:+.1f} points (95 % interval {100 * found.low:+.1f} to "
                   f"{100 * found.high:+.1f}, {found.n} paired seeds).", found.difference, found.low, found.high)  # fmt: skip


@rule("A39")
def epsilon_and_spikes(results: Results) -> Verdict:
    """The missing epsilon of Equation 4 matters: spikes with epsilon 1e-3 against Keras' 1e-7."""
    found = _compare(results, "resnet_epsilon", "resnet", lambda record: _spikes(record, "test"))
    return _of(found, "supported", "refuted", "Equation 4 prints no epsilon; raising it from 1e-7 to 1e-3 changes the spikes per 100 "
               "epochs of the ResNet's test loss")  # fmt: skip


@rule("A49", "A62")
def dropout_makes_spikes(results: Results) -> Verdict:
    """Dropout causes the spikes: spikes of the ResNet with dropout 0.5 against none."""
    found = _compare(results, "resnet", "resnet_dropout_0", lambda record: _spikes(record, "test"))
    return _of(found, "supported", "refuted", "Spikes per 100 epochs in the ResNet's test loss, dropout 50 % less no dropout")


@rule("A50")
def spikes_only_in_resnet(results: Results) -> Verdict:
    """The ResNet's training accuracy spikes and the CNN's does not."""
    cnn = _summary(results, "cnn", lambda record: _spikes(record, "training"))
    resnet = _summary(results, "resnet", lambda record: _spikes(record, "training"))
    status: Status = "supported" if cnn.high < 0.5 < resnet.low else "refuted" if cnn.mean >= 0.5 else "not distinguishable"
    return Verdict(status, f"Spikes per 100 epochs in training loss, dropout on: CNN {cnn}, ResNet {resnet}.",
                   cnn.mean, cnn.low, cnn.high)  # fmt: skip


@rule("A51")
def skips_and_dropout(results: Results) -> Verdict:
    """Spikes come from dropout coinciding with skips: the interaction in the 2x2 of skips and dropout."""
    cells = ("resnet", "resnet_no_skips", "resnet_dropout_0", "resnet_no_skips_dropout_0")
    a, b, c, d = (_by_seed(results, cell, lambda record: _spikes(record, "test")) for cell in cells)
    shared = sorted(a.keys() & b.keys() & c.keys() & d.keys())
    if len(shared) < 2:
        raise NotMeasuredError("Needs two seeds that all four cells of skips x dropout share.")
    with_skips = {seed: a[seed] - c[seed] for seed in shared}
    without = {seed: b[seed] - d[seed] for seed in shared}
    return _of(compare_paired(with_skips, without), "supported", "refuted",
               "What dropout adds to the spikes per 100 epochs, with skips less without")  # fmt: skip


@rule("A53")
def loss_to_zero(results: Results) -> Verdict:
    """The CNN's training loss converges to zero very quickly."""
    on = summarize(list(tail_means(results, "cnn", "training", "loss").values()) or _fail("cnn"))
    off = _summary(results, "cnn", lambda record: record.final.training_inference.loss)
    reached = _summary(results, "cnn", lambda record: _epoch_of(record, 0.95))
    floor = logits_ceiling(0.2)[1]
    return Verdict("conditional", f"With dropout off it ends at {off}; with dropout on it cannot fall below {floor:.2f} and ends at {on}. 95 % of "
                   f"the training images are right by epoch {reached.mean:.0f}.", on.mean, on.low, on.high)  # fmt: skip


def _fail(cell: str) -> list[float]:
    raise NotMeasuredError(f"No run of cell {cell} is recorded.")


@rule("A54")
def test_loss_rises(results: Results) -> Verdict:
    """The CNN's test loss increases: epochs 241-250 less epochs 41-50."""
    rise = _summary(
        results, "cnn", lambda r: _mean_between(r.history.test, "loss", 241, 250) - _mean_between(r.history.test, "loss", 41, 50)
    )
    status: Status = "supported" if rise.low > 0 else "refuted" if rise.high < 0 else "not distinguishable"
    return Verdict(status, f"From epochs 41-50 to 241-250 the CNN's test loss rises by {rise} nats.", rise.mean, rise.low, rise.high)


@rule("A55")
def stops_at_09(results: Results) -> Verdict:
    """The CNN's training accuracy converges to 0.9 and not 1."""
    _records(results, "cnn")
    on = summarize(list(tail_means(results, "cnn", "training", "accuracy").values()))
    off = _summary(results, "cnn", lambda record: record.final.training_inference.accuracy)
    return Verdict("conditional", f"With dropout on, {on}, as printed; the same nets with dropout off, {off}.", on.mean, on.low, on.high)


@rule("A56")
def plateau_is_singularity(results: Results) -> Verdict:
    """The 0.9 is a consequence of a singularity: compare with the ceiling of the output dropout and with its removal."""
    _records(results, "cnn")
    on = summarize(list(tail_means(results, "cnn", "training", "accuracy").values()))
    without = _summary(results, "cnn_no_dropout", lambda record: record.final.training_inference.accuracy)
    ceiling = logits_ceiling(0.2)[0]
    explained = abs(on.mean - ceiling) < 0.02 and without.mean > 0.98
    return Verdict("refuted" if explained else "not distinguishable", f"A perfect net behind 20 % output dropout scores {ceiling:.3f}; the CNN "
                   f"ends at {on}. Without that layer it reaches {without}.", on.mean, on.low, on.high)  # fmt: skip


@rule("A57")
def cnn_test_accuracy(results: Results) -> Verdict:
    """The CNN is around 45 % accurate on test images, between 0.4 and 0.5."""
    found = _summary(results, "cnn", _final_test_accuracy)
    return _inside(found, 0.40, 0.50, f"After the last epoch the CNN's test accuracy is {found}, on {_images(results)} test images.")


@rule("A59")
def skips_prevent_overfitting(results: Results) -> Verdict:
    """Skips prevent overfitting: rise of test loss over its minimum, with and without additions."""
    found = _compare(results, "resnet", "resnet_no_skips", lambda r: r.final.test.loss - min(r.history.test.loss))
    return _of(found, "refuted", "supported", "How far test loss ends above its minimum, in nats, with less without additions")


@rule("A60")
def resnet_training_accuracy(results: Results) -> Verdict:
    """The ResNet's training accuracy varies between 0.9 and 1 and outperforms the CNN's."""
    on = summarize(list(tail_means(results, "resnet", "training", "accuracy").values()) or _fail("resnet"))
    off = _compare(results, "resnet", "cnn", lambda record: record.final.training_inference.accuracy)
    inside = 0.9 <= on.mean <= 1
    status: Status = "conditional" if inside else "refuted"
    return Verdict(status, f"With dropout on the ResNet ends at {on}. With dropout off, the fair comparison, it is "
                   f"{100 * off.difference:+.1f} points from the CNN (95 % interval {100 * off.low:+.1f} to {100 * off.high:+.1f}).",
                   on.mean, on.low, on.high)  # fmt: skip


@rule("A61")
def resnet_test_accuracy(results: Results) -> Verdict:
    """The ResNet's test accuracy is in the high 40s to low 50s, around 45 on average."""
    found = _summary(results, "resnet", _final_test_accuracy)
    return _inside(found, 0.45, 0.54, f"After the last epoch the ResNet's test accuracy is {found}, on {_images(results)} test images.")


def _inside(found: Summary, low: float, high: float, reason: str) -> Verdict:
    """Supported where the interval lies inside the printed range, refuted where it lies outside."""
    status: Status = "not distinguishable"
    if low <= found.low and found.high <= high:
        status = "supported"
    elif found.high < low or found.low > high:
        status = "refuted"
    return Verdict(status, reason, found.mean, found.low, found.high)


def _images(results: Results) -> str:
    return f"{results.experiment.cell('cnn').spec.test_images:,}"


@rule("A63")
def adam_strain(results: Results) -> Verdict:
    """Adam costs more computation than RMSprop: seconds an epoch."""
    ratios = []
    for adam, rms in (("resnet_adam", "resnet"), ("cnn_adam", "cnn_no_dropout")):
        found = [_summary(results, cell, lambda r: float(np.median(r.environment.epoch_seconds))) for cell in (adam, rms)]
        ratios.append(found[0].mean / found[1].mean)
    mean = float(np.mean(ratios))
    status: Status = "refuted" if mean < 1.1 else "supported"
    return Verdict(status, f"An epoch under Adam takes {mean:.2f} times one under RMSprop (median epochs; ResNet {ratios[0]:.2f}, "
                   f"CNN {ratios[1]:.2f}).", mean, min(ratios), max(ratios))  # fmt: skip


@rule("A64")
def rmsprop_faster(results: Results) -> Verdict:
    """Loss converges faster under RMSprop than under Adam: epochs to 95 % of the training images, dropout off."""
    found = [
        _compare(results, rms, adam, lambda record: _epoch_of(record, 0.95))
        for adam, rms in (("resnet_adam", "resnet"), ("cnn_adam", "cnn_no_dropout"))
    ]
    signs = {comparison.high < 0 for comparison in found}
    status: Status = "supported" if signs == {True} else "refuted" if all(c.low > 0 for c in found) else "not distinguishable"
    told = ", ".join(f"{c.difference:+.0f} ({c.low:+.0f} to {c.high:+.0f})" for c in found)
    return Verdict(status, f"Epochs until 95 % of the training images are right, RMSprop less Adam, ResNet and CNN: {told}; both at 0.001, "
                   "not tuned.", found[0].difference, found[0].low, found[0].high)  # fmt: skip


@rule("A66")
def plateau_in_figure_5(results: Results) -> Verdict:
    """The flat training loss of the CNN is a plateau: with dropout off it is close to zero, so it is convergence."""
    late = _summary(results, "cnn", lambda record: record.final.training_inference.loss)
    status: Status = "refuted" if late.mean < 0.1 else "not distinguishable"
    return Verdict(status, f"With dropout off the CNN's training loss ends at {late} nats: the curve is flat because there is next to nothing "
                   "left to learn, not because learning is stuck.", late.mean, late.low, late.high)  # fmt: skip


@rule("A68")
def spikes_in_both(results: Results) -> Verdict:
    """Both nets spike, most of all on test images."""
    rates = {
        (cell, measure): _summary(results, cell, lambda record, measure=measure: _spikes(record, measure))  # type: ignore[misc]
        for cell in ("cnn", "resnet")
        for measure in ("test", "training")
    }
    both = all(rates[cell, "test"].mean > 0.5 for cell in ("cnn", "resnet"))
    more = all(rates[cell, "test"].mean > rates[cell, "training"].mean for cell in ("cnn", "resnet"))
    status: Status = "supported" if both and more else "conditional" if both or more else "refuted"
    told = "; ".join(f"{cell}, {measure} loss {rate.mean:.1f}" for (cell, measure), rate in rates.items())
    lead = rates["resnet", "test"]
    return Verdict(status, f"Spikes per 100 epochs: {told}. It contradicts the abstract's smooth CNN.", lead.mean, lead.low, lead.high)


@rule("A69")
def first_images(results: Results) -> Verdict:
    """The first 2,500 images are a fair basis: the same nets on images 1,501 to 4,000."""
    gaps = [
        _compare(results, cell, other, _final_test_accuracy)
        for cell, other in (("resnet", "resnet_other_images"), ("cnn_no_dropout", "cnn_other_images"))
    ]
    status: Status = "conditional" if any(gap.distinguishable for gap in gaps) else "supported"
    told = ", ".join(f"{100 * gap.difference:+.1f} points" for gap in gaps)
    return Verdict(status, f"Against images 1,501 to 4,000 test accuracy differs by {told} (ResNet, CNN without output dropout).",
                   gaps[0].difference, gaps[0].low, gaps[0].high)  # fmt: skip


def number(verdict: Verdict) -> str:
    """Return the verdict's number with its interval, or nothing where it has none."""
    if verdict.value is None:
        return ""
    if verdict.low is None or verdict.high is None or math.isnan(verdict.low):
        return f"{verdict.value:.3g}"
    return f"{verdict.value:.3g} ({verdict.low:.3g} to {verdict.high:.3g})"
