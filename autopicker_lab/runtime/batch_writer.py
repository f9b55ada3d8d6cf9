"""Writing many small things together, on a thread of its own: adding one costs its caller nothing."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
log = logging.getLogger(__name__)
_MOST = 100_000  # that wait while writing is slow; more are lost


class BatchWriter(Generic[T]):
    """Args:
    name: what is written, in the plural.
    write: given all that waits, every so many seconds; what it cannot write is said in the log, and lost.
    """

    def __init__(self, name: str, write: Callable[[list[T]], None], every_s: float):
        self._name = name
        self._write = write
        self._every_s = every_s
        self._waiting: list[T] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, item: T) -> None:
        if len(self._waiting) < _MOST:
            self._waiting.append(item)
        if self._thread is None:
            self._thread = threading.Thread(target=self._go_on, name=self._name, daemon=True)
            self._thread.start()

    def flush(self) -> None:
        """Write what waits now."""
        with self._lock:
            items, self._waiting = self._waiting, []
            if not items:
                return
            try:
                self._write(items)
            except Exception as error:  # whatever it is, it must not end the writing
                log.warning("%d %s were not kept: %s", len(items), self._name, error)

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join(10)
        self.flush()

    def _go_on(self) -> None:
        while not self._closing.wait(self._every_s):
            self.flush()
