"""A lock for threads that share something by turns, so that short work does not wait for long work to end."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(eq=False)
class LockShare:
    """For how many seconds somebody has had a FairLock."""

    used_s: float = 0.0


class FairLock:
    """A lock that goes to who has had it for the shortest time, of those who wait.

    It is least attained service first (Nuyens and Wierman, 2008), which needs not know how long work will be, with an
    end to waiting: whoever had the lock for some time goes behind those who ask for it that much later, at most
    `patience_s`.

    Args:
        patience_s: seconds that those who come later may go before.
    """

    def __init__(self, patience_s: float = 60.0):
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int]] = []
        self._order = count()
        self._held = False

    @contextmanager
    def held(self, share: LockShare) -> Iterator[None]:
        """Wait for the lock, and have it for the time of the block, which counts in `share`."""
        self._acquire(time.monotonic() + min(share.used_s, self._patience_s))
        since = time.monotonic()
        try:
            yield
        finally:
            share.used_s += time.monotonic() - since
            with self._changed:
                self._held = False
                self._changed.notify_all()

    def _acquire(self, rank: float) -> None:
        turn = rank, next(self._order)
        with self._changed:
            heappush(self._waiting, turn)
            try:
                self._changed.wait_for(lambda: not self._held and self._waiting[0] == turn)
            except BaseException:  # an interrupt
                self._waiting.remove(turn)
                heapify(self._waiting)
                self._changed.notify_all()
                raise
            heappop(self._waiting)
            self._held = True
