"""Bodies of requests other than chats, as FastAPI checks and documents them."""

from __future__ import annotations

from typing import Self

import orjson
from pydantic import BaseModel, Field, model_validator

from autopicker_lab.service.chat.request_body import Messages


class Body(BaseModel):
    """A request body that can be passed on: lone surrogates and integers past 64 bits, legal in JSON, are refused."""

    @model_validator(mode="after")
    def _sendable(self) -> Self:
        try:
            orjson.dumps({**self.__dict__, **(self.model_extra or {})})
        except (TypeError, orjson.JSONEncodeError) as error:
            raise ValueError(f"cannot be passed on: {error}") from None
        return self


class AnalysisBody(Body):
    """The body of /analyze-complexity: a request that is to be scored and routed, and not answered."""

    messages: Messages = Field(min_length=1)
    file_ids: list[str] | None = None
    model: str | None = None


class FeedbackBody(Body):
    """The body of /feedback: how good an answer was, from 0 (useless) to 1 (right)."""

    request_id: str = Field(description="the id of a chat completion, or an X-Request-ID")
    score: float = Field(ge=0, le=1)
