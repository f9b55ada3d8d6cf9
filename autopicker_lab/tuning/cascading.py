"""A report on a policy, with what was found of cascades, and the policy that cascades where one is taken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from autopicker_lab.tuning import fitting, forms
from autopicker_lab.tuning.allowances import losses_where_doubtful
from autopicker_lab.tuning.cascade_search import CrossFitPlans, as_columns_of
from autopicker_lab.tuning.cascades import choices_by
from autopicker_lab.tuning.choices import estimates_of
from autopicker_lab.tuning.measuring import measure
from autopicker_lab.tuning.report import TuningReport

if TYPE_CHECKING:
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.promise import Terms
    from autopicker_lab.tuning.settings import Asked


def with_cascade(
    report: TuningReport,
    mode: str,
    folds: int,
    seed: int,
    asked: Asked,
    terms: Terms | None,
    kept_out: OutcomeMatrix | None,
) -> TuningReport:
    """The report with what was found of cascades, and of a policy that cascades where one is taken."""
    outcomes, estimates, policy = report.outcomes, report.estimates, report.policy
    assert estimates is not None  # of a report that tuning made
    parts = fitting.grouped_folds(outcomes.groups, folds, seed)
    found = forms.compare_forms(outcomes, estimates, parts, asked=asked, mode=mode, seed=seed)
    if (form := found.form) is None:
        return replace(report, forms=found)
    promised, choices, plan = report.promise, form.choices, None
    if terms is not None and kept_out is not None and policy.estimator is not None:
        unseen = estimates_of(policy, kept_out)
        plan, choices, promised = forms.promised_plan(form, outcomes, estimates, kept_out, unseen, terms, asked, seed)
        asked = asked if terms.within is None else replace(asked, within=terms.within)
    plan = plan or forms.plan_of(form, outcomes, estimates, asked, seed)
    figures = measure(
        form.outcomes,
        report.scores,
        estimates[:, form.outcomes.answerers],
        report.curve,
        seed=seed,
        within=asked.within,
        choices=choices,
        transfer=report.transfer,
        looks=1 + found.looks,
    )
    cascading = replace(
        policy,
        name=f"{policy.name}-{form.name}",
        cascade=plan.cascade,
        cost_weight=plan.cost_weight,
        guard=plan.guard,
        promise=promised.to_dict() if promised else {},
        card=figures.card() | {"cascade": str(found)},
    )
    losses = None
    if promised is None or not promised.feasible:
        first = outcomes.models.index(form.first)
        crossing = CrossFitPlans(outcomes, estimates, parts, first, plan.cascade.always, asked.guard_z, seed)
        losses = losses_where_doubtful(
            form.outcomes,
            figures.verdict,
            as_columns_of(form.outcomes, choices_by(plan, outcomes, estimates, outcomes.mean_costs)),
            lambda allowance: crossing.crossed(allowance).choices,
            seed,
        )
    return TuningReport(
        policy=cascading, promise=promised, losses=losses, forms=found, task_gain=report.task_gain, **vars(figures)
    )
