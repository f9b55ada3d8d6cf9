"""Policies of every kind, made up: a second kind of estimator, and hypothesis strategies for policies and outcomes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from autopicker_lab.core import Guard, RoutePolicy, Tier
from autopicker_lab.routing import UNFAMILIAR
from autopicker_lab.tuning import OutcomeMatrix

MODELS = ("ant", "bee", "cat", "dog", "elk")
TASKS = ("", "sums", "poems")
PROMPTS = tuple(f"{verb} {thing}" for verb in ("Why", "Prove", "Say", "==") for thing in ("hello", "x^2", "the sky"))


class TableEstimator:
    """Estimates from a table: by the whole question where it is there, else by its first word, else `usual`."""

    def __init__(
        self, models: tuple[str, ...], table: Mapping[str, Mapping[str, float]], usual: Mapping[str, float]
    ) -> None:
        self.models = models
        self.table = table
        self.usual = usual

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(repr((self.models, self.table, self.usual)).encode()).hexdigest()[:16]

    def estimate(self, text: str, features: Mapping[str, float]) -> Mapping[str, float]:
        return self.table.get(text) or self.table.get(text.split(" ", maxsplit=1)[0]) or self.usual

    def is_unfamiliar(self, text: str) -> bool:
        return text.startswith("Say")

    def part_read(self, text: str) -> str:
        return ""

    def own_language(self, text: str) -> str:
        return ""

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "table", "models": list(self.models)}


SHARES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.75, 1.0]) | st.floats(0, 1)
SHIFTS = st.sampled_from([-0.25, 0.0, 0.1, 1.0]) | st.floats(-1, 1)
COSTS = st.sampled_from([0.0, 0.001, 0.001, 0.5, 1.0]) | st.floats(0, 10)


@st.composite
def guards(draw: st.DrawFn, models: tuple[str, ...]) -> Guard:
    """Guards of any incumbent, which may be left for some of the others."""
    errors = draw(st.dictionaries(st.sampled_from(models), st.sampled_from([0.0, 0.1, 0.25]) | st.floats(0, 1)))
    return Guard(draw(st.sampled_from(models)), draw(st.sampled_from([0.0, 1.0, 2.5])), errors)


@st.composite
def policies(draw: st.DrawFn, models: tuple[str, ...] = MODELS, prompts: tuple[str, ...] = PROMPTS) -> RoutePolicy:
    """Policies by tiers and by estimates, with and without qualities, costs, budget and a pair."""
    steps = sorted(draw(st.sets(st.floats(0.5, 100), max_size=4)))
    goals = sorted(draw(st.lists(SHARES, min_size=len(steps) + 1, max_size=len(steps) + 1)))
    known = tuple(draw(st.permutations(models))[: draw(st.integers(1, len(models)))])
    estimator = None
    if draw(st.booleans()):
        rows = {prompt: {name: draw(SHARES) for name in known} for prompt in prompts[: draw(st.integers(0, 4))]}
        estimator = TableEstimator(known, rows, {name: draw(SHARES) for name in known})
    return RoutePolicy(
        name="made-up",
        tiers=tuple(Tier(score, goal) for score, goal in zip([0.0, *steps], goals, strict=True)),
        qualities=draw(st.dictionaries(st.sampled_from(models), SHARES)),
        max_cost_usd=draw(st.none() | st.floats(0.001, 5)),
        estimator=estimator,
        pair=(known[0], known[-1]) if estimator and len(known) > 1 and draw(st.booleans()) else None,
        by_tiers=draw(st.booleans()),
        unfamiliar=draw(st.sampled_from(UNFAMILIAR)),
        guard=draw(st.none() | guards(models)),
        by_task=draw(
            st.dictionaries(st.sampled_from(TASKS), st.dictionaries(st.sampled_from(models), SHIFTS), max_size=2)
        ),
        cost_weight=draw(st.sampled_from([0.0, 0.5, 1.0, 100.0]) | st.floats(0, 10)),
        costs=draw(st.dictionaries(st.sampled_from(models), COSTS) | st.just({name: draw(COSTS) for name in models})),
    )


@st.composite
def outcome_matrices(draw: st.DrawFn) -> OutcomeMatrix:
    """Scores and costs of two to five models on a dozen prompts."""
    models = MODELS[: draw(st.integers(2, len(MODELS)))]
    n = len(PROMPTS)
    scores = np.array(draw(st.lists(SHARES, min_size=n * len(models), max_size=n * len(models)))).reshape(n, -1)
    costs = np.tile([draw(COSTS) for _ in models], (n, 1))
    unit = draw(st.sampled_from(["usd", "call"]))
    ids = tuple(map(str, range(n)))
    groups = np.arange(n)
    tasks = np.array([draw(st.sampled_from(TASKS)) for _ in range(n)], object)
    return OutcomeMatrix(ids, PROMPTS, tasks, models, scores, costs, unit, len(models) - 1, 0, groups)
