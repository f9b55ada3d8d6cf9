"""Budgets: money is held before a model is asked, so that requests at the same time cannot spend it twice."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket
from conftest import needs
from support.gateway import gateway
from support.redis_server import redis_server
from support.serving import free_port, is_free
from support.upstream import soon, upstream

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage import KeyFile, Ledger
from autopicker_lab.storage.ledger import Hold
from autopicker_lab.storage.redis_client import open_redis

HELLO = [{"role": "user", "content": "Hello"}]
ACCOUNT = ("key", "2026-11")


@contextmanager
def paid_models(home: Any, **settings: Any) -> Iterator[Any]:
    """Two models on one upstream: an answer of "cheap" costs 0.005 USD, one of "dear" 5 USD."""
    with upstream() as up:
        cheap = ModelConfig(name="cheap", type="openai", endpoint=up.url, quality=0.2, price_out=1_000)
        dear = ModelConfig(name="dear", type="openai", endpoint=up.url, quality=0.9, price_out=1_000_000)
        with gateway(cheap, dear, autopicker_home=home, **settings) as base:
            yield base, up


def ask(base: str, key: str, **body: Any) -> httpx.Response:
    body = {"messages": HELLO, "model": "dear", **body}
    return httpx.post(f"{base}/v1/chat/completions", json=body, headers={"x-api-key": key}, timeout=30)


def spent(home: Path, key_id: str) -> float:
    ledger = Ledger(home / "spending.sqlite")
    key = next(key for key in KeyFile(home / "keys.json").keys().values() if key.id == key_id)
    return ledger.spent((key.id, key.current_period()))


@pytest.mark.fault("30 requests at once on a key with money for one answer", "one is answered, the others are 429")
@pytest.mark.parametrize("stream", [False, True])
def test_requests_at_once_cannot_spend_the_same_money(tmp_path: Path, stream: bool) -> None:
    secret, key = KeyFile(tmp_path / "keys.json").create("app", budget_usd=5)
    with paid_models(tmp_path) as (base, up):
        up.delay_s = 0.4 if stream else 2
        with ThreadPoolExecutor(30) as pool:
            answers = list(pool.map(lambda _: ask(base, secret, stream=stream), range(30)))
        refused = [answer for answer in answers if answer.status_code == 429]
        assert [len(answers) - len(refused), len(refused), len(up.bodies)] == [1, 29, 1]
        assert {answer.json()["error"]["code"] for answer in refused} == {"insufficient_quota"}
        first = next(answer for answer in refused if "this key has 0 left" in answer.json()["detail"])
        assert int(first.headers["retry-after"]) <= 2  # the answer may cost less than is held for it
    assert spent(tmp_path, key.id) == 5


def test_what_is_held_comes_back(tmp_path: Path) -> None:
    secret, key = KeyFile(tmp_path / "keys.json").create("app", budget_usd=7)
    with paid_models(tmp_path) as (base, up):
        for fault, status in (("500", 502), ("invalid json", 502)):
            up.fault = fault
            assert ask(base, secret).status_code == status
        up.fault = ""
        up.delay_s = 5
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{base}/v1/chat/completions",
                json={"messages": HELLO, "model": "dear"},
                headers={"x-api-key": secret},
                timeout=0.3,
            )
        up.delay_s = 0
        assert soon(lambda: ask(base, secret).status_code == 200)
        assert spent(tmp_path, key.id) in (0, 5)


@pytest.mark.fault(
    "a request that asks for more than its key can pay", "429 before the model is asked, naming what is left"
)
def test_what_is_asked_for_must_be_there(tmp_path: Path) -> None:
    secret, _ = KeyFile(tmp_path / "keys.json").create("app", budget_usd=8)
    with paid_models(tmp_path) as (base, up):
        refused = ask(base, secret, max_tokens=9)
        assert (refused.status_code, len(up.bodies)) == (429, 0)
        assert "may cost 9 USD" in refused.json()["detail"]
        assert "this key has 8 left" in refused.json()["detail"]
        assert ask(base, secret, max_tokens=5, n=2).status_code == 429  # two answers of five tokens
        assert ask(base, secret, max_tokens=8).status_code == 200
        assert up.bodies[-1]["max_tokens"] == 8


def test_an_answer_of_open_length_is_bounded_by_what_is_left_and_not_kept_when_cut(tmp_path: Path) -> None:
    secret, _ = KeyFile(tmp_path / "keys.json").create("app", budget_usd=6)
    with paid_models(tmp_path, cache_ttl=60) as (base, up):
        answer = ask(base, secret)
        assert (answer.status_code, up.bodies[-1]["max_tokens"]) == (200, 6)
        again = ask(base, secret)
        assert (again.status_code, again.headers["x-cache"], up.bodies[-1]["max_tokens"]) == (200, "MISS", 1)


def test_a_request_goes_to_a_model_that_its_key_can_pay(tmp_path: Path) -> None:
    secret, _ = KeyFile(tmp_path / "keys.json").create("app", budget_usd=1)
    hard = [{"role": "user", "content": "Prove the theorem step by step, then derive the equation. " * 60}]
    with paid_models(tmp_path) as (base, _):
        answer = ask(base, secret, model="auto", messages=hard, max_tokens=100)
        assert (answer.status_code, answer.json()["model"]) == (200, "cheap")


def test_a_socket_holds_money_too(tmp_path: Path) -> None:
    secret, key = KeyFile(tmp_path / "keys.json").create("app", budget_usd=5)
    with paid_models(tmp_path) as (base, up):
        up.delay_s = 0.1
        sockets = [
            websocket.create_connection(base.replace("http", "ws") + "/ws/chat", header=[f"X-API-Key: {secret}"])
            for _ in range(4)
        ]
        for socket in sockets:
            socket.send(json.dumps({"type": "chat", "messages": HELLO, "model": "dear"}))
        first = [json.loads(socket.recv()) for socket in sockets]
        assert sorted(event["type"] for event in first) == ["error", "error", "error", "route"]
        answering = sockets[[event["type"] for event in first].index("route")]
        while json.loads(answering.recv())["type"] != "done":
            pass
        for socket in sockets:
            socket.close()
    assert spent(tmp_path, key.id) == 5


def test_a_prompt_is_paid_for_where_its_answer_is_not_awaited(tmp_path: Path) -> None:
    secret, key = KeyFile(tmp_path / "keys.json").create("app", budget_usd=1)
    with upstream() as up:
        model = ModelConfig(name="m", type="openai", endpoint=up.url, timeout_s=30, price_in=1_000)
        with gateway(model, autopicker_home=tmp_path) as base:
            up.delay_s = 10
            body = {"messages": [{"role": "user", "content": "word " * 80}]}
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{base}/v1/chat/completions", json=body, headers={"x-api-key": secret}, timeout=0.5)
            assert soon(lambda: up.dropped)
            assert soon(lambda: spent(tmp_path, key.id) > 0.09)


@pytest.mark.fault("two workers that take the last dollar of a key at the same time", "one of them has it")
def test_two_ledgers_cannot_hold_the_same_money(tmp_path: Path) -> None:
    agree_on_the_last_dollar(lambda: Ledger(tmp_path / "spending.sqlite"))


@needs("redis-server")
@pytest.mark.slow
def test_ledgers_in_redis_cannot_either(tmp_path: Path) -> None:
    with redis_server(tmp_path) as (url, start, stop):
        agree_on_the_last_dollar(lambda: Ledger(tmp_path / "none.sqlite", open_redis(url)))
        ledger = Ledger(tmp_path / "none.sqlite", open_redis(url))
        stop()
        hold = Hold(ACCOUNT)
        assert ledger.hold(hold, 5.0, 4.0, 4.0) == 4.0  # counted here
        assert ledger.hold(Hold(ACCOUNT), 5.0, 4.0, 4.0) == 0.0
        start()
        ledger.sync()
        assert Ledger(tmp_path / "none.sqlite", open_redis(url)).hold(Hold(ACCOUNT), 5.0, 2.0, 2.0) == 0.0
        assert not (tmp_path / "none.sqlite").exists()


@pytest.mark.slow
@pytest.mark.fault("two worker processes and a key with money for one answer", "one answer in all")
def test_workers_cannot_either(tmp_path: Path) -> None:
    secret, key = KeyFile(tmp_path / "keys.json").create("app", budget_usd=5)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with upstream() as up:
        up.delay_s = 3
        entry = {"name": "dear", "type": "openai", "endpoint": up.url, "price_out": 1_000_000}
        (tmp_path / "models.json").write_text(json.dumps({"models": [entry]}))
        settings = {
            "AUTOPICKER_CONFIG": str(tmp_path / "models.json"),
            "AUTOPICKER_HOME": str(tmp_path),
            "CACHE_TTL": "0",
        }
        command = [sys.executable, "-m", "autopicker_lab.service", "--port", str(port), "--workers", "2"]
        process = subprocess.Popen(command, env={**os.environ, **settings}, stderr=subprocess.DEVNULL)
        try:
            assert soon(lambda: not is_free(port), 60)
            with ThreadPoolExecutor(20) as pool:
                statuses = list(pool.map(lambda _: ask(base, secret).status_code, range(20)))
            assert [statuses.count(200), statuses.count(429), len(up.bodies)] == [1, 19, 1]
        finally:
            process.terminate()
            process.wait(30)
    assert spent(tmp_path, key.id) == 5


def agree_on_the_last_dollar(open_one: Any) -> None:
    ledgers = [open_one() for _ in range(4)]
    holds = [[Hold(ACCOUNT) for _ in range(10)] for _ in ledgers]

    def take(i: int) -> list[float]:
        return [ledgers[i].hold(hold, 5.0, 1.0, 1.0) for hold in holds[i]]

    with ThreadPoolExecutor(len(ledgers)) as pool:
        taken = [usd for usds in pool.map(take, range(len(ledgers))) for usd in usds]
    assert sum(taken) == 5.0
    for ledger, own in zip(ledgers, holds, strict=True):
        for hold in own:
            if hold.usd:
                ledger.add(ACCOUNT, 0.1)
                ledger.release(hold)
        ledger.sync()
    for ledger in ledgers:
        ledger.sync()
        assert ledger.standing(ACCOUNT) == (pytest.approx(0.5), 0.0)
    assert ledgers[0].hold(Hold(ACCOUNT), 5.0, 9.0, 1.0) == pytest.approx(4.5)  # what is left of it


def test_what_a_dead_worker_held_is_free_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.storage.ledger_stores.HOLD_S", 0.5)
    dead, alive = (Ledger(tmp_path / "spending.sqlite") for _ in range(2))
    assert dead.hold(Hold(ACCOUNT), 5.0, 5.0, 5.0) == 5.0
    assert alive.hold(Hold(ACCOUNT), 5.0, 5.0, 5.0) == 0.0
    time.sleep(0.3)
    dead.sync()  # it lives, and so does what it holds
    time.sleep(0.3)
    assert alive.hold(Hold(ACCOUNT), 5.0, 5.0, 5.0) == 0.0
    time.sleep(0.6)
    assert alive.hold(Hold(ACCOUNT), 5.0, 5.0, 5.0) == 5.0


def test_money_is_held_here_while_the_store_is_away(tmp_path: Path) -> None:
    (tmp_path / "no").write_text("a file where a folder should be")
    ledger = Ledger(tmp_path / "no" / "spending.sqlite")
    first, second = Hold(ACCOUNT), Hold(ACCOUNT)
    assert [ledger.hold(hold, 5.0, 4.0, 4.0) for hold in (first, second)] == [4.0, 0.0]
    ledger.release(first)
    assert ledger.hold(second, 5.0, 4.0, 4.0) == 4.0


def test_nothing_is_held_for_a_request_that_has_ended(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "spending.sqlite")
    hold = Hold(ACCOUNT)
    ledger.release(hold)  # while the store was being asked
    assert ledger.hold(hold, 5.0, 4.0, 4.0) == 0.0
    assert ledger.standing(ACCOUNT) == (0.0, 0.0)


@pytest.mark.parametrize("budget", [float("nan"), float("inf"), -1.0])
def test_a_budget_that_bounds_nothing_is_refused(tmp_path: Path, budget: float) -> None:
    with pytest.raises(InvalidRequestError, match="bounds nothing"):
        KeyFile(tmp_path / "keys.json").create("app", budget_usd=budget)
