"""Fit a policy on outcomes: estimates, the setting that keeps what is asked, its figures out of fold, a verdict."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, RoutePolicy, RunStamp
from autopicker_lab.routing import ON_DRIFT, UNFAMILIAR, default_policy
from autopicker_lab.routing.hidden_vocabulary import probe_of
from autopicker_lab.runtime.progress import Progress, report_progress
from autopicker_lab.tuning import forms
from autopicker_lab.tuning.allowances import losses_where_doubtful
from autopicker_lab.tuning.both_ways import tuned_figures
from autopicker_lab.tuning.cascading import with_cascade
from autopicker_lab.tuning.chosen import Chosen, choose
from autopicker_lab.tuning.drift_reference import reference_of
from autopicker_lab.tuning.grouping import AUTO
from autopicker_lab.tuning.judging import WITHIN
from autopicker_lab.tuning.learned import Learned, learn
from autopicker_lab.tuning.matrix import OutcomeMatrix
from autopicker_lab.tuning.measuring import measure
from autopicker_lab.tuning.outcomes import source_of
from autopicker_lab.tuning.per_task import task_gain
from autopicker_lab.tuning.power import learning_curve
from autopicker_lab.tuning.promise import Terms, cut
from autopicker_lab.tuning.report import TuningReport
from autopicker_lab.tuning.settings import Asked, CrossFit
from autopicker_lab.tuning.stability import held_out_stability
from autopicker_lab.tuning.transfer import transfer_to_tasks

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from autopicker_lab.routing.estimator import LearnedEstimator
    from autopicker_lab.tuning.router_figures import RouterFigures

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
    unfamiliar: str = "incumbent",
    groups: str = AUTO,
    latency_weight: float = 0.0,
    cascade: str = forms.AUTO,
    per_task: bool = False,
    vocabulary_key: str = "",
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
            tuning.guard); likewise for a cascade. None: no guard.
        repeats: how often the folds are drawn; None: 2 to 10 times, by the size of the table.
        on_drift: what a service does once its requests have drifted past the alarm: "keep" routing by the policy, or
            ask the "incumbent".
        unfamiliar: who decides on a question unlike all of the table (see tuning.novelty): the "incumbent", the
            "default" tiers of the complexity score, or the "estimate" all the same.
        groups: which prompts are alike: "template", where requests will bring new templates; "off", where they will be
            of these; "auto" takes one and says which. Folds and intervals follow it; where the other way differs, the
            report has its figures, too.
        latency_weight: USD that a second of waiting costs, on top of what a call costs; the policy's costs hold both.
        cascade: "auto" takes a cascade where the table has signals of answers and one is shown to beat routing at equal
            cost; "only" takes the better one, shown or not; "off" tries none. Beside a guard, a cascade must pass it.
        per_task: estimates have what the tasks of the table (column `task`) add to them, shrunk by how little of each
            was seen; that counts for requests that tell their task (`metadata.task`). See tuning.per_task.
        vocabulary_key: a secret that the policy's file hashes the vocabulary of the prompts with (16 characters or
            more); who reads the file then needs it, as VOCABULARY_KEY. "": the file holds the vocabulary.
        progress: called with (steps done, steps in all); the steps are the folds, the fit and the report.

    Raises:
        InvalidRequestError: see OutcomeMatrix.from_table; or more folds than groups of different prompts, no such
            incumbent, a negative guard, or no repeats; or no tasks to tell apart; or less to be spent than the cheapest
            model costs.
        StoppedError: `progress` returned False.
    """

    asked, source = Asked(within, guard, strong_share, spend), source_of(table, source)
    _check_options(on_drift, unfamiliar, cascade, repeats, asked, promise)
    if vocabulary_key:
        probe_of(vocabulary_key)
    outcomes = OutcomeMatrix.from_table(
        table, strong=strong, weak=weak, seed=seed, groups=groups, latency_weight=latency_weight
    )
    outcomes, kept_out = outcomes.with_incumbent(incumbent), None
    asked.check(outcomes)
    if promise is not None:
        outcomes, kept_out = cut(outcomes, seed)
    learned = learn(outcomes, kept_out, folds, repeats, seed, progress, per_task)
    learned = replace(learned, estimator=replace(learned.estimator, vocabulary_key=vocabulary_key))
    chosen = choose(learned, asked, promise)
    figures = _figures(learned, chosen, asked, progress)
    asked_for = {"latency_weight": latency_weight, "strong_share": strong_share, "spend": spend}
    policy = _policy(
        learned,
        chosen,
        figures,
        local_only,
        max_cost_usd,
        on_drift,
        unfamiliar,
        _stamp(learned, chosen, source, asked_for),
    )
    losses, crossed = None, CrossFit(outcomes, learned.fits, guard)
    if chosen.promise is None or not chosen.promise.feasible:
        losses = losses_where_doubtful(
            outcomes,
            figures.verdict,
            chosen.setting.choices(outcomes, learned.estimates),
            lambda allowance: crossed.choices(Asked(allowance, guard)),
            seed,
        )
    gain = None if per_task or promise else task_gain(outcomes, learned.fits, chosen.choices, asked)
    report_progress(progress, learned.steps, learned.steps)  # what it returns comes too late
    report = TuningReport(
        policy=policy,
        promise=chosen.promise,
        losses=losses,
        task_gain=gain,
        crossed=crossed if promise is None and asked.allowance is not None else None,
        **vars(figures),
    )
    if cascade != forms.OFF and asked.allowance is not None:
        report = with_cascade(report, cascade, folds, seed, asked, promise, kept_out)
    return report.with_stability(held_out_stability(report.policy, learned))


def _check_options(
    on_drift: str, unfamiliar: str, cascade: str, repeats: int | None, asked: Asked, promise: Terms | None
) -> None:
    """InvalidRequestError for what no tuning can do, before anything is read."""
    if on_drift not in ON_DRIFT:
        raise InvalidRequestError(f"no on_drift '{on_drift}'", f"known: {', '.join(ON_DRIFT)}")
    if unfamiliar not in UNFAMILIAR:
        raise InvalidRequestError(f"no unfamiliar '{unfamiliar}'", f"known: {', '.join(UNFAMILIAR)}")
    if cascade not in forms.MODES:
        raise InvalidRequestError(f"no cascade '{cascade}'", f"known: {', '.join(forms.MODES)}")
    if (asked.guard_z is not None and not 0 <= asked.guard_z < math.inf) or (repeats is not None and repeats < 1):
        raise InvalidRequestError("a guard is 0 or more standard errors, and folds are drawn at least once")
    if cascade == forms.ONLY and asked.allowance is None:
        raise InvalidRequestError("a cascade has no share or spending of its own", "leave out one of them")
    if promise is not None and asked.allowance is None:
        raise InvalidRequestError("a promise decides the cost weight itself", "leave out the share, or what is spent")


def _figures(learned: Learned, chosen: Chosen, asked: Asked, progress: Progress | None) -> RouterFigures:
    """Of what is chosen, out of fold."""
    outcomes, fits, seed, steps = learned.outcomes, learned.fits, learned.seed, learned.steps
    orders, other = fits.orders(outcomes), None
    if learned.other is not None:
        told = lambda *_: report_progress(progress, steps - 1, steps)  # noqa: E731
        other = tuned_figures(
            learned.other, learned.prompts, learned.folds, asked, seed, told, learned.pooled is not learned.fits
        )
    return measure(
        outcomes,
        orders.mean(0),
        learned.estimates,
        learned.curve,
        seed=seed,
        within=chosen.allowed,
        choices=chosen.choices,
        orders=orders,
        transfer=transfer_to_tasks(outcomes, learned.prompts, learned.estimator, seed),
        learning=learning_curve(outcomes, learned.prompts, fits.folds[0], learned.estimator, seed),
        other=other,
    )


def _policy(
    learned: Learned,
    chosen: Chosen,
    figures: RouterFigures,
    local_only: bool,
    max_cost_usd: float | None,
    on_drift: str,
    unfamiliar: str,
    stamp: dict[str, Any],
) -> RoutePolicy:
    outcomes, setting = learned.outcomes, chosen.setting
    edges, shares, reference = reference_of(learned)
    return RoutePolicy(
        name=_name(learned.estimator),
        tiers=default_policy().tiers,
        qualities=dict(zip(outcomes.models, outcomes.mean_scores.round(_DIGITS).tolist(), strict=True)),
        local_only=local_only,
        max_cost_usd=max_cost_usd,
        estimator=learned.estimator,
        pair=outcomes.pair,
        cost_weight=setting.weight,
        guard=setting.guard,
        costs=dict(zip(outcomes.models, outcomes.mean_costs.tolist(), strict=True)),
        cost_unit=outcomes.cost_unit,
        by_task=learned.by_task,
        edges=edges,
        shares=shares,
        reference=reference,
        on_drift=on_drift,
        unfamiliar=unfamiliar,
        promise=chosen.promise.to_dict() if chosen.promise else {},
        card=figures.card(),
        stamp=stamp,
    )


def _stamp(
    learned: Learned, chosen: Chosen, source: str | Path | None, asked_for: dict[str, float | None]
) -> dict[str, Any]:
    """What the policy was made of; of what may be asked for, what was."""
    stamp = RunStamp.collect(*([source] if source else []), seed=learned.seed).to_dict()
    made_of = {
        "folds": learned.folds,
        "repeats": learned.repeats,
        "within": chosen.allowed,
        "prompts": learned.outcomes.fingerprint,
        "groups": learned.outcomes.assumed,
    }
    return stamp | made_of | {name: value for name, value in asked_for.items() if value}


def _name(estimator: LearnedEstimator) -> str:
    models = estimator.models
    return f"tuned-{'-'.join(models) if len(models) == 2 else f'{len(models)}-models'}"
