"""One request and its answer on a connection: uvicorn's, but that heads are looked at as a whole and sent with bodies.

uvicorn searches each name and each value by a regular expression: for the fifteen headers of our answers that took a
twentieth of the service's time. What is not an everyday head is left to uvicorn.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from uvicorn._types import ASGISendEvent, HTTPResponseBodyEvent, HTTPResponseStartEvent

_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"  # of a header's name, as ASGI has it
_CONTROLS = bytes({*range(32), 127} - {9})
_WITHOUT_BODY = (204, 304)
_JOIN_BELOW = 2**16  # bytes; a smaller piece is sent in one write with its head


class ResponseCycle(RequestResponseCycle):
    """What the application receives from and sends to.

    A head is held until the turn of the event loop ends, and goes out with the piece of the body that comes until then:
    each write to a socket costs as much as a tenth of an answer.
    """

    _held = b""  # of a head, until it is sent
    loop: asyncio.AbstractEventLoop  # kept: before Python 3.12 each get_running_loop() is a system call

    def send(self, message: ASGISendEvent) -> Awaitable[None]:  # type: ignore[override]  # awaited, as uvicorn's is
        """Send the head of an answer, or a piece of its body."""
        if not self.response_started and message["type"] == "http.response.start":
            return self._send_head(message)
        if self._held and message["type"] == "http.response.body":
            return self._send_first(message)
        return super().send(message)

    async def _send_head(self, message: HTTPResponseStartEvent) -> None:
        head = None if self.flow.write_paused or self.disconnected or self.access_log else self._head(message)
        if head is None:
            await super().send(message)
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        self._held = head
        self.loop.call_soon(self._send_held)

    def _send_held(self) -> None:
        if self._held and not self.disconnected:
            self.transport.write(self._held)
        self._held = b""

    async def _send_first(self, message: HTTPResponseBodyEvent) -> None:
        """Send the head with the first piece of the body, or with the whole."""
        head, body, more = self._held, message.get("body", b""), message.get("more_body", False)
        stopped = self.disconnected or self.flow.write_paused
        everyday = not stopped and self.scope["method"] != "HEAD" and len(body) < _JOIN_BELOW
        if everyday and self.chunked_encoding and more and body:
            self._held = b""
            self.transport.write(b"%b%x\r\n%b\r\n" % (head, len(body), body))
        elif everyday and not self.chunked_encoding and not more and len(body) == self.expected_content_length:
            self._held = b""
            self.transport.write(head + body)
            self.expected_content_length = 0
            self.response_complete = True
            self.message_event.set()
            self.on_response()
        else:
            self._send_held()
            await super().send(message)

    def _head(self, message: HTTPResponseStartEvent) -> bytes | None:
        """An everyday head as it is sent; None for another, and for one that may not be sent."""
        status = message["status"]
        lines = [*self.default_headers, *message.get("headers", ())]
        fields = dict(lines)
        if status in _WITHOUT_BODY or not self.keep_alive or b"connection" in fields or b"transfer-encoding" in fields:
            return None
        head = b"\r\n".join(map(b": ".join, lines))
        controls = len(head) - len(head.translate(None, _CONTROLS))
        if controls != 2 * (len(lines) - 1) or b"".join(fields).translate(None, _TOKEN):
            return None
        length = fields.get(b"content-length")
        if length is not None:
            self.chunked_encoding, self.expected_content_length = False, int(length)
        elif self.scope["method"] != "HEAD":
            self.chunked_encoding = True
            head += b"\r\ntransfer-encoding: chunked"
        return b"%b%b\r\n\r\n" % (STATUS_LINE[status], head)


class CycleProtocol(HttpToolsProtocol):
    """uvicorn's connection, whose requests are answered through a ResponseCycle."""

    def on_headers_complete(self) -> None:
        """Start the application, or let the request wait for the answers to those before it."""
        parser, scope, before = self.parser, self.scope, self.cycle
        version = scope["http_version"] = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        if parser.should_upgrade() and self._should_upgrade():
            return
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        self.cycle = ResponseCycle(
            scope,
            self.transport,
            self.flow,
            self.logger,
            self.access_logger,
            self.access_log,
            self.server_state.default_headers,
            asyncio.Event(),
            self.expect_100_continue,
            version != "1.0" and parser.should_keep_alive(),
            self.on_response_complete,
        )
        self.cycle.loop = self.loop
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
