"""What decides a result: RunSpec and its parts, validated, frozen and hashed.

Anything that does not decide a result (device, backend, versions, wall time) belongs to the record, not here.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from skipnets.errors import BadInputError


def _no_bool(given: Any) -> Any:
    """Refuse True and False, which pydantic would take for 1 and 0."""
    if isinstance(given, bool):
        raise ValueError("expected a number")
    return given


Number = Annotated[float, BeforeValidator(_no_bool)]
Whole = Annotated[int, BeforeValidator(_no_bool)]
# abs: -0.0 equals 0.0 but is written differently, and would be another identity of the same run.
NotNegative = Annotated[Number, Field(ge=0), AfterValidator(abs)]
Rate = Annotated[NotNegative, Field(lt=1)]
Positive = Annotated[Number, Field(gt=0)]
Count = Annotated[Whole, Field(ge=1)]

Head = Literal["flatten", "average"]
Loss = Literal["logits", "probabilities"]
Initializer = Literal["glorot_uniform", "he_normal", "orthogonal", "delta_orthogonal", "looks_linear"]

#: An image set's name is also a file's: short, and without anything that leads out of its folder.
IMAGE_SET_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class Part(BaseModel):
    """A frozen piece of a spec that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CNN(Part):
    """Document 000, Figure 4: three pairs of 'same' convolutions, dropout *after* the output layer.

    The controls leave out the last ``stages``, give every hidden layer another ``activation``, or average the last maps
    instead of flattening them.
    """

    kind: Literal["cnn"] = "cnn"
    output_dropout: Rate = 0.2
    stages: Annotated[Count, Field(le=3)] = 3
    activation: Literal["relu", "tanh", "linear"] = "relu"
    head: Head = "flatten"


class ResNet(Part):
    """Document 000, Figure 6: the small functional net with two additions; ``skips=False`` drops the additions.

    It averages its last maps; the control flattens them, as the CNN does.
    """

    kind: Literal["resnet"] = "resnet"
    skips: bool = True
    dropout: Rate = 0.5
    head: Head = "average"


class JoinNet(Part):
    """Document 003, Figures 1-3: a deep stack whose every convolution may also be joined to the end.

    The controls pool once more (``stages``), normalize every convolution instead of every pooling, squeeze what is
    flattened to ``kernels`` channels by a 1x1 convolution (``bottleneck``), or widen the first dense layer.
    """

    kind: Literal["join_net"] = "join_net"
    stages: Annotated[Count, Field(le=4)] = 3
    depth: Count = 12
    kernels: Count = 16
    join: Literal["none", "concatenate", "sum"] = "none"
    normalization: Literal["poolings", "convolutions"] = "poolings"
    bottleneck: bool = False
    dense_units: Count = 2048

    @field_validator("depth")
    @classmethod
    def _equal_stages(cls, depth: int, others: ValidationInfo) -> int:
        stages = others.data.get("stages", 1)
        if depth % stages:
            raise ValueError(f"must be a multiple of {stages}, since a pooling follows each of {stages} equal stages")
        return depth


class DeepNet(Part):
    """Document 004: CIFAR-style nets of three stages; ``kind`` says which block, and whether it has a shortcut."""

    kind: Literal["plain_net", "residual_net", "resnext"]
    depth: Annotated[Whole, Field(ge=8)] = 164
    batch_norm: bool = True
    branch_scale: Positive = 1.0
    width: Count = 16

    @field_validator("depth")
    @classmethod
    def _three_equal_stages(cls, depth: int, others: ValidationInfo) -> int:
        kind = others.data.get("kind")
        layers = 9 if kind == "resnext" else 6
        if depth % layers != 2:
            raise ValueError(f"a {kind} has {layers}n+2 layers ({layers + 2}, {2 * layers + 2}, ..., 164)")
        return depth

    @field_validator("width")
    @classmethod
    def _groups_divide_it(cls, width: int, others: ValidationInfo) -> int:
        if others.data.get("kind") == "resnext" and width % 2:
            raise ValueError("must be even, since four groups share twice as many channels")
        return width

    @field_validator("branch_scale")
    @classmethod
    def _plain_has_no_branch(cls, scale: float, others: ValidationInfo) -> float:
        if others.data.get("kind") == "plain_net" and scale != 1.0:
            raise ValueError("needs a shortcut beside the branch: a plain_net has none, and takes 1.0")
        return scale


Architecture = Annotated[CNN | ResNet | JoinNet | DeepNet, Field(discriminator="kind")]


class RMSprop(Part):
    """Keras' RMSprop; the defaults are Keras'."""

    kind: Literal["rmsprop"] = "rmsprop"
    learning_rate: Positive = 1e-3
    rho: Rate = 0.9
    momentum: Rate = 0.0
    epsilon: NotNegative = 1e-7


class Adam(Part):
    """Keras' Adam; the defaults are Keras'."""

    kind: Literal["adam"] = "adam"
    learning_rate: Positive = 1e-3
    beta_1: Rate = 0.9
    beta_2: Rate = 0.999
    epsilon: NotNegative = 1e-7


class SGD(Part):
    """Keras' stochastic gradient descent; the defaults are Keras'."""

    kind: Literal["sgd"] = "sgd"
    learning_rate: Positive = 1e-2
    momentum: Rate = 0.0
    nesterov: bool = False


Optimizer = Annotated[RMSprop | Adam | SGD, Field(discriminator="kind")]


class StepDecay(Part):
    """Multiply the learning rate by ``factor`` when each of ``milestones`` (completed epochs) is reached."""

    milestones: tuple[Count, ...]
    factor: Annotated[Positive, Field(lt=1)] = 0.1

    @field_validator("milestones")
    @classmethod
    def _rising(cls, milestones: tuple[int, ...]) -> tuple[int, ...]:
        if not milestones:
            raise ValueError("expected at least one; without any, leave the schedule out")
        if list(milestones) != sorted(set(milestones)):
            raise ValueError("must rise strictly")
        return milestones

    def within(self, epochs: int) -> "StepDecay | None":
        """Return what a run of so many epochs sees of this schedule, None where that is nothing."""
        reached = tuple(milestone for milestone in self.milestones if milestone < epochs)
        return self.model_copy(update={"milestones": reached}) if reached else None

    def rate_factor(self, epoch: int) -> float:
        """Return what to multiply the learning rate by in ``epoch`` (the first is 0)."""
        return float(self.factor ** sum(epoch >= milestone for milestone in self.milestones))


class RunSpec(Part):
    """One training run, complete: the same spec on the same machine gives the same history.

    Images are taken in the set's own order: ``train_images`` of them from ``train_offset``, and the first
    ``test_images``. ``validation`` is ``"test"`` (the documents' reading) or the share of the training images,
    taken from their end as Keras does, to hold out and evaluate beside the test images. ``weight_decay`` is the
    coefficient of the classical penalty ``wd/2 |w|^2`` on kernels. ``shift_flip`` is He et al.'s augmentation: pad by
    4, crop at random, flip left-right. Evaluation does not touch the training, but decides what is recorded.
    """

    architecture: Architecture
    image_set: Annotated[str, Field(pattern=IMAGE_SET_NAME)]
    train_images: Count
    test_images: Count
    train_offset: Annotated[Whole, Field(ge=0)] = 0
    optimizer: Optimizer
    schedule: StepDecay | None = None
    weight_decay: NotNegative = 0.0
    augmentation: Literal["none", "shift_flip"] = "none"
    loss: Loss = "logits"
    labels: Literal["one_hot", "integer"] = "one_hot"
    initializer: Initializer = "glorot_uniform"
    batch_size: Count
    epochs: Count
    seed: Annotated[Whole, Field(ge=0, lt=2**32)] = 0
    validation: Literal["test"] | Annotated[Positive, Field(lt=1)] = "test"
    evaluate_test_every: Count = 1
    evaluate_training_every: Count = 5

    @field_validator("epochs")
    @classmethod
    def _reach_every_milestone(cls, epochs: int, others: ValidationInfo) -> int:
        # A milestone that is never reached would be another identity of the same run.
        schedule = others.data.get("schedule")
        if schedule is not None and epochs <= schedule.milestones[-1]:
            raise ValueError(f"must be more than the schedule's last milestone, {schedule.milestones[-1]}")
        return epochs

    @field_validator("validation")
    @classmethod
    def _leaves_images_on_both_sides(cls, validation: float | str, others: ValidationInfo) -> float | str:
        images = others.data.get("train_images")
        if images is not None and isinstance(validation, float) and not 1 <= round(images * validation) < images:
            raise ValueError(f"must leave at least one of the {images} training images on each side")
        return validation

    @property
    def digest(self) -> str:
        """Identity of the run: SHA-256 of its canonical JSON, 64 hex digits, the same in every process."""
        return hashlib.sha256(canonical_json(_identity(self)).encode()).hexdigest()

    @property
    def run_id(self) -> str:
        """Short readable name of the run, unique by its digest; the record's file name."""
        return f"{self.architecture.kind}-seed{self.seed}-{self.digest[:12]}"

    @property
    def held_out(self) -> int:
        """Number of training images held out for validation."""
        return 0 if self.validation == "test" else round(self.train_images * self.validation)

    @property
    def fitted_images(self) -> int:
        """Number of training images that steps are taken on."""
        return self.train_images - self.held_out

    @property
    def steps(self) -> int:
        """Number of training steps of the whole run."""
        return self.epochs * math.ceil(self.fitted_images / self.batch_size)

    def learning_rate(self, epoch: int) -> float:
        """Return the learning rate in ``epoch`` (the first is 0)."""
        return self.optimizer.learning_rate * (self.schedule.rate_factor(epoch) if self.schedule else 1.0)

    def with_seed(self, seed: int) -> "RunSpec":
        """Return the same run under another seed.

        Raises:
            BadInputError: The seed is out of range.
        """
        return parse_spec(self.model_dump() | {"seed": seed})

    def shortened(self, epochs: int) -> "RunSpec":
        """Return the run that takes this one's steps and ends after ``epochs`` epochs.

        Raises:
            BadInputError: ``epochs`` is out of range.
        """
        schedule = self.schedule and self.schedule.within(epochs)
        return parse_spec(self.model_dump() | {"epochs": epochs, "schedule": schedule})


def _identity(part: BaseModel) -> dict[str, Any]:
    """Return ``part`` as JSON data without the fields at their default.

    So a field added later, with a default that means what was done before, leaves the identity of every recorded
    run as it was.
    """
    data = part.model_dump(mode="json")
    kept = {}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if name == "kind" or value != field.default:
            kept[name] = _identity(value) if isinstance(value, BaseModel) else data[name]
    return kept


def canonical_json(data: Any) -> str:
    """JSON with sorted keys and no spaces: equal data give equal text."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def explain(error: ValidationError, whole: str) -> str:
    """One line a problem: the field, the value and what is allowed; ``whole`` names what the fields belong to."""
    lines = []
    for problem in error.errors():
        # Pydantic counts the branch of a union that it tried as a step.
        path = [str(step) for step in problem["loc"] if not str(step).startswith(("literal[", "function-after["))]
        message, received = problem["msg"].removeprefix("Value error, "), problem["input"]
        if problem["type"] == "extra_forbidden":
            known = _FIELDS_OF.get(path[-2] if len(path) > 1 else whole, [])
            message = f"unknown field, expected one of {', '.join(known)}" if known else "unknown field"
        elif problem["type"] == "union_tag_invalid":
            path, received = [*path, "kind"], problem["ctx"]["tag"]
            message = f"expected one of {problem['ctx']['expected_tags']}"
        # What lacks a field, or is refused as a whole, would fill the screen.
        shown = f" (received {received!r})" if path and problem["type"] != "missing" else ""
        lines.append(f"{'.'.join(path) or whole}: {message}{shown}")
    return "\n".join(lines)


#: The fields of every part by the name under which an error's path shows it.
_FIELDS_OF: dict[str, list[str]] = {
    "spec": list(RunSpec.model_fields),
    "schedule": list(StepDecay.model_fields),
} | {
    kind: [name for name in part.model_fields if name != "kind"]
    for part in (CNN, ResNet, JoinNet, DeepNet, RMSprop, Adam, SGD)
    for kind in get_args(part.model_fields["kind"].annotation)
}


def parse_architecture(kind: str, arguments: dict[str, Any]) -> CNN | ResNet | JoinNet | DeepNet:
    """Validate an architecture given by name and arguments.

    Raises:
        BadInputError: An unknown kind or argument, or a value out of range; the message names all of them. Or a kind
            among the arguments.
    """
    if "kind" in arguments:
        raise BadInputError(f"kind {arguments['kind']!r}: the architecture is {kind!r} already, and takes no kind")
    try:
        return TypeAdapter(Architecture).validate_python(arguments | {"kind": kind})
    except ValidationError as error:
        raise BadInputError(explain(error, "architecture")) from error


def parse_spec(data: dict[str, Any]) -> RunSpec:
    """Validate a spec given as plain data.

    Raises:
        BadInputError: A field is missing, unknown or out of range; the message names every such field.
    """
    try:
        return RunSpec.model_validate(data)
    except ValidationError as error:
        raise BadInputError(explain(error, "spec")) from error


def read_spec(path: Path) -> RunSpec:
    """Read a spec from a JSON file.

    Raises:
        BadInputError: The file is missing, is not JSON, or does not hold a valid spec.
    """
    try:
        data = json.loads(path.read_text())
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise BadInputError(f"{path} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadInputError(f"{path}: expected a JSON object with the fields of a spec")
    return parse_spec(data)
