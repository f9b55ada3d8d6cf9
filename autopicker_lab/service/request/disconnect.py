"""Whether clients are still there while they wait for an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import Receive

NOTICE_S = 0.05  # most answers are there by then, and cost no second task
KEEPALIVE_S = 10.0
Keepalive = Callable[[], Awaitable[bool]]


class DisconnectMonitor:
    """Who waits in this event loop; begun with the loop's service."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._new: dict[DisconnectWatch, float] = {}
        self._looking = False

    def wait(self, receive: Receive, keepalive: Keepalive | None = None) -> DisconnectWatch:
        """`with` it: what runs inside is cancelled when the client leaves, and ClientDisconnect comes out.

        Args:
            keepalive: called every ten seconds, where the client should hear that its answer is to come; False where
                it takes nothing any more, which counts as having left.
        """
        if self._loop is None:  # asked once: before Python 3.12 to ask for it is to ask the system
            self._loop = asyncio.get_running_loop()
        return DisconnectWatch(self, self._loop, receive, keepalive)

    def enter(self, wait: DisconnectWatch, loop: asyncio.AbstractEventLoop) -> None:
        self._new[wait] = time.monotonic()
        if not self._looking:
            self._looking = True
            loop.call_later(NOTICE_S, self._look, loop)

    def leave(self, wait: DisconnectWatch) -> None:
        self._new.pop(wait, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        late = time.monotonic() - NOTICE_S / 2
        for wait in [wait for wait, since in self._new.items() if since <= late]:
            del self._new[wait]
            wait.watch()
        self._looking = bool(self._new)
        if self._looking:
            loop.call_later(NOTICE_S, self._look, loop)


class DisconnectWatch:
    """One client's waiting."""

    def __init__(
        self,
        disconnects: DisconnectMonitor,
        loop: asyncio.AbstractEventLoop,
        receive: Receive,
        keepalive: Keepalive | None,
    ):
        self._monitor = disconnects
        self._loop = loop
        self._receive = receive
        self._keepalive = keepalive
        self._left = False
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._task = task
        self._monitor.enter(self, self._loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._monitor.leave(self)
        if self._watcher is not None:
            self._watcher.cancel()
        if self._left:
            self._task.uncancel()
            if kind is asyncio.CancelledError:
                raise ClientDisconnect from None

    def watch(self) -> None:
        self._watcher = self._loop.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            try:
                async with asyncio.timeout(KEEPALIVE_S):
                    message = await self._receive()
            except TimeoutError:
                if self._keepalive is None or await self._keepalive():
                    continue
                message = {"type": "http.disconnect"}
            if message["type"] == "http.disconnect":
                self._left = True
                self._task.cancel()
                return
