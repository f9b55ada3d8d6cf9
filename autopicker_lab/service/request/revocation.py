"""Ends what is under way for keys that are revoked."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from autopicker_lab.core import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autopicker_lab.service.request.auth import Authenticator
    from autopicker_lab.service.request.context import RequestContext

_CHECK_S = 0.5


class KeyWatch:
    """Knows the work that is done for each key, and cancels it when the key is no more."""

    def __init__(self, authenticator: Authenticator):
        self._authenticator = authenticator
        self._work: dict[asyncio.Task[object], RequestContext] = {}

    @contextmanager
    def during(self, context: RequestContext) -> Iterator[None]:
        """Cancel what runs inside when the caller's key is revoked; `context.ended_by` says so then."""
        task = asyncio.current_task()
        assert task is not None
        self._work[task] = context
        try:
            yield
        finally:
            del self._work[task]

    async def run(self) -> None:
        """Look whether keys were revoked, until cancelled."""
        while True:
            await asyncio.sleep(_CHECK_S)
            self._authenticator.refresh()
            for task, context in list(self._work.items()):
                if context.ended_by is None and not self._authenticator.knows(context.caller):
                    context.ended_by = AuthenticationError("the API key was revoked", "use another key")
                    task.cancel()
