"""FileContext: what of the files a model is given, within tokens as that model counts them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from autopicker_lab.chat.context import Context, fit, in_tokens_of, with_reading
from autopicker_lab.core import FileReading, InvalidRequestError, Message
from autopicker_lab.core.text import ends
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.known_models import token_family
from autopicker_lab.models.token_count import count_tokens
from autopicker_lab.retrieval import Retriever

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.core import ChatRequest, Document, ModelSpec
    from autopicker_lab.models import ChatModel
    from autopicker_lab.retrieval import Encoder

LEAST_TOKENS = 64
_SAMPLE = 2_000  # characters of each file's beginning and end whose tokens the model counts
_SAMPLED_FILES = 8
_EXACT_SHARE, _ESTIMATED_SHARE = 0.95, 0.85  # of the room that is used: estimates may be 15 % short


class FileContext:
    """Fits files to questions and models. Safe for several threads.

    Args:
        encoder: finds passages by meaning, in any language; None: by words alone.
    """

    def __init__(self, encoder: Encoder | None = None) -> None:
        self.retriever = Retriever(encoder)
        self.has_encoder = encoder is not None

    def expect(self, document: Document) -> None:
        """Have what finds passages of a document by meaning made in the background, before it is asked about."""
        self.retriever.expect(document)

    async def of(self, request: ChatRequest, documents: Sequence[Document], budget: int) -> Context:
        """The context of a question, in at most about `budget` tokens as they are estimated for no model."""
        return await self._fit(request, documents, checked(budget))

    async def fitted(
        self, model: ChatModel, request: ChatRequest, documents: Sequence[Document], budget: int | None = None
    ) -> Context:
        """The context of a question for a model: what its window leaves beside messages and answer, or less.

        Args:
            budget: tokens of the model that it may have at most; None: what is worth it to the model.
        """
        spec = model.describe()
        reading = request.reading
        notes = reading.notes if reading else None
        documents = [notes] if notes else documents
        ratio, exact = await token_ratio(model, documents)
        room = max(LEAST_TOKENS, room_for(spec, request, exact))
        if notes is None and spec.context_budget:
            room = min(room, spec.context_budget)
        budget = room if budget is None else min(checked(budget), room)
        context = await self._fit(request, documents, max(int(budget / ratio), 1))
        return in_tokens_of(context, spec.id, budget, ratio)

    async def _fit(self, request: ChatRequest, documents: Sequence[Document], estimated: int) -> Context:
        reading = request.reading or FileReading()
        asked: tuple[Message, ...] = request.messages
        if reading.question:
            asked = (*asked, Message("user", reading.question))
        context = await asyncio.to_thread(fit, documents, asked, estimated, self.retriever, reading.progress)
        return with_reading(context, reading) if request.reading else context


def checked(budget: int) -> int:
    """A budget of tokens that can be kept; InvalidRequestError for another."""
    if budget < LEAST_TOKENS:
        raise InvalidRequestError(f"a budget of {budget} tokens holds no passage", f"give at least {LEAST_TOKENS}")
    return budget


def room_for(spec: ModelSpec, request: ChatRequest, exact: bool) -> int:
    """Tokens of file context: what the window leaves beside messages and answer."""
    family = token_family(spec)
    answer = min(request.max_tokens or spec.max_output, spec.max_output)
    room = spec.context_window - request.tokens_by(family) - answer
    share = _EXACT_SHARE if exact or not family else _ESTIMATED_SHARE  # of no known family the most is taken
    return int(room * share)


async def token_ratio(model: ChatModel, documents: Sequence[Document]) -> tuple[float, bool]:
    """How many times as many tokens a model finds in the files as are estimated, and whether it counted them itself."""
    sample = "\n".join(ends(document.text, _SAMPLE) for document in documents[:_SAMPLED_FILES])
    counted = await count_tokens(model, sample)
    return max(counted.tokens, 1) / max(estimate_tokens(sample), 1), counted.exact
