"""The state of the panel that tunes a policy: what it may cost, what that gives, and the policy it stands for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, RoutePolicy, Tier, gain_score
from autopicker_lab.routing import save_policy
from autopicker_lab.tuning.aims import weight_for_spend
from autopicker_lab.tuning.allowed import ALLOWANCES, Allowed, SettingFigures, allowed, setting_figures
from autopicker_lab.tuning.choices import choose_each, unfamiliar_to
from autopicker_lab.tuning.guard import guard_curve, guard_of
from autopicker_lab.widgets.parts import Job, PanelModel

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from autopicker_lab.core import Guard
    from autopicker_lab.tuning import TuningReport
    from autopicker_lab.tuning.curve import Curve
    from autopicker_lab.tuning.guard import GuardCurve
    from autopicker_lab.tuning.matrix import OutcomeMatrix

    Array = np.ndarray[Any, Any]

ALLOWANCE, ESTIMATES, TIERS = "what quality may cost", "quality minus weighted cost", "tiers of the routing score"
_WORKING = "working out what other allowances give"
_RULE_OF = {"within": ALLOWANCE, "cost_weight": ESTIMATES, "z": ESTIMATES, "thresholds": TIERS}


@dataclass
class ThresholdModel(PanelModel):
    """The state of the panel, without widgets. Every change re-slices arrays; nothing is scored again.

    Where the setting is the tuned one, its figures are those of the report, which judges each fold by the setting that
    the others chose; those of another allowance are made alike, in the background (`job`), so that they are there when
    they are asked for. A setting by hand is judged on the prompts that it was set on.

    Attributes:
        report: of `tune`.
        rule: ALLOWANCE, ESTIMATES or TIERS.
        within: mean score that may be lost against the best single model (rule ALLOWANCE).
        cost_weight: quality that a unit of cost must buy (rule ESTIMATES).
        z: standard errors by which a lead over the incumbent must clear zero (rule ESTIMATES); 0: no guard.
        thresholds: routing scores from which the middle and the strong model are asked (rule TIERS); with two models,
            or for one threshold, both are the same.
        figures: at this setting; while `waiting`, of the one before.
        waiting: whether what this allowance gives is still being worked out, in the background.
    """

    report: TuningReport
    rule: str = ALLOWANCE
    within: float = 0.0
    cost_weight: float = 0.0
    z: float = 0.0
    thresholds: tuple[float, float] = (50.0, 50.0)
    figures: SettingFigures = field(init=False)
    waiting: bool = field(default=False, init=False)
    _risk: tuple[float, GuardCurve] | None = field(default=None, repr=False)
    _allowed: dict[float, Allowed] = field(default_factory=dict, repr=False)
    _routed: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.report.estimates is None or self.report.curve is None:
            raise InvalidRequestError("this report has no estimates to tune with", "use the report of tune(...)")
        self.job = Job(self._on_job)
        self.rule = ALLOWANCE if self.asks_allowance else ESTIMATES
        self.within = self._tuned_within or 0.0
        self.cost_weight, self.z = self.report.policy.cost_weight, self._tuned_z
        self._route()

    @property
    def curve(self) -> Curve:
        """Cost and quality over cost weights, out of fold."""
        assert self.report.curve is not None  # see __post_init__
        return self.report.curve

    @property
    def cost(self) -> float:
        """Mean cost of a request at this setting."""
        return self.figures.cost.value

    @property
    def quality(self) -> float:
        """Mean score at this setting."""
        return self.figures.quality.value

    @property
    def shares(self) -> dict[str, float]:
        """Of the requests, by model."""
        return self.figures.shares

    @property
    def asks_allowance(self) -> bool:
        """Whether another allowance can be asked for."""
        return self.report.crossed is not None and self._tuned_within is not None

    @property
    def allowances(self) -> list[float]:
        """What may be asked for, mean scores, ascending."""
        return sorted({*ALLOWANCES, self._tuned_within or 0.0})

    @property
    def risk(self) -> GuardCurve:
        """Risk over coverage of the guard at this cost weight, out of fold."""
        if self._risk is None or self._risk[0] != self.cost_weight:
            left = self._unfamiliar if self.report.policy.unfamiliar == "incumbent" else None
            self._risk = (
                self.cost_weight,
                guard_curve(*self._singles, self.cost_weight, guard=self._loose, unfamiliar=left),
            )
        return self._risk[1]

    @cached_property
    def _singles(self) -> tuple[OutcomeMatrix, Array]:
        """The outcomes of single models, and estimates of them, out of fold."""
        assert self.report.estimates is not None  # see __post_init__
        outcomes = self.report.outcomes.single_models()
        return outcomes, self.report.estimates[:, : len(outcomes.models)]

    @cached_property
    def _unfamiliar(self) -> Array:
        """Whether the policy leaves a prompt to another than its estimates."""
        return unfamiliar_to(self.report.policy, self.report.outcomes)

    @property
    def unfamiliar_share(self) -> float:
        """Of the prompts, those that the policy leaves to its incumbent because they are unlike the rest."""
        return float(self._unfamiliar.mean()) if self.report.policy.unfamiliar == "incumbent" else 0.0

    @cached_property
    def _loose(self) -> Guard:
        """The guard at a z of 0."""
        return guard_of(*self._singles, 0.0)

    @property
    def _tuned_z(self) -> float:
        guard = self.report.policy.guard
        return 0.0 if guard is None else guard.z

    @property
    def _tuned_within(self) -> float | None:
        return self.report.verdict.allowance

    @property
    def guard(self) -> Guard | None:
        """The guard at this setting; that of the policy where its slider was not moved."""
        if self.rule == ALLOWANCE:
            return self._deciding().guard
        if self.rule == TIERS or not self.z:
            return None
        return self.report.policy.guard if self.z == self._tuned_z else replace(self._loose, z=self.z)

    @property
    def is_tuned(self) -> bool:
        """Whether the setting is that of the tuned policy."""
        if self.rule == ALLOWANCE:
            return self.within == self._tuned_within
        setting = self.cost_weight, self.z
        return self.rule == ESTIMATES and setting == (self.report.policy.cost_weight, self._tuned_z)

    @property
    def allowed(self) -> Allowed | None:
        """What this allowance gives; None at the tuned setting, and by hand."""
        if self.rule != ALLOWANCE or self.is_tuned:
            return None
        return self._within(self.within)

    def set(self, **changes: Any) -> None:
        """Change fields and route all prompts anew; what is set says which rule it belongs to."""
        self.message = ""
        rules = [rule for name, rule in _RULE_OF.items() if name in changes]
        with self._lock:
            self.assign({"rule": rules[0], **changes} if rules else changes)
            self.waiting = True  # before it is asked whether the work goes on: as it ends, it looks at this
        if self.job.running and self._is_unknown:
            self.notify()  # the work in the background takes what is asked for first
        else:
            self.act(self._catch_up)

    def aim(self, cost: float) -> None:
        """The cost weight of best quality whose mean cost is at most `cost`."""
        self.set(rule=ESTIMATES, cost_weight=weight_for_spend(self.curve, cost))

    def prepare(self) -> None:
        """Work out all allowances in the background, so that the slider answers at once (`job.wait()`)."""

        def work() -> str:
            left = wanted = [within for within in self.allowances if within != self._tuned_within]
            while left and self.job.report(1 - len(left) / len(wanted), _WORKING):
                self._within(self.within if self.within in left else left[0])
                left = [within for within in left if within not in self._allowed]
            return ""

        if self.asks_allowance:
            self.job.start(work, _WORKING)

    @property
    def _is_unknown(self) -> bool:
        """Whether this allowance was not worked out yet."""
        return self.rule == ALLOWANCE and not self.is_tuned and self.within not in self._allowed

    def _on_job(self) -> None:
        if self.waiting and not (self.job.running and self._is_unknown):
            self.act(self._catch_up)

    def _catch_up(self) -> None:
        """Have the figures of this setting, whether or not they were worked out."""
        with self._lock:  # who comes in between waits for them
            if not self.waiting:
                return
            try:
                self._route()
            except Exception:
                self.assign(self._routed)  # what cannot be routed by is not what is shown
                raise
            finally:
                self.waiting = False

    def choices(self) -> Array:
        """The model (column) of each prompt at this setting, by the first draw of the folds; shape (n,)."""
        with self._lock:
            self._catch_up()
            if self.is_tuned and self.report.choices is not None:
                chosen: Array = self.report.choices
            elif (found := self.allowed) is not None:
                chosen = found.choices[0]
            else:
                chosen = self._chosen_by_hand()
            return chosen

    def _route(self) -> None:
        report = self.report
        if self.is_tuned and report.draws is not None and report.quality is not None:
            self.figures = setting_figures(report.outcomes, report.draws, report.quality, report.saving)
        elif (found := self.allowed) is not None:
            self.figures = found.figures
        else:
            self.figures = setting_figures(report.outcomes, self._chosen_by_hand())
        self._routed = {name: getattr(self, name) for name in ("rule", *_RULE_OF)}

    def _within(self, within: float) -> Allowed:
        if within not in self._allowed:
            self._allowed[within] = allowed(self.report, within)
        return self._allowed[within]

    def _chosen_by_hand(self) -> Array:
        report, policy = self.report, self._deciding()
        unfamiliar = self._unfamiliar & policy.doubts
        return choose_each(policy, report.outcomes, gain_score(report.scores), report.estimates, unfamiliar)

    def policy(self) -> RoutePolicy:
        """What the controls say, ready to be saved and served."""
        with self._lock:
            self._catch_up()
            if self.is_tuned:
                return self.report.policy
            cost, quality = self.figures.cost.value, self.figures.quality.value
            given = {"cost": cost, "quality": quality, "before": "figures of the tuned policy"}
            how = "set by hand" if self.allowed is None else f"chosen to lose at most {self.within:g}"
            return replace(self._deciding(), card={how: given, **self.report.policy.card})

    def _deciding(self) -> RoutePolicy:
        """The policy as far as it decides; what the tuned one promises is of its own setting alone."""
        if self.is_tuned:
            return self.report.policy
        base = replace(self.report.policy, promise={})
        if self.rule == ALLOWANCE:
            setting = self._within(self.within).setting
            name = f"{base.name}-within-{self.within:g}"
            return replace(base, name=name, by_tiers=False, cost_weight=setting.weight, guard=setting.guard)
        if self.rule == ESTIMATES:
            by_hand: dict[str, Any] = {"cost_weight": self.cost_weight, "guard": self.guard}
            return replace(base, name=f"{base.name}-by-hand", by_tiers=False, **by_hand)
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
