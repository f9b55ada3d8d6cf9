"""A new model joins a fitted policy from few rows."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from autopicker_lab.benchmark.new_models import regret_of_few_rows
from autopicker_lab.cli.app import app
from autopicker_lab.core import Guard, InvalidRequestError, RoutePolicy
from autopicker_lab.routing import default_policy, load_policy, save_policy
from autopicker_lab.routing.estimator import estimate_each
from autopicker_lab.tuning import OutcomeMatrix, add_model, fitting, next_prompts, read_questions
from autopicker_lab.tuning.new_model import _design, next_questions

PLACES = ("a small red house", "some old river boats", "your best winter coat", "their long summer road")
EASY = [f"Say hello to {place} number {i} kindly" for i in range(30) for place in PLACES]
HARD = [f"Prove by induction that {i} + {i} n is even near {place}" for i in range(30) for place in PLACES]
PROMPTS = [text for pair in zip(EASY, HARD, strict=True) for text in pair]
CHANCES = {"weak": (0.8, 0.1), "fair": (0.9, 0.4), "odd": (0.5, 0.6)}
NEW = (0.95, 0.9)  # of an easy and of a hard prompt


def scores_of(chances: tuple[float, float], seed: int) -> Any:
    draws = np.random.default_rng(seed).random(len(PROMPTS))
    return (draws < np.where(np.arange(len(PROMPTS)) % 2 == 0, *chances)).astype(float)


def rows_of(places: Any, chances: tuple[float, float] = NEW, **fields: Any) -> pd.DataFrame:
    rows = {"prompt_id": [f"p{i}" for i in places], "prompt": [PROMPTS[i] for i in places], "model": "new"}
    return pd.DataFrame(rows | {"score": scores_of(chances, 9)[places], "cost_usd": 0.002} | fields)


@pytest.fixture(scope="module")
def policy() -> RoutePolicy:
    scores = np.stack([scores_of(chances, i) for i, chances in enumerate(CHANCES.values())], axis=1)
    groups = np.arange(len(PROMPTS)) // 8
    estimator = fitting.fit(fitting.prepare(PROMPTS, groups), scores, list(CHANCES))
    means = scores.mean(0).tolist()
    costs = dict.fromkeys(CHANCES, 0.001)
    return replace(default_policy(), estimator=estimator, qualities=dict(zip(CHANCES, means, strict=True)), costs=costs)


def test_a_better_model_joins_and_is_estimated_by_prompt(policy: RoutePolicy, tmp_path: Path) -> None:
    joined = add_model(policy, rows_of(range(100)))
    assert joined.qualities["new"] == pytest.approx(np.mean(NEW), abs=0.05)
    assert joined.costs["new"] == pytest.approx(0.002)
    assert abs(joined.estimator.bias).max() < 10  # deviations were mixed in measure
    estimates = estimate_each(joined.estimator, PROMPTS[100:140])  # type: ignore[arg-type]
    assert estimates[:, :3] == pytest.approx(estimate_each(policy.estimator, PROMPTS[100:140]))  # type: ignore[arg-type]
    assert (estimates[1::2, 3] > estimates[1::2, :3].max(1)).all()
    assert joined.id != policy.id
    assert load_policy(save_policy(joined, tmp_path / "p.json")).id == joined.id


def test_fewer_rows_leave_more_doubt(policy: RoutePolicy) -> None:
    few, many = (add_model(policy, rows_of(range(count))).guard for count in (10, 200))
    assert few.incumbent == max(policy.qualities, key=lambda name: policy.qualities[name])
    assert few.margin("new") > 1.5 * many.margin("new") > 0
    assert few.margin("weak") == 0


def test_a_guard_that_is_there_is_kept(policy: RoutePolicy) -> None:
    guarded = add_model(policy, rows_of(range(40))).guard
    again = add_model(replace(policy, guard=Guard("fair", 2.0)), rows_of(range(40)))
    assert (again.guard.incumbent, again.guard.z) == ("fair", 2.0)
    assert again.guard.margin("new") == pytest.approx(guarded.margin("new"), rel=1e-3)


def test_a_promise_does_not_cover_a_new_model(policy: RoutePolicy) -> None:
    joined = add_model(replace(policy, promise={"feasible": True}), rows_of(range(40)))
    assert joined.promise == {}
    assert joined.stamp["added"] == [{"model": "new", "rows": 40}]


def test_means_of_several_answers_say_more(policy: RoutePolicy) -> None:
    plain = rows_of(range(40))
    several = plain.assign(samples=8, spread=0.4)
    assert add_model(policy, several).guard.errors["new"] < add_model(policy, plain).guard.errors["new"]


def test_prompts_that_tell_most_are_chosen(policy: RoutePolicy) -> None:
    best = next_prompts(policy, PROMPTS, 20)
    assert len(set(best)) == 20
    assert 4 <= sum(place % 2 for place in best) <= 16  # easy and hard ones
    assert not set(next_prompts(policy, PROMPTS, 20, best)) & set(best)

    design = _design(policy.estimator, PROMPTS)  # type: ignore[arg-type]

    def doubt(places: Any) -> float:
        covariance = np.linalg.inv(np.eye(design.shape[1]) + design[places].T @ design[places] / 0.2)
        return float(((design @ covariance) * design).sum(1).mean())

    random = [np.random.default_rng(seed).permutation(len(PROMPTS))[:20] for seed in range(20)]
    assert doubt(best) < np.mean([doubt(places) for places in random])


def test_questions_that_were_answered_are_not_chosen_again(policy: RoutePolicy, tmp_path: Path) -> None:
    lines = [{"prompt_id": f"p{i}", "prompt": PROMPTS[i], "grader": "exact", "answer": "x"} for i in range(30)]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, lines)))
    out, questions = tmp_path / "o.jsonl", read_questions(tmp_path / "q.jsonl")
    first = next_questions(policy, questions, 10, out, ["new"])
    rows = [{"prompt_id": q.prompt_id, "prompt": q.prompt, "model": "new", "score": 1.0} for q in first]
    out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    second = next_questions(policy, questions, 50, out, ["new"])
    assert len(second) == 20
    assert not {q.prompt_id for q in first} & {q.prompt_id for q in second}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda t: t.head(5), "too few"),
        (lambda t: t.assign(model="fair"), "0 models that the policy does not know"),
        (lambda t: t.assign(model=["new", "newer"] * 20), "add one at a time|One at a time|dd one"),
        (lambda t: t.assign(cost_usd=np.nan), "counts in USD"),
    ],
)
def test_what_cannot_join_is_told(policy: RoutePolicy, change: Any, word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word):
        add_model(policy, change(rows_of(range(40))))
    with pytest.raises(InvalidRequestError, match="no estimates"):
        add_model(default_policy(), rows_of(range(40)))


def test_a_model_joins_on_the_command_line(policy: RoutePolicy, tmp_path: Path) -> None:
    old, new, rows = tmp_path / "old.json", tmp_path / "new.json", tmp_path / "new.csv"
    save_policy(policy, old)
    rows_of(range(120)).to_csv(rows, index=False)
    run = CliRunner().invoke
    done = run(app, ["tune", "--add", str(rows), "--policy", str(old), "--out", str(new)])
    assert done.exit_code == 0, done.output
    told = re.search(r"new: quality (0\.\d+)", done.output)
    assert told
    assert float(told[1]) == pytest.approx(0.925, abs=0.05)
    assert "new" in load_policy(new).qualities
    again = run(app, ["tune", "--add", str(rows), "--policy", str(new)])
    assert (again.exit_code, "knows all models" in again.output) == (2, True)
    for wrong in (["tune"], ["tune", str(rows), "--add", str(rows)], ["tune", "--add", str(rows)]):
        assert run(app, wrong).exit_code == 2


def test_what_few_rows_cost_on_a_table() -> None:
    everyone = {**CHANCES, "new": NEW}
    scores = np.stack([scores_of(chances, i) for i, chances in enumerate(everyone.values())], axis=1)
    count = len(PROMPTS)
    outcomes = OutcomeMatrix(
        ids=tuple(map(str, range(count))),
        prompts=tuple(PROMPTS),
        tasks=np.full(count, "", object),
        models=tuple(everyone),
        scores=scores,
        costs=np.ones(scores.shape),
        cost_unit="call",
        strong=3,
        weak=0,
        groups=np.arange(count) // 8,
    )
    regret = regret_of_few_rows(outcomes, (30,), repeats=1).set_index(["model", "rows", "chosen"])["regret"]
    assert regret["new", 0, False] > 0.1
    assert abs(regret["new", 30, True]) < 0.05
