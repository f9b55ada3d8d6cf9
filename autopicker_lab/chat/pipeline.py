"""The pipeline: score, route, fit the files to the chosen model, ask it, fall back where it fails."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from autopicker_lab.chat import choices
from autopicker_lab.chat.cascade import CascadeRunner
from autopicker_lab.chat.file_context import FileContext
from autopicker_lab.chat.prepared import PreparedRequest, estimate_usage
from autopicker_lab.chat.preparing import RequestPreparer
from autopicker_lab.chat.requirements import requirements_of
from autopicker_lab.chat.sources import sources_of
from autopicker_lab.chat.steps import ReadingSteps
from autopicker_lab.chat.stream import ChatStream
from autopicker_lab.core import (
    AutopickerError,
    BudgetError,
    CascadeCall,
    CascadeTrace,
    ChatReply,
    ChatRequest,
    Complexity,
    ContextLengthError,
    Document,
    ModelBusyError,
    ModelSpec,
    ModelUnavailableError,
    RateLimitError,
    Route,
    RoutePolicy,
    TransientUpstreamError,
)
from autopicker_lab.grading.checks import CheckRunner
from autopicker_lab.models.base import FAULTS
from autopicker_lab.models.openai_options import left_out_warning
from autopicker_lab.routing import AUTO, choose, permitted_models, route_to_named_model
from autopicker_lab.routing.earlier import earlier_questions
from autopicker_lab.routing.router import unknown_models

if TYPE_CHECKING:
    from autopicker_lab.chat.context import Context
    from autopicker_lab.chat.reader import Attachment, Reader
    from autopicker_lab.chat.stream import Attachments
    from autopicker_lab.models import Availability, Catalogue
    from autopicker_lab.retrieval import Encoder

log = logging.getLogger(__name__)
T = TypeVar("T")
Scorer = Callable[[ChatRequest, Sequence[Document]], Complexity]
_RETRIABLE = (*FAULTS, RateLimitError)
_PAUSES_S = (0.1, 0.3, None)  # before another try of the same model; None: there is none
REPLAYED = "replayed: the answer was recorded earlier, and no model is asked"
_FEW = 4  # earlier questions that are weighed on the event loop
_LONG_TEXT = 20_000  # characters from which scoring leaves the event loop


class Pipeline:
    """What notebooks, service and command line all ask through."""

    def __init__(
        self,
        catalogue: Catalogue,
        policy: RoutePolicy,
        scorer: Scorer,
        reader: Reader,
        checks: CheckRunner | None = None,
        encoder: Encoder | None = None,
        rewriter: str = "",
    ):
        self.catalogue = catalogue
        self.policy = policy
        self._scorer = scorer
        self._reader = reader
        self.file_context = FileContext(encoder)
        self._preparer = RequestPreparer(catalogue, reader, self.file_context)
        self.reading = ReadingSteps(self, self.file_context.retriever, rewriter)
        self.checks = checks or CheckRunner()
        self.cascades = CascadeRunner(self, self.checks)

    def __repr__(self) -> str:
        return f"Pipeline({self.catalogue!r}, policy {self.policy.id!r})"

    async def score(self, request: ChatRequest, attachments: Sequence[Attachment] = ()) -> Complexity:
        """Complexity of a request; long ones are scored off the event loop."""
        documents = [attachment.document for attachment in attachments] if attachments else []
        length = sum([m.text_length for m in request.messages])
        if length + (sum([len(d.text) for d in documents]) if documents else 0) < _LONG_TEXT:
            return self._scorer(request, documents)
        return await asyncio.to_thread(self._scorer, request, documents)

    async def route(
        self, request: ChatRequest, attachments: Sequence[Attachment] = (), policy: RoutePolicy | None = None
    ) -> Route:
        """The model a request goes to by `policy`, or by the pipeline's own; asks no model.

        Raises:
            UnknownModelError, ModelUnavailableError, ContextLengthError.
        """
        complexity = await self.score(request, attachments)
        # before the names: it may discover the model that is asked for
        answers = self.catalogue.cached_availability() or await self.catalogue.availability()
        name = None if request.model in ("", AUTO) else self.catalogue.get(request.model, request.allowed).describe().id
        specs = self.catalogue.specs() if name is None else [self.catalogue.get(name).describe()]
        if request.allowed is not None:
            specs = permitted_models(specs, request.allowed, request.model)
        if name is not None and _is_down(answers, name):
            answers = {**answers, name: await self._recheck(name)}
        down = {name: answer.why for name, answer in answers.items() if not answer.ok}
        policy = policy or self.policy_of(request)
        requirements = requirements_of(request, attachments)
        if name is not None:
            named = route_to_named_model(complexity, specs[0], policy, requirements, down)
            return self._with_notes(named, request)
        before = earlier_questions(request) if len(request.messages) > 1 else ()
        earlier = await self._earlier(before) if before else ()
        asked = request.question, earlier, request.task
        if len(earlier) <= _FEW:
            route = choose(complexity, specs, policy, requirements, down, *asked)
        else:
            route = await asyncio.to_thread(choose, complexity, specs, policy, requirements, down, *asked)
        route = route if request.allowed is None else _without_other_models(route, policy, specs)
        if request.live is not None:
            route = request.live.explored(route)
        return self._with_notes(route, request)

    def policy_of(self, request: ChatRequest) -> RoutePolicy:
        """The policy that decides on a request: its own, where it is of a canary or began before a deployment."""
        return (request.live and request.live.policy) or self.policy

    def _with_notes(self, route: Route, request: ChatRequest) -> Route:
        """The route with warnings of options that the model's server will not be sent, or that its answers are old."""
        spec = self.catalogue.get(route.model).describe()
        warning = REPLAYED if spec.provider == "replay" else ""
        if request.options and spec.provider == "openai":
            warning = left_out_warning(request.options, spec)
        return replace(route, warnings=(*route.warnings, warning)) if warning else route

    async def _recheck(self, name: str) -> Availability:
        """That a model which did not answer does now; ModelUnavailableError where it does not."""
        now = await self.catalogue.recheck(name)
        if not now.ok:
            wait = self.catalogue.breaker(name).resting_s()
            detail = f"'{name}' is not available: {now.why}"
            raise ModelUnavailableError(detail, now.hint, param="model", retry_after=wait or None)
        return now

    async def _earlier(self, parts: Sequence[ChatRequest]) -> list[tuple[str, Complexity]]:
        """The conversation's questions before this one, each with its complexity (their files are not known)."""
        if len(parts) > _FEW:
            return await asyncio.to_thread(lambda: [(part.question, self._scorer(part, ())) for part in parts])
        return [(part.question, await self.score(part)) for part in parts]

    async def context(
        self, request: ChatRequest, attachments: Sequence[Attachment], budget: int | None = None
    ) -> Context:
        """What of the files would be put before a question; asks no model.

        Args:
            budget: tokens that it may have at most: of the request's model, or as they are estimated for no model where
                it names none; None: as many as the model gets that the request would go to.
        """
        documents = [attachment.document for attachment in attachments]
        if request.model in ("", AUTO):
            if budget is not None:
                return await self.file_context.of(request, documents, budget)
            name = (await self.route(request, attachments)).model
        else:
            name = request.model
        return await self.file_context.fitted(self.catalogue.get(name, request.allowed), request, documents, budget)

    async def complete(self, request: ChatRequest, attachments: Sequence[Attachment] = ()) -> ChatReply:
        """The whole answer; a model that fails is passed over for the next of the route."""
        started_at = time.perf_counter()
        route = await self.route(request, attachments)
        request = await self.reading.done(route, request, attachments)
        trace: CascadeTrace | None = None
        if route.cascade is None:
            prepared, reply = await self.first(route, request, attachments, _complete)
        else:
            route, prepared, reply, trace = await self.cascades.answer(route, request, attachments, _complete, _itself)
        self.catalogue.breaker(reply.model).succeeded()
        if not reply.usage.prompt_tokens:
            reply = replace(reply, usage=estimate_usage(prepared.request, reply.characters))
        if trace is not None and not trace.answered_by_first:
            trace = trace.with_second(_call_of(reply, prepared.model.describe()))
        report = prepared.report(route)
        if report.passages:
            found = await asyncio.to_thread(sources_of, reply.text, report.passages, request.question)
            reply = replace(reply, sources=found)
        return reply.with_route(route, report, time.perf_counter() - started_at, trace)

    def stream(self, request: ChatRequest, attachments: Attachments = (), keep: bool = True) -> ChatStream:
        """The answer piece by piece; nothing happens before the first is asked for.

        Args:
            attachments: the files of the question, or what reads them when the answer is first asked for.
            keep: keep the pieces, so that the stream has a `reply` at its end.
        """
        return ChatStream(self, request, attachments, keep)

    async def first(
        self,
        route: Route,
        request: ChatRequest,
        attachments: Sequence[Attachment],
        call: Callable[[PreparedRequest], Awaitable[T]],
    ) -> tuple[PreparedRequest, T]:
        """What the first model of the route that does not fail makes of a request, and what it was asked."""
        failure: AutopickerError | None = None
        too_small = 0  # window of a model that the request was too long for
        for name in (route.model, *route.fallbacks):
            window = self.catalogue.get(name).describe().context_window
            if window <= too_small:
                continue
            prepared = await self._preparer.prepare(name, request, attachments)
            try:
                return await self._paid(name, prepared, call)
            except BudgetError as error:
                failure = failure or error  # a cheaper one may do
            except ContextLengthError as error:
                too_small, failure = window, error  # a model with a larger window may do
            except _RETRIABLE as error:
                log.warning("model %s failed: %s", name, error.loggable)
                if isinstance(error, ModelUnavailableError) and error.retry_after is None:
                    self.catalogue.mark_failed(name, error.detail, error.hint)
                failure = error
        assert failure is not None  # the route names at least one model
        raise failure

    async def _paid(
        self, name: str, prepared: PreparedRequest, call: Callable[[PreparedRequest], Awaitable[T]]
    ) -> tuple[PreparedRequest, T]:
        """What one model makes of a request whose cost its caller can bear; BudgetError where that is not so."""
        spending = prepared.request.spending
        if spending is None:
            return prepared, await self.attempt(name, lambda: call(prepared))
        async with spending.cover(prepared.model.describe(), prepared.request) as request:
            covered = prepared._replace(request=request)
            return covered, await self.attempt(name, lambda: call(covered))

    async def attempt(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """The result of `call`, which asks one model: again after a moment where that broke before it answered.

        A model that goes on failing rests.
        """
        breaker = self.catalogue.breaker(name)
        failure: AutopickerError | None = None
        for pause in _PAUSES_S:
            if wait := breaker.admit():
                if failure is not None:
                    raise failure
                detail = f"'{name}' failed {breaker.failures} times running and rests"
                raise ModelUnavailableError(detail, f"try again in {wait:.0f} s", retry_after=wait)
            try:
                result = await call()
            except ModelBusyError:
                raise  # it does its best
            except TransientUpstreamError as error:
                breaker.failed()
                if pause is None:
                    raise
                failure = error
                await asyncio.sleep(random.uniform(0.5, 1.0) * pause)
            except FAULTS:
                breaker.failed()
                raise
            else:
                return result
        raise AssertionError("the last try returns or raises")


def _complete(prepared: PreparedRequest) -> Awaitable[ChatReply]:
    return choices.complete(prepared.model, prepared.request)


def _itself(reply: ChatReply) -> ChatReply:
    return reply


def _call_of(reply: ChatReply, spec: ModelSpec) -> CascadeCall:
    return CascadeCall(reply.model, reply.usage, reply.usage.cost_usd(spec), reply.total_s or 0.0)


def _without_other_models(route: Route, policy: RoutePolicy, specs: Sequence[ModelSpec]) -> Route:
    """The route for a caller who may use only these models: its warnings name no other."""
    others = unknown_models(policy, specs)
    return replace(route, warnings=tuple(line for line in route.warnings if line not in others)) if others else route


def _is_down(answers: Mapping[str, Availability], name: str) -> bool:
    return name in answers and not answers[name].ok
