"""Measure a policy on outcomes, without fitting anything: the same figures, the same baselines, a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, RoutePolicy, RunStamp
from autopicker_lab.routing import as_policy
from autopicker_lab.tuning.both_ways import figures_of
from autopicker_lab.tuning.choices import route_outcomes
from autopicker_lab.tuning.curve import cost_quality_curve
from autopicker_lab.tuning.grouping import AUTO
from autopicker_lab.tuning.judging import WITHIN
from autopicker_lab.tuning.matrix import OutcomeMatrix
from autopicker_lab.tuning.measuring import measure
from autopicker_lab.tuning.outcomes import as_outcomes, source_of
from autopicker_lab.tuning.report import TuningReport
from autopicker_lab.tuning.stability import measure_stability

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from autopicker_lab.tuning.router_figures import RouterFigures


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
    rewordings: bool = False,
) -> TuningReport:
    """Measure a policy on a table, without fitting anything.

    A policy with estimates is measured on the models it knows, by the rule it routes by. Where its prompts are those it
    was fitted on, the report warns: its figures are then too good.

    Args:
        table, policy: or the paths of their files; "default" is the default policy.
        latency_weight: see tune; None: as the policy was tuned.
        rewordings: whether the report also says how often the choice stays the same for reworded prompts, of which 200
            are drawn.

    Raises:
        InvalidRequestError: see OutcomeMatrix.from_table, and load_policy; or less than two models of a policy with
            estimates were measured.
    """
    source = source_of(table, source)
    table, policy = as_outcomes(table), as_policy(policy)
    if latency_weight is None:
        latency_weight = float(policy.stamp.get("latency_weight", 0.0))
    how: dict[str, Any] = {"seed": seed, "groups": groups, "latency_weight": latency_weight}
    if policy.estimator is None:
        outcomes = OutcomeMatrix.from_table(table, strong=strong, weak=weak, **how)
        routed = route_outcomes(policy, outcomes)
        choices = routed.choices if set(outcomes.models) <= set(policy.qualities) else None
        outcomes, other = routed.outcomes, routed.outcomes.by_the_other()
        figures = measure(
            outcomes,
            routed.scores,
            None,
            None,
            seed=seed,
            choices=choices,
            other=None if other is None else figures_of(other, routed.scores, choices, WITHIN, seed),
        )
        return _reported(policy, figures, seed, rewordings)
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
    figures = measure(
        outcomes,
        order,
        routed.estimates,
        cost_quality_curve(routed.estimates, outcomes.scores, outcomes.costs, outcomes.groups),
        seed=seed,
        within=within,
        choices=routed.choices,
        other=None if other is None else figures_of(other, order, routed.choices, within, seed),
        warnings=_in_sample_warnings(policy, outcomes, source),
    )
    return _reported(policy, figures, seed, rewordings)


def _reported(policy: RoutePolicy, figures: RouterFigures, seed: int, rewordings: bool) -> TuningReport:
    report = TuningReport(policy=policy, **vars(figures))
    return report.with_stability(measure_stability(policy, report.outcomes, seed) if rewordings else None)


def _in_sample_warnings(policy: RoutePolicy, outcomes: OutcomeMatrix, source: str | Path | None) -> list[str]:
    stamped_data = policy.stamp.get("data")
    fitted_on = set(stamped_data.values()) if isinstance(stamped_data, Mapping) else set()
    same_file = source is not None and bool(fitted_on & set(RunStamp.collect(source).data.values()))
    if same_file or outcomes.are_those_of(policy):
        return ["the policy was fitted on these very prompts: its figures here are too good"]
    return []
