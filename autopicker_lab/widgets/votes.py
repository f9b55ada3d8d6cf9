"""Votes between two answers to one question, kept as outcomes that tuning learns from."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING

from autopicker_lab.core import Outcome
from autopicker_lab.tuning.conversations import as_prompt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from autopicker_lab.core import Message
    from autopicker_lab.widgets.answer import Answer


class Vote(Enum):
    """Which of two answers is better; the value is the score of each, 0 to 1."""

    FIRST = (1.0, 0.0)
    SECOND = (0.0, 1.0)
    BOTH_GOOD = (1.0, 1.0)
    BOTH_BAD = (0.0, 0.0)


def outcomes_of(messages: Sequence[Message], answers: Sequence[Answer], vote: Vote) -> list[Outcome]:
    """What two models made of a question with the conversation before it, as a person judged it."""
    prompt = str(as_prompt([message.to_openai() for message in messages]))
    prompt_id = f"vote-{hashlib.sha256(prompt.encode()).hexdigest()[:12]}"
    return [
        Outcome(
            prompt_id,
            prompt,
            answer.model,
            score,
            "vote",
            answer.own_usd,
            answer.usage.prompt_tokens,
            answer.usage.completion_tokens,
            answer.total_s,
        )
        for answer, score in zip(answers, vote.value, strict=True)
    ]


def keep_vote(path: Path, messages: Sequence[Message], answers: Sequence[Answer], vote: Vote) -> None:
    """Append the outcomes of a vote to a JSONL file, with the replies, in one write; OSError where that cannot be."""
    rows = [
        {**asdict(outcome), "grader": "person", "reply": answer.text}
        for outcome, answer in zip(outcomes_of(messages, answers, vote), answers, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as out:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        out.write(text if _ends_a_line(path) else f"\n{text}")


def _ends_a_line(path: Path) -> bool:
    """Whether a file is empty or whole; a write that was cut off leaves a line without its end."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
