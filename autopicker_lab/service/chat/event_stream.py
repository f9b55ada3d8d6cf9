"""EventStream: the response that carries an answer piece by piece."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from autopicker_lab.service.chat import sse

if TYPE_CHECKING:
    from starlette.types import Send

    from autopicker_lab.service.chat.dialect import Wording
    from autopicker_lab.service.request.rate_limits import HeaderLines

STALLED_S = 30.0  # without reading, after which a client counts as gone: others may wait for the same answer
_HEADERS = [
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx would hold the events back
]


class EventStream:
    """The response that carries a stream; it starts with the first piece, or with a comment to wait for it.

    Attributes:
        headers: of this answer alone; may be changed until the response starts.
        started: whether the status was sent, so that a failure can only be said in the stream.
    """

    def __init__(self, send: Send, wording: Wording, headers: HeaderLines):
        self._send = send
        self._wording = wording
        self.headers = headers
        self.started = False
        self._writing_since = 0.0
        self._ready: tuple[int, int] | None = None

    def waits(self, done: int, total: int) -> None:
        """Have the next comment say how much is ready of what the answer waits for; of any thread."""
        self._ready = (done, total) if done < total else None

    def answers(self) -> None:
        """Have comments say nothing more of what was waited for."""
        self._ready = None

    async def write(self, data: bytes) -> None:
        """Send a piece; waits where the client reads more slowly."""
        self._writing_since = time.monotonic()
        if not self.started:
            self.started = True
            headers = [(b"content-type", self._wording.content_type), *_HEADERS, *self.headers]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self._writing_since = 0.0

    async def keepalive(self) -> bool:
        """Send a comment, so that nobody on the way gives up; False where the client has not read for STALLED_S."""
        if self._writing_since:
            return time.monotonic() - self._writing_since < STALLED_S
        comment = self._wording.keepalive
        if self._ready and comment == sse.KEEPALIVE_COMMENT:
            comment = sse.waiting_comment(*self._ready)
        await self.write(comment)
        return True

    async def end(self, data: bytes = b"") -> None:
        """Send the last piece and end the response."""
        if not self.started:
            await self.write(b"")
        await self._send({"type": "http.response.body", "body": data})
