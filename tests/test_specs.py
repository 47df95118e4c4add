"""Specs: what is refused and how it is said, and identities that nobody changes by accident."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from skipnets.errors import BadInputError
from skipnets.experiments import cnn_vs_resnet
from skipnets.specs import RunSpec, StepDecay, canonical_json, parse_architecture, parse_spec, read_spec

Data = dict[str, Any]

#: Identities under which runs are recorded. One that changes here orphans its records.
MAIN_CELLS = {
    "cnn": "1e0bb1c20a4827fe010d28bbf61539316345660ec44f491080f668a086abeae4",
    "resnet": "a91d98f62644b17b2658aecaa09ee400e2298c6bd2d3e0ccf7a3f3e5c46e5789",
    "resnet_no_skips": "7b3fe7632c7d76b30c13f24364f875698c4eb1ba659dacb600f9ea8cc0c6e249",
    "cnn_no_dropout": "5430da48b769bfa06706cc9381fe68353ad7a8d877d17492991591a7c289f7cd",
    "cnn_softmax": "b8870f33854168d712bf77d78e4347defd3a18bf7628552ccd35d64d33169392",
}

MINIMAL: Data = {
    "architecture": {"kind": "cnn"},
    "image_set": "synthetic",
    "train_images": 100,
    "test_images": 50,
    "optimizer": {"kind": "rmsprop"},
    "batch_size": 10,
    "epochs": 2,
}


def part(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Data]:
    return st.fixed_dictionaries({"kind": st.just(kind)}, optional=fields)


rates = st.sampled_from([0, 0.1, 0.5])
positive = st.sampled_from([0.001, 0.01, 1])
architectures = st.one_of(
    part("cnn", output_dropout=rates),
    part("resnet", skips=st.booleans(), dropout=rates),
    part("join_net", depth=st.sampled_from([3, 12, 69]), join=st.sampled_from(["none", "concatenate", "sum"])),
    part("residual_net", depth=st.sampled_from([8, 14, 164]), batch_norm=st.booleans(), branch_scale=positive),
    part("resnext", depth=st.sampled_from([11, 164])),
)
optimizers = st.one_of(
    part("rmsprop", learning_rate=positive, momentum=rates),
    part("adam", learning_rate=positive),
    part("sgd", learning_rate=positive, nesterov=st.booleans()),
)
always = {name: st.just(value) for name, value in MINIMAL.items()}
specs_data = st.fixed_dictionaries(
    always | {"architecture": architectures, "optimizer": optimizers, "epochs": st.just(4)},
    optional={
        "seed": st.integers(0, 2),
        "loss": st.sampled_from(["logits", "probabilities"]),
        "schedule": st.none() | st.builds(lambda milestone: {"milestones": [milestone]}, st.integers(1, 3)),
        "weight_decay": rates,
        "validation": st.sampled_from(["test", 0.2]),
    },
)


def respelt(data: Any, random: Any) -> Any:
    """Return equal data with keys in another order, whole numbers as floats, and zero as -0.0."""
    if isinstance(data, dict):
        keys = list(data)
        random.shuffle(keys)
        return {key: respelt(data[key], random) for key in keys}
    if isinstance(data, bool) or not isinstance(data, int | float):
        return data
    return -0.0 if data == 0 else float(data)


@given(specs_data, st.randoms(use_true_random=False))
def test_spelling_does_not_change_the_identity(data: Data, random: Any) -> None:
    assert parse_spec(respelt(data, random)).digest == parse_spec(data).digest


@given(specs_data, specs_data)
def test_equal_specs_and_no_others_share_an_identity(one: Data, other: Data) -> None:
    first, second = parse_spec(one), parse_spec(other)
    assert (first == second) == (first.digest == second.digest)


@given(specs_data)
def test_a_spec_survives_json(data: Data) -> None:
    spec = parse_spec(data)
    again = parse_spec(json.loads(canonical_json(spec.model_dump(mode="json"))))
    assert again == spec
    assert again.digest == spec.digest


@given(specs_data)
def test_spelling_out_the_defaults_does_not_change_the_identity(data: Data) -> None:
    spec = parse_spec(data)
    assert parse_spec(spec.model_dump()).digest == spec.digest


def test_the_identity_is_the_hash_of_what_differs_from_the_defaults() -> None:
    spec = parse_spec(
        MINIMAL | {"architecture": {"kind": "resnet", "skips": False, "dropout": 0.5}, "seed": 7, "loss": "logits"}
    )
    expected = MINIMAL | {"architecture": {"kind": "resnet", "skips": False}, "seed": 7}
    text = json.dumps(expected, sort_keys=True, separators=(",", ":"))
    assert spec.digest == hashlib.sha256(text.encode()).hexdigest()


def test_identities_of_the_main_cells_are_pinned() -> None:
    main = {cell.name: cell.spec.digest for cell in cnn_vs_resnet().cells if cell.main}
    assert main == MAIN_CELLS


def test_identities_are_the_same_in_another_process() -> None:
    program = (
        "from skipnets.experiments import cnn_vs_resnet\n"
        "print(*(spec.digest for cell in cnn_vs_resnet().cells for spec in cell.specs()))"
    )
    other_hashes = os.environ | {"PYTHONHASHSEED": "12345"}
    printed = subprocess.check_output([sys.executable, "-c", program], env=other_hashes, text=True)
    assert printed.split() == [spec.digest for cell in cnn_vs_resnet().cells for spec in cell.specs()]


def test_the_run_id_names_architecture_seed_and_identity() -> None:
    spec = parse_spec(MINIMAL).with_seed(3)
    assert spec.run_id == f"cnn-seed3-{spec.digest[:12]}"


def test_no_two_runs_of_the_experiment_share_a_name() -> None:
    names = [spec.run_id for _, spec in cnn_vs_resnet().runs()]
    assert len(set(names)) == len(names)


def test_only_the_seed_changes_with_the_seed() -> None:
    spec = parse_spec(MINIMAL)
    assert spec.with_seed(5).model_dump() == spec.model_dump() | {"seed": 5}
    with pytest.raises(BadInputError, match=r"seed.*4294967296"):
        spec.with_seed(2**32)


def test_a_spec_cannot_be_changed() -> None:
    spec = parse_spec(MINIMAL)
    with pytest.raises(ValidationError, match="frozen"):
        spec.epochs = 3


@pytest.mark.parametrize(
    ("changes", "field", "value", "allowed"),
    [
        ({"epochs": 0}, "epochs", "0", "greater than or equal to 1"),
        ({"batch_size": 2.5}, "batch_size", "2.5", "integer"),
        ({"epochs": True}, "epochs", "True", "expected a number"),
        ({"weight_decay": False}, "weight_decay", "False", "expected a number"),
        ({"schedule": {"milestones": [True]}}, "schedule.milestones.0", "True", "expected a number"),
        ({"seed": -1}, "seed", "-1", "greater than or equal to 0"),
        ({"loss": "hinge"}, "loss", "'hinge'", "'logits' or 'probabilities'"),
        ({"weight_decay": float("nan")}, "weight_decay", "nan", "finite"),
        ({"weight_decay": float("inf")}, "weight_decay", "inf", "finite"),
        ({"validation": 1.0}, "validation", "1.0", "less than 1"),
        ({"validation": 2}, "validation", "2", "less than 1"),
        ({"validation": 0.001}, "validation", "0.001", "at least one of the 100 training images"),
        ({"validation": 0.999}, "validation", "0.999", "at least one of the 100 training images"),
        ({"image_set": "../cifar10"}, "image_set", "'../cifar10'", "match pattern"),
        ({"image_set": "x" * 65}, "image_set", repr("x" * 65), "match pattern"),
        ({"schedule": {"milestones": [5, 2]}}, "schedule.milestones", "[5, 2]", "rise strictly"),
        ({"schedule": {"milestones": []}}, "schedule.milestones", "[]", "at least one"),
        ({"schedule": {"milestones": [1, 2]}}, "epochs", "2", "more than the schedule's last milestone, 2"),
        ({"schedule": {"milestones": [2], "gamma": 1}}, "schedule.gamma", "1", "milestones, factor"),
        ({"epoch": 3}, "epoch", "3", "epochs"),
        ({"optimizer": {"kind": "adagrad"}}, "optimizer.kind", "'adagrad'", "'rmsprop', 'adam', 'sgd'"),
        ({"optimizer": {"kind": "sgd", "lr": 0.1}}, "optimizer.sgd.lr", "0.1", "learning_rate, momentum, nesterov"),
        ({"optimizer": {"kind": "sgd", "learning_rate": 0}}, "optimizer.sgd.learning_rate", "0", "greater than 0"),
        ({"architecture": {"kind": "vgg"}}, "architecture.kind", "'vgg'", "'cnn', 'resnet', 'join_net'"),
    ],
)  # fmt: skip
def test_what_is_refused_is_named_with_its_value_and_what_is_allowed(
    changes: Data, field: str, value: str, allowed: str
) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_spec(MINIMAL | changes)
    line = str(caught.value).splitlines()[-1]
    assert line.startswith(field)
    assert allowed in line
    assert line.endswith(f"(received {value})")


def test_one_error_lists_every_problem() -> None:
    with pytest.raises(BadInputError) as caught:
        parse_spec({"architecture": {"kind": "cnn", "output_dropout": 1.5}, "epochs": 0, "colour": "red"})
    fields = {line.split(":")[0] for line in str(caught.value).splitlines()}
    assert {"architecture.cnn.output_dropout", "epochs", "colour", "image_set", "batch_size", "optimizer"} <= fields


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("cnn", {"output_droput": 0.1}, r"cnn\.output_droput: unknown field, expected one of output_dropout"),
        ("lstm", {}, r"kind: expected one of 'cnn', 'resnet'.*received 'lstm'"),
        ("join_net", {"depth": 13}, r"depth: must be a multiple of 3.*received 13"),
        ("plain_net", {"depth": 15}, r"depth: a plain_net has 6n\+2 layers \(8, 14, \.\.\., 164\).*received 15"),
        ("resnext", {"depth": 14}, r"depth: a resnext has 9n\+2 layers \(11, 20, \.\.\., 164\).*received 14"),
        ("resnext", {"width": 3}, r"width: must be even.*received 3"),
        ("join_net", {"kernels": True}, r"kernels: expected a number \(received True\)"),
        ("cnn", {"kind": "resnet"}, r"kind 'resnet': the architecture is 'cnn' already"),
        ("plain_net", {"branch_scale": 0.5}, r"branch_scale: needs a shortcut.*received 0\.5"),
    ],
)
def test_an_architecture_that_cannot_be_built_is_refused(kind: str, arguments: Data, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        parse_architecture(kind, arguments)


@given(st.integers(8, 400))
def test_deep_nets_take_every_depth_of_their_three_stages(depth: int) -> None:
    def accepted(kind: str) -> bool:
        try:
            parse_architecture(kind, {"depth": depth})
        except BadInputError:
            return False
        return True

    blocks = range(1, 100)
    assert accepted("residual_net") == (depth in [3 * 2 * n + 2 for n in blocks])
    assert accepted("resnext") == (depth in [3 * 3 * n + 2 for n in blocks])


@given(st.lists(st.integers(1, 50), min_size=1, max_size=5, unique=True).map(sorted), st.floats(0.1, 0.9))
def test_step_decay_multiplies_once_at_each_milestone(milestones: list[int], factor: float) -> None:
    decay = StepDecay(milestones=tuple(milestones), factor=factor)
    rate = 1.0
    for epoch in range(60):
        if epoch in milestones:
            rate *= factor
        assert decay.rate_factor(epoch) == pytest.approx(rate)


@given(st.integers(1, 9))
def test_a_shortened_run_has_the_same_rates_and_no_milestone_beyond_its_end(epochs: int) -> None:
    spec = parse_spec(MINIMAL | {"epochs": 9, "schedule": {"milestones": [2, 5]}})
    shorter = spec.shortened(epochs)
    assert shorter.epochs == epochs
    rates = [spec.learning_rate(epoch) for epoch in range(epochs)]
    assert [shorter.learning_rate(epoch) for epoch in range(epochs)] == rates
    assert (0 if shorter.schedule is None else len(shorter.schedule.milestones)) == len(set(rates)) - 1
    assert spec.shortened(9) == spec


@given(st.integers(2, 5000), st.floats(0.001, 0.999))
def test_held_out_images_leave_some_on_both_sides(images: int, share: float) -> None:
    data = MINIMAL | {"train_images": images, "validation": share}
    try:
        spec = parse_spec(data)
    except BadInputError:
        assert images * share <= 0.5 or images * (1 - share) <= 0.5
    else:
        assert 1 <= spec.held_out < images
        assert abs(spec.held_out - images * share) <= 0.5


def test_a_spec_file_reads_back(tmp_path: Path, tiny_spec: RunSpec) -> None:
    path = tmp_path / "spec.json"
    path.write_text(tiny_spec.model_dump_json())
    assert read_spec(path) == tiny_spec


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "directory"),
        (lambda path: path.write_text("{"), "is not JSON"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is not JSON"),
        (lambda path: path.write_text("[1]"), "expected a JSON object"),
        (lambda path: path.write_text("{}"), "architecture: Field required"),
    ],
)
def test_a_bad_spec_file_is_bad_input(tmp_path: Path, write: Callable[[Path], object], message: str) -> None:
    path = tmp_path / "spec.json"
    write(path)
    with pytest.raises(BadInputError, match=message):
        read_spec(path)
