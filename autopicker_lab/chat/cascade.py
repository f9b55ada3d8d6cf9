"""A cascade at work: the first answer is held until its signal is known; it is kept, or the second model is asked."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from autopicker_lab.chat.holding import hold
from autopicker_lab.core import AutopickerError, CascadeTrace, ChatChunk, ChatReply, ChatRequest, Route
from autopicker_lab.http_client import chunk_of_completion
from autopicker_lab.routing.cascade_rule import chance_right, goes_up
from autopicker_lab.routing.signals import told_as

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from autopicker_lab.chat.holding import HeldAnswer, ModelSource
    from autopicker_lab.chat.prepared import PreparedRequest
    from autopicker_lab.chat.reader import Attachment
    from autopicker_lab.core import CascadeStep
    from autopicker_lab.grading.checks import CheckRunner

log = logging.getLogger(__name__)
T = TypeVar("T")
_SILENT = 3  # answers running without a signal, after which a model is not asked first any more ...
_TRIED_AGAIN = 50  # ... but for one of so many requests


class CascadeAnswer(NamedTuple, Generic[T]):
    """What a route gave: how the answering model was chosen, what it was asked, and what it made of that."""

    route: Route
    prepared: PreparedRequest
    result: T
    trace: CascadeTrace | None = None


class CascadeRunner:
    """Asks first models, and remembers those whose answers come without the signal."""

    def __init__(self, source: ModelSource, checks: CheckRunner):
        self._source, self._checks = source, checks
        self._silent: Counter[str] = Counter()
        self._passed_over: Counter[str] = Counter()

    async def answer(
        self,
        route: Route,
        request: ChatRequest,
        attachments: Sequence[Attachment],
        call: Callable[[PreparedRequest], Awaitable[T]],
        of_reply: Callable[[ChatReply], T],
    ) -> CascadeAnswer[T]:
        """What the route's model makes of a request, or the second of its cascade.

        Args:
            call: asks a model whose answer is not held. of_reply: a held answer as `call` would have given it.
        """
        step = route.cascade
        if step is None:
            return CascadeAnswer(route, *await self._source.first(route, request, attachments, call))
        if self._is_silent(route.model):
            why = f"{step.then} is asked at once: answers of {route.model} come without {told_as(step.cascade.signal)}"
            onward = _onward(route, step, why)
            return CascadeAnswer(onward, *await self._source.first(onward, request, attachments, call))
        held = await hold(self._source, self._checks, route, step, request, attachments)
        trace = self._judged(route.model, step, held)
        if held.short:
            warning = f"{step.then} could not be asked, too ({held.short}): this is the answer of {route.model}"
            route = replace(route, warnings=(*route.warnings, warning))
        if not trace.went_up:
            return _kept(route, request, held, trace, of_reply)
        if request.spending is not None:
            request.spending.set_aside(())
        onward = _onward(route, step, f"{step.then} was asked after {route.model}: {trace.why}")
        try:
            prepared, result = await self._source.first(onward, request, attachments, call)
        except AutopickerError as error:
            if held.reply is None:
                raise
            log.warning("after %s: %s", route.model, error.loggable)
            warning = f"{step.then} was asked, too, and failed ({error.detail}): this is the answer of {route.model}"
            return _kept(replace(route, warnings=(*route.warnings, warning)), request, held, trace, of_reply)
        self._silent[route.model] += held.refused  # what another model took: it may know no log-probabilities
        return CascadeAnswer(onward, prepared, result, trace)

    def _is_silent(self, model: str) -> bool:
        """Whether a model is passed over; now and then it is tried again."""
        if self._silent[model] < _SILENT:
            return False
        self._passed_over[model] += 1
        return self._passed_over[model] % _TRIED_AGAIN != 0

    def _judged(self, model: str, step: CascadeStep, held: HeldAnswer) -> CascadeTrace:
        """Whether a held answer is kept, and why not."""
        cascade, value, name = step.cascade, held.value, told_as(step.cascade.signal)
        if value is not None:
            self._silent[model] = 0
        elif held.reply is not None and held.reply.text and not held.failure and not held.short:
            self._silent[model] += 1
        up = not held.short and (bool(held.failure) or goes_up(cascade, value, step.prompt_gain))
        right = None if value is None else chance_right(cascade, value)
        if held.failure or held.short:
            why = held.failure or held.short
        elif value is None or right is None:
            why = f"its answer came without {name}" + (f" ({held.unmeasured})" if held.unmeasured else "")
        else:
            why = f"by its {name} of {value:.3f} the answer is right in {100 * right:.0f} % of cases"
        return CascadeTrace(
            held.call,
            cascade.signal,
            value,
            right,
            up,
            why,
            answered_by_first=not up,
            charged_usd=held.charged_usd,
            judge=held.judge,
        )


def _onward(route: Route, step: CascadeStep, reason: str) -> Route:
    """The route from the second model on."""
    others = tuple(name for name in route.fallbacks if name != step.then)
    return replace(route, model=step.then, fallbacks=others, reason=reason)


def _kept(
    route: Route, request: ChatRequest, held: HeldAnswer, trace: CascadeTrace, of_reply: Callable[[ChatReply], T]
) -> CascadeAnswer[T]:
    """The first answer, given after all."""
    assert held.prepared is not None
    assert held.reply is not None
    reply = held.reply if request.options.get("logprobs") else _without_logprobs(held.reply)
    return CascadeAnswer(route, held.prepared, of_reply(reply), replace(trace, answered_by_first=True))


def _without_logprobs(reply: ChatReply) -> ChatReply:
    """The reply as a caller has it who did not ask for log-probabilities."""
    given = reply.raw.get("choices")
    if not isinstance(given, list):
        return reply
    return replace(reply, raw={**reply.raw, "choices": [{**choice, "logprobs": None} for choice in given]})


def as_stream(reply: ChatReply) -> tuple[AsyncGenerator[ChatChunk, None], ChatChunk | None]:
    """A held answer as a stream that gives all of it at once."""
    whole = chunk_of_completion(dict(reply.raw)) if reply.raw.get("choices") else ChatChunk.of(reply.message)
    return _nothing_more(), ChatChunk(whole.events, reply.finish_reason, reply.usage)


async def _nothing_more() -> AsyncGenerator[ChatChunk, None]:
    return
    yield  # makes it a generator
