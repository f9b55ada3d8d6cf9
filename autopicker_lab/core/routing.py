"""The nouns of choosing a model: Factor, Complexity, Candidate, Route."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.core.cascade import CascadeStep  # noqa: TC001  # a field of a dataclass
from autopicker_lab.core.lazy import lazy
from autopicker_lab.core.show import BLUE, GREEN, GREY, bars, frame, html_table
from autopicker_lab.core.values import quickly_made

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes


class Factor(NamedTuple):
    """One reason for a score: what was measured (`value`), what it counts (`points`), and why in a line."""

    name: str
    value: float
    points: float
    why: str


@quickly_made
@dataclass(frozen=True)
class Complexity:
    """How hard a request looks, 0 to 100: the sum of the points of its factors, to the last bit.

    Attributes:
        tokens: of the whole request with its files, estimated.
        features: what was counted in the question, by name; learned estimates start from it.
    """

    factors: tuple[Factor, ...]
    tokens: int
    features: Mapping[str, float] = field(default_factory=dict, repr=False, compare=False)

    @lazy
    def score(self) -> float:
        """The sum of the factors' points, 0 to 100."""
        return round(sum([factor.points for factor in self.factors]), 2)

    def to_dict(self) -> dict[str, Any]:
        """One JSON object: score, factors with points and reasons, estimated tokens."""
        return {
            "score": self.score,
            "factors": [{"name": f.name, "points": f.points, "why": f.why} for f in self.factors],
            "estimated_tokens": self.tokens,
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a factor: name, value, points, why."""
        return frame({"factor": f.name, "value": f.value, "points": f.points, "why": f.why} for f in self.factors)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Points of each factor as bars."""
        names = [factor.name for factor in self.factors]
        title = f"complexity {self.score:.0f} of 100"
        return bars(ax, names, [factor.points for factor in self.factors], "points", title)

    def _repr_html_(self) -> str:
        counting = [factor for factor in self.factors if factor.points]
        rows = [(f.name, f"{f.points:.1f}", f.why) for f in counting]
        title = f"complexity {self.score:.0f} of 100"
        return html_table(["factor", "points", "why"], rows, title, [f.points / 100 for f in counting])


class Candidate(NamedTuple):
    """A model that was looked at, and why it was kept or dropped.

    Attributes:
        quality: estimated for this request where the policy can, else the model's mean.
    """

    model: str
    kept: bool
    why: str
    quality: float
    cost_usd: float


@quickly_made
@dataclass(frozen=True)
class Route:
    """The decision: the chosen model, who stands in if it fails, and every candidate with its reason.

    Attributes:
        named: the caller named the model, so there was nothing to choose.
        score: what the policy ranked the request by, 0 to 100.
        promise: of the policy, where it covers this decision; empty where it does not.
        cascade: who is asked where the answer of `model` is not kept; None where that is given as it comes.
        explored_from: the model that the policy preferred, where another was drawn.
        unfamiliar: the request is unlike all that the policy was fitted on, so that no estimate decided.
        part: of the question that estimates were made from, in words; "" for all of it, or where they did not decide.
    """

    model: str
    fallbacks: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    complexity: Complexity
    policy: str
    reason: str
    warnings: tuple[str, ...] = ()
    named: bool = False
    score: float = 0.0
    promise: Mapping[str, Any] = field(default_factory=dict)
    cascade: CascadeStep | None = None
    explored_from: str = ""
    unfamiliar: bool = False
    part: str = ""

    @property
    def estimated_cost_usd(self) -> float:
        """What the request may cost at the chosen model, by the catalogue's prices."""
        return next(c.cost_usd for c in self.candidates if c.model == self.model)

    def to_dict(self) -> dict[str, Any]:
        """One JSON object: the decision, its candidates, and the complexity it began from."""
        return {
            "selected_model": self.model,
            "fallbacks": list(self.fallbacks),
            "reason": self.reason,
            "policy": self.policy,
            "routing_score": round(self.score, 2),
            "warnings": list(self.warnings),
            **({"promise": dict(self.promise)} if self.promise else {}),
            **({"explored_from": self.explored_from} if self.explored_from else {}),
            **({"unfamiliar": True} if self.unfamiliar else {}),
            **({"part": self.part} if self.part else {}),
            **({"cascade": {"then": self.cascade.then, "signal": self.cascade.cascade.signal}} if self.cascade else {}),
            "candidates": [candidate._asdict() for candidate in self.candidates],
            **self.complexity.to_dict(),
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a candidate: model, kept, why, quality, cost_usd."""
        return frame(candidate._asdict() for candidate in self.candidates)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Quality of each candidate as bars: the chosen one in green, dropped ones in grey."""
        names = [c.model if c.kept else f"{c.model} (dropped)" for c in self.candidates]
        title = f"chosen: {self.model}"
        return bars(ax, names, [c.quality for c in self.candidates], "quality", title, self._colours, digits=2)

    @property
    def _colours(self) -> list[str]:
        return [GREEN if c.model == self.model else BLUE if c.kept else GREY for c in self.candidates]

    def _repr_html_(self) -> str:
        rows = [
            ("▶ " * (c.model == self.model) + c.model, "kept" if c.kept else "dropped", f"{c.quality:.2f}", c.why)
            for c in self.candidates
        ]
        shares = [candidate.quality for candidate in self.candidates]
        title = self.reason if self.model in self.reason else f"{self.model}: {self.reason}"
        return html_table(["model", "", "quality", "why"], rows, title, shares, self._colours)
