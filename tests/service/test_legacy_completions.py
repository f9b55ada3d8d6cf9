"""OpenAI's older completions, as its own client asks for them."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from starlette.responses import JSONResponse
from support.gateway import gateway
from support.scripted import ScriptedUpstream, chunks, completion, scripted


@pytest.fixture
def up() -> Iterator[ScriptedUpstream]:
    with scripted() as upstream:
        yield upstream


@pytest.fixture
def client(up: ScriptedUpstream) -> Iterator[openai.OpenAI]:
    with gateway(up) as base:
        yield openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0)


@pytest.mark.parametrize("prompt", ["Once upon", ["Once upon"]])
def test_a_text_goes_on(client: openai.OpenAI, up: ScriptedUpstream, prompt: Any) -> None:
    answer = client.completions.create(model="m", prompt=prompt, max_tokens=5, best_of=1, echo=False, suffix="")
    assert (answer.object, answer.choices[0].text, answer.choices[0].finish_reason) == (
        "text_completion",
        "Hello",
        "stop",
    )
    assert answer.id.startswith("cmpl-")
    assert answer.usage is not None
    assert answer.usage.total_tokens == 8
    assert up.bodies[-1]["messages"] == [{"role": "user", "content": "Once upon"}]
    assert "prompt" not in up.bodies[-1]


def test_it_is_streamed(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    up.chunks = chunks({"role": "assistant"}, {"content": "Hel"}, {"content": "lo"})
    options: Any = {"include_usage": True}
    pieces = list(client.completions.create(model="m", prompt="Once", stream=True, stream_options=options))
    assert "".join(piece.choices[0].text for piece in pieces if piece.choices) == "Hello"
    assert [piece.choices[0].finish_reason for piece in pieces if piece.choices][-1] == "stop"
    assert pieces[-1].usage is not None


def test_several_and_their_logprobs(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    up.whole = completion({"content": "ab"}, {"content": "c"})
    top = [{"token": "a", "logprob": -0.1}, {"token": "x", "logprob": -2.0}]
    tokens = [{"token": "a", "logprob": -0.1, "top_logprobs": top}, {"token": "b", "logprob": -0.2, "top_logprobs": []}]
    up.whole["choices"][0]["logprobs"] = {"content": tokens}
    answer = client.completions.create(model="m", prompt="Once", n=2, logprobs=2)
    assert [choice.text for choice in answer.choices] == ["ab", "c"]
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert (logprobs.tokens, logprobs.text_offset, logprobs.token_logprobs) == (["a", "b"], [0, 1], [-0.1, -0.2])
    assert logprobs.top_logprobs == [{"a": -0.1, "x": -2.0}, {}]
    assert (up.bodies[-1]["logprobs"], up.bodies[-1]["top_logprobs"]) == (True, 2)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [1, 2, 3]}, "prompt"),
        ({"prompt": ["one", "two"], "stream": True}, "prompt"),
        ({"prompt": ["one"] * 21}, "prompt"),
        ({"prompt": ["one", 2]}, "prompt"),
        ({"prompt": ["one", "two"], "temperature": 9}, "temperature"),
        ({"echo": True}, "echo"),
        ({"suffix": "the end"}, "suffix"),
        ({"best_of": 3}, "best_of"),
        ({"logprobs": 9}, "logprobs"),
        ({"n": 99}, "n"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    client: openai.OpenAI, up: ScriptedUpstream, body: Any, param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as wrong:
        client.post("/completions", body={"model": "m", "prompt": "Once", **body}, cast_to=object)
    assert wrong.value.param == param
    assert not up.bodies


def test_several_prompts_are_answered_in_their_order(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    up.whole = lambda body: completion(
        *({"content": f"{body['messages'][0]['content']} {i}"} for i in range(body["n"]))
    )
    answer = client.completions.create(model="m", prompt=["one", "two", "three"], n=2)
    assert [choice.text for choice in answer.choices] == ["one 0", "one 1", "two 0", "two 1", "three 0", "three 1"]
    assert [choice.index for choice in answer.choices] == list(range(6))
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 15
    assert len(up.bodies) == 3


@pytest.mark.fault("one of several prompts is refused", "the whole request is, by the same error")
def test_where_one_prompt_fails_all_do(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    good = completion({"content": "fine"})
    refusal = JSONResponse({"error": {"message": "no"}}, 400)
    up.whole = lambda body: refusal if body["messages"][0]["content"] == "bad" else good
    with pytest.raises(openai.BadRequestError):
        client.completions.create(model="m", prompt=["good", "bad"])
    packed = gzip.compress(json.dumps({"model": "m", "prompt": ["one", "two"]}).encode())
    answer = httpx.post(f"{client.base_url}completions", content=packed, headers={"content-encoding": "gzip"})
    assert [choice["text"] for choice in answer.json()["choices"]] == ["fine", "fine"]
