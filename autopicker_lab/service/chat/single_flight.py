"""Single flight: of equal requests at the same time one is answered, and the others wait for its answer."""

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
    """An answer that is being made; whoever leads sets its `content` before it ends."""

    content: bytes | None = None


class SingleFlight:
    """The answers that are being made in this process, by the key of their request."""

    def __init__(self) -> None:
        self._pending: dict[str, asyncio.Future[bytes | None]] = {}

    async def wait(self, key: str) -> bytes | None:
        """The answer that another request is getting, or its failure; None where the caller is to lead."""
        while (future := self._pending.get(key)) is not None:
            content = await asyncio.shield(future)
            if content is not None:
                return content
        return None

    @asynccontextmanager
    async def lead(self, key: str | None) -> AsyncIterator[PendingAnswer]:
        """Make an answer that equal requests wait for; where it ends without content, one of them leads next.

        With a key that is None, or led by another already, nobody waits for it.
        """
        answer = PendingAnswer()
        if key is None or key in self._pending:
            yield answer
            return
        future = self._pending[key] = asyncio.get_running_loop().create_future()
        try:
            yield answer
        except AutopickerError as error:
            self._pending.pop(key, None)
            future.set_exception(error)
            future.exception()  # marks it as retrieved, even if nobody waits
            raise
        finally:
            if not future.done():
                self._pending.pop(key, None)
                future.set_result(answer.content)
