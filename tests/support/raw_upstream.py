"""An upstream that answers with the very bytes that a test writes, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from autopicker_lab.runtime.event_loop import EventLoopThread


class Asked(NamedTuple):
    """A request as it came: `target` is the path with its query, names of `headers` are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any


class RawUpstream:
    """Attributes:
    script: what is sent for a request: pieces of bytes, and seconds to wait between them; None closes the connection.
    asked: the requests, but those of the list of models.
    models: what is sent for that list.
    """

    def __init__(self) -> None:
        self.script: Callable[[Asked], Iterable[bytes | float | None]] = lambda asked: [whole(completion("ok"))]
        self.models: Iterable[bytes | float | None] = [whole({"object": "list", "data": []})]
        self.asked: list[Asked] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines[1:] if line)}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        asked = Asked(method, target, headers, json.loads(raw) if raw else None)
        lists_models = method == "GET" and target.partition("?")[0].endswith("/models")
        if not lists_models:
            self.asked.append(asked)
        for piece in self.models if lists_models else self.script(asked):
            if piece is None:
                return False
            if isinstance(piece, bytes):
                writer.write(piece)
                await writer.drain()
            else:
                await asyncio.sleep(piece)
        return True


@contextmanager
def raw_upstream() -> Iterator[RawUpstream]:
    """A RawUpstream in a thread, on loopback; its address ends in /v1."""
    up = RawUpstream()
    thread = EventLoopThread("raw upstream")

    async def start() -> asyncio.Server:
        return await asyncio.start_server(up.serve, "127.0.0.1", 0, limit=2**26)

    async def stop(server: asyncio.Server) -> None:
        server.close()

    server = thread.run(start())
    up.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield up
    finally:
        thread.run(stop(server))
        thread.stop()


def completion(content: Any, finish_reason: Any = "stop", **fields: Any) -> dict[str, Any]:
    """A chat.completion object of one choice."""
    message = {"role": "assistant", "content": content, **fields}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    return {"id": "up-1", "object": "chat.completion", "choices": [choice], "usage": usage}


def piece(delta: Any, finish_reason: Any = None, **fields: Any) -> bytes:
    """One event with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, **fields}
    return event({"id": "up-1", "object": "chat.completion.chunk", "choices": [choice]})


def event(payload: Any) -> bytes:
    """One event, as OpenAI writes it."""
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
END = piece({}, "stop") + DONE


def whole(answer: Any, status: str = "200 OK", headers: str = "") -> bytes:
    """An answer with a length; JSON unless it is bytes."""
    data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    kind = "" if "content-type:" in headers else "content-type: application/json\r\n"
    return f"HTTP/1.1 {status}\r\n{kind}{headers}content-length: {len(data)}\r\n\r\n".encode("latin-1") + data


def head(headers: str = "content-type: text/event-stream\r\n") -> bytes:
    """The head of an answer that ends with its connection."""
    return f"HTTP/1.1 200 OK\r\n{headers}\r\n".encode("latin-1")


def stream(*events: Any) -> list[bytes | float | None]:
    """A streamed answer of these events, and seconds to wait between them."""
    return [head(), *events, None]
