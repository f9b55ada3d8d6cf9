"""A change of models in a conversation pays for the whole of it anew, where its server would have had it cached."""

from collections.abc import Mapping
from typing import Any

import pytest

from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest, ModelSpec, RoutePolicy, Tier
from autopicker_lab.routing import Requirements, choose
from autopicker_lab.routing.earlier import earlier_questions

LONG = "Read this report, please. " + "It says what was sold where, and when. " * 1500
SHORT = "Now translate the last line."
TALK = [
    {"role": "user", "content": LONG},
    {"role": "assistant", "content": "I have."},
    {"role": "user", "content": SHORT},
]


class ByText:
    """Estimates: the first model is better at long questions, the second at short ones, by a tenth."""

    models = ("reader", "writer")
    fingerprint = "0" * 16

    def estimate(self, text: str, features: Mapping[str, float]) -> dict[str, float]:
        return {"reader": 0.9, "writer": 0.8} if len(text) > 1000 else {"reader": 0.8, "writer": 0.9}

    def is_unfamiliar(self, text: str) -> bool:
        return False

    def part_read(self, text: str) -> str:
        return ""

    def own_language(self, text: str) -> str:
        return ""

    def to_dict(self) -> dict[str, Any]:
        return {}


def chosen(messages: Any, price_cached: float | None, **fields: Any) -> str:
    specs = [
        ModelSpec(name, "openai", context_window=100_000, price_in=2.0, price_cached=cached, quality=0.8)
        for name, cached in (("reader", price_cached), ("writer", price_cached))
    ]
    policy = RoutePolicy("by text", (Tier(0.0, 0.0),), estimator=ByText(), cost_weight=5.0, **fields)
    request = ChatRequest.of(messages)
    earlier = [(part.question, score(part)) for part in earlier_questions(request)]
    complexity = score(request)
    return choose(complexity, specs, policy, Requirements(10), question=request.question, earlier=earlier).model


@pytest.mark.parametrize("fields", [{}, {"costs": {"reader": 0.01, "writer": 0.01}}], ids=["prices", "own costs"])
def test_a_long_conversation_stays_where_it_is_cached(fields: Any) -> None:
    assert chosen(SHORT, 0.2, **fields) == "writer"
    assert chosen(TALK, None, **fields) == "writer"
    assert chosen(TALK, 2.0, **fields) == "writer"  # as dear as what is read anew
    assert chosen(TALK, 0.2, **fields) == "reader"
    brief = [{"role": "user", "content": LONG[:1100]}, *TALK[1:]]
    assert chosen(brief, 0.2, **fields) == "writer"  # little is saved


def test_calls_are_not_compared_with_usd() -> None:
    assert chosen(TALK, 0.2, costs={"reader": 1.0, "writer": 1.0}, cost_unit="call") == "writer"
