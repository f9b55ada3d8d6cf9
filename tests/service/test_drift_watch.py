"""What a service does once its requests are no longer those that its policy was fitted on."""

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from support.policies import TableEstimator

from autopicker_lab.chat.pipeline import Pipeline
from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest, ModelSpec, RoutePolicy, Tier
from autopicker_lab.routing import Requirements, choose
from autopicker_lab.service.chat.completion import routing_object
from autopicker_lab.service.drift_watch import DriftWatch
from autopicker_lab.service.observation.answer_record import AnswerRecord
from autopicker_lab.service.request.auth import Caller
from autopicker_lab.service.routes.monitoring import metrics
from autopicker_lab.tuning.departing_keys import DepartingKey

PROMISE = {"loss": 0.05, "confidence": 0.9, "feasible": True, "bound": 0.04, "cheap_share": 0.5, "calibration_n": 300}
ALIKE = {"small": 0.8, "large": 0.8}
POLICY = RoutePolicy(
    "fitted",
    (Tier(0, 0.1),),
    {"small": 0.5, "large": 0.9},
    estimator=TableEstimator(("small", "large"), {}, ALIKE),
    pair=("small", "large"),
    cost_weight=1.0,
    costs={"small": 0.0, "large": 1.0},
    edges=(40.0, 60.0),
    shares=(0.3, 0.4, 0.3),
    promise=PROMISE,
)
SPECS = [ModelSpec("small", "local"), ModelSpec("large", "openai")]


def routed(policy: RoutePolicy, specs: Any = None) -> Any:
    return choose(score(ChatRequest.of("Hello")), specs or SPECS, policy, Requirements(10), question="Hello")


def watch(policy: RoutePolicy, scores: list[float]) -> tuple[Any, DriftWatch]:
    pipeline = Pipeline(None, policy, score, None)  # type: ignore[arg-type]  # neither is asked
    decisions: Any = SimpleNamespace(
        routing_scores=lambda name: scores if name == policy.id else [], routing_features=lambda _: []
    )
    return pipeline, DriftWatch(pipeline, decisions)


def test_a_promise_stands_beside_the_answers_that_it_covers() -> None:
    route = routed(POLICY)
    assert route.model == "small"
    assert routing_object(route, "small")["promise"] == PROMISE
    assert route.to_dict()["promise"] == PROMISE


@pytest.mark.parametrize(
    ("policy", "specs"),
    [
        (POLICY, SPECS[:1]),  # the model that the loss is counted against cannot be asked
        (replace(POLICY, promise={**PROMISE, "feasible": False}), SPECS),
        (replace(POLICY, by_tiers=True), SPECS),
        (replace(POLICY, promise={}), SPECS),
    ],
)
def test_and_beside_no_others(policy: RoutePolicy, specs: Any) -> None:
    assert "promise" not in routing_object(routed(policy, specs), "small")


async def test_drift_withdraws_a_promise() -> None:
    pipeline, drift = watch(POLICY, [90.0] * 600)
    await drift.look()
    assert pipeline.policy.id == POLICY.id  # it routes on
    assert "promise" not in routing_object(routed(pipeline.policy), "small")
    assert "what the policy promised no longer holds" in drift.measure().verdict


async def test_on_drift_the_incumbent_takes_all() -> None:
    policy = replace(POLICY, on_drift="incumbent")
    pipeline, drift = watch(policy, [90.0] * 600)
    assert routed(pipeline.policy).model == "small"
    await drift.look()
    assert routed(pipeline.policy).model == "large"
    await drift.look()  # it does not come back by itself
    assert routed(pipeline.policy).model == "large"
    assert "all requests go to its best single model" in drift.measure().verdict


@pytest.mark.parametrize("scores", [[90.0] * 100, [30.0, 50.0, 50.0, 70.0] * 200])
async def test_too_few_or_the_same_requests_change_nothing(scores: list[float]) -> None:
    policy = replace(POLICY, on_drift="incumbent", shares=(0.25, 0.5, 0.25))
    pipeline, drift = watch(policy, scores)
    await drift.look()
    assert pipeline.policy is policy


@pytest.mark.parametrize("unfamiliar", [False, True])
def test_the_log_says_whether_estimates_decided(unfamiliar: bool) -> None:
    route = replace(routed(POLICY), unfamiliar=unfamiliar)
    row = AnswerRecord("1", "1", Caller(), "small", route).decision(0.0, None, ("tokens", "unfamiliar"))
    assert json.loads(row.features or "") == {"tokens": route.complexity.features["tokens"], "unfamiliar": unfamiliar}


@pytest.mark.parametrize("own_key", [False, True])
def test_keys_that_depart_are_named_to_whoever_runs_the_service_alone(own_key: bool) -> None:
    found = DepartingKey("k1", 30, 0.9, 0.4)
    state: Any = MagicMock()
    state.cache.size.return_value = (0, 0)
    state.drift.departing_keys.return_value = (found,)
    caller = Caller("k2", MagicMock()) if own_key else Caller("api-key")
    told = asyncio.run(metrics(state, caller))
    assert told["departing_keys"] == ([] if own_key else [found.to_dict()])
