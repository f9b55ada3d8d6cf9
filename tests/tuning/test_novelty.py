"""A question unlike all that was fitted is not decided by an estimate."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autopicker_lab import assets
from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest, InvalidRequestError, ModelSpec, RoutePolicy, Tier
from autopicker_lab.routing import Requirements, choose, load_policy, save_policy
from autopicker_lab.routing.estimator import LearnedEstimator
from autopicker_lab.tuning import fitting, tune
from autopicker_lab.tuning.novelty import _limit as novelty_limit
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
SUBJECT = [
    "Solve x^2 - 5x + 6 = 0 for real x.",
    "def reverse(items): return items[::-1]",
    "Balance the reaction of methane with oxygen.",
    "Der Zug fährt um acht Uhr ab, wann kommt er an?",
    "Combien coûte un kilo de pommes au marché ?",
    "¿Quién escribió la primera novela moderna?",
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


def test_a_group_of_alike_prompts_weighs_as_one_prompt_in_the_limit() -> None:
    """A template of many rare copies must not raise the limit for all others, nor a common one lower it."""
    rng = np.random.default_rng(0)
    alone = rng.random(400)
    for copies in (np.full(200, 5.0), np.full(200, -5.0)):
        values = np.concatenate([alone, copies])
        limit = novelty_limit(values, np.concatenate([np.arange(400), np.full(200, 400)]))
        assert 0.005 < np.mean(rng.random(4000) > limit) < 0.035


def test_too_few_groups_take_the_highest_value_for_the_limit() -> None:
    assert novelty_limit(np.array([1.0, 3.0, 2.0]), np.arange(3)) == 3


def test_new_halves_are_rarely_called_new_and_another_subject_mostly_is() -> None:
    verbs = ("Explain", "Describe", "Name", "Compare", "Find", "List", "Draw", "Sketch", "State", "Judge")
    places = ("harbour", "market", "castle", "valley", "bridge", "garden", "forest", "tower", "station", "island")
    texts = np.array([f"{verb} the {place} near {thing} 3" for verb in verbs for place in places for thing in THINGS])
    scores = np.random.default_rng(0).random((500, 2))
    rates, found = [], []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(texts))
        prompts = fitting.prepare_to_fit(list(texts[order[:500]]), np.arange(500), seed)
        fitted = fitting.fit(replace(prompts, groups=np.zeros(500, int)), scores, ("a", "b"))
        limited = with_novelty(fitted, prompts, seed)
        rates.append(np.mean([limited.is_unfamiliar(text) for text in texts[order[500:]]]))
        found.append(np.mean([limited.is_unfamiliar(text) for text in SUBJECT]))
    assert np.mean(rates) <= 0.02
    assert min(found) >= 0.8


def test_one_group_has_no_limit() -> None:
    prompts = fitting.prepare_to_fit(TEXTS[:20], np.zeros(20, int))
    fitted = fitting.fit(prompts, np.random.default_rng(0).random((20, 2)), ("a", "b"))
    assert isinstance(fitted, LearnedEstimator)
    assert with_novelty(fitted, prompts).novelty is None


def test_tune_refuses_an_unknown_word_for_it() -> None:
    with pytest.raises(InvalidRequestError, match="no unfamiliar"):
        tune("nowhere.csv", unfamiliar="somebody")


def test_the_same_questions_in_eleven_other_languages_are_new(policy: RoutePolicy) -> None:
    questions = json.loads((assets.outcomes() / "questions_by_language.json").read_text("utf-8"))
    assert len(questions) == 12
    new = {name: np.mean([policy.is_unfamiliar(text) for text in texts]) for name, texts in questions.items()}
    assert min(share for name, share in new.items() if name != "en") >= 0.8
