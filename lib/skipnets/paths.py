"""Where things lie on disk: the book's root, its records, and the ignored folders beside them."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Committed records, one folder an experiment.
RESULTS = ROOT / "data" / "results"


def local_results() -> Path:
    """Folder of a reader's own runs at another scale: ``$SKIPNETS_LOCAL_RESULTS`` or ``data/local``."""
    return Path(os.environ.get("SKIPNETS_LOCAL_RESULTS") or ROOT / "data" / "local")


def image_folder() -> Path:
    """Folder of image sets: ``$SKIPNETS_DATA`` or ``data/cache``."""
    return Path(os.environ.get("SKIPNETS_DATA") or ROOT / "data" / "cache")


def checkpoint_folder() -> Path:
    """Folder of unfinished runs: ``$SKIPNETS_CHECKPOINTS`` or ``data/checkpoints``."""
    return Path(os.environ.get("SKIPNETS_CHECKPOINTS") or ROOT / "data" / "checkpoints")
