"""Outcomes as arrays: a row for each prompt, a column for each model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.tuning.fitting import near_duplicates
from autopicker_lab.tuning.outcomes import validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

ENOUGH = 50
MOST = 20_000
USD, CALL = "usd", "call"


@dataclass(frozen=True, eq=False)
class OutcomeMatrix:
    """Attributes:
    scores, costs: shape (prompts, models). Costs are USD, or, where none were measured, calls to the strong model.
    tasks: "" where unknown.
    strong, weak: columns of the pair that rankings are about.
    groups: near-duplicates have the same number.
    notes: what was left out, in words.
    """

    ids: tuple[str, ...]
    prompts: tuple[str, ...]
    tasks: Array
    models: tuple[str, ...]
    scores: Array
    costs: Array
    cost_unit: str
    strong: int
    weak: int
    groups: Array
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def size(self) -> str:
        """How many prompts there are, and how many of them differ, in words."""
        different = self.different
        return f"n={len(self):,}" + ("" if different == len(self) else f" in {different:,} groups of alike prompts")

    @property
    def different(self) -> int:
        """How many prompts differ by more than a few words."""
        return len(set(self.groups.tolist()))

    @property
    def fingerprint(self) -> str:
        """Twelve digits that two boards share where they hold the same prompts."""
        return hashlib.sha256("\0".join(sorted(self.prompts)).encode("utf-8", "replace")).hexdigest()[:12]

    @property
    def separated(self) -> bool:
        """Whether the strong model's lead over the weak one is more than noise (1.96 standard errors, by groups)."""
        import numpy as np

        sums = np.bincount(self.groups, weights=self.gains - self.gains.mean())
        return bool(self.gains.mean() > 1.96 * np.sqrt((sums**2).sum()) / len(self))

    @property
    def gains(self) -> Array:
        """What the strong model adds to the weak one's score."""
        return self.scores[:, self.strong] - self.scores[:, self.weak]

    @property
    def pair(self) -> tuple[str, str]:
        return self.models[self.weak], self.models[self.strong]


def board(
    table: pd.DataFrame, *, strong: str | None = None, weak: str | None = None, most: int = MOST, seed: int = 0
) -> OutcomeMatrix:
    """The prompts of a table that every model answered.

    Args:
        strong, weak: with both, these two models alone. Else strong is the best by mean score, weak the cheapest of
            the others, or the worst where costs are unknown.
        most: of more prompts than this, a seeded sample is taken.

    Raises:
        InvalidRequestError: fewer than two models or 50 prompts, an unknown model, scores that never differ, or a
            strong model that is not better than the weak one.
    """
    import numpy as np

    table = validate(table)
    names = [str(name) for name in table["model"].unique()]
    for name in (strong, weak):
        if name is not None and name not in names:
            raise InvalidRequestError(f"no model '{name}' in the outcomes", f"known: {', '.join(names)}")
    if len(names) < 2 or (strong is not None and strong == weak):
        raise InvalidRequestError("routing needs two models", f"the outcomes hold {', '.join(names)}: collect another")
    if strong is not None and weak is not None:
        names = [weak, strong]
        table = table[table["model"].isin(names)]
    scores = table.pivot(index="prompt_id", columns="model", values="score").reindex(table["prompt_id"].unique())
    whole = scores.dropna()
    notes = [f"{len(scores) - len(whole):,} prompts lack a model and are left out"] if len(whole) < len(scores) else []
    if len(whole) > most:
        notes.append(f"a sample of {most:,} of {len(whole):,} prompts is used (seed {seed})")
        whole = whole.sample(most, random_state=seed).sort_index()
    if len(whole) < ENOUGH:
        detail = f"too little data: {len(whole)} prompts were answered by all of {len(names)} models"
        raise InvalidRequestError(detail, f"collect at least {ENOUGH} (autopicker collect)")
    values = whole[names].to_numpy(float)
    if np.ptp(values) == 0:
        raise InvalidRequestError(
            "every answer has the same score: nothing tells the models apart", "grade differently"
        )
    costs, unit = _costs(table, whole.index, names)
    high, low = _pair(names, values, costs, strong, weak)
    if unit == CALL and table["cost_usd"].max() > 0:
        notes.append("some models have no cost: calls are counted instead of USD (--prices fills in)")
    about = table.drop_duplicates("prompt_id").set_index("prompt_id").loc[whole.index]
    prompts = tuple(about["prompt"].astype(str))
    groups = near_duplicates(prompts)
    different = len(np.unique(groups))
    if different < ENOUGH:
        detail = f"too little data: {len(whole)} prompts, but only {different} of them differ by more than a few words"
        raise InvalidRequestError(detail, f"collect at least {ENOUGH} that differ")
    if values[:, high].mean() <= values[:, low].mean():
        detail = f"'{names[high]}' is not better than '{names[low]}' here"
        raise InvalidRequestError(detail, f"use {names[low]} alone, or swap them")
    if unit == CALL:
        costs[:, low] = 0.0 if len(names) == 2 else 1.0
    return OutcomeMatrix(
        ids=tuple(map(str, whole.index)),
        prompts=prompts,
        tasks=about["task"].fillna("").astype(str).to_numpy(object),
        models=tuple(names),
        scores=values,
        costs=costs,
        cost_unit=unit,
        strong=high,
        weak=low,
        groups=groups,
        notes=tuple(notes),
    )


def _costs(table: pd.DataFrame, index: pd.Index[Any], names: Sequence[str]) -> tuple[Array, str]:
    """USD where every model has some; else one a call."""
    import numpy as np

    usd = table.pivot(index="prompt_id", columns="model", values="cost_usd").reindex(index)[list(names)]
    means = usd.mean()
    if means.isna().any() or means.max() <= 0 or np.isclose(means.max(), means.min()):
        return np.ones((len(index), len(names))), CALL
    return usd.fillna(means).to_numpy(float), USD


def _pair(names: Sequence[str], scores: Array, costs: Array, strong: str | None, weak: str | None) -> tuple[int, int]:
    import numpy as np

    means, prices = scores.mean(0), costs.mean(0)
    high = names.index(strong) if strong else int(np.argmax(means))
    if weak:
        return high, names.index(weak)
    others = [i for i in range(len(names)) if i != high]
    return high, min(others, key=lambda i: (prices[i], means[i]))
