"""One connection of the HTTP client: httptools reads what asyncio brings."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import httptools

if TYPE_CHECKING:
    from collections.abc import Callable

_FULL = 2**18  # bytes waiting to be read from which a server is asked to pause
_LARGEST_HEAD = 2**16
_SMALL = 2**16  # a body up to this is sent in one write with its head
_SIZES = (b"content-length", b"transfer-encoding")
_LINGER_S = 1.0
_STALE_S = 1.0  # what a server has worked on for longer is not sent to it again unasked
_TICK_S = 0.1


class ConnectionBrokenError(OSError):
    """The connection broke in the middle of a request or an answer.

    This one and its subclasses are OSErrors and stand outside the tree of core/errors.py on purpose: this client knows
    neither models nor hints, its callers catch OSError for all that can happen to a connection (refused, reset, timed
    out), and each caller says in its own terms what that means.
    """


class NotHttpError(ConnectionBrokenError):
    """What came over the connection is not HTTP."""


class StaleConnectionError(ConnectionBrokenError):
    """A kept connection had been closed by the server meanwhile; nothing was answered on it.

    An OSError as its base is, and seen by nobody outside the client, which tries again on another connection.
    """


class Connection(asyncio.Protocol):
    """One connection, one request at a time. The names in `on_` are httptools' callbacks."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: set[Connection], timers: Timers):
        self._loop = loop
        self._timers = timers
        self._opened = opened
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._used = 0
        self._sent_at = 0.0
        self.lost = False
        self._reset()

    def _reset(self) -> None:
        self._asked = self._surplus = False
        self._blocks: list[bytes] = []
        self._held = 0
        self._heard = 0
        self._paused = self._begun = self._complete = False
        self._keep = False
        self._failure: BaseException | None = None
        self._after: Callable[[Connection], None] | None = None
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []

    def send(self, head: bytes, body: bytes) -> None:
        self._reset()
        self._used += 1
        self._asked = True
        self._sent_at = time.monotonic()
        assert self._transport is not None
        if len(body) < _SMALL:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    async def head(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._begun:
            if self._failure is not None:
                raise self._failure
            await self._wait(until - time.monotonic())

    async def block(self, seconds: float) -> bytes:
        while not self._blocks:
            if self._complete:
                return b""
            if self._failure is not None:
                raise self._failure
            await self._wait(seconds)
        found = self._blocks[0] if len(self._blocks) == 1 else b"".join(self._blocks)
        self._blocks = []
        self._held = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return found

    def reusable(self) -> bool:
        return self._keep and not self._blocks and not self.lost and self._failure is None

    def ended(self) -> bool:
        return self._complete or self.lost or self._failure is not None

    def linger(self, release: Callable[[Connection], None]) -> None:
        """Wait in the background for the end of an answer that nobody reads on."""
        self._blocks = []
        self._after = release
        self._loop.call_later(_LINGER_S, self._leave)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _leave(self) -> None:
        release, self._after = self._after, None
        if release is not None:
            self._blocks = []
            release(self)

    async def _wait(self, seconds: float) -> None:
        """Until something changes; TimeoutError after so many seconds."""
        self._waiter = waiter = self._loop.create_future()
        self._timers.add(waiter, seconds, self._loop)
        try:
            await waiter
        finally:
            self._timers.discard(waiter)
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no subclass
        self._opened.add(self)

    def data_received(self, data: bytes) -> None:
        if not self._asked or self._complete:  # nothing was asked
            self.abort()
            return
        self._heard += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(NotHttpError(f"not an HTTP answer: {error}"))
        if not self._begun and self._heard > _LARGEST_HEAD:
            self._fail(ConnectionBrokenError("the head of the answer has no end"))
        if self._after is not None and self._complete:
            self._leave()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._opened.discard(self)
        sized = any(name.lower() in _SIZES for name, _ in self.headers)
        if self._begun and not sized and exc is None and self._failure is None:
            self._complete = True  # a body without a length ends with its connection
        elif not self._complete and self._failure is None:
            stale = self._used > 1 and not self._heard and time.monotonic() - self._sent_at < _STALE_S
            kind = StaleConnectionError if stale else ConnectionBrokenError
            self._failure = kind(str(exc) if exc else "the connection was closed")
        self._wake()

    def _fail(self, error: ConnectionBrokenError) -> None:
        self._failure = self._failure or error
        self.abort()

    # httptools' callbacks

    def on_message_begin(self) -> None:
        if self._complete:  # a second answer to one request
            self._surplus, self._keep = True, False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200 and not self._surplus:
            self.status = status
            self._begun = True

    def on_body(self, data: bytes) -> None:
        if self._surplus:
            return
        self._blocks.append(data)
        self._held += len(data)
        if self._held > _FULL and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._surplus:
            return
        if self._begun:
            self._complete, self._keep = True, self._parser.should_keep_alive()
        else:
            self.headers.clear()  # of an interim answer such as 100


class Timers:
    """Ends waiting that takes too long, to a tenth of a second: a timer of its own for each would cost more."""

    def __init__(self) -> None:
        self._until: dict[asyncio.Future[None], float] = {}
        self._set = False

    def add(self, waiter: asyncio.Future[None], seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        self._until[waiter] = time.monotonic() + seconds
        if not self._set:
            self._set = True
            loop.call_later(_TICK_S, self._tick, loop)

    def discard(self, waiter: asyncio.Future[None]) -> None:
        self._until.pop(waiter, None)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        for waiter in [waiter for waiter, until in self._until.items() if until <= now and not waiter.done()]:
            waiter.set_exception(TimeoutError())
        self._set = bool(self._until)
        if self._set:
            loop.call_later(_TICK_S, self._tick, loop)
