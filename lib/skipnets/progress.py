"""What a person sees of a run under way: a bar on a terminal, two lines in a log."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from skipnets.checkpoints import Progress as RunProgress
from skipnets.records import RunRecord
from skipnets.specs import RunSpec


class RunDisplay:
    """Shows runs one after another; usable as the ``report`` of ``skipnets.training.train``."""

    def __init__(self, console: Console):
        self.console = console
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[metrics]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task("", metrics="", start=False, visible=False)

    def __enter__(self) -> "RunDisplay":
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def begin(self, label: str, spec: RunSpec) -> None:
        """Announce a run."""
        self.console.print(
            f"{label}, seed {spec.seed}: {spec.epochs} epochs [{spec.run_id}]", markup=False, highlight=False
        )
        self.bar.reset(self.task, description=label, total=spec.epochs, metrics="", visible=True)

    def __call__(self, progress: RunProgress) -> None:
        """Show where the run is."""
        history = progress.history
        shown = []
        for name, curve in (("train", history.training), ("test", history.test)):
            if curve.epochs:
                shown.append(f"{name} {curve.accuracy[-1]:.3f}/{curve.loss[-1]:.3f}")
        self.bar.update(self.task, completed=progress.epoch, metrics="  ".join(shown))

    def end(self, record: RunRecord) -> None:
        """Report a finished run."""
        final, seconds = record.final, record.environment.seconds
        self.console.print(
            f"  {final.status} in {seconds / 60:.1f} min: training accuracy {final.training_inference.accuracy:.3f} "
            f"(dropout off), test accuracy {final.test.accuracy:.3f}",
            markup=False,
            highlight=False,
        )
