"""Vectors of texts, in OpenAI's shape."""

from __future__ import annotations

import asyncio
import base64
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, Strict

from autopicker_lab.models.embedding import Embeddings, Inputs
from autopicker_lab.service.routes.json_route import JsonRoute
from autopicker_lab.service.state import CurrentCaller, State, while_connected

router = APIRouter(tags=["embeddings"], route_class=JsonRoute)
Token = Annotated[int, Strict(), Field(ge=0, lt=2**31)]
_NOT_PASSED_ON = {"user"}


class EmbeddingsBody(BaseModel):
    """OpenAI's request for embeddings; fields that are not named here are passed on to the model's server."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"input": "Hello", "model": "auto"}]})

    input: str | list[str] | list[Token] | list[list[Token]] = Field(
        description="a text, a list of texts, or tokens where the model's server takes them"
    )
    model: str | None = Field(None, description="'auto' or omitted: the static embeddings that ship, `wordllama`")
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(None, ge=1, le=100_000)
    user: str | None = None

    @property
    def inputs(self) -> Inputs:
        """The inputs as a list."""
        given = self.input
        if isinstance(given, str):
            return [given]
        if given and isinstance(given[0], int):
            return [given]
        return given  # type: ignore[return-value]


@router.post("/embeddings", summary="Vectors of texts, OpenAI's format")
async def embeddings(body: EmbeddingsBody, request: Request, state: State, caller: CurrentCaller) -> Response:
    """By the static embeddings that ship, or by a model of the catalogue with the capability `embeddings`."""
    options = {name: value for name, value in (body.model_extra or {}).items() if name not in _NOT_PASSED_ON}
    arguments = (caller, body.model or "", body.inputs, body.dimensions, options)
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
