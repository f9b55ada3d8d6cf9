"""Answers that are remembered: for whom, for how long, and asked for once however many ask."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket
from support.gateway import gateway
from support.upstream import TEXT, soon, upstream

from autopicker_lab.storage import KeyFile

HELLO = [{"role": "user", "content": "Hello"}]


async def ask_at_once(base: Any, many: Any, *, stream: bool = False, **body: Any) -> Any:
    async with httpx.AsyncClient(timeout=30) as client:
        request = {"messages": HELLO, "stream": stream, **body}
        posts = (client.post(f"{base}/v1/chat/completions", json=request) for _ in range(many))
        return await asyncio.gather(*posts)


def ask(base: Any, headers: Any = None, path: str = "chat/completions", **body: Any) -> Any:
    answer = httpx.post(f"{base}/v1/{path}", json={"messages": HELLO, **body}, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer


def text_of(answer: Any) -> Any:
    lines = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: {")]
    return "".join(e["choices"][0]["delta"].get("content") or "" for e in lines if e.get("choices"))


@pytest.fixture
def remembering() -> Iterator[Any]:
    with upstream() as up, gateway(up, cache_ttl=60) as base:
        yield base, up


@pytest.mark.parametrize("stream", [False, True])
async def test_the_same_question_at_once_is_asked_once(remembering: Any, stream: bool) -> None:
    base, up = remembering
    up.delay_s = 0.1 if stream else 0.5
    answers = await ask_at_once(base, 8, stream=stream)
    assert len(up.bodies) == 1
    assert sorted(a.headers["x-cache"] for a in answers) == ["HIT"] * 7 + ["MISS"]
    texts = {text_of(a) if stream else a.json()["choices"][0]["message"]["content"] for a in answers}
    assert texts == {TEXT}
    assert all(a.text.endswith("[DONE]\n\n") for a in answers if stream)


async def test_a_failure_is_shared_and_not_remembered(remembering: Any) -> None:
    base, up = remembering
    up.fault = "hang before"
    answers = await ask_at_once(base, 4)
    assert [a.status_code for a in answers] == [504] * 4
    assert len(up.bodies) == 1
    up.fault = ""
    assert ask(base).headers["x-cache"] == "MISS"


async def test_where_the_one_who_asks_leaves_another_asks(remembering: Any) -> None:
    base, up = remembering
    up.delay_s = 0.4
    async with httpx.AsyncClient() as client:
        body = {"messages": HELLO}
        leader = asyncio.create_task(client.post(f"{base}/v1/chat/completions", json=body, timeout=0.3))
        await asyncio.sleep(0.1)
        follower = asyncio.create_task(client.post(f"{base}/v1/chat/completions", json=body, timeout=10))
        with pytest.raises(httpx.TimeoutException):
            await leader
        answer = await follower
    assert (answer.status_code, answer.headers["x-cache"]) == (200, "MISS")
    assert (len(up.bodies), up.dropped) == (2, 1)


@pytest.mark.parametrize(
    ("body", "headers"),
    [({"temperature": 0.7}, {}), ({}, {"cache-control": "no-cache"}), ({"temperature": 2}, {})],
)
def test_variety_and_freshness_are_not_remembered(remembering: Any, body: Any, headers: Any) -> None:
    base, up = remembering
    assert [ask(base, headers, **body).headers["x-cache"] for _ in range(2)] == ["BYPASS", "BYPASS"]
    assert len(up.bodies) == 2


def test_whole_and_streamed_are_one_answer(remembering: Any) -> None:
    base, up = remembering
    whole = ask(base, temperature=0)
    streamed = ask(base, temperature=0, stream=True, stream_options={"include_usage": True})
    assert (streamed.headers["x-cache"], len(up.bodies)) == ("HIT", 1)
    assert text_of(streamed) == whole.json()["choices"][0]["message"]["content"]
    assert '"usage":' in streamed.text
    assert ask(base, temperature=0, user="another").json() == whole.json()
    assert ask(base, temperature=0, seed=1).headers["x-cache"] == "MISS"
    stats = httpx.get(f"{base}/v1/performance/metrics").json()["performance_metrics"]["cache_stats"]
    assert (stats["hits"], stats["misses"], stats["hit_rate_percent"]) == (2, 2, 50.0)


def test_answers_belong_to_their_key(tmp_path: Path) -> None:
    keys = [KeyFile(tmp_path / "keys.json").create(name)[0] for name in ("one", "two")]
    with upstream() as up, gateway(up, cache_ttl=60, autopicker_home=tmp_path) as base:
        statuses = [ask(base, {"x-api-key": key}).headers["x-cache"] for key in (*keys, *keys)]
        assert statuses == ["MISS", "MISS", "HIT", "HIT"]


def test_the_socket_is_for_our_own_pages_and_allowed_ones() -> None:
    with upstream() as up, gateway(up, allowed_origins="https://friend.example") as base:
        url = base.replace("http", "ws") + "/ws/chat"
        for origin in (None, base, "https://friend.example"):
            options = {"origin": origin} if origin else {"suppress_origin": True}
            websocket.create_connection(url, timeout=10, **options).close()
        with pytest.raises(websocket.WebSocketBadStatusException):
            websocket.create_connection(url, timeout=10, origin="https://evil.example")
        preflight = {"Origin": "https://friend.example", "Access-Control-Request-Method": "POST"}
        allowed = httpx.options(f"{base}/v1/chat/completions", headers=preflight)
        assert allowed.headers["access-control-allow-origin"] == "https://friend.example"
        refused = httpx.options(f"{base}/v1/chat/completions", headers={**preflight, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in refused.headers


def test_the_socket_has_keys_limits_and_budgets_too(tmp_path: Path) -> None:
    secret, _ = KeyFile(tmp_path / "keys.json").create("app", requests=3, models=("other",))
    with upstream() as up, gateway(up, autopicker_home=tmp_path) as base:
        socket = websocket.create_connection(base.replace("http", "ws") + f"/ws/chat?api_key={secret}", timeout=10)
        statuses = []
        for _ in range(4):
            socket.send(json.dumps({"type": "chat", "messages": HELLO}))
            statuses.append(json.loads(socket.recv())["status_code"])
        assert statuses == [404, 404, 404, 429]
        socket.close()


def test_a_probe_that_hangs_holds_nobody_up() -> None:
    with upstream() as up, gateway(up) as base:
        ask(base)
        up.fault = "hang before"
        assert httpx.get(f"{base}/health", timeout=0.5).status_code == 200
        assert soon(lambda: up.running == 0)
