"""What this process touches while it reads a file: the files it writes, the connections and processes it starts."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS = frozenset(
    {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate"}
)
_NEVER = frozenset(
    {"socket.connect", "socket.getaddrinfo", "socket.sendto", "os.kill"}
    | {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"}
)


class _Watch:
    """The audit hook of a process; there is no taking it off, so it rests between files."""

    def __init__(self) -> None:
        self.active = False
        self.touched: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITES and _is_outside(path):
                self.touched.append(f"open {path!r} to write")
        elif event in _NEVER:
            self.touched.append(event)
        elif event in _PATHS and _is_outside(arguments[0]) and not _makes_what_is_there(event, arguments[0]):
            self.touched.append(f"{event} {arguments[0]!r}")


def _makes_what_is_there(event: str, path: str | bytes) -> bool:
    return event == "os.mkdir" and Path(os.fsdecode(path)).is_dir()


def _is_outside(path: object) -> bool:
    """Whether a path is that of a file outside the temporary folder; relative ones come with a folder's descriptor."""
    if not isinstance(path, str | bytes):
        return False
    name = os.fsdecode(path)
    return name.startswith("/") and name != os.devnull and not name.startswith(tempfile.gettempdir())


@cache
def _watch() -> _Watch:
    sys.dont_write_bytecode = True
    watch = _Watch()
    sys.addaudithook(watch)
    return watch


@contextmanager
def watching() -> Iterator[list[str]]:
    """What is touched meanwhile, in words."""
    watch = _watch()
    watch.touched = []
    watch.active = True
    try:
        yield watch.touched
    finally:
        watch.active = False


def forget_peak() -> float:
    """Let `peak_mib` begin anew, where the system can, and say what it is now: what the process holds anyway."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")
    return peak_mib()


def peak_mib() -> float:
    """The most memory that this process held since `forget_peak`, MiB; 0 where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0
