"""Ollama's requests as OpenAI's, and OpenAI's chunk objects as Ollama's lines."""

import json
from typing import Any

import pytest

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.service.dialects.ollama_answer import AnswerLines
from autopicker_lab.service.dialects.ollama_request import chat_fields, generate_fields

GIF = "R0lGODlhAQABAAAAACw="


def test_a_chat_with_tools_whose_calls_have_no_ids() -> None:
    look = {"function": {"name": "look", "arguments": {"q": "a"}}}
    find = {"function": {"name": "find", "arguments": {}}}
    messages = [
        {"role": "user", "content": "look", "images": [GIF]},
        {"role": "assistant", "content": "", "tool_calls": [look, look, find]},
        {"role": "tool", "tool_name": "find", "content": "found"},
        {"role": "tool", "tool_name": "look", "content": "seen"},
        {"role": "tool", "content": "seen again"},
    ]
    messages[0]["images"].append("data:image/png;base64,iVBO")
    made = chat_fields({"model": "m:latest", "messages": messages})
    assert (made["model"], made["stream"]) == ("m", True)
    assert made["messages"][0]["content"][1]["image_url"]["url"].startswith("data:image/gif;base64,")
    ids = [call["id"] for call in made["messages"][1]["tool_calls"]]
    assert len(set(ids)) == 3
    assert [m["tool_call_id"] for m in made["messages"][2:]] == [ids[2], ids[0], ids[1]]
    assert json.loads(made["messages"][1]["tool_calls"][0]["function"]["arguments"]) == {"q": "a"}


def test_options() -> None:
    options = {"temperature": 0, "num_predict": 5, "stop": ["x"], "num_ctx": 4096, "top_k": 3, "seed": 1}
    made = chat_fields(
        {"model": "m", "messages": [], "options": options, "format": "json", "think": False, "keep_alive": "5m"}
    )
    assert {name: made[name] for name in ("temperature", "max_tokens", "stop", "top_k", "seed")} == {
        "temperature": 0,
        "max_tokens": 5,
        "stop": ["x"],
        "top_k": 3,
        "seed": 1,
    }
    assert made["response_format"] == {"type": "json_object"}
    assert "num_ctx" not in made
    assert "max_tokens" not in chat_fields({"model": "m", "options": {"num_predict": -1}, "format": ""})
    made = generate_fields({"model": "m", "prompt": "p", "system": "s", "format": {"type": "object"}, "stream": False})
    assert made["messages"] == [{"role": "system", "content": "s"}, {"role": "user", "content": "p"}]
    assert made["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert generate_fields({"model": "m"})["messages"] == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"model": ""}, "model"),
        ({"messages": "x"}, "messages"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "images": ["???"]}]}, "messages[0].images[0]"),
        ({"messages": [{"role": "user", "tool_calls": [{}]}]}, "tool_calls[0].function"),
        ({"options": []}, "options"),
        ({"options": {"num_predict": "x"}}, "options.num_predict"),
        ({"format": "xml"}, "format"),
        ({"think": "hard"}, "think"),
        ({"think": {}}, "think"),
        ({"stream": "no"}, "stream"),
    ],
)
def test_what_is_wrong_is_named(body: Any, place: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        chat_fields({"model": "m", **body})
    assert place in str(caught.value)
    with pytest.raises(InvalidRequestError, match="suffix"):
        generate_fields({"model": "m", "prompt": "x", "suffix": "y"})


def test_lines() -> None:
    writer = AnswerLines("m", generating=False, thinking=True)
    writer.start("m", {"routing": {"reason": "r"}, "context": {}})
    data = b""
    pieces = [{"index": 0, "function": {"name": "look", "arguments": '{"q"'}}]
    rest = [{"index": 0, "function": {"arguments": ": 1}"}}]
    for delta in ({"reasoning": "hm"}, {"content": "hé"}, {"tool_calls": pieces}, {"tool_calls": rest}, {}):
        data += writer.feed([{"choices": [{"delta": delta, "finish_reason": None}]}])
    data += writer.keepalive()
    data += writer.feed([{"choices": [{"delta": {}, "finish_reason": "length"}]}])
    lines = [
        json.loads(line)
        for line in (
            data + writer.end("stop", {"prompt_tokens": 3, "completion_tokens": 4}, {"citations": [1]})
        ).splitlines()
    ]
    assert [line["done"] for line in lines] == [False, False, False, False, True]
    assert (lines[0]["message"]["thinking"], lines[1]["message"]["content"]) == ("hm", "hé")
    function = lines[3]["message"]["tool_calls"][0]["function"]
    assert (function["name"], function["arguments"]) == ("look", {"q": 1})
    last = lines[-1]
    assert (last["done_reason"], last["prompt_eval_count"], last["eval_count"]) == ("length", 3, 4)
    assert last["eval_duration"] > 0
    assert last["routing"] == {"reason": "r"}
    assert last["citations"] == [1]
    assert "context" not in last
