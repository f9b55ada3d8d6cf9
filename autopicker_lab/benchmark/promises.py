"""What benchmarks/routing.ipynb measures of promises, allowances and guards: on outcomes that chose nothing.

A fit serves several splits, since what a promise is sure of is the draw of the outcomes it was tested on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.core.figures import axes
from autopicker_lab.core.show import BLUE, GREY, ORANGE
from autopicker_lab.tuning import fitting, tune
from autopicker_lab.tuning.clusters import clustered_error
from autopicker_lab.tuning.curve import cost_quality_curve
from autopicker_lab.tuning.matrix import OutcomeMatrix
from autopicker_lab.tuning.promise import Terms, certify, cut, in_testing_order, losses_of
from autopicker_lab.tuning.repeats import fit_repeatedly
from autopicker_lab.tuning.settings import Asked, setting_for, settings_along

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes

    Array = np.ndarray[Any, Any]

_FOLDS = 5


def promise_splits(
    table: pd.DataFrame, strong: str, weak: str, terms: Sequence[Terms], splits: int = 200, fits: int = 2, seed: int = 0
) -> pd.DataFrame:
    """How often a promise that was tested on one part of what fitted nothing is not kept on the other part.

    Returns:
        One row of `terms`: loss, within, splits, promised (splits in which it was feasible), broken (of these, in which
        the other part lost more), false (of these, in which both parts together did) and cheap_share (its mean).
    """
    import numpy as np
    import pandas

    outcomes = OutcomeMatrix.from_table(table, strong=strong, weak=weak)
    counts = np.zeros((len(terms), 4))
    for part in range(fits):
        fitted, rest = cut(outcomes, seed + part)
        of_fitted, of_rest = _estimates(fitted, rest, seed + part)
        curve = cost_quality_curve(of_fitted, fitted.scores, fitted.costs)
        settings = settings_along(curve.weights, fitted, of_fitted, None)
        choices = np.stack([setting.choices(fitted, of_rest) for setting in settings])
        for i, each in enumerate(terms):
            order = in_testing_order(fitted, curve.choices, fitted.best, each, rest.different // 2, seed)
            for split in range(splits // fits):
                counts[i] += _tested(rest, choices[order], fitted.best, each, seed + split)
    return pandas.DataFrame(
        {
            "loss": [each.loss for each in terms],
            "within": [each.within for each in terms],
            "splits": splits // fits * fits,
            "promised": counts[:, 0].astype(int),
            "broken": counts[:, 1].astype(int),
            "false": counts[:, 2].astype(int),
            "cheap_share": counts[:, 3] / np.maximum(counts[:, 0], 1),
        }
    )


def _estimates(fitted: OutcomeMatrix, rest: OutcomeMatrix, seed: int) -> tuple[Array, Array]:
    """Estimates of the fitted part out of fold, and of the rest."""
    prompts = fitting.prepare_to_fit(fitted.questions, fitted.groups)
    of_fitted = fit_repeatedly(prompts, fitted.scores, _FOLDS, 1, seed).estimates
    estimator = fitting.fit(prompts, fitted.scores, fitted.models, seed)
    return of_fitted, fitting.predict(estimator, fitting.prepare(rest.questions, rest.groups))


def _tested(rest: OutcomeMatrix, choices: Array, best: int, terms: Terms, seed: int) -> Array:
    """Whether one split promised, whether the other part broke it, whether both did, and the share kept cheap."""
    import numpy as np

    groups = np.unique(rest.groups)
    taken = np.random.default_rng(seed).permutation(groups)[: len(groups) // 2]
    tested = np.isin(rest.groups, taken)
    passed, promise = certify(rest.at(np.flatnonzero(tested)), list(choices[:, tested]), best, terms, seed)
    if not passed:
        return np.zeros(4)

    def lost(rows: Array) -> bool:
        losses = losses_of(rest, choices[passed - 1], best, rows)
        too_much = terms.within is not None and losses.all.mean() > terms.within
        return bool(too_much or (len(losses.kept) and losses.kept.mean() > terms.loss))

    return np.array([1, lost(np.flatnonzero(~tested)), lost(np.arange(len(rest))), promise.cheap_share])


def held_out_halves(
    table: pd.DataFrame,
    strong: str,
    weak: str,
    within: float = 0.01,
    guards: Sequence[float | None] = (None, 1.3),
    halves: int = 10,
) -> pd.DataFrame:
    """What a setting that was chosen on one half loses and saves on the other, against the incumbent.

    Returns:
        One row a half and guard: guard, half, lost (mean score), error (its standard error), saved (share of cost),
        passed (whether more than `within` was lost) and worse (whether beyond two errors).
    """
    import numpy as np
    import pandas

    outcomes = OutcomeMatrix.from_table(table, strong=strong, weak=weak)
    rows = []
    for half in range(halves):
        fitted, rest = cut(outcomes, half)
        of_fitted, of_rest = _estimates(fitted, rest, half)
        for guard in guards:
            chosen = setting_for(fitted, of_fitted, Asked(within, guard)).choices(fitted, of_rest)
            scores, costs = rest.routed(chosen)
            each = rest.scores[:, fitted.best] - scores
            error = float(clustered_error(each[None, :], rest.groups)[0])
            row = {"guard": guard, "half": half, "lost": float(each.mean()), "error": error}
            row["saved"] = 1 - float(costs.mean() / rest.costs[:, fitted.best].mean())
            rows.append(row)
    frame = pandas.DataFrame(rows)
    return frame.assign(passed=frame["lost"] > within, worse=frame["lost"] > within + 2 * np.maximum(frame["error"], 0))


def claims_on_shuffled(
    table: pd.DataFrame, strong: str, weak: str, tries: int = 5, prompts: int = 400, guard: float | None = None
) -> int:
    """In how many tries routing is said to pay where scores were dealt to other prompts, of at most so many."""
    import numpy as np

    claims = 0
    wide = table[table["model"].isin([strong, weak])]
    for seed in range(tries):
        random = np.random.default_rng(seed)
        ids = wide["prompt_id"].unique()
        some = random.choice(ids, min(prompts, len(ids)), replace=False)
        dealt = wide[wide["prompt_id"].isin(some)].copy()
        others = dict(zip(some, random.permutation(some), strict=True))
        scores = dealt.set_index(["prompt_id", "model"])["score"]
        dealt["score"] = [scores[others[p], m] for p, m in zip(dealt["prompt_id"], dealt["model"], strict=True)]
        claims += tune(dealt, strong=strong, weak=weak, seed=seed, repeats=2, guard=guard).verdict.pays
    return claims


def plot_promises(frames: dict[str, pd.DataFrame], delta: float, ax: Axes | None = None) -> Axes:
    """Share of splits in which a promise was broken, by table and loss, beside what it may be, with its noise."""
    import numpy as np

    target = axes(ax, (7.0, 1.2 + 0.35 * sum(map(len, frames.values()))))
    rows = [(f"{name}, {row['loss']:g}", row) for name, frame in frames.items() for row in frame.to_dict("records")]
    most = max((row["splits"] for _, row in rows), default=1)
    target.axvspan(0, delta + 2 * float(np.sqrt(delta * (1 - delta) / most)), color=GREY, alpha=0.15, lw=0)
    target.axvline(delta, color=GREY, lw=1)
    made = [(i, row) for i, (_, row) in enumerate(rows) if row["promised"]]
    never = [i for i, (_, row) in enumerate(rows) if not row["promised"]]
    places = [i for i, _ in made]
    target.plot([row["broken"] / row["splits"] for _, row in made], places, "o", color=BLUE, label="broken")
    target.plot([row["cheap_share"] for _, row in made], places, "|", color=ORANGE, ms=14, label="kept cheap")
    target.plot([0] * len(never), never, "x", color=GREY, label="never to be had")
    target.set_yticks(range(len(rows)), [label for label, _ in rows])
    target.set(xlabel="share of splits in which it was broken; share of requests kept cheap", xlim=(-0.02, 1))
    target.set_ylim(-0.6, len(rows) - 0.4)
    target.legend(frameon=False, fontsize=8)
    target.spines[["top", "right"]].set_visible(False)
    return target
