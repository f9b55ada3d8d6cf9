"""PreparedRequest: a request made ready for one model, and what the pipeline and a stream need to know of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.core import (
    ChatRequest,
    ContextReport,
    ModelUnavailableError,
    Route,
    UpstreamError,
    UpstreamTimeoutError,
    Usage,
)
from autopicker_lab.core.text import CHARS_PER_TOKEN

if TYPE_CHECKING:
    from autopicker_lab.models import ChatModel
    from autopicker_lab.runtime.circuit_breaker import CircuitBreaker

MODEL_FAILURES = (ModelUnavailableError, UpstreamError, UpstreamTimeoutError)


class PreparedRequest(NamedTuple):
    """A request made ready for one model.

    Attributes:
        breaker: the model's circuit breaker, which is told how the request ends.
        request: as the model is asked it, the text of the files in its messages.
        context: which passages of the files are in it.
    """

    model: ChatModel
    breaker: CircuitBreaker
    request: ChatRequest
    context: ContextReport

    def context_with_warnings(self, route: Route) -> ContextReport:
        """The report on the context, with the warnings of the route that led to the model."""
        if not route.warnings:
            return self.context
        return replace(self.context, warnings=self.context.warnings + route.warnings)


def estimate_usage(request: ChatRequest, characters: int) -> Usage:
    """Tokens of a request and of an answer of so many characters, for where the model's server counts none."""
    return Usage(request.token_count, math.ceil(characters / CHARS_PER_TOKEN))
