import asyncio
import errno
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import needs

from autopicker_lab.core import Document, Format, NotFoundError, Part, SourceFile, StorageError, UnknownFileError
from autopicker_lab.extraction import FormatReader, open_source, registry
from autopicker_lab.settings import Settings
from autopicker_lab.storage import Decision, FileStore, MemoryCache, RedisCache, open_log
from autopicker_lab.storage.decisions import MemoryLog
from autopicker_lab.storage.policy_news import ReadTo
from autopicker_lab.workbench import Workbench


@pytest.fixture(params=["file", "memory"])
def store(request: Any, tmp_path: Path) -> Any:
    return FileStore(f"file://{tmp_path}/up" if request.param == "file" else f"memory://{tmp_path.name}")


def test_what_is_put_comes_back(store: Any) -> None:
    record = store.put(open_source(b"hello", "a.txt"))
    assert store.get(record.id) == record
    assert store.open(record.id).data == b"hello"
    assert [r.id for r in store.list()] == [record.id]


def test_an_upload_of_an_installed_format_comes_back_with_its_format(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def read_rtf(file: SourceFile) -> Document:
        return Document(file.name, file.kind, (Part("text", file.data.decode().strip("{}")),))

    reader = FormatReader(Format("rtf", "document", "application/rtf", (".rtf",)), read_rtf)
    monkeypatch.setattr(registry, "_load_entry_points", lambda: ({"rtf": reader}, {}))
    registry.reader_of.cache_clear()
    lab = Workbench(Settings.load(autopicker_home=tmp_path))
    try:
        rtf, txt = (lab.files.put(open_source(b"{Hello}", name)) for name in ("a.rtf", "a.txt"))
        file = lab.files.open(rtf.id)
        assert (file.format, file.category, file.media_type) == (reader.format, "document", "application/rtf")
        assert lab.submit(lab.reader.read_upload(rtf, lab.files.load)).result(60).text == "Hello"
        assert lab.files.open(txt.id).format is None
    finally:
        lab.close()
        registry.reader_of.cache_clear()


def test_bytes_are_kept_once_and_go_with_the_last_record(store: Any) -> None:
    first, second = store.put(open_source(b"same", "a.txt")), store.put(open_source(b"same", "b.txt"))
    store.delete(first.id)
    assert store.open(second.id).data == b"same"
    store.delete(second.id)
    assert store.list() == []
    assert not store._fs.exists(store._blob(first.sha256))


@pytest.mark.parametrize("file_id", ["", "nope", "../../etc/passwd", "b71384f0-a9b7-477c-8fbc-820aa056baa4", None])
def test_an_unknown_id_is_named(store: Any, file_id: str | None) -> None:
    with pytest.raises(UnknownFileError, match="no file with id"):
        store.open(file_id)


def test_a_write_that_fails_leaves_nothing(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if store._is_local:
        monkeypatch.setattr(Path, "replace", full)
    else:
        monkeypatch.setattr(store._fs, "pipe_file", full)
    with pytest.raises(StorageError, match=r"No space left on device\. Free some space"):
        store.put(open_source(b"hello", "a.txt"))
    monkeypatch.undo()
    assert store.list() == []
    assert [p for p in store._fs.find(store._root) if p.endswith(".part")] == []


async def test_the_cache_counts_and_forgets() -> None:
    cache = MemoryCache(ttl_s=100, max_bytes=10)
    assert await cache.get("a") is None
    await cache.put("a", b"12345")
    assert await cache.get("a") == b"12345"
    cache.stats.count(True)
    cache.stats.count(False)
    assert (cache.stats.hits, cache.stats.misses, cache.stats.hit_rate_percent) == (1, 1, 50.0)
    await cache.put("b", b"1234567")
    assert await cache.get("a") is None
    await cache.put("c", b"x" * 100)
    assert cache.size() == (1, 7)


async def test_entries_end_with_their_time() -> None:
    cache = MemoryCache(ttl_s=0)
    await cache.put("a", b"1")
    assert await cache.get("a") is None


async def test_without_redis_the_cache_goes_on_in_this_process(caplog: pytest.LogCaptureFixture) -> None:
    from support.serving import free_port

    cache = RedisCache(60, f"redis://127.0.0.1:{free_port()}/0")
    await cache.put("a", b"1")
    assert await cache.get("a") == b"1"
    assert len([r for r in caplog.records if "Redis does not answer" in r.message]) == 1
    await cache.close()


@needs("redis-server")
async def test_what_this_process_kept_meanwhile_goes_when_redis_is_back(tmp_path: Path) -> None:
    from support.redis_server import redis_server

    with redis_server(tmp_path) as (url, start, stop):
        cache = RedisCache(60, url)
        stop()
        await cache.put("a", b"1")
        assert cache.size() == (1, 1)
        start()
        async with asyncio.timeout(60):
            while cache.size()[0]:
                await cache.get("b")
                await asyncio.sleep(0.1)
        await cache.put("a", b"2")
        assert await cache.get("a") == b"2"
        assert cache.size() == (0, 0)
        await cache.close()


def decision(i: int = 1, **fields: Any) -> Any:
    return Decision(f"c{i}", f"r{i}", float(i), "m", **fields)


def test_decisions_take_feedback(tmp_path: Path) -> None:
    log = open_log(tmp_path / "deep" / "log.sqlite")
    log.record(decision(cost_usd=0.25))
    log.feedback("c1", 0.5)
    log.feedback("r1", 1.0)
    row = log.rows()[0]
    assert (row.model, row.cost_usd, row.score, row.prompt) == ("m", 0.25, 1.0, None)
    with pytest.raises(NotFoundError):
        log.feedback("r2", 1.0)
    log.close()


def test_what_cannot_be_written_does_not_end_the_writing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = open_log(tmp_path / "log.sqlite")
    log.record(decision(1, prompt_tokens=2**63))
    assert log.rows() == []
    assert "were not kept" in caplog.text
    log.record(decision(2))
    assert len(log.rows()) == 1
    log.close()


def test_a_decision_that_another_worker_has_made_takes_feedback(tmp_path: Path) -> None:
    one, two = (open_log(tmp_path / "log.sqlite") for _ in range(2))
    one.record(decision())
    time.sleep(1)
    two.feedback("r1", 1.0)
    assert one.rows()[0].score == 1.0
    one.close()
    two.close()


@pytest.mark.parametrize("kept", ["file", "memory"])
def test_a_log_tells_what_came_and_what_was_scored_since_the_last_look(tmp_path: Path, kept: str) -> None:
    one = open_log(tmp_path / "log.sqlite" if kept == "file" else None)
    two = open_log(tmp_path / "log.sqlite") if kept == "file" else one
    for i in range(5):
        one.record(decision(i, policy="ab"[i % 2], latency_s=i * 1.5 if i < 4 else None, cost_usd=0.25 * i or None))
    news, place = one.news(("a", "b"), ReadTo(), 1.0)  # what is older was not of the canary
    assert news["a"] == ((1, 3.0, 0.0), (1, 0.5, 0.0), {})
    assert (news["b"].latencies_s, news["b"].costs_usd) == ((2, 3.0, 4.5), (2, 0.5, 0.125))
    assert one.news(("a",), place) == ({"a": ((0, 0.0, 0.0), (0, 0.0, 0.0), {})}, place)
    two.feedback("r2", 1.0)
    two.grade("c1", 0.5, "judge:x")
    two.feedback("r0", 0.0)
    two.record(decision(5, policy="b", latency_s=1.0))
    two.rows()  # written
    news, place = one.news(("a", "b"), place, 1.0)
    assert [(new.latencies_s.n, list(new.scores.values())) for new in news.values()] == [(0, [1.0]), (1, [0.5])]
    first = news["a"].scores.keys()
    two.feedback("r2", 0.25)
    news, place = one.news(("a", "b"), place, 1.0)
    assert (list(news["a"].scores.values()), news["a"].scores.keys(), news["b"].scores) == ([0.25], first, {})
    one.close()
    if two is not one:
        two.close()


def test_feedback_finds_its_decision_while_others_come() -> None:
    log = MemoryLog()
    for i in range(10_000):
        log.record(decision(i))
    ended = threading.Event()

    def go_on() -> None:
        for i in range(10_000, 14_000):
            log.record(decision(i))
        ended.set()

    recording = threading.Thread(target=go_on)
    recording.start()
    judged = []
    while not ended.is_set():
        last = log.rows()[-1].chat_id
        log.feedback(last, 0.5)
        judged.append(last)
    recording.join()
    assert {row.chat_id for row in log.rows() if row.score is not None} == set(judged)


@pytest.mark.fault("several workers meet a decision log of an earlier version", "one brings it up to date, all start")
def test_workers_that_start_together_bring_an_older_file_up_to_date_once(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE decisions (chat_id TEXT PRIMARY KEY, request_id TEXT, created REAL, model TEXT)")
    start, logs = threading.Barrier(8), []

    def opens() -> None:
        start.wait()
        logs.append(open_log(path))

    workers = [threading.Thread(target=opens) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(logs) == 8
    logs[0].record(decision(1))
    assert [row.request_id for row in logs[0].rows()] == ["r1"]
    assert [row.request_id for row in logs[7].rows()] == ["r1"]
    for log in logs:
        log.close()


def test_decisions_in_memory_are_bounded_and_take_feedback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.storage.decisions._KEPT_IN_MEMORY", 3)
    log = open_log(None)
    for i in range(9):
        log.record(decision(i, policy="mine", routing_score=float(i)))
    log.feedback("r7", 0.5)
    assert [(row.request_id, row.score) for row in log.rows()] == [("r6", None), ("r7", 0.5), ("r8", None)]
    assert log.routing_scores("mine", last=2) == [8.0, 7.0]
    assert log.routing_features("mine") == []
    log.record(decision(9, policy="mine", routing_score=9.0, key_id="a"))
    assert log.scores_by_key("mine") == [("a", 9.0)]
    with pytest.raises(NotFoundError):
        log.feedback("r1", 1.0)


def test_routing_scores_are_kept_for_drift_and_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with sqlite3.connect(path) as old:
        old.execute(
            "CREATE TABLE decisions (chat_id TEXT PRIMARY KEY, request_id TEXT, created REAL, model TEXT, policy TEXT, "
            "complexity REAL, prompt_tokens INTEGER, completion_tokens INTEGER, cost_usd REAL, latency_s REAL, "
            "score REAL)"
        )
    log = open_log(path)
    log.record(decision(1, policy="mine", routing_score=42.0, features='{"tokens": 7.0}'))
    log.record(decision(2, policy="mine"))
    assert log.routing_scores("mine") == [42.0]
    assert log.routing_features("mine") == [{"tokens": 7.0}]
    assert log.routing_scores("another") == []
    log.record(decision(3, policy="mine", routing_score=7.0, key_id="a"))
    log.record(decision(4, policy="mine", routing_score=8.0, key_id="b"))
    assert log.scores_by_key("mine", last=1) == [("b", 8.0)]
    assert log.scores_by_key("mine") == [("b", 8.0), ("a", 7.0)]
    log.close()
