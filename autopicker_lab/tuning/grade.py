"""Graders: how right an answer is, 0 to 1.

exact          the reply, its first or its last line is one of the answers (case, punctuation and width aside)
numeric        the last number of the reply is the answer
choice         the letter that the reply settles on is the answer
regex          the pattern is found in the reply
json_schema    the first JSON value of the reply fits the schema
python         the reply's code passes the given assertions, in a process that sees nothing of this one
judge          another model compares the reply with the reference answer
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from autopicker_lab.core import AutopickerError, InvalidRequestError, MissingPackageError
from autopicker_lab.core.optional import require
from autopicker_lab.tuning.code_grading import passes

Judge = Callable[[str], Awaitable[str]]
_REGEX_TIMEOUT_S = 5.0
_FENCE = re.compile(r"```[ \t]*([\w+-]*)[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_NUMBER = re.compile(
    r"(?<![\w.,^])[-+−]?(?:\d{1,3}(?:([.,'\u00a0\u202f ])\d{3})(?:\1\d{3})*(?!\d)|\d+)?(?:[.,]\d+)?(?:[eE][-+]?\d+)?"
)
_ANSWER = re.compile(
    r"\b(?:answer|antwort|réponse|respuesta)\b[^\n.]{0,24}?(?:\bis\b|:|=)\W{0,6}(?:option |choice )?\W{0,4}"
    r"([A-Z])\b(?! [a-z])",
    re.I,
)
_LETTER = re.compile(r"(?<![\w'’])\(?([A-Z])(?=[).:,]|\s*$|\*|\])(?!\.\w)", re.M)
_ALONE = re.compile(r"(?<![\w'’])([B-HJ-Z])(?![\w'’])")
_JUDGE = """Question:
{question}

Reference answer:
{answer}

Answer to grade:
{reply}

How well does the answer to grade agree with the reference? Reply with one number from 0 (wrong) to 10 (right)."""


def exact(reply: str, answer: object) -> float:
    """1 where the whole reply, its first or its last line equals an answer (one, or any of a list)."""
    lines = [line for line in reply.splitlines() if line.strip()] or [""]
    candidates = {_plain(text) for text in (reply, lines[0], lines[-1])} - {""}
    return float(any(_plain(str(right)) in candidates for right in _as_list(answer)))


def numeric(reply: str, answer: object) -> float:
    """1 where the last number of the reply is the answer, to a millionth of it."""
    numbers = [value for match in _NUMBER.finditer(reply) if (value := _number(match)) is not None]
    return float(bool(numbers) and math.isclose(numbers[-1], float(str(answer)), rel_tol=1e-6, abs_tol=1e-9))


def choice(reply: str, answer: object) -> float:
    """1 where the letter that the reply gives as its answer is the right one.

    That is the last after "answer is" or "answer:"; else the first that stands like an option ("B", "(B)", "B."); else
    the last that stands alone (A and I are words as well, and do not count there).
    """
    settled = _ANSWER.findall(reply)[-1:] or _LETTER.findall(reply)[:1] or _ALONE.findall(reply)[-1:]
    return float(bool(settled) and settled[0].upper() == str(answer).upper())


def regex(reply: str, answer: object) -> float:
    """1 where the pattern is found, within five seconds."""
    require("regex")
    import regex as patterns  # unlike re it can be stopped

    try:
        return float(patterns.search(str(answer), reply.strip(), timeout=_REGEX_TIMEOUT_S) is not None)
    except TimeoutError:
        return 0.0


def json_schema(reply: str, answer: object) -> float:
    """1 where the first JSON object or array of the reply fits the JSON schema."""
    require("jsonschema")
    import jsonschema

    value = _first_json(reply)
    return float(value is not None and jsonschema.validators.validator_for(answer)(answer).is_valid(value))


def python(reply: str, answer: object, trust_code: bool = False) -> float:
    """1 where the reply's code ends well within five seconds, and the assertions hold after it.

    It runs shut in, or, where that cannot be had, only if it is trusted; see `code_grading.passes`.
    """
    fenced = [code for language, code in _FENCE.findall(reply) if language.lower() in ("", "python", "py", "python3")]
    return float(passes("\n".join(fenced) if fenced else reply, str(answer), trust_code=trust_code))


GRADERS: Mapping[str, Callable[[str, object], float]] = MappingProxyType(
    {"exact": exact, "numeric": numeric, "choice": choice, "regex": regex, "json_schema": json_schema, "python": python}
)


def grade_reply(grader: str, reply: str, answer: object, *, trust_code: bool = False) -> float:
    """The score of a reply by one of GRADERS; a reply that a grader cannot read at all is wrong.

    Args:
        trust_code: run the code of a reply, too, where it cannot be shut in.

    Raises:
        InvalidRequestError: the answer was not usable after all (a schema that refers to nothing), or code can neither
            be shut in here nor is it trusted.
    """
    try:
        return python(reply, answer, trust_code) if grader == "python" else GRADERS[grader](reply, answer)
    except (RecursionError, UnicodeError):
        return 0.0
    except AutopickerError:
        raise
    except Exception as error:  # each library has its own
        raise InvalidRequestError(f"the '{grader}' grader failed: {error}", "correct 'answer'") from None


def check_answer(grader: str, answer: object) -> None:
    """Refuse a grader that does not exist, and an answer that it could not use; InvalidRequestError says which."""
    if grader not in (*GRADERS, "judge"):
        raise InvalidRequestError(f"unknown grader '{grader}'", f"known: {', '.join((*GRADERS, 'judge'))}")
    try:
        if grader == "numeric":
            float(str(answer))
        elif grader == "choice":
            if not re.fullmatch("[A-Za-z]", str(answer)):
                raise ValueError("not one letter")
        elif grader == "regex":
            require("regex")
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
    except MissingPackageError:
        raise
    except Exception as error:  # each library has its own
        detail = f"the answer of a '{grader}' question is not usable: {str(error).splitlines()[0]}"
        raise InvalidRequestError(detail, "correct 'answer'") from None


async def grade_by_judge(question: str, reply: str, answer: object, ask: Judge) -> float | None:
    """What another model thinks of the reply, 0 to 1; None where it names no number.

    Zheng et al., "Judging LLM-as-a-Judge" (2023), https://arxiv.org/abs/2306.05685, reference-guided grading.
    """
    verdict = await ask(_JUDGE.format(question=question, answer=answer, reply=reply))
    mark = re.search(r"(\d+(?:\.\d+)?)\s*(?:/|of|out of)\s*10\b", verdict) or re.search(
        r"\d+(?:\.\d+)?\b(?!\s*%)", verdict
    )
    return None if mark is None else min(float(mark[mark.lastindex or 0]), 10.0) / 10


def _as_list(answer: object) -> Sequence[object]:
    return answer if isinstance(answer, list | tuple) else [answer]


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[`'\"*]", "", folded).strip(" \t\n.!:").split())


def _number(match: re.Match[str]) -> float | None:
    """A number as people write it: 1,234.5, 1 234,5, 1.234.567 and 6.02e23; 1,234 and 1.234 are told by their digits.

    A comma before three digits groups them, unless the number begins with 0; a point before three digits does not,
    unless there are two.
    """
    text, separator = match[0].replace("−", "-"), match[1]
    if not any(char.isdigit() for char in text):
        return None
    grouped = separator is not None and (
        separator not in ".," or text.count(separator) > 1 or (separator == "," and _leads(text))
    )
    if grouped or (separator in (".", ",") and "," in text and "." in text):
        text = text.replace(separator, "")
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _leads(text: str) -> bool:
    return not text.lstrip("-+").startswith("0")


def _first_json(reply: str) -> object:
    decoder = json.JSONDecoder()
    for start in (match.start() for match in re.finditer(r"[{\[]", reply)):
        try:
            return decoder.raw_decode(reply, start)[0]
        except ValueError:
            continue
    return None
