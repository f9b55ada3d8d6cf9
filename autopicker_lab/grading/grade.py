"""Graders: how right an answer is, 0 to 1.

exact          the reply, its first or its last line is one of the answers (case, punctuation and width aside)
numeric        the number that the reply settles on is the answer: exactly, or within a tolerance
choice         the letter that the reply settles on is the answer
regex          the pattern is found in the reply
json_schema    the JSON value of the reply fits the schema
python         the reply's code passes the given assertions, in a process that sees nothing of this one
judge          another model compares the reply with the reference answer

Besides these a person's own: `my.py:function`, or the name of an entry point; see own_graders.
"""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

from autopicker_lab.core import AutopickerError, InvalidRequestError, MissingPackageError
from autopicker_lab.core.optional import require
from autopicker_lab.grading.code_grading import passes
from autopicker_lab.grading.own_graders import is_own, own_grader, own_score
from autopicker_lab.grading.settled_letter import settled_letter
from autopicker_lab.grading.written_numbers import last_box, number, settled_numbers

if TYPE_CHECKING:
    from pathlib import Path

Judge = Callable[[str], Awaitable[str]]
_REGEX_TIMEOUT_S = 5.0
_FENCE = re.compile(r"```[ \t]*([\w+-]*)[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_JSON_FENCE = re.compile(r"```[ \t]*(?:json\w*)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL | re.I)
_JSON_START = re.compile(r"[{\[]")
_MOST_STARTS = 1000  # brackets that are tried: each failure costs a walk over the text
_HYPHENS = str.maketrans("‐‑‒–—−", "------")
_NEARLY = Fraction(1, 10**6)  # of an answer that is no whole number
_JUDGE = """Question:
{question}

Reference answer:
{answer}

Answer to grade:
{reply}

How well does the answer to grade agree with the reference? Reply with one number from 0 (wrong) to 10 (right)."""
_JUDGE_ALONE = """Question:
{question}

Answer to grade:
{reply}

How likely is it that the answer is right and complete? Reply with one number from 0 (wrong) to 10 (right)."""


def exact(reply: str, answer: object) -> float:
    """1 where the whole reply, its first or its last line equals an answer (one, or any of a list)."""
    lines = [plain for line in reply.splitlines() if (plain := _plain(line))] or [""]
    candidates = {_plain(reply), lines[0], lines[-1], _plain(last_box(reply) or "")} - {""}
    return float(any(_plain(str(right)) in candidates for right in _as_list(answer)))


def numeric(reply: str, answer: object) -> float:
    """1 where the number that the reply settles on is the answer (one, or any of a list).

    A whole number is to be met exactly, another one to a millionth of it. An answer of the form
    `{"value": 3.14, "tolerance": 0.01}` may be missed by that much, or by a share: "1%".
    """
    readings = [reading for number_said in settled_numbers(reply) for reading in number_said]
    return float(any(abs(said - right) <= allowed for right, allowed in _targets(answer) for said in readings))


def choice(reply: str, answer: object) -> float:
    """1 where the letter that the reply gives as its answer is the right one; see settled_letter."""
    return float(settled_letter(reply) == str(answer).strip().upper())


def regex(reply: str, answer: object) -> float:
    """1 where the pattern is found, within five seconds."""
    import regex as patterns  # unlike re it can be stopped

    try:
        found = patterns.search(str(answer), reply.strip(), timeout=_REGEX_TIMEOUT_S, concurrent=True)
    except TimeoutError:
        return 0.0
    return float(found is not None)


def json_schema(reply: str, answer: object) -> float:
    """1 where the JSON value of the reply fits the JSON schema.

    That is the whole reply; else what stands in a fence; else the longest object or array within the text.
    """
    require("jsonschema")
    import jsonschema

    checker = jsonschema.validators.validator_for(answer)(answer)
    return float(any(checker.is_valid(value) for value in _json_value(reply)))


def python(reply: str, answer: object, trust_code: bool = False) -> float:
    """1 where the reply's code ends well within five seconds, and the assertions hold after it.

    It runs shut in, or, where that cannot be had, only if it is trusted; see `code_grading.passes`.
    """
    fenced = [code for language, code in _FENCE.findall(reply) if language.lower() in ("", "python", "py", "python3")]
    return float(passes("\n".join(fenced) if fenced else reply, str(answer), trust_code=trust_code))


GRADERS: Mapping[str, Callable[[str, object], float]] = MappingProxyType(
    {"exact": exact, "numeric": numeric, "choice": choice, "regex": regex, "json_schema": json_schema, "python": python}
)


def grade_reply(
    grader: str, reply: str, answer: object, *, trust_code: bool = False, folder: Path | None = None
) -> float:
    """The score of a reply by one of GRADERS or a person's own; a reply that a grader cannot read at all is wrong.

    Args:
        trust_code: run the code of a reply, too, where it cannot be shut in.
        folder: where `my.py` of a grader `my.py:function` is; None: here.

    Raises:
        InvalidRequestError: the answer was not usable after all (a schema that refers to nothing), a person's own
            grader failed, or code can neither be shut in here nor is it trusted.
    """
    if is_own(grader):
        return own_score(grader, reply, answer, folder)
    try:
        return python(reply, answer, trust_code) if grader == "python" else GRADERS[grader](reply, answer)
    except (RecursionError, UnicodeError):
        return 0.0
    except AutopickerError:
        raise
    except Exception as error:  # each library has its own
        raise InvalidRequestError(f"the '{grader}' grader failed: {error}", "correct 'answer'") from None


def check_answer(grader: str, answer: object, folder: Path | None = None) -> None:
    """Refuse a grader that does not exist, and an answer that it could not use; InvalidRequestError says which."""
    if is_own(grader):
        own_grader(grader, folder)
        return
    known = (*GRADERS, "judge")
    if grader not in known:
        near = difflib.get_close_matches(grader, known, 1)
        meant = f"did you mean '{near[0]}'? " if near else ""
        raise InvalidRequestError(f"unknown grader '{grader}'", f"{meant}known: {', '.join(known)}, my.py:function")
    try:
        _check(grader, answer)
    except MissingPackageError:
        raise
    except Exception as error:  # each library has its own
        detail = f"the answer of a '{grader}' question is not usable: {(str(error) or 'it is empty').splitlines()[0]}"
        raise InvalidRequestError(detail, "correct 'answer'") from None


def _check(grader: str, answer: object) -> None:
    """Any exception where a grader could not use an answer."""
    if grader == "numeric":
        _targets(answer)
    elif grader == "choice":
        if not re.fullmatch("[A-Za-z]", str(answer).strip()):
            raise ValueError("not one letter")
    elif grader == "regex":
        import regex as patterns

        patterns.compile(str(answer))
    elif grader == "json_schema":
        require("jsonschema")
        import jsonschema

        jsonschema.validators.validator_for(answer).check_schema(answer)
    elif grader == "python":
        compile(str(answer), "answer", "exec")
    elif not all(_plain(str(right)) for right in _as_list(answer)) or not _as_list(answer):
        raise ValueError("nothing to compare with")


async def grade_by_judge(question: str, reply: str, answer: object, ask: Judge) -> float | None:
    """What another model thinks of the reply, 0 to 1; None where it names no number.

    With an answer of None it has no reference to compare with.

    Zheng et al., "Judging LLM-as-a-Judge" (2023), https://arxiv.org/abs/2306.05685, reference-guided grading.
    """
    asked = _JUDGE_ALONE if answer is None else _JUDGE
    verdict = await ask(asked.format(question=question, answer=answer, reply=reply))
    mark = re.search(r"(\d+(?:\.\d+)?)\s*(?:/|of|out of)\s*10\b", verdict) or re.search(
        r"\d+(?:\.\d+)?\b(?!\s*%)", verdict
    )
    return None if mark is None else min(float(mark[mark.lastindex or 0]), 10.0) / 10


def _as_list(answer: object) -> Sequence[object]:
    return answer if isinstance(answer, list | tuple) else [answer]


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_HYPHENS)
    visible = "".join(char for char in folded if unicodedata.category(char) != "Cf")
    bare = re.sub(r"^\s*- (?=\S)", "", re.sub(r"[`'\"*‘’‚‛“”„‟«»]", "", visible))
    return " ".join(bare.strip(" \t\n.,;:!?").split())


def _targets(answer: object) -> list[tuple[Fraction, Fraction]]:
    """Each right number, and by how much it may be missed; ValueError where there is none."""
    targets = []
    for right in _as_list(answer):
        given = right if isinstance(right, Mapping) else {"value": right}
        value, tolerance = number(given.get("value")), given.get("tolerance")
        if value is None or set(given) - {"value", "tolerance"}:
            raise ValueError(f"'{right}' is not a number")
        targets.append((value, _allowed(value, tolerance)))
    if not targets:
        raise ValueError("nothing to compare with")
    return targets


def _allowed(value: Fraction, tolerance: object) -> Fraction:
    if tolerance is None:
        return Fraction(0) if value.denominator == 1 else abs(value) * _NEARLY
    share = isinstance(tolerance, str) and tolerance.strip().endswith("%")
    allowed = number(str(tolerance).strip().removesuffix("%") if share else tolerance)
    if allowed is None or allowed < 0:
        raise ValueError(f"the tolerance '{tolerance}' is neither a number nor a share such as '1%'")
    return abs(value) * allowed / 100 if share else allowed


def _json_value(reply: str) -> list[object]:
    """The JSON value of a reply, as a list of one; empty where there is none."""
    for text in (reply, *_JSON_FENCE.findall(reply)):
        try:
            return [json.loads(text)]
        except ValueError:
            continue
    decoder, start, values = json.JSONDecoder(), 0, []
    for _ in range(_MOST_STARTS):
        begin = _JSON_START.search(reply, start)
        if begin is None:
            break
        try:
            value, end = decoder.raw_decode(reply, begin.start())
            values.append((end - begin.start(), value))
            start = end
        except ValueError:
            start = begin.end()
    return [max(values, key=lambda found: found[0])[1]] if values else []
