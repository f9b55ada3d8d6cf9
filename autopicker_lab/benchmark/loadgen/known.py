"""A server whose behaviour is known to the tenth of a millisecond, to hold a load tester against.

python -m autopicker_lab.benchmark.loadgen.known PORT SERVICE_MS [--slots N] [--stall-at S] [--pieces N --gap-ms G]
"""

from __future__ import annotations

import argparse
import asyncio
import selectors
from collections import deque
from dataclasses import dataclass, field

from autopicker_lab.benchmark.serving.upstream import DONE, STREAM, Server, as_json, event

STALL_S = 1.0
_WHOLE = as_json({"ok": True})


@dataclass
class Known:
    """What a server does.

    Attributes:
        service_s: from a request to its answer, or to its first token.
        slots: answered at once, the others wait in line; 0: all.
        stall_at_s: after the first request, when nothing is answered for a second; below 0: never.
        pieces, gap_s: of a stream.
    """

    service_s: float
    slots: int = 0
    stall_at_s: float = -1.0
    pieces: int = 0
    gap_s: float = 0.0
    first: float | None = None
    busy: int = 0
    line: deque[_Answers] = field(default_factory=deque)


class _Answers(Server):
    def __init__(self, known: Known):
        super().__init__()
        self._known = known

    def answer(self, head: bytes, body: bytes) -> None:
        """In its time."""
        known, now = self._known, asyncio.get_running_loop().time()
        if known.first is None:
            known.first = now
        if known.slots and known.busy >= known.slots:
            known.line.append(self)
            return
        known.busy += 1
        stall = known.first + known.stall_at_s
        stalled = stall + STALL_S - now if known.stall_at_s >= 0 and stall <= now < stall + STALL_S else 0.0
        asyncio.get_running_loop().call_at(now + known.service_s + stalled, self._served)

    def _served(self) -> None:
        known = self._known
        known.busy -= 1
        if known.line:
            known.line.popleft().answer(b"", b"")
        if not known.pieces:
            self.write(_WHOLE)
            return
        self.write(STREAM)
        self._piece(0, asyncio.get_running_loop().time())

    def _piece(self, i: int, begun: float) -> None:
        delta = {"content": f"word{i} "} if i < self._known.pieces else {}
        finish = None if i < self._known.pieces else "stop"
        self.write(event([{"index": 0, "delta": delta, "finish_reason": finish}]))
        if finish:
            self.write(DONE)
            return
        when = begun + (i + 1) * self._known.gap_s
        asyncio.get_running_loop().call_at(when, self._piece, i + 1, begun)


async def main(port: int, known: Known) -> None:
    """Serve until stopped."""
    server = await asyncio.get_running_loop().create_server(lambda: _Answers(known), "127.0.0.1", port, backlog=1024)
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
    given = parser.parse_args()
    known = Known(given.service_ms / 1000, given.slots, given.stall_at, given.pieces, given.gap_ms / 1000)
    # select() waits to the microsecond, epoll to the millisecond
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(main(given.port, known))
