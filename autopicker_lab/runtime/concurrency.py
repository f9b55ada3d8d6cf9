"""A bound on how many wait for one thing, so that a rush is told to come again instead of growing a queue."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from autopicker_lab.core.errors import ModelBusyError

if TYPE_CHECKING:
    from types import TracebackType


class ConcurrencyLimit:
    """`with` it around the waiting and the work; ModelBusyError for one too many.

    Attributes:
        length: how many wait or work now.
    """

    def __init__(self, what: str, longest: int | None):
        self._what = what
        self._longest = math.inf if longest is None else longest
        self.length = 0

    def __enter__(self) -> None:
        if self.length >= self._longest:
            raise ModelBusyError(f"{self.length} requests wait for {self._what}", "try again soon", retry_after=5)
        self.length += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.length -= 1
