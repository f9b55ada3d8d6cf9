"""A server whose behaviour is known to the tenth of a millisecond, against which a load tester is measured.

python -m autopicker_lab.benchmark.loadgen.reference_server PORT SERVICE_MS
    [--slots N] [--stall-at S] [--pieces N --gap-ms G]
"""

from __future__ import annotations

import argparse
import asyncio
import selectors
from collections import deque
from dataclasses import dataclass, field

from autopicker_lab.benchmark.serving.upstream import DONE, STREAM, RequestServer, as_json, event

STALL_S = 1.0
_WHOLE = as_json({"ok": True})


@dataclass
class ServerBehaviour:
    """The behaviour of the server, and its state.

    Attributes:
        service_s: seconds from a request to its answer, or to its first token.
        slots: requests that are served at once, the others wait in the queue; 0: all.
        stall_at_s: seconds after the first request, when nothing is answered for a second; below 0: never.
        pieces, gap_s: pieces of a stream, and seconds between them; 0 pieces: no stream.
        first_at: loop time of the first request.
        busy: requests that are being served.
    """

    service_s: float
    slots: int = 0
    stall_at_s: float = -1.0
    pieces: int = 0
    gap_s: float = 0.0
    first_at: float | None = None
    busy: int = 0
    queue: deque[_Connection] = field(default_factory=deque)


class _Connection(RequestServer):
    def __init__(self, behaviour: ServerBehaviour):
        super().__init__()
        self._behaviour = behaviour

    def answer(self, head: bytes, body: bytes) -> None:
        """Answer a request when its time has come."""
        server, now = self._behaviour, asyncio.get_running_loop().time()
        if server.first_at is None:
            server.first_at = now
        if server.slots and server.busy >= server.slots:
            server.queue.append(self)
            return
        server.busy += 1
        stall = server.first_at + server.stall_at_s
        delay = stall + STALL_S - now if server.stall_at_s >= 0 and stall <= now < stall + STALL_S else 0.0
        asyncio.get_running_loop().call_at(now + server.service_s + delay, self._respond)

    def _respond(self) -> None:
        server = self._behaviour
        server.busy -= 1
        if server.queue:
            server.queue.popleft().answer(b"", b"")
        if not server.pieces:
            self.write(_WHOLE)
            return
        self.write(STREAM)
        self._send_piece(0, asyncio.get_running_loop().time())

    def _send_piece(self, i: int, started_at: float) -> None:
        delta = {"content": f"word{i} "} if i < self._behaviour.pieces else {}
        finish = None if i < self._behaviour.pieces else "stop"
        self.write(event([{"index": 0, "delta": delta, "finish_reason": finish}]))
        if finish:
            self.write(DONE)
            return
        when = started_at + (i + 1) * self._behaviour.gap_s
        asyncio.get_running_loop().call_at(when, self._send_piece, i + 1, started_at)


async def main(port: int, behaviour: ServerBehaviour) -> None:
    """Serve until stopped."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(behaviour), "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("service_ms", type=float)
    parser.add_argument("--slots", type=int, default=0)
    parser.add_argument("--stall-at", type=float, default=-1.0)
    parser.add_argument("--pieces", type=int, default=0)
    parser.add_argument("--gap-ms", type=float, default=0.0)
    args = parser.parse_args()
    behaviour = ServerBehaviour(args.service_ms / 1000, args.slots, args.stall_at, args.pieces, args.gap_ms / 1000)
    # select() waits to the microsecond, epoll to the millisecond
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(main(args.port, behaviour))
