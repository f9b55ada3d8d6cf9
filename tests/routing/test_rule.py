"""One rule: whatever asks it, for one request or for many, gets the same model for the same figures."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.outcomes import table
from support.policies import COSTS, MODELS, SHARES, TableEstimator, outcome_matrices, policies

from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest, Guard, ModelSpec, ModelUnavailableError, RoutePolicy, Tier
from autopicker_lab.routing import Requirements, choose, default_policy, load_policy, save_policy
from autopicker_lab.routing.rule import Option, prefer, prefer_each
from autopicker_lab.tuning import OutcomeMatrix, evaluate, gate, tune
from autopicker_lab.tuning.choices import choose_each, route_outcomes, stand_in_specs
from autopicker_lab.tuning.curve import cost_quality_curve
from autopicker_lab.tuning.whatif import compare_on
from autopicker_lab.widgets import ThresholdModel
from autopicker_lab.widgets.threshold_model import ESTIMATES, TIERS

THOROUGH = settings(max_examples=400, deadline=None, derandomize=True)


@st.composite
def figures(draw: Any) -> Any:
    """Scores, names, qualities, estimates (None, or with unknown columns) and prices of a few requests."""
    names = draw(st.lists(st.sampled_from(MODELS), min_size=1, max_size=5, unique=True))
    n = draw(st.integers(1, 6))
    scores = np.array(draw(st.lists(st.floats(0, 100), min_size=n, max_size=n)))
    qualities, prices = (np.array([draw(kind) for _ in names]) for kind in (SHARES, COSTS))
    estimates = None
    if draw(st.booleans()):
        estimates = np.array([[draw(SHARES) for _ in names] for _ in range(n)])
        estimates[:, [draw(st.booleans()) for _ in names]] = np.nan
        estimates[[draw(st.booleans()) for _ in range(n)]] = np.nan  # questions unlike all that was fitted
    return scores, names, qualities, estimates, prices


@THOROUGH
@given(policies(), figures())
def test_one_request_and_many_are_decided_alike(policy: Any, given_figures: Any) -> None:
    scores, names, qualities, estimates, prices = given_figures
    columns = prefer_each(policy, scores, names, qualities, estimates, prices)
    for i, column in enumerate(columns):
        seen = [None] * len(names) if estimates is None else [None if np.isnan(e) else float(e) for e in estimates[i]]
        options = [Option(*row) for row in zip(names, qualities.tolist(), seen, prices.tolist(), strict=True)]
        assert prefer(policy, float(scores[i]), options).position == column


@THOROUGH
@given(policies(), figures(), st.sampled_from([0.5, 1.0, 3.0]))
def test_a_stricter_guard_leaves_the_incumbent_no_more_often(policy: Any, given_figures: Any, more: float) -> None:
    scores, names, qualities, estimates, prices = given_figures
    guard = Guard(names[0], 1.0, dict.fromkeys(names, 0.1))
    left = [
        prefer_each(replace(policy, guard=g), scores, names, qualities, estimates, prices) != 0
        for g in (replace(guard, errors={}), replace(guard, z=1 + more), guard, replace(guard, z=0.0))
    ]
    by_estimates = policy.estimator is not None and not policy.by_tiers and estimates is not None
    if by_estimates and not np.isnan(estimates[:, 0]).any():
        assert not left[0].any()
        assert all((strict <= loose).all() for strict, loose in pairwise(left))
        free = prefer_each(replace(policy, guard=None), scores, names, qualities, estimates, prices)
        assert (left[-1] == (free != 0)).all()


@pytest.mark.parametrize(
    ("errors", "told"),
    [({"bee": 0.2}, "bee is not worth 0.40 more by estimate (2 errors)"), ({}, "do not show that leaving it for bee")],
)
def test_a_decision_says_when_the_guard_keeps_the_incumbent(errors: Any, told: str) -> None:
    policy = RoutePolicy(
        "p", (Tier(0, 0.0),), {"ant": 0.5, "bee": 0.7}, costs={"ant": 1.0, "bee": 1.0}, guard=Guard("ant", 2.0, errors),
        estimator=TableEstimator(("ant", "bee"), {"Prove": {"ant": 0.1, "bee": 0.9}}, {"ant": 0.5, "bee": 0.7}),
    )  # fmt: skip
    specs = [ModelSpec(name, "local", context_window=2**20) for name in ("ant", "bee")]

    def asked(text: str) -> Any:
        return choose(score(ChatRequest.of(text)), specs, policy, Requirements(5, 256), question=text)

    assert (asked("Say hello").model, asked("Prove it").model) == ("ant", "bee" if errors else "ant")
    assert told in asked("Say hello").reason
    kept = replace(policy, guard=None)
    assert asked("Say hello").policy != kept.id


def router_choices(policy: Any, outcomes: Any) -> Any:
    """The model of each prompt as the service's router chooses it over models of these qualities and costs."""
    specs = stand_in_specs(outcomes)
    told = zip(outcomes.prompts, outcomes.tasks, strict=True)
    requests = [ChatRequest.of(prompt, options={"metadata": {"task": task}}) for prompt, task in told]
    return [
        choose(score(r), specs, policy, Requirements(r.token_count, 256), question=r.question, task=r.task).model
        for r in requests
    ]


@THOROUGH
@given(policies(), outcome_matrices())
def test_router_tables_and_what_if_choose_alike(policy: Any, outcomes: Any) -> None:
    try:
        expected = router_choices(policy, outcomes)
    except ModelUnavailableError:
        with pytest.raises(ModelUnavailableError):
            route_outcomes(policy, outcomes)
        return
    assert [outcomes.models[i] for i in route_outcomes(policy, outcomes).choices] == expected
    assert [request.after for request in compare_on(outcomes, default_policy(), policy).requests] == expected


@pytest.mark.parametrize("models", [("small", "large"), ("small", "middle", "large")])
@pytest.mark.parametrize("costs", [{}, {"small": 5.0, "middle": 2.0, "large": 1.0}])
def test_evaluate_and_the_gate_choose_the_same_models_on_80_prompts(models: Any, costs: Any) -> None:
    """For a policy with qualities and no costs they once chose different models on 80 of 80 prompts."""
    rows = table(80, models=models, usd=True)
    qualities = dict(zip(models, np.linspace(0.9, 0.6, len(models)).tolist(), strict=True))  # the dear ones are weaker
    policy = RoutePolicy("tiers", (Tier(0, 0.5), Tier(30, 0.65)), qualities, costs=costs)
    outcomes = OutcomeMatrix.from_table(rows)
    expected = router_choices(policy, outcomes)
    choices = route_outcomes(policy, outcomes).choices
    assert [outcomes.models[i] for i in choices] == expected
    report = evaluate(rows, policy)
    scores, paid = outcomes.routed(choices)
    assert (report.quality.value, report.cost) == pytest.approx((scores.mean(), paid.mean()))
    always = replace(policy, name="always", tiers=(Tier(0, 0.0),))
    before, _ = outcomes.routed(route_outcomes(always, outcomes).choices)
    assert gate(outcomes, always, policy).quality.value == pytest.approx((scores - before).mean())


@pytest.fixture(scope="module")
def report() -> Any:
    """Where estimates decide on every question: those that a policy leaves to its incumbent are in `evaluate` alone."""
    return tune(table(300, models=("small", "middle", "large"), usd=True), unfamiliar="estimate")


@pytest.mark.parametrize("rule", [ESTIMATES, TIERS])
@pytest.mark.parametrize("thresholds", [(20.0, 60.0), (55.0, 55.0), (0.0, 0.0), (101.0, 101.0)])
@pytest.mark.parametrize("cost_weight", [0.0, 3.0, 40.0, 1e9])
def test_sliders_choose_as_their_policy_does(
    report: Any, tmp_path: Path, rule: Any, thresholds: Any, cost_weight: float
) -> None:
    model = ThresholdModel(report)
    model.set(cost_weight=cost_weight, thresholds=thresholds, rule=rule)
    model.save(tmp_path / "p.json")
    policy, outcomes = load_policy(tmp_path / "p.json"), report.outcomes
    means, costs = outcomes.mean_scores.tolist(), outcomes.mean_costs.tolist()
    chosen = []
    for i, gain in enumerate(report.scores.tolist()):
        rows = zip(outcomes.models, means, report.estimates[i].tolist(), costs, strict=True)
        options = [Option(name, policy.qualities[name], estimate, cost) for name, _, estimate, cost in rows]
        chosen.append(prefer(policy, 50 + 50 * gain, options).position)
    assert model.cost == pytest.approx(outcomes.routed(np.array(chosen))[1].mean())
    assert model.quality == pytest.approx(outcomes.routed(np.array(chosen))[0].mean())


def test_curves_choose_as_the_policies_on_them_do(report: Any) -> None:
    curve, outcomes = report.curve, report.outcomes
    for k in range(0, len(curve.weights), 7):
        policy = replace(report.policy, cost_weight=float(curve.weights[k]))
        chosen = choose_each(policy, outcomes, 50 + 50 * report.scores, report.estimates)
        assert (chosen == curve.choices[k]).all()
    again = cost_quality_curve(report.estimates, outcomes.scores, outcomes.costs)
    assert again.costs.tolist() == curve.costs.tolist()


BASE = RoutePolicy(
    "base",
    (Tier(0, 0.2), Tier(30, 0.5)),
    {"ant": 0.2},
    costs={"ant": 0.1},
    estimator=TableEstimator(("ant", "bee"), {}, {"ant": 0.5, "bee": 0.7}),
    pair=("ant", "bee"),
)


@pytest.mark.parametrize(
    "change",
    [
        {"tiers": (Tier(0, 0.2), Tier(31, 0.5))},
        {"qualities": {"ant": 0.3}},
        {"scorer": "heuristic-3"},
        {"local_only": True},
        {"max_cost_usd": 0.5},
        {"estimator": TableEstimator(("ant", "bee"), {}, {"ant": 0.5, "bee": 0.8})},
        {"estimator": None},
        {"pair": ("bee", "ant")},
        {"by_tiers": True},
        {"cost_weight": 0.1},
        {"costs": {"ant": 0.2}},
        {"cost_unit": "call"},
        {"guard": Guard("ant", 1.0, {"bee": 0.1})},
        {"by_task": {"sums": {"ant": 0.1}}},
    ],
)
def test_all_that_decides_is_in_the_id(change: Any) -> None:
    assert replace(BASE, **change).id != BASE.id


def test_what_does_not_decide_is_not_in_the_id() -> None:
    same = replace(
        BASE, edges=(1.0,), shares=(0.5, 0.5), reference={"prompts": 9}, card={"n": 1}, stamp={"seed": 1}, cost_weight=0
    )
    assert same.id == BASE.id
    assert replace(BASE, name="other").id == f"other-{BASE.fingerprint}"


def test_every_field_of_a_policy_is_known_to_decide_or_not_to() -> None:
    deciding = {
        "tiers", "qualities", "scorer", "local_only", "max_cost_usd", "estimator", "pair", "by_tiers", "cost_weight",
        "costs", "cost_unit", "guard", "on_drift", "unfamiliar", "cascade", "by_task",
    }  # fmt: skip
    assert set(RoutePolicy.__dataclass_fields__) == deciding | {
        "name", "edges", "shares", "reference", "promise", "card", "stamp",
    }  # fmt: skip


def test_a_policy_of_version_0_1_keeps_its_name(report: Any, tmp_path: Path) -> None:
    path = save_policy(report.policy, tmp_path / "p.json")
    text = path.read_text("utf-8")
    old = "\n".join(line for line in text.split("\n") if not line.startswith('  "name"'))
    path.write_text(old.replace(f'"id": "{report.policy.id}"', '"id": "tuned-3-models-0123abcd"'))
    loaded = load_policy(path)
    assert (loaded.name, loaded.id) == ("tuned-3-models", report.policy.id)


def test_a_table_whose_prices_say_nothing_of_one_model_is_decided_in_one_unit() -> None:
    """Costs of the policy and prices of the catalogue are never compared with each other."""
    rows = pd.concat([table(80, models=("small", "large"), usd=True)])
    policy = RoutePolicy("p", (Tier(0, 0.1),), {"small": 0.5, "large": 0.6}, costs={"large": 1e-9})
    outcomes = OutcomeMatrix.from_table(rows)
    assert {outcomes.models[i] for i in route_outcomes(policy, outcomes).choices} == {"small"}
