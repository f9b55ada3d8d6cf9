"""A Redis server of the tests' own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.serving import free_port, is_free
from support.upstream import soon


@contextmanager
def redis_server(folder: Path) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """The URL of a server that keeps nothing on disk, and what starts and stops it; it runs already."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        assert soon(lambda: not is_free(port), 20)

    def stop() -> None:
        started[-1].terminate()
        started[-1].wait(20)

    start()
    try:
        yield f"redis://127.0.0.1:{port}/0", start, stop
    finally:
        stop()
