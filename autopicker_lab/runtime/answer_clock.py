"""The time limits of one answer: to its first piece, between its pieces, and to its end."""

from __future__ import annotations

import time


class AnswerClock:
    """Says how long may still be waited for an answer; it starts when it is made.

    Only what moves an answer on counts as a piece: whoever reads it calls `restart` for text, a tool call or reasoning,
    and not for comments, empty events or a role alone, by which a server that is stuck can go on for ever.

    Args:
        first_s: seconds until the first piece; idle_s: between pieces; total_s: until the end.
    """

    __slots__ = ("_end", "_idle_s", "_until")

    def __init__(self, first_s: float, idle_s: float, total_s: float):
        now = time.monotonic()
        self._idle_s = idle_s
        self._end = now + total_s
        self._until = min(now + first_s, self._end)

    def remaining_s(self) -> float:
        """Seconds that may be waited for the next piece; TimeoutError where there are none left."""
        remaining = self._until - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    def restart(self) -> None:
        """Wait for the next piece from now on, since one came."""
        self._until = min(time.monotonic() + self._idle_s, self._end)

    def shorten(self, seconds: float) -> None:
        """Wait for so many seconds from now on at most: the answer is whole, and only its trailer is due."""
        self._until = min(self._until, time.monotonic() + seconds)
