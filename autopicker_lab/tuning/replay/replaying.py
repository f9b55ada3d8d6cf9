"""Replay logged traffic under a policy: what it would have got, and where the log cannot tell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.routing import as_policy
from autopicker_lab.tuning.choices import route_outcomes
from autopicker_lab.tuning.conversations import text_of
from autopicker_lab.tuning.grouping import AUTO, group_prompts
from autopicker_lab.tuning.matrix import CALL, USD, OutcomeMatrix
from autopicker_lab.tuning.replay import estimators
from autopicker_lab.tuning.replay.log_rows import TrafficLog, read_log
from autopicker_lab.tuning.replay.overlap import overlap_of, refusals, told_by
from autopicker_lab.tuning.replay.report import Refusal, ReplayReport
from autopicker_lab.tuning.replay.reward_model import expectations, read_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from autopicker_lab.core import RoutePolicy
    from autopicker_lab.tuning.replay.estimators import Weighed
    from autopicker_lab.tuning.replay.report import Estimates
    from autopicker_lab.tuning.replay.reward_model import LoggedTexts

    Array = np.ndarray[Any, Any]

LEAST = 10.0  # effective requests, below which no interval is to be believed


def replay(
    log: TrafficLog | pd.DataFrame | Sequence[Mapping[str, Any]] | str | Path,
    policy: RoutePolicy | str | Path,
    against: RoutePolicy | str | Path | None = None,
    *,
    groups: str = AUTO,
    seed: int = 0,
) -> ReplayReport:
    """What a policy would have got on logged traffic: mean score and cost, by four estimates (see estimators).

    Figures are about the requests whose choice could have been logged, of both policies where there are two; what they
    leave out is in `refused`.

    Args:
        log: see read_log. policy, against: or the paths of their files.
        groups: which requests are alike, see OutcomeMatrix.from_table.

    Raises:
        InvalidRequestError: see read_log, and load_policy.
    """
    import numpy as np

    log = log if isinstance(log, TrafficLog) else read_log(log)
    policies = [as_policy(each) for each in (policy, against) if each is not None]
    names = _names(log, policies)
    choices = [_choices(log, each, names) for each in policies]
    told = [told_by(log, names, chosen) for chosen in choices]
    refused = [refusal for each in zip(policies, choices, told, strict=True) for refusal in refusals(log, names, *each)]
    rows = _where(told)
    weights = _weights(log, names, choices[0]) * told[0]
    ess = min(estimators.effective_size(_weights(log, names, chosen)[rows]) for chosen in choices)
    if ess < LEAST:
        what = f"only {ess:.1f} requests, effectively, got what {policies[0].id} chooses"
        refused.append(Refusal(what, len(log), "explore more, or for longer"))
    figures: dict[str, Any] = {
        "value": {},
        "cost_usd": {},
        "gain": {} if against else None,
        "saving": {} if against else None,
    }
    if ess >= LEAST:
        figures = _Figures(log, names, choices, rows, groups, seed).all()
    shares = {name: float((choices[0] == k).mean()) for k, name in enumerate(names) if (choices[0] == k).any()}
    cost = float(log.costs.mean())
    return ReplayReport(
        policy=policies[0].id,
        n=len(rows),
        rows=log.rows,
        ess=ess,
        largest_weight=float(weights.max()) or None,
        logged={"score": float(log.scores.mean()), "cost_usd": None if np.isnan(cost) else cost},
        shares=shares,
        overlap=overlap_of(log, choices[0], told[0], weights),
        refused=tuple(refused),
        notes=log.notes,
        against=policies[1].id if against else "",
        **figures,
    )


class _Figures:
    """Estimates of one or two policies over the requests that tell of them."""

    def __init__(
        self, log: TrafficLog, names: Sequence[str], choices: Sequence[Array], rows: Array, groups: str, seed: int
    ):
        self._log, self._names, self._choices, self._rows, self._seed = log, names, choices, rows, seed
        self._groups = group_prompts([text_of(log.prompts[i]) for i in rows], groups).groups
        self._read: LoggedTexts = read_texts([text_of(log.prompts[i]) for i in rows], self._groups, seed)

    def all(self) -> dict[str, Any]:
        """Value and cost, gain and saving; costs empty where any is unknown."""
        import numpy as np

        value, gain = self._of(self._log.scores[self._rows])
        costs = self._log.costs[self._rows]
        cost, dearer = self._of(costs) if not np.isnan(costs).any() else ({}, {} if gain is not None else None)
        return {"value": value, "cost_usd": cost, "gain": gain, "saving": dearer and _turned(dearer)}

    def _of(self, got: Array) -> tuple[Estimates, Estimates | None]:
        logged, groups = self._log.chosen[self._rows], self._groups
        expected = expectations(self._read, logged, got, len(self._names), self._seed)
        weighed = [self._weighed(chosen, expected) for chosen in self._choices]
        first = weighed[0]
        own = {
            "direct": estimators.direct(first, groups),
            "ips": estimators.ips(first, got, groups),
            "snips": estimators.snips(first, got, groups),
            "dr": estimators.doubly_robust(first, got, groups),
        }
        return own, estimators.difference(first, weighed[1], got, groups) if len(weighed) > 1 else None

    def _weighed(self, chosen: Array, expected: Array) -> Weighed:
        import numpy as np

        rows, at = self._rows, np.arange(len(self._rows))
        weights = _weights(self._log, self._names, chosen)[rows]
        chances = self._log.propensities[rows, chosen[rows]]
        return estimators.Weighed(weights, expected[at, chosen[rows]], expected[at, self._log.chosen[rows]], chances)


def _turned(dearer: Estimates) -> Estimates:
    return {name: replace(e, estimate=-e.estimate, low=-e.high, high=-e.low) for name, e in dearer.items()}


def _where(told: Sequence[Array]) -> Array:
    import numpy as np

    return np.flatnonzero(np.logical_and.reduce(told))


def _weights(log: TrafficLog, names: Sequence[str], chosen: Array) -> Array:
    """1 / p where the log has what is chosen, else 0, shape (n,). Models of the log are the first of the names."""
    weights: Array = (log.chosen == chosen) / log.drawn
    return weights


def _names(log: TrafficLog, policies: Sequence[RoutePolicy]) -> list[str]:
    """Models of the log, then others that a policy may choose."""
    return list(dict.fromkeys([*log.models, *(name for policy in policies for name in _known(policy))]))


def _known(policy: RoutePolicy) -> tuple[str, ...]:
    return policy.estimator.models if policy.estimator else tuple(policy.qualities)


def _choices(log: TrafficLog, policy: RoutePolicy, names: Sequence[str]) -> Array:
    """The model (column) that a policy gives each request, by the one rule, shape (n,)."""
    import numpy as np

    known = set(log.models) | set(_known(policy))
    columns = [k for k, name in enumerate(names) if name in known]
    if len(columns) < 2:
        raise InvalidRequestError(f"the log holds {names[0]} alone: nothing to choose", "log two models or more")
    scores, costs = (_means(log, got, names) for got in (log.scores, log.costs))
    in_usd = bool(np.isfinite(costs).all())
    n = len(log)
    traffic = OutcomeMatrix(
        ids=log.ids,
        prompts=log.prompts,
        tasks=np.array(log.tasks, object),
        models=tuple(names[k] for k in columns),
        scores=np.tile(np.where(np.isnan(scores), log.scores.mean(), scores)[columns], (n, 1)),
        costs=np.tile((costs if in_usd else np.ones(len(names)))[columns], (n, 1)),
        cost_unit=USD if in_usd else CALL,
        strong=0,
        weak=1,
        groups=np.arange(n),
    )
    chosen: Array = np.array(columns)[route_outcomes(replace(policy, cascade=None), traffic).choices]
    return chosen


def _means(log: TrafficLog, got: Array, names: Sequence[str]) -> Array:
    """Mean of what each model got, NaN where none is known, shape (models,)."""
    import numpy as np

    of_each = [got[(log.chosen == k) & np.isfinite(got)] for k in range(len(names))]
    return np.array([float(values.mean()) if len(values) else np.nan for values in of_each])
