"""Real servers in threads, on loopback, on ports of their own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from autopicker_lab.service.in_thread import ServiceThread


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def serving(app: object, port: int = 0, **options: int) -> Iterator[str]:
    """Run an ASGI app in a thread and yield its address."""
    with ServiceThread(app, port, **options) as served:
        yield served.url
