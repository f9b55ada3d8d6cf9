"""Whether replay's intervals hold, and whether drift stays quiet where nothing drifts: measured on full outcomes.

A table in which every model answered every prompt is turned into logs: prompts are drawn, each gets a model by chance,
and the other answers are forgotten. What a policy would have got is known of the whole table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity.features import measure
from autopicker_lab.core.show import frame
from autopicker_lab.routing import default_policy
from autopicker_lab.routing.estimator import estimate_each
from autopicker_lab.tuning import DriftState, OutcomeMatrix, measure_drift
from autopicker_lab.tuning.baselines import heuristic_scores
from autopicker_lab.tuning.drift_reference import reference_of
from autopicker_lab.tuning.fitting import grouped_folds
from autopicker_lab.tuning.learned import learn
from autopicker_lab.tuning.replay import estimators
from autopicker_lab.tuning.replay.reward_model import LoggedTexts, expectations, read_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

KINDS = ("direct", "ips", "snips", "dr")
_MOST = 3000  # prompts of a table that logs are drawn of
_FOLDS = 5


@dataclass(frozen=True, eq=False)
class _Logs:
    """A table to draw logs of: what is chosen by the policy, and how likely each model is to be logged."""

    scores: Array
    texts: LoggedTexts
    choices: Array
    propensities: Array

    @classmethod
    def of(cls, outcomes: OutcomeMatrix, explore: float, seed: int) -> _Logs:
        """The policy sends the harder half up; the log sends the hardest fifth up, and explores."""
        import numpy as np

        random = np.random.default_rng(seed)
        outcomes = outcomes.at(np.sort(random.permutation(len(outcomes))[:_MOST]))
        n, models, hard = len(outcomes), len(outcomes.models), heuristic_scores(outcomes.prompts)
        propensities = np.full((n, models), explore / models)
        logged = np.where(hard > np.quantile(hard, 0.8), outcomes.strong, outcomes.weak)
        propensities[np.arange(n), logged] += 1 - explore
        choices = np.where(hard > np.quantile(hard, 0.5), outcomes.strong, outcomes.weak)
        texts = read_texts(outcomes.questions, np.arange(n), seed)
        return cls(outcomes.scores, texts, choices, propensities)

    @property
    def truth(self) -> float:
        """Mean score of the policy on the whole table."""
        import numpy as np

        return float(self.scores[np.arange(len(self.scores)), self.choices].mean())

    def replayed(self, requests: int, random: np.random.Generator) -> dict[str, Any]:
        """The estimates of one log of so many requests."""
        import numpy as np

        at = random.choice(len(self.scores), requests)
        drawn = (random.random((requests, 1)) > self.propensities[at].cumsum(1)[:, :-1]).sum(1)
        got, groups, rows = self.scores[at, drawn], np.unique(at, return_inverse=True)[1], np.arange(requests)
        read = LoggedTexts(self.texts.weighted[at], self.texts.block[at], grouped_folds(groups, _FOLDS, 0))
        expected = expectations(read, drawn, got, self.scores.shape[1])
        chosen = self.choices[at]
        weights = (drawn == chosen) / self.propensities[at, drawn]
        weighed = estimators.Weighed(
            weights, expected[rows, chosen], expected[rows, drawn], self.propensities[at, chosen]
        )
        return {
            "direct": estimators.direct(weighed, groups),
            "ips": estimators.ips(weighed, got, groups),
            "snips": estimators.snips(weighed, got, groups),
            "dr": estimators.doubly_robust(weighed, got, groups),
        }


def coverage(
    tables: Sequence[str | Path], requests: int = 500, explore: float = 0.3, replays: int = 100, seed: int = 0
) -> pd.DataFrame:
    """One row a table and kind of estimate: share of the 95 % intervals that hold the truth, their width, the bias.

    Args:
        requests: of each log. explore: share of them that get any model with the same chance. replays: logs a table.
    """
    import numpy as np

    rows = []
    for table in tables:
        logs, random = _Logs.of(OutcomeMatrix.from_table(table, seed=seed), explore, seed), np.random.default_rng(seed)
        found = [logs.replayed(requests, random) for _ in range(replays)]
        for kind in KINDS:
            of_kind = [each[kind] for each in found]
            rows.append(
                {
                    "table": str(table).rsplit("/", 1)[-1],
                    "estimate": kind,
                    "covered": float(np.mean([e.low <= logs.truth <= e.high for e in of_kind])),
                    "width": float(np.mean([e.high - e.low for e in of_kind])),
                    "bias": float(np.mean([e.estimate for e in of_kind]) - logs.truth),
                }
            )
    return frame(rows)


def drift_on_halves(tables: Sequence[str | Path], requests: int = 500, tries: int = 100, seed: int = 0) -> pd.DataFrame:
    """Drift of a policy of one half of a table, on the other half, on its own, and on each other table: shares quiet.

    One row a table and kind of requests; `quiet` is the share of tries whose state is stable.
    """
    import numpy as np

    matrices = {str(table).rsplit("/", 1)[-1]: OutcomeMatrix.from_table(table, seed=seed) for table in tables}
    rows = []
    for name, outcomes in matrices.items():
        random = np.random.default_rng(seed)
        order = random.permutation(len(outcomes))
        half, other = (outcomes.at(np.sort(part)) for part in np.array_split(order, 2))
        learned = learn(half, None, 2, 1, seed, None)
        edges, shares, reference = reference_of(learned)
        policy = replace(
            default_policy(),
            estimator=learned.estimator,
            pair=half.pair,
            edges=edges,
            shares=shares,
            reference=reference,
        )
        live = {"the other half": other, "the very half": half}
        live |= {key: matrix for key, matrix in matrices.items() if key != name}
        for kind, matrix in live.items():
            states = _states(policy, matrix.questions[:_MOST], requests, tries, random)
            rows.append({"table": name, "requests": kind, "quiet": states[DriftState.STABLE] / tries})
    return frame(rows)


def _states(
    policy: Any, questions: Sequence[str], requests: int, tries: int, random: np.random.Generator
) -> Counter[DriftState]:
    import numpy as np

    weak, strong = (policy.estimator.models.index(name) for name in policy.pair)
    estimates, features = estimate_each(policy.estimator, questions), [measure(each) for each in questions]
    scores = np.asarray(50 + 50 * (estimates[:, strong] - estimates[:, weak]))
    found: Counter[DriftState] = Counter()
    for _ in range(tries):
        rows = random.choice(len(questions), requests, replace=len(questions) < 2 * requests)
        found[measure_drift(policy, scores[rows].tolist(), [features[i] for i in rows]).state] += 1
    return found


def figures(found: pd.DataFrame, quiet: pd.DataFrame, ended: pd.DataFrame) -> dict[str, float]:
    """The worst of each measurement, by name.

    Args:
        found: of `coverage`. quiet: of `drift_on_halves`. ended: of `canaries.endings`.
    """
    of = dict(iter(found.groupby("estimate")))
    last = ended.groupby("canary").last()
    return {
        "dr_covered": float(of["dr"]["covered"].min()),
        "ips_covered": float(of["ips"]["covered"].min()),
        "dr_width_of_ips": float((of["dr"]["width"].to_numpy() / of["ips"]["width"].to_numpy()).max()),
        "equal_promoted": float(last["promoted"]["equal"]),
        "worse_rolled_back": float(last["rolled_back"]["worse"]),
        "worse_promoted": float(last["promoted"]["worse"]),
        "quiet": float(quiet[quiet["requests"].str.startswith("the ")]["quiet"].min()),
    }
