"""Records made up for tests, without training."""

from collections.abc import Sequence

import numpy as np

from skipnets.measurements import FirstSteps, JoinedMaps, LayerState, Machine, Moment, Spectrum, State, StepTimes
from skipnets.records import Curve, Environment, Final, History, RunRecord, Stop, pack_bits
from skipnets.specs import ResNet, RunSpec

MACHINE = Machine(backend="tensorflow", device="CPU", versions={}, commit=None, finished="2026-01-01T00:00:00")


def made_up_record(
    spec: RunSpec, test_accuracy: float = 0.5, training: Sequence[float] = (), test_loss: Sequence[float] = ()
) -> RunRecord:
    """Return a completed record whose training accuracy (dropout on) and test loss follow the given curves."""
    epochs = tuple(range(1, spec.epochs + 1))
    rising = tuple(training) or tuple(0.9 * epoch / spec.epochs for epoch in epochs)
    loss = tuple(test_loss) or tuple(1.0 for _ in epochs)
    history = History(
        training=Curve(epochs=epochs, loss=tuple(1 - value for value in rising), accuracy=rising),
        training_inference=Curve(epochs=epochs[-1:], loss=(0.01,), accuracy=(0.99,)),
        test=Curve(epochs=epochs, loss=loss, accuracy=tuple(test_accuracy for _ in epochs)),
    )
    right = np.arange(spec.test_images) < round(test_accuracy * spec.test_images)
    return RunRecord(
        spec=spec,
        history=history,
        final=Final(
            status="completed",
            training=history.training.last(),
            training_inference=history.training_inference.last(),
            test=history.test.last(),
            test_correct=pack_bits(right),
            state="0" * 64,
        ),
        environment=Environment(
            backend="tensorflow",
            device="CPU",
            versions={},
            commit=None,
            images={"x_train": "0" * 16},
            finished="2026-01-01T00:00:00+00:00",
            seconds=60.0,
            sittings=1,
            epoch_seconds=tuple(0.2 for _ in epochs),
        ),
    )


def diverged(record: RunRecord, epoch: int = 1) -> RunRecord:
    """Return ``record`` as that of a run whose loss stopped being finite after ``epoch`` epochs."""
    final = record.final.model_copy(update={"status": "diverged", "diverged_at": Stop(epoch=epoch, step=0)})
    return record.model_copy(update={"final": final})


def with_curves(record: RunRecord, **curves: Curve) -> RunRecord:
    """Return ``record`` with other curves in its history."""
    return record.model_copy(update={"history": record.history.model_copy(update=curves)})


def made_up_step_times(**cpu_seconds: Sequence[float]) -> StepTimes:
    """Return step times of the ResNet, a list of rounds an optimiser."""
    return StepTimes(
        network=ResNet(),
        batch_size=64,
        steps=20,
        cpu_seconds={kind: tuple(seconds) for kind, seconds in cpu_seconds.items()},
        machine=MACHINE,
    )


def made_up_state(spec: RunSpec, epoch: int, flat: float = 0.9, silenced: float = 0.1) -> State:
    """Return a state with a share ``flat`` of its eigenvalues below 1 % of the largest and half of the others above.

    Without a layer its accuracy is ``silenced``.
    """
    layers = [
        LayerState(layer=name, units=64, dead=0, silenced=silenced, rank=64, effective_rank=10.0)
        for name in ("unit1_conv2", "unit2_conv2")
    ]
    return State(
        spec=spec,
        epoch=epoch,
        weights="0" * 64,
        images=256,
        loss=1.0,
        test_accuracy=0.5,
        layers=tuple(layers),
        spectrum=Spectrum(size=10, nodes=((0.009, 0.011, 1.0),), weights=((flat, (1 - flat) / 2, (1 - flat) / 2),)),
        struck=None,
        machine=MACHINE,
    )


def made_up_maps(spec: RunSpec, without: tuple[float, ...], last_stage: float = 0.0) -> JoinedMaps:
    """Return the joined maps of a net with an accuracy of 0.5, any two of them alike by 0.8.

    The last output, of the third stage, adds ``last_stage`` to what the first one knows; those between add nothing.
    """
    alike = tuple(tuple(1.0 if i == j else 0.8 for j in range(len(without))) for i in range(len(without)))
    names = (*(f"stage1_conv{number}_pool" for number in range(1, len(without))), "stage3_norm")
    up_to = (*[0.5 - last_stage] * (len(without) - 1), 0.5)
    return JoinedMaps(
        spec=spec, weights="0" * 64, images=1000, outputs=names, similarity=alike, accuracy=0.5,
        without=without, up_to=up_to, machine=MACHINE,
    )  # fmt: skip


def made_up_first_steps(spec: RunSpec, layers: int = 4, moments: Sequence[int] = (0, 10), **rows: object) -> FirstSteps:
    """Return first steps of a net with ``layers`` convolutions, all of whose numbers are 1, without dead channels.

    ``rows`` gives quantities of ``Moment`` other values, the same at every moment.
    """
    real = {"dead": (0,) * layers, "constant": (0,) * layers, "rank": (4,) * layers, "rank_double": (4,) * layers}
    moment = Moment.model_validate({name: (1.0,) * layers for name in Moment.model_fields} | real | rows)
    steps = max(moments)
    return FirstSteps(
        spec=spec,
        steps=steps,
        loss=tuple(2.3 - step / 100 for step in range(steps)),
        accuracy=(0.1,) * steps,
        diverged_at=None,
        images=64,
        layers=tuple(f"conv{number}" for number in range(layers)),
        moments=dict.fromkeys(moments, moment),
        machine=MACHINE,
    )
