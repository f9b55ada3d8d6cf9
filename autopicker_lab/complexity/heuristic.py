"""The default scorer: named factors, each with a ceiling, 100 points in all; linear in the length of the text.

Length carries the most weight because, measured on public outcomes, it ranks prompts by difficulty better than
keyword rules do. A policy fitted on one's own outcomes (see tuning) replaces it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from autopicker_lab.core import ChatRequest, Complexity, Document, Factor
from autopicker_lab.core.text import estimate_tokens

SCORER = "heuristic-1"
MAX_POINTS: Mapping[str, float] = MappingProxyType(
    {
        "length": 46.0,
        "reasoning": 10.0,
        "steps": 4.0,
        "constraints": 6.0,
        "code": 14.0,
        "mathematics": 4.0,
        "files": 12.0,
        "conversation": 4.0,
    }
)
_LONG = 2000  # tokens at which length has all its points

_REASONING = re.compile(
    r"\b(?:prove|proof|derive|deriv\w+|analy[sz]\w+|compar\w+|contrast|evaluat\w+|critique|justif\w+"
    r"|explain (?:how|why)|why|trade-?offs?|design|architect\w*|optimi[sz]\w+"
    r"|implement|refactor|debug|diagnos\w+|synthesi[sz]\w+|infer|hypothes\w+|strateg\w+|step by step"
    r"|reason\w*|implications?|root cause"
    r"|warum|beweis\w*|vergleich\w*|analysier\w*|begründ\w*|pourquoi|démontr\w*|compare[rz]?|analyser"
    r"|por qué|demuestr\w*|compar[ae]\w*|analiz\w*|perché|dimostr\w*|confront\w*)\b"
    r"|为什么|证明|分析|比较|なぜ|証明|分析|比較",
    re.IGNORECASE,
)
_STEP = re.compile(
    r"^[ \t]{0,8}(?:[-*•]|\d{1,2}[.)]|[a-z]\))\s+\S|[?？]|\b(?:first|then|next|finally|afterwards)\b", re.I | re.M
)
_CONSTRAINT = re.compile(
    r"\b(?:must|exactly|at (?:most|least)|no more than|without|only|ensure|unless|except|between \d|"
    r"json|yaml|xml|csv|markdown|table|schema|format|\d+ words?|cite|constraints?)\b",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"```|\b(?:def|class|function|return|import|SELECT|async|await|lambda|struct|public|void)\b(?=[\s(:*])"
    r"|[{};][ \t]?$|=>|==|!=|&&|\|\||\w\(\w*\)|\.\w+\(",
    re.MULTILINE,
)
_MATH = re.compile(
    r"\$[^$\n]{1,200}\$|\\(?:frac|sum|int|sqrt|begin|mathbb|cdot|le|ge)\b|[∑∫√≤≥≠∞∂∈∀∃π±×÷]|\b\w\^\d|\d\s?[-+*/=<>]\s?\d"
    r"|\b(?:equation|integral|derivative|matrix|probability|theorem|polynomial|modulo|percent|average|solve"
    r"|how many|how much|per (?:hour|day|week)|twice|half)\b|\d\s?%",
    re.IGNORECASE,
)


def score(request: ChatRequest, documents: Sequence[Document] = ()) -> Complexity:
    """Complexity of a request with what was read out of its files; calls no model."""
    text = request.question
    file_tokens = sum(document.token_count for document in documents)
    factors = (
        _length(text),
        _counted(
            "reasoning", _REASONING, text, 3, "asks to {0} {1} time(s): words such as why, prove, compare, design"
        ),
        _counted("steps", _STEP, text, 6, "{1} question(s), list items or steps"),
        _counted("constraints", _CONSTRAINT, text, 5, "{1} condition(s) on the form or content of the answer"),
        _counted("code", _CODE, text, 12, "{1} mark(s) of source code"),
        _counted("mathematics", _MATH, text, 8, "{1} mark(s) of mathematics or quantities"),
        _files(documents, file_tokens, len(request.image_urls)),
        _conversation(request),
    )
    return Complexity(factors, request.token_count + file_tokens)


def _saturating(value: float, full: float) -> float:
    """0 at 0, 1 from `full` on, concave between: the first of a kind says more than the tenth."""
    return min(1.0, math.log1p(value) / math.log1p(full))


def _factor(name: str, value: float, share: float, why: str) -> Factor:
    return Factor(name, value, round(MAX_POINTS[name] * share, 2), why)


def _length(text: str) -> Factor:
    tokens = estimate_tokens(text)
    share = _saturating(tokens / 16, _LONG / 16)  # flat below a short question's length
    return _factor("length", tokens, share, f"the question has about {tokens:,} tokens")


def _counted(name: str, pattern: re.Pattern[str], text: str, full: int, why: str) -> Factor:
    count = sum(1 for _ in pattern.finditer(text))
    reason = why.format("reason", count) if count else "none found"
    return _factor(name, count, _saturating(count, full), reason)


def _files(documents: Sequence[Document], tokens: int, images: int) -> Factor:
    count = len(documents) + images
    share = 0.5 * _saturating(count, 5) + 0.5 * _saturating(tokens / 100, 200)
    why = f"{count} file(s) or picture(s) with about {tokens:,} tokens of text" if count else "no files"
    return _factor("files", count, share, why)


def _conversation(request: ChatRequest) -> Factor:
    turns = sum(1 for message in request.messages if message.role == "user") - 1
    return _factor("conversation", turns, _saturating(max(turns, 0), 8), f"{max(turns, 0)} earlier question(s)")
