"""A bound on how many requests wait for one thing, so that a rush is refused instead of growing a queue."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from autopicker_lab.core.errors import ModelBusyError

if TYPE_CHECKING:
    from types import TracebackType


class ConcurrencyLimit:
    """A context manager around the waiting and the work; it raises ModelBusyError for one request too many.

    Args:
        name: what they wait for, for the error.
        limit: requests that may wait or be worked on; None: any number.

    Attributes:
        length: requests that wait or are worked on now.
    """

    def __init__(self, name: str, limit: int | None):
        self._name = name
        self._limit = math.inf if limit is None else limit
        self.length = 0

    def __enter__(self) -> None:
        if self.length >= self._limit:
            raise ModelBusyError(f"{self.length} requests wait for {self._name}", "try again soon", retry_after=5)
        self.length += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.length -= 1
