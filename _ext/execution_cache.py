"""Keep what an executed chapter gave for as long as what it was computed from stays the same.

jupyter-cache knows a chapter by its code alone: after a change in the library or in a record it would go on showing
the old figure, and Sphinx would not even look at the page again. So the cache lies in a folder that is named by a
digest of both, and, the folder being a setting of the build, a change of it makes Sphinx read every page again.
"""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config


def inputs(root: Path) -> Iterator[Path]:
    """Yield the files that a chapter's output depends on besides its own code, in a fixed order."""
    yield from sorted((root / "lib").rglob("*.py"))
    yield from sorted((root / "data" / "results").rglob("*.json"))
    yield from (path for path in (root / "data" / "claims.yml", root / "requirements.lock") if path.exists())


def digest(root: Path) -> str:
    """Return 16 hex digits that change with the name or the content of any of ``inputs``."""
    total = hashlib.sha256()
    for path in inputs(root):
        total.update(hashlib.sha256(path.relative_to(root).as_posix().encode()).digest())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def choose_cache(app: Sphinx, config: Config) -> None:
    """Point myst-nb to the folder of the present digest and remove those of earlier ones."""
    caches = Path(app.outdir).parent / ".jupyter_cache"
    current = caches / digest(Path(app.srcdir))
    for old in caches.glob("*"):
        if old != current:
            shutil.rmtree(old)
    config.nb_execution_cache_path = str(current)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("config-inited", choose_cache)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
