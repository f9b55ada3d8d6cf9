"""The state of the panel that tunes a policy by hand: a setting, what it gives, and the policy it stands for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, RoutePolicy, Tier, gain_score
from autopicker_lab.core.show import html_table
from autopicker_lab.routing import save_policy
from autopicker_lab.tuning.aims import weight_for_spend
from autopicker_lab.tuning.choices import choose_each
from autopicker_lab.tuning.guard import guard_curve, guard_of
from autopicker_lab.tuning.matrix import CALL
from autopicker_lab.widgets.parts import PanelModel

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from autopicker_lab.core import Guard
    from autopicker_lab.tuning import TuningReport
    from autopicker_lab.tuning.curve import Curve
    from autopicker_lab.tuning.guard import GuardCurve
    from autopicker_lab.tuning.matrix import OutcomeMatrix

    Array = np.ndarray[Any, Any]

ESTIMATES, TIERS = "quality minus weighted cost", "tiers of the routing score"


@dataclass
class ThresholdModel(PanelModel):
    """The state of the panel, without widgets. Every change re-slices arrays; nothing is scored again.

    Attributes:
        report: of `tune`.
        rule: ESTIMATES or TIERS.
        cost_weight: quality that a unit of cost must buy (rule ESTIMATES).
        z: standard errors by which a lead over the incumbent must clear zero (rule ESTIMATES); 0: no guard.
        thresholds: routing scores from which the middle and the strong model are asked (rule TIERS); with two models,
            or for one threshold, both are the same.
        cost, quality, error: means over the prompts at this setting, and the standard error of quality.
        seconds: mean of the answers; None where they were not measured.
        shares: of the requests, by model.
    """

    report: TuningReport
    rule: str = ESTIMATES
    cost_weight: float = 0.0
    z: float = 0.0
    thresholds: tuple[float, float] = (50.0, 50.0)
    cost: float = 0.0
    quality: float = 0.0
    error: float = 0.0
    seconds: float | None = None
    shares: dict[str, float] = field(default_factory=dict)
    _risk: tuple[float, GuardCurve] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.report.estimates is None or self.report.curve is None:
            raise InvalidRequestError("this report has no estimates to tune with", "use the report of tune(...)")
        self.set(cost_weight=self.report.policy.cost_weight, z=self._tuned_z)

    @property
    def curve(self) -> Curve:
        """Cost and quality over cost weights, out of fold."""
        assert self.report.curve is not None  # see __post_init__
        return self.report.curve

    @property
    def risk(self) -> GuardCurve:
        """Risk over coverage of the guard at this cost weight, out of fold."""
        if self._risk is None or self._risk[0] != self.cost_weight:
            curve = guard_curve(*self._singles, self.cost_weight, guard=self._loose, unfamiliar=self._unfamiliar)
            self._risk = self.cost_weight, curve
        return self._risk[1]

    @cached_property
    def _singles(self) -> tuple[OutcomeMatrix, Array]:
        """The outcomes of single models, and estimates of them, out of fold."""
        assert self.report.estimates is not None  # see __post_init__
        outcomes = self.report.outcomes.single_models()
        return outcomes, self.report.estimates[:, : len(outcomes.models)]

    @cached_property
    def _unfamiliar(self) -> Array | None:
        """Whether the policy leaves a prompt to its incumbent; None where it leaves none."""
        import numpy as np

        policy = self.report.policy
        questions = self.report.outcomes.questions
        return (
            np.array([policy.is_unfamiliar(text) for text in questions]) if policy.unfamiliar == "incumbent" else None
        )

    @cached_property
    def _loose(self) -> Guard:
        """The guard at a z of 0."""
        return guard_of(*self._singles, 0.0)

    @property
    def _tuned_z(self) -> float:
        guard = self.report.policy.guard
        return 0.0 if guard is None else guard.z

    def _guard(self) -> Guard | None:
        """The guard that the slider stands for; that of the policy where it was not moved."""
        if self.z == self._tuned_z:
            return self.report.policy.guard
        return replace(self._loose, z=self.z) if self.z else None

    def set(self, **changes: Any) -> None:
        """Change fields and route all prompts anew."""
        import numpy as np

        self.message = ""
        self.assign(changes)
        outcomes = self.report.outcomes
        choices = choose_each(self._deciding(), outcomes, gain_score(self.report.scores), self.report.estimates)
        scores, costs = outcomes.routed(choices)
        self.cost, self.quality = float(costs.mean()), float(scores.mean())
        self.error = float(scores.std() / np.sqrt(len(outcomes)))
        if outcomes.seconds is not None:
            self.seconds = float(outcomes.seconds[np.arange(len(outcomes)), choices].mean())
        counts = np.bincount(choices, minlength=len(outcomes.models)) / len(outcomes)
        self.shares = dict(zip(outcomes.models, counts.tolist(), strict=True))
        self.notify()

    def aim(self, cost: float) -> None:
        """The cost weight of best quality whose mean cost is at most `cost`."""
        self.set(rule=ESTIMATES, cost_weight=weight_for_spend(self.curve, cost))

    def policy(self) -> RoutePolicy:
        """What the sliders say, ready to be saved and served."""
        if self._is_tuned:
            return self.report.policy
        by_hand = {"set by hand": {"cost": self.cost, "quality": self.quality, "before": "figures of the tuned policy"}}
        return replace(self._deciding(), card={**by_hand, **self.report.policy.card})

    def _deciding(self) -> RoutePolicy:
        """The policy as far as it decides; what the tuned one promises is of its own setting alone."""
        base = replace(self.report.policy, promise={})
        if self.rule == ESTIMATES:
            setting: dict[str, Any] = {"cost_weight": self.cost_weight, "guard": self._guard()}
            return replace(base, name=f"{base.name}-by-hand", by_tiers=False, **setting)
        _, middle, strong = self._ladder()
        low, high = self.thresholds
        steps = {0.0: 0.0, max(low, 1e-6): base.qualities[middle], max(high, 2e-6): base.qualities[strong]}
        tiers = tuple(Tier(score, quality) for score, quality in sorted(steps.items()))
        return replace(base, name=f"{base.name}-tiers-{low:g}-{high:g}", by_tiers=True, tiers=tiers)

    def save(self, path: str | Path) -> None:
        """Write the policy; what fails becomes `message`, with its next step."""
        self.act(lambda: save_policy(self.policy(), path), f"saved: set AUTOPICKER_POLICY={path} to serve it")

    def _ladder(self) -> tuple[str, str, str]:
        """Weak, middle and strong model; the middle one is the best between the pair that costs no more."""
        outcomes = self.report.outcomes
        means, costs = outcomes.mean_scores, outcomes.mean_costs
        weak, strong = outcomes.weak, outcomes.strong
        between = [i for i in range(len(means)) if means[weak] < means[i] < means[strong] and costs[i] <= costs[strong]]
        middle = max(between, key=lambda i: means[i]) if between else strong
        return outcomes.models[weak], outcomes.models[middle], outcomes.models[strong]

    def summary(self) -> str:
        """The setting as an HTML table."""
        outcomes = self.report.outcomes
        best = outcomes.best
        saved = 1 - self.cost / float(outcomes.costs[:, best].mean())
        unit = "calls per 1,000" if outcomes.cost_unit == CALL else "USD per 1,000"
        rows: list[tuple[str, str]] = [
            *((f"requests {name} gets", f"{100 * share:.0f} %") for name, share in self.shares.items() if share),
            ("quality", f"{self.quality:.3f} ± {1.96 * self.error:.3f}"),
            (unit, f"{1000 * self.cost:.4g}"),
            *([] if self.seconds is None else [("seconds", f"{self.seconds:.3g}")]),
            (f"saved against always {outcomes.models[best]}", f"{100 * saved:.0f} %"),
            *self._held(),
        ]
        if self.message or not self._is_tuned:
            return html_table(["", ""], rows, self.message or "set by hand")
        title, *steps = self.report.conclusion
        sentences = "".join(f"<div>{escape(step)}</div>" for step in steps)
        judged = f"as tuned; judged with a setting of each fold's own: {title}"
        return html_table(["", ""], rows, judged) + sentences

    @property
    def _is_tuned(self) -> bool:
        """Whether the setting is that of the tuned policy."""
        setting = self.cost_weight, self.z
        return self.rule == ESTIMATES and setting == (self.report.policy.cost_weight, self._tuned_z)

    def _held(self) -> list[tuple[str, str]]:
        """What the policy is held by: its promise, which is of the tuned setting alone, its guard, its doubts."""
        promise, guard = self.report.promise, self._guard()
        rows = []
        if promise is not None:
            holds = "holds" if promise.feasible and self._is_tuned else "does not hold for this setting"
            rows.append(("promise", holds if promise.feasible else "cannot be given"))
        if guard is not None and self.rule == ESTIMATES:
            rows.append(("guard", f"{guard.incumbent} is left for a lead of {guard.z:g} standard errors or more"))
        if self.rule == ESTIMATES and self._unfamiliar is not None:
            share = f"{100 * self._unfamiliar.mean():.1f} % of these prompts"
            rows.append((f"unlike the rest, left to {self.report.policy.incumbent}", share))
        return rows
