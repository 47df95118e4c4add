"""The rules of document 003's measured claims; each function's docstring says the claim as it is measured.

Accuracies are those after the last epoch, as in Table 1. The test accuracy of a run that diverged counts as chance.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

from skipnets.analysis.statistics import Comparison, Summary, compare_paired, further_value, summarize
from skipnets.experiments.document_003 import JOINS, KERNELS
from skipnets.measurements import JoinedMaps
from skipnets.published import TABLE_1
from skipnets.records import RunRecord
from skipnets.results import Results
from skipnets.scoring import CHANCE
from skipnets.verdicts import NotMeasuredError, Rule, Rules, Status, Verdict
from skipnets.verdicts.comparing import (
    ALIKE,
    UNTRAINED,
    Value,
    alike,
    apart,
    by_seed,
    by_shared_seed,
    compare,
    epochs_to_loss,
    points,
    rising,
    status_by_side,
    summary,
    told,
    told_each,
    verdict_by_all_signs,
    verdict_by_sign,
)

RULES = Rules()

#: Pairs of numbers of kernels, the larger first, that a claim about adding kernels compares.
MORE_KERNELS = ((16, 3), (64, 16))

#: Multiply-adds of an image in concatenation nets, in millions, by layers and kernels; a test counts them.
MULTIPLY_ADDS = {(12, 16): 19.4, (12, 64): 191.6, (69, 16): 108.1}


def end_test(record: RunRecord) -> float:
    """Test accuracy after the last epoch."""
    return record.history.test.accuracy[-1]


def overfitting(record: RunRecord) -> float:
    """Accuracy on the training images, dropout off, minus that on the test images, after the last epoch."""
    return record.history.training_inference.accuracy[-1] - end_test(record)


def _lost(record: RunRecord) -> float:
    """How far the test accuracy ends below its best."""
    return max(record.history.test.accuracy) - end_test(record)


def _turning_point(record: RunRecord) -> float:
    """Epoch of the lowest test loss, from which on the training loss falls by itself."""
    test = record.history.test
    return test.epochs[test.loss.index(min(test.loss))]


def _end_loss(record: RunRecord) -> float:
    """Training loss, dropout on, in the last epoch."""
    return record.history.training.loss[-1]


def _diverged(value: Value) -> float | None:
    """What a run that diverged counts as: chance in test accuracy, and in nothing else."""
    return CHANCE if value is end_test else None


def _difference(results: Results, first: str, second: str) -> Comparison:
    """Test accuracy of one cell minus that of another."""
    return compare(results, first, second, end_test, CHANCE)


def _between_kernels(
    results: Results, value: Value, pairs: Sequence[tuple[int, int]], resolution: float = 0.0
) -> list[Comparison]:
    """Differences of 12-layer nets, the first of each pair of kernels minus the second, of every join in turn."""
    return [
        compare(results, f"{join}_12_{first}", f"{join}_12_{second}", value, _diverged(value), resolution)
        for join in JOINS
        for first, second in pairs
    ]


def _labels(pairs: Sequence[tuple[int, int]]) -> list[str]:
    return [f"{join}, {first} minus {second} kernels" for join in JOINS for first, second in pairs]


def _best_of_each_join(results: Results) -> list[str]:
    """The 12-layer cell of each join with the highest mean test accuracy, best join first."""
    cells = [f"{join}_12_{k}" for join in JOINS for k in KERNELS]
    means = {cell: summary(results, cell, end_test, CHANCE).mean for cell in cells}
    best = [max((name for name in means if name.startswith(join)), key=means.__getitem__) for join in JOINS]
    return sorted(best, key=means.__getitem__, reverse=True)


def _best_less_last(results: Results) -> tuple[Comparison, str]:
    """Test accuracy of the best join's best 12-layer net minus that of the last join's, and how to say it."""
    first, *_, last = _best_of_each_join(results)
    found = _difference(results, first, last)
    return found, (
        f"Test accuracy, the best net of the best join ({first}) minus that of the last ({last}): {points(found)}."
    )


def _spread(results: Results, value: Value, groups: Sequence[Sequence[str]]) -> dict[int, float]:
    """By seed, how far ``value`` of a group's cells lies apart, in the group where it does so most."""
    cells = list(dict.fromkeys(cell for group in groups for cell in group))
    found = dict(zip(cells, by_shared_seed(results, cells, value, _diverged(value)), strict=True))

    def apart_in(group: Sequence[str], seed: int) -> float:
        values = [found[cell][seed] for cell in group]
        return max(values) - min(values)

    return {seed: max(apart_in(group, seed) for group in groups) for seed in found[cells[0]]}


def _row(cell: str) -> Rule:
    def rule(results: Results) -> Verdict:
        """Both printed accuracies lie within two points of the recorded mean; refuted where no run would give them."""
        printed = TABLE_1[cell]
        trained = summary(results, cell, lambda record: record.history.training.accuracy[-1], CHANCE)
        tested = summary(results, cell, end_test, CHANCE)
        off = [abs(found.mean - value) for found, value in ((trained, printed.training), (tested, printed.test))]
        status: Status = "not distinguishable"
        if all(far + (found.high - found.low) / 2 <= ALIKE for far, found in zip(off, (trained, tested), strict=True)):
            status = "supported"
        elif any(far > max(ALIKE, further_value(found)) for far, found in zip(off, (trained, tested), strict=True)):
            status = "refuted"
        reason = (
            f"Recorded test accuracy {told(tested)}, printed {printed.test:g}; training accuracy with dropout on "
            f"{told(trained)}, printed {printed.training:g}."
        )
        return Verdict(status, reason)

    return rule


def off_the_table(results: Results) -> dict[str, float]:
    """How far the mean test accuracy of each net of Table 1 that has a run lies from the printed one, either way."""
    found = {cell: results.values(cell, end_test, CHANCE) for cell in TABLE_1}
    return {cell: abs(summarize(list(ends.values())).mean - TABLE_1[cell].test) for cell, ends in found.items() if ends}


#: Claims that are a row of Table 1: numbers that belong to their scale.
PRINTED = {f"B{number}": name for number, name in enumerate(TABLE_1, start=20)}
RULES.update({claim: _row(name) for claim, name in PRINTED.items()})


@RULES.decide("B3")
def concatenation_improves_test_accuracy(results: Results) -> Verdict:
    """With 12 layers, concatenation has the higher test accuracy than the baseline at every number of kernels."""
    found = [_difference(results, f"concatenation_12_{k}", f"baseline_12_{k}") for k in KERNELS]
    what = "Test accuracy, concatenation minus baseline, 12 layers"
    return verdict_by_all_signs(what, [f"{k} kernels" for k in KERNELS], found)


@RULES.decide("B4")
def depth_is_not_worth_its_price(results: Results) -> Verdict:
    """From 12 layers of 16 kernels, concatenated, a doubling of the arithmetic gains more in kernels than in layers.

    Layers rise to 69, kernels to 64, and gains are points of test accuracy a doubling of the multiply-adds.
    """
    sizes = ((12, 16), (69, 16), (12, 64))
    base, *larger = by_shared_seed(results, [f"concatenation_{layers}_{k}" for layers, k in sizes], end_test, CHANCE)
    doublings = [math.log2(MULTIPLY_ADDS[size] / MULTIPLY_ADDS[sizes[0]]) for size in sizes[1:]]
    deeper, wider = (
        {seed: 100 * (value - base[seed]) / doubled for seed, value in of_net.items()}
        for of_net, doubled in zip(larger, doublings, strict=True)
    )
    reason = (
        "Points of test accuracy a doubling of the multiply-adds, concatenation from 12 layers of 16 kernels: to 69 "
        "layers minus to 64 kernels"
    )
    return verdict_by_sign(compare_paired(deeper, wider), "refuted", "supported", reason)


@RULES.decide("B5")
def width_before_depth(results: Results) -> Verdict:
    """Concatenation with 12 layers of 16 kernels tests above 120 layers of 3, at equal multiply-adds."""
    found = _difference(results, "concatenation_12_16", "concatenation_120_3")
    reason = (
        "Test accuracy (a share), concatenation, 12 layers of 16 kernels minus 120 layers of 3, which take as many "
        "multiply-adds"
    )
    return verdict_by_sign(found, "supported", "refuted", reason)


def _joined_maps(results: Results, cell: str) -> list[JoinedMaps]:
    """What was measured of the joins of a cell's nets.

    Raises:
        NotMeasuredError: Of fewer than two.
    """
    maps = list(results.joined_maps(cell).values())
    if len(maps) < 2:
        raise NotMeasuredError(f"Needs the joins of two nets of cell {cell}, {len(maps)} measured.")
    return maps


@RULES.decide("B7")
def some_connectivity_is_redundant(results: Results) -> Verdict:
    """Over a tenth of what concatenation of 12 layers of 16 kernels joins can go, one at a time, for under two points.

    Measured on trained nets, an output replaced by its mean over the images. Refuted where less than that can. At
    most conditional: the sentence is about densely connected nets, and what can go alone need not go together.
    """
    cell = "concatenation_12_16"
    maps = _joined_maps(results, cell)
    spared = [sum(one.accuracy - left < ALIKE for left in one.without) / len(one.without) for one in maps]
    similarities = [
        sum(row[number + 1] for number, row in enumerate(one.similarity[:-2])) / (len(one.similarity) - 2)
        for one in maps
    ]  # without the last two, which are one convolution before and behind its normalization
    found = summarize(spared, resolution=1 / len(maps[0].without))
    status: Status = "not distinguishable"
    if found.low > 0.1:
        status = "conditional"
    elif found.high < 0.1:
        status = "refuted"
    reason = (
        f"Share of the joined outputs of {cell} that a trained net misses by less than two points of test accuracy "
        f"each: {told(found)}; similarity (linear CKA) of an output to the next: {told(summarize(similarities))}. It "
        "is not the densely connected net that the sentence is about, and what can go alone need not go together."
    )
    return Verdict(status, reason)


@RULES.decide("B35")
def sixteen_kernels_beat_three(results: Results) -> Verdict:
    """With 12 layers, 16 kernels have the higher test accuracy than 3 and overfit more, and 64 none higher than 16.

    Conditional where 64 kernels test discernibly higher than 16 in some join.
    """
    pairs = [(16, 3)]
    found = [*_between_kernels(results, end_test, pairs), *_between_kernels(results, overfitting, pairs)]
    labels = [f"{what}, {label}" for what in ("test accuracy", "overfitting") for label in _labels(pairs)]
    labels += [f"test accuracy, {label}" for label in _labels([(64, 16)])]
    more = _between_kernels(results, end_test, [(64, 16)])
    status = rising(found)
    if status == "supported" and any(one.low > 0 for one in more):
        status = "conditional"
    return Verdict(status, f"12 layers: {told_each(labels, [*found, *more])}.")


@RULES.decide("B37")
def more_kernels_better_and_overfit(results: Results) -> Verdict:
    """Concatenation with 64 kernels has the higher test accuracy than with 16, and the larger gap to training."""
    pair = ("concatenation_12_64", "concatenation_12_16")
    found = [_difference(results, *pair), compare(results, *pair, overfitting)]
    return verdict_by_all_signs(
        "Concatenation, 12 layers, 64 minus 16 kernels", ("test accuracy", "overfitting"), found
    )


@RULES.decide("B38")
def concatenation_before_summation_before_baseline(results: Results) -> Verdict:
    """With 12 layers, test accuracy falls from concatenation to summation to baseline at every number of kernels."""
    pairs = [("concatenation", "summation"), ("summation", "baseline")]
    chosen = [(better, worse, k) for k in KERNELS for better, worse in pairs]
    found = [_difference(results, f"{better}_12_{k}", f"{worse}_12_{k}") for better, worse, k in chosen]
    return verdict_by_all_signs(
        "Test accuracy", [f"{better} minus {worse}, {k} kernels" for better, worse, k in chosen], found
    )


@RULES.decide("B39")
def best_nets_are_close(results: Results) -> Verdict:
    """The best 12-layer nets of the three joins test within two points of each other."""
    found, reason = _best_less_last(results)
    return Verdict(status_by_side(found, "refuted", "supported", of=ALIKE), reason)


@RULES.decide("B40")
def kernels_hardly_help(results: Results) -> Verdict:
    """From 3 to 16 to 64 kernels, test accuracy of 12-layer nets gains less than five points a step, in every join."""
    found = _between_kernels(results, end_test, MORE_KERNELS)
    little, much = ([one.high < 0.05 for one in found], [one.low > 0.05 for one in found])
    status: Status = "conditional" if any(little) and any(much) else "not distinguishable"
    if all(little):
        status = "supported"
    elif any(much) and not any(little):
        status = "refuted"
    reason = f"Test accuracy, 12 layers: {told_each(_labels(MORE_KERNELS), found)}."
    return Verdict(status, reason)


@RULES.decide("B41")
def joins_converge_to_the_same_point(results: Results) -> Verdict:
    """At every number of kernels, both joins of 12 layers test within two points of the baseline."""
    chosen = [(join, k) for k in KERNELS for join in JOINS[1:]]
    found = [_difference(results, f"{join}_12_{k}", f"baseline_12_{k}") for join, k in chosen]
    same = list(map(alike, found))
    status: Status = "not distinguishable"
    if all(same):
        status = "supported"
    elif any(map(apart, found)):
        status = "conditional" if any(same) else "refuted"
    labels = [f"{join} minus baseline, {k} kernels" for join, k in chosen]
    reason = f"Test accuracy, 12 layers: {told_each(labels, found)}."
    return Verdict(status, reason)


@RULES.decide("B42")
def seeds_hide_the_differences(results: Results) -> Verdict:
    """With several seeds, the best 12-layer nets of the best and the last join do not differ by more than chance.

    The same seeds choose the best nets and compare them, which makes them differ more rather than less.
    """
    found, reason = _best_less_last(results)
    status: Status = "not distinguishable"
    if found.distinguishable:
        status = "refuted"
    elif alike(found):
        status = "supported"
    return Verdict(status, reason)


@RULES.decide("B43")
def overfitting_grows_with_kernels(results: Results) -> Verdict:
    """With 12 layers, the gap between training (dropout off) and test accuracy grows from 3 to 16 to 64 kernels."""
    found = _between_kernels(results, overfitting, MORE_KERNELS)
    return verdict_by_all_signs("Overfitting, 12 layers", _labels(MORE_KERNELS), found, everywhere=True)


def _sooner_with_kernels(results: Results, epochs: Value, until: str, every: int) -> Verdict:
    """Judge whether ``epochs``, known as finely as the epochs that are ``every`` so many apart, get fewer."""
    fewer = [(second, first) for first, second in MORE_KERNELS]
    found = _between_kernels(results, epochs, fewer, resolution=every)
    reason = f"Epochs until {until}, 12 layers: {told_each(_labels(fewer), found, told)}."
    return Verdict(rising(found), reason)


@RULES.decide("B44")
def kernels_shorten_the_way(results: Results) -> Verdict:
    """With 12 layers, the test loss turns, at its lowest, in fewer epochs with more kernels, in every join.

    That is where it parts from the training loss, which goes on to fall.
    """
    every = results.experiment.cell("baseline_12_3").spec.evaluate_test_every
    return _sooner_with_kernels(results, _turning_point, "the test loss is lowest", every)


@RULES.decide("B45")
def few_kernels_for_long_training(results: Results) -> Verdict:
    """With 12 layers, 64 kernels end farther below their best test accuracy than 3, and not above where 3 end."""
    lost = _between_kernels(results, _lost, [(64, 3)])
    ends = _between_kernels(results, end_test, [(3, 64)])
    labels = [*(f"lost, {label}" for label in _labels([(64, 3)])), *(f"end, {label}" for label in _labels([(3, 64)]))]
    return verdict_by_all_signs("Test accuracy lost since its best, and at the end, 12 layers", labels, [*lost, *ends])


@RULES.decide("B46")
def kernels_speed_up_training(results: Results) -> Verdict:
    """With 12 layers, more kernels reach the training loss that the slowest run ends at in fewer epochs, in every join.

    A level that every run reaches, so that none has to be counted as never getting there.
    """
    cells = [f"{join}_12_{k}" for join in JOINS for k in KERNELS]
    slowest = max(max(by_seed(results, cell, _end_loss).values()) for cell in cells)
    until = f"the training loss is at most {slowest:.2f} nats, where the slowest run ends"
    return _sooner_with_kernels(results, lambda record: epochs_to_loss(record, slowest), until, every=1)


@RULES.decide("B47")
def kernels_level_the_joins(results: Results) -> Verdict:
    """The final training losses of the three joins lie closer together with 64 kernels than with 3, with 12 layers."""
    spreads = [_spread(results, _end_loss, [[f"{join}_12_{k}" for join in JOINS]]) for k in (64, 3)]
    found = compare_paired(*spreads)
    reason = "How far the final training losses of the three joins lie apart in nats, 64 minus 3 kernels"
    return verdict_by_sign(found, "refuted", "supported", reason)


@RULES.decide("B48")
def concatenation_minimises_the_loss(results: Results) -> Verdict:
    """With 12 layers of 16 kernels, concatenation ends at the lowest training loss of the joins, above 0.01 nats."""
    found = [compare(results, f"{join}_12_16", "concatenation_12_16", _end_loss) for join in ("baseline", "summation")]
    left = summary(results, "concatenation_12_16", _end_loss)
    status = rising(found)
    if status == "supported" and left.low < 0.01:
        status = "conditional"
    reason = (
        "Final training loss in nats, dropout on, 12 layers of 16 kernels: baseline minus concatenation "
        f"{told(found[0])}; summation minus concatenation {told(found[1])}; concatenation itself {told(left)}."
    )
    return Verdict(status, reason)


@RULES.decide("B49")
def longer_training_helps(results: Results) -> Verdict:
    """Twice the epochs give concatenation with 12 layers of 16 kernels a higher test accuracy."""
    found = _difference(results, "concatenation_12_16_long", "concatenation_12_16")
    reason = "Test accuracy (a share), concatenation, 12 layers of 16 kernels, twice the epochs minus once"
    return verdict_by_sign(found, "supported", "refuted", reason)


def _learn(results: Results, cells: Sequence[str]) -> tuple[Status, str]:
    """Whether nets learn, all or some of them, and how to say it."""
    found = [summary(results, cell, end_test, CHANCE) for cell in cells]
    learn = [one.low > UNTRAINED for one in found]
    status: Status = "supported" if all(learn) else "conditional" if any(learn) else "not distinguishable"
    if all(one.high < UNTRAINED for one in found):
        status = "refuted"
    return status, f"Test accuracy: {told_each(cells, found, told)}."


@RULES.decide("B51")
def deep_baselines_are_untrainable(results: Results) -> Verdict:
    """Baselines of 69 layers of 3 kernels learn nothing, at most 15 % right; refuted where they do as documented.

    Conditional where one learns that differs in what may be the cause instead: He's initialization, normalized
    convolutions, or 16 kernels.
    """
    documented, others = "baseline_69_3", ("baseline_69_3_he", "baseline_69_3_normalized", "baseline_69_16")
    as_documented, _ = _learn(results, [documented])
    otherwise, reason = _learn(results, [documented, *others])
    status: Status = "not distinguishable"
    if as_documented == "supported":
        status = "refuted"
    elif as_documented == "refuted":
        status = "supported" if otherwise == "refuted" else otherwise
    return Verdict(status, reason)


@RULES.decide("B52")
def joined_deep_nets_train(results: Results) -> Verdict:
    """Concatenation and summation nets of 69 layers of 3 kernels learn, more than 15 % of the test images right."""
    return Verdict(*_learn(results, ("concatenation_69_3", "summation_69_3")))


@RULES.decide("B53")
def depth_does_not_help_linearly(results: Results) -> Verdict:
    """In concatenation nets of 3 kernels a layer gains more or less from 69 to 120 layers than from 12 to 69.

    Refuted where the gains agree to 0.02 points a layer, one point over 50 layers.
    """
    depths = (12, 69, 120)
    of_nets = by_shared_seed(results, [f"concatenation_{depth}_3" for depth in depths], end_test, CHANCE)
    early, late = (
        {seed: 100 * (below[seed] - above[seed]) / (deep - shallow) for seed in below}
        for (shallow, above), (deep, below) in itertools.pairwise(zip(depths, of_nets, strict=True))
    )
    reason = "Points of test accuracy a layer, from 69 to 120 layers minus from 12 to 69"
    found = compare_paired(late, early)
    if found.low > -0.02 and found.high < 0.02:
        return Verdict("refuted", f"{reason}: {told(found)}.")
    return verdict_by_sign(found, "supported", "supported", reason)


@RULES.decide("B54")
def kernels_matter_most(results: Results) -> Verdict:
    """Test accuracy of nets that differ in kernels alone lies farther apart than of those that differ in join or depth.

    Farthest apart, that is: 3, 16 and 64 kernels with 12 layers, in any join; the joins, with 12 layers of as many
    kernels or 69 of 3; 12 and 69 layers of 3 kernels, in any join. Conditional where it holds of some of these alone.
    """
    by_kernels = _spread(results, end_test, [[f"{join}_12_{k}" for k in KERNELS] for join in JOINS])
    others = {
        "the joins, 12 layers": [[f"{join}_12_{k}" for join in JOINS] for k in KERNELS],
        "the joins, 69 layers of 3 kernels": [[f"{join}_69_3" for join in JOINS]],
        "12 and 69 layers of 3 kernels": [[f"{join}_{depth}_3" for depth in (12, 69)] for join in JOINS],
    }
    found = [compare_paired(by_kernels, _spread(results, end_test, groups)) for groups in others.values()]
    what = "Largest difference in test accuracy between 3, 16 and 64 kernels, minus that between"
    return verdict_by_all_signs(what, list(others), found)


@RULES.decide("B55")
def kernels_raise_accuracy_and_overfitting(results: Results) -> Verdict:
    """With 12 layers, test accuracy and overfitting both grow from 3 to 16 to 64 kernels, in every join."""
    found = [one for value in (end_test, overfitting) for one in _between_kernels(results, value, MORE_KERNELS)]
    labels = [f"{what}, {label}" for what in ("test accuracy", "overfitting") for label in _labels(MORE_KERNELS)]
    return verdict_by_all_signs("12 layers", labels, found, everywhere=True)


@RULES.decide("B58")
def depth_alone_guarantees_nothing(results: Results) -> Verdict:
    """With 3 kernels, 69 layers do not test above 12 in the baseline or in summation."""
    found = [_difference(results, f"{join}_69_3", f"{join}_12_3") for join in ("baseline", "summation")]
    status: Status = "not distinguishable"
    if all(comparison.low > 0 for comparison in found):
        status = "refuted"
    elif any(comparison.high < ALIKE for comparison in found):
        status = "supported"
    reason = f"Test accuracy, 3 kernels, 69 minus 12 layers: {told_each(('baseline', 'summation'), found)}."
    return Verdict(status, reason)


def _by_the_last_stage(results: Results, cell: str) -> Summary:
    """Test accuracy that trained nets lose without all outputs of their last third, over seeds."""
    maps = _joined_maps(results, cell)
    return summarize([one.accuracy - one.up_to[one.outputs_before("stage3") - 1] for one in maps])


@RULES.decide("B59")
def a_pathway_allows_end_to_end_training(results: Results) -> Verdict:
    """Concatenation and summation nets of 69 and 120 layers of 3 kernels learn, and their last third takes part.

    They learn where more than 15 % of the test images are right. The last third of 69 layers takes part where leaving
    out what the join reads of it costs two points or more; where it costs less, the status is conditional.
    """
    status, reason = _learn(results, [f"{join}_{depth}_3" for join in JOINS[1:] for depth in (69, 120)])
    if status != "supported":
        return Verdict(status, reason)
    cells = [f"{join}_69_3" for join in JOINS[1:]]
    parts = [_by_the_last_stage(results, cell) for cell in cells]
    if any(part.high < ALIKE for part in parts):
        status = "conditional"
    elif not all(part.low > ALIKE for part in parts):
        status = "not distinguishable"
    return Verdict(status, f"{reason} What the last third of 69 layers adds: {told_each(cells, parts)}.")


@RULES.decide("B60")
def another_pooling_helps(results: Results) -> Verdict:
    """A fourth pooling raises the test accuracy of 12 layers of 16 kernels, in images of 32 x 32 pixels.

    The question is about two more poolings in larger images, of which this says no more than *conditional*.
    """
    found = [_difference(results, f"{join}_12_16_pooled", f"{join}_12_16") for join in JOINS]
    what = (
        "One more pooling, not two, in small images: test accuracy, 12 layers of 16 kernels, four poolings minus three"
    )
    verdict = verdict_by_all_signs(what, JOINS, found)
    return replace(verdict, status="conditional") if verdict.status in ("supported", "refuted") else verdict


@RULES.decide("B61")
def connectivity_not_size(results: Results) -> Verdict:
    """Concatenation tests above the baseline at equal size: a wider baseline, and both squeezed to 16 channels."""
    pairs = (
        ("concatenation_12_16", "baseline_12_16_wide"),
        ("concatenation_12_16_bottleneck", "baseline_12_16_bottleneck"),
    )
    found = [_difference(results, *pair) for pair in pairs]
    labels = ("as it is, minus a baseline with a wider dense layer", "both squeezed to 16 channels")
    return verdict_by_all_signs(
        "Test accuracy at equal parameters, concatenation of 12 layers of 16 kernels", labels, found
    )
