import json
from contextlib import aclosing
from typing import Any

import pytest
from support.ollama_server import FakeOllama
from support.serving import serving

from autopicker_lab.core import (
    AutopickerError,
    ChatReply,
    ChatRequest,
    ContextLengthError,
    InvalidRequestError,
    ModelSpec,
    ModelUnavailableError,
    StreamFailedError,
    TransientUpstreamError,
    UpstreamError,
    UpstreamTimeoutError,
)
from autopicker_lab.models import build
from autopicker_lab.models.ollama_server import same_model

fault = pytest.mark.fault
ALL = frozenset({"text", "tools", "images", "json"})
NESTED = {
    "type": "object",
    "properties": {"place": {"type": "object", "properties": {"city": {"anyOf": [{"type": "string"}]}}}},
}
TOOLS = [
    {"type": "function", "function": {"name": "look", "parameters": NESTED}},
    {"type": "function", "function": {"name": "walk", "parameters": {"type": "object", "properties": {}}}},
]


def said(content: str = "", done: bool = False, **fields: Any) -> dict[str, Any]:
    """A line of an answer; `calls` and `thinking` go into its message."""
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls := fields.pop("calls", None):
        message["tool_calls"] = [{"function": {"name": n, "arguments": a}} for n, a in calls]
    if thinking := fields.pop("thinking", None):
        message["thinking"] = thinking
    end = {"done_reason": "stop", "prompt_eval_count": 5, "eval_count": 3} if done else {}
    return {"model": "llama3.2", "message": message, "done": done, **end, **fields}


END = said(done=True)


async def ask(
    fake: tuple[FakeOllama, str], messages: Any = "hi", spec: dict[str, Any] | None = None, **options: Any
) -> ChatReply:
    fields = {"timeout_s": 5.0, "capabilities": ALL, **(spec or {})}
    model = build(ModelSpec("llama", "ollama", "llama3.2", fake[1], **fields))
    try:
        return await model.complete(ChatRequest.of(messages, options=options))
    finally:
        await model.close()


async def sent(fake: tuple[FakeOllama, str], messages: Any = "hi", **options: Any) -> dict[str, Any]:
    """What the server gets for a request."""
    fake[0].script = [said("yes"), END]
    await ask(fake, messages, **options)
    return fake[0].requests[-1]


def calls_of(reply: ChatReply) -> list[tuple[str, Any]]:
    functions = [call["function"] for call in reply.message["tool_calls"]]
    return [(f["name"], json.loads(f["arguments"])) for f in functions]


@fault("Ollama makes two calls, each on a line of its own, before the line that ends the answer", "two calls")
async def test_calls_on_lines_of_their_own_stay_apart(fake_ollama: Any) -> None:
    fake_ollama[0].script = [said(calls=[("look", {"at": 1})]), said(calls=[("walk", {"to": "ö"})]), END]
    reply = await ask(fake_ollama, tools=TOOLS)
    assert calls_of(reply) == [("look", {"at": 1}), ("walk", {"to": "ö"})]
    assert reply.finish_reason == "tool_calls"
    again = await ask(fake_ollama, tools=TOOLS)
    ids = [call["id"] for answer in (reply, again) for call in answer.message["tool_calls"]]
    assert len(set(ids)) == 4


async def test_calls_that_were_cut_by_the_limit_end_in_length(fake_ollama: Any) -> None:
    fake_ollama[0].script = [said(calls=[("look", {})]), said(done=True, done_reason="length")]
    assert (await ask(fake_ollama, tools=TOOLS)).finish_reason == "length"


async def test_tools_arrive_as_they_were_sent(fake_ollama: Any) -> None:
    body = await sent(fake_ollama, tools=TOOLS)
    assert body["tools"] == TOOLS
    assert "format" not in body
    assert "tools" not in await sent(fake_ollama, tools=TOOLS, tool_choice="none")


@fault("a call is demanded of a model of Ollama, which knows no tool_choice", "it can answer with that call alone")
async def test_a_call_that_is_demanded_is_made(fake_ollama: Any) -> None:
    choice = {"type": "function", "function": {"name": "walk"}}
    fake_ollama[0].script = [said('{"name": "walk", "argu'), said('ments": {"to": 2}}'), END]
    reply = await ask(fake_ollama, tools=TOOLS, tool_choice=choice)
    body = fake_ollama[0].requests[-1]
    assert body["tools"] == TOOLS[1:]
    assert body["format"]["properties"]["name"] == {"const": "walk"}
    assert (calls_of(reply), reply.text, reply.finish_reason) == ([("walk", {"to": 2})], "", "tool_calls")
    fake_ollama[0].script = [said(calls=[("look", {"at": 1})]), END]
    assert calls_of(await ask(fake_ollama, tools=TOOLS, tool_choice="required")) == [("look", {"at": 1})]
    assert len(fake_ollama[0].requests[-1]["format"]["anyOf"]) == 2
    fake_ollama[0].script = [said("I would rather talk."), END]
    with pytest.raises(UpstreamError, match="tool_choice"):
        await ask(fake_ollama, tools=TOOLS, tool_choice="required")


@pytest.mark.parametrize(
    "options",
    [
        {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "fly"}}},
        {"tools": TOOLS, "tool_choice": {"type": "function"}},
        {"tools": [{"type": "custom", "custom": {"name": "x"}}]},
        {"reasoning_effort": "enormous"},
    ],
)
async def test_what_ollama_has_no_place_for_is_refused(fake_ollama: Any, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        await ask(fake_ollama, **options)
    assert not fake_ollama[0].requests


async def test_options_arrive_under_ollamas_names_and_others_do_not(fake_ollama: Any) -> None:
    given = {
        "stop": "END",
        "top_k": 7,
        "min_p": 0.1,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
        "repetition_penalty": 1.1,
        "seed": 3,
        "max_completion_tokens": 9,
    }
    unknown = {
        "num_gpu": 0,
        "num_ctx": 10**9,
        "num_predict": 10**6,
        "grammar": "x",
        "logit_bias": {"1": 2},
        "raw": True,
    }
    body = await sent(fake_ollama, keep_alive="300", **given, **unknown)
    assert body["options"] == {
        "stop": ["END"],
        "top_k": 7,
        "min_p": 0.1,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
        "repeat_penalty": 1.1,
        "seed": 3,
        "num_predict": 9,
        "num_ctx": 8192,
    }
    assert body["keep_alive"] == 300
    assert set(body) == {"model", "messages", "stream", "options", "truncate", "shift", "keep_alive"}


@fault("a prompt is longer than the window that Ollama was given", "400, where Ollama would leave out its beginning")
async def test_a_prompt_is_never_cut_in_silence(fake_ollama: Any) -> None:
    body = await sent(fake_ollama)
    assert (body["truncate"], body["shift"], body["options"]["num_ctx"]) == (False, False, 8192)
    fake_ollama[0].refuse = lambda body: (400, "the input length exceeds the context length")
    with pytest.raises(ContextLengthError):
        await ask(fake_ollama)


async def test_what_the_configuration_says_holds_where_the_caller_says_nothing(fake_ollama: Any) -> None:
    fake_ollama[0].script = [said("yes"), END]
    spec = {
        "options": {"top_k": 5, "num_ctx": 4096, "keep_alive": -1},
        "allow": ("num_gpu",),
        "drop": ("shift", "seed"),
    }
    await ask(fake_ollama, spec=spec, top_k=6, num_gpu=2, seed=1)
    body = fake_ollama[0].requests[-1]
    assert body["options"] == {"top_k": 6, "num_gpu": 2, "num_ctx": 4096}
    assert (body["keep_alive"], "shift" in body) == (-1, False)


@pytest.mark.parametrize(
    ("given", "think"),
    [
        ({}, None),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": "minimal"}, "low"),
        ({"reasoning_effort": "high"}, "high"),
        ({"reasoning": {"effort": "medium"}}, "medium"),
        ({"think": True}, True),
        ({"chat_template_kwargs": {"enable_thinking": False}}, False),
    ],
)
async def test_how_long_to_think_is_said(fake_ollama: Any, given: dict[str, Any], think: Any) -> None:
    assert (await sent(fake_ollama, **given)).get("think") == think


@fault(
    "a model of Ollama cannot think, or not to the degree that is asked for", "it thinks as it can; that is remembered"
)
async def test_a_model_that_cannot_think_so_is_asked_otherwise(fake_ollama: Any) -> None:
    fake, address = fake_ollama
    fake.script = [said("yes"), END]
    fake.refuse = lambda body: (400, "does not support thinking") if "think" in body else None
    model = build(ModelSpec("llama", "ollama", "llama3.2", address))
    request = ChatRequest.of("hi", options={"reasoning_effort": "low"})
    assert (await model.complete(request)).text == "yes"
    assert [body.get("think") for body in fake.requests] == ["low", True, None]
    await model.complete(request)
    assert len(fake.requests) == 4
    await model.close()


async def test_thoughts_are_reasoning(fake_ollama: Any) -> None:
    fake_ollama[0].script = [said(thinking="hm "), said(thinking="so"), said("yes"), END]
    reply = await ask(fake_ollama)
    assert (reply.text, reply.message["reasoning_content"]) == ("yes", "hm so")


async def test_logprobs_are_asked_for_and_given(fake_ollama: Any) -> None:
    row = {"token": "yes", "logprob": -0.5, "top_logprobs": [{"token": "no", "logprob": -2.0}]}
    fake_ollama[0].script = [said("yes", logprobs=[row]), END]
    reply = await ask(fake_ollama, logprobs=True, top_logprobs=1)
    body = fake_ollama[0].requests[-1]
    assert (body["logprobs"], body["top_logprobs"]) == (True, 1)
    [told] = reply.raw["choices"][0]["logprobs"]["content"]
    assert (told["token"], told["bytes"], told["top_logprobs"][0]["token"]) == ("yes", [121, 101, 115], "no")


async def test_a_conversation_arrives_in_ollamas_words(fake_ollama: Any) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "hm"},
        {"role": "tool", "tool_call_id": "c1", "content": "a door"},
    ]
    first, second, third, fourth = (await sent(fake_ollama, messages))["messages"]
    assert first == {"role": "system", "content": "Be brief."}
    assert second["content"] == "a\nb"
    assert third["tool_calls"] == [{"id": "c1", "function": {"name": "look", "arguments": {"at": 1}}}]
    assert third["thinking"] == "hm"
    assert fourth == {"role": "tool", "content": "a door", "tool_name": "look", "tool_call_id": "c1"}


@fault("sound, video or a file in a message for a model of Ollama", "400 that names the part, where it was left out")
@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "file", "file": {"file_data": "UklGRg=="}},
        {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,UklGRg=="}},
    ],
)
async def test_parts_that_ollama_cannot_take_are_named(fake_ollama: Any, part: dict[str, Any]) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, part]}]
    with pytest.raises(InvalidRequestError, match=r"messages\[0\].content\[1\]"):
        await ask(fake_ollama, messages)


async def test_a_key_and_headers_are_sent_with_every_request(fake_ollama: Any) -> None:
    fake_ollama[0].script = [said("yes"), END]
    await ask(fake_ollama, spec={"api_key": "secret", "headers": {"X-Team": "lab"}})
    assert (fake_ollama[0].headers[-1]["authorization"], fake_ollama[0].headers[-1]["x-team"]) == (
        "Bearer secret",
        "lab",
    )
    await ask(fake_ollama, spec={"api_key": "secret", "headers": {"Authorization": "Basic abc"}})
    assert fake_ollama[0].headers[-1]["authorization"] == "Basic abc"


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ([{"error": "out of memory"}], UpstreamError),
        ([said("a"), {"error": "out of memory"}], StreamFailedError),
        ([said("a")], UpstreamError),
        ([said("a"), b"<html>"], UpstreamError),
        ([b"[1]\n"], UpstreamError),
        ([said(done=True, done_reason="load")], TransientUpstreamError),
        ([said(calls=[("look", {})]), said("x", message={"tool_calls": [{"function": {}}]})], UpstreamError),
    ],
)
async def test_what_is_no_answer_is_an_error(fake_ollama: Any, script: list[Any], error: Any) -> None:
    fake_ollama[0].script = script
    with pytest.raises(error):
        await ask(fake_ollama)


async def test_lines_are_read_however_they_are_cut(fake_ollama: Any) -> None:
    whole = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\r\n" for line in (said("Grüße"), END))
    fake_ollama[0].script = [b"\n", whole[:60], 0.01, whole[60:61], 0.01, whole[61:].rstrip()]
    reply = await ask(fake_ollama)
    assert (reply.text, reply.usage.prompt_tokens, reply.usage.completion_tokens) == ("Grüße", 5, 3)


@fault("Ollama sends lines without words while it hangs", "504 when first_token_s is over")
async def test_the_first_piece_must_come_in_time(fake_ollama: Any) -> None:
    fake_ollama[0].script = [item for _ in range(60) for item in (said(""), b"\n", 0.05)]
    with pytest.raises(UpstreamTimeoutError):
        await ask(fake_ollama, spec={"first_token_s": 0.3, "timeout_s": 30.0})


@fault("an answer of Ollama has no end", "504 when total_s is over")
async def test_the_whole_answer_must_come_in_time(fake_ollama: Any) -> None:
    fake_ollama[0].script = [item for _ in range(100) for item in (said("on "), 0.05)]
    with pytest.raises(UpstreamTimeoutError):
        await ask(fake_ollama, spec={"total_s": 0.5, "timeout_s": 30.0})


@fault("Ollama lists its models late while it answers", "it stays available")
async def test_a_server_that_answers_is_alive(fake_ollama: Any) -> None:
    fake, address = fake_ollama
    fake.slow_tags_s = 4.0
    model = build(ModelSpec("llama", "ollama", "llama3.2", address))
    assert not (await model.available()).ok
    fake.script = [said("a"), 20.0, END]
    async with aclosing(model.stream(ChatRequest.of("hi"))) as chunks:
        async for _ in chunks:
            assert (await model.available()).ok
            break
    await model.close()


async def test_a_server_of_another_kind_is_told() -> None:
    from fastapi import FastAPI

    with serving(FastAPI()) as address:
        model = build(ModelSpec("llama", "ollama", "llama3.2", address))
        told = await model.available()
        assert not told.ok
        assert "type: openai" in told.hint
        with pytest.raises(AutopickerError, match="does not answer as an Ollama server"):
            await model.complete(ChatRequest.of("hi"))
        await model.close()


async def test_a_model_that_is_gone_says_how_to_get_it(fake_ollama: Any) -> None:
    fake_ollama[0].refuse = lambda body: (404, "model 'llama3.2' not found")
    with pytest.raises(ModelUnavailableError, match="ollama pull"):
        await ask(fake_ollama)


@pytest.mark.parametrize(
    ("asked", "held", "same"),
    [
        ("llama3.2", "llama3.2:latest", True),
        ("llama3.2:latest", "llama3.2", True),
        ("llama3.2:1b", "llama3.2:latest", False),
        ("hf.co:443/a/b", "hf.co:443/a/b:latest", True),
    ],
)
def test_a_name_without_a_tag_means_latest(asked: str, held: str, same: bool) -> None:
    assert same_model(asked, held) is same
