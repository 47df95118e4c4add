"""Where a run happened: backend, device, versions, commit."""

import logging
import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from skipnets.errors import BadInputError
from skipnets.paths import ROOT

PACKAGES = ("keras", "tensorflow-cpu", "tensorflow", "jax", "numpy")


def backend() -> str:
    """Name of Keras' backend, known without loading it; an empty ``$KERAS_BACKEND`` counts as none, as with Keras."""
    return os.environ.get("KERAS_BACKEND") or "tensorflow"


def load_keras() -> None:
    """Import Keras and start its backend without TensorFlow's greeting, which no setting of its own silences.

    Its C++ writes to the file behind stderr, so that is what points elsewhere meanwhile; an exception still shows.
    """
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of a trace for each network built
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import keras

        keras.ops.zeros(1)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def require_tensorflow(what: str) -> None:
    """Refuse ``what``, whose derivatives are TensorFlow's, on another backend.

    Raises:
        BadInputError: Keras runs on another backend.
    """
    import keras

    if (found := keras.backend.backend()) != "tensorflow":
        raise BadInputError(f"backend {found!r}: {what} needs KERAS_BACKEND=tensorflow")


def has_accelerator() -> bool:
    """Whether the backend sees a device other than the processor."""
    import keras

    # Asked for "gpu" alone, JAX raises where there is none.
    return not all(name.startswith("cpu") for name in keras.distribution.list_devices())


def device() -> str:
    """The accelerator's name as the backend gives it, or the processor's with its number of cores."""
    if has_accelerator():
        if backend() == "jax":
            import jax

            return str(jax.devices()[0].device_kind)
        return "GPU"
    return f"CPU: {_processor()}, {len(os.sched_getaffinity(0))} cores"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide numbers, as at the first call in this process.

    What is installed later is not what this process computes with.
    """
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def commit() -> str | None:
    """The project's commit, with ``+`` behind it when lib/ differs from it; None outside a git checkout.

    As at the first call in this process: what is checked out later is not what this process runs.
    """
    try:
        head = _git("rev-parse", "HEAD").strip()[:12]
        changed = _git("status", "--porcelain", "--", "lib").strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+" if changed else "")


def _git(*arguments: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True, text=True).stdout
