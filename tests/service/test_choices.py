"""Several answers to one question (`n`), from servers that give them and from those that do not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse
from support.gateway import gateway, model
from support.ollama_server import FakeOllama
from support.scripted import ScriptedUpstream, chunks, completion, scripted
from support.serving import serving

from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage import KeyFile

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def up() -> Iterator[ScriptedUpstream]:
    with scripted() as upstream:
        yield upstream


def ask(base: str, headers: Any = None, **body: Any) -> httpx.Response:
    answer = httpx.post(f"{base}/v1/chat/completions", json={"messages": HELLO, **body}, timeout=30, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def texts_of(answer: httpx.Response) -> list[str]:
    """The text of each choice, of a whole answer or a stream."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        found = sorted(answer.json()["choices"], key=lambda choice: choice["index"])
        assert [choice["index"] for choice in found] == list(range(len(found)))
        return [choice["message"]["content"] for choice in found]
    said: dict[int, str] = {}
    ended: list[int] = []
    for line in answer.text.split("\n"):
        for choice in json.loads(line[6:])["choices"] if line.startswith("data: {") else ():
            said[choice["index"]] = said.get(choice["index"], "") + (choice["delta"].get("content") or "")
            ended += [choice["index"]] if choice["finish_reason"] else []
    assert answer.text.endswith("data: [DONE]\n\n")
    assert sorted(ended) == sorted(said) == list(range(len(said)))
    return [said[index] for index in sorted(said)]


def give(body: dict[str, Any], most: int = 8) -> list[str]:
    return [f"answer {number}" for number in range(min(body.get("n", 1), most))]


def well(up: ScriptedUpstream, most: int = 8) -> None:
    """An upstream that gives n answers, or fewer than it was asked for."""
    up.whole = lambda body: completion(*({"content": text} for text in give(body, most)))
    up.chunks = lambda body: [
        event for i, text in enumerate(give(body, most)) for event in chunks({"content": text}, index=i)
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_gives_several_is_asked_once(up: ScriptedUpstream, stream: bool) -> None:
    well(up)
    with gateway(up) as base:
        assert texts_of(ask(base, n=3, stream=stream)) == ["answer 0", "answer 1", "answer 2"]
    assert len(up.bodies) == 1
    assert up.bodies[0]["n"] == 3


@pytest.mark.fault("a server gives one answer where several were asked for", "it is asked again for the others")
@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_gives_one_is_asked_again(up: ScriptedUpstream, stream: bool) -> None:
    well(up, most=1)
    with gateway(up) as base:
        answer = ask(base, n=3, stream=stream, seed=7, stream_options={"include_usage": True})
        assert texts_of(answer) == ["answer 0"] * 3
        assert [body.get("seed") for body in up.bodies] == [7, 8, 9]
        assert [body.get("n") for body in up.bodies] == [3, None, None]
        if not stream:
            assert answer.json()["usage"]["completion_tokens"] == 15


@pytest.mark.fault("a server refuses n", "it is asked once for each answer")
@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_refuses_n_is_asked_without(up: ScriptedUpstream, stream: bool) -> None:
    refusal = JSONResponse({"error": {"message": "n is not supported", "param": "n"}}, 400)
    up.whole = lambda body: refusal if "n" in body else completion({"content": "one"})
    up.chunks = lambda body: refusal if "n" in body else chunks({"content": "one"})
    with gateway(up) as base:
        assert texts_of(ask(base, n=2, stream=stream)) == ["one", "one"]


@pytest.mark.parametrize("stream", [False, True])
def test_ollama_is_asked_for_each(stream: bool) -> None:
    ollama = FakeOllama()
    with serving(ollama.app) as url:
        name = next(iter(ollama.models))
        entry = ModelConfig(name="o", type="ollama", endpoint=url, model=name)
        with gateway(entry) as base:
            answers = texts_of(ask(base, n=2, model="o", stream=stream))
    assert len(answers) == 2
    assert all(answers)


def test_each_answer_is_paid_for(up: ScriptedUpstream, tmp_path: Path) -> None:
    well(up, most=1)
    secret, _ = KeyFile(tmp_path / "keys.json").create("one", budget_usd=100.0)
    with gateway(model(up.url, price_in=1e6, price_out=1e6), autopicker_home=tmp_path) as base:
        answer = ask(base, {"x-api-key": secret}, n=3, max_tokens=6)
        assert float(answer.headers["x-autopicker-cost-usd"]) == 24.0  # three times 3 + 5 tokens


def test_several_are_kept_and_streamed(up: ScriptedUpstream) -> None:
    well(up)
    with gateway(up, cache_ttl=60) as base:
        streamed = texts_of(ask(base, n=2, stream=True))
        whole = ask(base, n=2)
        assert whole.headers["x-cache"] == "HIT"
        assert texts_of(whole) == streamed == texts_of(ask(base, n=2, stream=True))
        assert ask(base).headers["x-cache"] == "MISS"


@pytest.mark.parametrize("count", [0, -1, 9, 1.5, "2", True])
def test_impossible_counts_are_refused(up: ScriptedUpstream, count: Any) -> None:
    with gateway(up) as base:
        answer = httpx.post(f"{base}/v1/chat/completions", json={"messages": HELLO, "n": count})
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "n"
