"""A client that costs so little that it does not measure itself: raw sockets, each answer checked by its end.

python -m autopicker_lab.benchmark.serving.client URL CONNECTIONS SECONDS STREAM KEY [FIRST] prints one JSON object.
With FIRST, each question has a number of its own, from this one on.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit

PIECES = 50
QUESTION = "Summarise in three sentences why the sky is blue, and what Rayleigh scattering has to do with it."
_END = b"0\r\n\r\n"
_DIGITS = 9


def request_of(url: str, stream: bool, key: str, question: str = QUESTION) -> bytes:
    """Make a chat request as the bytes that are sent."""
    parts = urlsplit(url)
    system = {"role": "system", "content": "You are a helpful assistant."}
    messages = [system, {"role": "user", "content": question}]
    body = json.dumps({"model": "auto", "messages": messages, "stream": stream}).encode()
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, client: ClosedLoopClient):
        self._client = client
        self._data = bytearray()
        self._transport: Any = None
        self._sent_at = 0.0
        self._length = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._client.stopped:
            self._client.errors += 1

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._length:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            at = self._data.lower().find(b"content-length:", 0, end)
            length = int(self._data[at + 15 : self._data.find(b"\r", at)]) if at >= 0 else 0
            self._length = end + 4 + length if at >= 0 else -1
        if len(self._data) >= self._length if self._length > 0 else self._data.endswith(_END):
            self._complete()

    def _complete(self) -> None:
        valid = self._data.startswith(b"HTTP/1.1 200") and self._client.is_complete(self._data)
        self._client.errors += not valid
        self._client.latencies.append(time.perf_counter() - self._sent_at)
        if self._client.stopped:
            self._transport.close()
        else:
            self._send()

    def _send(self) -> None:
        self._data = bytearray()
        self._length = 0
        self._sent_at = time.perf_counter()
        self._transport.write(self._client.next_request())


class ClosedLoopClient:
    """A closed loop of connections: each sends its next request when the last was answered.

    Args:
        first: the number that the first question ends in, and the next ones count on from; None: all ask the same.
    """

    def __init__(self, url: str, stream: bool, key: str, first: int | None = None):
        self._numbers = itertools.count(first) if first is not None else None
        mark = f" {0:0{_DIGITS}}" if first is not None else ""
        self._request = request_of(url, stream, key, QUESTION + mark)
        self._number_at = self._request.find(mark.encode()) + 1
        self.errors = 0
        self.latencies: list[float] = []
        self.stopped = False
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._stream = stream

    def next_request(self) -> bytes:
        """Make the next request; all are of one length."""
        if self._numbers is None:
            return self._request
        at, number = self._number_at, next(self._numbers)
        return b"%b%0*d%b" % (self._request[:at], _DIGITS, number, self._request[at + _DIGITS :])

    def is_complete(self, data: bytearray) -> bool:
        """Whether an answer has all of its words, and a stream its [DONE]."""
        return data.count(b"word") == PIECES and (not self._stream or b"[DONE]" in data)

    async def run(self, connections: int, seconds: float) -> dict[str, float]:
        """Measure rate and latencies (ms) with `connections`; requests in flight at the end are waited for."""
        loop = asyncio.get_running_loop()
        started_at = time.perf_counter()
        pairs = [await loop.create_connection(lambda: _Connection(self), *self._address) for _ in range(connections)]
        await asyncio.sleep(seconds)
        self.stopped = True
        elapsed = time.perf_counter() - started_at
        counted = len(self.latencies)
        deadline = started_at + seconds + 30
        while time.perf_counter() < deadline and any(not transport.is_closing() for transport, _ in pairs):  # noqa: ASYNC110  # they end by themselves
            await asyncio.sleep(0.02)
        latencies = sorted(self.latencies)

        def at(share: float) -> float:
            if not latencies:
                return float("nan")
            return round(1000 * latencies[min(len(latencies) - 1, int(share * len(latencies)))], 3)

        rate = round(counted / elapsed, 1)
        return {
            "requests": len(latencies),
            "errors": self.errors,
            "per_second": rate,
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
        }


if __name__ == "__main__":
    import uvloop

    url, connections, seconds, stream, key, *more = sys.argv[1:]
    client = ClosedLoopClient(url, stream == "1", key, int(more[0]) if more else None)
    print(json.dumps(uvloop.run(client.run(int(connections), float(seconds)))))  # noqa: T201
