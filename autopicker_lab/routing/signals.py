"""Signals: what an answer shows of its own quality, as named numbers of which more is better.

From the log-probabilities of an answer's tokens, where its server gives them: `logprob_mean` and `logprob_min`, the
mean and the least; `margin_mean` and `margin_min`, by how much each token was likelier than the next candidate. How
well such signals tell right answers from wrong ones: Kadavath et al., "Language Models (Mostly) Know What They Know"
(2022), https://arxiv.org/abs/2207.05221.

`agreement:K` is the share of K more answers, drawn at a temperature, that say the same, word for word: for short ones
(Wang et al., "Self-Consistency", 2022, https://arxiv.org/abs/2203.11171). `judge:MODEL` is how right another model
takes the answer for, without a reference. All else are checks (see grading.checks): `regex:PATTERN`, `schema:JSON`,
`tests:ASSERTIONS`, `my.py:function`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.grading.checks import check_usable
from autopicker_lab.grading.grade import grade_by_judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.core import ChatReply
    from autopicker_lab.grading.checks import CheckRunner

PREFIX = "signal_"  # of a column of an outcomes table
USD_PREFIX = "usd_signal_"  # of the column with what measuring it cost, where that asked models
FROM_LOGPROBS = ("logprob_mean", "logprob_min", "margin_mean", "margin_min")
LOGPROB_OPTIONS: Mapping[str, Any] = {"logprobs": True, "top_logprobs": 2}  # what a model is asked for them with
SAMPLING: Mapping[str, Any] = {"temperature": 0.7}  # of the further answers of an agreement
JUDGING: Mapping[str, Any] = {"temperature": 0, "max_tokens": 200}  # of a judge's verdict
_LEAST = -100.0  # what a token counts as that was all but impossible: servers say -9999, or minus infinity
_DIGITS = 5
_JUDGE, _AGREEMENT = "judge:", "agreement:"
_MOST_SAMPLES = 16
_TOLD = 40  # characters of a name in words


class FurtherAnswers(Protocol):
    """How models are asked again while a signal is measured; who asks counts what that costs."""

    async def samples(self, count: int) -> Sequence[str]:
        """Texts of more answers of the same model to the same question."""

    async def opinion(self, judge: str, text: str) -> str:
        """What another model says to a text."""


def check_signal(name: str) -> None:
    """InvalidRequestError for a signal that no answer can be measured by."""
    if name in FROM_LOGPROBS or samples_wanted(name) or judge_of(name) or check_usable(name):
        return
    kinds = "agreement:K, judge:MODEL, regex:PATTERN, schema:JSON, tests:CODE, my.py:function"
    raise InvalidRequestError(f"no signal '{told_as(name)}'", f"known: {', '.join(FROM_LOGPROBS)}, {kinds}")


def samples_wanted(name: str) -> int:
    """How many more answers a signal needs; 0 for one that needs none.

    Raises:
        InvalidRequestError: an agreement of none, or of very many.
    """
    if not name.startswith(_AGREEMENT):
        return 0
    number = name.removeprefix(_AGREEMENT)
    if not number.isdecimal() or not 1 <= int(number) <= _MOST_SAMPLES:
        raise InvalidRequestError(f"no signal '{name}'", f"write agreement:1 to agreement:{_MOST_SAMPLES}")
    return int(number)


def judge_of(name: str) -> str:
    """The model that a signal asks for its opinion; "" for one that asks none."""
    return name.removeprefix(_JUDGE).strip() if name.startswith(_JUDGE) else ""


def told_as(name: str) -> str:
    """The name in words for people: schemas and tests are long."""
    line = " ".join(name.split())
    return line if len(line) <= _TOLD else f"{line[:_TOLD]}..."


async def measure_signal(
    name: str, reply: ChatReply, question: str, further: FurtherAnswers, checks: CheckRunner
) -> float | None:
    """One signal of a reply; None where it has none.

    Raises:
        AutopickerError: it cannot be measured: a model that is asked for it failed, or a check did.
    """
    if name in FROM_LOGPROBS:
        return signals_of(reply).get(name)
    if wanted := samples_wanted(name):
        texts = await further.samples(wanted)
        return sum([_plain(text) == _plain(reply.text) for text in texts]) / len(texts) if texts else None
    if judge := judge_of(name):
        return await grade_by_judge(question, reply.text, None, partial(further.opinion, judge))
    return await checks.score(name, reply.text, question)


def _plain(text: str) -> str:
    """A text without case, punctuation and white space."""
    return "".join([letter for letter in text.casefold() if letter.isalnum()])


def signals_of(reply: ChatReply) -> dict[str, float]:
    """The signals of a reply by name; empty where its server gave no log-probabilities.

    Of several choices the first counts.
    """
    rows = logprob_rows(reply)
    chosen = [_logprob(row) for row in rows]
    if not chosen or None in chosen:
        return {}
    logprobs = [value for value in chosen if value is not None]
    found = {"logprob_mean": sum(logprobs) / len(logprobs), "logprob_min": min(logprobs)}
    margins = [margin for row in rows if (margin := _margin(row)) is not None]
    if len(margins) == len(rows):
        found |= {"margin_mean": sum(margins) / len(margins), "margin_min": min(margins)}
    return {name: round(value, _DIGITS) for name, value in found.items()}


def logprob_rows(reply: ChatReply) -> Sequence[Mapping[str, Any]]:
    """OpenAI's rows of log-probabilities, one a token of the first choice; empty where there are none."""
    choices = reply.raw.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    logprobs = first.get("logprobs") if isinstance(first, Mapping) else None
    rows = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _logprob(row: Mapping[str, Any]) -> float | None:
    value = row.get("logprob")
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    return min(max(float(value), _LEAST), 0.0)


def _margin(row: Mapping[str, Any]) -> float | None:
    """By how much a token was likelier than the next candidate; negative where another was likelier."""
    own = _logprob(row)
    others = row.get("top_logprobs")
    if own is None or not isinstance(others, list):
        return None
    token = row.get("token")
    values = [_logprob(other) for other in others if isinstance(other, Mapping) and other.get("token") != token]
    known = [value for value in values if value is not None]
    return own - max(known) if known else None
