"""Time limits of upstreams hold for what is said, and a slow list of models is no sign of death."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.raw_upstream import END, completion, event, head, piece, raw_upstream, stream, whole

from autopicker_lab.models.openai import OpenAIModel
from autopicker_lab.settings import ModelConfig

HELLO = [{"role": "user", "content": "Hello"}]
ROLE = piece({"role": "assistant", "content": ""})
EMPTY = piece({"content": ""}) + event({"choices": []}) + piece({})
HI = piece({"content": "Hi"})


@pytest.fixture
def up() -> Iterator[Any]:
    with raw_upstream() as server:
        yield server


def ask(base: str, streamed: bool = True, model: str = "m") -> Any:
    body = {"model": model, "messages": HELLO, "stream": streamed}
    return httpx.post(f"{base}/v1/chat/completions", json=body, timeout=30)


def model(up: Any, **limits: Any) -> ModelConfig:
    return ModelConfig(name="m", type="openai", endpoint=up.url, **limits)


@pytest.mark.fault(
    "an upstream that sends comments, a role or empty events, and never a word", "504 after `first_token_s`"
)
@pytest.mark.parametrize("filler", [b"", b": keep-alive\n\n", ROLE, EMPTY, b"data:\n\n", b"\n\n\n"])
def test_the_first_piece_is_one_that_says_something(up: Any, filler: bytes) -> None:
    up.script = lambda asked: stream(*[ROLE, *[0.1, filler] * 40])
    with gateway(model(up, first_token_s=0.6, timeout_s=20)) as base:
        started_at = time.monotonic()
        got = ask(base)
        assert got.status_code == 504
        assert time.monotonic() - started_at < 3.5


@pytest.mark.fault(
    "an upstream that falls silent behind comments in the middle of an answer", "an `error` event after `timeout_s`"
)
@pytest.mark.parametrize("filler", [b": keep-alive\n\n", EMPTY, b"data:\n\n"])
def test_what_says_nothing_does_not_restart_the_clock(up: Any, filler: bytes) -> None:
    up.script = lambda asked: stream(HI, *[0.1, filler] * 60)
    with gateway(model(up, first_token_s=20, timeout_s=0.6)) as base:
        started_at = time.monotonic()
        got = ask(base)
        assert "did not answer in time" in got.text
        assert "[DONE]" not in got.text
        assert time.monotonic() - started_at < 4.5


@pytest.mark.parametrize(
    "said",
    [
        piece({"content": "x"}),
        piece({"reasoning_content": "hm"}),
        piece({"reasoning": "hm"}),
        piece({"refusal": "no"}),
        piece({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]}),
    ],
)
def test_text_thoughts_and_calls_restart_it(up: Any, said: bytes) -> None:
    up.script = lambda asked: stream(*[0.4, said] * 5, END)
    with gateway(model(up, first_token_s=1.5, timeout_s=1.5)) as base:
        assert "[DONE]" in ask(base).text


@pytest.mark.fault("an answer that goes on longer than `total_s`", "504, or an `error` event where it had begun")
def test_the_total_limit_holds_for_whole_answers_and_streams(up: Any) -> None:
    up.script = lambda asked: stream(*[0.1, HI] * 60)
    with gateway(model(up, timeout_s=20, total_s=0.7)) as base:
        started_at = time.monotonic()
        assert "did not answer in time" in ask(base).text
        data = json.dumps(completion("x" * 40)).encode()
        blocks = [part for i in range(len(data)) for part in (data[i : i + 1], 0.05)]
        up.script = lambda asked: [head("content-type: application/json\r\n"), *blocks, None]
        assert ask(base, False).status_code == 504
        assert time.monotonic() - started_at < 5


@pytest.mark.fault("white space in place of a whole answer", "504 after `first_token_s`")
def test_white_space_is_no_piece_of_a_whole_answer(up: Any) -> None:
    up.script = lambda asked: [head("content-type: application/json\r\n"), *[0.1, b"\n"] * 40, None]
    with gateway(model(up, first_token_s=0.6, timeout_s=20)) as base:
        started_at = time.monotonic()
        assert ask(base, False).status_code == 504
        assert time.monotonic() - started_at < 3.5


def test_a_reader_who_is_slow_does_not_make_the_upstream_late(up: Any) -> None:
    import asyncio

    from autopicker_lab.core import ChatRequest, ModelSpec

    up.script = lambda asked: stream(HI, HI, END)

    async def slowly() -> list[str]:
        made = OpenAIModel(ModelSpec("m", "openai", "m", up.url, timeout_s=0.5))
        texts = []
        async for chunk in made.stream(ChatRequest.of("Hello")):
            texts.append(chunk.content)
            await asyncio.sleep(0.8)
        await made.close()
        return texts

    assert "".join(asyncio.run(slowly())) == "HiHi"


@pytest.mark.fault(
    "the list of models comes late, or never, from a server at work",
    "requests are answered, and the model stays available",
)
@pytest.mark.parametrize("models", [[3.0], [None], [whole({"error": "busy"}, "500 I")]])
def test_a_slow_probe_is_no_sign_of_death(up: Any, monkeypatch: pytest.MonkeyPatch, models: Any) -> None:
    monkeypatch.setattr("autopicker_lab.models.openai_probe.PROBE_S", 0.3)
    monkeypatch.setattr("autopicker_lab.models.catalogue.PROBE_TTL_S", 0.1)
    monkeypatch.setattr("autopicker_lab.models.catalogue.RECHECK_S", 0.0)
    with gateway(model(up)) as base:
        assert ask(base).status_code == 200
        up.models = models
        up.script = lambda asked: stream(*[0.1, HI] * 4, END)
        slow = threading.Thread(target=lambda: ask(base))
        slow.start()
        for _ in range(5):
            assert ask(base, model="auto").status_code == 200
            assert next(m for m in httpx.get(f"{base}/v1/models").json()["data"] if m["id"] == "m")["available"]
            time.sleep(0.2)
        slow.join()


def test_a_server_that_never_answered_anything_is_not_available(up: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.models.openai_probe.PROBE_S", 0.3)
    up.models = [3.0]
    with gateway(model(up)) as base:
        got = ask(base)
        assert got.status_code == 503
        assert "does not answer" in got.text
