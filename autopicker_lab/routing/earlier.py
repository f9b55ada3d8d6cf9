"""The questions of a conversation before its last one, by which a route is held to the strength that they got."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autopicker_lab.core import ChatRequest

_LAST, _LONGEST = 16, 16  # questions that are weighed where a conversation has more


def earlier_questions(request: ChatRequest) -> list[ChatRequest]:
    """The request as it stood at each question before its last; of very many, the last ones and the longest."""
    ends = _weighed([i for i, message in enumerate(request.messages) if message.role == "user"][:-1], request)
    return request.as_of(ends)


def _weighed(questions: list[int], request: ChatRequest) -> list[int]:
    if len(questions) <= _LAST + _LONGEST:
        return questions
    first, last = questions[:-_LAST], questions[-_LAST:]
    longest = heapq.nlargest(_LONGEST, first, key=lambda i: request.messages[i].text_length)
    return sorted(longest) + last
