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
from autopicker_lab.routing.signals import FROM_LOGPROBS, LOGPROB_OPTIONS, SAMPLING, samples_wanted, signal_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

    from autopicker_lab.chat.reader import Attachment
    from autopicker_lab.core import CascadeStep, ModelSpec
    from autopicker_lab.models import Catalogue

log = logging.getLogger(__name__)
T = TypeVar("T")
_LIMITS = ("max_completion_tokens", "max_tokens")
_SILENT = 3  # answers running without a signal, after which a model is not asked first any more ...
_TRIED_AGAIN = 50  # ... but for one of so many requests


class CascadeAnswer(NamedTuple, Generic[T]):
    """What a route gave: how the answering model was chosen, what it was asked, and what it made of that."""

    route: Route
    prepared: PreparedRequest
    result: T
    trace: CascadeTrace | None = None


class _Held(NamedTuple):
    """A first answer, or why there is none (`failure`).

    Attributes:
        samples: texts of further answers. refused: its server would not take the request.
    """

    call: CascadeCall
    failure: str = ""
    prepared: PreparedRequest | None = None
    reply: ChatReply | None = None
    samples: Sequence[str] = ()
    refused: bool = False


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
        self._silent[route.model] += held.refused  # what another model took: it may know no log-probabilities
        return CascadeAnswer(onward, prepared, result, trace)

    def _is_silent(self, model: str) -> bool:
        """Whether a model is passed over; now and then it is tried again."""
        if self._silent[model] < _SILENT:
            return False
        self._passed_over[model] += 1
        return self._passed_over[model] % _TRIED_AGAIN != 0

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

        async def ask(options: Mapping[str, Any]) -> tuple[PreparedRequest, ChatReply]:
            asked = replace(request, options={**request.options, **_bounded(request, limit), **options})
            alone = replace(route, fallbacks=())
            return await self._source.first(alone, asked, attachments, lambda p: choices.complete(p.model, p.request))

        wanted, more = samples_wanted(cascade.signal), None
        try:
            async with asyncio.timeout(cascade.max_s):
                prepared, reply = await ask(_logprobs(request, cascade.signal))
                if wanted:
                    _, more = await ask({**SAMPLING, "n": wanted})
        except TimeoutError:
            return failed(f"its answer took longer than {cascade.max_s:g} s")
        except AutopickerError as error:
            return failed(f"it failed ({error.detail})")._replace(refused=isinstance(error, InvalidRequestError))
        catalogue.breaker(route.model).succeeded()
        usage = reply.usage if reply.usage.prompt_tokens else estimate_usage(prepared.request, reply.characters)
        usage = usage if more is None else choices.sum_of(usage, more.usage)
        call = CascadeCall(route.model, usage, usage.cost_usd(spec), time.perf_counter() - started_at)
        cut = is_ours and reply.finish_reason == "length"
        failure = f"its answer is longer than {limit:,} tokens" if cut else ""
        samples = () if more is None else more.texts
        return _Held(call, failure, prepared, replace(reply, usage=usage), samples)

    def _judged(self, model: str, step: CascadeStep, held: _Held) -> CascadeTrace:
        """Whether a held answer is kept, and why not."""
        cascade = step.cascade
        value = None if held.reply is None else signal_of(cascade.signal, held.reply, held.samples)
        if value is not None:
            self._silent[model] = 0
        elif held.reply is not None and held.reply.text:
            self._silent[model] += 1
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


def _bounded(request: ChatRequest, limit: int) -> dict[str, Any]:
    """The bound of a first answer, by the caller's own name for it."""
    given = [name for name in _LIMITS if request.options.get(name) is not None] or ["max_tokens"]
    return dict.fromkeys(given, limit)


def _logprobs(request: ChatRequest, signal: str) -> dict[str, Any]:
    """What a first answer is asked for beside its text."""
    if signal not in FROM_LOGPROBS:
        return {}
    top = max(LOGPROB_OPTIONS["top_logprobs"], request.options.get("top_logprobs") or 0)
    return {**LOGPROB_OPTIONS, "top_logprobs": top}


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
