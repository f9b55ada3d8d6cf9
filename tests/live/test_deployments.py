"""What is deployed: by whom, for whom, and back."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.redis_server import redis_server
from support.upstream import soon
from typer.testing import CliRunner

from autopicker_lab.cli import deploying
from autopicker_lab.cli.app import app
from autopicker_lab.core import InvalidRequestError, NotFoundError, RoutePolicy, StorageError, Tier
from autopicker_lab.live.audit import SqliteAudit, Step, open_audit, parse_step
from autopicker_lab.live.canary import Guardrails
from autopicker_lab.live.conversations import Conversations
from autopicker_lab.live.deployments import CONFIGURED, Deployments
from autopicker_lab.live.rollout import Rollout
from autopicker_lab.routing import save_policy
from autopicker_lab.service.announcement import announcement
from autopicker_lab.settings import ModelConfig, Settings
from autopicker_lab.storage import open_log

WEAK, STRONG = (RoutePolicy(name, (Tier(0, wanted),)) for name, wanted in (("weak", 0.1), ("strong", 0.9)))


@pytest.fixture(params=["file", "redis"])
def audit(request: Any, tmp_path: Path) -> Iterator[Any]:
    if request.param == "file":
        yield open_audit(Settings.load(autopicker_home=tmp_path / "home"))
        return
    with redis_server(tmp_path) as (url, *_):
        yield open_audit(Settings.load(enable_redis_cache=True, redis_url=url))


def test_steps_lead_from_a_policy_to_the_next_and_back(audit: Any) -> None:
    deployments = Deployments(audit)
    assert deployments.state().stable == CONFIGURED
    deployments.deploy(WEAK, "ann", "first")
    deployments.deploy(STRONG, "bob", share=0.1)
    state = deployments.state()
    assert (state.stable, state.canary.policy, state.canary.share) == (WEAK.id, STRONG.id, 0.1)
    with pytest.raises(InvalidRequestError, match=r"canary .* runs"):
        deployments.deploy(WEAK, "ann")
    deployments.promote("ann", "better", {"quality": 1})
    assert deployments.state().stable == STRONG.id
    with pytest.raises(InvalidRequestError, match="no canary"):
        deployments.promote("ann")
    deployments.roll_back("ann")
    state = deployments.state()
    assert (state.stable, state.earlier, state.canary) == (WEAK.id, (CONFIGURED,), None)
    assert state.withdrawn == {STRONG.id}
    deployments.roll_back("ann")
    assert deployments.state().stable == CONFIGURED
    with pytest.raises(InvalidRequestError, match="nothing was deployed"):
        deployments.roll_back("ann")
    steps = audit.steps()
    assert [step.number for step in steps] == [1, 2, 3, 4, 5]
    assert [(step.action, step.who) for step in steps[:3]] == [("deploy", "ann"), ("canary", "bob"), ("promote", "ann")]
    assert steps[2].figures == {"quality": 1}
    assert json.loads(audit.policy_text(STRONG.id))["name"] == "strong"
    with pytest.raises(NotFoundError):
        audit.policy_text("none")


@pytest.mark.fault("two people take a step at once", "one is taken, the other is refused and told to look again")
def test_a_step_is_added_only_by_who_has_seen_all_before_it(audit: Any) -> None:
    audit.add(Step(1, 0.0, "deploy", "a", "ann", ""), "{}")
    for number in (1, 3):
        with pytest.raises(InvalidRequestError, match="meanwhile"):
            audit.add(Step(number, 0.0, "deploy", "b", "bob", ""), "{}")
    assert [step.policy for step in audit.steps()] == ["a"]
    with pytest.raises(InvalidRequestError, match="meanwhile"):
        Deployments(audit).roll_back("service", expected=0)


def test_the_audit_log_is_only_added_to(tmp_path: Path) -> None:
    Deployments(open_audit(Settings.load(autopicker_home=tmp_path))).deploy(WEAK, "ann")
    with closing(sqlite3.connect(tmp_path / "deployments.sqlite")) as db:
        for change in ("DELETE FROM steps", "UPDATE steps SET step = '{}'"):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                db.execute(change)


@pytest.mark.fault("the store of deployments does not answer, or is broken", "what was deployed last serves on")
def test_a_worker_whose_store_is_gone_serves_what_it_knew(tmp_path: Path) -> None:
    settings = Settings.load(autopicker_home=tmp_path)
    deployments = Deployments(open_audit(settings))
    deployments.deploy(STRONG, "ann")
    with closing(Rollout(WEAK, deployments, Conversations(settings), lambda policy: None)) as rollout:
        change = rollout.follow()
        assert change is not None
        assert rollout.take(change).id == STRONG.id
        (tmp_path / "deployments.sqlite").write_bytes(b"no database" * 1000)
        assert rollout.follow() is None
        assert rollout.stable.id == STRONG.id
    with pytest.raises(StorageError, match="does not answer"):
        deployments.roll_back("ann")


@pytest.mark.fault("a newer version took a step that this one knows only in part", "the step holds, as far as known")
def test_steps_of_a_newer_version_are_read() -> None:
    text = Step(1, 0.0, "canary", "a", "ann", "", 0.1, {"margin": 0.5, "later": 1})._asdict() | {"region": "north"}
    step = parse_step(json.dumps(text))
    assert (step.number, step.policy, Guardrails.of(step.settings)) == (1, "a", Guardrails(margin=0.5))


def test_a_service_that_starts_says_what_is_deployed(tmp_path: Path) -> None:
    settings = Settings.load(autopicker_home=tmp_path)
    Deployments(open_audit(settings)).deploy(WEAK, "ann")
    assert f"{WEAK.id}, deployed" in announcement(settings, "127.0.0.1", 8001)


def ask(base: str, *contents: str, **headers: str) -> httpx.Response:
    """Ask the last of the contents, which are a conversation."""
    roles = ["user", "assistant"] * len(contents)
    messages = [{"role": role, "content": text} for role, text in zip(roles, contents, strict=False)]
    return httpx.post(f"{base}/v1/chat/completions", json={"messages": messages}, headers=headers, timeout=30)


def policy_of(answer: httpx.Response) -> str:
    assert answer.headers["x-autopicker-policy"] == answer.json()["routing"]["policy"]
    return str(answer.json()["routing"]["policy"])


@pytest.fixture
def models(tmp_path: Path) -> list[ModelConfig]:
    rows = [
        {"prompt": f"q{i}", "model": name, "reply": name, "prompt_tokens": 1, "completion_tokens": 1}
        for i in range(300)
        for name in ("small", "large")
    ]
    recorded = tmp_path / "outcomes.jsonl"
    recorded.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return [
        ModelConfig(name="small", type="replay", path=str(recorded), quality=0.2),
        ModelConfig(name="large", type="replay", path=str(recorded), quality=0.95, price_in=1),
    ]


@pytest.mark.slow
def test_a_running_service_takes_policies_and_conversations_stay_with_theirs(
    tmp_path: Path, models: list[ModelConfig]
) -> None:
    home = tmp_path / "home"
    deployments = Deployments(open_audit(Settings.load(autopicker_home=home)))
    log = tmp_path / "log.sqlite"
    with gateway(*models, autopicker_home=home, decision_log=log) as base:
        default = policy_of(ask(base, "q0"))
        deployments.deploy(WEAK, "ann")
        assert soon(lambda: policy_of(ask(base, "q1")) == WEAK.id, 20)
        assert policy_of(ask(base, "q0", "answer", "q3")) == default  # it began before anything was deployed
        deployments.deploy(STRONG, "ann", share=0.3)
        assert soon(lambda: STRONG.id in {policy_of(ask(base, f"q{i}")) for i in range(100, 120)}, 20)
        begun = {i: policy_of(ask(base, f"q{i}")) for i in range(20, 60)}
        assert 4 <= sum(policy == STRONG.id for policy in begun.values()) <= 20
        assert {i: policy_of(ask(base, f"q{i}", "answer", "q5")) for i in begun} == begun
        deployments.promote("ann")
        assert soon(lambda: all(policy_of(ask(base, f"q{i}")) == STRONG.id for i in range(200, 210)), 20)
        assert {i: policy_of(ask(base, f"q{i}", "answer", "q5", "answer", "q6")) for i in begun} == begun
        deployments.roll_back("ann")
        assert soon(lambda: policy_of(ask(base, "q7")) == WEAK.id, 20)
        assert {policy_of(ask(base, f"q{i}", "answer", "q5")) for i in begun} == {
            WEAK.id
        }  # what was withdrawn serves none


@pytest.mark.slow
def test_a_service_rolls_a_worse_canary_back_by_itself_and_another_worker_knows_the_conversations(
    tmp_path: Path, models: list[ModelConfig]
) -> None:
    home = tmp_path / "home"
    deployments = Deployments(open_audit(Settings.load(autopicker_home=home)))
    shared = {"autopicker_home": home, "decision_log": tmp_path / "log.sqlite"}
    deployments.deploy(STRONG, "ann")
    deployments.deploy(WEAK, "ann", share=0.5)
    with gateway(*models, **shared) as base, gateway(*models, **shared) as other:
        answers = [ask(base, f"q{i}") for i in range(300)]
        sample = {i: policy_of(answers[i]) for i in range(12)}
        assert set(sample.values()) == {WEAK.id, STRONG.id}
        assert soon(lambda: {i: policy_of(ask(other, f"q{i}", "answer", "q5")) for i in sample} == sample, 20)
        judged = [{"request_id": a.json()["id"], "score": float(a.json()["model"] == "large")} for a in answers]
        httpx.post(f"{base}/v1/feedback", json={"feedback": judged}, timeout=30).raise_for_status()
        assert soon(lambda: deployments.state().canary is None, 30)
    last = deployments.audit.steps()[-1]
    assert (last.action, last.policy, last.who, len(deployments.audit.steps())) == ("rollback", STRONG.id, "service", 3)
    assert last.figures["quality"]["high"] < 0
    assert "worse" in last.why


def test_the_commands_take_the_steps_and_tell_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOPICKER_HOME", str(tmp_path / "home"))
    weak, strong = (str(save_policy(p, tmp_path / f"{p.name}.json")) for p in (WEAK, STRONG))

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == code, result.output
        return result.output

    assert "the configured policy" in run("deployments")
    assert WEAK.id in run("deploy", weak, "--why", "it is cheap", "--by", "ann")
    run("deploy", strong, "--canary", "0.1", "--auto")
    told = json.loads(run("deployments", "--json"))
    assert told["canary"] == {"policy": STRONG.id, "share": 0.1}
    assert told["steps"][1]["settings"]["auto"] is True
    assert "it is cheap" in run("deployments")
    assert "Promote it or roll it back" in run("deploy", weak, code=2)
    run("promote")
    run("rollback")
    assert json.loads(run("deployments", "--json"))["stable"] == WEAK.id


@pytest.mark.fault("another step is taken while the figures of a canary are read", "promote and rollback refuse")
def test_a_decision_about_one_canary_is_not_taken_on_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOPICKER_HOME", str(tmp_path / "home"))
    deployments = Deployments(open_audit(Settings.load()))
    deployments.deploy(WEAK, "ann")
    deployments.deploy(STRONG, "ann", share=0.1)

    def told(state: Any) -> dict[str, Any]:  # while its figures are read, somebody takes it back
        deployments.roll_back("bob")
        return {}

    monkeypatch.setattr(deploying, "_figures", told)
    result = CliRunner().invoke(app, ["rollback"])
    assert "another step was taken meanwhile" in result.output.lower()
    assert [step.who for step in deployments.audit.steps()] == ["ann", "ann", "bob"]


def test_what_is_deployed_is_read_once_to_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOPICKER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DECISION_LOG", str(tmp_path / "log.sqlite"))
    open_log(tmp_path / "log.sqlite").close()
    audit = open_audit(Settings.load())
    Deployments(audit).deploy(STRONG, "ann", share=0.1)
    reads: list[str] = []
    read = SqliteAudit.steps

    def counted(audit: SqliteAudit) -> Any:
        reads.append(str(audit))
        return read(audit)

    monkeypatch.setattr(SqliteAudit, "steps", counted)
    assert json.loads(CliRunner().invoke(app, ["deployments", "--json"]).output)["report"]["advice"] == "continue"
    assert reads.count(str(audit)) == 1  # a service of another test may still be reading its own


class Clock:
    """A time that stands still but for what moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


class SlowLog:
    """A decision log that takes two seconds to read."""

    def __init__(self, clock: Clock):
        self.clock, self.reads = clock, 0

    def news(self, policies: Any, place: Any, created: float) -> tuple[dict[str, Any], Any]:
        self.reads += 1
        self.clock.now += 2
        return {}, place


def test_a_canary_whose_decisions_take_long_to_read_is_looked_at_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("autopicker_lab.live.rollout.time", clock)
    settings = Settings.load(autopicker_home=tmp_path)
    deployments, decisions = Deployments(open_audit(settings)), SlowLog(clock)
    deployments.deploy(WEAK, "ann")
    deployments.deploy(STRONG, "ann", share=0.1)
    with closing(Rollout(WEAK, deployments, Conversations(settings), lambda policy: None)) as rollout:
        change = rollout.follow()
        assert change is not None
        rollout.take(change)
        for _ in range(4000):
            rollout.look(decisions)  # type: ignore[arg-type]  # reading is all that is asked of it
            clock.now += 1
    assert 4 <= decisions.reads <= 5  # each took two seconds and rested eight hundred
