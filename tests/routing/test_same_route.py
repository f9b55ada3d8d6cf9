"""The same policy file gives the same route for the same request in a notebook, in the CLI and over HTTP."""

import json
import os

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from support.outcomes import MODELS, table
from support.policies import policies
from support.serving import serving

from autopicker_lab import Settings, Workbench, cli
from autopicker_lab.core import ModelUnavailableError
from autopicker_lab.routing import save_policy
from autopicker_lab.service import create_app
from autopicker_lab.tuning import tune

pytestmark = pytest.mark.slow  # fits a policy, and starts the command line

CATALOGUE = "models:\n" + "".join(
    f"  - {{name: {name}, type: local, quality: {0.2 + i / 2}, price_out: {i}}}\n" for i, name in enumerate(MODELS)
)
VOCABULARY = "say hello divide remainder long division explaining why 為什麼 prove 4711 f(x) == {} ? friendly neighbour"
WORDS = st.sampled_from(VOCABULARY.split())
QUESTIONS = st.lists(WORDS, min_size=1, max_size=40).map(" ".join) | st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=200
).filter(str.strip)


@pytest.fixture(scope="module")
def places(tmp_path_factory, clean_environment):
    """A Workbench, a service and the environment of the command line, all with one fitted policy file."""
    folder = tmp_path_factory.mktemp("policy")
    (folder / "models.yaml").write_text(CATALOGUE)
    policy = save_policy(tune(table()).policy, folder / "policy.json")
    variables = {"AUTOPICKER_POLICY": str(policy), "AUTOPICKER_CONFIG": str(folder / "models.yaml")}
    os.environ.update(variables)
    try:
        lab = Workbench(Settings.load(rate_limit_requests=10**6))
        served = Workbench(lab.settings)
        with lab, serving(create_app(served)) as address:
            yield lab, address, served.pipeline
    finally:
        for name in variables:
            del os.environ[name]


def over_http(address, messages):
    answer = requests.post(f"{address}/api/v1/analyze-complexity", json={"messages": messages}, timeout=30)
    found = answer.json()["complexity_analysis"]
    return found["selected_model"], found["complexity_score"], found["reasoning"]["decision"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(QUESTIONS)
def test_the_same_route_in_a_notebook_and_over_http(places, question):
    lab, address, _ = places
    route = lab.route(question)
    assert route.model in MODELS
    assert over_http(address, [{"role": "user", "content": question}]) == (
        route.model,
        route.complexity.score,
        route.reason,
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(policies(MODELS, ("hello", "prove")), QUESTIONS)
def test_the_same_route_by_any_policy(places, policy, question):
    lab, address, served = places
    own, served.policy = served.policy, policy
    try:
        route = lab.route(question, policy=policy)
    except ModelUnavailableError:
        body = {"messages": [{"role": "user", "content": question}]}
        assert requests.post(f"{address}/api/v1/analyze-complexity", json=body, timeout=30).status_code == 503
    else:
        answer = over_http(address, [{"role": "user", "content": question}])
        assert answer == (route.model, route.complexity.score, route.reason)
    finally:
        served.policy = own


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(QUESTIONS, min_size=2, max_size=4))
def test_the_same_route_within_a_conversation(places, questions):
    lab, address, _ = places
    messages = [{"role": "user", "content": question} for question in questions]
    route = lab.route(messages)
    assert over_http(address, messages)[0] == route.model


@pytest.mark.parametrize(
    "question",
    [
        "Say hello to my neighbour, please.",
        "Divide 4711 by 37 and write the remainder, explaining each step.",
        "為什麼?",
    ],
)
def test_the_same_route_on_the_command_line(places, question, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["score", question, "--json"])
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    route = places[0].route(question)
    assert (found["selected_model"], found["reason"]) == (route.model, route.reason)
    assert found["routing_score"] == round(route.score, 2)


def test_the_policy_does_choose(places):
    lab, *_ = places
    chosen = {lab.route(prompt).model for prompt in table()["prompt"].unique()[:40]}
    assert chosen == set(MODELS)


def test_monitoring_tells_whether_requests_have_drifted(places):
    lab, address, _ = places
    for question in ("Say hello.", "Divide 4711 by 37."):
        body = {"messages": [{"role": "user", "content": question}], "max_tokens": 1}
        assert requests.post(f"{address}/api/v1/chat/completions", json=body, timeout=60).ok
    found = requests.get(f"{address}/api/v1/performance/metrics", timeout=30).json()["routing"]
    assert (found["policy"], found["n"], found["psi"]) == (lab.policy.id, 2, None)
    assert "too few" in found["verdict"]
