"""Many small things written together, by a thread of its own, so that adding one costs its caller nothing."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
log = logging.getLogger(__name__)
_MAX_WAITING = 100_000  # items, while writing is slow; more are lost


class BatchWriter(Generic[T]):
    """Collects items, and writes them together every so many seconds.

    Args:
        name: what the items are, in the plural, for the log.
        write: called with all items that wait; those that it fails on are lost, with a warning in the log.
        every_s: seconds between two writes.
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
        """Take an item, to be written later; the first one starts the thread."""
        if len(self._waiting) < _MAX_WAITING:
            self._waiting.append(item)
        if self._thread is None:
            self._thread = threading.Thread(target=self._flush_regularly, name=self._name, daemon=True)
            self._thread.start()

    def flush(self) -> None:
        """Write now what waits."""
        with self._lock:
            items, self._waiting = self._waiting, []
            if not items:
                return
            try:
                self._write(items)
            except Exception as error:  # whatever it is, it must not end the thread
                log.warning("%d %s were not kept: %s", len(items), self._name, error)

    def close(self) -> None:
        """End the thread, and write what waits."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(10)
        self.flush()

    def _flush_regularly(self) -> None:
        while not self._closing.wait(self._every_s):
            self.flush()
