"""/v1/messages by Anthropic's own client: whole, streamed, with tools, refused, and within limits."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import pytest
from support.gateway import gateway, model
from support.serving import serving
from support.tool_upstream import ToolUpstream

from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage import KeyFile

HELLO: Any = [{"role": "user", "content": "Hello"}]
TOOLS: Any = [{"name": name, "input_schema": {"type": "object", "properties": {}}} for name in ("look", "find")]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def served() -> Iterator[tuple[str, ToolUpstream]]:
    up = ToolUpstream()
    with serving(up.app) as address, gateway(_model(address)) as base:
        yield base, up


def _model(address: str, **fields: Any) -> ModelConfig:
    capabilities: Any = frozenset({"text", "tools", "images", "json"})
    return model(f"{address}/v1", capabilities=capabilities, timeout_s=20.0, **fields)


@pytest.fixture
def client() -> Iterator[Any]:
    """Makes clients, which are closed after the test."""
    made = []

    def connect(base: str, **options: Any) -> anthropic.Anthropic:
        made.append(anthropic.Anthropic(base_url=base, **{"api_key": "none", "max_retries": 0, **options}))
        return made[-1]

    yield connect
    for one in made:
        one.close()


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_a_whole_answer(client: Any, served: Any, prefix: str) -> None:
    base, up = served
    answer = client(base + prefix).messages.create(
        model="m", max_tokens=50, messages=HELLO, system="Be brief.", stop_sequences=["END"], extra_body={"top_k": 5}
    )
    assert (answer.content[0].text, answer.role, answer.model) == ("Yes: Hello", "assistant", "m")
    assert (answer.stop_reason, answer.id[:4]) == ("end_turn", "msg_")
    assert answer._request_id
    assert [row.display_name for row in client(base + prefix).models.list()] == ["auto", "m", "wordllama"]
    usage = answer.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (12, 8, 4)
    sent = up.bodies[-1]
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (sent["max_tokens"], sent["stop"], sent["top_k"]) == (50, ["END"], 5)
    up.finish = "length"
    assert client(base + prefix).messages.create(model="auto", max_tokens=1, messages=HELLO).stop_reason == "max_tokens"


def test_a_stream_with_thinking(client: Any, served: Any) -> None:
    base, _ = served
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    with client(base).messages.stream(model="auto", max_tokens=2000, messages=HELLO, thinking=thinking) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert final.content[1].text == "Yes: Hello"
    assert (final.stop_reason, final.usage.input_tokens, final.usage.output_tokens) == ("end_turn", 12, 4)
    with client(base).messages.stream(model="m", max_tokens=9, messages=HELLO) as stream:
        assert "".join(stream.text_stream) == "Yes: Hello"


@pytest.mark.parametrize("stream", [False, True])
def test_a_round_of_tools(client: Any, served: Any, stream: bool) -> None:
    base, up = served
    asked = client(base)
    messages: Any = list(HELLO)

    def ask() -> Any:
        if not stream:
            return asked.messages.create(model="m", max_tokens=90, messages=messages, tools=TOOLS)
        with asked.messages.stream(model="m", max_tokens=90, messages=messages, tools=TOOLS) as events:
            return events.get_final_message()

    first = ask()
    calls: Any = [block for block in first.content if block.type == "tool_use"]
    assert [(call.name, call.input) for call in calls] == [("look", {"x": "look"}), ("find", {"x": "find"})]
    assert first.stop_reason == "tool_use"
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": call.name} for call in calls]
    results[1]["is_error"] = True
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    assert ask().content[0].text == "Yes: Error: find"
    sent = up.bodies[-1]["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool"]
    assert [call["id"] for call in sent[1]["tool_calls"]] == [sent[2]["tool_call_id"], sent[3]["tool_call_id"]]


def test_pictures_and_documents(client: Any, served: Any, samples: Path) -> None:
    base, up = served
    pdf = base64.b64encode((samples / "report.pdf").read_bytes()).decode()
    upload = httpx.post(f"{base}/v1/upload", files={"file": ("n.txt", b"The ferry is electric.")}).json()["id"]
    content: Any = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": pdf}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "plain"}, "title": "A"},
        {"type": "text", "text": "Read."},
    ]
    client(base).messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": content}])
    parts = up.bodies[-1]["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["image_url", "text", "text", "text"]
    assert len(parts[1]["text"]) > 100
    assert parts[2]["text"] == "A\n\nplain"
    content = [{"type": "document", "source": {"type": "file", "file_id": upload}}, {"type": "text", "text": "Which?"}]
    client(base).messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": content}])
    assert "electric" in json.dumps(up.bodies[-1])
    broken: Any = {"type": "base64", "media_type": "application/pdf", "data": "??"}
    with pytest.raises(anthropic.BadRequestError, match="base64"):
        client(base).messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": [{"type": "document", "source": broken}]}]
        )


@pytest.mark.fault("an agent asks a model to think, whose server knows no thinking", "asked again without, remembered")
def test_a_model_that_cannot_think_goes_on_without(client: Any, served: Any) -> None:
    base, up = served
    up.refuses = "reasoning_effort"
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    for _ in range(2):
        with client(base).messages.stream(model="m", max_tokens=2000, messages=HELLO, thinking=thinking) as stream:
            assert stream.get_final_message().content[-1].text == "Yes: Hello"
    assert len(up.bodies) == 3


def test_tokens_are_counted(client: Any, served: Any) -> None:
    base, up = served
    few = client(base).messages.count_tokens(model="m", messages=HELLO).input_tokens
    more = client(base).messages.count_tokens(model="auto", messages=HELLO, tools=TOOLS, system="Be brief.")
    assert 0 < few < more.input_tokens
    assert up.bodies == []
    with pytest.raises(anthropic.NotFoundError):
        client(base).messages.count_tokens(model="claude-9", messages=HELLO)


@pytest.mark.fault("a wrong request by one of Anthropic's clients", "its own typed error, in Anthropic's shape")
def test_errors_are_its_own(client: Any, served: Any) -> None:
    base, up = served
    with pytest.raises(anthropic.NotFoundError) as missing:
        client(base).messages.create(model="claude-9", max_tokens=9, messages=HELLO)
    body: Any = missing.value.body
    assert (body["type"], body["error"]["type"]) == ("error", "not_found_error")
    assert body["request_id"] == missing.value.response.headers["x-request-id"]
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        client(base).post("/v1/messages", body={"model": "m", "messages": HELLO}, cast_to=object)
    raw = httpx.post(f"{base}/v1/messages", content=b"{half")
    assert (raw.status_code, raw.json()["type"]) == (400, "error")
    assert httpx.get(f"{base}/v1/messages").json()["type"] == "error"
    up.fault = "500"
    with pytest.raises(anthropic.InternalServerError):
        client(base).messages.create(model="m", max_tokens=9, messages=HELLO)
    up.fault = "error"
    stream = client(base).messages.create(model="m", max_tokens=9, messages=HELLO, stream=True)
    with pytest.raises(anthropic.APIStatusError, match="GPU"):
        list(stream)


def test_keys_budgets_and_the_cache(client: Any, tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    key, _ = keys.create("reader", models=["m"], budget_usd=0.001)
    up = ToolUpstream()
    settings = {"api_keys_file": str(tmp_path / "keys.json"), "cache_ttl": 60}
    with serving(up.app) as address, gateway(_model(address, price_in=30.0), **settings) as base:
        with pytest.raises(anthropic.AuthenticationError):
            client(base).messages.create(model="m", max_tokens=9, messages=HELLO)
        reader = client(base, api_key=key)
        bearer = client(base, api_key=None, auth_token=key)
        whole = reader.messages.create(model="m", max_tokens=9, messages=HELLO)
        with bearer.messages.stream(model="m", max_tokens=9, messages=HELLO) as stream:
            assert stream.get_final_message().content[0].text == whole.content[0].text
        assert len(up.bodies) == 1
        reader.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "more"}])
        with pytest.raises(anthropic.RateLimitError):
            reader.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "too much"}])
