"""The pipeline: score, route, fit the files to the chosen model, ask it, fall back where it fails."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from autopicker_lab.chat.context import Context, fit
from autopicker_lab.chat.reader import Attachment, Reader
from autopicker_lab.chat.relevance import Ranker
from autopicker_lab.core import (
    AutopickerError,
    ChatChunk,
    ChatReply,
    ChatRequest,
    Complexity,
    ContextReport,
    Document,
    Message,
    ModelSpec,
    ModelUnavailableError,
    RateLimitError,
    Route,
    RoutePolicy,
    SourceFile,
    UpstreamError,
    UpstreamTimeoutError,
    Usage,
)
from autopicker_lab.models import Availability, Catalogue, ChatModel, image_bytes
from autopicker_lab.routing import Needs, choose

log = logging.getLogger(__name__)
Scorer = Callable[[ChatRequest, Sequence[Document]], Complexity]
AUTO = "auto"
_RETRIABLE = (ModelUnavailableError, UpstreamError, UpstreamTimeoutError, RateLimitError)
_FEW = 4  # earlier questions that are weighed on the event loop
_LONG_TEXT = 20_000  # characters from which scoring leaves the event loop


@dataclass(frozen=True)
class Ask:
    """A request made ready for one model."""

    model: ChatModel
    request: ChatRequest
    context: ContextReport


class Pipeline:
    """What notebooks, service and command line all ask through."""

    def __init__(self, catalogue: Catalogue, policy: RoutePolicy, scorer: Scorer, reader: Reader):
        self.catalogue = catalogue
        self.policy = policy
        self._scorer = scorer
        self._reader = reader
        self._ranker = Ranker()

    async def score(self, request: ChatRequest, attachments: Sequence[Attachment] = ()) -> Complexity:
        """Complexity of a request; long ones are scored off the event loop."""
        documents = [attachment.document for attachment in attachments]
        if sum(len(m.text) for m in request.messages) + sum(len(d.text) for d in documents) < _LONG_TEXT:
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
        answers = await self.catalogue.availability()  # first: it may discover the model that is named
        named = None if request.model in ("", AUTO) else self.catalogue.get(request.model).describe()
        if named is not None and _down(answers, named.id):
            answers = await self.catalogue.availability(fresh=True)  # it may have been started since
            if _down(answers, named.id):
                why = answers[named.id]
                raise ModelUnavailableError(f"'{named.id}' is not available: {why.why}", why.hint, param="model")
        specs = self.catalogue.specs() if named is None else [named]
        missing = {name: answer.why for name, answer in answers.items() if not answer.ok}
        rule = policy or self.policy
        if named is not None:  # its budget and its privacy pin hold for a named model, too
            rule = replace(rule, id="named", estimator=None, by_tiers=False)
        earlier = await self._earlier(request) if named is None else []
        decide = partial(
            choose,
            complexity,
            specs,
            rule,
            _needs(request, attachments),
            missing,
            question=request.question,
            earlier=earlier,
        )
        route = await asyncio.to_thread(decide) if len(earlier) > _FEW else decide()
        if named is None:
            return route
        return replace(route, reason=f"{named.id} was named by the caller", named=True)

    async def _earlier(self, request: ChatRequest) -> list[tuple[str, Complexity]]:
        """The conversation's questions before this one, each with its complexity (their files are not known)."""
        asked = [i for i, message in enumerate(request.messages) if message.role == "user"][:-1]
        parts = [replace(request, messages=request.messages[: i + 1]) for i in asked]
        if len(parts) > _FEW:
            return await asyncio.to_thread(lambda: [(part.question, self._scorer(part, ())) for part in parts])
        return [(part.question, await self.score(part)) for part in parts]

    async def complete(self, request: ChatRequest, attachments: Sequence[Attachment] = ()) -> ChatReply:
        """The whole answer; a model that fails is passed over for the next of the route."""
        begun = time.perf_counter()
        route = await self.route(request, attachments)
        failure: AutopickerError | None = None
        for name in (route.model, *route.fallbacks):
            ask = await self._prepare(name, request, attachments)
            try:
                reply = await ask.model.complete(ask.request)
            except _RETRIABLE as error:
                failure = self._passed_over(name, error)
                continue
            return replace(reply, route=route, context=_noted(ask, route), total_s=time.perf_counter() - begun)
        assert failure is not None  # the route names at least one model
        raise failure

    def stream(self, request: ChatRequest, attachments: Sequence[Attachment] = ()) -> ChatStream:
        """The answer piece by piece; nothing happens before the first is asked for."""
        return ChatStream(self, request, attachments)

    async def _open(
        self, route: Route, request: ChatRequest, attachments: Sequence[Attachment]
    ) -> tuple[Ask, AsyncGenerator[ChatChunk, None], ChatChunk | None]:
        """The first model of the route that gives a first piece, its stream, and that piece."""
        failure: AutopickerError | None = None
        for name in (route.model, *route.fallbacks):
            ask = await self._prepare(name, request, attachments)
            chunks = ask.model.stream(ask.request)
            try:
                return ask, chunks, await anext(chunks, None)
            except _RETRIABLE as error:
                failure = self._passed_over(name, error)
        assert failure is not None  # the route names at least one model
        raise failure

    def _passed_over(self, name: str, error: AutopickerError) -> AutopickerError:
        log.warning("model %s failed: %s", name, error)
        if isinstance(error, ModelUnavailableError):
            self.catalogue.mark_failed(name, error.detail, error.hint)
        return error

    async def _prepare(self, name: str, request: ChatRequest, attachments: Sequence[Attachment]) -> Ask:
        """Fit the files to one model and put them before the question."""
        model = self.catalogue.get(name)
        spec = model.describe()
        sees = "images" in spec.capabilities
        pictures = [a for a in attachments if sees and a.file.category == "image"]
        documents = [a.document for a in attachments if a not in pictures]
        messages = request.messages if sees else await self._described(request.messages)
        request = replace(request, messages=messages)
        budget = _budget(spec, request)
        context = await asyncio.to_thread(fit, documents, request.question, budget, self._ranker)
        parts = (messages, context, pictures)
        joined = await asyncio.to_thread(_joined, *parts) if pictures else _joined(*parts)  # pictures may be scaled
        return Ask(model, replace(request, messages=joined), context.report)

    async def _described(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Pictures in messages as the text in them, for a model that does not see."""
        return tuple([await self._describe(message) for message in messages])

    async def _describe(self, message: Message) -> Message:
        if not message.image_urls:
            return message
        texts = [message.text]
        for i, url in enumerate(message.image_urls, 1):
            from autopicker_lab.extraction import open_source

            document = await self._reader.read(open_source(image_bytes(url), f"picture {i}"))
            texts.append(f"[picture {i}]\n{document.text}")
        return replace(message, content="\n\n".join(texts))


class ChatStream:
    """An answer as it is made: an async iterator of ChatChunk.

    Attributes:
        route: set before the first chunk; `model` and `context` with it.
        reply: the whole answer, set after the last chunk.
    """

    def __init__(self, pipeline: Pipeline, request: ChatRequest, attachments: Sequence[Attachment]):
        self._pipeline = pipeline
        self._request = request
        self._attachments = attachments
        self._chunks = self._run()
        self.route: Route | None = None
        self.model = ""
        self.context = ContextReport()
        self.reply: ChatReply | None = None

    def __aiter__(self) -> AsyncGenerator[ChatChunk, None]:
        return self._chunks

    async def aclose(self) -> None:
        """Stop: the model's work ends too."""
        await self._chunks.aclose()

    async def _run(self) -> AsyncGenerator[ChatChunk, None]:
        begun = time.perf_counter()
        self.route = await self._pipeline.route(self._request, self._attachments)
        ask, chunks, first = await self._pipeline._open(self.route, self._request, self._attachments)
        self.model, self.context = ask.model.describe().id, _noted(ask, self.route)
        first_token_s: float | None = None
        texts: list[str] = []
        finish, usage = "stop", Usage()
        async with aclosing(chunks):
            chunk = first
            while chunk is not None:
                if first_token_s is None and chunk.content:
                    first_token_s = time.perf_counter() - begun
                texts.append(chunk.content)
                finish, usage = chunk.finish_reason or finish, chunk.usage or usage
                yield chunk
                chunk = await anext(chunks, None)
        text = "".join(texts)
        self.reply = ChatReply(
            text,
            self.model,
            finish,
            usage,
            {"role": "assistant", "content": text},
            self.route,
            self.context,
            first_token_s,
            time.perf_counter() - begun,
        )


def _down(answers: Mapping[str, Availability], name: str) -> bool:
    return name in answers and not answers[name].ok


def _needs(request: ChatRequest, attachments: Sequence[Attachment]) -> Needs:
    wanted = set()
    if request.image_urls or any(a.file.category == "image" for a in attachments):
        wanted.add("images")
    if request.options.get("tools"):
        wanted.add("tools")
    answer = request.max_tokens
    return Needs(request.token_count, min(answer or 256, 512), frozenset(wanted), answer)


def _budget(spec: ModelSpec, request: ChatRequest) -> int:
    """Tokens of file context: what the window leaves beside messages and answer, or less where less is worth it."""
    room = spec.context_window - request.token_count - min(request.max_tokens or spec.max_output, spec.max_output)
    return max(64, min(int(room * 0.85), spec.context_budget or room))  # estimates may be 15 % short


def _joined(messages: Sequence[Message], context: Context, pictures: Sequence[Attachment]) -> tuple[Message, ...]:
    """The messages with file passages and pictures put before the last question."""
    last = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    if last < 0 or not (context.text or pictures):
        return tuple(messages)
    message = messages[last]
    content: str | tuple[dict[str, Any], ...] = message.text
    if context.text:
        content = f"Answer the question from the text.\n\nText:\n{context.text}\n\nQuestion: {content}"
    urls = [*message.image_urls, *(_data_url(picture.file) for picture in pictures)]
    if urls:
        shown = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        content = ({"type": "text", "text": content}, *shown)
    return (*messages[:last], replace(message, content=content), *messages[last + 1 :])


def _data_url(file: SourceFile) -> str:
    from autopicker_lab.extraction.image import downscaled

    shown = downscaled(file)
    return f"data:{shown.media_type};base64,{base64.b64encode(shown.data).decode()}"


def _noted(ask: Ask, route: Route) -> ContextReport:
    return replace(ask.context, warnings=ask.context.warnings + route.warnings)
