"""The pipeline: score, route, fit the files to the chosen model, ask it, fall back where it fails."""

from __future__ import annotations

import asyncio
import base64
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from autopicker_lab.chat.context import Context, fit
from autopicker_lab.chat.prepared import MODEL_FAILURES, PreparedRequest, estimate_usage
from autopicker_lab.chat.relevance import Ranker
from autopicker_lab.chat.stream import ChatStream, open_chunks
from autopicker_lab.core import (
    AutopickerError,
    ChatReply,
    ChatRequest,
    Complexity,
    ContextReport,
    Document,
    Message,
    ModelBusyError,
    ModelSpec,
    ModelUnavailableError,
    RateLimitError,
    Route,
    RoutePolicy,
    SourceFile,
    TransientUpstreamError,
)
from autopicker_lab.models import Availability, Catalogue, image_bytes
from autopicker_lab.routing import AUTO, Requirements, choose, permitted_models, route_to_named_model

if TYPE_CHECKING:
    from autopicker_lab.chat.reader import Attachment, Reader
    from autopicker_lab.chat.stream import OpenChunks, ReadAttachments

log = logging.getLogger(__name__)
T = TypeVar("T")
Scorer = Callable[[ChatRequest, Sequence[Document]], Complexity]
_RETRIABLE = (*MODEL_FAILURES, RateLimitError)
_PAUSES_S = (0.1, 0.3)  # before another try of the same model
_NO_FILES = ContextReport()
_FEW = 4  # earlier questions that are weighed on the event loop
_LONG_TEXT = 20_000  # characters from which scoring leaves the event loop


class Pipeline:
    """Scores, routes and answers requests; notebooks, service and command line all ask through one."""

    def __init__(self, catalogue: Catalogue, policy: RoutePolicy, scorer: Scorer, reader: Reader):
        self.catalogue = catalogue
        self.policy = policy
        self._scorer = scorer
        self._reader = reader
        self._ranker = Ranker()

    def __repr__(self) -> str:
        return f"<Pipeline: policy {self.policy.id}, {self.catalogue!r}>"

    async def score(self, request: ChatRequest, attachments: Sequence[Attachment] = ()) -> Complexity:
        """The complexity of a request with its files; long ones are scored off the event loop."""
        documents = [attachment.document for attachment in attachments]
        if sum([len(m.text) for m in request.messages]) + sum([len(d.text) for d in documents]) < _LONG_TEXT:
            return self._scorer(request, documents)
        return await asyncio.to_thread(self._scorer, request, documents)

    async def route(
        self, request: ChatRequest, attachments: Sequence[Attachment] = (), policy: RoutePolicy | None = None
    ) -> Route:
        """The route of a request by `policy`, or by the pipeline's own where that is None; asks no model.

        Raises:
            UnknownModelError, ModelUnavailableError, ContextLengthError.
        """
        complexity = await self.score(request, attachments)
        # first of all: it may discover the model that the request names
        answers = self.catalogue.known() or await self.catalogue.availability()
        name = None if request.model in ("", AUTO) else self.catalogue.get(request.model).describe().id
        specs = self.catalogue.specs() if name is None else [self.catalogue.get(name).describe()]
        if request.allowed is not None:
            specs = permitted_models(specs, request.allowed, request.model)
        if name is not None and _unavailable(answers, name):
            answers = {**answers, name: await self._recheck(name)}
        missing = {name: answer.why for name, answer in answers.items() if not answer.ok}
        rule = policy or self.policy
        needs = _requirements(request, attachments)
        if name is not None:
            return route_to_named_model(complexity, specs[0], rule, needs, missing)
        earlier = await self._earlier_questions(request) if len(request.messages) > 1 else []
        arguments = (complexity, specs, rule, needs, missing)
        if len(earlier) <= _FEW:
            return choose(*arguments, question=request.question, earlier=earlier)
        return await asyncio.to_thread(choose, *arguments, question=request.question, earlier=earlier)

    async def _recheck(self, name: str) -> Availability:
        """Ask a model again that did not answer; ModelUnavailableError where it still does not."""
        now = await self.catalogue.recheck(name)
        if not now.ok:
            wait = self.catalogue.breaker(name).resting_s()
            detail = f"'{name}' is not available: {now.why}"
            raise ModelUnavailableError(detail, now.hint, param="model", retry_after=wait or None)
        return now

    async def _earlier_questions(self, request: ChatRequest) -> list[tuple[str, Complexity]]:
        """The conversation's questions before this one, each with its complexity (their files are not known)."""
        indices = [i for i, message in enumerate(request.messages) if message.role == "user"][:-1]
        if not indices:
            return []
        parts = [replace(request, messages=request.messages[: i + 1]) for i in indices]
        if len(parts) > _FEW:
            return await asyncio.to_thread(lambda: [(part.question, self._scorer(part, ())) for part in parts])
        return [(part.question, await self.score(part)) for part in parts]

    async def complete(self, request: ChatRequest, attachments: Sequence[Attachment] = ()) -> ChatReply:
        """The whole answer; where a model fails, the next of the route is asked."""
        started_at = time.perf_counter()
        route = await self.route(request, attachments)
        prepared, reply = await self._ask_route(route, request, attachments, _complete)
        prepared.breaker.succeeded()
        if not reply.usage.prompt_tokens:
            reply = replace(reply, usage=estimate_usage(prepared.request, len(reply.text)))
        return reply.with_route(route, prepared.context_with_warnings(route), time.perf_counter() - started_at)

    def stream(
        self, request: ChatRequest, attachments: Sequence[Attachment] | ReadAttachments = (), keep: bool = True
    ) -> ChatStream:
        """The answer piece by piece; nothing happens before the first is asked for.

        Args:
            attachments: the files, or the call that reads them when the stream is first iterated.
            keep: keep the pieces, so that the stream has a `reply` at its end.
        """
        return ChatStream(request, attachments, keep, self.route, self._open_model)

    async def _open_model(
        self, route: Route, request: ChatRequest, attachments: Sequence[Attachment]
    ) -> tuple[PreparedRequest, OpenChunks]:
        return await self._ask_route(route, request, attachments, open_chunks)

    async def _ask_route(
        self,
        route: Route,
        request: ChatRequest,
        attachments: Sequence[Attachment],
        call: Callable[[PreparedRequest], Awaitable[T]],
    ) -> tuple[PreparedRequest, T]:
        """Ask the models of a route in turn until one does not fail: what it was asked, and the result of `call`."""
        failure: AutopickerError | None = None
        for name in (route.model, *route.fallbacks):
            prepared = await self._prepare(name, request, attachments)
            try:
                return prepared, await self._ask_model(name, call, prepared)
            except _RETRIABLE as error:
                log.warning("model %s failed: %s", name, error.loggable)
                if isinstance(error, ModelUnavailableError) and error.retry_after is None:
                    self.catalogue.mark_failed(name, error.detail, error.hint)
                failure = error
        assert failure is not None  # the route names at least one model
        raise failure

    async def _ask_model(
        self, name: str, call: Callable[[PreparedRequest], Awaitable[T]], prepared: PreparedRequest
    ) -> T:
        """Ask one model, again after a moment where it broke before it answered; one that goes on failing rests."""
        breaker = prepared.breaker
        failure: AutopickerError | None = None
        for pause in (*_PAUSES_S, None):
            if wait := breaker.admit():
                if failure is not None:
                    raise failure
                detail = f"'{name}' failed {breaker.failures} times running and rests"
                raise ModelUnavailableError(detail, f"try again in {wait:.0f} s", retry_after=wait)
            try:
                result = await call(prepared)
            except ModelBusyError:
                raise  # it does its best
            except TransientUpstreamError as error:
                breaker.failed()
                if pause is None:
                    raise
                failure = error
                await asyncio.sleep(random.uniform(0.5, 1.0) * pause)
            except MODEL_FAILURES:
                breaker.failed()
                raise
            else:
                return result
        raise AssertionError("the last try returns or raises")

    async def _prepare(self, name: str, request: ChatRequest, attachments: Sequence[Attachment]) -> PreparedRequest:
        """Fit the files to one model and put them before the question."""
        model, breaker = self.catalogue.get(name), self.catalogue.breaker(name)
        spec = model.describe()
        takes_pictures = "images" in spec.capabilities
        pictures = [a for a in attachments if takes_pictures and a.category == "image"]
        documents = [a.document for a in attachments if a not in pictures]
        messages = request.messages
        if request.image_urls and not takes_pictures:
            messages = await self._describe_pictures(messages)
        if not attachments:
            plain = request if messages is request.messages else replace(request, messages=messages)
            return PreparedRequest(model, breaker, plain, _NO_FILES)
        request = replace(request, messages=messages)
        budget = _budget(spec, request)
        context = await asyncio.to_thread(fit, documents, request.question, budget, self._ranker)
        parts = (messages, context, pictures)
        # off the event loop where there are pictures, which may have to be scaled
        messages = await asyncio.to_thread(_join_messages, *parts) if pictures else _join_messages(*parts)
        return PreparedRequest(model, breaker, replace(request, messages=messages), context.report)

    async def _describe_pictures(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Replace pictures in messages by the text in them, for a model that does not take pictures."""
        return tuple([await self._describe_message(message) for message in messages])

    async def _describe_message(self, message: Message) -> Message:
        if not message.image_urls:
            return message
        texts = [message.text]
        for i, url in enumerate(message.image_urls, 1):
            document = await self._reader.read(await asyncio.to_thread(_picture_file, url, f"picture {i}"))
            texts.append(f"[picture {i}]\n{document.text}")
        return replace(message, content="\n\n".join(texts))


async def _complete(prepared: PreparedRequest) -> ChatReply:
    return await prepared.model.complete(prepared.request)


def _unavailable(answers: Mapping[str, Availability], name: str) -> bool:
    return name in answers and not answers[name].ok


def _requirements(request: ChatRequest, attachments: Sequence[Attachment]) -> Requirements:
    """What a model must have room and capabilities for."""
    capabilities = set()
    if request.image_urls or (attachments and any(a.category == "image" for a in attachments)):
        capabilities.add("images")
    if request.options.get("tools"):
        capabilities.add("tools")
    limit = request.max_tokens
    return Requirements(request.token_count, min(limit or 256, 512), frozenset(capabilities), limit)


def _budget(spec: ModelSpec, request: ChatRequest) -> int:
    """Tokens of file context: the room beside messages and answer, or `context_budget` where that is less."""
    room = spec.context_window - request.token_count - min(request.max_tokens or spec.max_output, spec.max_output)
    return max(64, min(int(room * 0.85), spec.context_budget or room))  # estimates may be 15 % short


def _join_messages(
    messages: Sequence[Message], context: Context, pictures: Sequence[Attachment]
) -> tuple[Message, ...]:
    """The messages with file passages and pictures put before the last question."""
    last = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    if last < 0 or not (context.text or pictures):
        return tuple(messages)
    message = messages[last]
    content: str | tuple[dict[str, Any], ...] = message.text
    if context.text:
        content = f"Answer the question from the text.\n\nText:\n{context.text}\n\nQuestion: {content}"
    urls = [*message.image_urls, *(_data_url(picture.load()) for picture in pictures)]
    if urls:
        images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        content = ({"type": "text", "text": content}, *images)
    return (*messages[:last], replace(message, content=content), *messages[last + 1 :])


def _picture_file(url: str, name: str) -> SourceFile:
    from autopicker_lab.extraction import open_source

    return open_source(image_bytes(url), name)


def _data_url(file: SourceFile) -> str:
    from autopicker_lab.extraction.image import downscale

    smaller = downscale(file)
    return f"data:{smaller.media_type};base64,{base64.b64encode(smaller.data).decode()}"
