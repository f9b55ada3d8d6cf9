"""All figures of a router on outcomes: what it ranks, saves and costs, beside its baselines, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.baselines import (
    aiq_of_curve,
    aiq_of_ranking,
    compute_baselines,
    null_of,
    quality_of,
    ranking,
    share_for,
)
from autopicker_lab.tuning.group_figures import GroupFigures
from autopicker_lab.tuning.judging import WITHIN, conclude, saving_of
from autopicker_lab.tuning.metrics import apgr, expected_calibration_error, interval_of
from autopicker_lab.tuning.power import needed_prompts
from autopicker_lab.tuning.router_figures import RouterFigures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from autopicker_lab.tuning.curve import Curve
    from autopicker_lab.tuning.matrix import OutcomeMatrix

    Array = np.ndarray[Any, Any]


def measure(
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
    looks: int = 1,
) -> RouterFigures:
    """All figures of a router.

    Args:
        order: what it ranks prompts by, shape (n,).
        choices: the model of each prompt, by one or several fits, shape (n,) or (repeats, n); None for a score that
            chooses no models.
        orders: by single fits, shape (repeats, n).
        learning: see tuning.power.
        other: figures by the other assumption about requests; None where it would change nothing.
        looks: see tuning.judging.conclude.
    """
    import numpy as np

    router = ranking(outcomes, order, seed, orders)
    router_apgr = interval_of(router, null=0.5)
    routed_quality = None if choices is None else quality_of(outcomes, choices, seed)
    saving = None if choices is None else saving_of(outcomes, choices, seed)
    baselines = compute_baselines(outcomes, router, routed_quality, choices, seed)
    cpt50 = share_for(outcomes, order, 0.5)
    weak, strong = outcomes.pair_scores
    verdict = conclude(outcomes, router_apgr, cpt50, saving, within, null_of(baselines, routed_quality), looks)
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
