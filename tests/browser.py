"""Scripts of the book run as a reader's browser would, where there is one."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="needs node")
needs_browser = pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")


def run_script(program: str) -> Any:
    """Run ``program`` without a page and return the JSON that it prints."""
    return json.loads(subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True).stdout)


def title_of(page: Path) -> Any:
    """Open ``page`` and return the JSON that its scripts leave in its title."""
    profile = f"--user-data-dir={page.parent / 'profile'}"
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", profile, "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    found = re.search(r"<title>(.*?)</title>", shown)
    assert found
    return json.loads(html.unescape(found[1]))
