"""The part of a text that asks, where a label or a layout tells it from what frames it.

A system prompt, schemas of tools, worked examples or a retrieved text in the message of the user are longer than the
question that they stand beside, and alike for many requests: read with it, they would decide. A label or a tag that
says "question" is believed in any text; context that is labelled so is left out of a long one. In a text of 4,000
characters and more, longer than questions are, paragraphs are told apart: there alone white space counts. (Messages of
other roles are no part of the text: see `ChatRequest.question`.) The work is linear in the length of the text.
"""

from __future__ import annotations

import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.routing.framing_words import frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

LABELLED, BEFORE_CONTEXT = "its labelled question", "what stands before its context"
BESIDE_JSON, PARAGRAPH, BOTH_ENDS = "what stands beside its JSON", "its paragraph that asks", "both its ends"
PARAGRAPHS_FROM = 4000  # characters of a text whose paragraphs are told apart
_LONG = 1000  # characters: of a longer text, the middle is not read (see routing.readings)
_NEAR = 300  # characters at the end of a text in which it asks, if it does not ask before
_MOSTLY = 0.6  # share of framing words from which on a paragraph that does not ask is a frame
_LONG_JSON, _TRIES = 300, 50  # characters of JSON that is left out; brackets that may begin none
_OPENS = re.compile(r"[{[]")
_DECODER = json.JSONDecoder()
_QUESTION, _TURN, _CONTEXT, _CLOSE = "question", "turn", "context", "close"
_CONTEXT_NAMES = ("context", "documents", "document", "passage", "tools", "sources", "search_results")
_WORDS: Mapping[str, str] = MappingProxyType(  # before a colon
    {
        **dict.fromkeys(("question", "query", "frage", "pregunta", "domanda", "pergunta", "vraag"), _QUESTION),
        **dict.fromkeys(("вопрос", "问题", "問題", "質問", "प्रश्न", "سؤال"), _QUESTION),
        **dict.fromkeys(("q", "user", "human"), _TURN),
        **dict.fromkeys(_CONTEXT_NAMES, _CONTEXT),
    }
)
_TAGS: Mapping[str, str] = MappingProxyType(  # between angle brackets
    {
        **dict.fromkeys(("question", "query", "user_query", "user_question", "task"), _QUESTION),
        **dict.fromkeys(("/question", "/query", "/user_query", "/user_question", "/task"), _CLOSE),
        **dict.fromkeys(_CONTEXT_NAMES, _CONTEXT),
    }
)
_HEADINGS: Mapping[str, str] = MappingProxyType(
    {**dict.fromkeys(("question", "query", "task"), _QUESTION), **dict.fromkeys(_CONTEXT_NAMES, _CONTEXT)}
)
ANSWERS = frozenset(
    {
        *("a", "answer", "assistant", "ai", "response", "antwort", "antwoord", "respuesta", "réponse", "risposta"),
        *("resposta", "ответ", "答案", "答え", "उत्तर"),
    }
)
_LONGEST = max(map(len, (*_WORDS, *_TAGS)))
_AROUND = "*_#[(\"'"
_ENCLOSED = re.compile(rf"```.*?(?:```|\Z)|<({'|'.join(_CONTEXT_NAMES)})\b[^<>]*>.*?(?:</\1>|\Z)", re.DOTALL)
_BLANK = re.compile(r"\n[^\S\n]*\n")


class QuestionPart(NamedTuple):
    """The words that are read of a text, and what part of it they are, in words; "" for all of it.

    Attributes:
        line: the words with single spaces between them; None: not known.
    """

    words: Sequence[str]
    name: str = ""
    line: str | None = None


class _Mark(NamedTuple):
    """A label: where it begins and ends, and what follows it."""

    start: int
    end: int
    kind: str


def question_part(folded: str) -> QuestionPart:
    """What of a text in one letter case and Unicode form asks; all of it where nothing tells that apart."""
    words = folded.split()
    line = " ".join(words)
    marks = sorted(_marks(line))
    if found := _labelled(line, marks):
        return QuestionPart(found.split(), LABELLED)
    if len(line) <= _LONG:
        return QuestionPart(words, line=line)
    if found := _before_context(line, marks):
        return QuestionPart(found.split(), BEFORE_CONTEXT)
    if len(outside := _without_json(line)) < len(line):
        return question_part(outside)._replace(name=BESIDE_JSON)
    if len(line) >= PARAGRAPHS_FROM and (found := _asking_paragraph(folded)):
        return QuestionPart(found.split(), PARAGRAPH)
    return QuestionPart(words, BOTH_ENDS, line)


def _marks(line: str) -> Iterator[_Mark]:
    for at in _each(line, ":"):
        word = line[max(at - _LONGEST, 0) : at].rpartition(" ")[2].lstrip(_AROUND)
        if kind := _WORDS.get(word):
            yield _Mark(at - len(word), at + 1, kind)
    for at in _each(line, "<"):
        name = line[at + 1 : at + 2 + _LONGEST].partition(">")[0]
        if kind := _TAGS.get(name):
            yield _Mark(at, at + len(name) + 2, kind)
    for at in _each(line, "# "):
        word = line[at + 2 : at + 3 + _LONGEST].partition(" ")[0]
        if kind := _HEADINGS.get(word):
            yield _Mark(at, at + 2 + len(word), kind)


def _each(line: str, sign: str) -> Iterator[int]:
    at = line.find(sign)
    while at >= 0:
        yield at
        at = line.find(sign, at + 1)


def _labelled(line: str, marks: Sequence[_Mark]) -> str:
    """What the last label says to be the question; "" where none does, or nothing but a frame follows it."""
    if not marks:
        return ""
    waits = line.rpartition(" ")[2].strip("*:_") in ANSWERS
    end = len(line)
    for mark in reversed(marks if waits else [mark for mark in marks if mark.kind != _TURN]):
        if mark.kind in (_QUESTION, _TURN):
            asked = line[mark.end : end].lstrip(_AROUND)
            if _says_something(asked):
                return asked
        end = mark.start
    return ""


def _before_context(line: str, marks: Sequence[_Mark]) -> str:
    """What stands before the first context, where that is short and the text does not ask at its end."""
    start = next((mark.start for mark in marks if mark.kind == _CONTEXT), 0)
    asked = line[:start]
    if not 0 < start <= _LONG or _asks(line[-_NEAR:]) or not _says_something(asked):
        return ""
    return asked


def _asking_paragraph(folded: str) -> str:
    """The last paragraph that asks, else the last one that is more than a frame; "" where none is short enough."""
    if "\n" not in folded:
        return ""
    parts = _BLANK.split(_outside(folded))[::-1]
    asking = (part for part in parts if _asks(part) and _says_something(part))
    found = next(asking, None) or _last_that_tells(parts)
    if len(found) <= _LONG:
        return found if len(found) < len(folded) else ""
    lines = [line for line in found.split("\n") if _says_something(line)]
    first = max((i for i, line in enumerate(lines) if _asks(line)), default=0)
    rest = "\n".join(lines[first:])
    return rest if len(rest) <= _LONG else ""


def _outside(folded: str) -> str:
    """A text without fences and tagged context; all of it where nothing else is said."""
    outside, enclosed = _ENCLOSED.subn("\n\n", folded)
    return outside if enclosed and _says_something(outside) else folded


def _last_that_tells(parts: Iterable[str]) -> str:
    """The first of paragraphs, last first, that is more than a frame, else that says anything; "" for none."""
    telling = [part for part in parts if _says_something(part)]
    return next((part for part in telling if _framing_share(part) < _MOSTLY), (telling or [""])[0])


def _asks(text: str) -> bool:
    return "?" in text or "？" in text or "؟" in text  # many times as fast as an expression


def _without_json(line: str) -> str:
    """A long text without long JSON, such as schemas of tools; all of it where nothing else is said."""
    if "{" not in line and "[" not in line:  # an expression that looks for both takes a hundred times as long
        return line
    parts, start, at, tries = [], 0, 0, _TRIES
    while tries and (opens := _OPENS.search(line, at)):
        begin = opens.start()
        try:
            at = _DECODER.raw_decode(line, begin)[1]
        except (ValueError, RecursionError):
            at, tries = begin + 1, tries - 1
            continue
        if at - begin >= _LONG_JSON:
            parts.append(line[start:begin])
            start = at
    outside = " ".join([*parts, line[start:]])
    return outside if start and _says_something(outside) else line


def _framing_share(text: str) -> float:
    words = text.split()
    return sum(map(frames, words)) / len(words)


def _says_something(text: str) -> bool:
    """Whether a text has a word that is no frame."""
    return any(not frames(word) for word in text.split())
