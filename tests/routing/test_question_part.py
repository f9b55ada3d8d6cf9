"""What frames a question in the same text does not drown it, and a decision says which part was read."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest, ModelSpec, RoutePolicy, Tier
from autopicker_lab.routing import Requirements, choose
from autopicker_lab.routing import question_part as module
from autopicker_lab.routing.normal_form import folded, normal_form
from autopicker_lab.routing.question_part import (
    BEFORE_CONTEXT,
    BESIDE_JSON,
    BOTH_ENDS,
    LABELLED,
    PARAGRAPH,
    PARAGRAPHS_FROM,
    question_part,
)
from autopicker_lab.routing.readings import ASKING, READINGS
from autopicker_lab.tuning import fitting

QUESTION = "A shop has 240 notebooks and sells a third of them. How many notebooks are left?"
RULES = "\n".join(
    f"{i}. Never promise a delivery before week {i}, and pass complaints on to the office." for i in range(99)
)
STORY = "\n\n".join(
    f"In the year {i} the mill by the river ground no corn, and the miller left the valley." for i in range(99)
)
TOOLS = json.dumps(
    [
        {"type": "function", "function": {"name": f"tool_{i}", "description": "Find orders by date", "parameters": {}}}
        for i in range(12)
    ],
    indent=2,
)
EXAMPLES = "\n\n".join(f"Q: How many legs have {i} horses?\nA: {4 * i}" for i in range(2, 60))

FRAMED: dict[str, tuple[str, str]] = {
    "rules before": (f"{RULES}\n\n{QUESTION}", PARAGRAPH),
    "rules on lines before": (f"{RULES}\n{QUESTION}", PARAGRAPH),
    "rules before and a rule after": (f"{RULES}\n\n{QUESTION}\n\nAnswer in the language of the customer.", PARAGRAPH),
    "a story before": (f"{STORY}\n\n{QUESTION}", PARAGRAPH),
    "a story in fences after": (f"{QUESTION}\n\n```\n{STORY}\n```", PARAGRAPH),
    "a story in tags after": (f"{QUESTION}\n\n<document index='1'>\n{STORY}\n</document>", PARAGRAPH),
    "tools before": (f"Please answer the following:\n{TOOLS}\n\n{QUESTION}", BESIDE_JSON),
    "tools after": (f"{QUESTION}\n\n{TOOLS}", BESIDE_JSON),
    "a context after": (f"{QUESTION}\n\nContext:\n{STORY}", BEFORE_CONTEXT),
    "a context before, labelled": (f"Context:\n{STORY}\n\nQuestion: {QUESTION}", LABELLED),
    "a context before, headed": (f"# Context\n{STORY}\n\n## Question\n{QUESTION}\n\n## Answer", LABELLED),
    "a context before, tagged": (f"<context>{STORY}</context><question>{QUESTION}</question>", LABELLED),
    "a question, then its context": (f"**Question:** {QUESTION}\n\n**Context:** {STORY}", LABELLED),
    "another language's label": (f"{STORY}\n\nPregunta: {QUESTION}\nRespuesta:", LABELLED),
    "few examples": (f"{EXAMPLES}\n\nQ: {QUESTION}\nA:", LABELLED),
    "a transcript": (f"System: {RULES}\n\nUser: Hello.\n\nAssistant: Yes?\n\nUser: {QUESTION}\n\nAssistant:", LABELLED),
}


def read(text: str) -> tuple[str, str]:
    excerpt, _, part, _ = READINGS[ASKING].read(text, None)
    return excerpt, part


@pytest.mark.parametrize("name", FRAMED)
def test_a_frame_is_told_from_the_question(name: str) -> None:
    text, part = FRAMED[name]
    excerpt, told = read(text)
    assert told == part
    assert excerpt.startswith(normal_form(QUESTION)[:60])
    assert len(excerpt) < len(QUESTION) + 20


@pytest.mark.parametrize(
    "text",
    [
        QUESTION,
        "",
        "Question:",
        "Answer the following question:",
        "Q: How many? A: 4",
        "def f(q: int, user: str) -> dict[str, int]: ...",
        "Translate into German: The context: a war.",
        "Sum up this talk. User: Hello. Assistant: Yes? User: Bye.",
        "<div><input></div> is not closed, is it?",
        "[1, 2] {'a': 3} # task",
    ],
)
def test_a_short_text_without_a_labelled_question_is_read_whole(text: str) -> None:
    part = question_part(folded(text))
    assert (part.words, part.name) == (folded(text).split(), "")
    assert read(text)[0] == normal_form(text)


@pytest.mark.parametrize("text", [STORY[:3000], "word " * 3000, "[ { " * 3000, "x" * 9000, "\n\n" * 9000 + "x", TOOLS])
def test_a_long_text_in_which_nothing_asks_keeps_what_it_has(text: str) -> None:
    part = question_part(folded(text))
    assert part.name in (BOTH_ENDS, "")
    assert part.words == folded(text).split()


@pytest.mark.parametrize("respaced", [lambda text: " ".join(text.split()), lambda text: text.replace(" ", "\n\n")])
def test_white_space_tells_parts_of_very_long_texts_alone(respaced: Callable[[str], str]) -> None:
    texts = [text for text, part in FRAMED.values() if part != PARAGRAPH]
    texts += [text[: PARAGRAPHS_FROM - 200] for text, _ in FRAMED.values()]
    for text in texts:
        assert read(respaced(text)) == read(text)


def test_a_text_of_very_many_schemas_is_looked_at_as_often_as_one_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def marks(line: str) -> Any:
        looked.append(line)
        return found(line)

    found = module._marks
    monkeypatch.setattr(module, "_marks", marks)
    schemas = [
        json.dumps({"name": f"tool_{i}", "description": "Find orders by date, or by customer. " * 9})
        for i in range(400)
    ]
    excerpt, part = read(f"{QUESTION}\n\n" + "\n[see above]\n".join(schemas))
    assert part == BESIDE_JSON
    assert excerpt.startswith(normal_form(QUESTION)[:60])
    assert len(looked) == 2


def test_a_decision_says_which_part_was_read() -> None:
    texts = [f"{verb} {i} notebooks?" for i in range(20) for verb in ("How many are", "Who sells")]
    estimator = fitting.fit(
        fitting.prepare(texts), np.random.default_rng(0).random((len(texts), 2)), ("weak", "strong")
    )
    policy = RoutePolicy("made-up", (Tier(0, 0.0),), estimator=estimator)
    specs = [ModelSpec(name, "local", context_window=9999) for name in ("weak", "strong")]

    def route(question: str) -> tuple[str, str]:
        found = choose(score(ChatRequest.of(question)), specs, policy, Requirements(1), question=question)
        return found.part, found.reason

    part, reason = route(FRAMED["a context after"][0])
    assert part == BEFORE_CONTEXT
    assert reason.endswith(f"; {BEFORE_CONTEXT} was read")
    part, reason = route(QUESTION)
    assert not part
    assert "was read" not in reason


def test_a_long_text_of_nothing_but_courtesies_is_read_as_it_is() -> None:
    excerpt, part = read("thank you so much\n\n" * 900)
    assert part == BOTH_ENDS
    assert excerpt.startswith("thank you")
