"""What a router is compared with: chance, length, the default score, task means, single models, an oracle."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity import score
from autopicker_lab.tuning.baseline import ALWAYS, ORACLE, SAME_SHARES, Baseline
from autopicker_lab.tuning.conversations import request_of, text_of
from autopicker_lab.tuning.curve import Curve, oracle
from autopicker_lab.tuning.dealing import shares_of
from autopicker_lab.tuning.matrix import CALL, OutcomeMatrix
from autopicker_lab.tuning.means import ResampledMeans
from autopicker_lab.tuning.metrics import Bootstrap, Interval, aiq, apgr, bootstrap, cpt, interval_of
from autopicker_lab.tuning.ranked import RankedPair
from autopicker_lab.tuning.verdict import Null

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]


def heuristic_scores(prompts: Sequence[str]) -> Array:
    """The default policy's score of each prompt, 0 to 100."""
    import numpy as np

    return np.array([score(request_of(prompt)).score for prompt in prompts])


def bootstrapped(
    outcomes: OutcomeMatrix,
    measure: Callable[[Array], float | None],
    seed: int,
    rounds: int | None = None,
    by_fit: Sequence[Callable[[Array], float | None]] = (),
) -> Bootstrap | None:
    """`bootstrap` over the groups of alike prompts."""
    n = len(outcomes)
    return bootstrap(measure, n, rounds=rounds, seed=seed, groups=outcomes.groups, by_fit=by_fit)


def mean_of(outcomes: OutcomeMatrix, values: Array, seed: int) -> Bootstrap:
    """Of a value for each prompt, by one or several fits, shape (n,) or (repeats, n)."""
    import numpy as np

    fits = [each[:, None] for each in np.atleast_2d(values)]
    return ResampledMeans(fits, outcomes.groups, seed).bootstrap(lambda means: float(means[0]))


def ranking(outcomes: OutcomeMatrix, order: Array, seed: int, orders: Array | None = None) -> Bootstrap | None:
    """APGR of an order; None where the lead of the strong model is within noise, and a share of it means nothing.

    Args:
        orders: those of single fits, shape (repeats, n).
    """
    if not outcomes.separated:
        return None
    weak, strong = outcomes.pair_scores

    def of(order: Array) -> Callable[[Array], float | None]:
        return RankedPair(order, weak, strong).apgr

    return bootstrapped(outcomes, of(order), seed, by_fit=[] if orders is None else [of(each) for each in orders])


def quality_of(outcomes: OutcomeMatrix, choices: Array, seed: int) -> Bootstrap:
    """Mean score where each prompt gets its own model, by one or several fits, shape (n,) or (repeats, n)."""
    import numpy as np

    return mean_of(outcomes, outcomes.scores[np.arange(len(outcomes)), np.atleast_2d(choices)], seed)


def share_for(outcomes: OutcomeMatrix, order: Array, target: float) -> float | None:
    """CPT, under the same condition."""
    return cpt(order, *outcomes.pair_scores, target) if outcomes.separated else None


def compute_baselines(
    outcomes: OutcomeMatrix, ranked: Bootstrap | None, routed: Bootstrap | None, choices: Array | None, seed: int
) -> dict[str, Baseline]:
    """Each baseline by name, with the p-value of the router not being better; what a router has to beat comes first.

    Args:
        ranked, routed: the router's `ranking` and `quality_of`, by the same seed; None where it has none.
        choices: the model (column) that it gives each prompt, shape (n,) or (repeats, n); None where it gives none.
    """
    import numpy as np

    best = outcomes.best
    rows = {f"{ALWAYS}{outcomes.models[best]}": _single(outcomes, best, routed, seed)}
    if choices is not None:
        rows[SAME_SHARES] = _same_shares(outcomes, choices, routed, seed)
    rows |= {
        ORACLE: _oracle(outcomes, seed),
        "random": _ranked(outcomes, np.zeros(len(outcomes)), ranked, seed),
        "length": _ranked(
            outcomes, np.array([len(text_of(prompt)) for prompt in outcomes.prompts], float), ranked, seed
        ),
        "heuristic": _ranked(outcomes, heuristic_scores(outcomes.prompts), ranked, seed),
    }
    if outcomes.separated:
        rows["random"] = replace(rows["random"], apgr=Interval(0.5, 0.5, 0.5), cpt50=0.5, cpt80=0.8)
    if len(set(outcomes.tasks)) > 1:
        rows["task mean"] = _ranked(outcomes, _task_means(outcomes, seed), ranked, seed)
    for i, name in enumerate(outcomes.models[: outcomes.singles]):
        rows.setdefault(f"{ALWAYS}{name}", _single(outcomes, i, routed, seed))
    return rows


def null_of(baselines: Mapping[str, Baseline], routed: Bootstrap | None) -> Null | None:
    """What a router of this quality has to beat; None for one that chooses no models."""
    if routed is None or SAME_SHARES not in baselines:
        return None
    best = next(iter(baselines))
    quality = {name: baselines[name].quality for name in (best, SAME_SHARES, ORACLE)}
    best_quality, same, highest = (interval.value if interval else 0.0 for interval in quality.values())
    return Null(best.removeprefix(ALWAYS), best_quality, same, highest, routed.value)


def _single(outcomes: OutcomeMatrix, column: int, routed: Bootstrap | None, seed: int) -> Baseline:
    """One model for every prompt."""
    quality = mean_of(outcomes, outcomes.scores[:, column], seed)
    cost = float(outcomes.mean_costs[column])
    return Baseline(quality=interval_of(quality), cost=cost, p=_p_of_lead(routed, quality))


def _same_shares(outcomes: OutcomeMatrix, choices: Array, routed: Bootstrap | None, seed: int) -> Baseline:
    """Each model the share of prompts that the router gives it, dealt at random: what its choices add is above this."""
    import numpy as np

    models = len(outcomes.models)
    shares = shares_of(choices, models)
    means = ResampledMeans([np.hstack([shares, outcomes.scores])], outcomes.groups, seed)
    quality = means.bootstrap(lambda of: float(of[:models] @ of[models:]))
    cost = float(shares.mean(0) @ outcomes.mean_costs)
    return Baseline(quality=interval_of(quality), cost=cost, p=_p_of_lead(routed, quality))


def _oracle(outcomes: OutcomeMatrix, seed: int) -> Baseline:
    """A router that knows every score beforehand."""
    import numpy as np

    costs, qualities = oracle(outcomes.scores, outcomes.costs)
    best = apgr(outcomes.gains, *outcomes.pair_scores, bins=0) if outcomes.separated else None
    return Baseline(
        apgr=None if best is None else Interval(best, best, best),  # quantile bins would cut its few gains badly
        cpt50=share_for(outcomes, outcomes.gains, 0.5),
        cpt80=share_for(outcomes, outcomes.gains, 0.8),
        quality=interval_of(mean_of(outcomes, outcomes.scores.max(1), seed)),
        cost=float(costs[0]),
        aiq=aiq(costs, qualities, *_cost_range(outcomes, np.arange(len(outcomes)))),
    )


def _ranked(outcomes: OutcomeMatrix, order: Array, router: Bootstrap | None, seed: int) -> Baseline:
    import numpy as np

    bootstrap_of_order = ranking(outcomes, order, seed)
    return Baseline(
        apgr=interval_of(bootstrap_of_order),
        cpt50=share_for(outcomes, order, 0.5),
        cpt80=share_for(outcomes, order, 0.8),
        aiq=_pair_aiq(outcomes, order, np.arange(len(outcomes))),
        p=_p_of_lead(router, bootstrap_of_order),
    )


def _p_of_lead(router: Bootstrap | None, baseline: Bootstrap | None) -> float | None:
    """Of the router not being better, paired."""
    lead = None if router is None or baseline is None else (router - baseline).interval(null=0.0)
    return None if lead is None else lead.p


def _task_means(outcomes: OutcomeMatrix, seed: int) -> Array:
    """What the strong model gains on the task of each prompt, by five folds that do not see the prompt."""
    import numpy as np
    from sklearn.model_selection import KFold

    gains = np.zeros(len(outcomes))
    for train, test in KFold(5, shuffle=True, random_state=seed).split(gains):
        overall = outcomes.gains[train].mean()
        means = {t: outcomes.gains[train][outcomes.tasks[train] == t].mean() for t in set(outcomes.tasks[train])}
        gains[test] = [means.get(task, overall) for task in outcomes.tasks[test]]
    return gains


def _pair_aiq(outcomes: OutcomeMatrix, order: Array, rows: Array) -> float | None:
    """AIQ of sending the prompts that rank highest from the weak model to the strong one, at ten thresholds."""
    import numpy as np

    pair = [outcomes.weak, outcomes.strong]
    scores, costs, ranks = outcomes.scores[rows][:, pair], outcomes.costs[rows][:, pair], order[rows]
    if outcomes.cost_unit == CALL:
        costs = np.tile([0.0, 1.0], (len(rows), 1))
    edges = np.unique(np.quantile(ranks, np.linspace(0, 1, 11)))
    up = np.concatenate([ranks[None, :] >= edges[:, None], np.zeros((1, len(ranks)), bool)])
    mean_costs = np.where(up, costs[:, 1], costs[:, 0]).mean(1)
    qualities = np.where(up, scores[:, 1], scores[:, 0]).mean(1)
    return aiq(mean_costs, qualities, *_cost_range(outcomes, rows))


def _cost_range(outcomes: OutcomeMatrix, rows: Array) -> tuple[float, float]:
    """The costs that AIQ is taken between, the same for every router: of the cheapest and of the dearest model."""
    if outcomes.cost_unit == CALL:
        return 0.0, 1.0
    mean_costs = outcomes.costs[rows, : outcomes.singles].mean(0)
    return float(mean_costs.min()), float(mean_costs.max())


def aiq_of_ranking(outcomes: OutcomeMatrix, order: Array, seed: int) -> Interval | None:
    """AIQ of ranking the pair's prompts by `order`."""
    return interval_of(bootstrapped(outcomes, lambda rows: _pair_aiq(outcomes, order, rows), seed, rounds=300))


def aiq_of_curve(outcomes: OutcomeMatrix, curve: Curve, seed: int) -> Interval | None:
    """AIQ of routing by estimates; None where only calls were counted and there are more than two models."""
    import numpy as np

    if outcomes.cost_unit == CALL and len(outcomes.models) > 2:
        return None
    rows = np.arange(len(outcomes))
    costs, scores = outcomes.costs[rows, curve.choices], outcomes.scores[rows, curve.choices]
    return interval_of(
        bootstrapped(
            outcomes,
            lambda r: aiq(costs[:, r].mean(1), scores[:, r].mean(1), *_cost_range(outcomes, r)),
            seed,
            rounds=300,
        )
    )
