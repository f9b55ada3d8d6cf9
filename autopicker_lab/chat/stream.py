"""ChatStream: an answer as it is made."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeAlias

from autopicker_lab.chat.prepared import MODEL_FAILURES, PreparedRequest, estimate_usage
from autopicker_lab.chat.reader import Attachment
from autopicker_lab.core import ChatChunk, ChatReply, ChatRequest, ContextReport, Route, Usage, join_chunks

ReadAttachments: TypeAlias = Callable[[], Awaitable[Sequence[Attachment]]]
FindRoute: TypeAlias = Callable[[ChatRequest, Sequence[Attachment]], Awaitable[Route]]
# a model's chunks, the first of which has come already; None where there is none
OpenChunks: TypeAlias = tuple[AsyncGenerator[ChatChunk, None], ChatChunk | None]
OpenModel: TypeAlias = Callable[
    [Route, ChatRequest, Sequence[Attachment]], Awaitable[tuple[PreparedRequest, OpenChunks]]
]


class ChatStream:
    """An answer as it is made: an async iterator of ChatChunk. Nothing happens before it is iterated.

    Attributes:
        route: set before a model is asked; None until then.
        model, context: the id of the model that answers and what it was given; set before the first chunk.
        finish_reason: why the answer ended, in OpenAI's words; None before.
        first_token_s, total_s: seconds to the first piece and to the end; None before.

    Args:
        attachments: the files of the question, or the call that reads them when the stream is first iterated.
        keep: keep the pieces, so that there is a `reply` at the end.
        find_route: chooses the model.
        open_model: asks the first model of a route that does not fail.
    """

    def __init__(
        self,
        request: ChatRequest,
        attachments: Sequence[Attachment] | ReadAttachments,
        keep: bool,
        find_route: FindRoute,
        open_model: OpenModel,
    ):
        self._request = request
        self._attachments = attachments
        self._keep = keep
        self._find_route = find_route
        self._open_model = open_model
        self._chunks = self._run()
        self._kept_chunks: list[ChatChunk] = []
        self._characters = 0
        self._usage = Usage()
        self.route: Route | None = None
        self.model = ""
        self.context = ContextReport()
        self.finish_reason: str | None = None
        self.first_token_s: float | None = None
        self.total_s: float | None = None

    def __repr__(self) -> str:
        state = "not begun" if self.route is None else "under way" if self.total_s is None else "at its end"
        return f"<ChatStream of {self.model or 'no model yet'}: {state}, {self._characters:,} characters>"

    def __aiter__(self) -> AsyncGenerator[ChatChunk, None]:
        return self._chunks

    async def aclose(self) -> None:
        """Stop: the model's work ends too."""
        await self._chunks.aclose()

    @property
    def usage(self) -> Usage:
        """Tokens as the model's server counted them; estimated where it has not, or not yet."""
        return self._usage if self._usage.prompt_tokens else estimate_usage(self._request, self._characters)

    @property
    def reply(self) -> ChatReply | None:
        """The whole answer; None before its end, and where its pieces are not kept."""
        if self.total_s is None or not self._keep:
            return None
        message = join_chunks(self._kept_chunks)
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
        started_at = time.perf_counter()
        attachments = await self._attachments() if callable(self._attachments) else self._attachments
        self.route = route = await self._find_route(self._request, attachments)
        prepared, (chunks, chunk) = await self._open_model(route, self._request, attachments)
        self.model = prepared.model.describe().id
        self.context, self._request = prepared.context_with_warnings(route), prepared.request
        async with aclosing(chunks):
            while chunk is not None:
                if self.first_token_s is None and chunk.events:
                    self.first_token_s = time.perf_counter() - started_at
                self.finish_reason = chunk.finish_reason or self.finish_reason
                self._usage = chunk.usage or self._usage
                if self._keep:
                    self._kept_chunks.append(chunk)
                self._characters += len(chunk.content)
                yield chunk
                try:
                    chunk = await anext(chunks, None)
                except MODEL_FAILURES:
                    prepared.breaker.failed()
                    raise
        self.total_s = time.perf_counter() - started_at
        prepared.breaker.succeeded()


async def open_chunks(prepared: PreparedRequest) -> OpenChunks:
    """Ask a model for a stream and wait for its first piece."""
    chunks = prepared.model.stream(prepared.request)
    return chunks, await anext(chunks, None)
