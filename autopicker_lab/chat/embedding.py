"""Vectors of texts: which model makes them, and what asking it shares with chats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, ModelSpec, ModelUnavailableError
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.models.embedding import STATIC, EmbeddingModel, Embeddings, StaticModel
from autopicker_lab.routing import AUTO, Requirements, permitted_models
from autopicker_lab.routing.requirements import obstacle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.chat.pipeline import Pipeline
    from autopicker_lab.models.embedding import Inputs

CAPABILITY = "embeddings"
MAX_INPUTS = 2048
MAX_TOKENS = 300_000  # of all inputs of a request, estimated


class Embedder:
    """Makes vectors by the static model that ships, or by a model of the catalogue that has the capability."""

    def __init__(self, pipeline: Pipeline):
        self._pipeline = pipeline
        self._static = StaticModel()

    def __repr__(self) -> str:
        return f"Embedder({', '.join(spec.id for spec in self.specs())})"

    def specs(self) -> list[ModelSpec]:
        """The models that make vectors; the one that ships comes last."""
        specs = [spec for spec in self._pipeline.catalogue.specs() if CAPABILITY in spec.capabilities]
        return specs if any(spec.id == STATIC.id for spec in specs) else [*specs, STATIC]

    def spec(self, name: str, allowed: frozenset[str] | None = None) -> ModelSpec:
        """The model of this id or alias; "auto" is always the one that ships, since vectors of two do not compare.

        Args:
            allowed: ids of the models that the caller may use; None: all.

        Raises:
            UnknownModelError: there is none, or not for this caller.
            InvalidRequestError: it makes no vectors.
        """
        name = STATIC.id if name in ("", AUTO) else name
        own = name == STATIC.id and self.specs()[-1] is STATIC
        spec = STATIC if own else self._pipeline.catalogue.get(name, allowed).describe()
        if allowed is not None:
            permitted_models([spec], allowed, name)
        if CAPABILITY not in spec.capabilities:
            known = ", ".join(spec.id for spec in self.specs() if allowed is None or spec.id in allowed) or "another"
            detail = f"'{spec.id}' makes no embeddings"
            raise InvalidRequestError(detail, f"ask {known}, or give it the capability 'embeddings'", param="model")
        return spec

    def check(self, spec: ModelSpec, inputs: Inputs) -> int:
        """Tokens of the inputs, estimated; InvalidRequestError where they are too many, or one is empty."""
        if not inputs or not all(inputs):
            raise InvalidRequestError("'input' may not be empty", "send a text, or a list of texts", param="input")
        if len(inputs) > MAX_INPUTS:
            detail = f"'input' has {len(inputs):,} items, too many for one request"
            raise InvalidRequestError(detail, f"send at most {MAX_INPUTS:,}", param="input")
        tokens = sum([len(item) if isinstance(item, list) else estimate_tokens(item) for item in inputs])
        if tokens > MAX_TOKENS:
            detail = f"'input' has about {tokens:,} tokens, too many for one request"
            raise InvalidRequestError(detail, f"send at most {MAX_TOKENS:,}", param="input")
        price_usd = spec.cost_usd(tokens, 0)
        if why := obstacle(spec, self._pipeline.policy, Requirements(0), price_usd):
            raise ModelUnavailableError(f"'{spec.id}' cannot take the request: {why}", "ask another model")
        return tokens

    async def embed(
        self, spec: ModelSpec, inputs: Inputs, dimensions: int | None = None, options: Mapping[str, Any] | None = None
    ) -> Embeddings:
        """A vector for each input, by the model of this spec; a model that goes on failing rests, as for chats."""
        if spec is STATIC:
            return await self._static.embed(inputs, dimensions, options or {})
        model = self._pipeline.catalogue.get(spec.id)
        if not isinstance(model, EmbeddingModel):
            detail = f"'{spec.id}' makes no embeddings: models of type {spec.provider} cannot"
            raise InvalidRequestError(detail, f"ask '{STATIC.id}'", param="model")
        made = await self._pipeline.attempt(spec.id, lambda: model.embed(inputs, dimensions, options or {}))
        self._pipeline.catalogue.breaker(spec.id).succeeded()
        return made
