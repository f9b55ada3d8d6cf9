"""What every provider offers, and what they share."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from autopicker_lab.core import (
    ChatChunk,
    ChatReply,
    ChatRequest,
    InvalidRequestError,
    ModelSpec,
    ModelUnavailableError,
    UpstreamError,
    UpstreamTimeoutError,
    Usage,
    assemble_completion,
)
from autopicker_lab.core.errors import with_hint
from autopicker_lab.core.parts import whole_data_url

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from autopicker_lab.http_client import HttpClient

FAULTS = (ModelUnavailableError, UpstreamError, UpstreamTimeoutError)  # of a model, after which another may be asked


@dataclass(frozen=True)
class Availability:
    """Whether a model would answer now, and if not, why and what to do.

    Attributes:
        digest: of the weights that its server has under the name; "" where it tells none.
    """

    ok: bool
    why: str = ""
    hint: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return "available" if self.ok else with_hint(self.why, self.hint)


def unset_variable(spec: ModelSpec) -> Availability:
    """That a model cannot be asked, because nobody set a variable that its entry names."""
    why = f"${{{spec.unset[0]}}} is not set"
    return Availability(False, why, f"set it in the environment or .env, or take it out of the entry of '{spec.id}'")


class ChatModel(Protocol):
    """A model that chats. `stream` yields each piece as it is made and stops upstream work when it is closed."""

    def describe(self) -> ModelSpec:
        """The model's entry in the catalogue."""

    async def available(self) -> Availability:
        """Whether it would answer now; asks its server, or looks for its file."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The whole answer."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """The answer as it is made."""

    def pending(self) -> int:
        """Requests that are being answered, or wait to be."""

    async def close(self) -> None:
        """Give back memory and the running loop's connections; the next use takes them anew."""


async def complete_from_stream(model: ChatModel, request: ChatRequest) -> ChatReply:
    """The whole answer out of a model's stream."""
    started_at = time.perf_counter()
    first: float | None = None
    chunks: list[ChatChunk] = []
    finish, usage = "stop", Usage()
    async for chunk in model.stream(request):
        if first is None and chunk.events:
            first = time.perf_counter() - started_at
        chunks.append(chunk)
        finish, usage = chunk.finish_reason or finish, chunk.usage or usage
    completion = assemble_completion(chunks, finish)
    message = completion["choices"][0]["message"]
    return ChatReply(
        message["content"] or "",
        model.describe().id,
        finish,
        usage,
        message,
        completion,
        first_token_s=first,
        total_s=time.perf_counter() - started_at,
    )


def image_bytes(url: str) -> bytes:
    """The picture in a data URL. Addresses are not fetched: the service would become a way into its network."""
    return base64.b64decode(image_base64(url))


def image_base64(url: str) -> str:
    """The picture in a data URL, in base64; InvalidRequestError for anything else."""
    try:
        return whole_data_url(url).partition(",")[2]
    except ValueError as error:
        raise InvalidRequestError(
            f"image_url {error}", "send data:image/png;base64,... or upload the file", param="messages"
        ) from None


async def close_client(client: HttpClient) -> None:
    """Break off a client's connections."""
    client.close()
    await asyncio.sleep(0)  # what is broken off is closed in the next turn of the loop
