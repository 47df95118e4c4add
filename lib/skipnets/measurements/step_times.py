"""Measure the CPU time of training steps under several optimisers."""

import time
from collections.abc import Sequence

from skipnets import datasets, order
from skipnets.engines import KerasEngine
from skipnets.measurements import Machine, StepTimes
from skipnets.records import Setup
from skipnets.specs import Part, parse_spec

#: Images a step, as in document 000.
BATCH_SIZE = 64

#: Steps of each optimiser in a round: long enough for the clock, short enough that other load falls on all alike.
STEPS = 20


def measure_step_times(network: Part, optimizers: Sequence[Part], rounds: int) -> StepTimes:
    """Time training steps of ``network`` on generated images, the optimisers taking turns.

    Args:
        network: An architecture part.
        optimizers: Optimiser parts of different kinds.
        rounds: How many times each has its turn; one more beforehand is not counted.
    """
    setup = Setup.here()
    engines, images = {}, datasets.load("synthetic").select(BATCH_SIZE * STEPS, 1)
    for optimizer in optimizers:
        spec = parse_spec(
            {
                "architecture": network, "optimizer": optimizer, "image_set": "synthetic", "batch_size": BATCH_SIZE,
                "train_images": BATCH_SIZE * STEPS, "test_images": 1, "epochs": 1,
            }
        )  # fmt: skip
        engines[spec.optimizer.kind] = KerasEngine(spec, images)
    seconds: dict[str, list[float]] = {kind: [] for kind in engines}
    for number in range(rounds + 1):
        batches = order.batches(0, number, BATCH_SIZE * STEPS, BATCH_SIZE)
        for kind, engine in engines.items():
            begun = time.process_time()
            engine.train(number, batches)
            if number:
                seconds[kind].append(round((time.process_time() - begun) / STEPS, 6))
    return StepTimes(
        network=network,
        batch_size=BATCH_SIZE,
        steps=STEPS,
        cpu_seconds={kind: tuple(values) for kind, values in seconds.items()},
        machine=Machine.of(setup),
    )
