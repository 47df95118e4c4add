"""Make a warning come back in every build until its cause is gone.

Sphinx warns of a page only when it reads the page, so with -W a second build of an unchanged book would pass.
"""

from pathlib import Path
from typing import Any

from sphinx.application import ENV_PICKLE_FILENAME, Sphinx


def forget(app: Sphinx, exception: Exception | None) -> None:
    """Delete what Sphinx remembers of the pages if there was a warning."""
    if app._warncount:
        Path(app.doctreedir, ENV_PICKLE_FILENAME).unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("build-finished", forget)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
