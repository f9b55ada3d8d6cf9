"""PreparedRequest: a request made ready for one model, and what pipeline and stream both say of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.core import (
    ChatRequest,
    ContextReport,
    Route,
    Usage,
)
from autopicker_lab.core.text import CHARS_PER_TOKEN

if TYPE_CHECKING:
    from autopicker_lab.models import ChatModel


class PreparedRequest(NamedTuple):
    """A request made ready for one model, with the report on what was read for it."""

    model: ChatModel
    request: ChatRequest
    context: ContextReport

    def report(self, route: Route) -> ContextReport:
        """What the model was given, with the warnings of the route to it."""
        if not route.warnings:
            return self.context
        return replace(self.context, warnings=self.context.warnings + route.warnings)


def estimate_usage(request: ChatRequest, characters: int) -> Usage:
    """Tokens of a request and of an answer of so many characters, where nobody counted them."""
    return Usage(request.token_count, math.ceil(characters / CHARS_PER_TOKEN))
