"""Graders: how right an answer is, 0 to 1.

exact          the reply, its first or its last line is one of the answers (case, punctuation and width aside)
numeric        the last number of the reply is the answer
choice         the letter that the reply settles on is the answer
regex          the pattern is found in the reply
json_schema    the first JSON value of the reply fits the schema
python         the reply's code passes the given assertions, in a process that is killed when it takes too long
judge          another model compares the reply with the reference answer
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from autopicker_lab.core import InvalidRequestError

Judge = Callable[[str], Awaitable[str]]
PYTHON_TIMEOUT_S = 5.0
_MEMORY = 512 * 2**20
_FENCE = re.compile(r"```[\w+-]*[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_NUMBER = re.compile(r"[-+−]?\d[\d,.\u00a0\u202f' ]*\d|[-+−]?\d|[-+−]?\.\d+")
_THOUSANDS = re.compile(r"[\u00a0\u202f' ](?=\d{3}\b)")
_SETTLED = re.compile(
    r"(?:answer|antwort|réponse|respuesta|option|choice)\W{0,12}(?:is\W{0,6}|:\W{0,6})?\(?([A-Z])\b", re.I
)
_LETTER = re.compile(r"(?<![\w'])\(?([A-Z])(?:[).:]|\b)(?!')")
_JUDGE = """Question:
{question}

Reference answer:
{answer}

Answer to grade:
{reply}

How well does the answer to grade agree with the reference? Reply with one number from 0 (wrong) to 10 (right)."""


def exact(reply: str, answer: object) -> float:
    """1 where the whole reply, its first or its last line equals an answer."""
    lines = [line for line in reply.splitlines() if line.strip()] or [""]
    given = {_plain(text) for text in (reply, lines[0], lines[-1])}
    return float(any(_plain(str(right)) in given for right in _several(answer)))


def numeric(reply: str, answer: object) -> float:
    """1 where the last number of the reply is the answer, to a millionth of it."""
    found = [value for text in _NUMBER.findall(reply) if (value := _number(text)) is not None]
    return float(bool(found) and math.isclose(found[-1], float(str(answer)), rel_tol=1e-6, abs_tol=1e-9))


def choice(reply: str, answer: object) -> float:
    """1 where the letter after "answer is", else the first letter that stands alone, is the answer."""
    settled = _SETTLED.findall(reply) or _LETTER.findall(reply)[:1]
    return float(bool(settled) and settled[-1].upper() == str(answer).upper())


def regex(reply: str, answer: object) -> float:
    """1 where the pattern is found."""
    return float(re.search(str(answer), reply.strip()) is not None)


def json_schema(reply: str, answer: object) -> float:
    """1 where the first JSON object or array of the reply fits the JSON schema."""
    import jsonschema

    value = _first_json(reply)
    return float(value is not None and jsonschema.validators.validator_for(answer)(answer).is_valid(value))


def python(reply: str, answer: object) -> float:
    """1 where the reply's code, with the assertions after it, ends well within five seconds.

    The process has no environment, an empty folder, 512 MiB and no way to start others. That stops accidents, not
    attacks: grade code of models you would run.
    """
    fenced = _FENCE.findall(reply)
    program = "\n".join(fenced) if fenced else reply
    passed = secrets.token_hex(16)  # written last, so that code which leaves early has not passed
    with tempfile.TemporaryDirectory() as folder, Path(folder, "out").open("w+b") as out:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", f"{_LIMITS}\n{program}\n{answer}\nprint('\\n{passed}')\n"],
            cwd=folder,
            env={},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(PYTHON_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return 0.0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # whatever it started ends with it
            process.wait()
        out.seek(0)
        return float(process.returncode == 0 and out.read().rstrip().endswith(passed.encode()))


GRADERS: Mapping[str, Callable[[str, object], float]] = MappingProxyType(
    {"exact": exact, "numeric": numeric, "choice": choice, "regex": regex, "json_schema": json_schema, "python": python}
)


def check(grader: str, answer: object) -> None:
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
            re.compile(str(answer))
        elif grader == "json_schema":
            import jsonschema

            jsonschema.validators.validator_for(answer).check_schema(answer)
        elif grader == "python":
            compile(str(answer), "answer", "exec")
        elif not _several(answer):
            raise ValueError("nothing to compare with")
    except Exception as error:  # each library has its own
        detail = f"the answer of a '{grader}' question is not usable: {str(error).splitlines()[0]}"
        raise InvalidRequestError(detail, "correct 'answer'") from None


async def judged(question: str, reply: str, answer: object, ask: Judge) -> float | None:
    """What another model thinks of the reply, 0 to 1; None where it names no number.

    Zheng et al., "Judging LLM-as-a-Judge" (2023), https://arxiv.org/abs/2306.05685, reference-guided grading.
    """
    verdict = await ask(_JUDGE.format(question=question, answer=answer, reply=reply))
    found = re.search(r"\d+(?:\.\d+)?", verdict)
    return None if found is None else min(float(found[0]), 10.0) / 10


_LIMITS = f"""try:
    import resource as _r
    _r.setrlimit(_r.RLIMIT_AS, ({_MEMORY}, {_MEMORY}))
    _r.setrlimit(_r.RLIMIT_FSIZE, (2**20, 2**20))
    _r.setrlimit(_r.RLIMIT_NPROC, (0, 0))
except (ImportError, ValueError, OSError):
    pass"""


def _several(answer: object) -> Sequence[object]:
    return answer if isinstance(answer, list | tuple) else [answer]


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[`'\"*]", "", folded).strip(" \t\n.!:").split())


def _number(text: str) -> float | None:
    """A number as people write it: 1,234.5, 1 234,5 and 1.234.567 alike; a lone comma before three digits groups."""
    text = _THOUSANDS.sub("", text.replace("−", "-")).strip(" .,'")
    commas, points = text.count(","), text.count(".")
    if commas and points:
        decimal = max(text.rfind(","), text.rfind("."))
        text = re.sub(r"[,.]", "", text[:decimal]) + "." + text[decimal + 1 :]
    elif commas > 1 or (commas == 1 and re.search(r",\d{3}$", text)):
        text = text.replace(",", "")
    elif points > 1:
        text = text.replace(".", "")
    try:
        return float(text.replace(",", ".").split(" ")[-1])
    except ValueError:
        return None


def _first_json(reply: str) -> object:
    decoder = json.JSONDecoder()
    for start in (match.start() for match in re.finditer(r"[{\[]", reply)):
        try:
            return decoder.raw_decode(reply, start)[0]
        except ValueError:
            continue
    return None
