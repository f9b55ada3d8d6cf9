"""What outcomes say about routing: figures with intervals, baselines beside them, and a verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.show import BLUE, GREEN, GREY, ORANGE, VERMILION, axes, frame, html_table
from autopicker_lab.tuning.curve import oracle
from autopicker_lab.tuning.matrix import CALL
from autopicker_lab.tuning.metrics import hull
from autopicker_lab.tuning.verdict import in_points

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.core import RoutePolicy
    from autopicker_lab.tuning.curve import Curve
    from autopicker_lab.tuning.group_figures import GroupFigures
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.metrics import Interval
    from autopicker_lab.tuning.promise import Promise
    from autopicker_lab.tuning.verdict import Saving, Verdict


@dataclass(frozen=True)
class Baseline:
    """A router to compare with; None where a figure has no meaning for it.

    Attributes:
        p: of the report's APGR not being above this one's, by paired bootstrap.
        quality, cost: of a single model asked always, of the oracle, or of the policy itself.
    """

    apgr: Interval | None = None
    cpt50: float | None = None
    cpt80: float | None = None
    aiq: float | None = None
    quality: Interval | None = None
    cost: float | None = None
    p: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """One flat JSON object; intervals as a figure and its bounds."""
        return {
            **_interval("apgr", self.apgr),
            "cpt50": self.cpt50,
            "cpt80": self.cpt80,
            "aiq": self.aiq,
            **_interval("quality", self.quality),
            "cost": self.cost,
            "p": self.p,
        }


@dataclass(frozen=True, eq=False, repr=False)
class RouterFigures:
    """What was measured of a router on outcomes.

    Attributes:
        scores: what prompts are ranked by, shape (n,); out of fold where the report tunes.
        quality, cost: mean score and cost of routing, each fold by what the others chose where the report tunes; None
            where the policy knows no quality of these models.
        estimates: P(a good answer), shape (n, models); None for a policy without estimates.
        curve: cost and quality over cost weights; None without estimates.
        choices: the model (column) of each prompt, shape (n,), which `quality` and `cost` are of.
        calibration: expected calibration error by model.
        transfer: a row for each task that was held out whole.
        by_groups: figures by both assumptions about requests, the one that was made first; () where they agree.
    """

    outcomes: OutcomeMatrix
    scores: Any
    apgr: Interval | None
    apgr_full: float | None
    cpt50: float | None
    cpt80: float | None
    aiq: Interval | None
    baselines: Mapping[str, Baseline]
    verdict: Verdict
    quality: Interval | None = None
    cost: float | None = None
    estimates: Any = None
    curve: Curve | None = None
    choices: Any = None
    saving: Saving | None = None
    calibration: Mapping[str, float] = field(default_factory=dict)
    transfer: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    by_groups: tuple[GroupFigures, ...] = ()

    def card(self) -> dict[str, Any]:
        """What a policy file says of its policy: verdict first."""
        return {
            "null": None if self.verdict.null is None else asdict(self.verdict.null),
            "verdict": self.verdict.sentence,
            "pays": self.verdict.pays,
            "n": len(self.outcomes),
            **_interval("apgr", self.apgr),
            "cpt50": self.cpt50,
            "cpt80": self.cpt80,
            "aiq": self.aiq.value if self.aiq else None,
            "saving": self._saving(),
            "calibration": dict(self.calibration),
            "transfer": [dict(row) for row in self.transfer],
            "groups": self.outcomes.assumed,
            "by_groups": [figures.to_dict() for figures in self.by_groups],
        }

    def _saving(self) -> dict[str, Any] | None:
        if self.saving is None:
            return None
        return {
            "best": self.saving.best,
            **_interval("share", self.saving.share),
            **_interval("quality", self.saving.quality),
            **_interval("excess", self.saving.excess),
            "p": self.saving.excess.p,
        }


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TuningReport(RouterFigures):
    """A policy, and what was measured of it."""

    policy: RoutePolicy
    promise: Promise | None = None

    def __repr__(self) -> str:
        return f"TuningReport({len(self.outcomes)} prompts, {len(self.outcomes.models)} models: {self.verdict})"

    def to_dict(self) -> dict[str, Any]:
        """One JSON object: what was measured, in figures and in words."""
        weak, strong = self.outcomes.pair
        return {
            "n": len(self.outcomes),
            "models": list(self.outcomes.models),
            "strong": strong,
            "weak": weak,
            **_interval("apgr", self.apgr),
            "apgr_full": self.apgr_full,
            "cpt50": self.cpt50,
            "cpt80": self.cpt80,
            **_interval("aiq", self.aiq),
            **_interval("quality", self.quality),
            "cost": self.cost,
            "verdict": str(self.verdict),
            "conclusion": self.verdict.to_dict(),
            "baselines": {name: baseline.to_dict() for name, baseline in self.baselines.items()},
            "saving": self._saving(),
            "calibration": dict(self.calibration),
            "transfer": [dict(row) for row in self.transfer],
            "groups": self.outcomes.assumed,
            "by_groups": [figures.to_dict() for figures in self.by_groups],
            "cost_unit": self.outcomes.cost_unit,
            "cost_weight": self.policy.cost_weight,
            "policy": self.policy.id,
            "promise": self.promise.to_dict() if self.promise else None,
            "warnings": list(self.warnings),
        }

    @property
    def missed(self) -> str:
        """What was asked of the policy and is not shown to hold, in words; "" where all of it is."""
        if self.promise is not None:
            return "" if self.promise.feasible else str(self.promise)
        allowance = self.verdict.allowance
        if allowance is None or self.verdict.allowance_met is not False:
            return ""
        return f"mean quality may fall by more than the {in_points(allowance)} allowed"

    @property
    def policy_row(self) -> Baseline:
        """The policy as a row beside its baselines."""
        aiq = self.aiq.value if self.aiq else None
        return Baseline(self.apgr, self.cpt50, self.cpt80, aiq, self.quality, self.cost)

    @property
    def rows(self) -> dict[str, Baseline]:
        """Routers by name: the best single model, the policy's shares at random, the oracle, the policy, the others."""
        names = list(self.baselines)
        first = 0 if self.verdict.null is None else names.index("oracle") + 1
        head = {name: self.baselines[name] for name in names[:first]}
        return {**head, "policy": self.policy_row, **self.baselines}

    def to_frame(self) -> pd.DataFrame:
        """One row a router, in the order of `rows`."""
        return frame({"router": name, **b.to_dict()} for name, b in self.rows.items())

    def scores_frame(self) -> pd.DataFrame:
        """One row a prompt: prompt_id and score, and each model's estimate where there are any."""
        rows = frame(
            {"prompt_id": name, "score": score} for name, score in zip(self.outcomes.ids, self.scores, strict=True)
        )
        if self.estimates is None:
            return rows
        return rows.assign(**{f"estimate|{m}": self.estimates[:, i] for i, m in enumerate(self.outcomes.models)})

    def choices_frame(self) -> pd.DataFrame:
        """One row a prompt: prompt_id and the model that the policy chooses for it.

        Raises:
            InvalidRequestError: the policy knows no quality of these models, and so chooses none.
        """
        if self.choices is None:
            raise InvalidRequestError(
                f"the policy '{self.policy.id}' knows none of these models", "evaluate it on outcomes of its own"
            )
        models = self.outcomes.models
        chosen = zip(self.outcomes.ids, self.choices.tolist(), strict=True)
        return frame({"prompt_id": name, "model": models[column]} for name, column in chosen)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Quality over cost: the policy with its 95 % band, single models, coins between them, the oracle.

        A policy that was just tuned stands where it is on these prompts, which chose its cost weight; the verdict is
        that of the open mark, where each fold is routed by the weight that the others chose.
        """
        target = axes(ax, (7.0, 4.5))
        draw_curve(target, self.outcomes, self.curve)
        if self.curve is not None:
            i = self.curve.nearest(self.policy.cost_weight)
            target.plot(self.curve.costs[i], self.curve.qualities[i], "o", color=VERMILION, ms=9, label="the policy")
            if self.quality is not None and self.cost is not None:
                label = "what the verdict counts on"
                target.plot(self.cost, self.quality.value, "D", color=VERMILION, mfc="none", ms=9, label=label)
        target.set_title(self.verdict.sentence, loc="left", wrap=True, fontsize=10)
        target.legend(frameon=False, fontsize=9)
        return target

    def _repr_html_(self) -> str:
        rows = [
            (
                name,
                _interval_text(b.apgr),
                _number_text(b.cpt50),
                _number_text(b.cpt80),
                _number_text(b.aiq),
                _interval_text(b.quality),
                "" if b.cost is None else f"{b.cost:.3g}",
                _number_text(b.p),
            )
            for name, b in self.rows.items()
        ]
        head = ["router", "APGR", "CPT 50 %", "CPT 80 %", "AIQ", "quality", "cost", "p (not better than it)"]
        return html_table(head, rows, str(self.verdict))


def draw_curve(target: Axes, outcomes: OutcomeMatrix, curve: Curve | None) -> None:
    """The cost-quality plane: every single model, coins between them, the oracle, a router's curve with its band."""
    means, costs = outcomes.mean_scores, outcomes.mean_costs
    best_costs, best_qualities = oracle(outcomes.scores, outcomes.costs)
    target.plot(best_costs, best_qualities, ":", color=GREY, label="oracle")
    target.plot(*hull(costs, means), color=GREY, lw=0.8, label="coins between models")
    target.plot(costs, means, "s", color=ORANGE, label="always one model")
    for name, x, y in zip(outcomes.models, costs, means, strict=True):
        side, shift = ("right", (0, 8)) if x > costs.mean() else ("left", (4, -10))
        target.annotate(name, (x, y), textcoords="offset points", xytext=shift, ha=side, fontsize=7, color=GREY)
    if curve is not None:
        band = 1.96 * curve.errors
        target.plot(curve.costs, curve.qualities, "-", color=BLUE, label="routed, out of fold")
        target.fill_between(curve.costs, curve.qualities - band, curve.qualities + band, color=BLUE, alpha=0.15, lw=0)
    unit = "share of calls to the strong model" if outcomes.cost_unit == CALL else "USD a request"
    target.set(xlabel=unit, ylabel="mean score")
    target.spines[["top", "right"]].set_visible(False)


def plot_calibration(report: TuningReport, ax: Axes | None = None) -> Axes:
    """Measured over estimated quality in ten groups of equal size, a line for each model of the pair."""
    import numpy as np

    target = axes(ax, (4.5, 4.5))
    target.plot([0, 1], [0, 1], color=GREY, lw=0.8)
    for column, colour in ((report.outcomes.weak, ORANGE), (report.outcomes.strong, GREEN)):
        order = np.argsort(report.estimates[:, column], kind="stable")
        parts = np.array_split(order, 10)
        x = [report.estimates[part, column].mean() for part in parts]
        y = [report.outcomes.scores[part, column].mean() for part in parts]
        name = report.outcomes.models[column]
        target.plot(x, y, "o-", color=colour, label=f"{name} (ECE {report.calibration[name]:.3f})")
    target.set(xlabel="estimated quality", ylabel="measured quality", title="calibration, out of fold")
    target.legend(frameon=False)
    return target


def _interval(name: str, interval: Interval | None) -> dict[str, Any]:
    bounds = [interval.low, interval.high] if interval else None
    return {name: interval.value if interval else None, f"{name}_ci": bounds}


def _interval_text(interval: Interval | None) -> str:
    return "" if interval is None else str(interval)


def _number_text(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
