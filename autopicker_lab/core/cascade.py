"""The nouns of a cascade, which asks a cheap model first: Cascade, and the CascadeStep of a route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Cascade:
    """Who is asked first, who next, and what of the first answer decides whether it is kept (see routing.rule).

    Attributes:
        first, then: names of models, as the policy has them.
        signal: of the answer of `first`, by name (see routing.signals).
        values: of the signal, ascending; what follows belongs to them, is interpolated between and constant beyond.
        right: P(a good answer) of `first`, calibrated, 0 to 1.
        gains: what `then` is expected to add to the score, -1 to 1.
        prompt_weight: 0 to 1, of what the estimates expect `then` to add to this prompt, beside the signal's gain.
        least_gain: `then` is asked where it is expected to add more than this.
        always: begin with `first` whatever the estimates say; else only where the rule prefers it.
        max_tokens: of the first answer; one that is cut there, though its caller allows more, is not kept.
        max_s: seconds that the first answer is waited for.
    """

    first: str
    then: str
    signal: str
    values: tuple[float, ...]
    right: tuple[float, ...]
    gains: tuple[float, ...]
    prompt_weight: float = 0.0
    least_gain: float = 0.0
    always: bool = False
    max_tokens: int = 1024
    max_s: float = 30.0

    def to_dict(self) -> dict[str, Any]:
        """The cascade as a policy file holds it: in the order in which it is read."""
        return {
            "first": self.first,
            "then": self.then,
            "signal": self.signal,
            "least_gain": self.least_gain,
            "prompt_weight": self.prompt_weight,
            "always": self.always,
            "max_tokens": self.max_tokens,
            "max_s": self.max_s,
            "values": list(self.values),
            "right": list(self.right),
            "gains": list(self.gains),
        }


class CascadeStep(NamedTuple):
    """What a route says of its cascade.

    Attributes:
        then: catalogue id of the model that is asked where the first answer is not kept.
        prompt_gain: what the estimates expect it to add to this prompt's score, -1 to 1.
    """

    cascade: Cascade
    then: str
    prompt_gain: float
