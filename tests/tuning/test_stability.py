"""How often a policy decides alike when prompts are reworded."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.outcomes import MODELS, table
from typer.testing import CliRunner

from autopicker_lab.cli.app import app
from autopicker_lab.core import RoutePolicy, Tier
from autopicker_lab.routing import default_policy, save_policy
from autopicker_lab.tuning import OutcomeMatrix, evaluate, gate, tune
from autopicker_lab.tuning.conversations import question_of, with_question
from autopicker_lab.tuning.rewordings import copies_of
from autopicker_lab.tuning.stability import measure_stability, reworded_choices
from autopicker_lab.tuning.variants import VARIANTS, variants_of


@dataclass(frozen=True)
class Scripted:
    """Estimates by a test of the text."""

    goes_up: Callable[[str], bool]
    models: tuple[str, ...] = MODELS
    fingerprint: str = "scripted"

    def estimate(self, text: str, features: Any) -> dict[str, float]:
        return {MODELS[0]: 0.5, MODELS[1]: 0.9 if self.goes_up(text) else 0.5}

    def is_unfamiliar(self, text: str) -> bool:
        return False

    def part_read(self, text: str) -> str:
        return ""

    def own_language(self, text: str) -> str:
        return ""

    def to_dict(self) -> dict[str, Any]:
        return {}


def policy(goes_up: Callable[[str], bool], name: str = "scripted") -> RoutePolicy:
    return RoutePolicy(
        name,
        (Tier(0, 0.0),),
        dict(zip(MODELS, (0.5, 0.7), strict=True)),
        estimator=Scripted(goes_up),
        pair=MODELS,
        cost_weight=0.1,
        costs=dict(zip(MODELS, (0.0, 1.0), strict=True)),
    )


def sums(text: str) -> bool:
    return "37" in text


def by_case(text: str) -> bool:
    return "Divide" in text


SENT_UP = {
    "on easy": lambda text: "ello" in text or "ELLO" in text,
    "right": sums,
    "brittle": lambda text: text.startswith("Divide"),
}


@pytest.fixture(scope="module")
def outcomes() -> OutcomeMatrix:
    return OutcomeMatrix.from_table(table(160, usd=True), groups="off")


def test_each_kind_rewords_and_no_fit_has_seen_its_words() -> None:
    text = "Which river flows through the old town? It's long - but isn't deep."
    reworded = variants_of(text)
    assert list(reworded) == list(VARIANTS)
    assert [kind for kind, variant in reworded.items() if variant == text] == []
    assert variants_of(text) == reworded
    seen = {word for copy in copies_of(["x"] * 300, 0) for line in copy for word in line.split()}
    others = set(reworded["ten other words after"].split()[-10:])
    assert len(others - seen) == 10


def test_what_changes_no_choice_agrees_wholly_and_what_does_is_named(outcomes: OutcomeMatrix) -> None:
    stable, brittle = (measure_stability(policy(test), outcomes) for test in (sums, by_case))
    assert stable is not None
    assert brittle is not None
    rows = {row.name: row.agreement for row in brittle.by_kind}
    assert rows["capitals"].value == pytest.approx(0.5, abs=0.1)  # the easy half never goes up
    assert rows["quoted"].value == 1
    assert rows["quoted"].low < 1
    assert stable.agreement.value > 0.97
    assert stable.is_stable
    assert brittle.agreement.high < stable.agreement.low
    assert brittle.worst_tenth.value < brittle.agreement.value
    assert brittle.worst_tenth.low <= brittle.worst_tenth.value <= brittle.worst_tenth.high


def test_languages_have_rows_of_their_own() -> None:
    german = [f"Wie viele Menschen wohnten im Jahr 18{i} in der Stadt, und woher kamen sie?" for i in range(10, 70)]
    english = [f"How many people lived in the city in 18{i}, and where did they come from?" for i in range(10, 70)]
    rows = [
        {"prompt_id": f"{i}", "prompt": text, "model": model, "score": float(k or i % 3 > 0)}
        for i, text in enumerate(german + english)
        for k, model in enumerate(MODELS)
    ]
    matrix = OutcomeMatrix.from_table(pd.DataFrame(rows), groups="off")
    found = measure_stability(policy(lambda text: "Jahr" in text), matrix)
    assert found is not None
    assert {row.name for row in found.by_language} >= {"de", "en"}
    shares = {row.name: row.agreement.value for row in found.by_language}
    assert shares["de"] < shares["en"]


def test_the_last_question_of_a_conversation_is_reworded() -> None:
    said = [("user", "Hello"), ("assistant", "Hi"), ("user", "What is 2 + 2?")]
    prompt = json.dumps([{"role": role, "content": text} for role, text in said])
    changed = with_question(prompt, "WHAT IS 2 + 2?")
    assert question_of(changed) == "WHAT IS 2 + 2?"
    assert json.loads(changed)[:2] == json.loads(prompt)[:2]
    assert with_question("What?", "WHAT?") == "WHAT?"


def test_the_gate_refuses_what_is_less_stable_beyond_noise() -> None:
    random_scores = np.random.default_rng(0).random
    rows = []
    for i in range(200):
        hard = i % 2
        prompt = f"Divide {i * 77} by 37 at once." if hard else f"Say hello to my neighbour number {i}."
        rows += [
            {
                "prompt_id": f"{i}",
                "prompt": prompt,
                "model": MODELS[0],
                "score": float(random_scores() < 0.9 - 0.8 * hard),
            },
            {"prompt_id": f"{i}", "prompt": prompt, "model": MODELS[1], "score": 1.0},
        ]
    matrix = OutcomeMatrix.from_table(pd.DataFrame(rows), groups="off")
    on_easy, right, brittle = (policy(test, name) for name, test in SENT_UP.items())
    assert gate(matrix, on_easy, right).passed
    refused = gate(matrix, on_easy, brittle)
    assert not refused.passed
    assert refused.quality.low > 0
    assert refused.stability is not None
    assert refused.stability.high < -0.02
    assert "reworded" in refused.verdict
    assert refused.to_frame()["of"].tolist()[-1] == "stability"
    assert gate(matrix, right, on_easy).stability is None  # it is worse, and not asked further


def test_evaluate_rewords_where_it_is_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    table(120).to_csv(path, index=False)
    saved = save_policy(default_policy(), tmp_path / "policy.json")
    runner = CliRunner()
    words = ["evaluate", str(path), "--policy", str(saved), "--groups", "off"]
    found = json.loads(runner.invoke(app, [*words, "--rewordings", "--json"]).stdout)
    assert [row["name"] for row in found["stability"]["by_kind"]] == list(VARIANTS)
    assert evaluate(path, saved, groups="off").stability is None


def test_a_tuned_policy_says_how_stable_it_is() -> None:
    report = tune(table(160), groups="off", folds=2, repeats=1, cascade="off")
    assert report.stability is not None
    assert report.policy.card["stability"] == report.stability.to_dict()
    assert any("Reworded" in section.title for section in report.sections())
    told = report.with_stability(measure_stability(policy(SENT_UP["brittle"]), report.outcomes))
    assert "reworded, " in told.verdict.sentence
    assert told.policy.card["verdict"] == told.verdict.sentence
    assert told.policy.id == report.policy.id


def test_a_question_is_shown_with_its_rewordings_and_what_changes_sides(outcomes: OutcomeMatrix) -> None:
    found = reworded_choices(policy(by_case), outcomes, "Divide 12 by 37").set_index("rewording")
    assert list(found.index) == ["as it is", *VARIANTS]
    assert found["text"]["capitals"] == "DIVIDE 12 BY 37"
    assert found["model"]["as it is"] == MODELS[1]
    assert set(found.index[found["changed"]]) >= {"capitals", "small letters"}
    assert not found["changed"]["quoted"]
