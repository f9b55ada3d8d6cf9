"""What a router is compared with: chance, length, the default score, task means, single models, an oracle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest
from autopicker_lab.tuning.board import CALL, Board
from autopicker_lab.tuning.curve import Curve, oracle
from autopicker_lab.tuning.metrics import Interval, aiq, apgr, bootstrap, cpt
from autopicker_lab.tuning.report import Baseline

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def heuristic_scores(prompts: Sequence[str]) -> Array:
    """The default policy's score of each prompt, 0 to 100."""
    import numpy as np

    return np.array([score(ChatRequest.of(prompt)).score for prompt in prompts])


def rounds_for(data: Board) -> int:
    return 1000 if len(data) <= 10_000 else 400


def ranking(data: Board, order: Array, seed: int, null: float | None = None) -> Interval | None:
    weak, strong = data.scores[:, data.weak], data.scores[:, data.strong]
    return bootstrap(
        lambda rows: apgr(order[rows], weak[rows], strong[rows]),
        len(data),
        rounds=rounds_for(data),
        seed=seed,
        null=null,
    )


def baselines(data: Board, order: Array, seed: int) -> dict[str, Baseline]:
    import numpy as np

    weak, strong = data.scores[:, data.weak], data.scores[:, data.strong]
    prices = data.costs.mean(0)

    def paired(other: Array) -> float | None:
        def lead(rows: Array) -> float | None:
            mine, theirs = (apgr(o[rows], weak[rows], strong[rows]) for o in (order, other))
            return None if mine is None or theirs is None else mine - theirs

        found = bootstrap(lead, len(data), rounds=rounds_for(data), seed=seed, null=0.0)
        return None if found is None else found.p

    def ranked(other: Array) -> Baseline:
        return Baseline(
            apgr=ranking(data, other, seed),
            cpt50=cpt(other, weak, strong, 0.5),
            cpt80=cpt(other, weak, strong, 0.8),
            aiq=_pair_aiq(data, other, np.arange(len(data))),
            p=paired(other),
        )

    half = ranking(data, order, seed, null=0.5)
    rows = {
        "random": Baseline(
            apgr=Interval(0.5, 0.5, 0.5),
            cpt50=0.5,
            cpt80=0.8,
            aiq=_pair_aiq(data, np.zeros(len(data)), np.arange(len(data))),
            p=half.p if half else None,
        ),
        "length": ranked(np.array([len(prompt) for prompt in data.prompts], float)),
        "heuristic": ranked(heuristic_scores(data.prompts)),
    }
    if len(set(data.tasks)) > 1:
        rows["task mean"] = ranked(_task_means(data, seed))
    low, high = float(prices.min()), float(prices.max())
    for i, name in enumerate(data.models):
        quality = _mean(data, data.scores[:, i], seed)
        level = aiq(prices[[i]], data.scores[:, i].mean(keepdims=True), low, high)
        rows[f"always:{name}"] = Baseline(quality=quality, cost=float(prices[i]), aiq=level)
    costs, qualities = oracle(data.scores, data.costs)
    best = _mean(data, data.scores.max(1), seed)
    known = apgr(data.gains, weak, strong, bins=0)  # quantile bins would cut its three distinct gains badly
    rows["oracle"] = Baseline(
        apgr=None if known is None else Interval(known, known, known),
        cpt50=cpt(data.gains, weak, strong, 0.5),
        cpt80=cpt(data.gains, weak, strong, 0.8),
        quality=best,
        cost=float(costs[0]),
        aiq=aiq(costs, qualities, low, high),
    )
    return rows


def _mean(data: Board, values: Array, seed: int) -> Interval | None:
    return bootstrap(lambda rows: float(values[rows].mean()), len(data), rounds=rounds_for(data), seed=seed)


def _task_means(data: Board, seed: int) -> Array:
    """What the strong model gains on the task of each prompt, by five folds that do not see the prompt."""
    import numpy as np
    from sklearn.model_selection import KFold

    found = np.zeros(len(data))
    for train, test in KFold(5, shuffle=True, random_state=seed).split(found):
        overall = data.gains[train].mean()
        means = {t: data.gains[train][data.tasks[train] == t].mean() for t in set(data.tasks[train])}
        found[test] = [means.get(task, overall) for task in data.tasks[test]]
    return found


def _pair_aiq(data: Board, order: Array, rows: Array) -> float | None:
    """AIQ of sending the prompts that rank highest from the weak model to the strong one, at ten thresholds."""
    import numpy as np

    pair = [data.weak, data.strong]
    scores, costs, ranks = data.scores[rows][:, pair], data.costs[rows][:, pair], order[rows]
    if data.cost_unit == CALL:
        costs = np.tile([0.0, 1.0], (len(rows), 1))
    low, high = float(costs[:, 0].mean()), float(costs[:, 1].mean())
    edges = np.unique(np.quantile(ranks, np.linspace(0, 1, 11)))
    up = np.concatenate([ranks[None, :] >= edges[:, None], np.zeros((1, len(ranks)), bool)])
    return aiq(
        np.where(up, costs[:, 1], costs[:, 0]).mean(1), np.where(up, scores[:, 1], scores[:, 0]).mean(1), low, high
    )


def aiq_of_ranking(data: Board, order: Array, seed: int) -> Interval | None:
    return bootstrap(lambda rows: _pair_aiq(data, order, rows), len(data), rounds=300, seed=seed)


def aiq_of_curve(data: Board, found: Curve, seed: int) -> Interval | None:
    import numpy as np

    rows = np.arange(len(data))
    costs, scores = data.costs[rows, found.choices], data.scores[rows, found.choices]

    def measure(drawn: Array) -> float | None:
        prices = data.costs[drawn].mean(0)
        return aiq(costs[:, drawn].mean(1), scores[:, drawn].mean(1), float(prices.min()), float(prices.max()))

    return bootstrap(measure, len(data), rounds=300, seed=seed)
