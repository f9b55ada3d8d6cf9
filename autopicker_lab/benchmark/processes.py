"""Programs that are measured, each held to a core of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator


def pinned(core: int, command: list[str]) -> list[str]:
    """A command held to one core, where there are two and the tool to do it."""
    taskset = shutil.which("taskset")
    return [taskset, "-c", str(core), *command] if taskset and (os.cpu_count() or 1) > 1 else command


def tree(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def rss_mb(process: psutil.Process) -> float:
    return sum(p.memory_info().rss for p in tree(process)) / 2**20


def cpu_s(process: psutil.Process) -> float:
    return sum(sum(p.cpu_times()[:2]) for p in tree(process))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(command: list[str], core: int, ready: str, **environment: str) -> Iterator[tuple[psutil.Process, float]]:
    """A program on a core, as soon as `ready` answers, and the seconds that took; it and its children end with it."""
    begun = time.monotonic()
    log = tempfile.TemporaryFile()  # noqa: SIM115  # closed below, whatever happens between
    known = {**os.environ, **environment}
    child = subprocess.Popen(pinned(core, command), env=known, stdout=log, stderr=log)
    process = psutil.Process(child.pid)
    try:
        while True:
            try:
                with urllib.request.urlopen(ready, timeout=5) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                if child.poll() is not None or time.monotonic() - begun > 300:
                    log.seek(0)
                    raise RuntimeError(f"{command[0]} did not start: {log.read()[-2000:].decode()}") from None
                time.sleep(0.02)
        yield process, time.monotonic() - begun
    finally:
        family = tree(process) if child.poll() is None else []
        child.terminate()
        for member in family[1:]:
            member.terminate()
        _, alive = psutil.wait_procs(family, timeout=10)
        for member in alive:
            member.kill()
        child.wait()
        log.close()
