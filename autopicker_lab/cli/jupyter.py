"""Starting JupyterLab on the notebooks, or Voila on one of them, with the settings they need."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autopicker_lab import assets
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require

START = "00_start_here.ipynb"
MESSAGE_BYTES = 64 * 2**20
_SETTINGS = {"websocket_max_message_size": MESSAGE_BYTES}
DATA_RATE = 10**9  # bytes a second that a kernel may send; more than 1 MB/s is dropped otherwise
_CONFIG = Path(__file__).parent / "jupyter_config"  # no question whether one would like news; Voila's hook
_TUTORIAL = "tutorial"  # the tag of cells that explain


def start(
    folder: Path | None = None, port: int = 8888, browser: bool = True, voila: str = "", more: Sequence[str] = ()
) -> int:
    """Run JupyterLab, or Voila on one notebook, until it is stopped, and return its exit code.

    From a wheel the notebooks are copied to `folder` (default: ./autopicker-notebooks) once, and never overwritten.

    Args:
        more: options of Jupyter's, or Voila's, own.

    Raises:
        InvalidRequestError: no notebook is called `voila`.
        MissingPackageError: the extra `notebook` is not installed.
    """
    require("voila" if voila else "jupyterlab", "ipykernel")
    home = _home(folder)
    program = application(find(home, voila), port, browser) if voila else command(home, port, browser)
    program += more
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(
        filter(None, (str(_CONFIG), os.environ.get("JUPYTER_CONFIG_PATH")))
    )
    if os.name == "posix":  # become that server, so that a signal to this process ends it
        os.execv(program[0], program)
    return subprocess.run(program, check=False).returncode


def command(home: Path, port: int, browser: bool) -> list[str]:
    """Make the command line that starts JupyterLab."""
    options = [
        f"--ServerApp.root_dir={home}",
        f"--ServerApp.port={port}",
        # messages over 10 MiB fail silently otherwise
        f"--ServerApp.tornado_settings={_SETTINGS}",
        f"--ZMQChannelsWebsocketConnection.iopub_data_rate_limit={DATA_RATE}",
        "--LabApp.default_url=/lab/tree/" + START,
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # as in most containers
    return [sys.executable, "-m", "jupyterlab", *options, *([] if browser else ["--no-browser"])]


def application(notebook: Path, port: int, browser: bool) -> list[str]:
    """Make the command line that serves one notebook without its code."""
    options = [
        f"--port={port}",
        f"--Voila.tornado_settings={_SETTINGS}",
        f"--ZMQChannelsWebsocketConnection.iopub_data_rate_limit={DATA_RATE}",
        "--show-margins",
        "--token",  # whoever may use it reads files of this account, by their path
    ]
    return [sys.executable, "-m", "voila", str(notebook), *options, *([] if browser else ["--no-browser"])]


def without_tutorial(handler: object, notebook: Any, cwd: str) -> Any:
    """Leave out of a notebook the cells that only explain, before Voila runs it: a hook of its own."""
    notebook.cells = [cell for cell in notebook.cells if _TUTORIAL not in cell.metadata.get("tags", ())]
    return notebook


def origins() -> str:
    """List the addresses of this account's Jupyter servers as ALLOWED_ORIGINS takes them; "" where none runs."""
    from jupyter_server.serverapp import list_running_servers

    ports = [server["port"] for server in list_running_servers()]
    return ",".join(f"http://{host}:{port}" for port in ports for host in ("localhost", "127.0.0.1"))


def find(home: Path, name: str) -> Path:
    """Find a notebook by its name, its number, or the beginning of its name; InvalidRequestError lists all."""
    names = sorted(path.stem for path in home.glob("*.ipynb"))
    stem = Path(name).stem
    matches = [known for known in names if known == stem] or [known for known in names if known.startswith(stem)]
    if len(matches) != 1:
        if matches:
            raise InvalidRequestError(f"'{name}' may be any of {', '.join(matches)}", "say more of its name")
        near = difflib.get_close_matches(stem, names, 1, 0.3)
        suggestion = f"did you mean {near[0]}? " if near else ""
        raise InvalidRequestError(f"no notebook is called '{name}'", f"{suggestion}there are {', '.join(names)}")
    return home / f"{matches[0]}.ipynb"


def _home(folder: Path | None) -> Path:
    if folder is None and assets.in_checkout():
        return assets.notebooks()
    target = (folder or Path("autopicker-notebooks")).resolve()
    if target.exists() and not target.is_dir():
        raise InvalidRequestError(f"'{target}' is a file", "name a folder")
    target.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(assets.notebooks().glob("*.ipynb")):
        if not (target / notebook.name).exists():
            shutil.copy2(notebook, target / notebook.name)
    return target
