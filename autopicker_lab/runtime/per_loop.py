"""HTTP clients belong to the event loop they were made on; one Workbench may be used from several."""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakKeyDictionary, ref

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class PerLoop(Generic[T]):
    """One `T` for each running event loop, made on first use there."""

    def __init__(self, make: Callable[[], T]):
        self._make = make
        self._held: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()
        self._last: tuple[int, ref[asyncio.AbstractEventLoop], T] | None = None

    def get(self) -> T:
        if self._last is not None:  # before Python 3.12, to ask for the running loop is to ask the system
            thread, last, item = self._last
            loop = last()
            if thread == get_ident() and loop is not None and loop.is_running():
                return item
        loop = asyncio.get_running_loop()
        if loop not in self._held:
            self._held[loop] = self._make()
        self._last = (get_ident(), ref(loop), self._held[loop])
        return self._held[loop]

    async def close(self, closing: Callable[[T], Awaitable[object]]) -> None:
        """Close the one of the running loop; the others' loops are gone or close theirs."""
        self._last = None
        item = self._held.pop(asyncio.get_running_loop(), None)
        if item is not None:
            await closing(item)
