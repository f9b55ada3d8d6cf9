"""A report on a policy, with what was found of cascades, and the policy that cascades where one is taken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from autopicker_lab.tuning import fitting, forms
from autopicker_lab.tuning.choices import estimates_of
from autopicker_lab.tuning.measuring import measure
from autopicker_lab.tuning.report import TuningReport

if TYPE_CHECKING:
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.promise import Terms


def with_cascade(
    report: TuningReport,
    mode: str,
    folds: int,
    seed: int,
    within: float,
    terms: Terms | None,
    kept_out: OutcomeMatrix | None,
) -> TuningReport:
    """The report with what was found of cascades, and of a policy that cascades where one is taken."""
    import numpy as np

    outcomes, estimates, policy = report.outcomes, report.estimates, report.policy
    parts = fitting.grouped_folds(outcomes.groups, folds, seed)
    found = forms.compare_forms(outcomes, estimates, parts, within=within, mode=mode, seed=seed)
    if (form := found.form) is None:
        return replace(report, forms=found)
    promised, choices, plan = report.promise, form.choices, None
    if terms is not None and kept_out is not None and policy.estimator is not None:
        unseen = estimates_of(policy, kept_out)
        plan, choices, promised = forms.promised_plan(form, outcomes, estimates, kept_out, unseen, terms, seed)
        within = within if terms.within is None else terms.within
    plan = plan or forms.plan_of(form, outcomes, estimates, within, seed)
    figures = measure(
        form.outcomes,
        report.scores,
        np.hstack([estimates, estimates[:, [outcomes.models.index(plan.cascade.then)]]]),
        report.curve,
        seed=seed,
        within=within,
        choices=choices,
        transfer=report.transfer,
    )
    cascading = replace(
        policy,
        name=f"{policy.name}-{form.name}",
        cascade=plan.cascade,
        cost_weight=plan.cost_weight,
        guard=None,  # the plan was measured without one
        promise=promised.to_dict() if promised else {},
        card=figures.card() | {"cascade": str(found)},
    )
    return TuningReport(policy=cascading, promise=promised, forms=found, task_gain=report.task_gain, **vars(figures))
