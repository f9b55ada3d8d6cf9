"""One rule for cascades, too: what goes up on a table goes up when it is served, and a policy's file says the same."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.policies import MODELS, SHARES, outcome_matrices, policies

from autopicker_lab.complexity import score
from autopicker_lab.core import (
    Cascade,
    ChatReply,
    ChatRequest,
    InvalidRequestError,
    ModelSpec,
    ModelUnavailableError,
)
from autopicker_lab.routing import Requirements, choose, default_policy, load_policy, save_policy
from autopicker_lab.routing.cascade_rule import goes_up
from autopicker_lab.routing.signals import signals_of
from autopicker_lab.tuning.choices import route_outcomes, stand_in_specs
from autopicker_lab.tuning.whatif import compare_on

THOROUGH = settings(max_examples=200, deadline=None, derandomize=True)
CASCADE = Cascade("ant", "bee", "logprob_min", (-3.0, -1.0), (0.2, 0.9), (0.4, -0.1), 0.25, 0.1, max_tokens=99)
VALUES = st.sampled_from([-9.0, -2.0, -1.0, -0.5, 0.0]) | st.floats(-20, 0)


@st.composite
def cascades(draw: st.DrawFn, models: tuple[str, ...] = MODELS) -> Cascade:
    first, then = draw(st.permutations(models))[:2]
    values = tuple(sorted(draw(st.sets(VALUES, min_size=1, max_size=4))))
    right = tuple(draw(SHARES) for _ in values)
    gains = tuple(draw(SHARES) - draw(SHARES) for _ in values)
    weight = draw(st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    least = draw(st.sampled_from([-1.0, 0.0, 0.1, 0.5]) | st.floats(-1, 1))
    return Cascade(first, then, "logprob_min", values, right, gains, weight, least, draw(st.booleans()))


def served(policy: Any, outcomes: Any, signals: Any, checking: Any) -> list[tuple[str, float]]:
    """Who answers each prompt where these models are the catalogue, and what was paid for it.

    Args:
        checking: what the signal costs, shape (n, models).
    """
    specs, costs = stand_in_specs(outcomes), outcomes.costs
    answers = []
    for i, prompt in enumerate(outcomes.prompts):
        request = ChatRequest.of(prompt, options={"metadata": {"task": outcomes.tasks[i]}})
        needs = Requirements(request.token_count, 256)
        route = choose(score(request), specs, policy, needs, question=request.question, task=request.task)
        first = outcomes.models.index(route.model)
        step = route.cascade
        value = None if np.isnan(signals[i, first]) else float(signals[i, first])
        if step is None:
            answers.append((route.model, costs[i, first]))
            continue
        held = costs[i, first] + checking[i, first]
        if goes_up(step.cascade, value, step.prompt_gain):
            answers.append((step.then, held + costs[i, outcomes.models.index(step.then)]))
        else:
            answers.append((route.model, held))
    return answers


@THOROUGH
@given(policies(), cascades(), outcome_matrices(), st.data())
def test_what_goes_up_on_a_table_goes_up_when_it_is_served(policy: Any, cascade: Any, outcomes: Any, data: Any) -> None:
    n, models = outcomes.scores.shape
    drawn = data.draw(st.lists(VALUES | st.just(float("nan")), min_size=n * models, max_size=n * models))
    signals = np.array(drawn).reshape(n, models)
    policy = replace(policy, cascade=cascade)
    priced = data.draw(st.booleans())
    checking = np.array(data.draw(st.lists(SHARES, min_size=n * models, max_size=n * models))).reshape(n, models)
    checking *= priced
    prices = {"logprob_min": checking} if priced else {}
    outcomes = replace(outcomes, signals={"logprob_min": signals}, signal_costs=prices)
    try:
        expected = served(policy, outcomes, signals, checking)
    except ModelUnavailableError:
        with pytest.raises(ModelUnavailableError):
            route_outcomes(policy, outcomes)
        return
    routed = route_outcomes(policy, outcomes)
    answering = routed.outcomes.answering(routed.choices)
    assert [outcomes.models[i] for i in answering] == [model for model, _ in expected]
    assert routed.paid[1].tolist() == pytest.approx([cost for _, cost in expected])
    assert routed.paid[0].tolist() == outcomes.scores[np.arange(n), answering].tolist()
    compared = compare_on(outcomes, default_policy(), policy)
    assert compared.cost is not None
    assert compared.cost[1] == pytest.approx(np.mean([cost for _, cost in expected]))


def test_a_cascade_stands_in_the_policys_file_and_in_its_id(tmp_path: Path) -> None:
    policy = replace(default_policy(), cascade=CASCADE)
    loaded = load_policy(save_policy(policy, tmp_path / "p.json"))
    assert (loaded.cascade, loaded.id) == (CASCADE, policy.id)
    assert replace(policy, cascade=replace(CASCADE, least_gain=0.2)).id != policy.id
    assert "cascade" not in json.loads(save_policy(default_policy(), tmp_path / "d.json").read_text())


@pytest.mark.parametrize(
    "change",
    [
        {"signal": "mood"},
        {"signal": "agreement:0"},
        {"signal": "agreement:many"},
        {"signal": "regex:("},
        {"values": [-1.0, -3.0]},
        {"right": [0.5]},
        {"values": [], "right": [], "gains": []},
        {"then": "ant"},
        {"prompt_weight": 2},
        {"max_tokens": 0},
        {"max_s": 0},
        {"always": "yes"},
        {"gains": ["a", "b"]},
        {"first": None, "least_gain": None},
    ],
)
def test_a_damaged_cascade_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = save_policy(replace(default_policy(), cascade=CASCADE), tmp_path / "p.json")
    raw = json.loads(path.read_text())
    path.write_text(json.dumps(raw | {"cascade": raw["cascade"] | change}))
    with pytest.raises(InvalidRequestError):
        load_policy(path)


def test_a_route_tells_of_its_cascade_and_of_why_there_is_none() -> None:
    policy = replace(default_policy(), cascade=replace(CASCADE, always=True))
    ant, bee = (ModelSpec(name, "openai", quality=quality) for name, quality in (("ant", 0.2), ("bee", 0.9)))
    request = ChatRequest.of("Why?")
    needs = Requirements(request.token_count)
    route = choose(score(request), [ant, bee], policy, needs)
    assert (route.model, route.cascade and route.cascade.then) == ("ant", "bee")
    assert "bee is asked, too, where by logprob_min" in route.reason
    assert route.to_dict()["cascade"] == {"then": "bee", "signal": "logprob_min"}
    silent = choose(score(request), [replace(ant, drop=("logprobs",)), bee], policy, needs)
    assert (silent.model, silent.cascade) == ("bee", None)
    assert "drops logprobs" in silent.reason
    alone = choose(score(request), [ant, bee], policy, needs, {"bee": "is down"})
    assert (alone.model, alone.cascade) == ("ant", None)


def reply(*rows: Any) -> ChatReply:
    return ChatReply("x", "m", raw={"choices": [{"logprobs": {"content": list(rows)}}]})


def test_signals_are_made_of_the_log_probabilities_of_an_answer() -> None:
    likely = [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1}]
    first = {"token": "a", "logprob": -0.5, "top_logprobs": likely}
    second = {"token": "c", "logprob": -1.5, "top_logprobs": [{"token": "d", "logprob": -0.25}]}
    assert signals_of(reply(first, second)) == {
        "logprob_mean": -1.0, "logprob_min": -1.5, "margin_mean": -0.375, "margin_min": -1.25
    }  # fmt: skip
    assert signals_of(reply(first | {"logprob": -9999.0}))["logprob_min"] == -100
    assert set(signals_of(reply({"token": "a", "logprob": -1}))) == {"logprob_mean", "logprob_min"}


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"choices": []},
        {"choices": [{"logprobs": None}]},
        {"choices": [{"logprobs": {"content": None}}]},
        {"choices": [{"logprobs": {"content": [{"token": "a"}]}}]},
        {"choices": [{"logprobs": {"content": [{"logprob": "-1"}, {"logprob": -1}]}}]},
        {"choices": [{"logprobs": {"content": [{"logprob": float("nan")}]}}]},
        {"choices": [{"logprobs": []}]},
    ],
)
def test_an_answer_without_whole_log_probabilities_has_no_signals(raw: Any) -> None:
    assert signals_of(ChatReply("x", "m", raw=raw)) == {}
