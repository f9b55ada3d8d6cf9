"""Vectors of texts, in OpenAI's shape."""

from __future__ import annotations

import asyncio
import base64
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from autopicker_lab.models.embedding import Embeddings, Inputs
from autopicker_lab.service.routes.json_route import JsonRoute
from autopicker_lab.service.state import CurrentCaller, State, while_connected

router = APIRouter(tags=["embeddings"], route_class=JsonRoute)
_MOST = 2**31  # above which no tokenizer has a token
_TOKENS = {"type": "array", "items": {"type": "integer", "minimum": 0}}
_TEXTS = {"type": "array", "items": {"type": "string"}}
_NOT_PASSED_ON = {"user"}


def _inputs(given: Any) -> Inputs:
    """The inputs as a list. By hand: Pydantic would list what is wrong with each of a hundred thousand items."""
    if isinstance(given, str):
        return [given]
    if isinstance(given, list):
        if all(type(item) is str for item in given):
            return given
        if _are_tokens(given):
            return [given]
        if all(type(item) is list and _are_tokens(item) for item in given):
            return given
    raise ValueError("must be a text, a list of texts, or lists of tokens")


def _are_tokens(items: list[Any]) -> bool:
    return all(type(item) is int and 0 <= item < _MOST for item in items)


InputField = Annotated[
    Any,
    AfterValidator(_inputs),
    WithJsonSchema({"anyOf": [{"type": "string"}, _TEXTS, _TOKENS, {**_TOKENS, "items": _TOKENS}]}),
]


class EmbeddingsBody(BaseModel):
    """OpenAI's request for embeddings; fields that are not named here are passed on to the model's server."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"input": "Hello", "model": "auto"}]})

    input: InputField = Field(description="a text, a list of texts, or tokens where the model's server takes them")
    model: str | None = Field(None, description="'auto' or omitted: the static embeddings that ship, `wordllama`")
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(None, ge=1, le=100_000)
    user: str | None = None


@router.post("/embeddings", summary="Vectors of texts, OpenAI's format")
async def embeddings(body: EmbeddingsBody, request: Request, state: State, caller: CurrentCaller) -> Response:
    """By the static embeddings that ship, or by a model of the catalogue with the capability `embeddings`."""
    options = {name: value for name, value in (body.model_extra or {}).items() if name not in _NOT_PASSED_ON}
    arguments = (caller, body.model or "", body.input, body.dimensions, options)
    name, made, tokens = await while_connected(request, lambda: state.embed(*arguments))
    content = await asyncio.to_thread(_content, made, name, tokens, body.encoding_format == "base64")
    return Response(content, media_type="application/json")


def _content(made: Embeddings, model: str, tokens: int, packed: bool) -> bytes:
    rows: list[Any] = [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in made.vectors] if packed else []
    vectors = rows or list(made.vectors)
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    answer = {"object": "list", "data": data, "model": model, "usage": usage}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
