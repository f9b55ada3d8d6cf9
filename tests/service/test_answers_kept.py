"""What was said is what is kept: an answer from the cache has all that its server said, whole and streamed."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import websocket
from support.gateway import gateway
from support.scripted import ScriptedUpstream, chunks, completion, scripted

HELLO = [{"role": "user", "content": "Hello"}]
SIGNED = {"google": {"thought_signature": "sig=="}}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": SIGNED}
CITED = {"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "A"}}
SAID: dict[str, Any] = {
    "refusal": {"refusal": "I will not.", "content": None},
    "reasoning_content": {"content": "So.", "reasoning_content": "Hm."},
    "reasoning": {"content": "So.", "reasoning": "Hm."},
    "reasoning_details": {"content": "So.", "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]},
    "annotations": {"content": "So.", "annotations": [CITED]},
    "citations": {"content": "So.", "citations": ["https://a.example"]},
    "tool_calls": {"content": None, "tool_calls": [CALL]},
    "audio": {"content": None, "audio": {"id": "a1", "data": "AAAA", "transcript": "Hi", "expires_at": 9}},
    "something_new": {"content": "So.", "something_new": {"deep": ["x", {"y": "z"}]}},
}


@pytest.fixture
def remembering() -> Iterator[tuple[str, ScriptedUpstream]]:
    with scripted() as up, gateway(up, cache_ttl=60) as base:
        yield base, up


def ask(base: str, **body: Any) -> httpx.Response:
    answer = httpx.post(f"{base}/v1/chat/completions", json={"messages": HELLO, **body}, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer


def events_of(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: {")]


def deltas_of(answer: httpx.Response) -> list[dict[str, Any]]:
    return [choice["delta"] for event in events_of(answer) for choice in event["choices"]]


@pytest.mark.fault("an answer is streamed first and asked for whole later", "all that was said is in the whole one")
@pytest.mark.parametrize("name", SAID)
def test_what_was_streamed_is_whole_later(remembering: Any, name: str) -> None:
    base, up = remembering
    message = SAID[name]
    calls = [{"index": i, **call} for i, call in enumerate(message.get("tool_calls", ()))]
    up.chunks = chunks({"role": "assistant"}, {**message, **({"tool_calls": calls} if calls else {})})
    assert ask(base, stream=True).headers["x-cache"] == "MISS"
    whole = ask(base)
    assert whole.headers["x-cache"] == "HIT"
    said = whole.json()["choices"][0]["message"]
    assert said == {"role": "assistant", **message}


@pytest.mark.fault("an answer is asked for whole first and streamed later", "all that was said is in the stream")
@pytest.mark.parametrize("name", SAID)
def test_what_was_whole_is_streamed_later(remembering: Any, name: str) -> None:
    base, up = remembering
    message = SAID[name]
    up.whole = completion(message, system_fingerprint="fp_9", service_tier="flex", citations=["https://b.example"])
    assert ask(base).headers["x-cache"] == "MISS"
    streamed = ask(base, stream=True)
    assert streamed.headers["x-cache"] == "HIT"
    said: dict[str, Any] = {}
    for delta in deltas_of(streamed):
        said |= delta
    calls = [{"index": i, **call} for i, call in enumerate(message.get("tool_calls", ()))]
    assert said == {"role": "assistant", **message, **({"tool_calls": calls} if calls else {})}
    for event in events_of(streamed):
        assert (event["system_fingerprint"], event["service_tier"]) == ("fp_9", "flex")
        assert event["citations"] == ["https://b.example"]


def test_fields_beside_the_choices_are_kept(remembering: Any) -> None:
    base, up = remembering
    up.chunks = chunks({"content": "Hi"}, system_fingerprint="fp_9", service_tier="flex", provider="P")
    ask(base, stream=True)
    whole = ask(base).json()
    assert (whole["system_fingerprint"], whole["service_tier"], whole["provider"]) == ("fp_9", "flex", "P")


def test_logprobs_that_nobody_asked_for_are_kept(remembering: Any) -> None:
    base, up = remembering
    up.chunks = chunks({"content": "a"}, {"content": "a"})
    for event in up.chunks[:2]:
        event["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": -0.1}]}
    ask(base, stream=True)
    assert len(ask(base).json()["choices"][0]["logprobs"]["content"]) == 2
    streamed = [choice for event in events_of(ask(base, stream=True)) for choice in event["choices"]]
    assert len(streamed[0]["logprobs"]["content"]) == 2


@pytest.mark.fault("a whole answer comes without usage", "its tokens are estimated, and later streams of it are well")
@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 0}])
def test_an_answer_without_usage_can_be_streamed(remembering: Any, usage: Any) -> None:
    base, up = remembering
    up.whole = completion({"content": "Hello there"}, usage=usage)
    assert ask(base).json()["usage"]["completion_tokens"] > 0
    streamed = ask(base, stream=True, stream_options={"include_usage": True})
    assert streamed.headers["x-cache"] == "HIT"
    assert events_of(streamed)[-1]["usage"]["completion_tokens"] > 0


@pytest.mark.fault("a model answers nothing", "the answer is not kept, and the next request asks again")
@pytest.mark.parametrize(
    "message",
    [{"content": ""}, {"content": None}, {"content": "", "tool_calls": []}, {"reasoning": "Hm.", "content": ""}],
)
@pytest.mark.parametrize("stream", [False, True])
def test_empty_answers_are_not_kept(remembering: Any, message: Any, stream: bool) -> None:
    base, up = remembering
    up.whole, up.chunks = completion(message), chunks(message)
    assert [ask(base, stream=stream).headers["x-cache"] for _ in range(2)] == ["MISS", "MISS"]


@pytest.mark.parametrize("reason", ["content_filter", "error"])
def test_answers_that_ended_otherwise_are_not_kept(remembering: Any, reason: Any) -> None:
    base, up = remembering
    up.whole = completion({"content": "Hello"}, finish_reason=reason)
    assert [ask(base).headers["x-cache"] for _ in range(2)] == ["MISS", "MISS"]


def test_odd_whole_answers_can_be_streamed(remembering: Any) -> None:
    base, up = remembering
    up.whole = completion({"content": "Hello", "tool_calls": None, "annotations": []}, {"content": "Again"})
    ask(base)
    assert "Hello" in ask(base, stream=True).text


@pytest.mark.fault("a model refuses or thinks on a WebSocket", "the refusal and the thoughts are sent")
def test_a_socket_hears_refusal_and_reasoning(remembering: Any) -> None:
    base, up = remembering
    up.chunks = chunks(
        {"reasoning": "Hm."}, {"reasoning_content": "Well."}, {"refusal": "I will "}, {"refusal": "not."}
    )
    socket = websocket.create_connection(base.replace("http", "ws") + "/ws/chat", timeout=10)
    try:
        socket.send(json.dumps({"type": "chat", "messages": HELLO}))
        said: list[dict[str, Any]] = []
        while not said or said[-1]["type"] not in ("done", "error"):
            said.append(json.loads(socket.recv()))
    finally:
        socket.close()
    assert "".join(m["reasoning"] for m in said if m["type"] == "reasoning") == "Hm.Well."
    assert "".join(m["refusal"] for m in said if m["type"] == "refusal") == "I will not."
    assert said[-1]["usage"]["completion_tokens"] > 0
