"""One connection of the HTTP client: httptools reads what asyncio brings."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import httptools

if TYPE_CHECKING:
    from collections.abc import Callable

_PAUSE_AT = 2**18  # bytes waiting to be read at which a server is asked to pause
_MAX_HEAD = 2**16
_JOIN_BELOW = 2**16  # bytes; a smaller body is sent in one write with its head
_SIZES = (b"content-length", b"transfer-encoding")
_LINGER_S = 1.0
_STALE_S = 1.0  # a request that a server may have worked on for longer is not sent again
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
    """One connection, for one request at a time. The methods in `on_` are httptools' callbacks.

    Args:
        open_connections: the client's; the connection is among them from when it is made until it is lost.

    Attributes:
        lost: it is closed.
        status: of the answer; 0 before its head is there.
        headers: of the answer, as sent.
        coding: how the body of the answer is compressed; "" where it is not.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, open_connections: set[Connection], timers: Timers):
        self._loop = loop
        self._timers = timers
        self._open_connections = open_connections
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._requests = 0
        self._sent_at = 0.0
        self.lost = False
        self._reset()

    def _reset(self) -> None:
        self._request_sent = self._is_surplus = False
        self._blocks: list[bytes] = []
        self._buffered = 0
        self._received = 0
        self._paused = self._head_complete = self._complete = False
        self._keep = False
        self._failure: BaseException | None = None
        self._release: Callable[[Connection], None] | None = None
        self.status = 0
        self.coding = ""
        self.headers: list[tuple[bytes, bytes]] = []

    def send(self, head: bytes, body: bytes) -> None:
        """Send a request."""
        self._reset()
        self._requests += 1
        self._request_sent = True
        self._sent_at = time.monotonic()
        assert self._transport is not None
        if len(body) < _JOIN_BELOW:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    async def head(self, seconds: float) -> None:
        """Wait for `status` and `headers`; TimeoutError after so many seconds."""
        until = time.monotonic() + seconds
        while not self._head_complete:
            if self._failure is not None:
                raise self._failure
            await self._wait(until - time.monotonic())

    async def block(self, seconds: float) -> bytes:
        """Bytes of the body that are here, or the next to come, b"" at its end; TimeoutError after so many seconds."""
        while not self._blocks:
            if self._complete:
                return b""
            if self._failure is not None:
                raise self._failure
            await self._wait(seconds)
        return self._taken()

    def whole(self) -> bytes | None:
        """The rest of a body that is here to its end; None while more may come, and where it is compressed."""
        return self._taken() if self._complete and not self.coding else None

    def _taken(self) -> bytes:
        """What is here, and the server may go on."""
        data = self._blocks[0] if len(self._blocks) == 1 else b"".join(self._blocks)
        self._blocks = []
        self._buffered = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def reusable(self) -> bool:
        """Whether another request may be sent: the answer was read to its end, and the server keeps the connection."""
        return self._keep and not self._blocks and not self.lost and self._failure is None

    def ended(self) -> bool:
        """Whether nothing more of the answer will come."""
        return self._complete or self.lost or self._failure is not None

    def linger(self, release: Callable[[Connection], None]) -> None:
        """Wait for the end of an answer that nobody reads, at most a second, and call `release`."""
        self._blocks = []
        self._release = release
        self._loop.call_later(_LINGER_S, self._end_linger)

    def give_away(self) -> asyncio.Transport:
        """The transport, for another protocol to go on with."""
        assert self._transport is not None
        self._open_connections.discard(self)
        return self._transport

    def abort(self) -> None:
        """Break the connection off."""
        if self._transport is not None:
            self._transport.abort()

    def _end_linger(self) -> None:
        release, self._release = self._release, None
        if release is not None:
            self._blocks = []
            release(self)

    async def _wait(self, seconds: float) -> None:
        """Wait until something changes; TimeoutError after so many seconds."""
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
        """Take the transport of a connection that stands."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no subclass
        self._open_connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came; data that nobody waits for breaks the connection off."""
        if not self._request_sent or self._complete:
            self.abort()
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(NotHttpError(f"not an HTTP answer: {error}"))
        if self._blocks:
            self._buffer(len(data))
        if not self._head_complete and self._received > _MAX_HEAD:
            self._fail(ConnectionBrokenError("the head of the answer has no end"))
        if self._release is not None and self._complete:
            self._end_linger()
        self._wake()

    def _buffer(self, size: int) -> None:
        """Count bytes that wait, and let the server pause where they are too many."""
        self._buffered += size
        if self._buffered > _PAUSE_AT and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer: complete where it has no length, broken otherwise."""
        self.lost = True
        self._open_connections.discard(self)
        sized = any(name.lower() in _SIZES for name, _ in self.headers)
        if self._head_complete and not sized and exc is None and self._failure is None:
            self._complete = True  # a body without a length ends with its connection
        elif not self._complete and self._failure is None:
            stale = self._requests > 1 and not self._received and time.monotonic() - self._sent_at < _STALE_S
            kind = StaleConnectionError if stale else ConnectionBrokenError
            self._failure = kind(str(exc) if exc else "the connection was closed")
        self._wake()

    def _fail(self, error: ConnectionBrokenError) -> None:
        self._failure = self._failure or error
        self.abort()

    # httptools' callbacks

    def on_message_begin(self) -> None:
        """Begin an answer."""
        if self._complete:  # a second answer to one request
            self._is_surplus, self._keep = True, False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one header."""
        self.headers.append((name, value))
        if len(name) == 16 and name.lower() == b"content-encoding":
            coding = value.decode("latin-1").strip().lower()
            self.coding = "" if coding == "identity" else coding

    def on_headers_complete(self) -> None:
        """Take the status; an interim answer (1xx) has no end of the head yet."""
        status = self._parser.get_status_code()
        if status >= 200 and not self._is_surplus:
            self.status = status
            self._head_complete = True

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        if not self._is_surplus:
            self._blocks.append(data)

    def on_message_complete(self) -> None:
        """End an answer; one without status was an interim answer."""
        if self._is_surplus:
            return
        if self._head_complete:
            self._complete, self._keep = True, self._parser.should_keep_alive()
        else:
            self.headers.clear()  # of an interim answer such as 100


class Timers:
    """Time limits of all that waits, exact to a tenth of a second: a timer of the loop for each would cost more."""

    def __init__(self) -> None:
        self._deadlines: dict[asyncio.Future[None], float] = {}
        self._ticking = False

    def add(self, waiter: asyncio.Future[None], seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        """Let `waiter` fail with TimeoutError after so many seconds."""
        self._deadlines[waiter] = time.monotonic() + seconds
        if not self._ticking:
            self._ticking = True
            loop.call_later(_TICK_S, self._tick, loop)

    def discard(self, waiter: asyncio.Future[None]) -> None:
        """Forget a waiter, which has what it waited for."""
        self._deadlines.pop(waiter, None)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        for waiter in [waiter for waiter, until in self._deadlines.items() if until <= now and not waiter.done()]:
            waiter.set_exception(TimeoutError())
        self._ticking = bool(self._deadlines)
        if self._ticking:
            loop.call_later(_TICK_S, self._tick, loop)
