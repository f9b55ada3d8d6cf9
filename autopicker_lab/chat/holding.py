"""The first answer of a cascade: held within bounds of tokens and time until its signal is measured."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from autopicker_lab.chat import choices
from autopicker_lab.chat.prepared import estimate_usage
from autopicker_lab.core import (
    AutopickerError,
    CascadeCall,
    ChatReply,
    ChatRequest,
    InvalidRequestError,
    LaterCall,
    Usage,
)
from autopicker_lab.routing.signals import (
    FROM_LOGPROBS,
    JUDGING,
    LOGPROB_OPTIONS,
    SAMPLING,
    judge_of,
    measure_signal,
    samples_wanted,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from autopicker_lab.chat.prepared import PreparedRequest
    from autopicker_lab.chat.reader import Attachment
    from autopicker_lab.core import Cascade, CascadeStep, ModelSpec, Route
    from autopicker_lab.grading.checks import CheckRunner
    from autopicker_lab.models import Catalogue

T = TypeVar("T")
_LIMITS = ("max_completion_tokens", "max_tokens")


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


class HeldAnswer(NamedTuple):
    """A first answer, or why there is none to keep (`failure`).

    Attributes:
        call: of the first model, further answers for its signal included; judge: of the one that gave its opinion.
        value: of the signal; None without one, and `unmeasured` says why where that was tried.
        short: why the caller's budget does not reach for the second model as well; "" where it does.
        refused: its server would not take the request.
        charged_usd: what the caller's budget was charged for already.
    """

    call: CascadeCall
    failure: str = ""
    prepared: PreparedRequest | None = None
    reply: ChatReply | None = None
    value: float | None = None
    unmeasured: str = ""
    short: str = ""
    judge: CascadeCall | None = None
    refused: bool = False
    charged_usd: float = 0.0


async def hold(
    source: ModelSource,
    checks: CheckRunner,
    route: Route,
    step: CascadeStep,
    request: ChatRequest,
    attachments: Sequence[Attachment],
) -> HeldAnswer:
    """The answer of the route's model, and its signal, within the cascade's bounds of tokens and time.

    What the second model and the signal may cost is held with what the first one may, before that is asked.
    """
    cascade, spec = step.cascade, source.catalogue.get(route.model).describe()
    limit, is_ours = _limit(request, cascade, spec)
    asker = _Asker(source, route, step, request, attachments, limit)
    try:
        async with asyncio.timeout(cascade.max_s) as bound:
            try:
                prepared, reply = await asker.first()
            except AutopickerError as error:
                refused = isinstance(error, InvalidRequestError)
                return HeldAnswer(asker.call, f"it failed ({error.detail})", refused=refused)
    except TimeoutError:
        return HeldAnswer(asker.call, f"its answer took longer than {cascade.max_s:g} s")
    source.catalogue.breaker(route.model).succeeded()
    short = request.spending.short.detail if request.spending is not None and request.spending.short else ""
    cut = is_ours and reply.finish_reason == "length"
    value, unmeasured = None, ""
    if not cut and not short:
        try:
            async with asyncio.timeout_at(bound.when()):
                value = await measure_signal(cascade.signal, reply, request.question, asker, checks)
        except TimeoutError:
            unmeasured = f"it was not measured within {cascade.max_s:g} s"
        except AutopickerError as error:
            unmeasured = error.detail
    failure = f"its answer is longer than {limit:,} tokens" if cut else ""
    reply = replace(reply, usage=asker.usage)
    return HeldAnswer(
        asker.call, failure, prepared, reply, value, unmeasured, short, asker.judge, charged_usd=asker.charged_usd
    )


class _Asker:
    """Asks the first model, and whoever its signal needs, one call after the other, and counts what they cost.

    Attributes:
        usage: of the first model's answers. judge: the call of the model that was asked for its opinion.
        charged_usd: what the caller's budget was charged for.
    """

    def __init__(
        self,
        source: ModelSource,
        route: Route,
        step: CascadeStep,
        request: ChatRequest,
        attachments: Sequence[Attachment],
        limit: int,
    ):
        self._source, self._route, self._step = source, route, step
        self._request, self._attachments, self._limit = request, attachments, limit
        self._spec = source.catalogue.get(route.model).describe()
        self._started_at = time.perf_counter()
        self.usage = Usage()
        self.judge: CascadeCall | None = None
        self.charged_usd = 0.0

    @property
    def call(self) -> CascadeCall:
        """What the first model was asked until now."""
        seconds = time.perf_counter() - self._started_at - (self.judge.seconds if self.judge else 0.0)
        return CascadeCall(self._route.model, self.usage, self.usage.cost_usd(self._spec), seconds)

    async def first(self) -> tuple[PreparedRequest, ChatReply]:
        """The answer that is held."""
        signal = self._step.cascade.signal
        later = []
        if wanted := samples_wanted(signal):
            later.append(LaterCall(self._spec, self._bounded({**SAMPLING, "n": wanted})))
        if judge := judge_of(signal):
            later.append(LaterCall(self._source.catalogue.get(judge).describe(), JUDGING, self._limit))
        return await self._ask(_logprobs(self._request, signal), later)

    async def samples(self, count: int) -> Sequence[str]:
        """Texts of more answers of the same model to the same question."""
        _, reply = await self._ask({**SAMPLING, "n": count}, ())
        return reply.texts

    async def opinion(self, judge: str, text: str) -> str:
        """What another model says to a text."""
        spec, started_at = self._source.catalogue.get(judge).describe(), time.perf_counter()
        request = ChatRequest.of(text, model=spec.id, options=JUDGING).with_allowed(None, self._request.spending)
        self._set_aside(())
        prepared, reply = await self._source.first(self._alone(spec.id), request, (), _complete)
        usage = _usage_of(prepared, reply)
        cost = self._charge(spec, usage)
        self.judge = CascadeCall(spec.id, usage, cost, time.perf_counter() - started_at)
        return reply.text

    async def _ask(self, options: Mapping[str, Any], later: Sequence[LaterCall]) -> tuple[PreparedRequest, ChatReply]:
        """Ask the first model alone; the second one's cost is held as well, and that of `later` calls."""
        asked = replace(self._request, options=self._bounded(options))
        self._set_aside(later)
        prepared, reply = await self._source.first(self._alone(self._route.model), asked, self._attachments, _complete)
        usage = _usage_of(prepared, reply)
        self._charge(self._spec, usage)
        self.usage = choices.sum_of(self.usage, usage)
        return prepared, reply

    def _bounded(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the request, with the bound of a first answer by the caller's own name for it, and others."""
        given = [name for name in _LIMITS if self._request.options.get(name) is not None] or ["max_tokens"]
        return {**self._request.options, **dict.fromkeys(given, self._limit), **options}

    def _alone(self, model: str) -> Route:
        return replace(self._route, model=model, fallbacks=())

    def _set_aside(self, later: Sequence[LaterCall]) -> None:
        if self._request.spending is not None:
            then = self._source.catalogue.get(self._step.then).describe()
            self._request.spending.set_aside((*later, LaterCall(then, self._request.options)))

    def _charge(self, spec: ModelSpec, usage: Usage) -> float:
        """Charge the caller at once, since what is held is for the calls that follow; the cost, USD."""
        cost = usage.cost_usd(spec)
        if self._request.spending is not None and cost:
            self._request.spending.charge(cost)
            self.charged_usd += cost
        return cost


def _complete(prepared: PreparedRequest) -> Awaitable[ChatReply]:
    return choices.complete(prepared.model, prepared.request)


def _usage_of(prepared: PreparedRequest, reply: ChatReply) -> Usage:
    return reply.usage if reply.usage.prompt_tokens else estimate_usage(prepared.request, reply.characters)


def _limit(request: ChatRequest, cascade: Cascade, spec: ModelSpec) -> tuple[int, bool]:
    """The longest first answer in tokens, and whether it is shorter than what the request allows."""
    allowed = spec.max_output if request.max_tokens is None else request.max_tokens
    return min(allowed, cascade.max_tokens), cascade.max_tokens < allowed


def _logprobs(request: ChatRequest, signal: str) -> dict[str, Any]:
    """What a first answer is asked for beside its text."""
    if signal not in FROM_LOGPROBS:
        return {}
    top = max(LOGPROB_OPTIONS["top_logprobs"], request.options.get("top_logprobs") or 0)
    return {**LOGPROB_OPTIONS, "top_logprobs": top}
