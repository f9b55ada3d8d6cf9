"""Cancels the work for clients that leave while they wait for an answer, and keeps other connections alive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import Receive

WATCH_DELAY_S = 0.05  # most answers are there by then, and cost no second task
KEEPALIVE_S = 10.0
Keepalive = Callable[[], Awaitable[bool]]


class DisconnectMonitor:
    """Watches the waiting clients of one event loop, each from 0.05 seconds after its work began."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: dict[DisconnectWatch, float] = {}  # when each was added, time.monotonic()
        self._scheduled = False

    def watch(self, receive: Receive, keepalive: Keepalive | None = None) -> DisconnectWatch:
        """A context manager: what runs inside is cancelled when the client leaves, and ClientDisconnect comes out.

        Args:
            keepalive: called every ten seconds, to tell the client that its answer is still to come; False where it
                takes nothing any more, which counts as having left.
        """
        if self._loop is None:  # kept: before Python 3.12 each get_running_loop() is a system call
            self._loop = asyncio.get_running_loop()
        return DisconnectWatch(self, self._loop, receive, keepalive)

    def add(self, watch: DisconnectWatch, loop: asyncio.AbstractEventLoop) -> None:
        """Start a watch after WATCH_DELAY_S, unless it was removed by then."""
        self._starting[watch] = time.monotonic()
        if not self._scheduled:
            self._scheduled = True
            loop.call_later(WATCH_DELAY_S, self._start_due, loop)

    def remove(self, watch: DisconnectWatch) -> None:
        """Do not start a watch any more: its work has ended."""
        self._starting.pop(watch, None)

    def _start_due(self, loop: asyncio.AbstractEventLoop) -> None:
        latest = time.monotonic() - WATCH_DELAY_S / 2
        for watch in [watch for watch, added_at in self._starting.items() if added_at <= latest]:
            del self._starting[watch]
            watch.start()
        self._scheduled = bool(self._starting)
        if self._scheduled:
            loop.call_later(WATCH_DELAY_S, self._start_due, loop)


class DisconnectWatch:
    """The watch over one client while its answer is made; DisconnectMonitor.watch makes it."""

    def __init__(
        self,
        monitor: DisconnectMonitor,
        loop: asyncio.AbstractEventLoop,
        receive: Receive,
        keepalive: Keepalive | None,
    ):
        self._monitor = monitor
        self._loop = loop
        self._receive = receive
        self._keepalive = keepalive
        self._disconnected = False
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._task = task
        self._monitor.add(self, self._loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._monitor.remove(self)
        if self._watcher is not None:
            self._watcher.cancel()
        if self._disconnected:
            self._task.uncancel()
            if kind is asyncio.CancelledError:
                raise ClientDisconnect from None

    def start(self) -> None:
        """Begin to listen for the client's leaving, in a task of its own."""
        self._watcher = self._loop.create_task(self._listen())

    async def _listen(self) -> None:
        while True:
            try:
                async with asyncio.timeout(KEEPALIVE_S):
                    message = await self._receive()
            except TimeoutError:
                if self._keepalive is None or await self._keepalive():
                    continue
                message = {"type": "http.disconnect"}
            if message["type"] == "http.disconnect":
                self._disconnected = True
                self._task.cancel()
                return
