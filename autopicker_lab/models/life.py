"""SignsOfLife: what tells that a server is alive, besides that it answers a probe."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

_REMEMBERED_S = 60.0


class SignsOfLife:
    """Requests to one server: those under way, and when it last answered one. A context manager around each request.

    A server that works on long prompts may list its models too late for a probe, or not at all: that is no sign of
    death while it answers, or works on a request whose own time limit has not come.
    """

    def __init__(self) -> None:
        self._asked = 0
        self._answered_at = -_REMEMBERED_S

    def __enter__(self) -> None:
        self._asked += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asked -= 1

    def answered(self) -> None:
        """Something came: the head of an answer, or a piece."""
        self._answered_at = time.monotonic()

    def failed(self) -> None:
        """A request got nothing in time, or no connection: what was before it counts no more."""
        self._answered_at = -_REMEMBERED_S

    @property
    def shown(self) -> bool:
        """Whether the server answered within the last minute, or is being asked."""
        return self._asked > 0 or time.monotonic() - self._answered_at < _REMEMBERED_S
