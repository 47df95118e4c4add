"""The experiment's grid: its cells, its seeds, and a wall between the book's records and everyone else's."""

import math
from pathlib import Path
from typing import Any

import pytest

from factory import made_up_record
from skipnets.errors import BadInputError, DamagedFileError
from skipnets.experiments import (
    EXPERIMENTS,
    Cell,
    Experiment,
    cnn_vs_resnet,
    concat_vs_sum,
    find_experiment,
    layers_164,
    very_deep,
)
from skipnets.experiments.document_003 import JOINS
from skipnets.specs import CNN, SGD, Adam, ResNet, RMSprop


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("skipnets.experiments.grid.RESULTS", tmp_path / "committed")
    monkeypatch.setenv("SKIPNETS_LOCAL_RESULTS", str(tmp_path / "local"))


#: What a reader may change, each alone.
CHANGES: list[dict[str, Any]] = [
    {"epochs": 3},
    {"samples": 100},
    {"test_samples": 10},
    {"batch_size": 7},
    {"image_set": "synthetic"},
    {"image_set": "cifar10-jpeg"},
    {"image_set": "cifar10"},
    {"image_set": "mnist"},
]


def test_the_main_cells_are_the_documents_setting_and_its_readings() -> None:
    main = {cell.name: cell for cell in cnn_vs_resnet().cells if cell.main}
    assert {name: cell.spec.architecture for name, cell in main.items()} == {
        "cnn": CNN(output_dropout=0.2),
        "resnet": ResNet(skips=True, dropout=0.5),
        "resnet_no_skips": ResNet(skips=False, dropout=0.5),
        "cnn_no_dropout": CNN(output_dropout=0),
        "cnn_softmax": CNN(output_dropout=0.1),
    }
    for name, cell in main.items():
        spec = cell.spec
        assert (spec.train_images, spec.train_offset, spec.epochs, spec.batch_size) == (2500, 0, 250, 64)
        assert spec.optimizer == RMSprop(learning_rate=0.001)
        assert spec.image_set == "cifar10-head"
        assert spec.loss == ("probabilities" if name == "cnn_softmax" else "logits")
        assert cell.seeds == (0, 1, 2, 3, 4)


def test_every_other_cell_differs_from_a_main_cell_in_what_its_name_says() -> None:
    cells = {cell.name: cell.spec for cell in cnn_vs_resnet().cells}

    def difference(name: str, main: str) -> dict[str, Any]:
        one, other = cells[name].model_dump(), cells[main].model_dump()
        return {key: value for key, value in one.items() if value != other[key]}

    assert difference("resnet_adam", "resnet") == {"optimizer": Adam().model_dump()}
    assert difference("cnn_adam", "cnn_no_dropout") == {"optimizer": Adam().model_dump()}
    assert difference("resnet_epsilon", "resnet") == {"optimizer": RMSprop(epsilon=1e-3).model_dump()}
    assert difference("resnet_dropout_25", "resnet") == {"architecture": ResNet(dropout=0.25).model_dump()}
    assert difference("resnet_other_images", "resnet") == {"train_offset": 1500}
    assert set(difference("resnet_sgd", "resnet")) == {"optimizer"}
    assert set(difference("cnn_dropout_50", "cnn")) == {"architecture", "epochs"}
    assert difference("cnn_tanh", "cnn_no_dropout") == {
        "architecture": CNN(output_dropout=0, activation="tanh").model_dump(),
        "epochs": 100,
    }
    assert set(difference("cnn_two_stages", "cnn_no_dropout")) == {"architecture", "epochs"}
    assert set(difference("resnet_flatten", "resnet")) == {"architecture", "epochs"}
    assert set(difference("cnn_jpeg", "cnn")) == {"image_set", "test_images", "evaluate_test_every"}


def test_names_and_labels_of_cells_are_their_own() -> None:
    cells = cnn_vs_resnet().cells
    assert len({cell.name for cell in cells}) == len({cell.label for cell in cells}) == len(cells)
    assert len({cell.spec.digest for cell in cells}) == len(cells)


def test_a_cell_runs_each_seed_once() -> None:
    cell = cnn_vs_resnet(seeds=[3, 0]).cell("resnet")
    assert [spec.seed for spec in cell.specs()] == [3, 0]
    assert {spec.with_seed(0) for spec in cell.specs()} == {cell.spec}


def test_main_cells_are_trained_first_and_one_seed_of_each_before_the_next() -> None:
    order = [(cell.main, spec.seed, cell.name) for cell, spec in cnn_vs_resnet().runs()]
    main = [(seed, name) for is_main, seed, name in order if is_main]
    names = [cell.name for cell in cnn_vs_resnet().cells if cell.main]
    assert main == [(seed, name) for seed in range(5) for name in names]
    assert [is_main for is_main, _, _ in order] == sorted((is_main for is_main, _, _ in order), reverse=True)


@pytest.mark.parametrize("arguments", [{}, {"seeds": [1]}])
def test_the_books_experiment_reads_committed_records(tmp_path: Path, arguments: dict[str, Any]) -> None:
    experiment = cnn_vs_resnet(**arguments)
    assert experiment.full_scale
    assert experiment.store.folder == tmp_path / "committed" / "cnn_vs_resnet"


def test_spelling_out_the_books_values_is_the_books_experiment() -> None:
    values = {"image_set": "cifar10-head", "epochs": 250, "samples": 2500, "test_samples": 1017, "batch_size": 64}
    assert cnn_vs_resnet(**values) == cnn_vs_resnet()


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_any_other_scale_lands_outside_the_committed_records(tmp_path: Path, change: dict[str, Any]) -> None:
    experiment = cnn_vs_resnet(**change)
    assert not experiment.full_scale
    assert experiment.store.folder == tmp_path / "local" / "cnn_vs_resnet"
    images = {spec.image_set for _, spec in experiment.runs()}
    assert images == {change.get("image_set", "cifar10-head")}


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_no_full_scale_cell_can_load_another_scales_record(change: dict[str, Any]) -> None:
    book, other = cnn_vs_resnet(), cnn_vs_resnet(**change)
    strangers = list(other.runs())
    assert not {spec.digest for _, spec in strangers} & {spec.digest for _, spec in book.runs()}
    for cell, spec in strangers[:3]:
        record = made_up_record(spec)
        book.store.save(record)  # under its own name
        assert all(book.store.load(run) is None for _, run in book.runs())
        theirs = book.cell(cell.name).spec.with_seed(spec.seed)
        book.store.path(theirs).write_text(record.to_json())  # under the book's name
        with pytest.raises(DamagedFileError, match="another run"):
            book.missing()
        book.store.path(theirs).unlink()


@pytest.mark.parametrize("image_set", ["synthetic", "cifar10-jpeg"])
def test_a_rerun_on_other_images_has_one_scale_for_all_cells(image_set: str) -> None:
    experiment = cnn_vs_resnet(image_set=image_set, samples=64, test_samples=32, epochs=1, batch_size=16, seeds=[0])
    for cell, spec in experiment.runs():
        assert (spec.train_images, spec.test_images, spec.epochs, spec.batch_size) == (64, 32, 1, 16)
        assert cell.seeds == (0,)


def test_a_seed_named_twice_is_one_run() -> None:
    assert cnn_vs_resnet(seeds=[2, 0, 2]).cell("cnn").seeds == (2, 0)


def test_records_and_what_is_missing_add_up() -> None:
    experiment = cnn_vs_resnet(image_set="synthetic", epochs=1, samples=8, test_samples=4, seeds=[0, 1])
    assert len(experiment.missing()) == len(list(experiment.runs()))
    specs = list(experiment.cell("resnet").specs())
    for spec in specs:
        experiment.store.save(made_up_record(spec))
    records = experiment.records()
    assert [record.spec for record in records["resnet"]] == specs
    assert all(not found for name, found in records.items() if name != "resnet")
    assert [run for run in experiment.runs() if run[0].name != "resnet"] == experiment.missing()


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("epochs", [1, 2, 3, 7])
def test_every_experiment_can_be_had_with_few_epochs(name: str, epochs: int) -> None:
    allowed = {math.ceil(epochs / 10), math.ceil(epochs / 5), epochs, 2 * epochs}
    assert {cell.spec.epochs for cell in find_experiment(name, epochs=epochs).cells} <= allowed


@pytest.mark.parametrize(
    ("name", "ending", "epochs"),
    [
        *((f"{join}_12_16", *changed) for join in JOINS for changed in (("short", 40), ("long", 400))),
        *((name, "brief", 20) for name in (*(f"{join}_69_3" for join in JOINS), "baseline_69_3_he")),
    ],
)
def test_a_shorter_or_longer_training_differs_in_its_epochs_alone(name: str, ending: str, epochs: int) -> None:
    grid = concat_vs_sum()
    changed, whole = grid.cell(f"{name}_{ending}").spec, grid.cell(name).spec
    assert changed.epochs == epochs
    assert changed.model_dump(exclude={"epochs"}) == whole.model_dump(exclude={"epochs"})


def test_select_keeps_the_order_asked_for_and_the_scale() -> None:
    experiment = cnn_vs_resnet(epochs=3).select(["resnet", "cnn", "resnet"])
    assert [cell.name for cell in experiment.cells] == ["resnet", "cnn"]
    assert not experiment.full_scale


def test_unknown_names_are_bad_input_and_list_what_there_is() -> None:
    with pytest.raises(BadInputError, match=r"no cell 'rnn'; its cells: cnn, resnet, resnet_no_skips"):
        cnn_vs_resnet().select(["cnn", "rnn"])
    with pytest.raises(BadInputError, match="no experiment 'dense_nets'; there are: cnn_vs_resnet"):
        find_experiment("dense_nets")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": 0}, "train_images: .*received 0"),
        ({"test_samples": -1}, "test_images: .*received -1"),
        ({"batch_size": 0}, "batch_size: .*received 0"),
        ({"epochs": 0}, "epochs: .*received 0"),
        ({"image_set": "../x"}, r"image_set: .*received '\.\./x'"),
        ({"seeds": [-1]}, "seed: .*received -1"),
    ],
)
def test_arguments_out_of_range_are_bad_input(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        list(find_experiment("cnn_vs_resnet", **arguments).runs())


def test_an_experiment_is_what_it_was_given(tiny_spec: Any) -> None:
    cell = Cell("one", "One", tiny_spec, (0,))
    assert list(Experiment("name", "Title", (cell,)).runs()) == [(cell, tiny_spec.with_seed(0))]


def test_the_main_cells_of_164_layers_are_the_papers_nets_and_image_sets() -> None:
    main = {cell.name: cell.spec for cell in layers_164().cells if cell.main}
    nets = {"plain_net", "residual_net", "resnext"}
    sets = {"": "cifar10-jpeg", "_mnist": "mnist", "_cifar100": "cifar100"}
    assert set(main) == {net + end for net in (*nets, "plain_net_unnormalized") for end in sets}
    for name, spec in main.items():
        net = spec.architecture
        assert (net.depth, net.width, net.branch_scale) == (164, 16, 1)
        assert net.batch_norm != ("unnormalized" in name)
        assert (spec.batch_size, spec.weight_decay, spec.epochs) == (128, 1e-4, 200)
        assert spec.optimizer == SGD(learning_rate=0.1, momentum=0.9)
        assert spec.learning_rate(199) == pytest.approx(1e-4)
        assert spec.image_set == next(images for end, images in reversed(sets.items()) if name.endswith(end))
        assert spec.augmentation == ("none" if "mnist" in name else "shift_flip")


def test_every_escape_differs_from_a_plain_net_in_what_its_name_says() -> None:
    cells = {cell.name: cell.spec.model_dump() for cell in layers_164().cells}

    def differing(name: str, main: str) -> set[str]:
        return {key for key, value in cells[name].items() if value != cells[main][key]}

    assert differing("plain_net_rate_0.001", "plain_net") == {"optimizer"}
    assert differing("plain_net_unnormalized", "plain_net") == {"architecture"}
    assert differing("plain_net_unnormalized_rate_0.001", "plain_net_unnormalized") == {"optimizer"}
    for start in ("plain_net_looks_linear", "plain_net_delta_orthogonal"):
        assert differing(start, "plain_net_unnormalized_rate_0.001") == {"initializer"}
    assert differing("residual_net_scale_0.1", "residual_net") == {"architecture"}
    assert len({cell.label for cell in layers_164().cells}) == len(cells)


def test_the_sweep_begins_at_a_tenth_of_the_rate_where_he_et_al_had_to_and_shows_what_the_full_rate_does() -> None:
    cells = very_deep().cells
    rates = {cell.name: cell.spec.optimizer.learning_rate for cell in cells}
    assert {depth: rates[f"residual_net_{depth}"] for depth in (8, 56, 110, 164)} == {
        8: 0.1,
        56: 0.1,
        110: 0.01,
        164: 0.01,
    }
    at_full_rate = {cell.name: cell.seeds for cell in cells if cell.name.endswith("_rate_0.1")}
    assert set(at_full_rate) == {
        f"{kind}_{depth}_rate_0.1" for kind in ("plain_net", "residual_net") for depth in (110, 164)
    }
    assert set(at_full_rate.values()) == {(0,)}
    assert {rates[name] for name in at_full_rate} == {0.1}


def test_164_layers_at_another_scale_have_one_image_set() -> None:
    experiment = layers_164(image_set="synthetic", samples=64, epochs=1, seeds=[0])
    assert not experiment.full_scale
    assert {spec.image_set for _, spec in experiment.runs()} == {"synthetic"}
