"""One thing for each event loop: an HTTP client belongs to the loop it was made on, a Workbench may serve several."""

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
        self._items: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()
        self._last: tuple[int, ref[asyncio.AbstractEventLoop], T] | None = None

    def get(self) -> T:
        """The item of the running event loop."""
        if self._last is not None:  # before Python 3.12, get_running_loop makes a system call
            thread, last, item = self._last
            loop = last()
            if thread == get_ident() and loop is not None and loop.is_running():
                return item
        loop = asyncio.get_running_loop()
        if loop not in self._items:
            self._items[loop] = self._make()
        self._last = (get_ident(), ref(loop), self._items[loop])
        return self._items[loop]

    async def close(self, closing: Callable[[T], Awaitable[object]]) -> None:
        """Close the item of the running loop by `closing`; other loops are gone, or close theirs."""
        self._last = None
        item = self._items.pop(asyncio.get_running_loop(), None)
        if item is not None:
            await closing(item)
