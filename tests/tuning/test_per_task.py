"""Policies per task: what tasks add where they tell more than texts, and nothing where they do not."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autopicker_lab.core import ChatRequest, InvalidRequestError
from autopicker_lab.routing import load_policy, save_policy
from autopicker_lab.tuning import OutcomeMatrix, tune
from autopicker_lab.tuning.choices import route_outcomes
from autopicker_lab.tuning.per_task import by_task_of

WORDS = [
    "river",
    "stone",
    "lamp",
    "paper",
    "garden",
    "window",
    "engine",
    "letter",
    "bridge",
    "copper",
    "violin",
    "harbour",
    "candle",
    "meadow",
]
EASY = {"sums": 0.95, "poems": 0.3}  # what the small model can do, of texts that are alike


def outcomes(n: int = 200, easy: Any = EASY, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        task = list(easy)[i % len(easy)]
        prompt = " ".join(random.permutation(WORDS)[:8])
        for model, right, usd in (("small", easy[task], 0.001), ("large", 0.95, 0.01)):
            score = float(random.random() < right)
            rows.append((f"p{i}", prompt, task, model, score, usd))
    return pd.DataFrame(rows, columns=["prompt_id", "prompt", "task", "model", "score", "cost_usd"])


def added(rows: pd.DataFrame, groups: Any = None) -> dict[str, dict[str, float]]:
    matrix = OutcomeMatrix.from_table(rows, groups="off")
    if groups is not None:
        object.__setattr__(matrix, "groups", groups(matrix))
    return by_task_of(matrix, np.tile(matrix.mean_scores, (len(matrix), 1)))


def test_what_a_task_adds_is_what_is_left_over_shrunk() -> None:
    found = added(outcomes())
    assert set(found) == {"sums", "poems"}
    assert 0.25 < found["sums"]["small"] < 0.325
    assert -0.35 < found["poems"]["small"] < -0.25
    assert "large" not in found["sums"]  # it is as good at either


def test_tasks_that_tell_nothing_and_prompts_that_are_all_alike_add_nothing() -> None:
    assert [added(outcomes(easy={"sums": 0.6, "poems": 0.6}, seed=seed)) for seed in range(5)] == [{}] * 5
    assert added(outcomes(), groups=lambda matrix: (matrix.tasks == "sums").astype(int)) == {}


@pytest.fixture(scope="module")
def report() -> Any:
    return tune(outcomes(), folds=4, groups="off", repeats=2, within=0.05, per_task=True)


def test_a_policy_per_task_is_served_as_it_was_tuned(report: Any, tmp_path: Path) -> None:
    policy = load_policy(save_policy(report.policy, tmp_path / "p.json"))
    assert policy.id == report.policy.id
    newer = OutcomeMatrix.from_table(outcomes(seed=1), groups="off")
    chosen = np.array(newer.models)[route_outcomes(policy, newer).choices]
    assert (chosen[newer.tasks == "poems"] == "large").all()
    assert (chosen[newer.tasks == "sums"] == "small").mean() > 0.9
    assert report.saving.share.low > 0.3


def test_a_request_without_its_task_or_of_another_gets_the_pooled_estimates(report: Any) -> None:
    policy, request = report.policy, ChatRequest.of("river stone lamp")
    complexity: Any = type("Counted", (), {"features": dict.fromkeys(_features(), 0.0)})
    pooled = policy.estimator.estimate(request.question, complexity.features)
    assert policy.estimates(request.question, complexity) == pooled
    assert policy.estimates(request.question, complexity, "letters") == pooled
    assert policy.estimates(request.question, complexity, "sums")["small"] > pooled["small"] + 0.2


def test_a_pooled_policy_says_what_tasks_would_save() -> None:
    found = tune(outcomes(), folds=4, groups="off", repeats=2, within=0.05)
    assert found.policy.by_task == {}
    assert found.task_gain is not None
    assert found.task_gain.saved > found.task_gain.saved_pooled + 0.2
    assert "--per-task" in found.next_steps[-1]
    assert found.to_dict()["per_task"]["tasks"] == 2


def test_a_table_without_tasks_is_told() -> None:
    with pytest.raises(InvalidRequestError, match="no tasks apart"):
        tune(outcomes().drop(columns="task"), folds=2, groups="off", per_task=True)


@pytest.mark.parametrize(
    ("options", "task"),
    [({"metadata": {"task": "sums"}}, "sums"), ({"metadata": {"task": 3}}, ""), ({"metadata": None}, ""), ({}, "")],
)
def test_a_request_tells_its_task_in_its_metadata(options: Any, task: str) -> None:
    assert ChatRequest.of("Why?", options=options).task == task


def _features() -> tuple[str, ...]:
    from autopicker_lab.complexity.features import NAMES

    return NAMES
