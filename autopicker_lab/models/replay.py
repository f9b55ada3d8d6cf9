"""Models that answer from a file of recorded outcomes: the replies, tokens and seconds that were measured.

A recorded question gets the recorded reply, and any other an error that says what can be asked: nothing is made up, and
each answer says that it is replayed.
"""

from __future__ import annotations

import asyncio
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab import assets
from autopicker_lab.core import ChatChunk, ModelUnavailableError, NotFoundError, SettingsError, Usage
from autopicker_lab.core.text import clip
from autopicker_lab.models.base import Availability, complete_from_stream
from autopicker_lab.runtime.concurrency import ConcurrencyLimit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from autopicker_lab.core import ChatReply, ChatRequest, ModelSpec

SPEED = "replay_speed"  # an option: 1 takes the recorded seconds, 10 a tenth of them; none: no time
_PIECE = re.compile(r"\s*\S+\s*?(?=\s|$)|\s+")
_NAMED = 3  # recorded questions in an error
_LONGEST_NAMED = 90


class Recorded(NamedTuple):
    """One recorded answer; `seconds` are those that it took."""

    prompt: str
    reply: str
    usage: Usage
    seconds: float


class ReplayModel:
    """A model whose answers were recorded: a JSONL file of outcomes with `prompt`, `model` and `reply` in each row.

    The entry's `path` names the file (none: the project's own), its name or an alias the recorded model. The option
    `replay_speed` makes an answer take its recorded time, divided by it.
    """

    def __init__(self, spec: ModelSpec):
        self._spec = spec
        self._concurrency = ConcurrencyLimit(f"'{spec.id}'", spec.max_concurrency)

    def describe(self) -> ModelSpec:
        """The model's entry in the catalogue."""
        return self._spec

    async def available(self) -> Availability:
        """Whether its file can be read and holds answers of it."""
        try:
            await asyncio.to_thread(self._answers)
        except ModelUnavailableError as error:
            return Availability(False, error.detail, error.hint)
        return Availability(True)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The whole answer; NotFoundError for a question that was not recorded."""
        return await complete_from_stream(self, request)

    def examples(self) -> list[str]:
        """Some of the questions that were recorded; ModelUnavailableError where its file cannot be read."""
        return _examples(self._answers())

    def pending(self) -> int:
        """Requests that are being answered, or wait to be."""
        return self._concurrency.length

    async def close(self) -> None:
        """Nothing is held."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """The recorded answer, in pieces of a word each; NotFoundError for a question that was not recorded."""
        recorded = self._find(request.question)
        pieces, finish_reason, usage = _pieces(recorded, request.max_tokens)
        pause = _seconds(recorded, {**self._spec.options, **request.options}) / max(1, len(pieces))
        told = {"replayed": {"recorded_latency_s": recorded.seconds}}
        with self._concurrency:
            for piece in pieces:
                if pause:
                    await asyncio.sleep(pause)
                yield ChatChunk(({**told, "choices": [_choice(piece)]},))
                told = {}
            yield ChatChunk(({**told, "choices": [_choice("", finish_reason)]},), finish_reason, usage)

    def _find(self, question: str) -> Recorded:
        answers = self._answers()
        found = answers.get(_normalised(question))
        if found is None:
            named = "; ".join(f'"{prompt}"' for prompt in _examples(answers))
            detail = f"'{self._spec.id}' is replayed, and has no recorded answer to this question"
            raise NotFoundError(detail, f"ask one of the {len(answers):,} recorded, such as {named}", param="messages")
        return found

    def _answers(self) -> Mapping[str, Recorded]:
        spec = self._spec
        path = Path(spec.model).expanduser() if spec.model else assets.outcomes() / "outcomes.jsonl"
        try:
            recorded = _read(path, path.stat().st_mtime_ns)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            hint = "name a JSONL file with prompt, model and reply in each row"
            raise ModelUnavailableError(f"'{spec.id}': cannot read '{path}': {why}", hint) from None
        for name in (spec.id, *spec.aliases):
            if name in recorded:
                return recorded[name]
        known = ", ".join(sorted(recorded)) or "none"
        hint = f"name the entry, or an alias of it, after one of: {known}"
        raise ModelUnavailableError(f"'{path}' has no replies of '{spec.id}'", hint)


@lru_cache(8)
def _read(path: Path, changed: int) -> Mapping[str, Mapping[str, Recorded]]:
    """The recorded answers by model and normalised question, the first of each; ValueError for what is no such file.

    Args:
        changed: when the file was, so that a new one is read anew.
    """
    answers: dict[str, dict[str, Recorded]] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    row = json.loads(line)
                    recorded = _recorded(row)
                    answers.setdefault(str(row["model"]), {}).setdefault(_normalised(recorded.prompt), recorded)
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    raise ValueError(f"line {number} is no outcome with a reply ({error!r})") from None
    return answers


def _recorded(row: Mapping[str, object]) -> Recorded:
    prompt, completion = (int(str(row.get(name) or 0)) for name in ("prompt_tokens", "completion_tokens"))
    seconds = float(str(row.get("latency_s") or 0.0))
    return Recorded(str(row["prompt"]), str(row["reply"]), Usage(prompt, completion), seconds)


def _normalised(question: str) -> str:
    return " ".join(question.split()).casefold()


def _examples(answers: Mapping[str, Recorded]) -> list[str]:
    """Some of the recorded questions, short ones, far from each other in the file."""
    known = [recorded.prompt for recorded in answers.values()]
    short = [prompt for prompt in known if len(prompt) <= _LONGEST_NAMED and prompt.isprintable()]
    known = short or [clip(prompt, _LONGEST_NAMED) for prompt in known]
    return known[:: max(1, -(-len(known) // _NAMED))]


def _pieces(recorded: Recorded, limit: int | None) -> tuple[list[str], str, Usage]:
    """The words of a reply, why it ends and its tokens, if it may have `limit` tokens at most."""
    pieces, usage = _PIECE.findall(recorded.reply), recorded.usage
    if limit is None or limit >= usage.completion_tokens:
        return pieces, "stop", usage
    kept = pieces[: max(1, len(pieces) * limit // usage.completion_tokens)]
    return kept, "length", Usage(usage.prompt_tokens, limit)


def _seconds(recorded: Recorded, options: Mapping[str, object]) -> float:
    """Seconds that an answer is to take."""
    speed = options.get(SPEED)
    if speed is None:
        return 0.0
    if not isinstance(speed, int | float) or speed <= 0:
        raise SettingsError(f"{SPEED}: {speed!r} is no number above 0", "1 replays at the recorded speed")
    return recorded.seconds / speed


def _choice(content: str, finish_reason: str | None = None) -> dict[str, object]:
    delta = {"content": content} if finish_reason is None else {}
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
