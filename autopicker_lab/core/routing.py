"""The nouns of choosing a model: Factor, Complexity, ModelSpec, RoutePolicy, Candidate, Route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.show import BLUE, GREEN, GREY, bars, frame, html_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Factor:
    """One reason for a score: what was measured (`value`), what it counts (`points`), and why in a line."""

    name: str
    value: float
    points: float
    why: str


@dataclass(frozen=True)
class Complexity:
    """How hard a request looks, 0 to 100: the sum of the points of its factors, to the last bit."""

    factors: tuple[Factor, ...]
    tokens: int

    @property
    def score(self) -> float:
        return round(sum(factor.points for factor in self.factors), 2)

    def to_dict(self) -> dict[str, Any]:
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
        rows = [(f.name, f"{f.points:.1f}", f.why) for f in self.factors if f.points]
        return html_table(["factor", "points", "why"], rows, f"complexity {self.score:.0f} of 100")


@dataclass(frozen=True)
class ModelSpec:
    """A model of the catalogue.

    Attributes:
        id: the name callers use.
        provider: "local", "ollama" or "openai".
        model: the provider's own name for it (for "local": a GGUF path or Hugging Face id; "" for the shipped one).
        context_window: tokens of prompt and answer together.
        context_budget: tokens of file context that are worth giving it; None means what the window leaves.
        price_in, price_out: USD per million tokens.
        quality: prior of P(a good answer to a hard request), 0 to 1; a tuned policy overrides it.
        timeout_s: seconds to wait for the next piece of an answer.
    """

    id: str
    provider: str
    model: str = ""
    endpoint: str = ""
    capabilities: frozenset[str] = frozenset({"text"})
    context_window: int = 8192
    context_budget: int | None = None
    price_in: float = 0.0
    price_out: float = 0.0
    quality: float = 0.5
    timeout_s: float = 120.0
    max_output: int = 1024
    aliases: tuple[str, ...] = ()
    api_key: str | None = field(default=None, repr=False)

    def cost_usd(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


@dataclass(frozen=True)
class Tier:
    """From `min_score` upwards a request wants a model of at least `min_quality`."""

    min_score: float
    min_quality: float


@dataclass(frozen=True)
class RoutePolicy:
    """When which strength of model is asked: tiers over the score, and what each model is good for.

    Attributes:
        tiers: ascending in both fields; the first starts at 0.
        qualities: quality by model id, over the catalogue's prior.
        local_only: never send a request off this machine.
        stamp: what the policy was fitted on; empty for the default one.
    """

    id: str
    tiers: tuple[Tier, ...]
    qualities: Mapping[str, float] = field(default_factory=dict)
    scorer: str = "heuristic-1"
    local_only: bool = False
    stamp: Mapping[str, Any] = field(default_factory=dict)

    def quality(self, spec: ModelSpec) -> float:
        return self.qualities.get(spec.id, spec.quality)

    def wanted_quality(self, score: float) -> float:
        """The quality that a request of this score asks for."""
        return max((tier.min_quality for tier in self.tiers if score >= tier.min_score), default=0.0)


@dataclass(frozen=True)
class Candidate:
    """A model that was looked at, and why it was kept or dropped."""

    model: str
    kept: bool
    why: str
    quality: float
    cost_usd: float


@dataclass(frozen=True)
class Route:
    """The decision: the chosen model, who stands in if it fails, and every candidate with its reason.

    Attributes:
        named: the caller named the model, so there was nothing to choose.
    """

    model: str
    fallbacks: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    complexity: Complexity
    policy: str
    reason: str
    warnings: tuple[str, ...] = ()
    named: bool = False

    @property
    def estimated_cost_usd(self) -> float:
        return next(c.cost_usd for c in self.candidates if c.model == self.model)

    def to_dict(self) -> dict[str, Any]:
        return {
            "selected_model": self.model,
            "fallbacks": list(self.fallbacks),
            "reason": self.reason,
            "policy": self.policy,
            "warnings": list(self.warnings),
            "candidates": [vars(candidate) for candidate in self.candidates],
            **self.complexity.to_dict(),
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a candidate: model, kept, why, quality, cost_usd."""
        return frame(vars(candidate) for candidate in self.candidates)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Quality of each candidate as bars: the chosen one in green, dropped ones in grey."""
        names = [c.model if c.kept else f"{c.model} (dropped)" for c in self.candidates]
        colours = [GREEN if c.model == self.model else BLUE if c.kept else GREY for c in self.candidates]
        title = f"chosen: {self.model}"
        return bars(ax, names, [100 * c.quality for c in self.candidates], "quality, of 100", title, colours)

    def _repr_html_(self) -> str:
        rows = [
            ("▶ " * (c.model == self.model) + c.model, "kept" if c.kept else "dropped", f"{c.quality:.2f}", c.why)
            for c in self.candidates
        ]
        return html_table(["model", "", "quality", "why"], rows, f"{self.model}: {self.reason}")
