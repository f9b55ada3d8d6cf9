"""Kernels whose sockets nobody else can take, and that leave a process as they found it."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_FOLDER = 80  # bytes of a path: a socket's whole name may have 103 on some systems


@contextmanager
def private_kernels() -> Iterator[dict[str, Any]]:
    """Give what a client of nbclient is configured with, and undo what it does to this process's signals.

    A port that is chosen for a kernel may be taken before the kernel listens there, by one that starts beside it; so
    the sockets are files in a folder of their own, where the system has such. Where a kernel does not start, nbclient
    leaves its handlers of signals behind, and an interrupt is lost from then on.
    """
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
            fits = os.name != "nt" and len(os.fsencode(folder)) < _LONGEST_FOLDER
            sockets = {"transport": "ipc", "connection_file": f"{folder}/kernel.json"}
            yield {"KernelManager": sockets} if fits else {}
    finally:
        for number, handler in handlers.items():
            if handler is not None:  # one that is none of Python's can be neither known nor set
                signal.signal(number, handler)
