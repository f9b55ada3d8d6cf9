"""An OpenAI-compatible server that answers at once, so that what is measured is the gateway before it.

python -m autopicker_lab.benchmark.serving.upstream PORT [GAP_MS]: 50 pieces a stream, GAP_MS before each.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

PIECES = 50
_NAME = "instant"


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    head = {"id": "chatcmpl-instant", "object": "chat.completion.chunk", "created": 1, "model": _NAME}
    return _framed(b"data: " + json.dumps({**head, "choices": choices, **more}).encode() + b"\n\n")


def _json(body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(data), data)


_USAGE = {"prompt_tokens": 30, "completion_tokens": PIECES, "total_tokens": 30 + PIECES}
_WORDS = [f"word{i} " for i in range(PIECES)]
_MESSAGE = {"role": "assistant", "content": "".join(_WORDS)}
_WHOLE = _json(
    {
        "id": "chatcmpl-instant",
        "object": "chat.completion",
        "created": 1,
        "model": _NAME,
        "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
        "usage": _USAGE,
    }
)
_MODELS = _json({"object": "list", "data": [{"id": _NAME, "object": "model"}]})
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_EVENTS = [_event([{"index": 0, "delta": {"content": word}, "finish_reason": None}]) for word in _WORDS]
_END = _event([{"index": 0, "delta": {}, "finish_reason": "stop"}]) + _event([], usage=_USAGE)
_DONE = _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Upstream(asyncio.Protocol):
    """Reads requests with a Content-Length, one after the other."""

    def __init__(self, gap_s: float):
        self._gap_s = gap_s
        self._data = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            mark = head.find(b"content-length:")
            length = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
            if len(self._data) < end + 4 + length:
                return
            body = self._data[end + 4 : end + 4 + length]
            self._data = self._data[end + 4 + length :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if b"/chat/completions" not in head:
            self._transport.write(_MODELS)
        elif b'"stream":true' not in body and b'"stream": true' not in body:
            self._transport.write(_WHOLE)
        elif self._gap_s:
            self._transport.write(_HEAD)
            self._piece(0)
        else:
            self._transport.write(_HEAD)
            for event in _EVENTS:
                self._transport.write(event)
            self._transport.write(_END + _DONE)

    def _piece(self, i: int) -> None:
        if self._transport is None:
            return
        self._transport.write(_EVENTS[i] if i < PIECES else _END + _DONE)
        if i < PIECES:
            asyncio.get_running_loop().call_later(self._gap_s, self._piece, i + 1)


async def main(port: int, gap_ms: float = 0.0) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(gap_ms / 1000), "127.0.0.1", port, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0))
