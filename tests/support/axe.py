"""axe-core in a page of the browser: what readers of the screen and of contrast would stumble over."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_PACKAGE = "axe-core@^4.10"
_RUN = """async ([within, without]) => {
    const found = await axe.run({include: [within], exclude: without}, {resultTypes: ['violations']});
    return found.violations.filter(one => ['serious', 'critical'].includes(one.impact)).map(one => [
        one.id, one.nodes.slice(0, 5).map(node => `${node.target.join(' ')}: ${node.html.slice(0, 200)}`)]);
}"""


@cache
def _script() -> str:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
        done = subprocess.run(
            [npm, "install", "--prefix", folder, *quiet, _PACKAGE], capture_output=True, timeout=120, check=False
        )
        if done.returncode:
            pytest.skip("npm does not reach its registry")
        return Path(folder, "node_modules/axe-core/axe.min.js").read_text("utf-8")


def violations(page: Any, within: str = "body", without: tuple[str, ...] = ()) -> list[Any]:
    """The serious and critical violations below an element but for some in it, each with the elements that show it."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(f"() => {{ {_script()} }}")
    found: list[Any] = page.evaluate(_RUN, [within, list(without)])
    return found
