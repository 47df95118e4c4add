"""Make the built site load nothing from elsewhere: MathJax from its local copy, and no Thebe."""

from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config


def drop_thebe(app: Sphinx, config: Config) -> None:
    """Disconnect what writes Thebe's scripts, and their address on a CDN, into every page.

    Jupyter Book always loads sphinx-thebe and has no option against it.
    """
    for event in ("env-before-read-docs", "doctree-resolved"):
        for listener in list(app.events.listeners[event]):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.setup_extension("sphinx-mathjax-offline")
    app.connect("config-inited", drop_thebe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
