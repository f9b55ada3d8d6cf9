"""An HTTP/1.1 client for one server, with connections that are kept: httptools parses, asyncio carries.

A gateway spends most of its time in its HTTP client. On one core against an instant server, aiohttp takes 65 µs of CPU
a call, a Rust client 25, httpx and the official client a millisecond and more, this 10. It does what the server of a
chat API needs and no more: sized and chunked bodies, TLS, proxies, time limits; no redirects, cookies or HTTP/2.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from autopicker_lab.core.addresses import public_address
from autopicker_lab.http_client.connection import Connection, ConnectionBrokenError, StaleConnectionError, Timers
from autopicker_lab.http_client.decoding import Decoder
from autopicker_lab.http_client.proxy import Proxy, basic, open_tunnel
from autopicker_lab.runtime.answer_clock import AnswerClock

if TYPE_CHECKING:
    from collections.abc import Mapping

KEEP_S = 60.0
_MAX_BODY = 2**26


class HttpResponse:
    """The answer to a request: `status` and `headers`, then the body, once.

    Close it in any case: a connection whose answer was not read to the end is broken off, which tells the server.
    """

    def __init__(self, client: HttpClient, connection: Connection, clock: AnswerClock, restarts: bool):
        self._client = client
        self._connection = connection
        self._closed = False
        self._clock = clock
        self._restarts = restarts
        self._decoder: Decoder | None = None
        self.status = connection.status

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the answer, by name in lower case; of equal ones, the last."""
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._connection.headers}

    async def next(self) -> bytes:
        """The bytes that arrived since the last call, or the next to arrive; b"" at the end. Unpacked if need be.

        Raises:
            TimeoutError: the clock has run out.
            ConnectionBrokenError: the body was cut, or is compressed in a way that is not known here.
        """
        if self._connection.coding:
            return await self._unpacked()
        block = await self._connection.block(self._clock.remaining_s())
        if self._restarts:
            self._clock.restart()
        return block

    async def _unpacked(self) -> bytes:
        self._decoder = decoder = self._decoder or Decoder(self._connection.coding)
        while True:
            block = b"" if decoder.pending else await self._connection.block(self._clock.remaining_s())
            if not block and not decoder.pending:
                return decoder.end()
            if made := decoder.decode(block):
                if self._restarts:
                    self._clock.restart()
                return made

    async def read(self) -> bytes:
        """The rest of the body; ConnectionBrokenError where it is over 64 MiB. White space leaves the clock running."""
        if (here := self._connection.whole()) is not None:
            return here
        blocks = []
        size = 0
        while block := await self.next():
            if not block.isspace():
                self._clock.restart()
            blocks.append(block)
            size += len(block)
            if size > _MAX_BODY:
                raise ConnectionBrokenError("the answer is too large")
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def close(self, whole: bool = False) -> None:
        """Give the connection back, or break it off where the answer has not ended.

        Args:
            whole: all that matters was read, so that the connection is kept if the rest comes within a second.
        """
        if self._closed:
            return
        self._closed = True
        if whole and not self._connection.ended():
            self._connection.linger(self._client.release)
        else:
            self._client.release(self._connection)


class HttpClient:
    """Requests to the server of `url`; belongs to the event loop that first uses it.

    Args:
        url: its path comes before that of each request, its query behind it; a user and password in it are sent.
        headers: sent with each request.
        connect_s: seconds that a connection may take to be made.
        proxy: the address of an HTTP proxy; "" for none.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, connect_s: float = 10.0, proxy: str = ""):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an HTTP address: {public_address(url)!r}")
        self._host, self._port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._path, self._query = parts.path.rstrip("/"), parts.query
        self._proxy = Proxy.parse(proxy) if proxy else None
        self._origin = f"http://{parts.netloc.rpartition('@')[2]}" if self._proxy and not self._tls else ""
        self._connect_s = connect_s
        own = {name.lower(): (name, value) for name, value in (headers or {}).items()}
        defaults = {
            "Host": parts.netloc.rpartition("@")[2],
            "User-Agent": "autopicker-lab",
            "Accept-Encoding": "identity",
        }
        if parts.username:
            defaults["Authorization"] = basic(parts.username, parts.password)
        lines = {name.lower(): (name, value) for name, value in defaults.items()} | own
        self._header_lines = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in lines.values())
        if self._proxy is not None and not self._tls:
            self._header_lines += self._proxy.header_lines
        self._has_content_type = "content-type" in own
        self._request_starts: dict[tuple[str, str], bytes] = {}
        self._timers = Timers()
        self._idle: deque[tuple[float, Connection]] = deque()
        self._open: set[Connection] = set()

    async def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        clock: AnswerClock | None = None,
        first_s: float = 120.0,
        idle_s: float = 120.0,
        total_s: float = 3600.0,
    ) -> HttpResponse:
        """Send a request and wait for the head of its answer; `path` is appended to the URL's own.

        Args:
            clock: the limits of the answer, where it is the caller who says what is a piece of it.
            first_s, idle_s, total_s: without one, seconds until the answer begins, between its pieces, until its end.

        Raises:
            TimeoutError: no answer began in time.
            ConnectionBrokenError: the connection broke; another OSError: none could be made.
        """
        start = self._request_starts.get((method, path)) or self._request_start(method, path)
        head = b"%sContent-Length: %d\r\n\r\n" % (start, len(body))
        limits = clock or AnswerClock(first_s, idle_s, total_s)
        while True:
            connection = self._take_idle() or await self._connect(limits)
            try:
                connection.send(head, body)
                await connection.head(limits.remaining_s())
            except StaleConnectionError:
                continue  # only ever a kept connection: the next is another, or a new one
            except BaseException:
                self.release(connection)
                raise
            if clock is None:
                limits.restart()
            return HttpResponse(self, connection, limits, clock is None)

    def _request_start(self, method: str, path: str) -> bytes:
        """The first lines of all requests with a method and path, which are made once."""
        kind = "Content-Type: application/json\r\n" if method == "POST" and not self._has_content_type else ""
        target = f"{self._origin}{self._path}{path}"
        if self._query:
            target += f"{'&' if '?' in path else '?'}{self._query}"
        line = f"{method} {target} HTTP/1.1\r\n{self._header_lines}{kind}"
        return self._request_starts.setdefault((method, path), line.encode("latin-1"))

    def close(self) -> None:
        """Break off every connection."""
        for connection in list(self._open):
            connection.abort()
        self._idle.clear()

    def _take_idle(self) -> Connection | None:
        """An idle connection, the last used first; None where there is none that is young enough."""
        oldest = time.monotonic() - KEEP_S
        while self._idle and self._idle[0][0] < oldest:
            self._idle.popleft()[1].abort()
        while self._idle:
            connection = self._idle.pop()[1]
            if not connection.lost:
                return connection
        return None

    async def _connect(self, limits: AnswerClock) -> Connection:
        async with asyncio.timeout(min(self._connect_s, limits.remaining_s())):
            return await self._connected()

    async def _connected(self) -> Connection:
        loop = asyncio.get_running_loop()

        def make() -> Connection:
            return Connection(loop, self._open, self._timers)

        if self._proxy is not None and self._tls is not None:
            return await open_tunnel(self._proxy, self._host, self._port, self._tls, make, self._connect_s)
        host, port = (self._proxy.host, self._proxy.port) if self._proxy is not None else (self._host, self._port)
        name = self._host if self._tls else None
        _, connection = await loop.create_connection(make, host, port, ssl=self._tls, server_hostname=name)
        return connection

    def release(self, connection: Connection) -> None:
        """Take back a connection after its request: keep it where it is reusable, break it off otherwise."""
        if connection.reusable():
            self._idle.append((time.monotonic(), connection))
        else:
            connection.abort()


def _one_line(value: str) -> str:
    if "\r" in value or "\n" in value:
        raise ValueError("a header may not hold a line break")
    return value
