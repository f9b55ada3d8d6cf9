"""Bodies of requests other than chats, as FastAPI checks and documents them; routes that take them are JsonRoutes."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, model_validator

from autopicker_lab.live.signals import Signal
from autopicker_lab.service.chat.request_body import Messages, ReadingBody

MOST_AT_ONCE = 1000  # answers that one request may judge


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
    reading: ReadingBody | None = Field(None, description="with `whole`: what reading in steps would take is told too")


class _Judged(BaseModel):
    score: float | None = Field(None, ge=0, le=1)
    signal: Signal | None = Field(None, description="kept under its name; it is no score")


class Judgement(_Judged):
    """How good one answer was, from 0 (useless) to 1 (right), or a signal: what its client did without judging it."""

    request_id: str = Field(description="the id of a chat completion, or an X-Request-ID")

    @model_validator(mode="after")
    def _require_something(self) -> Self:
        if self.score is None and self.signal is None:
            raise ValueError("give a score (0 to 1) or a signal")
        return self


class FeedbackBody(_Judged):
    """The body of /feedback: of one answer as `Judgement`, or of many in `feedback`."""

    request_id: str | None = Field(None, description="the id of a chat completion, or an X-Request-ID")
    feedback: list[Judgement] | None = Field(None, min_length=1, max_length=MOST_AT_ONCE, description="of many answers")

    @model_validator(mode="after")
    def _require_one_form(self) -> Self:
        if (self.feedback is None) == (self.request_id is None):
            raise ValueError("give 'request_id' with a 'score' or a 'signal', or a list of such in 'feedback'")
        if self.feedback is None and self.score is None and self.signal is None:
            raise ValueError("give a score (0 to 1) or a signal")
        return self

    @property
    def judgements(self) -> list[Judgement]:
        """All that it says."""
        if self.feedback is not None:
            return self.feedback
        return [Judgement(request_id=self.request_id or "", score=self.score, signal=self.signal)]
