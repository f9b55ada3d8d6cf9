"""Processes that are measured, each pinned to a core of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def pin(core: int | None, command: list[str]) -> list[str]:
    """Make a command run on one core, where the machine has two and taskset; None: on all."""
    taskset = shutil.which("taskset") if core is not None else None
    return [taskset, "-c", str(core), *command] if taskset and (os.cpu_count() or 1) > 1 else command


def tree(process: psutil.Process) -> list[psutil.Process]:
    """List a process and all its descendants."""
    return [process, *process.children(recursive=True)]


def rss_mb(process: psutil.Process) -> float:
    """Resident memory of a process and its descendants, MiB."""
    return sum(p.memory_info().rss for p in tree(process)) / 2**20


def cpu_s(process: psutil.Process) -> float:
    """CPU time that a process and its descendants have used, seconds; on Linux to far less than a tick."""
    return sum(_cpu_s(p) for p in tree(process))


def _cpu_s(process: psutil.Process) -> float:
    if sys.platform == "linux":
        return time.clock_gettime(~process.pid << 3 | 2)  # as clock_getcpuclockid(3) makes it
    return sum(process.cpu_times()[:2])


def free_port() -> int:
    """Find a port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def start_process(
    command: list[str],
    core: int | None,
    ready: str,
    environment: Mapping[str, str] = MappingProxyType({}),
    log: Path | None = None,
) -> Iterator[tuple[psutil.Process, float]]:
    """Start a program on a core, and end it and its descendants when the context ends.

    Args:
        ready: the URL that answers when the program is ready.
        log: the file that gets what the program prints.

    Returns:
        The process, once it is ready, and the seconds until then.
    """
    started_at = time.monotonic()
    output = log.open("w+b") if log else tempfile.TemporaryFile()  # noqa: SIM115  # closed below, whatever happens between
    variables = {**os.environ, **environment}
    child = subprocess.Popen(pin(core, command), env=variables, stdout=output, stderr=output)
    process = psutil.Process(child.pid)
    try:
        while True:
            try:
                with urllib.request.urlopen(ready, timeout=5) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                if child.poll() is not None or time.monotonic() - started_at > 300:
                    output.seek(0)
                    raise RuntimeError(f"{command[0]} did not start: {output.read()[-2000:].decode()}") from None
                time.sleep(0.02)
        yield process, time.monotonic() - started_at
    finally:
        family = tree(process) if child.poll() is None else []
        child.terminate()
        for member in family[1:]:
            member.terminate()
        _, alive = psutil.wait_procs(family, timeout=10)
        for member in alive:
            member.kill()
        child.wait()
        output.close()
