"""SideCalls: what models are asked before the call that answers, counted, bounded and charged."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.chat import choices
from autopicker_lab.chat.prepared import estimate_usage
from autopicker_lab.core import CascadeCall, ChatReply, ChatRequest, Message

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from autopicker_lab.chat.holding import ModelSource
    from autopicker_lab.chat.prepared import PreparedRequest
    from autopicker_lab.core import Route


class SideCalls:
    """Calls on behalf of a request, by its route and at its caller's expense.

    Attributes:
        calls: that were answered. charged_usd: what the caller's budget was charged for them.
    """

    def __init__(self, source: ModelSource, route: Route, request: ChatRequest):
        self._source, self._route, self._request = source, route, request
        self.calls: tuple[CascadeCall, ...] = ()
        self.charged_usd = 0.0

    async def ask(self, text: str, max_tokens: int) -> str:
        """What the route's model says to a text, or the next that does not fail; raises what asking raises."""
        options: dict[str, Any] = {"temperature": 0.0, "max_tokens": max_tokens}
        request = replace(self._request, messages=(Message("user", text),), file_ids=(), options=options, reading=None)
        started_at = time.perf_counter()
        prepared, reply = await self._source.first(self._route, request, (), _complete)
        usage = reply.usage if reply.usage.prompt_tokens else estimate_usage(prepared.request, reply.characters)
        spec = prepared.model.describe()
        cost = usage.cost_usd(spec)
        self.calls += (CascadeCall(spec.id, usage, cost, time.perf_counter() - started_at),)
        if self._request.spending is not None and cost:
            self._request.spending.charge(cost)  # at once, since what is held is for the calls that follow
            self.charged_usd += cost
        return reply.text.strip()


def _complete(prepared: PreparedRequest) -> Awaitable[ChatReply]:
    return choices.complete(prepared.model, prepared.request)
