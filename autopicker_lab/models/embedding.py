"""Models that make vectors of texts: what they answer, and the static one that ships."""

from __future__ import annotations

import asyncio
import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from autopicker_lab import embeddings
from autopicker_lab.core import InvalidRequestError, ModelSpec, UpstreamError
from autopicker_lab.runtime.concurrency import ConcurrencyLimit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Inputs = list[str] | list[list[int]]
STATIC = ModelSpec("wordllama", "local", capabilities=frozenset({"embeddings"}), context_window=1_000_000)
_MOST_CHARACTERS = 1_200_000  # of a request: about a second's work
_AT_ONCE = 16


@dataclass(frozen=True)
class Embeddings:
    """Vectors of texts, in the order of the texts.

    Attributes:
        vectors: shape (texts, dimensions), float32.
        tokens: that the texts have, as the model counts them; 0 where its server did not say.
    """

    vectors: embeddings.Floats
    tokens: int

    @classmethod
    def of_openai(cls, raw: Mapping[str, Any], model: str, count: int, dimensions: int | None) -> Embeddings:
        """What a server answered in OpenAI's format, as numbers or in base64; raises as `of`."""
        try:
            places = [(row.get("index", i), row["embedding"]) for i, row in enumerate(raw["data"])]
            rows = [_numbers(vector) for _, vector in sorted(places, key=lambda place: place[0])]
            tokens = int((raw.get("usage") or {}).get("prompt_tokens") or 0)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UpstreamError(f"'{model}' answered without embeddings", "check the endpoint") from None
        return cls.of(rows, tokens, model, count, dimensions)

    @classmethod
    def of(cls, rows: Sequence[Any], tokens: int, model: str, count: int, dimensions: int | None) -> Embeddings:
        """What a server answered, checked against what it was asked for.

        Raises:
            UpstreamError: they are not vectors, or not as many as there are texts.
            InvalidRequestError: they have other dimensions than were asked for.
        """
        import numpy as np

        try:
            vectors = np.array(rows, np.float32)
        except (TypeError, ValueError):
            vectors = np.zeros((0, 0), np.float32)
        if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
            raise UpstreamError(f"'{model}' did not answer with one vector for each input", "check that it embeds")
        if dimensions is not None and vectors.shape[1] != dimensions:
            detail = f"'{model}' makes vectors of {vectors.shape[1]} dimensions and no others"
            raise InvalidRequestError(detail, "leave 'dimensions' out", param="dimensions")
        return cls(vectors, tokens)


def _numbers(vector: Any) -> Any:
    """A vector as numbers; some servers send base64 whatever they are asked for."""
    import numpy as np

    return np.frombuffer(base64.b64decode(vector), "<f4") if isinstance(vector, str) else vector


@runtime_checkable
class EmbeddingModel(Protocol):
    """A model that makes vectors of texts."""

    async def embed(self, inputs: Inputs, dimensions: int | None, options: Mapping[str, Any]) -> Embeddings:
        """A vector for each input.

        Args:
            inputs: texts, or lists of tokens of the model's own tokenizer.
            dimensions: of the vectors; None: as many as the model has.
            options: further fields of OpenAI's, for its server.
        """


class StaticModel:
    """The static embeddings that ship, as a model: they need no server, and take a fraction of a millisecond a text."""

    def __init__(self) -> None:
        self._concurrency = ConcurrencyLimit(f"'{STATIC.id}'", _AT_ONCE)
        self._thread = ThreadPoolExecutor(1, "embeddings")

    async def embed(self, inputs: Inputs, dimensions: int | None, options: Mapping[str, Any]) -> Embeddings:
        """A vector for each text; tokens of another tokenizer are an InvalidRequestError."""
        texts = [text for text in inputs if isinstance(text, str)]
        if len(texts) < len(inputs):
            detail = f"'{STATIC.id}' reads texts, and not the tokens of another model"
            raise InvalidRequestError(detail, "send the texts themselves", param="input")
        characters = sum(map(len, texts))
        if characters > _MOST_CHARACTERS:
            detail = f"the input has {characters:,} characters, '{STATIC.id}' takes {_MOST_CHARACTERS:,} at once"
            raise InvalidRequestError(detail, "send fewer or shorter texts", param="input")
        if dimensions is not None and dimensions > embeddings.DIMENSIONS:
            detail = f"'{STATIC.id}' has {embeddings.DIMENSIONS} dimensions"
            raise InvalidRequestError(detail, "ask for fewer: 64 or 128", param="dimensions")
        arguments = (texts, dimensions or embeddings.DIMENSIONS)
        with self._concurrency:
            work = asyncio.get_running_loop().run_in_executor(self._thread, embeddings.text_vectors, *arguments)
            vectors, tokens = await work
        return Embeddings(vectors, tokens)
