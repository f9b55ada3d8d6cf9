"""The nouns of a policy: Tier, Estimator, Guard, RoutePolicy."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from autopicker_lab.core.cascade import Cascade  # noqa: TC001  # a field of a dataclass
from autopicker_lab.core.lazy import lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.core.model_spec import ModelSpec
    from autopicker_lab.core.routing import Complexity


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

    def own_language(self, text: str) -> str:
        """The language of a question, where its estimates are of that language's own; "" where they are not."""

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
