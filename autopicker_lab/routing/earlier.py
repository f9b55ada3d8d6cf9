"""The questions of a conversation before its last one: they hold a route to the strength that they got.

The model that the last of them got has the conversation in its server's cache, and is paid for that at its price of
cached tokens (`price_cached`, where its entry or genai-prices has one); another model would read it all anew.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from autopicker_lab.routing.rule import Option, prefer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.core import ChatRequest, Complexity, ModelSpec, RoutePolicy

_LAST, _LONGEST = 16, 16  # questions that are weighed where a conversation has more


def earlier_questions(request: ChatRequest) -> list[ChatRequest]:
    """The request as it stood at each question before its last; of very many, the last ones and the longest."""
    ends = [i for i, message in enumerate(request.messages) if message.role == "user"][:-1]
    return request.as_of(_weighed(ends, request)) if ends else []


def held_to(
    earlier: Sequence[tuple[str, Complexity]],
    able: Sequence[Option],
    policy: RoutePolicy,
    specs: Sequence[ModelSpec],
    task: str = "",
) -> tuple[Option, list[Option]]:
    """The option that the last of the earlier questions would get now, and all options with what its cache saves.

    Each question is held to the strength that the one before got. There is at least one.
    """
    saved = {
        spec.id: (spec.price_in - spec.price_cached) / 1e6
        for spec in specs
        if spec.price_cached is not None and spec.price_cached < spec.price_in
    }
    floor: Option | None = None
    options = list(able)
    for question, complexity in earlier:
        estimates = policy.estimates(question, complexity, task)
        known = {} if policy.is_unfamiliar(question) else estimates
        allowed = [
            option._replace(estimate=known.get(option.name))
            for option in options
            if floor is None or option.quality >= floor.quality
        ]
        floor = allowed[prefer(policy, policy.routing_score(complexity, known), allowed).position]
        if saved:
            options = _with_cache(able, floor, saved.get(floor.id, 0.0) * complexity.tokens)
    assert floor is not None
    return floor, options


def _with_cache(able: Sequence[Option], floor: Option, saved_usd: float) -> list[Option]:
    return [option._replace(cached_usd=saved_usd if option.id == floor.id else 0.0) for option in able]


def _weighed(questions: list[int], request: ChatRequest) -> list[int]:
    if len(questions) <= _LAST + _LONGEST:
        return questions
    first, last = questions[:-_LAST], questions[-_LAST:]
    longest = heapq.nlargest(_LONGEST, first, key=lambda i: request.messages[i].text_length)
    return sorted(longest) + last
