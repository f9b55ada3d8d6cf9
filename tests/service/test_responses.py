"""OpenAI's Responses: as its own client speaks them, as agents do, and what is kept for whom."""

import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel
from starlette.responses import JSONResponse
from support.gateway import gateway, model
from support.scripted import ScriptedUpstream, chunks, completion, scripted

from autopicker_lab.storage import KeyFile, ResponseStore

WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
PATCH = {"type": "custom", "name": "apply_patch", "format": {"type": "text"}}
REMOTE = {"type": "namespace", "name": "mcp__maps__", "tools": [{"type": "function", "name": "find", "parameters": {}}]}
PICTURE = "data:image/png;base64,iVBORw0KGgo="
CAPABILITIES = ["text", "tools", "json", "images"]


@pytest.fixture
def up() -> Iterator[ScriptedUpstream]:
    with scripted() as upstream:
        yield upstream


@pytest.fixture
def base(up: ScriptedUpstream, tmp_path: Path) -> Iterator[str]:
    with gateway(model(up.url, capabilities=CAPABILITIES), autopicker_home=tmp_path, cache_ttl=60) as address:
        yield address


@pytest.fixture
def client(base: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0)


def post(base: str, headers: Any = None, **body: Any) -> httpx.Response:
    return httpx.post(
        f"{base}/v1/responses", json={"model": "m", "input": "Hello", **body}, headers=headers, timeout=30
    )


def call(name: str, arguments: str, call_id: str = "c1", **fields: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **fields}


def say(up: ScriptedUpstream, message: dict[str, Any], finish_reason: str = "stop") -> None:
    """Let an upstream say this, whole and in pieces."""
    up.whole = completion(message, finish_reason=finish_reason)
    calls = [{"index": i, **one} for i, one in enumerate(message.get("tool_calls", ()))]
    up.chunks = chunks({**message, **({"tool_calls": calls} if calls else {})}, finish_reason=finish_reason)


def streamed(client: openai.OpenAI, **body: Any) -> tuple[list[Any], Any]:
    with client.responses.stream(model="m", **body) as stream:
        events = list(stream)
        return events, stream.get_final_response()


class City(BaseModel):
    city: str


def test_openai_s_client_asks_goes_on_and_forgets(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    say(up, {"content": "It is sunny.", "reasoning_content": "Hm."})
    first = client.responses.create(model="m", input="Hello", instructions="Be short.", metadata={"a": "b"})
    assert first.output_text == "It is sunny."
    assert [item.type for item in first.output] == ["reasoning", "message"]
    assert first.usage is not None
    assert (first.usage.input_tokens, first.usage.output_tokens, first.status) == (3, 5, "completed")
    assert first.metadata == {"a": "b"}
    client.responses.create(model="m", input="And then?", previous_response_id=first.id)
    said = [(message["role"], message["content"]) for message in up.bodies[-1]["messages"]]
    assert said == [("user", "Hello"), ("assistant", "It is sunny."), ("user", "And then?")]
    assert client.responses.retrieve(first.id).output_text == first.output_text
    assert client.responses.input_items.list(first.id).data[0].type == "message"
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)
    with pytest.raises(openai.BadRequestError) as wrong:
        client.responses.create(model="m", input="And then?", previous_response_id=first.id)
    assert wrong.value.param == "previous_response_id"


def test_a_stream_tells_of_each_step(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    up.chunks = chunks(
        {"reasoning": "H"}, {"reasoning": "m."}, {"content": "It "}, {"content": "is."}, {"refusal": "No."}
    )
    events, final = streamed(client, input="Hello")
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type.removeprefix("response.") for event in events]
    part = ["content_part.added", "output_text.delta", "output_text.delta", "output_text.done", "content_part.done"]
    refusal = ["content_part.added", "refusal.delta", "refusal.done", "content_part.done"]
    thought = ["output_item.added", "reasoning_text.delta", "reasoning_text.delta", "reasoning_text.done"]
    message = ["output_item.done", "output_item.added", *part, *refusal, "output_item.done"]
    assert kinds == ["created", "in_progress", *thought, *message, "completed"]
    assert final.output_text == "It is."
    assert final.output[0].content[0].text == "Hm."
    assert final.output[1].content[1].refusal == "No."
    assert client.responses.retrieve(final.id).output_text == "It is."


def test_tools_are_called_and_their_results_come_back(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    signed = {"google": {"thought_signature": "s"}}
    calls = [call("weather", '{"city": "Rome"}', extra_content=signed), call("weather", "{}", "c2")]
    say(up, {"content": None, "tool_calls": calls}, "tool_calls")
    whole = client.responses.create(model="m", input="Weather?", tools=[WEATHER], parallel_tool_calls=True)  # type: ignore[list-item]
    _, final = streamed(client, input="Weather now?", tools=[WEATHER])
    for response in (whole, final):
        assert [(item.name, item.arguments, item.call_id) for item in response.output] == [
            ("weather", '{"city": "Rome"}', "c1"),
            ("weather", "{}", "c2"),
        ]
    say(up, {"content": "Sunny."})
    results = [{"type": "function_call_output", "call_id": one, "output": "sunny"} for one in ("c1", "c2")]
    history = [item.model_dump(exclude_none=True) for item in final.output]
    client.responses.create(model="m", input=results, previous_response_id=whole.id)  # type: ignore[arg-type]
    client.responses.create(model="m", input=[{"role": "user", "content": "Weather now?"}, *history, *results])  # type: ignore[list-item]
    for body in up.bodies[-2:]:
        question, asked, *answers = body["messages"]
        assert (question["role"], [m["role"] for m in answers]) == ("user", ["tool", "tool"])
        assert [one["id"] for one in asked["tool_calls"]] == ["c1", "c2"]
        assert asked["tool_calls"][0]["extra_content"] == signed


def test_structured_output(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    say(up, {"content": '{"city": "Rome"}'})
    parsed = client.responses.parse(model="m", input="Where?", text_format=City)
    assert parsed.output_parsed == City(city="Rome")
    assert up.bodies[-1]["response_format"]["json_schema"]["schema"]["required"] == ["city"]


@pytest.mark.fault(
    "an agent offers tools that only OpenAI's servers have", "they are left out, and the answer names them"
)
def test_an_agent_s_tools_are_taken_as_they_come(base: str, up: ScriptedUpstream) -> None:
    """As coding agents send them: freeform tools, namespaces, and some that only OpenAI's servers have."""
    tools = [WEATHER, PATCH, REMOTE, {"type": "web_search"}, {"type": "local_shell"}, {"type": "image_generation"}]
    say(
        up,
        {
            "content": None,
            "tool_calls": [call("apply_patch", '{"input": "*** Begin"}'), call("mcp__maps__find", "{}", "c2")],
        },
    )
    agent = {"tools": tools, "store": False, "prompt_cache_key": "k", "include": ["reasoning.encrypted_content"]}
    thinking = {"reasoning": {"effort": "low", "summary": "auto"}, "text": {"verbosity": "low"}}
    answer = post(base, **agent, **thinking, tool_choice="auto", parallel_tool_calls=False).json()
    assert [tool["function"]["name"] for tool in up.bodies[-1]["tools"]] == [
        "weather",
        "apply_patch",
        "mcp__maps__find",
    ]
    assert up.bodies[-1]["reasoning_effort"] == "low"
    assert "prompt_cache_key" not in up.bodies[-1]
    assert answer["ignored_tools"] == ["web_search", "local_shell", "image_generation"]
    patch, find = answer["output"]
    assert (patch["type"], patch["name"], patch["input"]) == ("custom_tool_call", "apply_patch", "*** Begin")
    assert (find["type"], find["name"], find["namespace"]) == ("function_call", "find", "mcp__maps__")
    result = {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"}
    parts = {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "here"}]}
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "x"}
    post(base, **agent, input=[{"role": "user", "content": "Do"}, thought, patch, find, result, parts])
    _, asked, one, two = up.bodies[-1]["messages"]
    assert [c["function"]["name"] for c in asked["tool_calls"]] == ["apply_patch", "mcp__maps__find"]
    assert json.loads(asked["tool_calls"][0]["function"]["arguments"]) == {"input": "*** Begin"}
    assert (one["content"], two["content"]) == ("done", "here")
    events = post(base, **agent, stream=True).text
    assert '"type":"response.custom_tool_call_input.done"' in events


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ({"type": "function", "name": "weather"}, {"type": "function", "function": {"name": "weather"}}),
        ({"type": "custom", "name": "apply_patch"}, {"type": "function", "function": {"name": "apply_patch"}}),
        ("required", "required"),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "weather"}]}, "required"),
    ],
)
def test_tool_choices(base: str, up: ScriptedUpstream, choice: Any, sent: Any) -> None:
    assert post(base, tools=[WEATHER, PATCH], tool_choice=choice).status_code == 200
    assert up.bodies[-1]["tool_choice"] == sent


def test_content_parts_reach_the_model(base: str, up: ScriptedUpstream) -> None:
    parts = [{"type": "input_text", "text": "Look"}, {"type": "input_image", "image_url": PICTURE, "detail": "low"}]
    assert post(base, input=[{"role": "user", "content": parts}]).status_code == 200
    text, picture = up.bodies[-1]["messages"][0]["content"]
    assert text["text"] == "Look"
    assert picture["image_url"]["url"] == PICTURE
    upload = httpx.post(f"{base}/v1/upload", files={"file": ("a.txt", b"The code is 7734.")}).json()
    part = {"type": "input_file", "file_id": upload["id"]}
    answer = post(base, input=[{"role": "user", "content": [{"type": "input_text", "text": "Which code?"}, part]}])
    assert answer.status_code == 200, answer.text
    assert "7734" in json.dumps(up.bodies[-1]["messages"])


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 7}, "input"),
        ({"input": [7]}, "input"),
        ({"input": [{"type": "sonnet"}]}, "input"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "http://a"}]}]}, "input"),
        ({"input": [{"type": "item_reference", "id": "msg_unknown"}]}, "input"),
        ({"previous_response_id": "resp_unknown"}, "previous_response_id"),
        ({"previous_response_id": 7}, "previous_response_id"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": 1.5}, "max_output_tokens"),
        ({"temperature": 9}, "temperature"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tools": [7]}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "name": "other"}}, "tool_choice"),
        ({"text": {"format": {"type": "xml"}}}, "text"),
        ({"text": {"format": {"type": "json_schema"}}}, "text"),
        ({"metadata": [1]}, "metadata"),
        ({"stream": "yes"}, "stream"),
        ({"include": "all"}, "include"),
    ],
)
def test_malformed_requests_are_400_and_named(base: str, up: ScriptedUpstream, body: Any, param: str) -> None:
    answer = post(base, **body)
    assert answer.status_code == 400, answer.text
    assert (answer.json()["error"]["param"] or "").split("[")[0].split(".")[0] == param
    assert not up.bodies


@pytest.mark.fault("a request to /v1/responses is nested hundreds of levels deep", "400, and no model is asked")
@pytest.mark.parametrize("name", ["metadata", "input", "tools", "reasoning", "text"])
def test_what_is_nested_too_deeply_is_refused(base: str, up: ScriptedUpstream, name: str) -> None:
    deep: Any = {}
    for _ in range(400):
        deep = {"a": deep}
    fields: dict[str, Any] = {
        "input": [{"role": "user", "content": "Hello", "more": deep}],
        "tools": [{"type": "web_search", "filters": deep}],
        "text": {"format": {"type": "text", "more": deep}},
    }
    assert post(base, **{name: fields.get(name, deep)}).status_code == 400
    assert not up.bodies


@pytest.mark.parametrize(
    ("reason", "status", "why"),
    [
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
        ("stop", "completed", None),
    ],
)
def test_how_an_answer_ended(client: openai.OpenAI, up: ScriptedUpstream, reason: str, status: str, why: Any) -> None:
    say(up, {"content": "It is"}, reason)
    whole = client.responses.create(model="m", input="Hello")
    events: list[Any] = list(client.responses.create(model="m", input="Hello there", stream=True))
    for response in (whole, events[-1].response):
        assert response.status == status
        assert (response.incomplete_details and response.incomplete_details.reason) == why
    assert events[-1].type == f"response.{status}"


def test_a_stream_that_fails_says_so(base: str, up: ScriptedUpstream) -> None:
    up.chunks = [*chunks({"content": "It"})[:1], {"error": {"message": "the GPU fell over"}}]
    last = [json.loads(line[6:]) for line in post(base, stream=True).text.split("\n") if line.startswith("data: {")][-1]
    assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
    assert last["response"]["error"]["code"] == "server_error"
    up.chunks = lambda body: JSONResponse({"error": {"message": "no"}}, 400)
    assert post(base, stream=True, input="Again").status_code == 400


def test_an_item_may_be_named_by_its_id(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    say(up, {"content": "It is sunny."})
    first = client.responses.create(model="m", input="Hello")
    items = [{"role": "user", "content": "Hello"}, {"type": "item_reference", "id": first.output[0].id}]
    client.responses.create(model="m", input=[*items, {"role": "user", "content": "Sure?"}])  # type: ignore[list-item]
    assert [m["content"] for m in up.bodies[-1]["messages"]] == ["Hello", "It is sunny.", "Sure?"]


def test_the_cache_answers_each_with_an_id_of_its_own(base: str, up: ScriptedUpstream) -> None:
    answers = [post(base), post(base)]
    assert [answer.headers["x-cache"] for answer in answers] == ["MISS", "HIT"]
    assert len(up.bodies) == 1
    assert len({answer.json()["id"] for answer in answers}) == 2
    chat = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    assert httpx.post(f"{base}/v1/chat/completions", json=chat).headers["x-cache"] == "HIT"


@pytest.mark.fault("a key names another key's response, or an item of it", "it is unknown: 404, or 400 in a request")
def test_responses_belong_to_the_key_that_asked(up: ScriptedUpstream, tmp_path: Path) -> None:
    mine, theirs = ({"x-api-key": KeyFile(tmp_path / "keys.json").create(name)[0]} for name in ("one", "two"))
    with gateway(up, autopicker_home=tmp_path) as base:
        stored = post(base, mine).json()["id"]
        item = httpx.get(f"{base}/v1/responses/{stored}", headers=mine).json()["output"][0]["id"]
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/input_items"), ("POST", "/cancel")):
            answer = httpx.request(method, f"{base}/v1/responses/{stored}{path}", headers=theirs)
            assert answer.status_code == 404, (method, path)
        assert post(base, theirs, previous_response_id=stored).status_code == 400
        assert post(base, theirs, input=[{"type": "item_reference", "id": item}]).status_code == 400
        assert httpx.get(f"{base}/v1/responses/{stored}", headers=mine).status_code == 200
    assert stat.S_IMODE((tmp_path / "responses.sqlite").stat().st_mode) == 0o600


@pytest.mark.parametrize(("ttl", "body"), [(0, {}), (60, {"store": False})])
def test_what_is_not_to_be_kept_is_not(up: ScriptedUpstream, tmp_path: Path, ttl: int, body: Any) -> None:
    with gateway(up, autopicker_home=tmp_path, responses_ttl=ttl) as base:
        stored = post(base, **body).json()["id"]
        assert httpx.get(f"{base}/v1/responses/{stored}").status_code == 404


async def test_the_store_is_bounded_and_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.storage.responses.MAX_RESPONSES", 5)
    monkeypatch.setattr("autopicker_lab.storage.responses._TIDY_EVERY", 1)
    monkeypatch.setattr("autopicker_lab.storage.responses._WAITS_S", ())
    store, other = (ResponseStore(tmp_path / "r.sqlite", 60.0) for _ in range(2))
    try:
        store.put("b", {"id": "b1", "output": []}, b"[]")
        for number in range(8):
            store.put("a", {"id": f"a{number}", "output": [{"id": f"i{number}"}]}, b"[]")
        found = await store.outputs("a", [f"i{number}" for number in range(8)])
        assert sorted(found) == [f"i{number}" for number in range(3, 8)]
        assert (await other.get("b", "b1")).response["id"] == "b1"  # another worker's; another key's flood took nothing
        later = time.time() + 61
        monkeypatch.setattr("autopicker_lab.storage.responses.time.time", lambda: later)
        assert await store.outputs("a", ["i7"]) == {}
    finally:
        await store.close()
        await other.close()
