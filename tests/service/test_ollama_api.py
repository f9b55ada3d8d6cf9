"""Ollama's API by its own client: chats, answers, tools, lists, vectors, errors."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import ollama
import pytest
from support.gateway import gateway, model
from support.serving import serving
from support.tool_upstream import ToolUpstream

from autopicker_lab.storage import KeyFile

HELLO = [{"role": "user", "content": "Hello"}]
TOOL: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
def served() -> Iterator[tuple[str, ToolUpstream]]:
    up = ToolUpstream()
    capabilities: Any = frozenset({"text", "tools", "images", "json"})
    with (
        serving(up.app) as address,
        gateway(model(f"{address}/v1", capabilities=capabilities, timeout_s=20.0, context_window=32_000)) as base,
    ):
        yield base, up


@contextmanager
def connected(base: str, **options: Any) -> Iterator[Any]:
    client = ollama.Client(host=base, **options)
    try:
        yield client
    finally:
        client._client.close()


@pytest.fixture
def client(served: Any) -> Iterator[Any]:
    with connected(served[0]) as client:
        yield client


def test_a_chat(served: Any, client: Any) -> None:
    base, up = served
    answer = client.chat("m:latest", HELLO, options={"temperature": 0, "num_predict": 5, "stop": ["x"]}, think=True)
    assert (answer.message.content, answer.message.thinking) == ("Yes: Hello", "I think.")
    assert (answer.model, answer.done, answer.done_reason) == ("m", True, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (20, 4)
    assert answer.total_duration
    sent = up.bodies[-1]
    assert (sent["max_tokens"], sent["stop"], sent["temperature"]) == (5, ["x"], 0)
    parts = list(client.chat("auto", HELLO, stream=True, format={"type": "object"}))
    assert "".join(part.message.content or "" for part in parts) == "Yes: Hello"
    assert [part.done for part in parts[-2:]] == [False, True]
    assert parts[-1].eval_count == 4
    assert up.bodies[-1]["response_format"]["json_schema"]["schema"] == {"type": "object"}
    raw = httpx.post(f"{base}/api/chat", json={"model": "m", "messages": HELLO})  # streams unless told otherwise
    assert raw.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["done"] for line in raw.text.splitlines()][-1]


def test_a_body_as_curl_sends_it(served: Any) -> None:
    base, _ = served
    bodies = {
        "/api/show": {"model": "m"},
        "/api/embed": {"model": "wordllama", "input": "x"},
        "/api/generate": {"model": "m", "prompt": "x", "stream": False},
        "/v1/embeddings": {"input": "x"},
        "/v1/messages/count_tokens": {"messages": HELLO},
        "/v1/analyze-complexity": {"messages": HELLO},
    }
    for path, body in bodies.items():
        for kind in ("application/x-www-form-urlencoded", "text/plain", None):
            headers = {"content-type": kind} if kind else {}
            answer = httpx.post(base + path, content=json.dumps(body), headers=headers)
            assert answer.status_code == 200, (path, kind, answer.text)


@pytest.mark.parametrize("stream", [False, True])
def test_tools(served: Any, client: Any, stream: bool) -> None:
    _, up = served

    def ask(messages: Any) -> Any:
        if not stream:
            return client.chat("m", messages, tools=[TOOL]).message
        said = [part.message for part in client.chat("m", messages, tools=[TOOL], stream=True)]
        calls = [call for message in said for call in message.tool_calls or ()]
        return ollama.Message(role="assistant", content="".join(m.content or "" for m in said), tool_calls=calls)

    message = ask(HELLO)
    assert [(c.function.name, c.function.arguments) for c in message.tool_calls] == [("look", {"x": "look"})]
    again = ask([*HELLO, message, {"role": "tool", "tool_name": "look", "content": "seen"}])
    assert again.content == "Yes: seen"
    sent = up.bodies[-1]["messages"]
    assert sent[2]["tool_call_id"] == sent[1]["tool_calls"][0]["id"]


def test_one_answer(served: Any, client: Any, samples: Path) -> None:
    _, up = served
    answer = client.generate("m", "Hello", system="Be brief.")
    assert (answer.response, answer.done_reason) == ("Yes: Hello", "stop")
    assert up.bodies[-1]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert "".join(part.response for part in client.generate("m", "Hello", stream=True)) == "Yes: Hello"
    client.generate("m", "What is this?", images=[samples / "sign.jpg"])
    url = up.bodies[-1]["messages"][0]["content"][1]["image_url"]["url"]
    assert url.startswith("data:image/jpeg;base64,")
    asked = len(up.bodies)
    assert client.generate("m").done_reason == "load"
    assert client.generate("m", keep_alive=0).done_reason == "unload"
    assert client.chat("m", []).done
    assert len(up.bodies) == asked


def test_what_there_is(served: Any, client: Any) -> None:
    base, _ = served
    assert [row.model for row in client.list().models] == ["auto:latest", "m:latest", "wordllama:latest"]
    assert {row.model for row in client.ps().models} == {"m:latest", "wordllama:latest"}
    shown = client.show("m:latest")
    assert shown.capabilities == ["completion", "vision", "tools"]
    info: Any = shown.modelinfo
    assert info[f"{info['general.architecture']}.context_length"] == 32_000
    assert client.show("auto").capabilities
    assert httpx.get(f"{base}/api/version").json()["version"]
    assert httpx.head(base).status_code == 200
    assert len(client.embed("wordllama", ["a", "b"]).embeddings) == 2
    assert len(client.embed("wordllama", "a", dimensions=64).embeddings[0]) == 64
    assert len(client.embeddings("wordllama:latest", "a").embedding) == 256


@pytest.mark.fault("a wrong request by one of Ollama's clients", "its own typed error, with the status")
def test_errors_are_its_own(served: Any, client: Any) -> None:
    base, up = served
    for call, *arguments in ((client.chat, HELLO), (client.generate, "x"), (client.show,), (client.embed, "x")):
        with pytest.raises(ollama.ResponseError, match="unknown model") as missing:
            call("gpt-9", *arguments)
        assert missing.value.status_code == 404
    xml = httpx.post(f"{base}/api/chat", json={"model": "m", "messages": HELLO, "format": "xml"})
    assert (xml.status_code, "format" in xml.json()["error"]) == (400, True)
    assert set(httpx.post(f"{base}/api/chat", content=b"{half").json()) == {"error"}
    assert set(httpx.post(f"{base}/api/pull", json={"model": "m"}).json()) == {"error"}
    up.fault = "error"
    with pytest.raises(ollama.ResponseError, match="GPU"):
        list(client.chat("m", HELLO, stream=True))


def test_keys(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    key, _ = keys.create("reader", models=["m"])
    up = ToolUpstream()
    with serving(up.app) as address:
        models = [model(f"{address}/v1", timeout_s=20.0), model(f"{address}/v1").model_copy(update={"name": "n"})]
        with gateway(*models, api_keys_file=str(tmp_path / "keys.json")) as base:
            assert httpx.get(f"{base}/api/tags").json().keys() == {"error"}
            with connected(base, headers={"Authorization": f"Bearer {key}"}) as client:
                assert [row.model for row in client.list().models] == ["auto:latest", "m:latest"]
                assert client.chat("m", HELLO).message.content == "Yes: Hello"
                for call, *arguments in (
                    (client.chat, "n", HELLO),
                    (client.show, "n"),
                    (client.embed, "wordllama", "x"),
                ):
                    with pytest.raises(ollama.ResponseError) as caught:
                        call(*arguments)
                    assert caught.value.status_code == 404
