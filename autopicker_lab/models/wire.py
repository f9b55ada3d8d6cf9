"""HTTP/1.1 requests to one server over connections that are kept: httptools parses, asyncio carries.

A gateway spends most of its time in its HTTP client. On one core against an instant server, aiohttp takes 65 µs of CPU
a call, a Rust client 25, httpx and the official client a millisecond and more, this 10. It does what the server of a
chat API needs and no more: sized and chunked bodies, TLS, time limits; no redirects, cookies, compression or HTTP/2.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import httptools

KEEP_S = 60.0
_LINGER_S = 1.0
_STALE_S = 1.0  # what a server has worked on for longer is not sent to it again unasked
_TICK_S = 0.1
_FULL = 2**18  # bytes waiting to be read from which a server is asked to pause
_LARGEST_HEAD = 2**16
_SIZES = (b"content-length", b"transfer-encoding")
_LARGEST_BODY = 2**26
_SMALL = 2**16  # a body up to this is sent in one write with its head


class WireError(OSError):
    """The connection broke, or what came over it is not HTTP."""


class _StaleError(WireError):
    """A kept connection had been closed by the server meanwhile; nothing was answered on it."""


class Answer:
    """The answer to a request: `status` and `headers`, then the body, once.

    Close it in any case: a connection whose answer was not read to the end is broken off, which tells the server.
    """

    def __init__(self, wire: Wire, connection: _Connection, idle_s: float, deadline: float):
        self._wire = wire
        self._connection = connection
        self._closed = False
        self._idle_s = idle_s
        self._deadline = deadline
        self.status = connection.status

    @property
    def headers(self) -> dict[str, str]:
        """By name in lower case."""
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._connection.headers}

    async def next(self) -> bytes:
        """What arrived since the last call, or the next to arrive; b"" at the end.

        Raises:
            TimeoutError: nothing came for `idle_s`, or the whole took more than `total_s`.
            WireError: the body was cut.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return await self._connection.block(min(self._idle_s, left))

    async def read(self) -> bytes:
        """The whole of the body that is left; WireError where it is too large for an answer."""
        blocks = []
        size = 0
        while block := await self.next():
            blocks.append(block)
            size += len(block)
            if size > _LARGEST_BODY:
                raise WireError("the answer is too large")
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def close(self, whole: bool = False) -> None:
        """`whole`: all that matters was read, so the connection is kept if the rest comes within a second."""
        if self._closed:
            return
        self._closed = True
        if whole and not self._connection.ended():
            self._connection.linger(self._wire._release)
        else:
            self._wire._release(self._connection)


class Wire:
    """Requests to the server of `url`; belongs to the event loop that first uses it.

    Args:
        headers: sent with each request.
        connect_s: seconds that a connection may take to be made.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, connect_s: float = 10.0):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an HTTP address: {url!r}")
        self._host, self._port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._path = parts.path.rstrip("/")
        self._connect_s = connect_s
        lines = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "autopicker-lab", **(headers or {})}
        self._lines = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in lines.items())
        self._starts: dict[tuple[str, str], bytes] = {}
        self._timers = _Timers()
        self._idle: deque[tuple[float, _Connection]] = deque()
        self._open: set[_Connection] = set()

    async def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        first_s: float = 120.0,
        idle_s: float = 120.0,
        total_s: float = 3600.0,
    ) -> Answer:
        """Send a request and wait for the head of its answer; `path` is appended to the URL's own.

        Args:
            first_s, idle_s, total_s: seconds until the answer begins, between its pieces, and until its end.

        Raises:
            TimeoutError: no answer began within `first_s`.
            WireError: the connection broke; another OSError: none could be made.
        """
        start = self._starts.get((method, path)) or self._start(method, path)
        head = b"%sContent-Length: %d\r\n\r\n" % (start, len(body))
        deadline = time.monotonic() + total_s
        while True:
            connection = self._kept() or await self._connected()
            try:
                connection.send(head, body)
                await connection.head(min(first_s, total_s))
            except _StaleError:
                continue  # only ever a kept connection: the next is another, or a new one
            except BaseException:
                self._release(connection)
                raise
            return Answer(self, connection, idle_s, deadline)

    def _start(self, method: str, path: str) -> bytes:
        """What all requests of a kind begin with."""
        kind = "Content-Type: application/json\r\n" if method == "POST" else ""
        line = f"{method} {self._path}{path} HTTP/1.1\r\n{self._lines}{kind}"
        return self._starts.setdefault((method, path), line.encode("latin-1"))

    def close(self) -> None:
        """Break off every connection."""
        for connection in list(self._open):
            connection.abort()
        self._idle.clear()

    def _kept(self) -> _Connection | None:
        oldest = time.monotonic() - KEEP_S
        while self._idle and self._idle[0][0] < oldest:
            self._idle.popleft()[1].abort()
        while self._idle:
            connection = self._idle.pop()[1]
            if not connection.lost:
                return connection
        return None

    async def _connected(self) -> _Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._connect_s):
            _, connection = await loop.create_connection(
                lambda: _Connection(loop, self._open, self._timers),
                self._host,
                self._port,
                ssl=self._tls,
                server_hostname=self._host if self._tls else None,
            )
        return connection

    def _release(self, connection: _Connection) -> None:
        if connection.reusable():
            self._idle.append((time.monotonic(), connection))
        else:
            connection.abort()


class _Connection(asyncio.Protocol):
    """One connection, one request at a time. The names in `on_` are httptools' callbacks."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: set[_Connection], timers: _Timers):
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
        self._after: Callable[[_Connection], None] | None = None
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

    def linger(self, release: Callable[[_Connection], None]) -> None:
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
            self._fail(WireError(f"not an HTTP answer: {error}"))
        if not self._begun and self._heard > _LARGEST_HEAD:
            self._fail(WireError("the head of the answer has no end"))
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
            kind = _StaleError if stale else WireError
            self._failure = kind(str(exc) if exc else "the connection was closed")
        self._wake()

    def _fail(self, error: WireError) -> None:
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


class _Timers:
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


def _one_line(value: str) -> str:
    if "\r" in value or "\n" in value:
        raise ValueError("a header may not hold a line break")
    return value
