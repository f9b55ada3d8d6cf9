"""A client that costs little, so that it does not measure itself: raw sockets, the answers checked by their ends.

python -m autopicker_lab.benchmark.serving.client URL CONNECTIONS SECONDS STREAM KEY prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit

PIECES = 50
QUESTION = "Summarise in three sentences why the sky is blue, and what Rayleigh scattering has to do with it."
_END = b"0\r\n\r\n"


def request_of(url: str, stream: bool, key: str) -> bytes:
    """A chat request as it goes over the wire."""
    parts = urlsplit(url)
    system = {"role": "system", "content": "You are a helpful assistant."}
    messages = [system, {"role": "user", "content": QUESTION}]
    body = json.dumps({"model": "auto", "messages": messages, "stream": stream}).encode()
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, client: Client):
        self._client = client
        self._data = bytearray()
        self._transport: Any = None
        self._sent_at = 0.0
        self._length = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._client.over:
            self._client.errors += 1

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._length:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            mark = self._data.lower().find(b"content-length:", 0, end)
            length = int(self._data[mark + 15 : self._data.find(b"\r", mark)]) if mark >= 0 else 0
            self._length = end + 4 + length if mark >= 0 else -1
        if len(self._data) >= self._length if self._length > 0 else self._data.endswith(_END):
            self._answered()

    def _answered(self) -> None:
        whole = self._data.startswith(b"HTTP/1.1 200") and self._client.marks(self._data)
        self._client.errors += not whole
        self._client.latencies.append(time.perf_counter() - self._sent_at)
        if self._client.over:
            self._transport.close()
        else:
            self._send()

    def _send(self) -> None:
        self._data = bytearray()
        self._length = 0
        self._sent_at = time.perf_counter()
        self._transport.write(self._client.request)


class Client:
    """A closed loop: each connection sends its next request when the last was answered."""

    def __init__(self, url: str, stream: bool, key: str):
        self.request = request_of(url, stream, key)
        self.errors = 0
        self.latencies: list[float] = []
        self.over = False
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._stream = stream

    def marks(self, data: bytearray) -> bool:
        """Whether an answer has all of its words, and a stream its end."""
        return data.count(b"word") == PIECES and (not self._stream or b"[DONE]" in data)

    async def run(self, connections: int, seconds: float) -> dict[str, float]:
        """Rates and latencies (ms) of so many connections; requests under way at the end are waited for."""
        loop = asyncio.get_running_loop()
        begun = time.perf_counter()
        made = [await loop.create_connection(lambda: _Connection(self), *self._address) for _ in range(connections)]
        await asyncio.sleep(seconds)
        self.over = True
        elapsed = time.perf_counter() - begun
        counted = len(self.latencies)
        while any(not transport.is_closing() for transport, _ in made) and time.perf_counter() - begun < seconds + 30:  # noqa: ASYNC110  # they end by themselves
            await asyncio.sleep(0.02)
        found = sorted(self.latencies)

        def at(share: float) -> float:
            return round(1000 * found[min(len(found) - 1, int(share * len(found)))], 3) if found else float("nan")

        rate = round(counted / elapsed, 1)
        return {
            "requests": len(found),
            "errors": self.errors,
            "per_second": rate,
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
        }


if __name__ == "__main__":
    import uvloop

    url, connections, seconds, stream, key = sys.argv[1:6]
    print(json.dumps(uvloop.run(Client(url, stream == "1", key).run(int(connections), float(seconds)))))  # noqa: T201
