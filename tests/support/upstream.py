"""An OpenAI-compatible server that misbehaves as it is told, on plain sockets that put nothing right."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n"
TEXT = "héllo 世界 🎉 it is"
WORDS = TEXT.split(" ")


class FaultyUpstream:
    """Attributes:
    fault: what chats do: see `_plain` and `_events`; "" answers well.
    delay_s: seconds before each piece.
    bodies: what was asked.
    dropped: chats whose client left before the end; `running` those that are under way.
    """

    def __init__(self) -> None:
        self.fault = ""
        self.delay_s = 0.0
        self.pieces = len(WORDS)
        self.bodies: list[dict[str, Any]] = []
        self.dropped = 0
        self.running = 0
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
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        raw = await reader.readexactly(length)
        if b"/chat/completions" not in head:
            writer.write(_json({"object": "list", "data": []}))
            return True
        body = json.loads(raw)
        self.bodies.append(body)
        self.running += 1
        gone = asyncio.create_task(reader.read(1))
        work = asyncio.create_task(self._answer(body, writer))
        try:
            await asyncio.wait({gone, work}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self.dropped += 1
                return False
            return work.result() and not gone.done()
        finally:
            self.running -= 1
            for task in (gone, work):
                task.cancel()
            await asyncio.wait({gone, work})

    async def _answer(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        fault = self.fault
        if fault == "500 once":
            self.fault = ""
            fault = "500"
        if fault == "reset":
            writer.transport.abort()
            return False
        if fault == "hang before":
            await asyncio.sleep(60)
        if fault == "429":
            writer.write(_json({"error": {"message": "slow down"}}, "429 Too Many Requests", b"retry-after: 7\r\n"))
            return True
        if fault == "500":
            writer.write(_json({"error": {"message": "boom"}}, "500 Internal Server Error"))
            return True
        if fault == "invalid json":
            writer.write(HEAD % b"application/json" + b"content-length: 9\r\n\r\n{not json")
            return True
        if fault == "wrong type":
            writer.write(HEAD % b"text/html" + b"content-length: 15\r\n\r\n<html>hi</html>")
            return True
        if fault == "not http":
            writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
            return False
        if not body.get("stream"):
            return await self._plain(writer, fault)
        return await self._stream(writer, fault)

    async def _plain(self, writer: asyncio.StreamWriter, fault: str) -> bool:
        message = {"role": "assistant", "content": TEXT, "refusal": None}
        answer = {
            "id": "up-1",
            "object": "chat.completion",
            "created": 1,
            "model": "upstream-name",
            "system_fingerprint": "fp_1",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": []}}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8, "extra_detail": 1},
        }
        data = _json(answer)
        await asyncio.sleep(self.delay_s)
        if fault == "hang after":
            writer.write(data[:60])
            await asyncio.sleep(60)
        if fault == "cut":
            writer.write(data[:-10])
            await writer.drain()
            writer.transport.abort()
            return False
        if fault == "drip":
            for i in range(len(data)):
                writer.write(data[i : i + 1])
                await asyncio.sleep(0)
            return True
        writer.write(data)
        return True

    async def _stream(self, writer: asyncio.StreamWriter, fault: str) -> bool:
        writer.write(HEAD % b"text/event-stream" + b"transfer-encoding: chunked\r\n\r\n")
        if fault == "hang after":
            await asyncio.sleep(60)
        async for data in self._events(fault):
            if fault == "drip":
                for i in range(len(data)):
                    writer.write(b"1\r\n" + data[i : i + 1] + b"\r\n")
                    await asyncio.sleep(0)
                continue
            writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            await writer.drain()
        if fault == "cut":
            writer.transport.abort()
            return False
        writer.write(b"0\r\n\r\n")
        return True

    async def _events(self, fault: str) -> AsyncIterator[bytes]:
        for i in range(self.pieces):
            await asyncio.sleep(self.delay_s)
            if fault in ("cut", "clean cut") and i == 2:
                return
            if fault == "mid-stream error" and i == 2:
                yield b'data: {"error": {"message": "the GPU fell over", "type": "server_error"}}\n\n'
                return
            if fault == "mid-stream nonsense" and i == 2:
                yield b"data: {half an\n\n"
            word = WORDS[i % len(WORDS)] + " " * (i < self.pieces - 1)
            yield _event({"delta": {"role": "assistant", "content": word} if i == 0 else {"content": word}})
        yield _event({"delta": {}, "finish_reason": "stop"})
        yield b'data: {"id":"up-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}\n\n'
        if fault != "no done":
            yield b"data: [DONE]\n\n"


def _event(choice: dict[str, Any]) -> bytes:
    whole = {"index": 0, "logprobs": None, "finish_reason": None, **choice}
    event = {
        "id": "up-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "upstream-name",
        "choices": [whole],
    }
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"


def _json(answer: dict[str, Any], status: str = "200 OK", extra: bytes = b"") -> bytes:
    data = json.dumps(answer, ensure_ascii=False).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n".encode()
    return head + extra + b"\r\n" + data


@contextmanager
def upstream() -> Iterator[FaultyUpstream]:
    """A FaultyUpstream in a thread, on loopback; its address ends in /v1."""
    faulty = FaultyUpstream()
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def run() -> None:
        server = await asyncio.start_server(faulty.serve, "127.0.0.1", 0, limit=2**26)
        faulty.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        async with server:
            await server.serve_forever()

    def work() -> None:
        asyncio.set_event_loop(loop)
        task = loop.create_task(run())
        faulty.stop = lambda: loop.call_soon_threadsafe(task.cancel)  # type: ignore[attr-defined]
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        finally:
            for left in asyncio.all_tasks(loop):
                left.cancel()
            loop.run_until_complete(asyncio.sleep(0.05))
            loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield faulty
    finally:
        faulty.stop()  # type: ignore[attr-defined]
        thread.join(10)


def soon(what: Any, seconds: float = 10.0) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.01)
    return bool(what())
