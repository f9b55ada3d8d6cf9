"""A question unlike all that was fitted is not decided by an estimate."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest, InvalidRequestError, ModelSpec, RoutePolicy, Tier
from autopicker_lab.routing import Requirements, choose, load_policy, save_policy
from autopicker_lab.routing.estimator import LearnedEstimator
from autopicker_lab.tuning import fitting, tune
from autopicker_lab.tuning.novelty import with_novelty

THINGS = ("river", "city", "battle", "king", "novel", "planet", "metal", "island", "painter", "treaty")
TEXTS = [
    f"Which {thing} of the {century}th century is {word} in Europe?"
    for thing in THINGS
    for century in range(10, 20)
    for word in ("largest", "oldest")
]
FOREIGN = [
    "Какая река протекает через Москву?",
    "भारत की राजधानी क्या है?",
    "水はなぜ青いのですか",
    "Wie heißt die Hauptstadt Ungarns?",
]
SPECS = [ModelSpec(name, "local", context_window=4096) for name in ("weak", "strong")]


@pytest.fixture(scope="module")
def policy() -> RoutePolicy:
    prompts = fitting.prepare_to_fit(TEXTS, np.arange(len(TEXTS)))
    scores = np.random.default_rng(0).random((len(TEXTS), 2)) / 4 + [0.5, 0.55]
    estimator = with_novelty(fitting.fit(prompts, scores, ("weak", "strong")), prompts)
    return RoutePolicy(
        "made-up",
        (Tier(0, 0.0), Tier(50, 0.9)),
        {"weak": 0.6, "strong": 0.7},
        estimator=estimator,
        pair=("weak", "strong"),
        cost_weight=1.0,
        costs={"weak": 0.0, "strong": 1.0},
        unfamiliar="incumbent",
        promise={"feasible": True},
    )


def route(policy: RoutePolicy, question: str) -> tuple[str, str, bool]:
    complexity = score(ChatRequest.of(question))
    found = choose(complexity, SPECS, policy, Requirements(1), question=question)
    return found.model, found.reason, bool(found.promise)


def test_few_of_the_fitted_and_all_of_other_languages_are_unfamiliar(policy: RoutePolicy) -> None:
    assert np.mean([policy.is_unfamiliar(text) for text in TEXTS]) <= 0.02
    assert all(policy.is_unfamiliar(text) for text in FOREIGN)


def test_who_decides_on_an_unfamiliar_question(policy: RoutePolicy) -> None:
    model, reason, promised = route(policy, FOREIGN[0])
    assert (model, promised) == ("strong", False)
    assert reason == "the request is unlike all that the policy was fitted on: strong, the incumbent, is kept"
    assert route(policy, TEXTS[0])[::2] == ("weak", True)
    known, new = (
        choose(score(ChatRequest.of(q)), SPECS, policy, Requirements(1), question=q) for q in (TEXTS[0], FOREIGN[0])
    )
    assert new.to_dict()["unfamiliar"]
    assert "unfamiliar" not in known.to_dict()
    by_tiers = route(replace(policy, unfamiliar="default"), FOREIGN[0])
    assert by_tiers[0] == "weak"
    assert "wants quality 0.00" in by_tiers[1]
    assert route(replace(policy, unfamiliar="estimate"), FOREIGN[0])[::2] == ("weak", True)


def test_a_policy_file_keeps_it_and_older_files_have_none(policy: RoutePolicy, tmp_path: Path) -> None:
    path = save_policy(policy, tmp_path / "policy.json")
    read = load_policy(path)
    assert read.id == policy.id
    assert read.is_unfamiliar(FOREIGN[0])
    raw = json.loads(path.read_text("utf-8"))
    raw.pop("unfamiliar")
    raw["estimator"].pop("novelty")
    path.write_text(json.dumps(raw), "utf-8")
    assert not load_policy(path).is_unfamiliar(FOREIGN[0])
    raw["unfamiliar"] = "somebody"
    path.write_text(json.dumps(raw), "utf-8")
    with pytest.raises(InvalidRequestError, match="unfamiliar"):
        load_policy(path)


def test_one_group_has_no_limit() -> None:
    prompts = fitting.prepare_to_fit(TEXTS[:20], np.zeros(20, int))
    fitted = fitting.fit(prompts, np.random.default_rng(0).random((20, 2)), ("a", "b"))
    assert isinstance(fitted, LearnedEstimator)
    assert with_novelty(fitted, prompts).novelty is None


def test_tune_refuses_an_unknown_word_for_it() -> None:
    with pytest.raises(InvalidRequestError, match="no unfamiliar"):
        tune("nowhere.csv", unfamiliar="somebody")
