"""What a router is compared with: chance, length, the default score, task means, single models, an oracle."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest
from autopicker_lab.tuning.curve import Curve, oracle
from autopicker_lab.tuning.matrix import CALL, OutcomeMatrix
from autopicker_lab.tuning.metrics import Bootstrap, Interval, aiq, apgr, bootstrap, cpt, interval_of
from autopicker_lab.tuning.report import Baseline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]


def heuristic_scores(prompts: Sequence[str]) -> Array:
    """The default policy's score of each prompt, 0 to 100."""
    import numpy as np

    return np.array([score(ChatRequest.of(prompt)).score for prompt in prompts])


def bootstrapped(
    data: OutcomeMatrix, measure: Callable[[Array], float | None], seed: int, rounds: int | None = None
) -> Bootstrap | None:
    """`bootstrap` over the groups of alike prompts of a board."""
    usual = 1000 if len(data) <= 10_000 else 400
    return bootstrap(measure, len(data), rounds=rounds or usual, seed=seed, groups=data.groups)


def ranking(data: OutcomeMatrix, order: Array, seed: int) -> Bootstrap | None:
    """APGR of an order; None where the lead of the strong model is within noise, and a share of it means nothing."""
    if not data.separated:
        return None
    weak, strong = data.scores[:, data.weak], data.scores[:, data.strong]
    return bootstrapped(data, lambda rows: apgr(order[rows], weak[rows], strong[rows]), seed)


def quality_of(data: OutcomeMatrix, choices: Array, seed: int) -> Bootstrap | None:
    """Mean score where each prompt gets its own model."""
    import numpy as np

    return bootstrapped(data, _mean_of(data.scores[np.arange(len(data)), choices]), seed)


def share_for(data: OutcomeMatrix, order: Array, target: float) -> float | None:
    """CPT, under the same condition."""
    return cpt(order, data.scores[:, data.weak], data.scores[:, data.strong], target) if data.separated else None


def baselines(
    data: OutcomeMatrix, ranked: Bootstrap | None, routed: Bootstrap | None, seed: int
) -> dict[str, Baseline]:
    """Each baseline by name, with the p-value of the router not being better.

    Args:
        ranked, routed: the router's `ranking` and `quality_of`, by the same seed; None where it has none.
    """
    import numpy as np

    prices = data.costs.mean(0)
    rows = {
        "random": _ranked(data, np.zeros(len(data)), ranked, seed),
        "length": _ranked(data, np.array([len(prompt) for prompt in data.prompts], float), ranked, seed),
        "heuristic": _ranked(data, heuristic_scores(data.prompts), ranked, seed),
    }
    if data.separated:
        rows["random"] = replace(rows["random"], apgr=Interval(0.5, 0.5, 0.5), cpt50=0.5, cpt80=0.8)
    if len(set(data.tasks)) > 1:
        rows["task mean"] = _ranked(data, _task_means(data, seed), ranked, seed)
    every = np.arange(len(data))
    for i, name in enumerate(data.models):
        quality = bootstrapped(data, _mean_of(data.scores[:, i]), seed)
        p = _p_of_lead(routed, quality)
        rows[f"always:{name}"] = Baseline(quality=interval_of(quality), cost=float(prices[i]), p=p)
    costs, qualities = oracle(data.scores, data.costs)
    known = apgr(data.gains, data.scores[:, data.weak], data.scores[:, data.strong], bins=0) if data.separated else None
    rows["oracle"] = Baseline(
        apgr=None if known is None else Interval(known, known, known),  # quantile bins would cut its few gains badly
        cpt50=share_for(data, data.gains, 0.5),
        cpt80=share_for(data, data.gains, 0.8),
        quality=interval_of(bootstrapped(data, _mean_of(data.scores.max(1)), seed)),
        cost=float(costs[0]),
        aiq=aiq(costs, qualities, *_range(data, every)),
    )
    return rows


def _ranked(data: OutcomeMatrix, order: Array, router: Bootstrap | None, seed: int) -> Baseline:
    import numpy as np

    found = ranking(data, order, seed)
    return Baseline(
        apgr=interval_of(found),
        cpt50=share_for(data, order, 0.5),
        cpt80=share_for(data, order, 0.8),
        aiq=_pair_aiq(data, order, np.arange(len(data))),
        p=_p_of_lead(router, found),
    )


def _p_of_lead(router: Bootstrap | None, baseline: Bootstrap | None) -> float | None:
    """Of the router not being better, paired."""
    lead = None if router is None or baseline is None else (router - baseline).interval(null=0.0)
    return None if lead is None else lead.p


def _mean_of(values: Array) -> Callable[[Array], float]:
    return lambda rows: float(values[rows].mean())


def _task_means(data: OutcomeMatrix, seed: int) -> Array:
    """What the strong model gains on the task of each prompt, by five folds that do not see the prompt."""
    import numpy as np
    from sklearn.model_selection import KFold

    found = np.zeros(len(data))
    for train, test in KFold(5, shuffle=True, random_state=seed).split(found):
        overall = data.gains[train].mean()
        means = {t: data.gains[train][data.tasks[train] == t].mean() for t in set(data.tasks[train])}
        found[test] = [means.get(task, overall) for task in data.tasks[test]]
    return found


def _pair_aiq(data: OutcomeMatrix, order: Array, rows: Array) -> float | None:
    """AIQ of sending the prompts that rank highest from the weak model to the strong one, at ten thresholds."""
    import numpy as np

    pair = [data.weak, data.strong]
    scores, costs, ranks = data.scores[rows][:, pair], data.costs[rows][:, pair], order[rows]
    if data.cost_unit == CALL:
        costs = np.tile([0.0, 1.0], (len(rows), 1))
    edges = np.unique(np.quantile(ranks, np.linspace(0, 1, 11)))
    up = np.concatenate([ranks[None, :] >= edges[:, None], np.zeros((1, len(ranks)), bool)])
    paid, made = np.where(up, costs[:, 1], costs[:, 0]).mean(1), np.where(up, scores[:, 1], scores[:, 0]).mean(1)
    return aiq(paid, made, *_range(data, rows))


def _range(data: OutcomeMatrix, rows: Array) -> tuple[float, float]:
    """The costs that AIQ is taken between, the same for every router: of the cheapest and of the dearest model."""
    if data.cost_unit == CALL:
        return 0.0, 1.0
    prices = data.costs[rows].mean(0)
    return float(prices.min()), float(prices.max())


def aiq_of_ranking(data: OutcomeMatrix, order: Array, seed: int) -> Interval | None:
    return interval_of(bootstrapped(data, lambda rows: _pair_aiq(data, order, rows), seed, rounds=300))


def aiq_of_curve(data: OutcomeMatrix, found: Curve, seed: int) -> Interval | None:
    """AIQ of routing by estimates; None where only calls were counted and there are more than two models."""
    import numpy as np

    if data.cost_unit == CALL and len(data.models) > 2:
        return None
    rows = np.arange(len(data))
    costs, scores = data.costs[rows, found.choices], data.scores[rows, found.choices]
    return interval_of(
        bootstrapped(data, lambda r: aiq(costs[:, r].mean(1), scores[:, r].mean(1), *_range(data, r)), seed, rounds=300)
    )
