"""An answer as it is made."""

from __future__ import annotations

import math
import time
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from autopicker_lab.core import (
    ChatChunk,
    ChatReply,
    ChatRequest,
    ContextReport,
    ModelUnavailableError,
    Route,
    UpstreamError,
    UpstreamTimeoutError,
    Usage,
    assembled,
)
from autopicker_lab.core.text import CHARS_PER_TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from autopicker_lab.chat.pipeline import Pipeline, PreparedRequest
    from autopicker_lab.chat.reader import Attachment

FAULTS = (ModelUnavailableError, UpstreamError, UpstreamTimeoutError)


class ChatStream:
    """An answer as it is made: an async iterator of ChatChunk.

    Attributes:
        route: set before the first chunk; `model` and `context` with it.
        first_token_s, total_s: seconds to the first piece and to the end; None before.
    """

    def __init__(self, pipeline: Pipeline, request: ChatRequest, attachments: Sequence[Attachment], keep: bool):
        self._pipeline = pipeline
        self._keep = keep
        self._asked = request
        self._written = 0
        self._request = request
        self._attachments = attachments
        self._chunks = self._run()
        self._seen: list[ChatChunk] = []
        self.route: Route | None = None
        self.model = ""
        self.context = ContextReport()
        self.finish_reason: str | None = None
        self._usage = Usage()
        self.first_token_s: float | None = None
        self.total_s: float | None = None

    def __aiter__(self) -> AsyncGenerator[ChatChunk, None]:
        return self._chunks

    async def aclose(self) -> None:
        """Stop: the model's work ends too."""
        await self._chunks.aclose()

    @property
    def usage(self) -> Usage:
        """Tokens as the model's server counted them; estimated where it has not, or not yet."""
        return self._usage if self._usage.prompt_tokens else estimated(self._asked, self._written)

    @property
    def reply(self) -> ChatReply | None:
        """The whole answer; None while it is not, and where its pieces are not kept."""
        if self.total_s is None or not self._keep:
            return None
        message = assembled(self._seen)
        return ChatReply(
            message["content"] or "",
            self.model,
            self.finish_reason or "stop",
            self.usage,
            message,
            {},
            self.route,
            self.context,
            self.first_token_s,
            self.total_s,
        )

    async def _run(self) -> AsyncGenerator[ChatChunk, None]:
        begun = time.perf_counter()
        self.route = route = await self._pipeline.route(self._request, self._attachments)
        ask, (chunks, chunk) = await self._pipeline.first(route, self._request, self._attachments, _opened)
        self.model, self.context, self._asked = ask.model.describe().id, noted(ask, route), ask.request
        async with aclosing(chunks):
            while chunk is not None:
                if self.first_token_s is None and chunk.events:
                    self.first_token_s = time.perf_counter() - begun
                self.finish_reason = chunk.finish_reason or self.finish_reason
                self._usage = chunk.usage or self._usage
                if self._keep:
                    self._seen.append(chunk)
                self._written += len(chunk.content)
                yield chunk
                try:
                    chunk = await anext(chunks, None)
                except FAULTS:
                    self._pipeline.catalogue.breaker(self.model).failed()
                    raise
        self.total_s = time.perf_counter() - begun
        self._pipeline.catalogue.breaker(self.model).succeeded()


async def _opened(ask: PreparedRequest) -> tuple[AsyncGenerator[ChatChunk, None], ChatChunk | None]:
    """A model's stream and its first piece."""
    chunks = ask.model.stream(ask.request)
    return chunks, await anext(chunks, None)


def estimated(request: ChatRequest, characters: int) -> Usage:
    """Tokens of a request and of so much text in answer to it, where nobody counted them."""
    return Usage(request.token_count, math.ceil(characters / CHARS_PER_TOKEN))


def noted(ask: PreparedRequest, route: Route) -> ContextReport:
    """What a model was given, with the warnings of the route to it."""
    if not route.warnings:
        return ask.context
    return replace(ask.context, warnings=ask.context.warnings + route.warnings)
