"""Which policy a conversation goes on with, whoever answers, and how little is kept for that."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from support.redis_server import redis_server

from autopicker_lab.core import ChatRequest, RoutePolicy, Tier
from autopicker_lab.live.audit import Step, open_audit
from autopicker_lab.live.conversations import KEPT_S, Begun, Conversations, conversation_of
from autopicker_lab.live.deployments import Deployments
from autopicker_lab.live.rollout import Rollout
from autopicker_lab.routing.policies import policy_text
from autopicker_lab.settings import Settings

OLD, WEAK, STRONG = (RoutePolicy(name, (Tier(0, wanted),)) for name, wanted in (("o", 0.5), ("w", 0.1), ("s", 0.9)))
ASKED = range(200)
Worker = Callable[[], Rollout]


@pytest.fixture(params=["file", "redis"])
def settings(request: Any, tmp_path: Path) -> Iterator[Settings]:
    if request.param == "file":
        yield Settings.load(autopicker_home=tmp_path)
        return
    with redis_server(tmp_path) as (url, *_):
        yield Settings.load(autopicker_home=tmp_path, enable_redis_cache=True, redis_url=url)


@pytest.fixture
def worker(settings: Settings) -> Iterator[Worker]:
    with ExitStack() as stack:

        def start() -> Rollout:
            deployments, known = Deployments(open_audit(settings)), Conversations(settings)
            rollout = stack.enter_context(closing(Rollout(OLD, deployments, known, lambda policy: None)))
            keep_up(rollout)
            return rollout

        yield start


def keep_up(rollout: Rollout) -> None:
    if (change := rollout.follow()) is not None:
        rollout.take(change)


def policies(rollout: Rollout, begun: bool, asked: range = ASKED) -> list[str]:
    """The policy of each question, or of the second ones of the conversations that these began."""
    keep_up(rollout)

    async def each() -> list[str]:
        found = []
        for i in asked:
            rows = [{"role": "user", "content": f"q{i}"}]
            rows += [{"role": "assistant", "content": "a"}, {"role": "user", "content": "more"}] if begun else []
            policy = await rollout.policy_for(ChatRequest.of(rows), "ann", begun)
            found.append((policy or rollout.stable).id)
        return found

    return asyncio.run(each())


def written(rollout: Rollout) -> None:
    rollout._conversations._batch.flush()


def test_conversations_stay_with_their_policy_through_canary_promotion_and_rollback(
    settings: Settings, worker: Worker
) -> None:
    deployments, one = Deployments(open_audit(settings)), worker()
    deployments.deploy(STRONG, "ann", share=0.3)
    begun = policies(one, begun=False)
    assert 30 < begun.count(STRONG.id) < 90
    assert policies(worker(), begun=True, asked=range(200, 210)) == [OLD.id] * 10  # of before the canary
    written(one)
    assert policies(worker(), begun=True) == begun
    deployments.promote("ann")
    late = policies(one, begun=False, asked=range(300, 340))
    assert late == [STRONG.id] * 40
    written(one)
    for another in (one, worker()):
        assert policies(another, begun=True) == begun
        assert policies(another, begun=True, asked=range(300, 340)) == late
    deployments.roll_back("ann")
    assert policies(worker(), begun=True) == [OLD.id] * 200  # what was withdrawn serves none


def test_only_conversations_that_could_be_mistaken_are_kept_and_asked_for(
    settings: Settings, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    Deployments(open_audit(settings)).deploy(STRONG, "ann", share=0.1)
    one = worker()
    kept: list[Begun] = []
    one._conversations._batch._write = kept.extend
    begun = policies(one, begun=False)
    written(one)
    assert len(kept) == begun.count(STRONG.id) < 50
    assert {row.step for row in kept} == {1}
    another = worker()
    asked: list[int] = []
    monkeypatch.setattr(another._conversations, "recall", asked.append)  # which answers that it knows nothing
    assert policies(another, begun=True).count(STRONG.id) == 0  # nothing was written
    assert len(asked) == len(kept)


def test_a_day_after_a_step_nothing_needs_to_be_kept(settings: Settings, worker: Worker) -> None:
    step = Step(1, time.time() - KEPT_S - 60, "canary", STRONG.id, "ann", "", 0.1)
    open_audit(settings).add(step, policy_text(STRONG))
    one = worker()
    kept: list[Begun] = []
    one._conversations._batch._write = kept.extend
    policies(one, begun=False)
    written(one)
    assert kept == []


def test_a_conversation_that_goes_on_stays_with_its_policy_for_days(
    settings: Settings, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, deployments, one = [time.time()], Deployments(open_audit(settings)), worker()
    monkeypatch.setattr(time, "time", lambda: now[0])
    deployments.deploy(STRONG, "ann", share=0.5)
    begun = policies(one, begun=False, asked=range(40))
    assert {*begun} == {OLD.id, STRONG.id}
    deployments.promote("ann")
    for hours in (12, 8, 6, 20):  # so the last questions come 26 hours and more after all steps
        now[0] += hours * 3600
        assert policies(one, begun=True, asked=range(40)) == begun, hours
        written(one)
        assert policies(worker(), begun=True, asked=range(40)) == begun, hours
    assert policies(one, begun=False, asked=range(300, 310)) == [STRONG.id] * 10


def test_what_can_be_mistaken_only_later_is_stored_on_the_same_day(tmp_path: Path) -> None:
    with closing(Conversations(Settings.load(autopicker_home=tmp_path))) as known:
        for store in (False, True, False):
            known.remember(1, 2, store=store)
        known._batch.flush()
        assert known.recall(1) == 2


def test_days_are_forgotten_one_by_one_and_what_an_earlier_version_kept_is_no_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "conversations.sqlite")) as db, db:
        db.execute("CREATE TABLE begun (conversation TEXT PRIMARY KEY, policy TEXT, at REAL)")
        db.execute("INSERT INTO begun VALUES ('1', 'weak', 1)")
    now = [time.time()]
    monkeypatch.setattr("autopicker_lab.live.conversations.time.time", lambda: now[0])
    with closing(Conversations(Settings.load(autopicker_home=tmp_path))) as known:
        assert known.recall(1) is None
        for conversation in (1, 2, 3):
            known.remember(conversation, conversation, store=True)
            known._batch.flush()
            assert [known.recall(i) for i in (1, 2, 3)] == [
                i if conversation - 1 <= i <= conversation else None for i in (1, 2, 3)
            ]
            now[0] += KEPT_S
        now[0] -= KEPT_S
        known.remember(2, 2, store=True)  # a conversation that goes on
        known._batch.flush()
        assert known.recall(2) == 2


def test_a_conversation_is_known_by_the_number_that_earlier_versions_stored() -> None:
    """Another would have those that go on drawn anew at an update, and by workers of two versions in turn."""
    assert conversation_of(ChatRequest.of("Capital of Peru?"), "ann") == -1422226525668336189
