"""Turns at a few workers: callers take them in rotation, none takes all of them, and what waits is bounded."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, OrderedDict, deque
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopicker_lab.core.errors import ModelBusyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

working_for: ContextVar[str] = ContextVar("working_for", default="")  # the caller whose request a task answers


@dataclass(eq=False)
class _Turn:
    caller: str
    size: int
    ready: asyncio.Future[None]
    granted: bool = False


class FairQueue:
    """Lets few work at once, of whom the others wait in rotation by caller, see `working_for`.

    Where there are several slots a caller has all but one at most, so that nobody's rush keeps the others out; the
    same goes for what waits, of which a caller has half at most. May be used from several event loops.

    Args:
        name: what they wait for, for the error.
        slots: how many work at once.
        max_waiting: turns that wait.
        max_waiting_size: of these in all, in the unit of `turn`'s size; the only one that waits may be larger.
    """

    def __init__(self, name: str, slots: int, max_waiting: int, max_waiting_size: int):
        self._name = name
        self._slots = slots
        self._share = max(1, slots - 1)
        self._max_waiting = max_waiting
        self._max_waiting_size = max_waiting_size
        self._lock = threading.Lock()
        self._working: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[_Turn]] = OrderedDict()  # who was served last stands last

    @property
    def length(self) -> int:
        """Turns that wait, or are being taken."""
        with self._lock:
            return self._working.total() + sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def turn(self, size: int = 0) -> AsyncIterator[None]:
        """Wait for a turn, and have it for the time of the block.

        Args:
            size: what is held meanwhile, in bytes.

        Raises:
            ModelBusyError: too many wait, or too many of the same caller.
        """
        turn = _Turn(working_for.get(), size, asyncio.get_running_loop().create_future())
        with self._lock:
            self._check_room(turn)
            self._waiting.setdefault(turn.caller, deque()).append(turn)
            self._grant()
        try:
            await turn.ready
            yield
        finally:
            with self._lock:
                self._leave(turn)
                self._grant()

    def _check_room(self, turn: _Turn) -> None:
        own = self._waiting.get(turn.caller, ())
        waiting = [other for turns in self._waiting.values() for other in turns]
        for turns, part in ((waiting, 1), (own, 2)):
            if not turns:
                continue
            size = sum(other.size for other in turns) + turn.size
            if len(turns) >= self._max_waiting // part or size > self._max_waiting_size // part:
                whose = "of yours " if part == 2 else ""
                detail = f"{len(turns)} requests {whose}wait for {self._name}"
                raise ModelBusyError(detail, "send fewer at once, and try again soon", retry_after=5)

    def _grant(self) -> None:
        """Give free slots to those who wait, one caller after the other."""
        while self._working.total() < self._slots:
            caller = next((who for who in self._waiting if self._working[who] < self._share), None)
            if caller is None:
                return
            turn = self._waiting[caller].popleft()
            self._waiting.move_to_end(caller)
            if not self._waiting[caller]:
                del self._waiting[caller]
            try:
                turn.ready.get_loop().call_soon_threadsafe(_wake, turn.ready)
            except RuntimeError:  # its event loop was closed: nobody waits any more
                continue
            turn.granted = True
            self._working[caller] += 1

    def _leave(self, turn: _Turn) -> None:
        if turn.granted:
            self._working[turn.caller] -= 1
            if not self._working[turn.caller]:
                del self._working[turn.caller]
        elif turn.caller in self._waiting and turn in self._waiting[turn.caller]:
            self._waiting[turn.caller].remove(turn)
            if not self._waiting[turn.caller]:
                del self._waiting[turn.caller]


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
