"""Fit a policy on outcomes, or evaluate one: the same figures, the same baselines, a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, RoutePolicy, RunStamp, StoppedError, gain_score
from autopicker_lab.routing import ON_DRIFT, as_policy, default_policy
from autopicker_lab.routing.estimator import estimate_each
from autopicker_lab.runtime.progress import Progress, report_progress
from autopicker_lab.tuning import fitting, forms
from autopicker_lab.tuning.allowances import losses_where_doubtful
from autopicker_lab.tuning.baselines import (
    aiq_of_curve,
    aiq_of_ranking,
    compute_baselines,
    null_of,
    quality_of,
    ranking,
    share_for,
)
from autopicker_lab.tuning.both_ways import figures_of, tuned_figures
from autopicker_lab.tuning.choices import route_outcomes
from autopicker_lab.tuning.curve import cost_quality_curve
from autopicker_lab.tuning.drift import decile_shares
from autopicker_lab.tuning.group_figures import GroupFigures
from autopicker_lab.tuning.grouping import AUTO, OFF, copies, count
from autopicker_lab.tuning.judging import WITHIN, conclude, saving_of
from autopicker_lab.tuning.matrix import OutcomeMatrix
from autopicker_lab.tuning.metrics import apgr, expected_calibration_error, interval_of
from autopicker_lab.tuning.outcomes import as_outcomes
from autopicker_lab.tuning.power import learning_curve, needed_prompts
from autopicker_lab.tuning.promise import Promise, Terms, cut, promise_of
from autopicker_lab.tuning.repeats import fit_repeatedly, repeats_for
from autopicker_lab.tuning.report import TuningReport
from autopicker_lab.tuning.router_figures import RouterFigures
from autopicker_lab.tuning.settings import Asked, Setting, cross_fitted_choices, setting_for, settings_along
from autopicker_lab.tuning.transfer import transfer_to_tasks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from autopicker_lab.routing.estimator import LearnedEstimator
    from autopicker_lab.tuning.curve import Curve

    Array = np.ndarray[Any, Any]

_DIGITS = 6


def tune(
    table: pd.DataFrame | str | Path,
    *,
    strong: str | None = None,
    weak: str | None = None,
    folds: int = 5,
    seed: int = 0,
    within: float = WITHIN,
    strong_share: float | None = None,
    spend: float | None = None,
    local_only: bool = False,
    max_cost_usd: float | None = None,
    source: str | Path | None = None,
    promise: Terms | None = None,
    incumbent: str | None = None,
    guard: float | None = None,
    repeats: int | None = None,
    on_drift: str = "keep",
    groups: str = AUTO,
    latency_weight: float = 0.0,
    cascade: str = forms.AUTO,
    progress: Progress | None = None,
) -> TuningReport:
    """Fit estimates and a cost weight on a table (see read_outcomes), and measure them out of fold.

    Args:
        table: or the path of its file.
        strong, weak: the pair that is routed between; None: all models, ranked by the best against the cheapest.
        within: mean score that may be lost against the incumbent; the policy saves what it can within that, by a
            one-sided bound at 95 %.
        strong_share: of requests that are to go to the strong model, instead of what `within` allows: the share of the
            table's prompts, out of fold.
        spend: USD per 1,000 requests that may be spent, for the best quality to be had, instead of `within`.
        local_only, max_cost_usd: of the policy that is made; the measured figures do not depend on them.
        source: the file the table came from, for the policy's stamp; a `table` that is a path is its own.
        promise: what the policy is to promise of its losses. Half of the prompts are then kept out of the fit and of
            its figures, and test the promise; where it passes, it decides the cost weight, and not `within`.
        incumbent: the model that serves now, which routing is held against; None: the best single one.
        guard: standard errors by which a lead over the incumbent, by estimate, must clear zero for a request to leave
            it; and where, at this bound, leaving it is not shown to pay at all, the policy never does (see
            tuning.guard). No cascade is taken beside it. None: no guard.
        repeats: how often the folds are drawn; None: 2 to 10 times, by the size of the table.
        on_drift: what a service does once its requests have drifted past the alarm: "keep" routing by the policy, or
            ask the "incumbent".
        groups: which prompts are alike: "template", where requests will bring new templates; "off", where they will be
            of these; "auto" takes one and says which. Folds and intervals follow it; where the other way differs, the
            report has its figures, too.
        latency_weight: USD that a second of waiting costs, on top of what a call costs; the policy's costs hold both.
        cascade: "auto" takes a cascade where the table has signals of answers and one is shown to beat routing at equal
            cost; "only" takes the better one, shown or not; "off" tries none.
        progress: called with (steps done, steps in all); the steps are the folds, the fit and the report.

    Raises:
        InvalidRequestError: see OutcomeMatrix.from_table; or more folds than groups of different prompts, no such
            incumbent, a negative guard, or no repeats; or less to be spent than the cheapest model costs.
        StoppedError: `progress` returned False.
    """
    import numpy as np

    asked, source = Asked(within, guard, strong_share, spend), _source(table, source)
    _check_options(on_drift, cascade, repeats, asked, promise)
    outcomes = OutcomeMatrix.from_table(
        table, strong=strong, weak=weak, seed=seed, groups=groups, latency_weight=latency_weight
    )
    outcomes, kept_out = outcomes.with_incumbent(incumbent), None
    asked.check(outcomes)
    if promise is not None:
        outcomes, kept_out = cut(outcomes, seed)
    prompts = fitting.prepare(outcomes.questions, outcomes.groups)
    different = count(outcomes.groups if outcomes.assumed == OFF else copies(outcomes.prompts))
    if outcomes.different < 2:
        detail = "too few templates: one alone is left to learn from, which says nothing of new ones"
        raise InvalidRequestError(detail, "where requests will be of these, say so: --groups off")
    if not 2 <= folds <= different // 10:
        detail = f"too little data for {folds} folds: {different} different prompts"
        raise InvalidRequestError(detail, "collect more, or use fewer folds (at least 2)")
    other = outcomes.by_the_other()
    draws = repeats_for(outcomes.scores) if repeats is None else repeats
    fitted_folds = draws * len(fitting.grouped_folds(prompts.groups, folds, seed))
    steps = fitted_folds * (1 if other is None else 2) + 2
    fits = fit_repeatedly(
        prompts, outcomes.scores, folds, draws, seed, lambda done, _: report_progress(progress, done, steps)
    )
    estimates = fits.estimates
    estimator = fitting.fit(prompts, outcomes.scores, outcomes.models, seed)
    if not report_progress(progress, fitted_folds + 1, steps):
        raise StoppedError.of("tuning")
    curve = cost_quality_curve(estimates, outcomes.scores, outcomes.costs)
    promised: Promise | None = None
    setting: Setting | None = None
    allowed = asked.allowance
    if promise is not None and kept_out is not None:
        settings = settings_along(curve.weights, outcomes, estimates, guard)
        setting, promised = promise_of(outcomes, kept_out, estimator, estimates, settings, promise, seed)
    if setting is None:
        setting = setting_for(outcomes, fits.of(np.arange(len(outcomes))), asked)
        choices = cross_fitted_choices(outcomes, fits, asked)
    else:
        choices = np.stack([setting.choices(outcomes, each) for each in fits.each])
        allowed = promise.within if promise is not None else within
    orders = fits.orders(outcomes)
    order = orders.mean(0)
    figures = _measure(
        outcomes,
        order,
        estimates,
        curve,
        seed=seed,
        within=allowed,
        choices=choices,
        orders=orders,
        transfer=transfer_to_tasks(outcomes, prompts, estimator, seed),
        learning=learning_curve(outcomes, prompts, fits.folds[0], estimator, seed),
        other=None
        if other is None
        else tuned_figures(other, prompts, folds, asked, seed, lambda *_: report_progress(progress, steps - 1, steps)),
    )
    edges, shares = decile_shares(gain_score(order).tolist())
    policy = RoutePolicy(
        name=_name(estimator),
        tiers=default_policy().tiers,
        qualities=dict(zip(outcomes.models, outcomes.mean_scores.round(_DIGITS).tolist(), strict=True)),
        local_only=local_only,
        max_cost_usd=max_cost_usd,
        estimator=estimator,
        pair=outcomes.pair,
        cost_weight=setting.weight,
        guard=setting.guard,
        costs=dict(zip(outcomes.models, outcomes.mean_costs.tolist(), strict=True)),
        cost_unit=outcomes.cost_unit,
        edges=edges,
        shares=shares,
        on_drift=on_drift,
        promise=promised.to_dict() if promised else {},
        card=figures.card(),
        stamp=RunStamp.collect(*([source] if source else []), seed=seed).to_dict()
        | {
            "folds": folds,
            "repeats": draws,
            "within": allowed,
            "prompts": outcomes.fingerprint,
            "groups": outcomes.assumed,
        }
        | {
            name: value
            for name, value in (("latency_weight", latency_weight), ("strong_share", strong_share), ("spend", spend))
            if value
        },
    )
    losses = None
    if promised is None or not promised.feasible:
        losses = losses_where_doubtful(
            outcomes,
            figures.verdict,
            setting.choices(outcomes, estimates),
            lambda allowance: cross_fitted_choices(outcomes, fits, Asked(allowance, guard)),
            seed,
        )
    report_progress(progress, steps, steps)  # what it returns comes too late
    report = TuningReport(policy=policy, promise=promised, losses=losses, **vars(figures))
    if cascade == forms.OFF or guard is not None or asked.allowance is None:
        return report
    return _with_cascade(report, cascade, folds, seed, within, promise, kept_out)


def _check_options(on_drift: str, cascade: str, repeats: int | None, asked: Asked, promise: Terms | None) -> None:
    """InvalidRequestError for what no tuning can do, before anything is read."""
    if on_drift not in ON_DRIFT:
        raise InvalidRequestError(f"no on_drift '{on_drift}'", f"known: {', '.join(ON_DRIFT)}")
    if cascade not in forms.MODES:
        raise InvalidRequestError(f"no cascade '{cascade}'", f"known: {', '.join(forms.MODES)}")
    if (asked.guard_z is not None and not 0 <= asked.guard_z < math.inf) or (repeats is not None and repeats < 1):
        raise InvalidRequestError("a guard is 0 or more standard errors, and folds are drawn at least once")
    if cascade == forms.ONLY and (asked.guard_z is not None or asked.allowance is None):
        raise InvalidRequestError("a cascade has no guard, share or spending of its own", "leave out one of them")
    if promise is not None and asked.allowance is None:
        raise InvalidRequestError("a promise decides the cost weight itself", "leave out the share, or what is spent")


def _with_cascade(
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
        unseen = estimate_each(policy.estimator, kept_out.prompts)
        plan, choices, promised = forms.promised_plan(form, outcomes, estimates, kept_out, unseen, terms, seed)
        within = within if terms.within is None else terms.within
    plan = plan or forms.plan_of(form, outcomes, estimates, within, seed)
    figures = _measure(
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
    return TuningReport(policy=cascading, promise=promised, forms=found, **vars(figures))


def evaluate(
    table: pd.DataFrame | str | Path,
    policy: RoutePolicy | str | Path,
    *,
    strong: str | None = None,
    weak: str | None = None,
    seed: int = 0,
    groups: str = AUTO,
    latency_weight: float | None = None,
    source: str | Path | None = None,
) -> TuningReport:
    """Measure a policy on a table, without fitting anything.

    A policy with estimates is measured on the models it knows, by the rule it routes by. Where its prompts are those it
    was fitted on, the report warns: its figures are then too good.

    Args:
        table, policy: or the paths of their files; "default" is the default policy.
        latency_weight: see tune; None: as the policy was tuned.

    Raises:
        InvalidRequestError: see OutcomeMatrix.from_table, and load_policy; or less than two models of a policy with
            estimates were measured.
    """
    source = _source(table, source)
    table, policy = as_outcomes(table), as_policy(policy)
    if latency_weight is None:
        latency_weight = float(policy.stamp.get("latency_weight", 0.0))
    how: dict[str, Any] = {"seed": seed, "groups": groups, "latency_weight": latency_weight}
    if policy.estimator is None:
        outcomes = OutcomeMatrix.from_table(table, strong=strong, weak=weak, **how)
        routed = route_outcomes(policy, outcomes)
        choices = routed.choices if set(outcomes.models) <= set(policy.qualities) else None
        outcomes, other = routed.outcomes, routed.outcomes.by_the_other()
        figures = _measure(
            outcomes,
            routed.scores,
            None,
            None,
            seed=seed,
            choices=choices,
            other=None if other is None else figures_of(other, routed.scores, choices, WITHIN, seed),
        )
        return TuningReport(policy=policy, **vars(figures))
    measured = set(table["model"])
    known_models = [name for name in policy.estimator.models if name in measured]
    if len(known_models) < 2:
        detail = f"the policy knows {', '.join(policy.estimator.models)}, the outcomes do not have two of them"
        raise InvalidRequestError(detail, "evaluate it on outcomes of its own models")
    if strong is None and weak is None and policy.pair and set(policy.pair) == set(known_models):
        weak, strong = policy.pair
    outcomes = OutcomeMatrix.from_table(table, strong=strong, weak=weak, models=known_models, **how)
    routed = route_outcomes(policy, outcomes)
    outcomes, other = routed.outcomes, routed.outcomes.by_the_other()
    assert routed.estimates is not None  # it has an estimator
    order = routed.estimates[:, outcomes.strong] - routed.estimates[:, outcomes.weak]
    within = policy.stamp.get("within", WITHIN)
    figures = _measure(
        outcomes,
        order,
        routed.estimates,
        cost_quality_curve(routed.estimates, outcomes.scores, outcomes.costs),
        seed=seed,
        within=within,
        choices=routed.choices,
        other=None if other is None else figures_of(other, order, routed.choices, within, seed),
        warnings=_in_sample_warnings(policy, outcomes, source),
    )
    return TuningReport(policy=policy, **vars(figures))


def _measure(
    outcomes: OutcomeMatrix,
    order: Array,
    estimates: Array | None,
    curve: Curve | None,
    *,
    seed: int,
    within: float | None = WITHIN,
    choices: Array | None = None,
    orders: Array | None = None,
    learning: Sequence[Mapping[str, Any]] = (),
    transfer: Sequence[Mapping[str, Any]] = (),
    warnings: Sequence[str] = (),
    other: GroupFigures | None = None,
) -> RouterFigures:
    """All figures of a router.

    Args:
        order: what it ranks prompts by, shape (n,).
        choices: the model of each prompt, by one or several fits, shape (n,) or (repeats, n); None for a score that
            chooses no models.
        orders: by single fits, shape (repeats, n).
        learning: see tuning.power.
        other: figures by the other assumption about requests; None where it would change nothing.
    """
    import numpy as np

    router = ranking(outcomes, order, seed, orders)
    router_apgr = interval_of(router, null=0.5)
    routed_quality = None if choices is None else quality_of(outcomes, choices, seed)
    saving = None if choices is None else saving_of(outcomes, choices, seed)
    baselines = compute_baselines(outcomes, router, routed_quality, choices, seed)
    cpt50 = share_for(outcomes, order, 0.5)
    weak, strong = outcomes.pair_scores
    verdict = conclude(outcomes, router_apgr, cpt50, saving, within, null_of(baselines, routed_quality))
    both = (GroupFigures.of(outcomes, router_apgr, saving, verdict.pays, assumed=True), other) if other else ()
    return RouterFigures(
        outcomes=outcomes,
        scores=order,
        apgr=router_apgr,
        apgr_full=apgr(order, weak, strong, bins=0) if router_apgr else None,
        cpt50=cpt50,
        cpt80=share_for(outcomes, order, 0.8),
        aiq=(aiq_of_curve(outcomes, curve, seed) if curve else None) or aiq_of_ranking(outcomes, order, seed),
        baselines=baselines,
        verdict=verdict,
        quality=interval_of(routed_quality),
        cost=None if choices is None else float(outcomes.costs[np.arange(len(outcomes)), choices].mean()),
        estimates=estimates,
        curve=curve,
        choices=None if choices is None else np.atleast_2d(choices)[0],
        draws=choices,
        saving=saving,
        needed=needed_prompts(outcomes, saving, within),
        learning=tuple(learning),
        calibration=_calibration(outcomes, estimates),
        transfer=tuple(transfer),
        warnings=(*outcomes.notes, *map(str, both), *warnings),
        by_groups=both,
    )


def _calibration(outcomes: OutcomeMatrix, estimates: Array | None) -> dict[str, float]:
    """Expected calibration error by model."""
    if estimates is None:
        return {}
    return {
        name: round(expected_calibration_error(estimates[:, i], outcomes.scores[:, i]), 4)
        for i, name in enumerate(outcomes.models[: outcomes.singles])
    }


def _source(table: pd.DataFrame | str | Path, source: str | Path | None) -> str | Path | None:
    """The file that a table came from, None where nobody knows."""
    return table if source is None and isinstance(table, str | Path) else source


def _name(estimator: LearnedEstimator) -> str:
    models = estimator.models
    return f"tuned-{'-'.join(models) if len(models) == 2 else f'{len(models)}-models'}"


def _in_sample_warnings(policy: RoutePolicy, outcomes: OutcomeMatrix, source: str | Path | None) -> list[str]:
    stamped_data = policy.stamp.get("data")
    fitted_on = set(stamped_data.values()) if isinstance(stamped_data, Mapping) else set()
    same_file = source is not None and bool(fitted_on & set(RunStamp.collect(source).data.values()))
    if same_file or outcomes.are_those_of(policy):
        return ["the policy was fitted on these very prompts: its figures here are too good"]
    return []
