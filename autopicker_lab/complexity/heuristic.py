"""The default scorer: named factors, each with a ceiling, 100 points in all; linear in the length of the text.

Length carries the most weight because, measured on public outcomes, it ranks prompts by difficulty better than
keyword rules do; words of source code and of mathematics come next; marks of them ($, {, ==) add next to nothing
because they were measured to mislead. A policy fitted on one's own outcomes (see `tuning`) replaces this score.
"""

from __future__ import annotations

import math
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from autopicker_lab.complexity.features import measure
from autopicker_lab.core import ChatRequest, Complexity, Document, Factor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCORER = "heuristic-2"
MAX_POINTS: Mapping[str, float] = MappingProxyType(
    {
        "length": 50.0,
        "code": 14.0,
        "mathematics": 10.0,
        "constraints": 4.0,
        "reasoning": 4.0,
        "steps": 2.0,
        "files": 12.0,
        "conversation": 4.0,
    }
)
_NOT_FOUND: Mapping[str, Factor] = MappingProxyType({name: Factor(name, 0.0, 0.0, "none found") for name in MAX_POINTS})
_COUNTED: Mapping[str, tuple[int, str]] = MappingProxyType(  # the count that has all points, and what is counted
    {
        "code": (12, "words and marks of source code"),
        "mathematics": (8, "words and marks of mathematics or quantities"),
        "constraints": (5, "conditions on the form or content of the answer"),
        "reasoning": (3, "words such as why, prove, compare, design"),
        "steps": (6, "questions, list items or steps"),
    }
)
_NO_FILES = Factor("files", 0.0, 0.0, "no files")
_NO_TURNS = Factor("conversation", 0.0, 0.0, "0 earlier question(s)")
_KEPT = 4096  # factors: the same few counts come again and again, and each needs a logarithm and a sentence
_LONG_TOKENS = 2000  # tokens at which length has all its points
_MARK_WEIGHT = 0.05  # of a word


def score(request: ChatRequest, documents: Sequence[Document] = ()) -> Complexity:
    """The complexity of a request with the Documents of its files; no model is called."""
    features = measure(request.question)
    turns = [message.role for message in request.messages].count("user") - 1
    file_tokens = sum([document.token_count for document in documents]) if documents else 0
    files = len(documents) + len(request.image_urls)
    features |= {"files": files, "file_tokens": file_tokens, "turns": max(turns, 0)}
    code = features["code"] + _MARK_WEIGHT * features["marks_code"]
    mathematics = features["mathematics"] + _MARK_WEIGHT * (features["marks_math"] + features["quantities"])
    steps = features["steps"] + features["items"] + features["marks_question"]
    counts = (code, mathematics, features["constraints"], features["reasoning"], steps)
    found = [
        _count_factor(name, count) if count else _NOT_FOUND[name] for name, count in zip(_COUNTED, counts, strict=True)
    ]
    last = _files_factor(files, file_tokens), _conversation_factor(turns)
    factors = (_length_factor(features["tokens"]), *found, *last)
    return Complexity(factors, request.token_count + file_tokens, features)


def _saturating(value: float, saturation: float) -> float:
    """Share of the points, 0 to 1: 0 at 0, 1 from `saturation` on, concave between, since the first tells the most."""
    return min(1.0, math.log1p(value) / math.log1p(saturation))


def _factor(name: str, value: float, share: float, explanation: str) -> Factor:
    return Factor(name, value, round(MAX_POINTS[name] * share, 2), explanation)


@lru_cache(_KEPT)
def _length_factor(tokens: float) -> Factor:
    share = _saturating(tokens / 16, _LONG_TOKENS / 16)  # flat below a short question's length
    return _factor("length", tokens, share, f"the question has about {tokens:,.0f} tokens")


@lru_cache(_KEPT)
def _count_factor(name: str, value: float) -> Factor:
    saturation, description = _COUNTED[name]
    return _factor(name, value, _saturating(value, saturation), f"{max(round(value), 1)} of: {description}")


def _files_factor(count: int, tokens: int) -> Factor:
    if not count:
        return _NO_FILES
    share = 0.5 * _saturating(count, 5) + 0.5 * _saturating(tokens / 100, 200)
    return _factor("files", count, share, f"{count} file(s) or picture(s) with about {tokens:,} tokens of text")


def _conversation_factor(turns: int) -> Factor:
    if turns <= 0:
        return _NO_TURNS
    return _factor("conversation", turns, _saturating(turns, 8), f"{turns} earlier question(s)")
