"""uvicorn's WebSocket connection with bounds on time and size, and without addresses in the log: keys stand in them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from autopicker_lab.service import connections
from autopicker_lab.service.connections import Connections, Pace, UnreadAnswer

if TYPE_CHECKING:
    import asyncio

    from websockets.frames import Frame
    from websockets.http11 import Request

_MAX_FRAGMENTS = 16_384  # of one message
_HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
log = logging.getLogger(__name__)
log.setLevel(logging.WARNING)  # below, uvicorn and websockets write the request line with its query


class BoundedSocketProtocol(WebSocketsSansIOProtocol):
    """One socket; uvicorn's, with bounds."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.logger = log
        self.conn.logger = log
        self.conn.debug = False
        self._connections = Connections.of(self.app_state)
        self._received = 0  # bytes of the message that is coming
        self._pace = Pace()
        self._unread = UnreadAnswer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the socket, or end it."""
        super().connection_made(transport)
        if not self._connections.add(self):
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the socket no more."""
        self._connections.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse a block, and answer a handshake that cannot be read."""
        self._received += len(data)
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(_HEAD_TOO_LARGE)  # what else it may be is refused before it comes here
            self.transport.close()
        if not self._is_partial:
            self._received = 0

    def handle_connect(self, event: Request) -> None:
        """Start the application, which may call `limit_messages`."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"]["autopicker.messages"] = {"limit": self.limit_messages}

    def limit_messages(self, size: int) -> None:
        """Take messages of so many bytes from now on, or of as many as the server takes where that is less."""
        self.conn.max_message_size = min(size, self.config.ws_max_size)

    def pause_writing(self) -> None:
        """Read no more from a client that does not read."""
        self.transport.pause_reading()  # every ping is answered, and the answers would pile up
        super().pause_writing()

    def resume_writing(self) -> None:
        """Read again."""
        self._unread.restart()
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()
        super().resume_writing()

    def handle_cont(self, event: Frame) -> None:
        """Take a fragment of a message, of which there may be so many."""
        if len(self.frames) >= _MAX_FRAGMENTS:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_parser_exception(self) -> None:
        """Say why the socket ends, and let the client read that: it may be sending still."""
        if self.close_sent:
            return
        frame = self.conn.close_sent
        assert frame is not None
        self.queue.put_nowait({"type": "websocket.disconnect", "code": frame.code, "reason": frame.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(connections.LINGER_S, self.transport.close)

    # What Connections asks

    @property
    def client_host(self) -> str:
        """The address at the other end; "" where the socket has none."""
        return self.client[0] if self.client else ""

    @property
    def waiting(self) -> bool:
        """Whether the handshake is still to come."""
        return not self.handshake_complete and not self.transport.is_closing()

    @property
    def held(self) -> int:
        """Bytes of a message that is not whole yet."""
        return self._received

    def make_way(self) -> None:
        """Give up a large message that is not whole yet."""
        self.conn.fail(1013, "too many large messages are on their way")
        self.handle_parser_exception()

    def check(self, now: float) -> None:
        """End the socket where its client sends or reads too slowly."""
        buffered = self.transport.get_write_buffer_size()
        closing = self.transport.is_closing()
        if self._unread.too_slow(buffered if closing or not self.writable.is_set() else 0, now):
            self.end()
        elif self.read_paused or not self._is_partial:
            self._pace.restart()
        elif self._pace.too_slow(self._received, connections.PATIENCE_S, now):
            self.end()

    def end(self) -> None:
        """End it at once."""
        self.transport.abort()

    @property
    def _is_partial(self) -> bool:
        """Whether a message or the handshake has begun to come and not ended."""
        return not self.handshake_complete or bool(self.frames) or bool(self.conn.reader.buffer)
