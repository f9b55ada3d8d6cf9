"""An answer as metrics, traces, budgets and the decision log see it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import orjson

from autopicker_lab.core import CascadeCall, CascadeTrace, ChatReply, ContextReport, Route, Usage, new_id
from autopicker_lab.storage import Decision
from autopicker_lab.tuning.drift import IS_UNFAMILIAR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from autopicker_lab.chat import ChatStream
    from autopicker_lab.core.chat import LiveTerms
    from autopicker_lab.service.request.auth import Caller
    from autopicker_lab.service.request.context import RequestContext


class AnswerRecord(NamedTuple):
    """One answer, without its text.

    Attributes:
        id: of the completion; `request_id` that of the request.
        route: None where it is not known.
        first_token_s: seconds from the request to the first piece; None where unknown.
        total_s: seconds from the request to the end; None where unknown, or where the end did not come.
        cascade: what was asked before the call that answered, and was not given.
        context: what was read for it.
        traceparent: the trace that the request belongs to, as W3C's header has it; "" for none.
    """

    id: str
    request_id: str
    caller: Caller
    model: str
    route: Route | None
    usage: Usage = Usage()
    finish_reason: str = "stop"
    first_token_s: float | None = None
    total_s: float | None = None
    traceparent: str = ""
    cascade: CascadeTrace | None = None
    context: ContextReport = ContextReport()

    @classmethod
    def of_reply(cls, reply: ChatReply, context: RequestContext) -> AnswerRecord:
        """The record of a whole answer."""
        return cls(
            reply.id,
            context.request_id,
            context.caller,
            reply.model,
            reply.route,
            reply.usage,
            reply.finish_reason,
            reply.first_token_s,
            reply.total_s,
            context.traceparent,
            reply.cascade,
            reply.context,
        )

    @classmethod
    def of_stream(cls, stream: ChatStream, context: RequestContext) -> AnswerRecord:
        """The record of a streamed answer whose first piece has come, under a new id; `with_end` adds the rest."""
        reply_id = f"chatcmpl-{new_id()}"
        return cls(
            reply_id,
            context.request_id,
            context.caller,
            stream.model,
            stream.route,
            traceparent=context.traceparent,
            cascade=stream.cascade,
            context=stream.context,
        )

    def with_end(self, stream: ChatStream) -> AnswerRecord:
        """The record once the stream has ended, or was left: what was made of the answer until then counts."""
        return self._replace(
            usage=stream.usage,
            finish_reason=stream.finish_reason or "cancelled",
            first_token_s=stream.first_token_s,
            total_s=stream.total_s,
        )

    @property
    def earlier(self) -> tuple[CascadeCall, ...]:
        """The calls whose answers were not given: of a cascade, and those that read the files or the question."""
        held = self.cascade.earlier if self.cascade else ()
        return (*self.context.calls, *held) if self.context.calls else held

    @property
    def earlier_usd(self) -> float:
        """What these have cost."""
        return sum(call.cost_usd for call in self.earlier)

    @property
    def charged_usd(self) -> float:
        """What the caller's budget was charged for already."""
        return self.context.charged_usd + (self.cascade.charged_usd if self.cascade else 0.0)

    @property
    def fallback_used(self) -> bool:
        """Whether another model answered than the one that the route chose first."""
        return self.route is not None and self.route.model != self.model

    def decision(
        self, cost_usd: float, prompt: str | None, counted: Iterable[str] = (), live: LiveTerms | None = None
    ) -> Decision:
        """The row of the decision log; `prompt` None where questions are not kept.

        Args:
            live: what the service did to the request on its own account.
            counted: names of the question's features that are kept.
        """
        route = self.route
        features = {name: route.complexity.features.get(name, 0.0) for name in counted} if route else {}
        if route and IS_UNFAMILIAR in features:
            features[IS_UNFAMILIAR] = float(route.unfamiliar)
        return Decision(
            chat_id=self.id,
            request_id=self.request_id,
            created=time.time(),
            model=self.model,
            policy=route.policy if route else None,
            complexity=route.complexity.score if route else None,
            prompt_tokens=self.usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens,
            cost_usd=cost_usd,
            latency_s=self.total_s,
            routing_score=route.score if route and not route.named else None,
            first_token_s=self.first_token_s,
            prompt=prompt,
            key_id=self.caller.id or None,
            propensities=None if live is None or self.fallback_used else live.propensities,
            features=orjson.dumps(features).decode() if features else None,
        )
