"""Bodies of requests, as FastAPI checks and documents them."""

from __future__ import annotations

from typing import Annotated, Any, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from autopicker_lab.core import ChatRequest, InvalidRequestError
from autopicker_lab.core.chat import ROLES

_PART = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
    "description": "text; or an `image_url` with a data URL",
}
_MESSAGE = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"enum": sorted(ROLES - {"tool", "function"})},
        "content": {"anyOf": [{"type": "string"}, {"type": "array", "items": _PART}]},
    },
}
Messages = Annotated[list[dict[str, Any]], WithJsonSchema({"type": "array", "items": _MESSAGE, "minItems": 1})]
_OURS = frozenset({"messages", "model", "stream", "file_ids"})


class Body(BaseModel):
    """Any request body; refuses what JSON can spell but no one can pass on: lone surrogates, integers past 64 bits."""

    @model_validator(mode="after")
    def _sendable(self) -> Self:
        try:
            orjson.dumps({**self.__dict__, **(self.model_extra or {})})
        except (TypeError, orjson.JSONEncodeError) as error:
            raise ValueError(f"cannot be passed on: {error}") from None
        return self


class ChatBody(BaseModel):
    """OpenAI's chat completion request, as it is checked; fields not named here are passed on to the model."""

    model_config = ConfigDict(
        extra="ignore",
        strict=True,
        json_schema_extra={
            "examples": [{"messages": [{"role": "user", "content": "Hello, how are you?"}], "model": "auto"}]
        },
    )

    messages: Messages = Field(min_length=1, description="OpenAI's messages, oldest first")
    model: str | None = Field(None, description="a catalogue id or alias; omitted or 'auto': routed")
    stream: bool | None = False
    stream_options: dict[str, Any] | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = None
    response_format: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    user: str | None = None
    file_ids: list[str] | None = Field(None, description="ids of uploaded files that the question is about")

    @staticmethod
    def request(asked: dict[str, Any]) -> ChatRequest:
        """The ChatRequest of a checked body; InvalidRequestError where a message is malformed."""
        if asked.get("n", 1) != 1:
            raise InvalidRequestError("'n' can only be 1", "ask several times for several answers", param="n")
        return ChatRequest.of(
            asked["messages"],
            model=asked.get("model") or "auto",
            file_ids=tuple(asked.get("file_ids") or ()),
            options={key: value for key, value in asked.items() if key not in _OURS},
        )


class AnalysisBody(Body):
    """A request whose complexity is asked for."""

    messages: Messages = Field(min_length=1)
    file_ids: list[str] | None = None
    model: str | None = None


class FeedbackBody(Body):
    """How good an answer was: 0 useless, 1 right."""

    request_id: str = Field(description="the id of a chat completion, or an X-Request-ID")
    score: float = Field(ge=0, le=1)
