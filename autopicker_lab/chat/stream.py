"""ChatStream: an answer as it is made."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol, TypeVar

from autopicker_lab.chat import choices
from autopicker_lab.chat.cascade import as_stream
from autopicker_lab.chat.prepared import PreparedRequest, estimate_usage
from autopicker_lab.chat.sources import sources_of
from autopicker_lab.core import (
    AnswerSources,
    ChatChunk,
    ChatReply,
    ChatRequest,
    ContextReport,
    Route,
    Usage,
    assemble_completion,
)
from autopicker_lab.models.base import FAULTS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from autopicker_lab.chat.cascade import CascadeRunner
    from autopicker_lab.chat.reader import Attachment
    from autopicker_lab.chat.steps import ReadingSteps
    from autopicker_lab.core import CascadeTrace
    from autopicker_lab.models import Catalogue

    Attachments = Sequence[Attachment] | Callable[[], Awaitable[Sequence[Attachment]]]

T = TypeVar("T")


class StreamSource(Protocol):
    """What a stream asks: the pipeline."""

    catalogue: Catalogue
    cascades: CascadeRunner
    reading: ReadingSteps

    async def route(self, request: ChatRequest, attachments: Sequence[Attachment] = ()) -> Route:
        """The model that a request goes to."""


class ChatStream:
    """An answer as it is made: an async iterator of ChatChunk.

    Args:
        attachments: the files of the question, or what reads them when the answer is first asked for.
        keep: keep the pieces, so that there is a `reply` at the end.

    Attributes:
        route: set before the first chunk; `model`, `context` and `cascade` with it.
        sources: which sentences stand in the files; empty before the end.
        first_token_s, total_s: seconds to the first piece and to the end; None before.
    """

    def __init__(self, source: StreamSource, request: ChatRequest, attachments: Attachments, keep: bool):
        self._source = source
        self._keep = keep
        self._sent_request = request
        self._characters = 0
        self._request = request
        self._attachments = attachments
        self._generator = self._generate()
        self._chunks: list[ChatChunk] = []
        self.route: Route | None = None
        self.model = ""
        self.context = ContextReport()
        self.sources = AnswerSources()
        self._said: list[str] = []
        self.cascade: CascadeTrace | None = None
        self.finish_reason: str | None = None
        self._usage = Usage()
        self.first_token_s: float | None = None
        self.total_s: float | None = None

    def __repr__(self) -> str:
        state = "not begun" if self.route is None else "ended" if self.total_s is not None else "under way"
        return f"{type(self).__name__}({self.model or self._request.model!r}, {state})"

    def __aiter__(self) -> AsyncGenerator[ChatChunk, None]:
        return self._generator

    async def aclose(self) -> None:
        """Stop: the model's work ends too."""
        await self._generator.aclose()

    @property
    def usage(self) -> Usage:
        """Tokens as the model's server counted them; estimated where it has not, or not yet."""
        return self._usage if self._usage.prompt_tokens else estimate_usage(self._sent_request, self._characters)

    @property
    def kept(self) -> int:
        """How many pieces are kept, of which `reply` is made."""
        return len(self._chunks)

    @property
    def reply(self) -> ChatReply | None:
        """The whole answer; None before its end, and where its pieces are not kept."""
        if self.total_s is None or not self._keep:
            return None
        finish_reason = self.finish_reason or "stop"
        completion = assemble_completion(self._chunks, finish_reason)
        message = completion["choices"][0]["message"]
        return ChatReply(
            message["content"] or "",
            self.model,
            finish_reason,
            self.usage,
            message,
            completion,
            self.route,
            self.context,
            self.first_token_s,
            self.total_s,
            cascade=self.cascade,
            sources=self.sources,
        )

    async def _generate(self) -> AsyncGenerator[ChatChunk, None]:
        started_at = time.perf_counter()
        attachments = await self._attachments() if callable(self._attachments) else self._attachments
        self.route = route = await self._source.route(self._request, attachments)
        request = await self._source.reading.done(route, self._request, attachments)
        opened = await self._source.cascades.answer(route, request, attachments, _open, as_stream)
        self.route = route = opened.route
        prepared, (chunks, chunk), self.cascade = opened[1:]
        self.model, self.context = prepared.model.describe().id, prepared.report(route)
        self._sent_request = prepared.request
        async with aclosing(chunks):
            while chunk is not None:
                if self.first_token_s is None and chunk.events:
                    self.first_token_s = time.perf_counter() - started_at
                self.finish_reason = chunk.finish_reason or self.finish_reason
                self._usage = chunk.usage or self._usage
                if self._keep:
                    self._chunks.append(chunk)
                self._characters += chunk.characters
                if self.context.passages:
                    self._said.append(chunk.content)
                yield chunk
                try:
                    chunk = await anext(chunks, None)
                except FAULTS:
                    self._source.catalogue.breaker(self.model).failed()
                    raise
        if self.context.passages:
            text, question = "".join(self._said), self._request.question
            self.sources = await asyncio.to_thread(sources_of, text, self.context.passages, question)
        self.total_s = time.perf_counter() - started_at
        self._source.catalogue.breaker(self.model).succeeded()


async def _open(prepared: PreparedRequest) -> tuple[AsyncGenerator[ChatChunk, None], ChatChunk | None]:
    """A model's stream and its first piece."""
    model, request = prepared.model, prepared.request
    chunks = model.stream(request) if choices.choices_wanted(request) == 1 else choices.stream(model, request)
    return chunks, await anext(chunks, None)
