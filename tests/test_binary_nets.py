"""The enumeration of binary nets against plain loops over every net and every weight."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from skipnets.analysis.binary_nets import KINDS, Kind, Landscape, count_minima, landscape, regression

Array = npt.NDArray[np.float64]


def output(kind: Kind, weights: tuple[int, ...], x: Array, layers: int) -> float:
    """Output of one net for one input, straight from the paper's formulas."""
    states = [x]
    for number in range(1, layers - 1):
        matrix = np.reshape(weights[4 * (number - 1) : 4 * number], (2, 2))
        active = np.maximum(matrix @ states[-1], 0)
        states.append(
            {
                "plain": active,
                "residual": 2 / 3 * (active + states[-1]),
                "hyper-residual": 2 / (number + 2) * (active + sum(states)),
                "path-residual": 2 / 4 * (active + np.ones((2, 2)) @ states[-1]),
            }[kind]
        )
    return float(np.array(weights[-2:]) @ states[-1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [3, 4])
def test_losses_and_minima_agree_with_plain_loops(kind: Kind, layers: int) -> None:
    inputs, targets = regression(3, samples=5)
    nets = list(itertools.product([-1, 1], repeat=4 * layers - 6))
    loss, power = {}, {}
    for net in nets:
        outputs = np.array([output(kind, net, x, layers) for x in inputs.T])
        loss[net], power[net] = np.mean((outputs - targets) ** 2), np.mean(outputs**2)
    found = landscape(kind, inputs, targets, layers)
    np.testing.assert_allclose(found.loss, [loss[net] for net in nets], rtol=1e-10)
    np.testing.assert_allclose(found.power, [power[net] for net in nets], rtol=1e-10, atol=1e-12)

    minima = strict = silent = 0
    for net in nets:
        around = [loss[(*net[:at], -net[at], *net[at + 1 :])] for at in range(len(net))]
        if min(around) >= loss[net] - 1e-9:
            minima += 1
            strict += min(around) > loss[net] + 1e-9
            silent += power[net] < 1e-9
    counted = count_minima(found)
    assert (counted.minima, counted.strict, counted.silent) == (minima, strict, silent)
    assert counted.nets == len(nets)


def test_a_fifth_layer_agrees_with_plain_loops_on_some_nets() -> None:
    inputs, targets = regression(0, samples=3)
    nets = list(itertools.product([-1, 1], repeat=14))
    for kind in KINDS:
        loss = landscape(kind, inputs, targets, 5).loss
        for number in range(0, len(nets), 997):
            outputs = [output(kind, nets[number], x, 5) for x in inputs.T]
            assert loss[number] == pytest.approx(np.mean((np.array(outputs) - targets) ** 2), rel=1e-10)


def test_counts_do_not_depend_on_the_tolerance() -> None:
    for kind in KINDS:
        found = landscape(kind, *regression(0), 5)
        assert count_minima(found, 1e-11) == count_minima(found, 1e-7)


def test_ties_are_minima_but_not_strict() -> None:
    found = count_minima(Landscape(np.array([1.0, 1.0, 2.0, 0.5]), np.array([0.0, 0.0, 1.0, 1.0]), 1.0))
    # nets 00, 01, 10, 11: 00 ties with 01, 01 is beaten by 11, which is best
    assert (found.minima, found.strict, found.silent, found.best) == (2, 1, 1, 1)


@pytest.mark.parametrize("layers", [2, 8])
def test_depths_out_of_reach_are_refused(layers: int) -> None:
    with pytest.raises(ValueError, match=f"layers {layers}: expected 3 to"):
        landscape("plain", *regression(0), layers)
