"""uvicorn's HTTP connection with bounds on what comes before a request is whole, and on answers that nobody reads.

uvicorn itself bounds neither the headers of a request nor the time that they or the body take. nginx in front bounds
both, but a service on a port of its own has to.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from autopicker_lab.core import AutopickerError, InvalidRequestError, ModelBusyError, RequestHeadersError, new_id
from autopicker_lab.service import connections
from autopicker_lab.service.connections import Connections, Pace, UnreadAnswer
from autopicker_lab.service.lingering import LingeringTransport
from autopicker_lab.service.request import errors
from autopicker_lab.service.response_cycle import CycleProtocol
from autopicker_lab.service.resumed_parsing import ResumedParsing

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

log = logging.getLogger(__name__)
MAX_PIPELINED = 16  # requests that a client may send ahead of their answers
_MAX_PIECES = 10_000  # of a body, from which on they must have some size: each costs as much as a large one
_MIN_PIECE = 32  # bytes, on average
_IDLE, _HEAD, _BODY, _REFUSED = range(4)


class BoundedHttpProtocol(CycleProtocol):
    """One connection; uvicorn's, with bounds."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self._connections = Connections.of(self.app_state)
        self._stage = _IDLE
        self._messages = 0  # that have begun
        self._block = 0  # bytes of the block that is being parsed
        self._unparsed = 0  # bytes since the parser last found something
        self._offers_upgrade = False
        self._pieces = 0  # of the body, and its bytes
        self._body_bytes = 0
        self._why: AutopickerError | None = None  # an exception of the parser's callbacks does not come out itself
        self._deaf = False  # whether what else comes is left unread, since the connection ends with its answers
        self._running: RequestResponseCycle | None = None
        self._phase: tuple[str, int] = ("", 0)
        self._pace = Pace()
        self._unread = UnreadAnswer()

    # What happens to the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, or refuse it."""
        super().connection_made(cast("asyncio.Transport", transport))
        if not self._connections.add(self):
            self._refuse(ModelBusyError("this address has too many connections", "close some", retry_after=1))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell every request of the connection that its client has left."""
        self._connections.discard(self)
        for cycle in (self._running, *(cycle for cycle, _ in self.pipeline)):  # uvicorn tells the latest alone
            _disconnect(cycle)
        self.pipeline.clear()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Note that the client reads."""
        self._unread.restart()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Parse a block; answer in place of the application where it breaks a bound."""
        if self._stage == _REFUSED or self._deaf:
            return
        self._block = len(data)
        self._unparsed += self._block
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            if not self._deaf:
                self._refuse(self._why or InvalidRequestError(f"this is no HTTP request: {error}", "correct it"))
        else:
            if self._unparsed > connections.MAX_HEAD:
                self._refuse(_head_too_large())

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if not self._should_upgrade():
                self._decline_upgrade(data[upgrade.args[0] :])
            elif self._busy:  # its answer would be written into the socket's frames
                self.end()
            else:
                self._connections.discard(self)
                self.handle_websocket_upgrade()

    def _decline_upgrade(self, rest: bytes) -> None:
        """Serve a request as it stands where it offers a protocol that is not spoken here, such as h2c.

        The parser stops behind its head; another takes the body up.
        """
        framing = (b"content-length", b"transfer-encoding")
        lines = [name + b": " + value + b"\r\n" for name, value in self.scope["headers"] if name in framing]
        self.parser = httptools.HttpRequestParser(ResumedParsing(self))
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + b"".join(lines) + b"\r\n")
        self._feed(rest)

    # What the parser finds

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._stage = _HEAD
        self._messages += 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the application, if the head keeps its bounds."""
        size = max(self._unparsed, self._block)  # at least that of the head
        if size > connections.MAX_HEAD or len(self.headers) > connections.MAX_HEADERS:
            self._check_head()
        self._stage = _BODY
        self._unparsed = self._pieces = self._body_bytes = 0
        super().on_headers_complete()
        if self.scope["http_version"] != "1.1":
            self._check_version()
        if len(self.pipeline) > MAX_PIPELINED:
            self._end_pipeline()
        self._offers_upgrade = self.parser.should_upgrade()
        if not self._offers_upgrade:
            self.headers = []  # what follows the body are no headers of the request

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of the body."""
        self._unparsed = 0
        self._pieces += 1
        self._body_bytes += len(body)
        if self._pieces > _MAX_PIECES and self._body_bytes < _MIN_PIECE * self._pieces:
            self._why = InvalidRequestError("the body comes in too many small chunks", "send larger ones")
            raise self._why
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the body."""
        self._unparsed = 0
        if self._offers_upgrade:
            self._offers_upgrade = False
            return  # the body may follow: see _decline_upgrade
        self._stage = _IDLE
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin the next request that was sent ahead; idle ones are ended by `check`, without a timer each."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        if not cycle.keep_alive and self._stage == _BODY:
            cycle.transport = cast("asyncio.Transport", LingeringTransport(self.transport, self._close_after_answer))
        super()._start_asgi_task(cycle, app)

    def _close_after_answer(self) -> None:
        """Close the connection; where the body is still coming, so that the client can read the answer before."""
        if self._stage == _BODY:
            self._stop_hearing()
        else:
            self.transport.close()

    def _check_head(self) -> None:
        """Refuse a head that is too large."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > connections.MAX_HEAD or len(self.headers) > connections.MAX_HEADERS:
            self._why = _head_too_large()
            raise self._why

    def _check_version(self) -> None:
        """Refuse a version that is not spoken here, and one in which chunks could be taken for something else."""
        version = self.scope["http_version"]
        if version != "1.0" or any(name == b"transfer-encoding" for name, _ in self.headers):
            self._why = InvalidRequestError(f"HTTP/{version} is not spoken here so", "send HTTP/1.1")
            raise self._why

    def _end_pipeline(self) -> None:
        """Answer what was sent ahead so far, and close; the client may send the rest again."""
        self.pipeline.popleft()
        cycle = self.pipeline[0][0]
        cycle.keep_alive = False
        self.cycle = cycle
        self._deaf = True
        raise InvalidRequestError("too many requests ahead of their answers")  # ends the parsing

    # What Connections asks

    @property
    def client_host(self) -> str:
        """The address at the other end; "" where the socket has none."""
        return self.client[0] if self.client else ""

    @property
    def waiting(self) -> bool:
        """Whether no whole request is being answered."""
        return (not self._busy or self._lacks_body) and not self.transport.is_closing()

    @property
    def held(self) -> int:
        """Bytes of a body that is not whole yet."""
        return self._body_bytes if self._stage == _BODY and self._busy else 0

    def make_way(self) -> None:
        """Refuse a large body that is not whole yet."""
        detail = "too many large requests are on their way"
        self._refuse(ModelBusyError(detail, "try again soon", retry_after=1))

    def check(self, now: float) -> None:
        """End the connection where its client sends or reads too slowly."""
        buffered = self.transport.get_write_buffer_size()
        done = self.transport.is_closing() or not self._busy
        if self._unread.too_slow(buffered if done or self.flow.write_paused else 0, now):
            self.end()
            return
        name, patience_s = self._awaited()
        if self._phase != (name, self._messages):
            self._phase = (name, self._messages)
            self._pace.restart()
        if not name or not self._pace.too_slow(self._body_bytes if name == "body" else 0, patience_s, now):
            return
        if name in ("head", "body"):
            self._refuse(InvalidRequestError(f"the {name} of the request did not come in time", "send it sooner"))
        else:
            self.end()

    def end(self) -> None:
        """End it at once."""
        self.transport.abort()

    @property
    def _busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _lacks_body(self) -> bool:
        """Whether the one request under way has not come whole."""
        return self._stage == _BODY and self.cycle is self._running and not self.cycle.response_started

    def _awaited(self) -> tuple[str, float]:
        """What is waited for, and for how many seconds; "" where the client is not to blame."""
        if self._stage == _REFUSED:
            return "end", connections.LINGER_S
        if self._stage == _HEAD:
            return "head", connections.HEAD_S
        if self._stage == _IDLE:
            idle_s = connections.KEEP_ALIVE_S if self._messages else connections.HEAD_S
            return ("", 0) if self._busy else ("request", idle_s)
        if not self._busy:
            return "rest", connections.HEAD_S  # of a body that was answered before its end
        return ("", 0) if self.flow.read_paused else ("body", connections.PATIENCE_S)

    def _refuse(self, error: AutopickerError) -> None:
        """Answer in place of the application, and close; what is answered before comes to its end."""
        log.debug("%s: %s", self.client_host, error.loggable)
        if self._busy and self._stage != _BODY:
            self.cycle.keep_alive = False
            self._deaf = True
            return
        if self._busy and not self._lacks_body:
            self.end()
            return
        if self._busy:
            _disconnect(self.cycle)
        self.transport.write(self._answer(error))
        self._stop_hearing()

    def _stop_hearing(self) -> None:
        """Say that nothing more follows, and let the client go on sending for a moment, unread."""
        self._stage = _REFUSED
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _answer(self, error: AutopickerError) -> bytes:
        openai = getattr(self, "url", b"").startswith(b"/v1/")
        content = json.dumps(errors.body(error, openai=openai)).encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
            (b"x-request-id", new_id().encode()),
            (b"connection", b"close"),
        ]
        if error.retry_after is not None:
            headers.append((b"retry-after", b"%d" % error.retry_after))
        lines = b"".join([name + b": " + value + b"\r\n" for name, value in headers])
        return STATUS_LINE[error.status] + lines + b"\r\n" + content


def _disconnect(cycle: RequestResponseCycle | None) -> None:
    """Tell an application that its client has left."""
    if cycle is not None and not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()


def _head_too_large() -> RequestHeadersError:
    detail = f"the request has over {connections.MAX_HEAD:,} bytes or {connections.MAX_HEADERS} lines of headers"
    return RequestHeadersError(detail, "send fewer and shorter ones")
