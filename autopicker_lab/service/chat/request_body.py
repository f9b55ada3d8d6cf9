"""The body of a chat request: checked once, documented, and turned into a ChatRequest."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from autopicker_lab.core import ChatRequest, FileReading
from autopicker_lab.core.message import ROLES
from autopicker_lab.core.reading import MAX_CALLS
from autopicker_lab.service.chat.parameters import put_right, with_uploads
from autopicker_lab.service.request import bounds, errors, json_body

MAX_CHOICES = 8
MOST_CALLS = 200
_INT64 = 2**63 - 1
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


class ReadingBody(BaseModel):
    """How the files of a request are read: with `whole`, from end to end in steps, within bounds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    whole: bool = Field(False, description="a model notes what each stretch holds, and answers from its notes")
    max_calls: int = Field(MAX_CALLS, ge=2, le=MOST_CALLS, description="of models, the answer's own among them")
    max_usd: float | None = Field(None, ge=0, description="that these may cost; null: what the key may spend")

    def to_reading(self) -> FileReading:
        """The FileReading."""
        return FileReading(self.whole, self.max_calls, self.max_usd)


class ChatBody(BaseModel):
    """OpenAI's chat completion request; fields that are not named here are passed on to the model as they come."""

    model_config = ConfigDict(
        extra="allow",
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
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    max_tokens: int | None = Field(None, ge=1, le=_INT64, description="of the answer; -1: no limit")
    max_completion_tokens: int | None = Field(None, ge=1, le=_INT64)
    stop: str | list[str] | None = None
    seed: int | None = Field(None, ge=-_INT64, le=_INT64)
    n: int | None = Field(None, ge=1, le=MAX_CHOICES, description="how many answers to the question")
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    user: str | None = None
    file_ids: list[str] | None = Field(None, description="ids of uploaded files that the question is about")
    reading: ReadingBody | None = Field(None, description="how they are read; null: the passages that are needed")

    @classmethod
    def parse(cls, raw: bytes) -> ChatBody:
        """The body in these bytes; InvalidRequestError says what is wrong with it."""
        return cls.check(json_body.parse(raw), len(raw))

    @classmethod
    def check(cls, fields: dict[str, Any], size: int | None = None) -> ChatBody:
        """The body with these fields, of which null counts as omitted; InvalidRequestError names one that is wrong.

        Args:
            size: bytes that the fields came in; None where that is not known.
        """
        bounds.check(fields, size)
        try:
            return cls.model_validate(put_right(fields))
        except ValidationError as error:
            raise errors.validation(error.errors(include_url=False)) from None

    def to_request(self) -> ChatRequest:
        """The ChatRequest; its options are all fields that we do not use ourselves."""
        values = self.__dict__
        options = {name: values[name] for name in sorted(self.model_fields_set - _OURS) if name in values}
        request = ChatRequest.of(
            self.messages,
            model=self.model or "auto",
            file_ids=tuple(dict.fromkeys(self.file_ids)) if self.file_ids else (),
            options={**options, **(self.model_extra or {})},
            reading=self.reading.to_reading() if self.reading else None,
        )
        return with_uploads(request) if "files" in request.media else request


_OURS = frozenset({"messages", "model", "stream", "file_ids", "reading"})  # what is not passed on to the model
