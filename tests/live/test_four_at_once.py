"""Four processes that begin in one new folder at the same moment, as workers do, and write all that they share."""

import asyncio
import multiprocessing
import sqlite3
import subprocess
import sys
import traceback
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autopicker_lab.core import InvalidRequestError, RoutePolicy, SourceFile, Tier
from autopicker_lab.live import Deployments, open_audit
from autopicker_lab.live.audit import SqliteAudit
from autopicker_lab.live.conversations import Conversations
from autopicker_lab.settings import Settings
from autopicker_lab.storage import Decision, FileLog, FileStore
from autopicker_lab.storage.keys import KeyFile
from autopicker_lab.storage.ledger import open_ledger
from autopicker_lab.storage.responses import ResponseStore

PROCESSES, ROUNDS = 4, 3
ACCOUNT = ("key", "2026-11")


def settings_of(home: Path) -> Settings:
    return Settings.load(autopicker_home=home, enable_redis_cache=False)


def worker(number: int, homes: list[Path], barrier: Any, told: Any) -> None:
    try:
        wins = 0
        for home in homes:
            barrier.wait(60)
            wins += begin(number, home)
        told.put((number, wins, ""))
    except BaseException:
        barrier.abort()
        told.put((number, 0, traceback.format_exc()))


def begin(number: int, home: Path) -> int:
    """All that a worker opens and writes; whether its deployment was taken: it saw all steps before its own."""
    settings = settings_of(home)
    audit = open_audit(settings)
    assert len(audit.steps()) <= PROCESSES
    log = FileLog(home / "log.sqlite")
    conversations, ledger = Conversations(settings), open_ledger(settings)
    store = FileStore((home / "uploads").as_uri())
    responses = ResponseStore(home / "responses.sqlite", 60)
    try:
        won = 1
        Deployments(audit).deploy(RoutePolicy(f"p{number}", (Tier(0, 0.1 * number),)), f"w{number}")
    except InvalidRequestError:
        won = 0
    assert audit.steps()
    KeyFile(home / "keys.json").create(f"k{number}")
    log.write([Decision(f"c{number}-{i}", f"r{number}-{i}", 1.0, "m", policy="p") for i in range(20)])
    log.feedback(f"r{number}-0", 0.5)
    conversations.remember(number, 1, store=True)
    ledger.add(ACCOUNT, 0.25)
    ledger.sync()
    store.put(SourceFile(f"{number}.txt", b"the same bytes", "txt"))
    responses.put("owner", {"id": f"resp_{number}", "output": []}, b"[]")
    asyncio.run(responses.close())
    conversations.close()
    log.close()
    return won


@pytest.mark.fault("several workers begin, and write for the first time, at the same moment", "all of it is kept")
def test_what_four_processes_begin_at_once_is_kept_whole(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, told = context.Barrier(PROCESSES), context.Queue()
    homes = [tmp_path / f"home{i}" for i in range(ROUNDS)]
    workers = [context.Process(target=worker, args=(i, homes, barrier, told)) for i in range(PROCESSES)]
    for each in workers:
        each.start()
    results = [told.get(timeout=120) for _ in workers]
    for each in workers:
        each.join(30)
    assert [error for _, _, error in results if error] == []
    steps = [open_audit(settings_of(home)).steps() for home in homes]
    assert sum(wins for _, wins, _ in results) == sum(map(len, steps))
    assert all([step.number for step in taken] == list(range(1, len(taken) + 1)) for taken in steps)
    for home in homes:
        kept_whole(home)


def kept_whole(home: Path) -> None:
    settings = settings_of(home)
    assert {key.name for key in KeyFile(home / "keys.json").keys().values()} == {f"k{i}" for i in range(PROCESSES)}
    log = FileLog(home / "log.sqlite")
    assert len(log.rows()) == 20 * PROCESSES
    assert sum(row.score == 0.5 for row in log.rows()) == PROCESSES
    log.close()
    conversations = Conversations(settings)
    assert [conversations.recall(i) for i in range(PROCESSES)] == [1] * PROCESSES
    conversations.close()
    assert open_ledger(settings).spent(ACCOUNT) == 0.25 * PROCESSES
    store = FileStore((home / "uploads").as_uri())
    assert {store.open(record.id).data for record in store.list()} == {b"the same bytes"}
    assert len(store.list()) == PROCESSES
    with closing(sqlite3.connect(home / "responses.sqlite")) as db:
        assert db.execute("SELECT COUNT(*) FROM responses").fetchone() == (PROCESSES,)


@pytest.mark.fault("a log is opened twice in one process, and looked at by another one", "what is written is kept")
def test_a_second_opener_does_not_take_the_locks_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    looks = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
    looks += "print(*db.execute(sys.argv[2]).fetchone()); db.close()"

    def seen_elsewhere() -> str:
        command = [sys.executable, "-c", looks, str(path), "SELECT COUNT(*) FROM decisions"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    first = FileLog(path)
    first.write([Decision("c0", "r0", 1.0, "m")])
    second = FileLog(path)
    assert seen_elsewhere() == "1\n"  # who closes last removes the write-ahead log: that was not the last
    first.write([Decision("c1", "r1", 2.0, "m")])
    assert seen_elsewhere() == "2\n"
    second.close()
    first.close()
    assert seen_elsewhere() == "2\n"


@pytest.mark.fault("the first deployment was killed before its step was written", "nothing is deployed, and it can be")
def test_an_audit_log_that_was_begun_and_left_has_no_steps(tmp_path: Path) -> None:
    path = tmp_path / "deployments.sqlite"
    path.touch()
    audit = SqliteAudit(path)
    assert list(audit.steps()) == []
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE policies (id TEXT PRIMARY KEY, text TEXT NOT NULL)")
    assert list(audit.steps()) == []
    Deployments(audit).deploy(RoutePolicy("p", (Tier(0, 0.5),)), "ann")
    assert [step.who for step in audit.steps()] == ["ann"]


def test_a_key_that_takes_the_place_of_one_within_a_tick_is_seen(tmp_path: Path) -> None:
    ours, theirs = KeyFile(tmp_path / "keys.json"), KeyFile(tmp_path / "keys.json")
    for i in range(50):
        secret, key = theirs.create(f"key{i:02}")
        assert [known.name for known in ours.keys().values()] == [f"key{i:02}"], secret[:4]
        theirs.revoke(key.id)
        assert not ours.keys()
