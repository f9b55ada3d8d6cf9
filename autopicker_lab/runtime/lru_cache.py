"""What was read or embedded once, kept for the next question; asked by several threads and event loops."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


class LRUCache(Generic[T]):
    """The most recently used things of at most `room` together; one that is heavier than that is not kept."""

    def __init__(self, room: int, weigh: Callable[[T], int] = lambda _: 1):
        from cachetools import LRUCache

        self._held: LRUCache[Hashable, T] = LRUCache(room, getsizeof=weigh)
        self._lock = threading.Lock()
        self._weigh = weigh
        self._room = room

    def get(self, key: Hashable) -> T | None:
        with self._lock:
            found: T | None = self._held.get(key)
            return found

    def put(self, key: Hashable, thing: T) -> None:
        with self._lock:
            if self._weigh(thing) <= self._room:
                self._held[key] = thing
