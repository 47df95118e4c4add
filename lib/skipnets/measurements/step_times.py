"""Measure the CPU time of training steps under several optimisers."""

import time
from collections.abc import Callable, Sequence

from skipnets import datasets, order
from skipnets.engines import KerasEngine
from skipnets.measurements import Machine, StepTimes
from skipnets.records import Setup
from skipnets.specs import Part, parse_spec


def measure_step_times(
    network: Part,
    optimizers: Sequence[Part],
    batch_size: int = 64,
    steps: int = 20,
    rounds: int = 10,
    progress: Callable[[int], None] | None = None,
) -> StepTimes:
    """Time training steps of ``network`` on generated images, the optimisers taking turns.

    Args:
        network: An architecture part.
        optimizers: Optimiser parts of different kinds.
        batch_size: Images a step.
        steps: Steps of each optimiser in a round.
        rounds: How many times each has its turn; one more beforehand is not counted.
        progress: Called with the number of each round done.
    """
    setup = Setup.here()
    engines, images = {}, datasets.load("synthetic").select(batch_size * steps, 1)
    for optimizer in optimizers:
        spec = parse_spec(
            {
                "architecture": network, "optimizer": optimizer, "image_set": "synthetic", "batch_size": batch_size,
                "train_images": batch_size * steps, "test_images": 1, "epochs": 1,
            }
        )  # fmt: skip
        engines[spec.optimizer.kind] = KerasEngine(spec, images)
    seconds: dict[str, list[float]] = {kind: [] for kind in engines}
    for number in range(rounds + 1):
        batches = order.batches(0, number, batch_size * steps, batch_size)
        for kind, engine in engines.items():
            begun = time.process_time()
            engine.train(number, batches)
            if number:
                seconds[kind].append(round((time.process_time() - begun) / steps, 6))
        if progress and number:
            progress(number)
    return StepTimes(
        network=network,
        batch_size=batch_size,
        steps=steps,
        cpu_seconds={kind: tuple(values) for kind, values in seconds.items()},
        machine=Machine.of(setup),
    )
