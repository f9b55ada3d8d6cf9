"""Outcomes as arrays: a row for each prompt, a column for each model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.lazy import lazy
from autopicker_lab.routing.signals import PREFIX as SIGNAL
from autopicker_lab.routing.signals import USD_PREFIX as SIGNAL_USD
from autopicker_lab.tuning.clusters import clustered_error, quantile
from autopicker_lab.tuning.complete_rows import by_signal, check_differences, check_models, complete_rows, ranked_pair
from autopicker_lab.tuning.conversations import is_conversation, question_of, text_of
from autopicker_lab.tuning.costs import costs_of_calls, seconds_of_calls
from autopicker_lab.tuning.grouping import AUTO, OFF, TEMPLATE, count, group_prompts
from autopicker_lab.tuning.languages import languages_of
from autopicker_lab.tuning.outcomes import as_outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from autopicker_lab.core import RoutePolicy
    from autopicker_lab.tuning.column_layout import CascadeColumns

    Array = np.ndarray[Any, Any]

MOST = 20_000
USD, CALL = "usd", "call"


@dataclass(frozen=True, eq=False)
class OutcomeMatrix:
    """What each of several models made of the same prompts.

    Attributes:
        scores, costs: shape (prompts, models). Costs are USD, or, where none were measured, calls to the strong model.
        tasks: "" where unknown.
        strong, weak: columns of the pair that rankings are about.
        groups: alike prompts have the same number, by what is `assumed` of the requests to come (see tuning.grouping).
        notes: what was left out or assumed, in words.
        other_groups: by the other assumption; None where it was not asked for, or comes to nearly the same.
        seconds: until each answer was whole, shape (prompts, models); None where a model's were not measured.
        signals: of the answers, by name (see routing.signals), each of shape (prompts, models), NaN where missing.
        signal_costs: what measuring a signal cost, by its name, in the unit of `costs`, shape (prompts, models).
        composite: the columns of a cascade (see tuning.cascade_columns); None without one.
        incumbent: column of the model that serves now; None: the best single one.
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
    assumed: str = TEMPLATE
    other_groups: Array | None = None
    seconds: Array | None = None
    signals: Mapping[str, Array] = field(default_factory=dict)
    signal_costs: Mapping[str, Array] = field(default_factory=dict)
    composite: CascadeColumns | None = None
    incumbent: int | None = None

    @classmethod
    def from_table(
        cls,
        table: pd.DataFrame | str | Path,
        *,
        strong: str | None = None,
        weak: str | None = None,
        models: Sequence[str] | None = None,
        most: int = MOST,
        seed: int = 0,
        groups: str = AUTO,
        latency_weight: float = 0.0,
    ) -> Self:
        """The prompts of an outcomes table that every model answered.

        Args:
            table: as read_outcomes returns it (it is validated here), or the path of its file.
            strong, weak: with both, these two models alone. Else strong is the best by mean score, weak the cheapest
                of the others, or the worst where costs are unknown.
            models: leave out all others; None keeps all.
            most: of more prompts than this, a seeded sample is taken.
            groups: which prompts are alike: "template", for requests that will bring new templates; "off", for requests
                of these templates, where only copies are alike; "auto" takes one and says which.
            latency_weight: USD that a second of waiting costs, on top of what a call costs.

        Raises:
            InvalidRequestError: fewer than two models or 50 prompts, an unknown model, scores that never differ, or a
                strong model that is not better than the weak one; or seconds count, and were not measured.
        """
        if not 0 <= seed < 2**32:
            raise InvalidRequestError(f"a seed is a whole number from 0 to {2**32 - 1:,}, not {seed}")
        table = as_outcomes(table)
        if models is not None:
            table = table[table["model"].isin(models)]
        names = [str(name) for name in table["model"].unique()]
        check_models(names, strong, weak)
        if strong is not None and weak is not None:
            names = [weak, strong]
            table = table[table["model"].isin(names)]
        complete, notes = complete_rows(table, names, most, seed)
        scores = complete.to_numpy(float)
        costs, in_usd, notes_on_costs = costs_of_calls(table, complete.index, names, latency_weight)
        high, low = ranked_pair(names, scores, costs, strong, weak)
        notes += notes_on_costs
        described = table.drop_duplicates("prompt_id").set_index("prompt_id").loc[complete.index]
        prompts = tuple(described["prompt"].astype(str))
        grouping = group_prompts([text_of(prompt) for prompt in prompts], groups)
        if talks := sum(map(is_conversation, prompts)):
            notes.append(
                f"{talks:,} prompts are conversations, estimated by their last questions; that a service goes down in "
                "strength in none of them is counted by evaluate and the gate, and not by tune"
            )
        check_differences(names, scores, grouping.groups, grouping.assumed, high, low)
        notes += [grouping.note] if grouping.note else []
        if not in_usd:
            costs[:, low] = 0.0 if len(names) == 2 else 1.0
        return cls(
            ids=tuple(map(str, complete.index)),
            prompts=prompts,
            tasks=described["task"].fillna("").astype(str).to_numpy(object),
            models=tuple(names),
            scores=scores,
            costs=costs,
            cost_unit=USD if in_usd else CALL,
            strong=high,
            weak=low,
            groups=grouping.groups,
            notes=tuple(notes),
            assumed=grouping.assumed,
            other_groups=grouping.others,
            seconds=seconds_of_calls(table, complete.index, names),
            signals=by_signal(table, complete.index, names, SIGNAL),
            signal_costs=by_signal(table, complete.index, names, SIGNAL_USD) if in_usd else {},
        )

    def with_incumbent(self, name: str | None) -> OutcomeMatrix:
        """The same, where the model of this name serves now; InvalidRequestError where there is none."""
        if name is None:
            return self
        check_models(self.models, name, None)
        return replace(self, incumbent=self.models.index(name))

    @property
    def best(self) -> int:
        """Column of the model that routing is held against: the incumbent, else the best by mean score."""
        return int(self.mean_scores[: self.singles].argmax()) if self.incumbent is None else self.incumbent

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, rows: Array) -> OutcomeMatrix:
        """Those of some prompts, with the same pair."""
        return replace(
            self,
            ids=tuple(self.ids[i] for i in rows),
            prompts=tuple(self.prompts[i] for i in rows),
            tasks=self.tasks[rows],
            scores=self.scores[rows],
            costs=self.costs[rows],
            groups=self.groups[rows],
            other_groups=None if self.other_groups is None else self.other_groups[rows],
            seconds=None if self.seconds is None else self.seconds[rows],
            signals={name: values[rows] for name, values in self.signals.items()},
            signal_costs={name: values[rows] for name, values in self.signal_costs.items()},
        )

    def by_the_other(self) -> OutcomeMatrix | None:
        """The same prompts, grouped by the other assumption; None where it changes nothing, or one template is all."""
        if self.other_groups is None or count(self.other_groups) == 1:
            return None
        assumed = OFF if self.assumed == TEMPLATE else TEMPLATE
        return replace(self, groups=self.other_groups, other_groups=self.groups, assumed=assumed)

    def single_models(self) -> OutcomeMatrix:
        """Without the columns of a cascade."""
        k = self.singles
        return (
            self
            if self.composite is None
            else replace(
                self,
                models=self.models[:k],
                scores=self.scores[:, :k],
                costs=self.costs[:, :k],
                signals={name: values[:, :k] for name, values in self.signals.items()},
                seconds=None if self.seconds is None else self.seconds[:, :k],
                composite=None,
            )
        )

    @property
    def singles(self) -> int:
        """How many columns are single models: all but those of a cascade."""
        return len(self.models) if self.composite is None else self.composite.singles

    @property
    def answerers(self) -> list[int]:
        """The single model (column) whose answer each column has."""
        singles = list(range(self.singles))
        if self.composite is None:
            return singles
        first, then, kept, _ = self.composite
        return [*singles, *([first] if kept != first else []), then]

    def answering(self, choices: Array) -> Array:
        """The single model (column) that answers each prompt, shape (n,): of a cascade that went up the second."""
        import numpy as np

        answering: Array = np.asarray(self.answerers)[choices]
        return answering

    @property
    def questions(self) -> tuple[str, ...]:
        """The texts that estimates are made from: prompts, of conversations their last questions."""
        return tuple(question_of(prompt) for prompt in self.prompts)

    @lazy
    def languages(self) -> Array:
        """The language of each prompt, see tuning.languages; shape (n,)."""
        return languages_of([text_of(prompt) for prompt in self.prompts])

    @property
    def size_text(self) -> str:
        """How many prompts there are, and how many of them differ, in words."""
        different = self.different
        return f"n={len(self):,}" + ("" if different == len(self) else f" in {different:,} groups of alike prompts")

    @property
    def different(self) -> int:
        """How many groups of alike prompts there are."""
        return count(self.groups)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that two matrices share where they hold the same prompts."""
        return hashlib.sha256("\0".join(sorted(self.prompts)).encode("utf-8", "replace")).hexdigest()[:12]

    def are_those_of(self, policy: RoutePolicy) -> bool:
        """Whether a policy was fitted on these very prompts, so that its figures here are too good."""
        return policy.stamp.get("prompts") == self.fingerprint

    @property
    def separated(self) -> bool:
        """Whether the strong model's lead over the weak one is more than noise, by a 95 % interval over groups."""
        error = float(clustered_error(self.gains[None, :], self.groups)[0])
        return bool(self.gains.mean() > quantile(0.975, self.groups) * error)

    @property
    def gains(self) -> Array:
        """What the strong model adds to the weak one's score, shape (prompts,)."""
        return self.scores[:, self.strong] - self.scores[:, self.weak]

    @property
    def pair_scores(self) -> tuple[Array, Array]:
        """Scores of the weak and of the strong model, each of shape (prompts,)."""
        return self.scores[:, self.weak], self.scores[:, self.strong]

    @cached_property
    def mean_costs(self) -> Array:
        """Mean cost of a call of each model, shape (models,)."""
        means: Array = self.costs.mean(0)
        return means

    @cached_property
    def mean_scores(self) -> Array:
        """Mean score of each model, shape (models,)."""
        means: Array = self.scores.mean(0)
        return means

    @cached_property
    def conversations(self) -> tuple[int, ...]:
        """Rows of the prompts that hold messages, not one question."""
        return tuple(i for i, prompt in enumerate(self.prompts) if is_conversation(prompt))

    @property
    def pair(self) -> tuple[str, str]:
        """Names of the weak and of the strong model."""
        return self.models[self.weak], self.models[self.strong]

    def routed(self, choices: Array) -> tuple[Array, Array]:
        """Score and cost of each prompt where it gets the model (column) that is chosen for it, each of shape (n,)."""
        import numpy as np

        rows = np.arange(len(self))
        return self.scores[rows, choices], self.costs[rows, choices]
