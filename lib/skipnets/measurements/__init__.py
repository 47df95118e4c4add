"""What is measured once on trained nets, since a page cannot wait for it or has no images: files beside the records.

They are sealed like records and never edited by hand. ``skipnets measure`` makes them.
"""

from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from skipnets.analysis.spectrum import SpectralDensity
from skipnets.errors import DamagedFileError
from skipnets.files import read
from skipnets.records import Entry, Metrics, Sealed, Setup, now
from skipnets.specs import Architecture, RunSpec


class Machine(Setup):
    """With what something was measured, and when."""

    finished: str  # UTC, ISO 8601

    @classmethod
    def of(cls, setup: Setup) -> "Machine":
        """Return the setup with which a measurement was begun, finished now."""
        return cls(**dict(setup), finished=now())


class StepTimes(Sealed):
    """CPU time of a training step under several optimisers that took turns, so that other load fell on all alike."""

    network: Architecture
    batch_size: int
    steps: int  # of each optimiser a round
    cpu_seconds: dict[str, tuple[float, ...]]  # by kind of optimiser: a step's mean in each round
    machine: Machine

    @property
    def rounds(self) -> int:
        """How many turns each optimiser had."""
        return min(map(len, self.cpu_seconds.values()))

    @property
    def file_name(self) -> str:
        """Name of the file, one a network."""
        return step_times_name(self.network.kind)


def step_times_name(kind: str) -> str:
    """Name of the file of the ``StepTimes`` of the network of that kind."""
    return f"steps-{kind}.json"


class LayerState(Entry):
    """One hidden layer: its outputs across images, a vector of channels an image and position, and its absence."""

    layer: str
    units: int
    dead: int  # units that are 0 on every image at every position
    silenced: float  # accuracy on the test images with the layer's weights set to 0
    rank: int  # of the matrix of channels against images and positions, to float32's rounding
    effective_rank: float  # exponential of the entropy of its squared singular values (Roy and Vetterli, 2007)


class Spectrum(Entry):
    """What random probes see of a Hessian: the points and weights of ``SpectralDensity``."""

    size: int
    nodes: tuple[tuple[float, ...], ...]
    weights: tuple[tuple[float, ...], ...]

    def density(self) -> SpectralDensity:
        """Return it as something to compute with."""
        return SpectralDensity(self.size, tuple(map(np.array, self.nodes)), tuple(map(np.array, self.weights)))


class State(Sealed):
    """A net at one moment of its training, measured with dropout off, on its first training images where not said."""

    spec: RunSpec
    epoch: int = Field(ge=0)  # completed epochs
    weights: str  # SHA-256 of the network's weights
    images: int
    loss: float
    test_accuracy: float
    layers: tuple[LayerState, ...]
    spectrum: Spectrum
    struck: Metrics | None  # exact average over all draws of the output dropout, on all training images
    machine: Machine

    @property
    def probes(self) -> int:
        """Random vectors behind the spectrum."""
        return len(self.spectrum.nodes)

    @property
    def steps(self) -> int:
        """Lanczos steps behind the spectrum, of the probe that took the most."""
        return max(map(len, self.spectrum.nodes))

    @property
    def file_name(self) -> str:
        """Name of the file, one a run and moment."""
        return state_name(self.spec, self.epoch)


def state_name(spec: RunSpec, epoch: int | str) -> str:
    """Name of the file of a run's ``State`` after ``epoch`` epochs; of all its states where that is ``*``."""
    return f"{spec.run_id}-epoch{epoch}.json"


class JoinedMaps(Sealed):
    """What a trained net joins, on test images: how alike these outputs are, and how good the net is without each."""

    spec: RunSpec
    weights: str  # SHA-256 of the network's weights
    images: int
    outputs: tuple[str, ...]  # the joined layers' names, in order of depth
    similarity: tuple[tuple[float, ...], ...]  # linear CKA of every two of them
    accuracy: float  # of the whole net on these images
    without: tuple[float, ...]  # accuracy with each output replaced by its mean over the images
    up_to: tuple[float, ...]  # accuracy with every output behind each one replaced so
    machine: Machine

    def outputs_before(self, stage: str) -> int:
        """Return how many outputs come before those of ``stage``, as in ``stage3``."""
        return next(place for place, name in enumerate(self.outputs) if name.startswith(stage))

    @property
    def file_name(self) -> str:
        """Name of the file, one a run."""
        return joined_maps_name(self.spec)


def joined_maps_name(spec: RunSpec) -> str:
    """Name of the file of a run's ``JoinedMaps``."""
    return f"{spec.run_id}-joined.json"


class Moment(Entry):
    """A net between two training steps, as the probe images see it in training mode; a number a convolution.

    A convolution's outputs are its own, before any normalization. Its hidden representation is what the first ReLU
    behind it gives, behind the addition if there is one. The condition numbers of hidden representations leave out the
    dead channels, a single one of which makes that of the whole matrix infinite; those of kernels leave out nothing.
    Where the rank is less than the number of the other channels, these depend on each other as far as rounding lets one
    see (``analysis.conditioning``).
    """

    kernel_lowest: tuple[float, ...]
    kernel_highest: tuple[float, ...]
    kernel_condition: tuple[float, ...]  # output channels against positions and input channels
    kernel_gradient: tuple[float, ...]  # norm, of the mean loss without the weight penalty
    output_lowest: tuple[float, ...]
    output_highest: tuple[float, ...]
    output_gradient: tuple[float, ...]  # norm, of an image's loss; root mean square over images
    hidden_highest: tuple[float, ...]  # the lowest is 0 wherever a unit is off
    spread: tuple[float, ...]  # of the hidden units across images, as a share of their scale
    condition: tuple[float, ...]  # of channels against images and positions
    condition_double: tuple[float, ...]  # the same where the whole pass is computed in float64
    rank: tuple[int, ...]  # of that matrix, to float32's rounding
    rank_double: tuple[int, ...]  # in the pass in float64, to float64's
    effective_rank: tuple[float, ...]
    dead: tuple[int, ...]  # channels that are 0 on every image at every position
    constant: tuple[int, ...]  # channels that are one number, the dead ones among them

    @property
    def output_range(self) -> npt.NDArray[np.float64]:
        """Highest minus lowest output; infinity minus infinity is undefined."""
        return _ranges(self.output_highest, self.output_lowest)

    @property
    def kernel_range(self) -> npt.NDArray[np.float64]:
        """Highest minus lowest weight; infinity minus infinity is undefined."""
        return _ranges(self.kernel_highest, self.kernel_lowest)

    @property
    def gradient_growth(self) -> float:
        """By how much the gradient of the outputs grows a layer, from the last convolution to the first.

        Infinite where none reaches the last, undefined (nan) where none reaches either.
        """
        first, *_, last = np.asarray(self.output_gradient)
        with np.errstate(divide="ignore", invalid="ignore"):
            return float((first / last) ** (1 / (len(self.output_gradient) - 1)))

    @property
    def condition_all(self) -> npt.NDArray[np.float64]:
        """Condition number of all channels, infinite where one is dead."""
        return np.where(self.dead, np.inf, self.condition)

    @property
    def dead_layers(self) -> int:
        """How many convolutions have a dead channel or more."""
        return int(np.count_nonzero(self.dead))

    @property
    def infinite_layers(self) -> list[int]:
        """Convolutions, counted from 1, whose hidden representation has an infinite condition number."""
        return [layer for layer, condition in enumerate(self.condition_all, start=1) if condition == np.inf]


def _ranges(highest: tuple[float, ...], lowest: tuple[float, ...]) -> npt.NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.subtract(highest, lowest)


#: How many steps are taken of a run whose first steps are measured.
FIRST_STEPS = 500


class FirstSteps(Sealed):
    """The first training steps of a run, one by one, and the net at some moments between them.

    Infinite and undefined numbers stand as the strings "Infinity" and "NaN", since JSON has none.
    """

    spec: RunSpec
    steps: int  # asked for
    loss: tuple[float, ...]  # of each step's batch before the step, nats an image, without the weight penalty
    accuracy: tuple[float, ...]  # of the same batches
    diverged_at: int | None  # the step, counted from 0, whose loss is not finite; none follows
    images: int  # the first training images as they are, all of which are one batch of the probe
    layers: tuple[str, ...]  # the convolutions, in the order of computation
    moments: dict[int, Moment]  # by the number of steps taken
    machine: Machine

    @property
    def file_name(self) -> str:
        """Name of the file, one a run and number of steps."""
        return first_steps_name(self.spec, self.steps)


def first_steps_name(spec: RunSpec, steps: int) -> str:
    """Name of the file with the first ``steps`` steps of a run."""
    return f"{spec.run_id}-first{steps}.json"


Measurement = StepTimes | State | JoinedMaps | FirstSteps
Kind = TypeVar("Kind", bound=Sealed)


class Measurements:
    """The measurements of one folder; a SkipnetsError where a file of it cannot be read."""

    def __init__(self, folder: Path):
        self.folder = folder

    def save(self, measurement: Measurement) -> Path:
        """Write ``measurement`` atomically and return its path."""
        return measurement.write(self.folder / measurement.file_name)

    def step_times(self, kind: str) -> StepTimes | None:
        """Return the step times of the network of that kind, or None.

        Raises:
            DamagedFileError: The file is not what was written.
        """
        return self._read(StepTimes, step_times_name(kind))

    def epochs(self, spec: RunSpec) -> list[int]:
        """Return after how many epochs the run was measured, rising."""
        names = [path.stem for path in self.folder.glob(state_name(spec, "*"))]
        return sorted(int(name.rpartition("-epoch")[2]) for name in names)

    def state(self, spec: RunSpec, epoch: int) -> State | None:
        """Return the state of a run after ``epoch`` epochs, or None.

        Raises:
            DamagedFileError: The file is not what was written, or holds another state.
        """
        return self._read(State, state_name(spec, epoch), spec=spec, epoch=epoch)

    def joined_maps(self, spec: RunSpec) -> JoinedMaps | None:
        """Return what a run's join reads, or None.

        Raises:
            DamagedFileError: The file is not what was written, or holds another run's.
        """
        return self._read(JoinedMaps, joined_maps_name(spec), spec=spec)

    def first_steps(self, spec: RunSpec, steps: int) -> FirstSteps | None:
        """Return the first ``steps`` steps of a run, or None.

        Raises:
            DamagedFileError: The file is not what was written, or holds another run's.
        """
        return self._read(FirstSteps, first_steps_name(spec, steps), spec=spec, steps=steps)

    def _read(self, kind: type[Kind], name: str, **expected: object) -> Kind | None:
        """Read a file whose fields must be those that its name stands for."""
        path = self.folder / name
        if (content := read(path)) is None:
            return None
        found = kind.from_json(content, str(path))
        if any(getattr(found, field) != value for field, value in expected.items()):
            raise DamagedFileError(f"{path} holds another measurement than its name says")
        return found
