"""The `skipnets` command: networks, training, status, measurements, image sets, chapters.

Exit codes: 0 done, 1 failure, 2 bad input, 130 stopped by Ctrl-C; `train` has saved everything then.
"""

import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Column, Table

from skipnets import datasets
from skipnets.environment import load_keras
from skipnets.errors import BadInputError, RunBusyError, SkipnetsError
from skipnets.experiments import EXPERIMENTS, Cell, Experiment, find_experiment
from skipnets.measurements import FIRST_STEPS, Measurement
from skipnets.parsing import key_values, number_list, seconds
from skipnets.paths import checkpoint_folder, local_results
from skipnets.records import Store
from skipnets.specs import SGD, Adam, RMSprop, RunSpec, parse_architecture, parse_spec, read_spec
from skipnets.workers import run_workers, stop_on_signal, train_in_turn

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", help=__doc__)
data_app = typer.Typer(no_args_is_help=True, help="Fetch and check image sets.")
app.add_typer(data_app, name="data")
measure_app = typer.Typer(no_args_is_help=True, help="Measure once what a page cannot wait for, and keep it.")
app.add_typer(measure_app, name="measure")
# Through a pipe nothing is cut: names in a table stay whole enough to search for.
console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 200)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command; an error of the library becomes one message on stderr and an exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        app(arguments, obj=arguments)
    except SkipnetsError as error:
        for line in str(error).splitlines():
            print(f"skipnets: {line}", file=sys.stderr)
        sys.exit(2 if isinstance(error, BadInputError) else 1)
    raise AssertionError("typer ends the process")


def _table(*headings: str, title: str | None = None) -> Table:
    """Return an empty table whose words are folded, not cut, where a terminal is too narrow."""
    return Table(*(Column(heading, overflow="fold") for heading in headings), title=title, title_justify="left")


@app.command()
def summary(
    architecture: Annotated[str, typer.Argument(help="cnn, resnet, join_net, plain_net, residual_net or resnext")],
    arg: Annotated[list[str] | None, typer.Option(help="An argument of the architecture, name=value")] = None,
    image_shape: Annotated[str, typer.Option(help="Height, width and channels of an image")] = "32,32,3",
    classes: Annotated[int, typer.Option(min=2, help="Number of outputs")] = 10,
) -> None:
    """Print a network's layers: name, kind, output shape, parameters, connections; then the total."""
    chosen = parse_architecture(architecture, key_values(arg or []))
    try:
        height, width, channels = (int(size) for size in image_shape.split(","))
    except ValueError:
        height = width = channels = 0
    if min(height, width, channels) < 1:
        raise BadInputError(f"image shape {image_shape!r}: expected three numbers above 0, as in 32,32,3")
    load_keras()
    from skipnets.architectures import build
    from skipnets.architectures.summary import layer_rows

    model = build(chosen, (height, width, channels), classes)
    table = _table("layer", "kind", "output shape", "parameters", "connected to")
    for row in layer_rows(model):
        table.add_row(row.name, row.kind, str(row.shape), f"{row.parameters:,}", ", ".join(row.inputs))
    console.print(table)
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_variables)
    console.print(f"parameters {model.count_params():,}, trainable {trainable:,}", highlight=False)


@app.command()
def train(
    context: typer.Context,
    spec_file: Annotated[Path | None, typer.Argument(help="A spec as JSON")] = None,
    experiment: Annotated[str | None, typer.Option(help="Train every missing run of this experiment")] = None,
    cells: Annotated[str | None, typer.Option(help="Only these cells of the experiment, comma-separated")] = None,
    architecture: Annotated[str | None, typer.Option(help="Network of a single run")] = None,
    arg: Annotated[list[str] | None, typer.Option(help="An argument of the architecture, name=value")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any other field of a single run's spec, as in optimizer.kind=adam"),
    ] = None,
    image_set: Annotated[str | None, typer.Option(help="Image set, instead of the experiment's own")] = None,
    samples: Annotated[int | None, typer.Option(min=1, help="Number of training images")] = None,
    test_samples: Annotated[int | None, typer.Option(min=1, help="Number of test images")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images a step")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training images")] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds, as in 0-4 or 0,2")] = None,
    budget: Annotated[str | None, typer.Option(help="Stop cleanly within this time, as in 150m or 2h")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time, each on its share of the cores")] = 1,
    checkpoints: Annotated[Path | None, typer.Option(help="Folder of unfinished runs")] = None,
    results: Annotated[
        Path | None,
        typer.Option(help="Folder for the record of a single run, which has its own checkpoints/"),
    ] = None,
    weights: Annotated[
        bool, typer.Option("--weights", help="Keep final weights too; trains again what is recorded without them")
    ] = False,
) -> None:
    """Train one run (a JSON file, or --architecture with --set), or every missing run of an --experiment.

    A run that is already recorded is not trained again, and one that was interrupted goes on where it stopped.
    For example:

        skipnets train --experiment cnn_vs_resnet --cells cnn,resnet --seeds 0-4 --jobs 2 --budget 150m

        skipnets train --architecture cnn --arg output_dropout=0.1 --image-set synthetic --samples 500 --epochs 3
    """
    deadline = float("inf") if budget is None else time.monotonic() + seconds(budget)
    if (spec_file is not None) + (experiment is not None) + (architecture is not None) != 1:
        raise BadInputError("give one of: a spec file, --experiment, --architecture")
    if experiment is None and cells is not None:
        raise BadInputError("--cells needs --experiment")
    if experiment is not None and results is not None:
        raise BadInputError("--results is for a single run: an experiment knows its own folder")
    if architecture is None and (arg or set_):
        raise BadInputError("--arg and --set need --architecture")
    if seeds is not None and "seed" in key_values(set_ or []):
        raise BadInputError("given twice, as --seeds and with --set: seed")
    chosen_seeds = None if seeds is None else number_list("seeds", seeds)
    scale = {
        "image_set": image_set,
        "samples": samples,
        "test_samples": test_samples,
        "batch_size": batch_size,
        "epochs": epochs,
    }
    given: dict[str, Any] = {name: value for name, value in scale.items() if value is not None}
    if experiment is not None:
        grid = find_experiment(experiment, **given, **({} if chosen_seeds is None else {"seeds": chosen_seeds}))
        if cells is not None:
            grid = grid.select(cells.split(","))
        store, runs = grid.store, list(grid.runs())
    else:
        store = Store(results or local_results() / "runs")
        spec = _single_spec(spec_file, architecture, arg, set_, given)
        one = Cell(spec.architecture.kind, spec.architecture.kind, spec, chosen_seeds or (spec.seed,))
        runs = [(one, run) for run in one.specs()]
    # The same run may be under way for other results, which is not to be gone on with here.
    unfinished = checkpoints or (results / "checkpoints" if results else checkpoint_folder())
    if jobs > 1:  # a worker too many would only say that nothing is left for it
        path = store.weights_path if weights else store.path
        jobs = min(jobs, sum(not path(spec).exists() for _, spec in runs))
    with stop_on_signal() as stop:
        if jobs > 1:
            raise typer.Exit(run_workers(jobs, _worker_command(context.obj, deadline), stop))
        raise typer.Exit(train_in_turn(runs, store, unfinished, console, deadline, stop, weights))


def _single_spec(
    spec_file: Path | None,
    architecture: str | None,
    arg: list[str] | None,
    set_: list[str] | None,
    scale: Mapping[str, Any],
) -> RunSpec:
    """Put a spec together from a file or from flags; flags, among them those of ``scale``, win."""
    fields_of_flags = {"samples": "train_images", "test_samples": "test_images"}
    given = {fields_of_flags.get(flag, flag): value for flag, value in scale.items()}
    if spec_file is not None:
        return parse_spec(read_spec(spec_file).model_dump(mode="json") | given)
    assert architecture is not None
    usual = {"image_set": "synthetic", "train_images": 2500, "test_images": 1000, "batch_size": 64, "epochs": 10}
    chosen = parse_architecture(architecture, key_values(arg or []))
    fields = key_values(set_ or [])
    if "architecture" in fields:
        raise BadInputError("--set architecture: use --architecture and --arg")
    if twice := fields.keys() & given.keys():
        raise BadInputError(f"given twice, as a flag and with --set: {', '.join(sorted(twice))}")
    optimizer = fields.get("optimizer", {})
    if isinstance(optimizer, dict):
        fields["optimizer"] = {"kind": "rmsprop"} | optimizer
    return parse_spec(usual | fields | given | {"architecture": chosen})


def _worker_command(arguments: Sequence[str], deadline: float) -> list[str]:
    """Return the command line of one worker: this one's, for a single job and what is left of the budget."""
    command, words = [], iter(arguments)
    for word in words:
        name, sign, _ = word.partition("=")
        if name not in {"--jobs", "--budget"}:
            command.append(word)
        elif not sign:
            next(words)
    left = max(1.0, deadline - time.monotonic())
    return command if math.isinf(left) else [*command, "--budget", f"{left:.0f}s"]


@app.command()
def status(
    experiment: Annotated[str | None, typer.Option(help="Only this experiment")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Machine-readable output")] = False,
    checkpoints: Annotated[Path | None, typer.Option(help="Folder of unfinished runs")] = None,
) -> None:
    """Show every cell of every experiment: how many runs are recorded, diverged, in progress, missing, damaged."""
    from skipnets.status import experiment_status

    names = list(EXPERIMENTS) if experiment is None else [experiment]
    found = {name: experiment_status(find_experiment(name), checkpoints or checkpoint_folder()) for name in names}
    if json_:
        console.print_json(json.dumps({name: [vars(row) for row in rows] for name, rows in found.items()}))
        return
    for name, rows in found.items():
        title = find_experiment(name).title
        states = ("recorded", "diverged", "in progress", "missing", "damaged")
        table = _table("cell", "runs", *states, "test accuracy", title=title)
        for row in rows:
            accuracy = f"{row.test_accuracy:.3f}" if row.test_accuracy is not None else "-"
            seeds = (row.seeds, row.recorded, row.diverged, row.in_progress, row.missing, row.damaged)
            table.add_row(row.cell, *(str(len(of_state)) for of_state in seeds), accuracy)
        console.print(table)


@app.command()
def execute(
    chapter: Annotated[Path, typer.Argument(help="A chapter, .md or .ipynb")],
    output: Annotated[Path, typer.Argument(help="The executed notebook to write, .ipynb")],
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="A parameter of the chapter, name=value")
    ] = None,
) -> None:
    """Execute a chapter with other parameters, training the runs it needs.

    Names and types are checked against the chapter's parameters before anything runs. Example:

        skipnets execute chapters/cnn-vs-resnet.md out.ipynb -p epochs=3 -p image_set=synthetic -p seeds=[0,1]
    """
    from skipnets.execution import execute_chapter

    execute_chapter(chapter, output, key_values(parameter or []))
    console.print(str(output), markup=False, highlight=False)


def _is_missing(measured: Measurement | None, **settings: int) -> bool:
    """Say whether nothing is measured yet; what is measured must have been so with the same ``settings``."""
    if measured is None:
        return True
    for name, asked in settings.items():
        if (kept := getattr(measured, name)) != asked:
            raise BadInputError(
                f"--{name} {asked}: {measured.file_name} was measured with {kept}; delete that file to measure anew"
            )
    return False


def _keep(grid: Experiment, measurement: Measurement) -> None:
    """Write what was measured beside the experiment's records, and say where."""
    console.print(str(grid.measurements.save(measurement)), markup=False, highlight=False, soft_wrap=True)


def _measure(
    grid: Experiment,
    missing: Sequence[tuple[str, Callable[[], Measurement | None], tuple[Any, ...]]],
    check: Callable[..., None],
    measure: Callable[..., Measurement],
) -> None:
    """Call ``check``, then ``measure``, with each of the arguments in ``missing``.

    Before them stand a name and what looks for the measurement: another process may have made it meanwhile. A run that
    another process is training is passed over.
    """
    for _, _, arguments in missing:  # all of them, since the measurements before a bad one may take hours
        check(*arguments)
    for name, find, arguments in missing:
        if find() is None:
            try:
                with console.status(name):
                    _keep(grid, measure(*arguments))
            except RunBusyError as error:
                typer.echo(str(error), err=True)


def _all_measured(grid: Experiment, missing: object) -> bool:
    """Return whether nothing is ``missing``, and say so before a backend is started for it."""
    if not missing:
        # Not to the standard output, which lists the files that were written.
        typer.echo(f"All of it is measured already, in {grid.measurements.folder}.", err=True)
    return not missing


@measure_app.command("states")
def measure_states(
    experiment: Annotated[str, typer.Option(help="Experiment of the runs")] = "cnn_vs_resnet",
    cells: Annotated[str, typer.Option(help="Cells, comma-separated")] = "resnet,resnet_no_skips,cnn",
    seeds: Annotated[str, typer.Option(help="Seeds, as in 0-4 or 0,2")] = "0-2",
    epochs: Annotated[str, typer.Option(help="After how many epochs, as in 0,1,5,25,250")] = "0,1,5,25,250",
    images: Annotated[int, typer.Option(min=1, help="Training images to measure on")] = 256,
    probes: Annotated[int, typer.Option(min=1, help="Random vectors of the spectral density")] = 2,
    steps: Annotated[int, typer.Option(min=1, help="Lanczos steps of each")] = 80,
) -> None:
    """Measure trained nets: spectrum of the Hessian, dead units, rank of the hidden layers.

    What is measured already is not measured again. The last epoch needs weights kept by skipnets train --weights;
    shorter trainings are run anew.
    """
    grid = find_experiment(experiment, seeds=number_list("seeds", seeds)).select(cells.split(","))
    settings = {"images": images, "probes": probes, "steps": steps}
    missing = [
        (f"{cell.label}, seed {spec.seed}, epoch {epoch}", find, (spec, epoch, grid.store, images))
        for epoch in number_list("epochs", epochs)
        for cell, spec in grid.runs()
        if _is_missing((find := partial(grid.measurements.state, spec, epoch))(), **settings)
    ]
    if _all_measured(grid, missing):
        return
    load_keras()
    from skipnets.measurements.states import check_state, measure_state

    _measure(grid, missing, check_state, partial(measure_state, probes=probes, steps=steps))


@measure_app.command("joins")
def measure_joins(
    experiment: Annotated[str, typer.Option(help="Experiment of the runs")] = "concat_vs_sum_pocket",
    cells: Annotated[str, typer.Option(help="Cells, comma-separated")] = "concatenation_12_16,summation_12_16",
    seeds: Annotated[str, typer.Option(help="Seeds, as in 0-4 or 0,2")] = "0-2",
    images: Annotated[int, typer.Option(min=2, help="Test images to measure on")] = 1000,
) -> None:
    """Measure nets of document 003: how alike the joined outputs are, and what a net loses without each.

    What is measured already is not measured again. A run is trained anew, or gone on with where that was interrupted.
    """
    grid = find_experiment(experiment, seeds=number_list("seeds", seeds)).select(cells.split(","))
    missing = [
        (f"{cell.label}, seed {spec.seed}", find, (spec, images))
        for cell, spec in grid.runs()
        if _is_missing((find := partial(grid.measurements.joined_maps, spec))(), images=images)
    ]
    if _all_measured(grid, missing):
        return
    load_keras()
    from skipnets.measurements.joins import check_joined_maps, measure_joined_maps

    _measure(grid, missing, check_joined_maps, measure_joined_maps)


@measure_app.command("first-steps")
def measure_first_steps_of(
    experiment: Annotated[str, typer.Option(help="Experiment of the runs")] = "layers_164",
    cells: Annotated[str | None, typer.Option(help="Only these cells, comma-separated")] = None,
    seeds: Annotated[str, typer.Option(help="Seeds, as in 0-4 or 0,2")] = "0",
    steps: Annotated[int, typer.Option(min=1, help="Steps to take")] = FIRST_STEPS,
    images: Annotated[int, typer.Option(min=2, help="Training images to measure on")] = 64,
) -> None:
    """Take the first training steps: losses, and ranges, gradients and condition numbers of every convolution.

    What is measured already is not measured again. A run that is interrupted begins anew.
    """
    grid = find_experiment(experiment, seeds=number_list("seeds", seeds))
    if cells is not None:
        grid = grid.select(cells.split(","))
    missing = [
        (f"{cell.label}, seed {spec.seed}, {steps} steps", find, (spec, steps, images))
        for cell, spec in grid.runs()
        if _is_missing((find := partial(grid.measurements.first_steps, spec, steps))(), images=images)
    ]
    if _all_measured(grid, missing):
        return
    load_keras()
    from skipnets.measurements.first_steps import check_first_steps, measure_first_steps

    _measure(grid, missing, check_first_steps, measure_first_steps)


@measure_app.command("step-times")
def measure_step_times_of(
    architecture: Annotated[str, typer.Argument(help="Network")] = "resnet",
    experiment: Annotated[str, typer.Option(help="Experiment whose measurement it is")] = "cnn_vs_resnet",
    rounds: Annotated[int, typer.Option(min=2, help="Turns of each optimiser")] = 30,
) -> None:
    """Time a training step under RMSprop, Adam and SGD with momentum, which take turns.

    What is measured already is not measured again.
    """
    network, grid = parse_architecture(architecture, {}), find_experiment(experiment)
    if _all_measured(grid, _is_missing(grid.measurements.step_times(network.kind), rounds=rounds)):
        return
    load_keras()
    from skipnets.measurements.step_times import measure_step_times

    _keep(grid, measure_step_times(network, (RMSprop(), Adam(), SGD(momentum=0.9)), rounds=rounds))


@data_app.command("fetch")
def data_fetch(name: Annotated[str, typer.Argument(help=", ".join(datasets.FETCHABLE))]) -> None:
    """Download an image set, check it, and keep it as NAME.npz in the image folder."""
    console.print(str(datasets.fetch(name)), markup=False, highlight=False)


@data_app.command("verify")
def data_verify(name: Annotated[str, typer.Argument(help="Name of an image set")]) -> None:
    """Load an image set, check its arrays, and print their shapes and fingerprints."""
    images = datasets.load(name)
    table = _table("array", "shape", "fingerprint", title=f"{name}: {images.classes} classes")
    for key, fingerprint in images.fingerprints().items():
        table.add_row(key, str(getattr(images, key).shape), fingerprint)
    console.print(table)


if __name__ == "__main__":
    main()
