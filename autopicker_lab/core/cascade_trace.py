"""What a cascade did for one request: CascadeTrace, and the CascadeCall of its first model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from autopicker_lab.core.chunk import Usage


class CascadeCall(NamedTuple):
    """A call of a cascade. Where it failed, `usage` and `cost_usd` are 0."""

    model: str
    usage: Usage
    cost_usd: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """One JSON object: model, tokens, cost, seconds."""
        return {
            "model": self.model,
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "cost_usd": self.cost_usd,
            "seconds": round(self.seconds, 4),
        }


@dataclass(frozen=True)
class CascadeTrace:
    """What a cascade did for one request.

    Attributes:
        value: of the signal; None where the first answer had none.
        right: P(a good answer) by the signal; None without it.
        went_up: whether the second model was asked.
        why: the reason, in a sentence.
        answered_by_first: whether the first answer was given, be it because the second model failed.
        second: the call that answered where the first did not; None for a stream, whose tokens come at its end.
        charged_usd: what the caller's budget was charged for already.
        judge: the call of the model that was asked for its opinion of the first answer; None where none was.
    """

    held: CascadeCall
    signal: str
    value: float | None
    right: float | None
    went_up: bool
    why: str
    answered_by_first: bool
    charged_usd: float = 0.0
    second: CascadeCall | None = None
    judge: CascadeCall | None = None

    def with_second(self, call: CascadeCall) -> CascadeTrace:
        """The trace with the call that answered."""
        return replace(self, second=call)

    @property
    def earlier(self) -> tuple[CascadeCall, ...]:
        """The calls before the one that answered."""
        return tuple(call for call in (None if self.answered_by_first else self.held, self.judge) if call is not None)

    @property
    def earlier_usd(self) -> float:
        """What these have cost."""
        return sum(call.cost_usd for call in self.earlier)

    def to_dict(self) -> dict[str, Any]:
        """The `cascade` object of an answer's `routing`."""
        return {
            "went_up": self.went_up,
            "why": self.why,
            "signal": self.signal,
            "value": self.value,
            "right": self.right,
            "calls": [call.to_dict() for call in (self.held, self.judge, self.second) if call is not None],
        }
