"""Single flight: who asks what is being asked already waits for that answer instead of asking again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopicker_lab.core import AutopickerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class PendingAnswer:
    """A question under way; whoever leads sets its `content` before it lands."""

    content: bytes | None = None


class SingleFlight:
    """The questions under way in this process, by key."""

    def __init__(self) -> None:
        self._going: dict[str, asyncio.Future[bytes | None]] = {}

    async def join(self, key: str) -> bytes | None:
        """The answer that another is getting, or its failure; None where the caller is to lead."""
        while (going := self._going.get(key)) is not None:
            content = await asyncio.shield(going)
            if content is not None:
                return content
        return None

    @asynccontextmanager
    async def leading(self, key: str | None) -> AsyncIterator[PendingAnswer]:
        """Lead a question; where the leader goes away without an answer, one of those who wait takes its place."""
        flight = PendingAnswer()
        if key is None or key in self._going:
            yield flight
            return
        going = self._going[key] = asyncio.get_running_loop().create_future()
        try:
            yield flight
        except AutopickerError as error:
            self._end(key)
            going.set_exception(error)
            going.exception()  # seen, even if nobody waits
            raise
        finally:
            if not going.done():
                self._end(key)
                going.set_result(flight.content)

    def _end(self, key: str) -> None:
        self._going.pop(key, None)
