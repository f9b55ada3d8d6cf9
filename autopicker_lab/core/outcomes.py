"""Outcome: what one model made of one prompt; a table of these is what tuning works on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What one model made of one prompt.

    Attributes:
        score: how good the answer was, 0 to 1.
        cost_usd, prompt_tokens, completion_tokens, latency_s: None where they were not measured.
        samples: answers that `score` and the rest are means of; None: one.
        spread: standard deviation of the scores of these answers; None where there is only one.
    """

    prompt_id: str
    prompt: str
    model: str
    score: float
    task: str = ""
    cost_usd: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_s: float | None = None
    samples: int | None = None
    spread: float | None = None
