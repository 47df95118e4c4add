"""Training several runs: one after another in this process, or shared out to several processes."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from skipnets.environment import load_keras
from skipnets.errors import BadInputError, RunBusyError, RunPausedError, SkipnetsError
from skipnets.experiments import Cell
from skipnets.progress import RunDisplay
from skipnets.records import Store
from skipnets.specs import RunSpec

#: Exit code of a command that was asked to stop and saved everything.
STOPPED = 130

_PR_SET_PDEATHSIG = 1  # from Linux' sys/prctl.h


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Turn Ctrl-C or SIGTERM into an event that a run checks after each step; a Ctrl-C after that interrupts.

    A SIGTERM after that does not: a scheduler may send it to every process of a job, and ``run_workers`` passes its own
    on, so that a worker would be interrupted while it saves.
    """
    stop = threading.Event()

    def ask(signum: int, frame: object) -> None:
        if stop.is_set() and signum == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end_with_parent() -> None:
    """Have the kernel send SIGTERM to this process when its parent ends, however it ends (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def train_in_turn(
    runs: Sequence[tuple[Cell, RunSpec]],
    store: Store,
    checkpoints: Path,
    console: Console,
    deadline: float = float("inf"),
    stop: threading.Event | None = None,
    weights: bool = False,
) -> int:
    """Train ``runs`` one after another in this process, telling ``console``; return the command's exit code.

    A run that is recorded, or that another process holds, is passed over, and one that fails, be it by a damaged record
    of its own, does not keep the others from being trained. ``deadline``, ``stop`` and ``weights`` are those of
    ``training.train``, the last by another name.

    Raises:
        BadInputError: A run cannot be trained as it was asked for.
    """
    stop = stop or threading.Event()
    failed, busy, left = 0, 0, len(runs)

    def tell(outcome: str) -> None:
        console.print(f"{outcome}; {busy} busy elsewhere, {failed} failed", markup=False, highlight=False)

    with RunDisplay(console) as display:
        for cell, spec in runs:
            try:
                if store.find(spec, weights) is None:
                    load_keras()  # takes seconds, so not before there is something to train
                    from skipnets.training import train

                    display.begin(cell.label, spec)
                    display.end(train(spec, store, checkpoints, deadline, stop, display, weights))
                left -= 1
            except RunBusyError as error:
                busy += 1
                console.print(f"  {error}", markup=False, highlight=False)
            except RunPausedError as error:
                tell(f"  {error}\n{left} of {len(runs)} runs left")
                return STOPPED if stop.is_set() else int(failed > 0)
            except BadInputError:
                raise
            except SkipnetsError as error:
                failed += 1
                print(f"skipnets: {error}", file=sys.stderr)
    tell(f"{len(runs) - left} of {len(runs)} runs recorded in {store.folder}")
    return int(failed > 0)


def run_workers(jobs: int, command: Sequence[str], stop: threading.Event) -> int:
    """Run ``jobs`` copies of ``skipnets <command>``, each on its share of the cores; return the worst exit code.

    The workers share a list of runs without talking: a run that another one holds is passed over.
    """
    cores = sorted(os.sched_getaffinity(0))
    workers = []
    for number in range(jobs):
        share = cores[number % len(cores) :: jobs]

        def prepare(share: list[int] = share) -> None:
            os.sched_setaffinity(0, share)
            _end_with_parent()

        workers.append(
            subprocess.Popen(
                [sys.executable, "-m", "skipnets.cli", *command],
                preexec_fn=prepare,
                start_new_session=True,
                env=os.environ | {"TTY_COMPATIBLE": "0"},  # bars of several workers would overwrite each other
            )
        )
    asked = False
    while any(worker.poll() is None for worker in workers):
        if stop.is_set() and not asked:
            asked = True
            for worker in workers:
                worker.terminate()
        time.sleep(0.2)
    if asked:
        return STOPPED
    return max(1 if worker.returncode < 0 else worker.returncode for worker in workers)
