"""A cache of the most recently used things, for several threads and event loops at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


class LRUCache(Generic[T]):
    """The most recently used things, as many as weigh at most `room` together.

    Args:
        room: weight that is kept; a thing that is heavier by itself is not kept.
        weigh: weight of a thing; by default each weighs 1.
    """

    def __init__(self, room: int, weigh: Callable[[T], int] = lambda _: 1):
        from cachetools import LRUCache

        self._things: LRUCache[Hashable, T] = LRUCache(room, getsizeof=weigh)
        self._lock = threading.Lock()
        self._weigh = weigh
        self._room = room

    def get(self, key: Hashable) -> T | None:
        """The thing of a key; None where it is not kept, or not any more."""
        with self._lock:
            thing: T | None = self._things.get(key)
        return thing

    def put(self, key: Hashable, thing: T) -> None:
        """Keep a thing; those that were not used for longest give way."""
        with self._lock:
            if self._weigh(thing) <= self._room:
                self._things[key] = thing
