"""What outcomes say about routing: figures with intervals, baselines beside them, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.figures import axes
from autopicker_lab.core.show import VERMILION, frame
from autopicker_lab.routing.estimator import LearnedEstimator
from autopicker_lab.tuning.advice import next_steps
from autopicker_lab.tuning.baseline import ORACLE, POLICY, Baseline, interval_entries
from autopicker_lab.tuning.charts import calibration_chart, quality_chart, transfer_chart, with_setting
from autopicker_lab.tuning.decision_table import part_rows, routed_by, way_rows
from autopicker_lab.tuning.plots import draw_curve
from autopicker_lab.tuning.router_figures import RouterFigures
from autopicker_lab.tuning.sections import report_sections, sections_html
from autopicker_lab.tuning.stability import reworded_choices
from autopicker_lab.tuning.verdict import in_points

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.core import RoutePolicy
    from autopicker_lab.core.charts import Chart
    from autopicker_lab.tuning.advice import Losses
    from autopicker_lab.tuning.decision_table import PartRow, WayRow
    from autopicker_lab.tuning.forms import Forms
    from autopicker_lab.tuning.per_task import TaskGain
    from autopicker_lab.tuning.promise import Promise
    from autopicker_lab.tuning.sections import ReportTable
    from autopicker_lab.tuning.settings import CrossFit
    from autopicker_lab.tuning.stability import Stability


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TuningReport(RouterFigures):
    """A policy, and what was measured of it.

    Attributes:
        forms: of cascades, where tuning tried any.
        task_gain: what a policy per task would save; None where it is one, or where tasks are not shown to tell.
        losses: by both ways of counting, where it is doubtful that the policy keeps its allowance.
        crossed: the settings of each fold, for other allowances (see tuning.allowed); None where the policy was tuned
            for something else, or has a cascade.
    """

    policy: RoutePolicy
    promise: Promise | None = None
    losses: Losses | None = None
    task_gain: TaskGain | None = None
    forms: Forms | None = None
    crossed: CrossFit | None = None

    def __repr__(self) -> str:
        return f"TuningReport({len(self.outcomes)} prompts, {self.outcomes.singles} models: {self.verdict})"

    def to_dict(self) -> dict[str, Any]:
        """One JSON object: what was measured, in figures and in words."""
        weak, strong = self.outcomes.pair
        return {
            "n": len(self.outcomes),
            "models": list(self.outcomes.models[: self.outcomes.singles]),
            "strong": strong,
            "weak": weak,
            **interval_entries("apgr", self.apgr),
            "apgr_full": self.apgr_full,
            "cpt50": self.cpt50,
            "cpt80": self.cpt80,
            **interval_entries("aiq", self.aiq),
            **interval_entries("quality", self.quality),
            "cost": self.cost,
            "verdict": str(self.verdict),
            "conclusion": self.verdict.to_dict(),
            "baselines": {name: baseline.to_dict() for name, baseline in self.baselines.items()},
            "saving": self._saving(),
            "needed": dict(self.needed),
            "learning": [dict(row) for row in self.learning],
            "calibration": dict(self.calibration),
            "transfer": [dict(row) for row in self.transfer],
            "groups": self.outcomes.assumed,
            "by_groups": [figures.to_dict() for figures in self.by_groups],
            "ways": [row.to_dict() for row in self.ways],
            "by_task": [row.to_dict() for row in self.by_task],
            "by_language": [row.to_dict() for row in self.by_language],
            "own_estimates": self._own_estimates(),
            "cost_unit": self.outcomes.cost_unit,
            "cost_weight": self.policy.cost_weight,
            "policy": self.policy.id,
            "promise": self.promise.to_dict() if self.promise else None,
            "losses": self.losses.to_dict() if self.losses else None,
            "next_steps": self.next_steps,
            "cascade": self.forms.to_dict() if self.forms else None,
            "per_task": self.task_gain.to_dict() if self.task_gain else None,
            "stability": self.stability.to_dict() if self.stability else None,
            "warnings": list(self.warnings),
        }

    def _own_estimates(self) -> dict[str, Any]:
        """What languages with estimates of their own add to those of each model (see routing.language_terms)."""
        terms = self._learned.by_language if self._learned else {}
        return {language: term.to_dict() for language, term in terms.items()}

    def with_stability(self, stability: Stability | None) -> TuningReport:
        """The same with what was measured of rewordings, in the verdict and in the policy's card, too."""
        if stability is None:
            return self
        unstable = "" if stability.is_stable else str(stability)
        report = replace(self, stability=stability, verdict=replace(self.verdict, unstable=unstable))
        card = {**report.policy.card, "verdict": report.verdict.sentence, "stability": stability.to_dict()}
        return replace(report, policy=replace(report.policy, card=card))

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
        first = 0 if self.verdict.null is None else names.index(ORACLE) + 1
        head = {name: self.baselines[name] for name in names[:first]}
        return {**head, POLICY: self.policy_row, **self.baselines}

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
        """One row a prompt: prompt_id and the model that the policy chooses for it, of a cascade the one that answers.

        Raises:
            InvalidRequestError: the policy knows no quality of these models, and so chooses none.
        """
        if self.choices is None:
            raise InvalidRequestError(
                f"the policy '{self.policy.id}' knows none of these models", "evaluate it on outcomes of its own"
            )
        models = self.outcomes.models
        chosen = zip(self.outcomes.ids, self.outcomes.answering(self.choices).tolist(), strict=True)
        return frame({"prompt_id": name, "model": models[column]} for name, column in chosen)

    def reworded(self, question: str, seed: int = 0) -> pd.DataFrame:
        """What the policy chooses for a question and for rewordings of it, see tuning.stability.reworded_choices."""
        return reworded_choices(self.policy, self.outcomes, question, seed)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Quality over cost, to be printed: the router's curve with its 95 % band, single models, coins, the oracle.

        The mark is the policy as the verdict judges it: each fold by the setting that the others chose.
        """
        target = axes(ax, (7.0, 4.5))
        draw_curve(target, self.outcomes, self.curve)
        if self.quality is not None and self.cost is not None:
            ends = [[self.quality.value - self.quality.low], [self.quality.high - self.quality.value]]
            target.errorbar(
                self.cost, self.quality.value, ends, fmt="D", color=VERMILION, ms=8, label="this policy, as judged"
            )
        target.set_title(self.verdict.sentence, loc="left", wrap=True, fontsize=10)
        target.legend(frameon=False, fontsize=9)
        return target

    def chart(self) -> Chart:
        """The same to explore, with values under the pointer, and the figure that the verdict counts on."""
        chart = quality_chart(self.outcomes, self.curve)
        if self.quality is None or self.cost is None:
            return chart
        return with_setting(chart, "this policy, as judged", self.cost, self.quality, self.outcomes.cost_unit)

    def calibration_chart(self) -> Chart:
        """Whether estimates can be believed: measured over estimated quality; InvalidRequestError without estimates."""
        if self.estimates is None:
            raise InvalidRequestError("this report has no estimates", "use the report of tune(...)")
        return calibration_chart(self.outcomes, self.estimates, self.calibration)

    def transfer_chart(self) -> Chart:
        """What the policy's threshold would send up of tasks that the fit never saw."""
        return transfer_chart(self.transfer)

    @property
    def ways(self) -> list[WayRow]:
        """What each way of answering gives: share of requests, quality, cost and seconds, in the order of `rows`."""
        qualities = {name: row.quality for name, row in self.rows.items()}
        return way_rows(self.outcomes, self._routed, qualities)

    @property
    def by_task(self) -> list[PartRow]:
        """The policy against the best single model, by task, the most frequent first; none where there is but one."""
        return part_rows(self.outcomes, self._routed, self.outcomes.tasks)

    @property
    def _routed(self) -> Any:
        return routed_by(self.draws, len(self.outcomes.models))

    @property
    def by_language(self) -> list[PartRow]:
        """The same by the language of the prompts, as an ISO 639-1 code; "other" where that is unsure or rare."""
        return part_rows(self.outcomes, self._routed, self.outcomes.languages)

    @property
    def next_steps(self) -> list[str]:
        """What to do, a sentence each, the first step first."""
        steps = next_steps(self.verdict, self.needed, self.losses, self.promise, len(self.outcomes))
        return steps if self.task_gain is None else [*steps, str(self.task_gain)]

    @property
    def conclusion(self) -> list[str]:
        """The verdict, the promise, what was found of cascades, and what to do next, in sentences."""
        promise = [] if self.promise is None else [str(self.promise)]
        cascades = [str(self.forms)] if self.forms is not None and self.forms.tried else []
        return [str(self.verdict), *promise, *cascades, *self.next_steps]

    def _repr_html_(self) -> str:
        promise = [] if self.promise is None else [str(self.promise)]
        said = [str(self.verdict), *promise, *self.next_steps[:1]]
        return sections_html(self.sections(), said, [words for words in self.conclusion if words not in said])

    def sections(self) -> list[ReportTable]:
        """The report as a person reads it: tables with words, what decides first."""
        parts = {"task": self.by_task, "language": self.by_language}
        return report_sections(self.rows, self.ways, parts, self.outcomes.cost_unit, self.stability, self._learned)

    @property
    def _learned(self) -> LearnedEstimator | None:
        estimator = self.policy.estimator
        return estimator if isinstance(estimator, LearnedEstimator) else None
