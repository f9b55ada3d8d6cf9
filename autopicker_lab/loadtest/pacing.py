"""A clock for the schedule: an event loop's own timers are a millisecond late, so a thread wakes the loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EARLIEST_S = 0.0005
_MAX_AT_ONCE = 200  # requests started before the loop may do something else


class Pacer:
    """Calls `start` on the running event loop with each moment of a schedule, when it is due.

    Args:
        schedule: seconds by `clock`, ascending.
        until: when nothing more is started, on time or not.

    Attributes:
        finished: set when nothing more will be started.
        behind: whether moments of the schedule were not yet started when the time was up.
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
        self._caught_up = threading.Event()
        self._wake_s = 0.0002  # seconds that the thread takes to wake the loop, on average
        self._due = next(schedule, None)
        self._resuming = False  # whether the loop's next turn goes on with what is due
        self._thread = threading.Thread(target=self._run, name="load test's clock", daemon=True)
        self.finished = asyncio.Event()
        self.behind = False
        if self._due is None:
            self.finished.set()
        self._thread.start()

    def catch_up(self) -> None:
        """Start what is due; called after each answer as well, because a busy loop need not be wake_at."""
        if self._due is not None and not self._resuming and self._due <= self._clock():
            self._start_due()

    async def stop(self) -> None:
        """Start nothing more, and wait until the thread has ended."""
        self._stopped.set()
        self._caught_up.set()
        self.finished.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while not self._stopped.is_set() and (due := self._due) is not None:
            remaining = due - self._wake_s - self._clock()
            if remaining > 0 and self._stopped.wait(remaining):
                return
            self._caught_up.clear()
            try:
                self._loop.call_soon_threadsafe(self._start_due, due - self._wake_s if remaining > 0 else None)
            except RuntimeError:  # the loop was closed meanwhile
                return
            self._caught_up.wait()

    def _start_due(self, wake_at: float | None = None) -> None:
        """Start what is due.

        Args:
            wake_at: when the thread meant to wake the loop. It does so as much too early as waking takes on average;
                the remaining time is waited for here.
        """
        due = self._due
        self._resuming = False
        if wake_at is not None:
            self._wake_s += 0.1 * (min(self._clock() - wake_at, _EARLIEST_S) - self._wake_s)
        while due is not None and 0 < due - self._clock() < _EARLIEST_S:
            pass
        started = 0
        while due is not None and due <= self._clock() and not self._stopped.is_set():
            if self._clock() > self._until:
                self.behind, due = True, None
            elif started == _MAX_AT_ONCE:
                break
            else:
                self._start(due)
                started += 1
                due = next(self._schedule, None)
        self._due = due
        if due is None or self._stopped.is_set():
            self.finished.set()
        if due is not None and started == _MAX_AT_ONCE:
            self._resuming = True
            self._loop.call_soon(self._start_due)
        else:
            self._caught_up.set()
