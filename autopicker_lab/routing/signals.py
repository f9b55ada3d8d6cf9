"""Signals: what an answer shows of its own quality, as named numbers of which more is better.

From the log-probabilities of an answer's tokens, where its server gives them: `logprob_mean` and `logprob_min`, the
mean and the least; `margin_mean` and `margin_min`, by how much each token was likelier than the next candidate. How
well such signals tell right answers from wrong ones: Kadavath et al., "Language Models (Mostly) Know What They Know"
(2022), https://arxiv.org/abs/2207.05221.

`agreement:K` is the share of K more answers, drawn at a temperature, that say the same, word for word: for short ones
(Wang et al., "Self-Consistency", 2022, https://arxiv.org/abs/2203.11171). `regex:PATTERN` is whether the answer
matches.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.core import ChatReply

PREFIX = "signal_"  # of a column of an outcomes table
FROM_LOGPROBS = ("logprob_mean", "logprob_min", "margin_mean", "margin_min")
LOGPROB_OPTIONS: Mapping[str, Any] = {"logprobs": True, "top_logprobs": 2}  # what a model is asked for them with
_LEAST = -100.0  # what a token counts as that was all but impossible: servers say -9999, or minus infinity
_DIGITS = 5
_REGEX, _AGREEMENT = "regex:", "agreement:"
_MOST_SAMPLES = 16
_READ = 20_000  # characters of an answer that a pattern is looked for in
SAMPLING: Mapping[str, Any] = {"temperature": 0.7}  # of the further answers of an agreement


def check_signal(name: str) -> None:
    """InvalidRequestError for a signal that no answer can be measured by here."""
    if name in FROM_LOGPROBS or samples_wanted(name):
        return
    if name.startswith(_REGEX):
        try:
            re.compile(name.removeprefix(_REGEX))
        except re.error as error:
            raise InvalidRequestError(f"the signal '{name}' has no regular expression: {error}", "correct it") from None
        return
    raise InvalidRequestError(f"no signal '{name}'", f"known: {', '.join(FROM_LOGPROBS)}, agreement:K, regex:PATTERN")


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


def signal_of(name: str, reply: ChatReply, samples: Sequence[str] = ()) -> float | None:
    """One signal of a reply; None where it has none.

    Args:
        samples: the texts of further answers, for an agreement.
    """
    if name.startswith(_REGEX):
        return float(re.search(name.removeprefix(_REGEX), reply.text[:_READ]) is not None)
    if name.startswith(_AGREEMENT):
        return sum([_plain(text) == _plain(reply.text) for text in samples]) / len(samples) if samples else None
    return signals_of(reply).get(name)


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
