"""A policy as a change to review: keys, prompts that change sides, quality and cost with intervals."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.outcomes import table

from autopicker_lab import cli
from autopicker_lab.core import InvalidRequestError, RoutePolicy, Tier
from autopicker_lab.routing import default_policy, save_policy
from autopicker_lab.tuning.policy_diff import diff

OLD = RoutePolicy("p", (Tier(0, 0.1),), {"small": 0.5, "large": 0.9}, costs={"small": 0.001, "large": 0.01})
NEW = replace(OLD, tiers=(Tier(0, 0.1), Tier(5, 0.8)), qualities={"small": 0.6, "large": 0.9})
PROMPTS = ["Hello", "Prove that the sum of two integers is an integer, step by step, and compare three theorems." * 4]


def test_keys_and_prompts_that_change_are_told() -> None:
    found = diff(OLD, NEW, prompts=PROMPTS)
    assert [change.key for change in found.keys] == ["tiers", "qualities.small"]
    assert [(c.prompt, c.before, c.after) for c in found.sides.changed] == [(PROMPTS[1], "small", "large")]
    text = found.to_text()
    assert "- qualities.small: 0.5\n+ qualities.small: 0.6" in text
    assert "1 of 2 example prompts change sides" in text


def test_a_policy_does_not_differ_from_itself() -> None:
    found = diff(OLD, replace(OLD, card={"n": 1}), prompts=PROMPTS)
    assert (found.keys, found.sides.changed) == ((), ())
    assert "nothing that decides has changed" in found.to_text()


def test_measured_outcomes_give_quality_and_cost_with_intervals() -> None:
    rows = table(120, models=("small", "large"), usd=True)
    found = diff(OLD, replace(OLD, tiers=(Tier(0, 0.8),)), rows)
    assert found.gain is not None
    assert 0 < found.gain.low < found.gain.value < found.gain.high
    assert found.saving is not None
    assert found.saving.high < 0
    assert len(found.sides.changed) == len(found.sides.requests)
    assert json.loads(json.dumps(found.to_dict()))["gain"]["low"] == found.gain.low


def test_policies_that_know_no_model_need_outcomes() -> None:
    with pytest.raises(InvalidRequestError, match="--outcomes"):
        diff(default_policy(), replace(default_policy(), local_only=True), prompts=PROMPTS)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = (save_policy(policy, tmp_path / f"{i}.json") for i, policy in enumerate((OLD, NEW)))
    with pytest.raises(SystemExit) as ended:
        cli.main(["diff", str(old), str(new), "--json"])
    assert ended.value.code == 0
    found: Any = json.loads(capsys.readouterr().out)
    assert found["keys"][0]["key"] == "tiers"
    assert 0 < len(found["changed"]) <= found["prompts"]
