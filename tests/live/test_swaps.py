"""What is deployed changes at once for all requests, and a service that has stopped follows nothing any more."""

import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.upstream import soon, upstream

from autopicker_lab.core import ChatRequest, RoutePolicy, Tier
from autopicker_lab.live.audit import SqliteAudit, open_audit
from autopicker_lab.live.deployments import Deployments
from autopicker_lab.live.rollout import Rollout
from autopicker_lab.live.signals import SignalWatch
from autopicker_lab.live.traffic import LiveTraffic
from autopicker_lab.service import app
from autopicker_lab.service.drift_watch import DriftWatch
from autopicker_lab.settings import Settings
from autopicker_lab.storage import decision_file, open_log
from autopicker_lab.storage.ledger import open_ledger

OLD, WEAK, STRONG = (RoutePolicy(name, (Tier(0, wanted),)) for name, wanted in (("o", 0.5), ("w", 0.1), ("s", 0.9)))


class FollowingWorker:
    """A worker's part in deployments, as the service has it, with requests that come whenever they are asked for."""

    def __init__(self, settings: Settings):
        pipeline: Any = SimpleNamespace(policy=OLD, policy_of=self._policy_of)
        self.pipeline = pipeline
        self.live = LiveTraffic(settings, open_ledger(settings), pipeline, lambda: 0)
        self.log = open_log(None)
        self.state: Any = SimpleNamespace(live=self.live, drift=DriftWatch(pipeline, self.log))

    def _policy_of(self, request: ChatRequest) -> RoutePolicy:
        policy: RoutePolicy = (request.live and request.live.policy) or self.pipeline.policy
        return policy

    def asked(self, number: int) -> ChatRequest:
        """A request that has come, and is about to be routed."""
        request = ChatRequest.of(f"q{number}")
        if self.live.active:
            self.live.give_terms(request, f"r{number}", "ann")
        return request

    def policies(self) -> list[str]:
        """Of forty requests that come now."""
        return [self.pipeline.policy_of(self.asked(number)).id for number in range(40)]

    def keep_up(self) -> None:
        app._take(self.state, self.live.keep(self.log))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(autopicker_home=tmp_path)


@pytest.fixture
def worker(settings: Settings) -> Iterator[FollowingWorker]:
    made = FollowingWorker(settings)
    yield made
    made.live.close(made.log)


@pytest.fixture
def deployments(settings: Settings) -> Deployments:
    return Deployments(open_audit(settings))


def test_requests_that_come_while_a_deployment_is_taken_over_see_all_of_it_or_nothing(
    worker: FollowingWorker, deployments: Deployments
) -> None:
    between: list[list[str]] = []

    def line(frame: FrameType, event: str, _: object) -> Any:
        between.append(worker.policies())
        return line

    def call(frame: FrameType, event: str, _: object) -> Any:
        return line if frame.f_code.co_filename.endswith(("rollout.py", "traffic.py", "drift_watch.py")) else None

    seen = [worker.policies()]
    for action, arguments in (
        (deployments.deploy, (WEAK, "ann")),
        (deployments.deploy, (STRONG, "ann", "", 0.4)),
        (deployments.promote, ("ann",)),
        (deployments.roll_back, ("ann",)),
    ):
        action(*arguments)
        between.clear()
        tracing = sys.gettrace()
        sys.settrace(call)
        try:
            change = worker.live.keep(worker.log)  # in a thread, while requests come
        finally:
            sys.settrace(tracing)
        assert len(between) > 20
        assert all(policies == seen[-1] for policies in between)
        app._take(worker.state, change)  # on the event loop, where none can come
        seen.append(worker.policies())
    assert [set(policies) for policies in seen] == [{OLD.id}, {WEAK.id}, {WEAK.id, STRONG.id}, {STRONG.id}, {WEAK.id}]


@pytest.mark.fault("a policy is deployed while a request is read", "the policy it came under decides on it")
def test_a_request_is_decided_by_the_policy_it_came_under(worker: FollowingWorker, deployments: Deployments) -> None:
    deployments.deploy(WEAK, "ann")
    worker.keep_up()
    request = worker.asked(0)
    deployments.deploy(STRONG, "ann")
    worker.keep_up()
    assert (worker.pipeline.policy_of(request), worker.pipeline.policy_of(worker.asked(1))) == (WEAK, STRONG)


def test_a_service_that_has_stopped_reads_nothing_and_leaves_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, reading, stopping = tmp_path / "home", threading.Event(), threading.Event()
    reads: list[bool] = []
    read = SqliteAudit.steps

    def slow(audit: SqliteAudit) -> Any:
        if home not in audit._path.parents:
            return read(audit)
        if reads:  # the service has started
            reading.set()
            stopping.wait(10)
        reads.append(app_closed.is_set())
        return read(audit)

    app_closed = threading.Event()
    close = LiveTraffic.close

    def closed(live: LiveTraffic, *arguments: Any) -> None:
        stopping.set()
        close(live, *arguments)
        app_closed.set()

    monkeypatch.setattr(SqliteAudit, "steps", slow)
    monkeypatch.setattr(LiveTraffic, "close", closed)
    before = set(threading.enumerate())
    with upstream() as up:
        with gateway(up, autopicker_home=home, decision_log=tmp_path / "log.sqlite", explore_share=0.5) as base:
            httpx.post(f"{base}/v1/chat/completions", json={"messages": [{"role": "user", "content": "q"}]}, timeout=30)
            assert reading.wait(30)
        assert app_closed.is_set()
        assert not any(reads)
    assert soon(lambda: {thread.name for thread in set(threading.enumerate()) - before} == set(), 20)


@pytest.mark.fault("a service stops right after a client asked again", "the signal is kept all the same")
def test_what_was_noticed_last_is_written_at_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "SYNC_S", 3600.0)
    log = tmp_path / "log.sqlite"
    with upstream() as up, gateway(up, decision_log=log) as base:
        for _ in range(2):
            asked = {"messages": [{"role": "user", "content": "Capital of Peru?"}]}
            httpx.post(f"{base}/v1/chat/completions", json=asked, timeout=30).raise_for_status()
    with closing(open_log(log)) as kept:
        assert [row.signals for row in kept.rows()] == ["regenerated", None]


@pytest.mark.fault("a store fails while a service stops", "what goes to the others is kept, and the log says so")
def test_a_store_that_fails_at_the_stop_costs_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(app, "SYNC_S", 3600.0)
    monkeypatch.setattr(decision_file, "FLUSH_S", 3600.0)  # at the stop alone
    monkeypatch.setattr(SignalWatch, "write", fails)
    closed: list[Rollout] = []
    close = Rollout.close

    def noted(rollout: Rollout) -> None:
        close(rollout)
        closed.append(rollout)

    monkeypatch.setattr(Rollout, "close", noted)
    log = tmp_path / "log.sqlite"
    with upstream() as up, gateway(up, decision_log=log) as base:
        asked = {"messages": [{"role": "user", "content": "Capital of Peru?"}]}
        httpx.post(f"{base}/v1/chat/completions", json=asked, timeout=30).raise_for_status()
    with closing(open_log(log)) as kept:
        assert len(kept.rows()) == 1
    assert len(closed) == 1
    assert "not all that the service keeps could be stored: OSError" in caplog.text
