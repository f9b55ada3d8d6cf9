"""Keeps a schedule: an event loop's own timers are a millisecond late, so a thread wakes it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EARLIEST_S = 0.0005
_TOGETHER = 200  # requests started at once, before the loop may do something else


class Pacer:
    """Calls `start` on the running event loop with each moment of a schedule, when it is due.

    Args:
        schedule: seconds by `clock`, ascending.
        until: when nothing more is started, on time or not.

    Attributes:
        over: set when nothing more will be started.
        behind: whether moments were left when the time was up.
    """

    def __init__(
        self, schedule: Iterator[float], clock: Callable[[], float], until: float, start: Callable[[float], None]
    ):
        self._schedule = schedule
        self._clock = clock
        self._until = until
        self._start = start
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()
        self._pumped = threading.Event()
        self._wake_s = 0.0002  # that the thread takes to wake the loop, on average
        self._due = next(schedule, None)
        self._goes_on = False  # in the loop's next turn
        self._thread = threading.Thread(target=self._keep, name="load test's clock", daemon=True)
        self.over = asyncio.Event()
        self.behind = False
        if self._due is None:
            self.over.set()
        self._thread.start()

    def catch_up(self) -> None:
        """Start what is due; asked for after each answer, too, because a busy loop need not be woken."""
        if self._due is not None and not self._goes_on and self._due <= self._clock():
            self._pump()

    async def stop(self) -> None:
        self._stopped.set()
        self._pumped.set()
        self.over.set()
        await asyncio.to_thread(self._thread.join)

    def _keep(self) -> None:
        while not self._stopped.is_set() and (due := self._due) is not None:
            left = due - self._wake_s - self._clock()
            if left > 0 and self._stopped.wait(left):
                return
            self._pumped.clear()
            try:
                self._loop.call_soon_threadsafe(self._pump, due - self._wake_s if left > 0 else None)
            except RuntimeError:  # the loop was closed meanwhile
                return
            self._pumped.wait()

    def _pump(self, woken: float | None = None) -> None:
        """Start what is due.

        Args:
            woken: when the thread meant to wake the loop. It does so as much too early as waking takes, and what is
                left then is waited for here.
        """
        due = self._due
        self._goes_on = False
        if woken is not None:
            self._wake_s += 0.1 * (min(self._clock() - woken, _EARLIEST_S) - self._wake_s)
        while due is not None and 0 < due - self._clock() < _EARLIEST_S:
            pass
        started = 0
        while due is not None and due <= self._clock() and not self._stopped.is_set():
            if self._clock() > self._until:
                self.behind, due = True, None
            elif started == _TOGETHER:
                break
            else:
                self._start(due)
                started += 1
                due = next(self._schedule, None)
        self._due = due
        if due is None or self._stopped.is_set():
            self.over.set()
        if due is not None and started == _TOGETHER:
            self._goes_on = True
            self._loop.call_soon(self._pump)
        else:
            self._pumped.set()
