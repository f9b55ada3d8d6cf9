"""A cascade at work: the first answer is held until its signal is known; it is kept, or the second model is asked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from autopicker_lab.chat import choices
from autopicker_lab.chat.prepared import PreparedRequest, estimate_usage
from autopicker_lab.core import (
    AutopickerError,
    Cascade,
    CascadeCall,
    CascadeTrace,
    ChatChunk,
    ChatReply,
    ChatRequest,
    InvalidRequestError,
    Route,
    Usage,
)
from autopicker_lab.http_client import chunk_of_completion
from autopicker_lab.routing.rule import chance_right, goes_up
from autopicker_lab.routing.signals import LOGPROB_OPTIONS, signals_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from autopicker_lab.chat.reader import Attachment
    from autopicker_lab.core import CascadeStep, ModelSpec
    from autopicker_lab.models import Catalogue

log = logging.getLogger(__name__)
T = TypeVar("T")
_LIMITS = ("max_completion_tokens", "max_tokens")
_SILENT = 3  # answers running without a signal, after which a model is not asked first any more


class CascadeAnswer(NamedTuple, Generic[T]):
    """What a route gave: how the answering model was chosen, what it was asked, and what it made of that."""

    route: Route
    prepared: PreparedRequest
    result: T
    trace: CascadeTrace | None = None


class _Held(NamedTuple):
    """A first answer, or why there is none (`failure`)."""

    call: CascadeCall
    failure: str = ""
    prepared: PreparedRequest | None = None
    reply: ChatReply | None = None


class ModelSource(Protocol):
    """What asks models: the pipeline."""

    catalogue: Catalogue

    async def first(
        self,
        route: Route,
        request: ChatRequest,
        attachments: Sequence[Attachment],
        call: Callable[[PreparedRequest], Awaitable[T]],
    ) -> tuple[PreparedRequest, T]:
        """What the first model of the route that does not fail makes of a request."""


class CascadeRunner:
    """Asks first models, and remembers those whose answers come without the signal."""

    def __init__(self, source: ModelSource):
        self._source = source
        self._silent: Counter[str] = Counter()

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
        if self._silent[route.model] >= _SILENT:
            why = f"{step.then} is asked at once: answers of {route.model} come without {step.cascade.signal}"
            onward = _onward(route, step, why)
            return CascadeAnswer(onward, *await self._source.first(onward, request, attachments, call))
        held = await self._hold(route, step.cascade, request, attachments)
        trace = self._judged(route.model, step, held)
        if not trace.went_up:
            return _kept(route, request, held, trace, of_reply)
        trace = _charged(trace, request)
        onward = _onward(route, step, f"{step.then} was asked after {route.model}: {trace.why}")
        try:
            prepared, result = await self._source.first(onward, request, attachments, call)
        except AutopickerError as error:
            if held.reply is None:
                raise
            log.warning("after %s: %s", route.model, error.loggable)
            warning = f"{step.then} was asked, too, and failed ({error.detail}): this is the answer of {route.model}"
            return _kept(replace(route, warnings=(*route.warnings, warning)), request, held, trace, of_reply)
        return CascadeAnswer(onward, prepared, result, trace)

    async def _hold(
        self, route: Route, cascade: Cascade, request: ChatRequest, attachments: Sequence[Attachment]
    ) -> _Held:
        """The answer of the route's model, within the cascade's bounds of tokens and time."""
        catalogue = self._source.catalogue
        spec = catalogue.get(route.model).describe()
        limit, is_ours = _limit(request, cascade, spec)
        started_at = time.perf_counter()

        def failed(why: str) -> _Held:
            return _Held(CascadeCall(route.model, Usage(), 0.0, time.perf_counter() - started_at), why)

        asked = replace(request, options={**request.options, **_held_options(request, limit)})
        try:
            async with asyncio.timeout(cascade.max_s):
                prepared, reply = await self._source.first(
                    replace(route, fallbacks=()), asked, attachments, lambda p: choices.complete(p.model, p.request)
                )
        except TimeoutError:
            return failed(f"its answer took longer than {cascade.max_s:g} s")
        except AutopickerError as error:
            self._silent[route.model] += isinstance(error, InvalidRequestError)  # it may know no log-probabilities
            return failed(f"it failed ({error.detail})")
        catalogue.breaker(route.model).succeeded()
        usage = reply.usage if reply.usage.prompt_tokens else estimate_usage(prepared.request, reply.characters)
        call = CascadeCall(route.model, usage, usage.cost_usd(spec), time.perf_counter() - started_at)
        cut = is_ours and reply.finish_reason == "length"
        failure = f"its answer is longer than {limit:,} tokens" if cut else ""
        return _Held(call, failure, prepared, replace(reply, usage=usage))

    def _judged(self, model: str, step: CascadeStep, held: _Held) -> CascadeTrace:
        """Whether a held answer is kept, and why not."""
        cascade = step.cascade
        value = None if held.reply is None else signals_of(held.reply).get(cascade.signal)
        if held.reply is not None:
            self._silent[model] = 0 if value is not None else self._silent[model] + 1
        up = bool(held.failure) or goes_up(cascade, value, step.prompt_gain)
        right = None if value is None else chance_right(cascade, value)
        if held.failure:
            why = held.failure
        elif value is None or right is None:
            why = f"its answer came without {cascade.signal}"
        else:
            why = f"by its {cascade.signal} of {value:.3f} the answer is right in {100 * right:.0f} % of cases"
        return CascadeTrace(held.call, cascade.signal, value, right, up, why, answered_by_first=not up)


def _limit(request: ChatRequest, cascade: Cascade, spec: ModelSpec) -> tuple[int, bool]:
    """The longest first answer in tokens, and whether it is shorter than what the request allows."""
    allowed = spec.max_output if request.max_tokens is None else request.max_tokens
    return min(allowed, cascade.max_tokens), cascade.max_tokens < allowed


def _held_options(request: ChatRequest, limit: int) -> dict[str, Any]:
    """The options of a first answer beside the caller's own."""
    given = [name for name in _LIMITS if request.options.get(name) is not None] or ["max_tokens"]
    top = max(LOGPROB_OPTIONS["top_logprobs"], request.options.get("top_logprobs") or 0)
    return {**LOGPROB_OPTIONS, "top_logprobs": top, **dict.fromkeys(given, limit)}


def _onward(route: Route, step: CascadeStep, reason: str) -> Route:
    """The route from the second model on."""
    others = tuple(name for name in route.fallbacks if name != step.then)
    return replace(route, model=step.then, fallbacks=others, reason=reason)


def _charged(trace: CascadeTrace, request: ChatRequest) -> CascadeTrace:
    """The trace once the first call is charged: the money that is held for the second must be beside it."""
    if request.spending is None or not trace.held.cost_usd:
        return trace
    request.spending.charge(trace.held.cost_usd)
    return replace(trace, charged_usd=trace.held.cost_usd)


def _kept(
    route: Route, request: ChatRequest, held: _Held, trace: CascadeTrace, of_reply: Callable[[ChatReply], T]
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
