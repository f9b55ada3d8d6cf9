"""Replay: estimates hold on full-information tables turned into logs; what a log cannot tell is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from autopicker_lab import cli
from autopicker_lab.core import InvalidRequestError, RoutePolicy, Tier
from autopicker_lab.routing import save_policy
from autopicker_lab.storage import Decision, FileLog
from autopicker_lab.tuning.replay import estimators, read_log, replay
from autopicker_lab.tuning.replay.reward_model import LoggedTexts, expectations

WORDS = ("bread", "rivers", "music", "taxes", "trains", "birds", "glass", "chess", "wool", "ports")
EASY = [f"Say {WORDS[i % 10]} {WORDS[i // 10 % 10]} {i}" for i in range(400)]
HARD = [
    f"Prove, step by step, why {WORDS[i % 10]} and {WORDS[i // 7 % 10]} {i} must differ, and compare the theorem with "
    "each of the constraints that are given above, then write an algorithm for it" * 3
    for i in range(400)
]
TO_LARGE_WHERE_HARD = RoutePolicy(
    "by-score", (Tier(0, 0.1), Tier(15, 0.8)), {"small": 0.5, "large": 0.9}, costs={"small": 0.0, "large": 1.0}
)
ALL_TO_LARGE = RoutePolicy("large-alone", (Tier(0, 0.8),), {"small": 0.5, "large": 0.9})


def rows(n: int = 400, explore: float = 0.5, seed: int = 0, **changes: Any) -> list[dict[str, Any]]:
    """Requests that went to the small model, or by exploring to the large one; small solves what is easy."""
    random, found = np.random.default_rng(seed), []
    for i in range(n):
        hard = i % 2 == 1
        large = random.random() < explore
        score = float(random.random() < (0.9 if large else 0.2 if hard else 0.9))
        row = {
            "request_id": f"r{i}",
            "prompt": (HARD if hard else EASY)[i // 2],
            "model": "large" if large else "small",
            "score": score,
            "cost_usd": 0.01 if large else 0.001,
            "propensities": {"small": 1 - explore, "large": explore},
        }
        found.append(row | changes)
    return found


def test_each_estimate_finds_what_the_policy_would_have_got() -> None:
    found = replay(rows(), TO_LARGE_WHERE_HARD, ALL_TO_LARGE, groups="off")
    assert (found.n, found.refused, found.largest_weight) == (400, (), 2.0)
    assert found.shares == {"large": 0.5, "small": 0.5}
    for kind in ("ips", "snips", "dr"):
        assert found.value[kind].low < 0.9 < found.value[kind].high
        assert found.cost_usd[kind].low <= 0.0055 <= found.cost_usd[kind].high
        assert found.gain is not None
        assert found.gain[kind].low < 0 < found.gain[kind].high
        assert found.saving is not None
        assert found.saving[kind].low > 0
    assert found.logged["score"] is not None
    assert found.logged["score"] < 0.8
    widths = {kind: estimate.high - estimate.low for kind, estimate in found.value.items()}
    assert max(widths["dr"], widths["snips"]) < widths["ips"]


def test_estimates_cover_the_truth_on_tables_turned_into_logs() -> None:
    """200 logs of one table: at 95 %, at least 180 of them (less would come by chance once in thousands)."""
    random = np.random.default_rng(0)
    n, inside = 250, dict.fromkeys(("ips", "snips", "dr"), 0)
    features = random.normal(size=(2000, 5))
    chances = 1 / (1 + np.exp(-features @ random.normal(size=(5, 3)) - [0, 1, 2]))
    table = (random.random((2000, 3)) < chances).astype(float)
    policy = np.where(features[:, 0] > 0, 2, 0)
    truth = table[np.arange(2000), policy].mean()
    propensities = np.full((2000, 3), 0.1)
    propensities[np.arange(2000), np.where(features[:, 1] > 0, 1, 0)] += 0.7
    narrower = 0
    for _ in range(200):
        at = random.choice(2000, n)
        chosen = (random.random((n, 1)) > propensities[at].cumsum(1)[:, :2]).sum(1)
        got, groups = table[at, chosen], np.unique(at, return_inverse=True)[1]
        folds = [(np.arange(n)[groups % 5 != k], np.arange(n)[groups % 5 == k]) for k in range(5)]
        expected = expectations(LoggedTexts(csr_matrix((n, 1)), features[at], folds), chosen, got, 3)
        of = np.arange(n)
        weights = (chosen == policy[at]) / propensities[at, chosen]
        weighed = estimators.Weighed(weights, expected[of, policy[at]], expected[of, chosen])
        found = {
            "ips": estimators.ips(weighed, got, groups),
            "snips": estimators.snips(weighed, got, groups),
            "dr": estimators.doubly_robust(weighed, got, groups),
        }
        for kind, estimate in found.items():
            inside[kind] += estimate.low <= truth <= estimate.high
        narrower += found["dr"].high - found["dr"].low <= found["ips"].high - found["ips"].low
    assert min(inside.values()) >= 180, inside
    assert narrower >= 195


def test_a_kind_of_request_that_never_reached_a_model_is_refused() -> None:
    log = [
        row | ({"model": "small", "propensities": {"small": 1.0}} if row["prompt"] in HARD[:50] else {})
        for row in rows()
    ]
    found = replay(log, ALL_TO_LARGE, groups="off")
    assert found.n == 350
    assert sum(refusal.n for refusal in found.refused) == 50
    assert "large" in str(found.refused[0])
    assert "explore" in found.refused[0].log
    assert {o.kind: o.told for o in found.overlap}["simple"] == 1.0


def test_of_a_log_without_exploration_nothing_is_told_of_another_model() -> None:
    found = replay(rows(explore=0.0, propensities={"small": 1.0}), ALL_TO_LARGE, groups="off")
    assert found.value == {}
    assert "no request ever reached large" in found.verdict


def test_propensities_that_are_not_those_of_the_draw_are_doubted() -> None:
    found = read_log(rows(explore=0.5, propensities={"small": 0.9, "large": 0.1}))
    assert "cannot be trusted" in found.notes[0]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"propensities": {"small": 0.5, "large": 0.2}}, "add up to 1"),
        ({"propensities": {"other": 1.0}}, "had no probability"),
        ({"propensities": "{no"}, "no JSON"),
        ({"propensities": None}, "no 'propensities'"),
        ({"score": 3.0}, "not from 0 to 1"),
        ({"score": None}, "no 'score'"),
        ({"prompt": None}, "no 'prompt'"),
    ],
)
def test_a_row_that_cannot_be_is_named(change: Any, word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word):
        read_log(rows(20, **change))


def test_requests_without_feedback_are_left_out_and_told() -> None:
    found = read_log([row | ({"score": None} if i % 4 == 0 else {}) for i, row in enumerate(rows(40))])
    assert (len(found), found.rows) == (30, 40)
    assert "10 of 40 requests" in found.notes[0]


def test_the_services_own_log_is_read(tmp_path: Path) -> None:
    log = FileLog(tmp_path / "log.sqlite")
    log.write(
        [
            Decision(
                chat_id=row["request_id"],
                request_id=row["request_id"],
                created=float(i),
                model=row["model"],
                score=row["score"],
                prompt=row["prompt"],
                propensities=json.dumps(row["propensities"]),
            )
            for i, row in enumerate(rows(60))
        ]
    )
    log.close()
    found = read_log(tmp_path / "log.sqlite")
    assert (len(found), found.models, found.ids[0]) == (60, ("large", "small"), "r0")
    assert replay(found, ALL_TO_LARGE, groups="off").cost_usd == {}  # none was logged


def test_the_command_prints_the_answer_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(map(json.dumps, rows(120))), "utf-8")
    policy = save_policy(ALL_TO_LARGE, tmp_path / "p.json")
    with pytest.raises(SystemExit) as ended:
        cli.main(["replay", str(path), "--policy", str(policy), "--json"])
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert {"n", "ess", "value", "cost_usd", "refused"} <= set(found)
    assert {"ips", "snips", "dr"} <= set(found["value"])
    assert set(found["value"]["dr"]) == {"estimate", "low", "high"}
