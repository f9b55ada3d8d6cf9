"""Fit a policy on outcomes, or evaluate one: the same figures, the same baselines, a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity import score
from autopicker_lab.complexity.learned import LearnedEstimator
from autopicker_lab.core import ChatRequest, InvalidRequestError, RoutePolicy, RunStamp
from autopicker_lab.routing import default_policy
from autopicker_lab.tuning import learn
from autopicker_lab.tuning.board import CALL, Board, board
from autopicker_lab.tuning.curve import Curve, best_weight, choose_at, curve, mixing_quality, oracle
from autopicker_lab.tuning.drift import cuts
from autopicker_lab.tuning.metrics import Interval, aiq, apgr, bootstrap, cpt, expected_calibration_error
from autopicker_lab.tuning.outcomes import validate
from autopicker_lab.tuning.report import Baseline, Saving, TuningReport

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

WITHIN = 0.01
_SURE = 0.05
_DIGITS = 6


def tune(
    table: pd.DataFrame,
    *,
    strong: str | None = None,
    weak: str | None = None,
    folds: int = 5,
    seed: int = 0,
    within: float = WITHIN,
    source: str | Path | None = None,
    progress: learn.Progress | None = None,
) -> TuningReport:
    """Fit estimates and a cost weight on a table (see read_outcomes), and measure them out of fold.

    Args:
        strong, weak: the pair that is routed between; None: all models, ranked by the best against the cheapest.
        within: mean score that may be lost against the best single model; the policy saves what it can within that.
        source: the file the table came from, for the policy's stamp.

    Raises:
        InvalidRequestError: see board; or more folds than groups of different prompts.
    """
    import numpy as np

    data = board(table, strong=strong, weak=weak, seed=seed)
    prompts = learn.prepare(data.prompts)
    groups = len(np.unique(prompts.groups))
    if not 2 <= folds <= groups // 10:
        detail = f"too little data for {folds} folds: {groups} groups of different prompts"
        raise InvalidRequestError(detail, "collect more, or use fewer folds (at least 2)")
    parts = learn.grouped_folds(prompts.groups, folds, seed)
    total = folds + 2
    step = (lambda done, _: progress(done, total)) if progress else None
    estimates = learn.out_of_fold(prompts, data.scores, parts, seed, step)
    estimator = learn.fit(prompts, data.scores, data.models, seed)
    if progress:
        progress(folds + 1, total)
    found = curve(estimates, data.scores, data.costs)
    goal = float(data.scores.mean(0).max()) - within
    order = estimates[:, data.strong] - estimates[:, data.weak]
    means, prices = data.scores.mean(0), data.costs.mean(0)
    edges, shares = cuts((50 + 50 * order).tolist())
    policy = RoutePolicy(
        id=f"tuned-{'-'.join(data.pair)}" if len(data.models) == 2 else f"tuned-{len(data.models)}-models",
        tiers=default_policy().tiers,
        qualities=dict(zip(data.models, means.round(_DIGITS).tolist(), strict=True)),
        estimator=estimator,
        pair=data.pair,
        cost_weight=best_weight(found, goal),
        costs=dict(zip(data.models, prices.tolist(), strict=True)),
        cost_unit=data.cost_unit,
        edges=edges,
        shares=shares,
        stamp=RunStamp.collect(*([source] if source else []), seed=seed).to_dict() | {"folds": folds, "within": within},
    )
    report = _report(
        data,
        policy,
        order,
        estimates,
        seed=seed,
        within=within,
        choices=_cross_fitted(data, estimates, parts, within),
        transfer=_transfer(data, prompts, estimator, seed),
    )
    if progress:
        progress(total, total)
    return replace(report, policy=replace(policy, card=_card(report)))


def evaluate(
    table: pd.DataFrame,
    policy: RoutePolicy,
    *,
    strong: str | None = None,
    weak: str | None = None,
    seed: int = 0,
    source: str | Path | None = None,
) -> TuningReport:
    """Measure a policy on a table, without fitting anything.

    A policy with estimates is measured on the models it knows. Where the table is the one it was fitted on, the
    report warns: its figures are then too good.
    """
    import numpy as np

    table, warnings = validate(table), _in_sample(policy, source)
    if policy.estimator is None:
        data = board(table, strong=strong, weak=weak, seed=seed)
        order = heuristic_scores(data.prompts)
        return _report(data, policy, order, None, seed=seed, warnings=warnings)
    known = [name for name in table["model"].unique() if name in policy.estimator.models]
    if len(known) < 2:
        detail = f"the policy knows {', '.join(policy.estimator.models)}, the outcomes do not have two of them"
        raise InvalidRequestError(detail, "evaluate it on outcomes of its own models")
    if strong is None and weak is None and policy.pair and set(policy.pair) <= set(known) and len(known) == 2:
        weak, strong = policy.pair
    data = board(table[table["model"].isin(known)], strong=strong, weak=weak, seed=seed)
    estimator = policy.estimator
    assert isinstance(estimator, LearnedEstimator)  # the only kind there is
    columns = [estimator.models.index(name) for name in data.models]
    estimates = learn.predict(estimator, learn.prepare(data.prompts, grouped=False))[:, columns]
    order = estimates[:, data.strong] - estimates[:, data.weak]
    prices = np.array([policy.costs.get(name, 0.0) for name in data.models])
    choices = choose_at(estimates, prices, policy.cost_weight)
    return _report(data, policy, order, estimates, seed=seed, choices=choices, warnings=warnings)


def heuristic_scores(prompts: Sequence[str]) -> Array:
    """The default policy's score of each prompt, 0 to 100."""
    import numpy as np

    return np.array([score(ChatRequest.of(prompt)).score for prompt in prompts])


def _report(
    data: Board,
    policy: RoutePolicy,
    order: Array,
    estimates: Array | None,
    *,
    seed: int,
    within: float = WITHIN,
    choices: Array | None = None,
    transfer: Sequence[Mapping[str, Any]] = (),
    warnings: Sequence[str] = (),
) -> TuningReport:
    weak, strong = data.scores[:, data.weak], data.scores[:, data.strong]
    found = None if estimates is None else curve(estimates, data.scores, data.costs)
    ranked = _ranking(data, order, seed, null=0.5)
    saving = None if choices is None else _saving(data, choices, seed)
    return TuningReport(
        board=data,
        policy=policy,
        scores=order,
        apgr=ranked,
        apgr_full=apgr(order, weak, strong, bins=0),
        cpt50=cpt(order, weak, strong, 0.5),
        cpt80=cpt(order, weak, strong, 0.8),
        aiq=_aiq_interval(data, found, seed) if found else _aiq_of_ranking(data, order, seed),
        baselines=_baselines(data, order, seed),
        verdict=_verdict(data, order, ranked, saving, within),
        estimates=estimates,
        curve=found,
        saving=saving,
        calibration={}
        if estimates is None
        else {
            name: round(expected_calibration_error(estimates[:, i], data.scores[:, i]), 4)
            for i, name in enumerate(data.models)
        },
        transfer=tuple(transfer),
        warnings=(*data.notes, *warnings),
    )


def _rounds(data: Board) -> int:
    return 1000 if len(data) <= 10_000 else 400


def _ranking(data: Board, order: Array, seed: int, null: float | None = None) -> Interval | None:
    weak, strong = data.scores[:, data.weak], data.scores[:, data.strong]
    return bootstrap(
        lambda rows: apgr(order[rows], weak[rows], strong[rows]), len(data), rounds=_rounds(data), seed=seed, null=null
    )


def _baselines(data: Board, order: Array, seed: int) -> dict[str, Baseline]:
    import numpy as np

    weak, strong = data.scores[:, data.weak], data.scores[:, data.strong]
    prices = data.costs.mean(0)

    def paired(other: Array) -> float | None:
        def lead(rows: Array) -> float | None:
            mine, theirs = (apgr(o[rows], weak[rows], strong[rows]) for o in (order, other))
            return None if mine is None or theirs is None else mine - theirs

        found = bootstrap(lead, len(data), rounds=_rounds(data), seed=seed, null=0.0)
        return None if found is None else found.p

    def ranked(other: Array) -> Baseline:
        return Baseline(
            apgr=_ranking(data, other, seed),
            cpt50=cpt(other, weak, strong, 0.5),
            cpt80=cpt(other, weak, strong, 0.8),
            aiq=_ranking_aiq(data, other, np.arange(len(data))),
            p=paired(other),
        )

    half = _ranking(data, order, seed, null=0.5)
    rows = {
        "random": Baseline(
            apgr=Interval(0.5, 0.5, 0.5),
            cpt50=0.5,
            cpt80=0.8,
            aiq=_ranking_aiq(data, np.zeros(len(data)), np.arange(len(data))),
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
    return bootstrap(lambda rows: float(values[rows].mean()), len(data), rounds=_rounds(data), seed=seed)


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


def _ranking_aiq(data: Board, order: Array, rows: Array) -> float | None:
    """AIQ of sending the prompts that rank highest from the weak model to the strong one, at ten thresholds."""
    import numpy as np

    pair = [data.weak, data.strong]
    scores, costs, ranks = data.scores[rows][:, pair], data.costs[rows][:, pair], order[rows]
    low, high = float(costs[:, 0].mean()), float(costs[:, 1].mean())
    edges = np.unique(np.quantile(ranks, np.linspace(0, 1, 11)))
    up = np.concatenate([ranks[None, :] >= edges[:, None], np.zeros((1, len(ranks)), bool)])
    return aiq(
        np.where(up, costs[:, 1], costs[:, 0]).mean(1), np.where(up, scores[:, 1], scores[:, 0]).mean(1), low, high
    )


def _aiq_of_ranking(data: Board, order: Array, seed: int) -> Interval | None:
    return bootstrap(lambda rows: _ranking_aiq(data, order, rows), len(data), rounds=300, seed=seed)


def _aiq_interval(data: Board, found: Curve, seed: int) -> Interval | None:
    import numpy as np

    rows = np.arange(len(data))
    costs, scores = data.costs[rows, found.choices], data.scores[rows, found.choices]

    def measure(drawn: Array) -> float | None:
        prices = data.costs[drawn].mean(0)
        return aiq(costs[:, drawn].mean(1), scores[:, drawn].mean(1), float(prices.min()), float(prices.max()))

    return bootstrap(measure, len(data), rounds=300, seed=seed)


def _cross_fitted(data: Board, estimates: Array, folds: Sequence[tuple[Array, Array]], within: float) -> Array:
    """The model of each prompt, by a cost weight that was chosen on the other folds."""
    import numpy as np

    choices = np.empty(len(data), int)
    for train, test in folds:
        seen = curve(estimates[train], data.scores[train], data.costs[train])
        goal = float(data.scores[train].mean(0).max()) - within
        choices[test] = choose_at(estimates[test], data.costs[train].mean(0), best_weight(seen, goal))
    return choices


def _saving(data: Board, choices: Array, seed: int) -> Saving:
    import numpy as np

    rows = np.arange(len(data))
    best = int(np.argmax(data.scores.mean(0)))
    cost, quality = data.costs[rows, choices], data.scores[rows, choices]

    def over_coins(drawn: Array) -> float:
        mixed = mixing_quality(data.scores[drawn], data.costs[drawn], float(cost[drawn].mean()))
        return float(quality[drawn].mean()) - mixed

    def measured(measure: Callable[[Array], float], null: float | None = None) -> Interval:
        found = bootstrap(measure, len(data), rounds=_rounds(data), seed=seed, null=null)
        assert found is not None  # a mean is never undefined
        return found

    return Saving(
        best=data.models[best],
        share=measured(lambda r: 1 - float(cost[r].mean()) / float(data.costs[r, best].mean())),
        quality=measured(lambda r: float(quality[r].mean() - data.scores[r, best].mean()), null=0.0),
        excess=measured(over_coins, null=0.0),
    )


def _verdict(data: Board, order: Array, ranked: Interval | None, saving: Saving | None, within: float) -> str:
    n = f"n={len(data):,}"
    if ranked is None:
        return f"the two models are equally good here ({n}): keep {data.models[data.weak]}"
    told = f"APGR {ranked}, {n}"
    if saving is None:
        if (ranked.p or 0.0) < _SURE:
            return f"the score ranks prompts better than chance ({told}); tune on these outcomes to use it"
        return f"no evidence that this score ranks prompts better than chance here ({told}, p={ranked.p:.2f})"
    p = saving.excess.p if saving.excess.p is not None else 1.0
    sure = p < _SURE and (len(data.models) > 2 or (ranked.p or 0.0) < _SURE)
    points = 100 * saving.quality.value
    lost = f"{points:+.1f} points [{100 * saving.quality.low:+.1f}, {100 * saving.quality.high:+.1f}] of quality"
    if sure and saving.share.low > 0:
        of = f"the calls to {saving.best}" if data.cost_unit == CALL else f"the cost of always {saving.best}"
        share = saving.share
        told = f"{100 * share.value:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}] of {of}"
        return f"routing saves {told}, for {lost} ({n}, APGR {ranked}, p={p:.3f})"
    if sure and saving.quality.low > 0:
        return f"routing gains {lost} over always {saving.best} ({told}, p={p:.3f})"
    half = cpt(order, data.scores[:, data.weak], data.scores[:, data.strong], 0.5)
    if ranked.low > 0.5 and half is not None:
        weak, strong = data.pair
        return (
            f"no evidence that routing saves at the quality of {saving.best} minus {100 * within:g} points "
            f"({n}, p={p:.2f}), but it ranks prompts (APGR {ranked}): {100 * half:.0f} % of the calls to {strong} "
            f"recover half of its lead over {weak}; allow a greater loss (--within) to use that"
        )
    keep = _single(data)
    return f"no evidence that routing beats always {keep} here: {n}, p={p:.2f} (APGR {ranked}); keep one model: {keep}"


def _single(data: Board) -> str:
    """The cheapest model whose quality is within a point of the best."""
    means, prices = data.scores.mean(0), data.costs.mean(0)
    good = [i for i in range(len(means)) if means[i] >= means.max() - WITHIN]
    return data.models[min(good, key=lambda i: prices[i])]


def _transfer(data: Board, prompts: learn.Prompts, fitted: LearnedEstimator, seed: int) -> list[dict[str, Any]]:
    """For each task of at least 20 prompts: estimates and a threshold from the other tasks, met on this one.

    The threshold is to send half of the prompts up; `achieved_share` is what it does send on the task it never saw.
    There is no APGR where the strong model's lead (`gap`) on the task is within noise.
    """
    import numpy as np

    names, counts = np.unique(data.tasks.astype(str), return_counts=True)
    rows = []
    for name in names[(counts >= 20) & (counts < len(data))]:
        held = data.tasks == name
        train, test = np.flatnonzero(~held), np.flatnonzero(held)
        estimator = learn.fit(prompts.at(train), data.scores[train], data.models, seed, like=fitted)
        estimates = learn.predict(estimator, prompts)
        gains = estimates[:, data.strong] - estimates[:, data.weak]
        weak, strong = data.scores[test, data.weak], data.scores[test, data.strong]
        lead, noise = float((strong - weak).mean()), float((strong - weak).std()) / np.sqrt(len(test))
        rows.append(
            {
                "task": str(name),
                "n": len(test),
                "gap": round(lead, 4),
                "apgr": apgr(gains[test], weak, strong) if lead > 1.96 * noise else None,
                "target_share": 0.5,
                "achieved_share": round(float((gains[test] >= np.median(gains[train])).mean()), 4),
            }
        )
    return rows


def transfer_between(
    tables: Mapping[str, pd.DataFrame], strong: Mapping[str, str], weak: Mapping[str, str]
) -> pd.DataFrame:
    """Leave one data set out: estimates of gain from the others, met on it.

    Args:
        tables: validated tables by name. strong, weak: the pair of each, which may differ.

    Returns:
        one row a data set: name, n, apgr there, and which share a threshold meant to send half of the prompts up sends.
    """
    import numpy as np
    import pandas

    boards = {name: board(table, strong=strong[name], weak=weak[name]) for name, table in tables.items()}
    made = {name: learn.prepare(data.prompts) for name, data in boards.items()}
    rows = []
    for name, data in boards.items():
        others = [other for other in boards if other != name]
        scores = np.concatenate([boards[o].scores[:, [boards[o].weak, boards[o].strong]] for o in others])
        estimator = learn.fit(learn.joined([made[o] for o in others]), scores, ("weak", "strong"))
        seen = np.concatenate([learn.predict(estimator, made[o]) for o in others])
        here = learn.predict(estimator, made[name])
        gains, threshold = here[:, 1] - here[:, 0], np.median(seen[:, 1] - seen[:, 0])
        value = apgr(gains, data.scores[:, data.weak], data.scores[:, data.strong])
        sent = float((gains >= threshold).mean())
        rows.append({"held out": name, "n": len(data), "apgr": value, "target_share": 0.5, "achieved_share": sent})
    return pandas.DataFrame(rows)


def _card(report: TuningReport) -> dict[str, Any]:
    """What a policy file says of itself."""
    found = report.to_dict()
    keys = ("verdict", "n", "apgr", "apgr_ci", "cpt50", "cpt80", "aiq", "saving", "calibration", "transfer")
    return {key: found[key] for key in keys}


def _in_sample(policy: RoutePolicy, source: str | Path | None) -> list[str]:
    known = policy.stamp.get("data") or {}
    if source is None or not isinstance(known, Mapping):
        return []
    same = set(RunStamp.collect(source).data.values()) & set(known.values())
    return ["the policy was fitted on this very file: its figures here are too good"] if same else []
