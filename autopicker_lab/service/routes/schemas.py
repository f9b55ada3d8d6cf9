"""Bodies of requests other than chats, as FastAPI checks and documents them; routes that take them are JsonRoutes."""

from __future__ import annotations

from pydantic import BaseModel, Field

from autopicker_lab.service.chat.request_body import Messages


class AnalysisBody(BaseModel):
    """The body of /analyze-complexity: a request that is to be scored and routed, and not answered."""

    messages: Messages = Field(min_length=1)
    file_ids: list[str] | None = None
    model: str | None = None


class ContextBody(BaseModel):
    """The body of /context: a question about files, or a conversation, of which what would be read is to be told."""

    messages: Messages = Field(min_length=1)
    file_ids: list[str] = Field(min_length=1)
    budget: int | None = Field(None, ge=64, description="tokens of file context at most; null: as the model gets")
    model: str | None = Field(None, description="whose tokens are counted, and whose window it is for")


class FeedbackBody(BaseModel):
    """The body of /feedback: how good an answer was, from 0 (useless) to 1 (right)."""

    request_id: str = Field(description="the id of a chat completion, or an X-Request-ID")
    score: float = Field(ge=0, le=1)
