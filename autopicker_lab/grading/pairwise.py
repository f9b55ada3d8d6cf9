"""Which of two answers is better, as another model sees it, each shown first once: judges favour a position."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from autopicker_lab.grading.grade import Judge

_ASKED = """Question:
{question}

Answer A:
{first}

Answer B:
{second}

Which answer is better: more right, and more complete? Reply with one word: A, B, or TIE."""
_MARKED = re.compile(r"\[\[(A|B|C|TIE)\]\]|\*\*(A|B|TIE)\*\*", re.IGNORECASE)
_ALONE = re.compile(
    r"\W*(?:the )?(?:(?:better )?answer(?: is)?:?)?\W*(A|B|TIE)\b(?! (?!is\b|because\b|wins\b)\w)", re.IGNORECASE
)
_NAMED = re.compile(r"\b(?:answer|option|choose|prefer|choice:?)\s+(A|B)\b|\b(tie)\b", re.IGNORECASE)
_FIRST_GETS = {"A": 1.0, "B": 0.0, "C": 0.5, "TIE": 0.5}


class PairVerdict(NamedTuple):
    """What a judge makes of two answers in both orders.

    Attributes:
        one, other: their grades, 0 to 1, which add up to 1: 1 where it was better in both orders, 0.5 where the two
            were called alike, or each was better where it was shown first.
        first_gains: what an answer gets more where it is shown first than where it is shown second, -1 to 1; 0 of a
            judge who does not mind the order.
    """

    one: float
    other: float
    first_gains: float


async def prefer(question: str, one: str, other: str, ask: Judge) -> PairVerdict | None:
    """Compare two answers, each shown first once; None where the judge names neither in an order.

    Zheng et al., "Judging LLM-as-a-Judge" (2023), https://arxiv.org/abs/2306.05685, section 3.4: swapping positions.
    """
    first = verdict(await ask(_ASKED.format(question=question, first=one, second=other)))
    if first is None:
        return None
    second = verdict(await ask(_ASKED.format(question=question, first=other, second=one)))
    if second is None:
        return None
    grade = (first + 1 - second) / 2
    return PairVerdict(grade, 1 - grade, first + second - 1)


def verdict(reply: str) -> float | None:
    """What the answer shown first gets: 1, 0, or 0.5 for a tie; None where the reply names neither, or both."""
    marks = {m[1] or m[2] for m in _MARKED.finditer(reply)}
    if not marks and (alone := _ALONE.match(reply)):
        marks = {alone[1]}
    if not marks:
        marks = {m[1] or m[2] for m in _NAMED.finditer(reply)}
    found = {_FIRST_GETS[mark.upper()] for mark in marks}
    return found.pop() if len(found) == 1 else None
