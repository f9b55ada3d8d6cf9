"""An HTTP/1.1 client for one server, with connections that are kept: httptools parses, asyncio carries.

A gateway spends most of its time in its HTTP client. On one core against an instant server, aiohttp takes 65 µs of CPU
a call, a Rust client 25, httpx and the official client a millisecond and more, this 10. It does what the server of a
chat API needs and no more: sized and chunked bodies, TLS, time limits; no redirects, cookies, compression or HTTP/2.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from autopicker_lab.http_client.connection import Connection, ConnectionBrokenError, StaleConnectionError, Timers

if TYPE_CHECKING:
    from collections.abc import Mapping

KEEP_S = 60.0
_MAX_BODY = 2**26


class HttpResponse:
    """The answer to a request: `status` and `headers`, then the body, once.

    Close it in any case: a connection whose answer was not read to the end is broken off, which tells the server.
    """

    def __init__(self, client: HttpClient, connection: Connection, idle_s: float, deadline: float):
        self._client = client
        self._connection = connection
        self._closed = False
        self._idle_s = idle_s
        self._deadline = deadline
        self.status = connection.status

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the answer, by name in lower case; of equal ones, the last."""
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._connection.headers}

    async def next(self) -> bytes:
        """The bytes that arrived since the last call, or the next to arrive; b"" at the end.

        Raises:
            TimeoutError: nothing came for `idle_s`, or the whole took more than `total_s`.
            ConnectionBrokenError: the body was cut.
        """
        remaining_s = self._deadline - time.monotonic()
        if remaining_s <= 0:
            raise TimeoutError
        return await self._connection.block(min(self._idle_s, remaining_s))

    async def read(self) -> bytes:
        """The rest of the body; ConnectionBrokenError where it is over 64 MiB."""
        blocks = []
        size = 0
        while block := await self.next():
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
        own = {name.lower(): (name, value) for name, value in (headers or {}).items()}
        defaults = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "autopicker-lab"}
        lines = {name.lower(): (name, value) for name, value in defaults.items()} | own
        self._header_lines = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in lines.values())
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
        first_s: float = 120.0,
        idle_s: float = 120.0,
        total_s: float = 3600.0,
    ) -> HttpResponse:
        """Send a request and wait for the head of its answer; `path` is appended to the URL's own.

        Args:
            first_s, idle_s, total_s: seconds until the answer begins, between its pieces, and until its end.

        Raises:
            TimeoutError: no answer began within `first_s`.
            ConnectionBrokenError: the connection broke; another OSError: none could be made.
        """
        start = self._request_starts.get((method, path)) or self._request_start(method, path)
        head = b"%sContent-Length: %d\r\n\r\n" % (start, len(body))
        deadline = time.monotonic() + total_s
        while True:
            connection = self._take_idle() or await self._connect()
            try:
                connection.send(head, body)
                await connection.head(min(first_s, total_s))
            except StaleConnectionError:
                continue  # only ever a kept connection: the next is another, or a new one
            except BaseException:
                self.release(connection)
                raise
            return HttpResponse(self, connection, idle_s, deadline)

    def _request_start(self, method: str, path: str) -> bytes:
        """The first lines of all requests with a method and path, which are made once."""
        kind = "Content-Type: application/json\r\n" if method == "POST" and not self._has_content_type else ""
        line = f"{method} {self._path}{path} HTTP/1.1\r\n{self._header_lines}{kind}"
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

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._connect_s):
            _, connection = await loop.create_connection(
                lambda: Connection(loop, self._open, self._timers),
                self._host,
                self._port,
                ssl=self._tls,
                server_hostname=self._host if self._tls else None,
            )
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
