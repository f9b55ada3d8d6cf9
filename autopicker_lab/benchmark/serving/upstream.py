"""An OpenAI-compatible server that answers at once, so that only the gateway before it is measured.

python -m autopicker_lab.benchmark.serving.upstream PORT [GAP_MS]: 50 pieces a stream, GAP_MS before each.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

PIECES = 50
_NAME = "instant"


def framed(data: bytes) -> bytes:
    """Make one chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    """Make one event of a stream, in a chunk of its own."""
    head = {"id": "chatcmpl-instant", "object": "chat.completion.chunk", "created": 1, "model": _NAME}
    return framed(b"data: " + json.dumps({**head, "choices": choices, **more}).encode() + b"\n\n")


def as_json(body: dict[str, Any]) -> bytes:
    """Make a whole answer, head and JSON body."""
    data = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(data), data)


_USAGE = {"prompt_tokens": 30, "completion_tokens": PIECES, "total_tokens": 30 + PIECES}
_WORDS = [f"word{i} " for i in range(PIECES)]
_MESSAGE = {"role": "assistant", "content": "".join(_WORDS)}
_WHOLE = as_json(
    {
        "id": "chatcmpl-instant",
        "object": "chat.completion",
        "created": 1,
        "model": _NAME,
        "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
        "usage": _USAGE,
    }
)
_MODELS = as_json({"object": "list", "data": [{"id": _NAME, "object": "model"}]})
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_EVENTS = [event([{"index": 0, "delta": {"content": word}, "finish_reason": None}]) for word in _WORDS]
_END = event([{"index": 0, "delta": {}, "finish_reason": "stop"}]) + event([], usage=_USAGE)
DONE = framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class RequestServer(asyncio.Protocol):
    """A connection that reads requests with a Content-Length one after the other, and calls `answer` for each."""

    def __init__(self) -> None:
        self._data = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to write to."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the transport."""
        self._transport = None

    def write(self, data: bytes) -> None:
        """Send bytes, unless the client has gone."""
        if self._transport is not None:
            self._transport.write(data)

    def answer(self, head: bytes, body: bytes) -> None:
        """Answer a request; `head` is in lower case."""
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        """Answer all requests that are complete."""
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._data) < end + 4 + length:
                return
            body = self._data[end + 4 : end + 4 + length]
            self._data = self._data[end + 4 + length :]
            self.answer(head, body)


class InstantServer(RequestServer):
    """A connection that answers at once, or with `gap_s` seconds before each piece of a stream."""

    def __init__(self, gap_s: float):
        super().__init__()
        self._gap_s = gap_s

    def answer(self, head: bytes, body: bytes) -> None:
        """Send the list of models, a whole answer or a stream."""
        if b"/chat/completions" not in head:
            self.write(_MODELS)
        elif b'"stream":true' not in body and b'"stream": true' not in body:
            self.write(_WHOLE)
        elif self._gap_s:
            self.write(STREAM)
            self._send_piece(0)
        else:
            self.write(STREAM)
            for event in _EVENTS:
                self.write(event)
            self.write(_END + DONE)

    def _send_piece(self, i: int) -> None:
        if self._transport is None:
            return
        self.write(_EVENTS[i] if i < PIECES else _END + DONE)
        if i < PIECES:
            asyncio.get_running_loop().call_later(self._gap_s, self._send_piece, i + 1)


async def main(port: int, gap_ms: float = 0.0) -> None:
    """Serve until stopped."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: InstantServer(gap_ms / 1000), "127.0.0.1", port, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0))
