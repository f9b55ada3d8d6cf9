"""JupyterLab on the notebooks, with the settings they need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from autopicker_lab import assets

START = "00_start_here.ipynb"
MESSAGE_BYTES = 64 * 2**20


def start(folder: Path | None = None, port: int = 8888, browser: bool = True) -> int:
    """Run JupyterLab until it is stopped and return its exit code.

    From a wheel the notebooks are copied to `folder` (default: ./autopicker-notebooks) once, and never overwritten.
    """
    words = command(_home(folder), port, browser)
    if os.name == "posix":  # become JupyterLab, so that a signal to this process ends it
        os.execv(words[0], words)
    return subprocess.run(words, check=False).returncode


def command(home: Path, port: int, browser: bool) -> list[str]:
    """The command line that starts JupyterLab."""
    options = [
        f"--ServerApp.root_dir={home}",
        f"--ServerApp.port={port}",
        # uploads over 10 MiB fail silently otherwise
        f"--ServerApp.tornado_settings={{'websocket_max_message_size': {MESSAGE_BYTES}}}",
        "--LabApp.default_url=/lab/tree/" + START,
        "--LabApp.news_url=None",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # as in most containers
    return [sys.executable, "-m", "jupyterlab", *options, *([] if browser else ["--no-browser"])]


def _home(folder: Path | None) -> Path:
    if folder is None and assets.in_checkout():
        return assets.notebooks()
    target = (folder or Path("autopicker-notebooks")).resolve()
    target.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(assets.notebooks().glob("*.ipynb")):
        if not (target / notebook.name).exists():
            shutil.copy2(notebook, target / notebook.name)
    return target
