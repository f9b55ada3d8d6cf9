"""The nouns of choosing a model: Factor, Complexity, ModelSpec, Guard, RoutePolicy, Candidate, Route."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from autopicker_lab.core.addresses import public_address, secrets_in, without_secrets
from autopicker_lab.core.cascade import Cascade, CascadeStep  # noqa: TC001  # fields of dataclasses
from autopicker_lab.core.lazy import lazy
from autopicker_lab.core.show import BLUE, GREEN, GREY, bars, frame, html_table
from autopicker_lab.core.values import quickly_made
from autopicker_lab.core.vision import Vision

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


@dataclass(frozen=True)
class ModelSpec:
    """A model of the catalogue.

    Attributes:
        id: the name callers use.
        provider: "local", "ollama", "openai" or "replay".
        model: the provider's own name for it (for "local": a GGUF path or Hugging Face id; for
            "replay": a file of outcomes; "" for the shipped one).
        context_window: tokens of prompt and answer together.
        context_budget: tokens of file context that are worth giving it; None means what the window leaves.
        price_in, price_out: USD per million tokens.
        price_cached: USD per million prompt tokens that its server had in its cache; None: as price_in.
        quality: prior of P(a good answer to a hard request), 0 to 1; a tuned policy overrides it.
        timeout_s: seconds to wait for the next piece of an answer; `first_token_s` for the first one (None: the same).
        total_s: seconds that a whole answer may take.
        tokenizer: a family of tokenizers (see `core.tokens`), or the path of a tokenizer.json; "": told by its name.
        max_concurrency: requests that it may be answering at once for this process; None: no bound.
        image_urls: whether its server may be given addresses of pictures, which it would fetch.
        unconfirmed: capabilities that its configuration leaves open; its server is asked, and the reply has a warning.
        headers: sent to its server with each request.
        options: of a chat request, where the caller does not give them.
        allow, drop: names of options that it is sent though they are not known here ("*": all), or never.
        sources: where figures come from that its entry does not give, by field; "assumed" where nothing is known.
        unset: variables that its entry names and nobody set: it cannot be asked.
        proxy: the address of the HTTP proxy to its server; "": what the environment says; "none": none.
        vision: how pictures are made ready for it.
    """

    id: str
    provider: str
    model: str = ""
    endpoint: str = field(default="", repr=False)
    capabilities: frozenset[str] = frozenset({"text"})
    context_window: int = 8192
    context_budget: int | None = None
    price_in: float = 0.0
    price_out: float = 0.0
    price_cached: float | None = None
    quality: float = 0.5
    timeout_s: float = 120.0
    first_token_s: float | None = None
    total_s: float = 3600.0
    max_concurrency: int | None = None
    max_output: int = 1024
    aliases: tuple[str, ...] = ()
    api_key: str | None = field(default=None, repr=False)
    image_urls: bool = False
    unconfirmed: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    allow: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    proxy: str = field(default="", repr=False)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    unset: tuple[str, ...] = ()
    vision: Vision = field(default_factory=Vision)
    tokenizer: str = ""

    @property
    def address(self) -> str:
        """The endpoint as it may be shown: without user, password and the values of its query."""
        return public_address(self.endpoint)

    def without_secrets(self, text: str) -> str:
        """A text, such as a server's words, without what stands in this entry to get in there."""
        secrets = [*secrets_in(self.endpoint), *secrets_in(self.proxy), *self.headers.values(), self.api_key or ""]
        return without_secrets(text, secrets)

    @property
    def chats(self) -> bool:
        """Whether it answers questions: one that has `embeddings` and not `text` makes vectors alone."""
        return "text" in self.capabilities or "embeddings" not in self.capabilities

    def cost_usd(self, tokens_in: int, tokens_out: int, cached: int = 0) -> float:
        """The price of so many prompt tokens (of which its server had `cached` in its cache) and answer tokens, USD."""
        cost = tokens_in * self.price_in + tokens_out * self.price_out
        if cached and self.price_cached is not None:
            cost += min(cached, tokens_in) * (self.price_cached - self.price_in)
        return cost / 1e6


@dataclass(frozen=True)
class Tier:
    """From `min_score` upwards a request wants a model of at least `min_quality`."""

    min_score: float
    min_quality: float


def gain_score(gain: Any) -> Any:
    """An expected gain of -1 to 1, a number or an array, as a routing score: 0 to 100, 50 where there is none."""
    return 50 + 50 * gain


class Estimator(Protocol):
    """Estimates of P(a good answer) for each of some models; routing.estimator has the kind that tuning fits."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models that it has estimates of."""

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digits that two estimators share where they estimate alike."""

    def estimate(self, text: str, features: Mapping[str, float]) -> Mapping[str, float]:
        """Estimates by model, 0 to 1, for a question and what was counted in it (see complexity.features)."""

    def is_unfamiliar(self, text: str) -> bool:
        """Whether a question is unlike all that was fitted, so that its estimate says nothing."""

    def part_read(self, text: str) -> str:
        """The part of a question that its estimate is made from, in words; "" for all of it."""

    def to_dict(self) -> dict[str, Any]:
        """The estimator as a policy file holds it; `kind` says how it is read (see routing.estimator)."""


@dataclass(frozen=True)
class Guard:
    """What it takes to leave the incumbent: a lead, by estimate, of more than `z` standard errors of it.

    Attributes:
        incumbent: the model that serves now, or the best single one.
        z: standard errors, 0 or more.
        errors: standard error of the estimated lead over the incumbent, mean score, by model; the incumbent is never
            left for a model that is not named.
    """

    incumbent: str
    z: float
    errors: Mapping[str, float] = field(default_factory=dict)

    def margin(self, name: str) -> float:
        """What a model must be worth more than the incumbent, in mean score."""
        if name == self.incumbent:
            return 0.0
        return self.z * self.errors[name] if name in self.errors else math.inf


@dataclass(frozen=True)
class RoutePolicy:
    """When which strength of model is asked.

    Without an estimator: tiers over the complexity score, and what each model is good for. With one: the model with
    the greatest estimated quality minus `cost_weight` times its cost, or, `by_tiers`, tiers over the routing score.
    How the rule compares models, and what a cost is to it, is said in routing.rule.

    Attributes:
        name: what people call it; its `id` adds a fingerprint of all that decides.
        tiers: ascending in both fields; the first starts at 0. Beside an estimator, the rule for requests that none
            of its models can take.
        qualities: mean quality by model id, over the catalogue's prior.
        scorer: the version of the score that the tiers were made for.
        local_only: never send a request off this machine.
        max_cost_usd: what one request may cost by the catalogue's prices, estimated; None: no limit.
        pair: weak and strong model; the routing score of an estimator is what the strong one is expected to gain.
        by_tiers: whether tiers decide although there are estimates.
        cost_weight: quality (0 to 1) that one unit of cost must buy.
        costs: cost of a call by model id, in `cost_unit`: "usd", or "call" where only calls were counted.
        guard: what it takes to leave the incumbent for a model that is worth more by estimate; None: nothing.
        by_task: what is added to the estimate of a model, by the task that a request says it is of; a task that is not
            named here, or not told, adds nothing (see tuning.per_task).
        edges, shares: where the deciles of the routing score cut the prompts it was fitted on, ascending, and the
            share in each of the len(edges) + 1 parts; empty where unknown.
        reference: what else drift is measured against (see tuning.drift_reference); empty where unknown.
        on_drift: what a service does once live requests have drifted past the alarm: "keep" routing by it, or send all
            to the "incumbent", its best single model.
        unfamiliar: who decides on a question unlike all that was fitted: the "incumbent", the "default" tiers, or the
            "estimate" all the same.
        promise: what it promises of its losses, and whether that was feasible (see tuning.promise); empty: nothing.
        cascade: who is asked first, and when its answer is not kept; None: one model a request.
        card: what was measured of it out of fold: calibration, APGR, verdict.
        stamp: what the policy was fitted on; empty for the default one.
    """

    name: str
    tiers: tuple[Tier, ...]
    qualities: Mapping[str, float] = field(default_factory=dict)
    scorer: str = "heuristic-2"
    local_only: bool = False
    max_cost_usd: float | None = None
    estimator: Estimator | None = field(default=None, repr=False)
    pair: tuple[str, str] | None = None
    by_tiers: bool = False
    cost_weight: float = 0.0
    costs: Mapping[str, float] = field(default_factory=dict)
    cost_unit: str = "usd"
    guard: Guard | None = None
    by_task: Mapping[str, Mapping[str, float]] = field(default_factory=dict, repr=False)
    edges: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    reference: Mapping[str, Any] = field(default_factory=dict, repr=False)
    on_drift: str = "keep"
    unfamiliar: str = "estimate"
    promise: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cascade: Cascade | None = field(default=None, repr=False)
    card: Mapping[str, Any] = field(default_factory=dict, repr=False)
    stamp: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @lazy
    def id(self) -> str:
        """The name and eight hexadecimal digits of everything that decides: equal ids, equal decisions."""
        return f"{self.name}-{self.fingerprint}"

    @lazy
    def fingerprint(self) -> str:
        """Eight hexadecimal digits of everything that decides: not of name, distribution, promise, card or stamp."""
        deciding = (
            [(float(tier.min_score), float(tier.min_quality)) for tier in self.tiers],
            sorted((name, float(quality)) for name, quality in self.qualities.items()),
            self.scorer,
            self.local_only,
            None if self.max_cost_usd is None else float(self.max_cost_usd),
            self.estimator and self.estimator.fingerprint,
            self.pair,
            self.by_tiers,
            float(self.cost_weight),
            sorted((name, float(cost)) for name, cost in self.costs.items()),
            self.cost_unit,
            *((self.on_drift,) if self.on_drift != "keep" else ()),
            *(("unfamiliar", self.unfamiliar) if self.unfamiliar != "estimate" else ()),
            *((g.incumbent, float(g.z), sorted(g.errors.items())) if (g := self.guard) else ()),
            *((self.cascade,) if self.cascade is not None else ()),
            *((sorted((task, sorted(added.items())) for task, added in self.by_task.items()),) if self.by_task else ()),
        )
        return hashlib.sha256(repr(deciding).encode("utf-8", "surrogatepass")).hexdigest()[:8]

    def wanted_quality(self, score: float) -> float:
        """The quality that a request of this score asks for."""
        return max([tier.min_quality for tier in self.tiers if score >= tier.min_score], default=0.0)

    def name_of(self, spec: ModelSpec) -> str:
        """What the policy calls a model of the catalogue: its id, an alias, or the provider's own name."""
        known = self.estimator.models if self.estimator else self.qualities
        if not known or spec.id in known:
            return spec.id
        return next((name for name in (*spec.aliases, spec.model) if name in known), spec.id)

    def estimates(self, question: str, complexity: Complexity, task: str = "") -> Mapping[str, float]:
        """P(a good answer) by the policy's name of a model; empty without an estimator."""
        estimates = self.estimator.estimate(question, complexity.features) if self.estimator else {}
        added = self.by_task.get(task)
        if added is None:
            return estimates
        return {name: min(max(value + added.get(name, 0.0), 0.0), 1.0) for name, value in estimates.items()}

    def is_unfamiliar(self, question: str) -> bool:
        """Whether estimates are not to decide on a question, because it is unlike all that was fitted."""
        return self.doubts and self.estimator is not None and self.estimator.is_unfamiliar(question)

    @property
    def doubts(self) -> bool:
        """Whether there are questions that estimates are not to decide on."""
        return self.estimator is not None and not self.by_tiers and self.unfamiliar != "estimate"

    @lazy
    def incumbent(self) -> str | None:
        """The model that is kept where nothing is known: its guard's, or the best of those with estimates."""
        if self.guard is not None:
            return self.guard.incumbent
        known = self.estimator.models if self.estimator else tuple(self.qualities)
        return max(known, key=lambda name: self.qualities.get(name, 0.0), default=None)

    def routing_score(self, complexity: Complexity, estimates: Mapping[str, float]) -> float:
        """What requests are ranked by, 0 to 100: complexity, or the strong model's expected gain (50: none)."""
        if self.pair is None or not estimates:
            return complexity.score
        weak, strong = self.pair
        return float(gain_score(estimates[strong] - estimates[weak]))


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
        propensities: with which probability each model could have been drawn; empty where nothing was (see `live`).
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
    propensities: Mapping[str, float] = field(default_factory=dict, repr=False)
    explored_from: str = ""
    unfamiliar: bool = False
    part: str = ""

    def with_propensities(self, propensities: Mapping[str, float]) -> Route:
        """The route with the probabilities of its models; as `replace`, but sooner."""
        route: Route = object.__new__(Route)
        route.__dict__.update(self.__dict__, propensities=propensities)
        return route

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
