"""HTTP clients belong to the event loop they were made on; one Workbench may be used from several."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class PerLoop(Generic[T]):
    """One `T` for each running event loop, made on first use there."""

    def __init__(self, make: Callable[[], T]):
        self._make = make
        self._held: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()

    def get(self) -> T:
        loop = asyncio.get_running_loop()
        if loop not in self._held:
            self._held[loop] = self._make()
        return self._held[loop]

    async def close(self, closing: Callable[[T], Awaitable[object]]) -> None:
        """Close the one of the running loop; the others' loops are gone or close theirs."""
        item = self._held.pop(asyncio.get_running_loop(), None)
        if item is not None:
            await closing(item)
