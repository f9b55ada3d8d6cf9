import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.outcomes import MODELS, table

from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest, RoutePolicy, Tier
from autopicker_lab.tuning import OutcomeMatrix, read_outcomes
from autopicker_lab.tuning.baselines import heuristic_scores
from autopicker_lab.tuning.choices import route_outcomes
from autopicker_lab.tuning.conversations import as_prompt, question_of, text_of

HARD = "Prove by induction that the algorithm sorts, and derive its complexity: " + "explain each step. " * 60
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": HARD},
    {"role": "assistant", "content": "Done."},
    {"role": "user", "content": "Thanks!"},
]


@pytest.mark.parametrize(
    "cell",
    [
        TALK,
        tuple(TALK),
        np.array(TALK, object),
        json.dumps(TALK),
        repr(TALK),
        {"messages": TALK},
        json.dumps({"messages": TALK}),
    ],
    ids=["list", "tuple", "array", "json", "repr", "object", "json object"],
)
def test_messages_are_read_in_any_form(cell: Any) -> None:
    prompt = as_prompt(cell)
    assert isinstance(prompt, str)
    assert json.loads(prompt) == TALK
    assert question_of(prompt) == "Thanks!"
    assert text_of(prompt).startswith("Be brief.\n\nProve")
    assert heuristic_scores([prompt]) == score(ChatRequest.of(TALK)).score


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2, 3]: what is the sum of this list?",
        '{"role": "user"} is not a message. Why?',
        '[{"role": "user"}]',
        '[{"role": "pirate", "content": 7}]',
        '{"name": "role", "role": 1, "content": 2}',
        "[" * 5000 + '"role"',
        "[]",
        "{",
        "",
    ],
)
def test_a_question_that_only_looks_like_messages_stays_what_it_is(text: str) -> None:
    assert as_prompt(text) == text
    assert question_of(text) == text
    assert text_of(text) == text


def test_one_question_as_a_message_is_that_question() -> None:
    assert as_prompt([{"role": "user", "content": "Why?"}]) == "Why?"
    assert as_prompt([{"role": "user", "content": [{"type": "text", "text": "Why?"}]}]) == "Why?"


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_tables_of_conversations_are_read(tmp_path: Path, suffix: str) -> None:
    rows = pd.DataFrame({"prompt_id": ["a", "a"], "prompt": [TALK, TALK], "model": ["x", "y"], "score": [0, 1]})
    path = tmp_path / f"o{suffix}"
    if suffix == ".jsonl":
        rows.to_json(path, orient="records", lines=True)
    elif suffix == ".csv":
        rows.to_csv(path, index=False)
    else:
        rows.to_parquet(path)
    found = read_outcomes(path)
    assert [json.loads(prompt)[-1]["content"] for prompt in found["prompt"]] == ["Thanks!"] * 2


def test_a_conversation_is_not_routed_below_what_its_earlier_question_got() -> None:
    rows = table(60, usd=True)
    thanks = "Thanks, that was all for today, goodbye!"
    first = rows["prompt_id"] == "p0"
    rows.loc[first, "prompt"] = json.dumps([*TALK[:3], {"role": "user", "content": thanks}])
    rows.loc[rows["prompt_id"] == "p2", "prompt"] = thanks
    outcomes = OutcomeMatrix.from_table(rows)
    policy = RoutePolicy("tiers", (Tier(0.0, 0.0), Tier(40.0, 0.8)), dict(zip(MODELS, (0.5, 0.9), strict=True)))
    choices = dict(zip(outcomes.ids, route_outcomes(policy, outcomes).choices.tolist(), strict=True))
    assert outcomes.models[choices["p0"]] == "large"
    assert outcomes.models[choices["p2"]] == "smollm2-135m"
    assert outcomes.questions[outcomes.ids.index("p0")] == thanks
    assert "1 prompts are conversations" in " ".join(outcomes.notes)
