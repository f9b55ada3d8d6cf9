import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.policies import TableEstimator

from autopicker_lab import Workbench
from autopicker_lab.complexity import MAX_POINTS, score
from autopicker_lab.core import (
    ChatRequest,
    Complexity,
    ContextLengthError,
    Document,
    Factor,
    InvalidRequestError,
    ModelSpec,
    ModelUnavailableError,
    Part,
    RoutePolicy,
    Tier,
)
from autopicker_lab.routing import Requirements, choose, default_policy, is_local, load_policy, save_policy

SMALL = ModelSpec("small", "local", quality=0.2, context_window=2000)
MIDDLE = ModelSpec("middle", "openai", endpoint="https://api.example/v1", quality=0.6, price_in=1, price_out=2)
LARGE = ModelSpec("large", "openai", endpoint="https://api.example/v1", quality=0.9, price_in=10, price_out=30)
SPECS = [LARGE, SMALL, MIDDLE]
POLICY = RoutePolicy("p", (Tier(0, 0), Tier(30, 0.5), Tier(60, 0.8)))


def hard(points: float) -> Complexity:
    return Complexity((Factor("length", 1, points, ""),), 500)


@pytest.mark.parametrize(
    ("points", "model"), [(0, "small"), (29.9, "small"), (30, "middle"), (60, "large"), (99, "large")]
)
def test_the_cheapest_model_that_reaches_the_tier(points: float, model: str) -> None:
    route = choose(hard(points), SPECS, POLICY, Requirements(100))
    assert route.model == model
    assert set(route.fallbacks) == {"small", "middle", "large"} - {model}
    assert f"{points:.0f}" in route.reason
    assert {c.model for c in route.candidates} == {"small", "middle", "large"}


def test_fallbacks_go_from_best_to_weakest() -> None:
    assert choose(hard(0), SPECS, POLICY, Requirements(100)).fallbacks == ("large", "middle")


def test_the_best_there_is_when_none_reaches_the_tier() -> None:
    route = choose(hard(80), [SMALL, MIDDLE], POLICY, Requirements(100))
    assert route.model == "middle"
    assert "no available model reaches it" in route.reason


def test_what_is_not_available_is_never_chosen_and_says_why() -> None:
    route = choose(hard(80), SPECS, POLICY, Requirements(100), {"large": "it is down"})
    assert route.model == "middle"
    assert "large" not in route.fallbacks
    assert next(c.why for c in route.candidates if c.model == "large") == "it is down"


def test_nobody_available() -> None:
    with pytest.raises(ModelUnavailableError, match="small: down"):
        choose(hard(1), [SMALL], POLICY, Requirements(10), {"small": "down"})


def test_a_context_window_that_is_too_small_drops_a_model() -> None:
    assert choose(hard(0), SPECS, POLICY, Requirements(1900, 256)).model == "middle"
    with pytest.raises(ContextLengthError, match="2,000"):
        choose(hard(0), [SMALL], POLICY, Requirements(2500))


def test_a_capability_some_model_has_is_a_condition_and_one_that_none_has_a_warning() -> None:
    seeing = ModelSpec("seeing", "openai", capabilities=frozenset({"text", "images"}), price_in=5, price_out=5)
    needs = Requirements(10, 10, frozenset({"images"}))
    assert choose(hard(0), [SMALL, seeing], POLICY, needs).model == "seeing"
    route = choose(hard(0), [SMALL], POLICY, needs)
    assert route.model == "small"
    assert "images" in route.warnings[0]


def test_a_policy_can_keep_requests_here() -> None:
    route = choose(hard(90), SPECS, RoutePolicy("p", POLICY.tiers, local_only=True), Requirements(10))
    assert route.model == "small"
    assert not route.fallbacks
    assert not is_local(MIDDLE)
    assert is_local(ModelSpec("x", "ollama", endpoint="http://127.0.0.1:11434"))


def test_a_policy_knows_better_than_the_catalogue() -> None:
    policy = RoutePolicy("p", POLICY.tiers, {"small": 0.95})
    assert choose(hard(90), SPECS, policy, Requirements(10)).model == "small"


ESTIMATES = TableEstimator(
    ("small", "middle", "api-large"),
    {"hard": {"small": 0.1, "middle": 0.5, "api-large": 0.9}},
    {"small": 0.8, "middle": 0.85, "api-large": 0.9},
)
NAMED = ModelSpec("large", "openai", model="api-large", endpoint="https://api.example/v1", price_in=10, price_out=30)
LEARNED = RoutePolicy(
    "learned",
    POLICY.tiers,
    {"small": 0.4, "middle": 0.6, "api-large": 0.9},
    estimator=ESTIMATES,
    pair=("small", "api-large"),
    cost_weight=10,
    costs={"small": 0, "middle": 0.001, "api-large": 0.03},
)


def learned(
    question: Any, specs: Any = (SMALL, MIDDLE, NAMED), policy: Any = LEARNED, earlier: Any = (), **needs: Any
) -> Any:
    return choose(hard(10), specs, policy, Requirements(100, **needs), question=question, earlier=earlier)


@pytest.mark.parametrize(
    ("question", "weight", "model"),
    [
        ("easy", 0, "large"),
        ("easy", 10, "middle"),
        ("easy", 100, "small"),
        ("hard", 10, "large"),
        ("hard", 50, "middle"),
    ],
)
def test_estimated_quality_minus_the_weighted_cost(question: str, weight: int, model: str) -> None:
    route = learned(question, policy=replace(LEARNED, cost_weight=weight))
    assert route.model == model
    assert next(c.quality for c in route.candidates if c.model == "large") == 0.9  # known by the provider's name
    assert "estimated" in route.reason


def test_the_routing_score_is_the_expected_gain_of_the_strong_model() -> None:
    assert learned("hard").score == pytest.approx(50 + 50 * 0.8)
    assert learned("easy").score == pytest.approx(50 + 50 * 0.1)
    assert choose(hard(10), SPECS, POLICY, Requirements(100)).score == 10


def test_where_no_model_of_the_estimates_can_the_tiers_decide() -> None:
    other = ModelSpec("other", "local", quality=0.3)
    route = learned("hard", specs=(other,))
    assert route.model == "other"
    assert "none of the policy's models" in route.reason


def test_what_a_policy_does_not_know_is_told() -> None:
    other = ModelSpec("other", "local", quality=0.99)
    assert learned("easy", specs=(SMALL, MIDDLE, other)).reason.endswith("the policy knows nothing of other")
    assert "is the only model of the policy that can take it" in learned("easy", specs=(SMALL,)).reason
    assert choose(hard(10), [SMALL], POLICY, Requirements(100)).reason.endswith(
        "small is the only model that can take it"
    )


def test_a_budget_is_kept_and_says_so() -> None:
    policy = replace(LEARNED, max_cost_usd=0.002)
    route = learned("hard", policy=policy)
    assert route.model == "middle"
    assert "large" not in route.fallbacks
    assert "the policy allows 0.002" in next(c.why for c in route.candidates if c.model == "large")


def test_a_conversation_keeps_its_strength() -> None:
    before = [("hard question", hard(10))]
    route = learned("easy", earlier=before)
    assert route.model == "large"
    assert "stays at that strength" in route.reason
    assert learned("easy", specs=(SMALL, MIDDLE), earlier=before).model == "middle"  # what it got is gone
    assert learned("hard", earlier=[("easy", hard(10))]).model == "large"  # and it may go up
    up = choose(hard(1), SPECS, POLICY, Requirements(100), earlier=[("long ago", hard(70))])
    assert up.model == "large"
    middling = TableEstimator(
        ESTIMATES.models,
        {
            "middle": {"small": 0.1, "middle": 0.9, "api-large": 0.5},
            "strong": {"small": 0.1, "middle": 0.5, "api-large": 0.9},
        },
        {},
    )
    policy = replace(LEARNED, estimator=middling, cost_weight=0)
    asked = [("middle", hard(1)), ("strong", hard(1)), ("middle", hard(1))]
    assert learned("middle", policy=policy, earlier=asked).model == "large"  # held, not only by the last question


def test_the_budget_counts_all_that_the_caller_lets_a_model_write() -> None:
    dear = ModelSpec("dear", "openai", endpoint="https://api.example/v1", price_out=60, max_output=40_000)
    policy = replace(POLICY, max_cost_usd=0.05)
    assert choose(hard(0), [dear], policy, Requirements(100)).model == "dear"
    with pytest.raises(ModelUnavailableError, match="the policy allows"):
        choose(hard(0), [dear], policy, Requirements(100, 512, answer=32_000))


def test_models_that_ollama_hands_on_are_not_on_this_machine() -> None:
    here = "http://127.0.0.1:11434"
    assert is_local(ModelSpec("a", "ollama", model="llama3.2", endpoint=here))
    assert not is_local(ModelSpec("a", "ollama", model="gpt-oss:120b-cloud", endpoint=here))


def test_models_that_only_the_policy_knows_are_told() -> None:
    assert "knows api-large, the catalogue does not" in learned("easy", specs=(SMALL, MIDDLE)).warnings[0]
    assert not learned("easy").warnings


def test_a_policy_survives_its_file(tmp_path: Path) -> None:
    policy = RoutePolicy("mine", POLICY.tiers, {"small": 0.3}, local_only=True, stamp={"n": 12})
    path = save_policy(policy, tmp_path / "policy.json")
    assert load_policy(path) == policy
    with Workbench(policy=str(path)) as lab:
        assert lab.policy == policy
    with pytest.raises(InvalidRequestError, match="cannot read the policy 'nope'"):
        Workbench(policy="nope")
    assert [p.name for p in tmp_path.iterdir()] == ["policy.json"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"format": 99}, "format 99"),
        ({"tiers": []}, "start at score 0"),
        ({"tiers": [{"min_score": 5, "min_quality": 0}]}, "start at score 0"),
        ({"tiers": [{"min_score": 0}]}, "min_quality"),
        ({"qualities": {"a": "good"}}, "good"),
        ({"qualities": 3}, "lacks or misspells"),
        ({"qualities": {"a": float("inf")}}, "inf"),
        ({"local_only": "no"}, "for true or false"),
        ({"cost_weight": -1}, "negative"),
        ({"cost_weight": 10**400}, "lacks or misspells"),
        ({"pair": ["a"]}, "lacks or misspells"),
        ({"edges": [2, 1], "shares": [0.1, 0.2, 0.7]}, "must ascend"),
        ({"scorer": "heuristic-1"}, "made for scorer 'heuristic-1'"),
        ({"edges": [1], "shares": [1]}, "one share more"),
    ],
)
def test_a_policy_file_that_is_wrong_is_named(tmp_path: Path, change: Any, word: str) -> None:
    path = save_policy(default_policy(), tmp_path / "policy.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InvalidRequestError, match=word):
        load_policy(path)


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_a_policy_file_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(InvalidRequestError):
        load_policy(tmp_path / "p.json")
    with pytest.raises(InvalidRequestError, match="cannot read"):
        load_policy(tmp_path / "nothing.json")


PROMPTS = [
    "",
    "Hi",
    "What is the capital of France?",
    "Prove that the square root of two is irrational, step by step, and compare two proofs.",
    "```python\ndef f(x):\n    return x == 1\n```\nRefactor this function so that it must never raise. Explain why.",
    "Solve $x^2 + 3x = 10$; how many solutions are there?",
    "为什么天空是蓝色的？",
    "word " * 20_000,
    "- a\n" * 5_000 + "?" * 5_000 + "why " * 5_000 + "{};=>" * 5_000 + "\\frac ∑ 3 + 4 " * 2_000,
]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_points_add_up_and_stay_in_bounds(prompt: Any) -> None:
    complexity = score(ChatRequest.of(prompt))
    assert complexity.score == pytest.approx(sum(f.points for f in complexity.factors), abs=1e-9)
    assert 0 <= complexity.score <= 100
    assert [f.name for f in complexity.factors] == list(MAX_POINTS)
    assert all(0 <= f.points <= MAX_POINTS[f.name] for f in complexity.factors)
    assert all(f.why for f in complexity.factors)


def test_ceilings_add_up_to_a_hundred() -> None:
    assert sum(MAX_POINTS.values()) == 100


def test_harder_looks_harder() -> None:
    ladder = [score(ChatRequest.of(PROMPTS[i])).score for i in (0, 1, 2, 3)]
    assert ladder == sorted(ladder)
    assert ladder[0] == 0
    assert ladder[3] > 3 * ladder[2]


@pytest.mark.parametrize(
    ("prompt", "factor"),
    [
        ("explain why it fails", "reasoning"),
        ("x = {a: 1}; return f(x);", "code"),
        ("what is 3 + 4", "mathematics"),
        ("- one\n- two", "steps"),
        ("answer as json with at most 5 words", "constraints"),
    ],
)
def test_each_factor_sees_its_own(prompt: str, factor: str) -> None:
    found = {f.name: f.points for f in score(ChatRequest.of(prompt)).factors}
    assert found[factor] > 0


def test_files_and_turns_count() -> None:
    plain = score(ChatRequest.of("Summarise"))
    document = Document("a.txt", "txt", (Part("text", "word " * 2000),))
    assert score(ChatRequest.of("Summarise"), [document]).score > plain.score
    turns = [{"role": "user", "content": "Summarise"}] * 4
    assert score(ChatRequest.of(turns)).score > plain.score


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["\n", "1", " ", "\t\n", "a.", "$", "- ", "{ ", "why "])
def test_no_text_makes_scoring_slow(text: str) -> None:
    """A pattern that backtracks would take minutes for a quarter of a million of these."""
    score(ChatRequest.of(text * 250_000))
