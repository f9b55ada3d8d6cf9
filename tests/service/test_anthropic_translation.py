"""Anthropic's requests as OpenAI's; OpenAI's chunk objects as Anthropic's events, in the order its clients need."""

import json
from typing import Any

import pytest

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.service.dialects.anthropic_answer import message_object
from autopicker_lab.service.dialects.anthropic_blocks import Reading
from autopicker_lab.service.dialects.anthropic_events import MessageEvents
from autopicker_lab.service.dialects.anthropic_request import chat_fields

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TOOL = {"name": "look", "description": "looks", "input_schema": {"type": "object", "properties": {}}}


def fields(*messages: Any, **body: Any) -> Any:
    return chat_fields({"model": "m", "max_tokens": 9, "messages": list(messages), **body}, Reading())


def user(*blocks: Any) -> Any:
    return {"role": "user", "content": list(blocks)}


def test_results_of_tools_come_before_what_else_was_said() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": "é"}}
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    made = fields(
        user({"type": "text", "text": "look"}),
        {"role": "assistant", "content": [thought, {"type": "text", "text": "I look"}, use]},
        user(
            {"type": "text", "text": ""},
            {"type": "text", "text": "and then?"},
            {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": "it is dark"},
            {"type": "tool_result", "tool_use_id": "toolu_2", "content": [picture, {"type": "text", "text": "seen"}]},
        ),
    )["messages"]
    assert made[0] == {"role": "user", "content": "look"}
    call = {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": '{"q":"é"}'}}
    assert made[1] == {"role": "assistant", "content": "I look", "tool_calls": [call]}
    assert made[2] == {"role": "tool", "tool_call_id": "toolu_1", "content": "Error: it is dark"}
    assert made[3] == {"role": "tool", "tool_call_id": "toolu_2", "content": "seen"}
    assert [part["type"] for part in made[4]["content"]] == ["text", "text", "image_url"]


def test_the_fields_that_have_other_names() -> None:
    made = fields(
        {"role": "user", "content": "hi"},
        system=[{"type": "text", "text": "x-anthropic-billing-header: cch=1"}, {"type": "text", "text": "Be brief."}],
        stop_sequences=["END"],
        tools=[TOOL],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        metadata={"user_id": "u" * 200},
        thinking={"type": "enabled", "budget_tokens": 10_000},
        output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}},
        top_k=4,
        service_tier="auto",
    )
    assert made["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (made["stop"], made["max_tokens"], made["top_k"]) == (["END"], 9, 4)
    assert (made["tool_choice"], made["parallel_tool_calls"]) == ("required", False)
    assert made["tools"][0]["function"]["parameters"] == TOOL["input_schema"]
    assert len(made["user"]) == 64
    assert made["reasoning_effort"] == "high"
    assert made["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert "service_tier" not in made
    adaptive = fields({"role": "user", "content": "hi"}, thinking={"type": "adaptive"}, output_config={"effort": "max"})
    assert "reasoning_effort" not in adaptive  # a model that cannot think goes on without
    assert fields({"role": "user", "content": "hi"}, thinking={"type": "disabled"})["think"] is False


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [user({"type": "video"})]}, "messages[0].content[0].type"),
        ({"messages": [user({"type": "text"})]}, "messages[0].content[0].text"),
        ({"messages": [user("x")]}, "messages[0].content[0]"),
        ({"messages": [user({"type": "document", "source": {"type": "url", "url": "file:///x"}})]}, "source.type"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "leap"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tool_choice": {"type": []}}, "tool_choice.type"),
        ({"stop_sequences": [1]}, "stop_sequences[0]"),
        ({"system": [{"type": "image"}]}, "system[0]"),
        ({"thinking": {}}, "thinking.type"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"mcp_servers": [{"url": "http://x"}]}, "mcp_servers"),
    ],
)
def test_what_is_wrong_is_named(body: Any, place: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        chat_fields({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}], **body}, Reading())
    assert place in str(caught.value)


def events(deltas: Any, finish: str = "stop", **options: Any) -> Any:
    writer = MessageEvents(options.pop("thinking", True), options.pop("stops", ()))
    data = writer.start("chatcmpl-1", "m", 5, {})
    for delta in deltas:
        data += writer.feed([{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}])
    data += writer.feed([{"choices": [{"index": 0, "delta": {}, "finish_reason": finish, **options}]}])
    data += writer.end(
        "stop", {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}
    )
    found = []
    for block in data.decode().strip().split("\n\n"):
        kind, _, text = block.partition("\n")
        event = json.loads(text.removeprefix("data: "))
        assert kind == f"event: {event['type']}"
        found.append(event)
    return found


def call(index: int, call_id: str = "", name: str = "", arguments: str = "") -> Any:
    return {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}


def blocks_of(found: Any) -> Any:
    """The blocks that the events add up to; one is open at a time, and they are counted without a gap."""
    blocks: list[Any] = []
    opened = None
    for event in found[2:-2]:
        if event["type"] == "content_block_start":
            assert (opened, event["index"]) == (None, len(blocks))
            opened = event["index"]
            blocks.append([event["content_block"], ""])
        elif event["type"] == "content_block_delta":
            assert event["index"] == opened
            blocks[-1][1] += next(value for name, value in event["delta"].items() if name != "type")
        else:
            assert (event["type"], event["index"]) == ("content_block_stop", opened)
            opened = None
    assert opened is None
    return blocks


def test_a_stream_of_text() -> None:
    found = events([{"role": "assistant", "content": "hé"}, {"content": "llo"}])
    assert [event["type"] for event in found] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert found[0]["message"]["content"] == []
    assert found[0]["message"]["usage"]["input_tokens"] == 5
    assert found[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    usage = found[-2]["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (5, 2, 3)


@pytest.mark.fault("calls of tools whose pieces come mixed, for one of Anthropic's clients", "block after block")
def test_calls_whose_pieces_come_mixed_are_blocks_one_after_the_other() -> None:
    deltas = [
        {"reasoning_content": "hm"},
        {"content": "I look."},
        {"tool_calls": [call(0, "a", "look", '{"q":')]},
        {"tool_calls": [call(1, "b", "find", '{"r"')]},
        {"tool_calls": [call(0, arguments='"x"}')]},
        {"tool_calls": [call(1, arguments=": 2}"), call(2, "c", "stop")]},
    ]
    found = events(deltas, "tool_calls")
    assert [(block.get("name"), said) for block, said in blocks_of(found)] == [
        (None, "hm"),
        (None, "I look."),
        ("look", '{"q":"x"}'),
        ("find", '{"r": 2}'),
        ("stop", ""),
    ]
    assert found[-2]["delta"]["stop_reason"] == "tool_use"


def test_odd_streams() -> None:
    assert blocks_of(events([])) == []
    (block, said), (after, more) = blocks_of(events([{"tool_calls": [call(0, name="look")]}, {"content": "done"}]))[:2]
    assert block["id"].startswith("toolu_"), said
    assert (after["type"], more) == ("text", "done")
    assert [said for _, said in blocks_of(events([{"reasoning": "hm"}, {"content": "x"}], thinking=False))] == ["x"]
    refused = events([{"refusal": "no"}])
    assert (blocks_of(refused)[0][1], refused[-2]["delta"]["stop_reason"]) == ("no", "refusal")
    met = events([{"content": "x"}], stops=["END"], stop_reason="END")
    assert met[-2]["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    matched = events([{"content": "x"}], stops=["END"], matched_stop="END")
    assert matched[-2]["delta"]["stop_sequence"] == "END"
    listed = events([{"content": [{"type": "text", "text": "in parts"}]}, {"content": None}])
    assert blocks_of(listed)[0][1] == "in parts"
    late = events([{"tool_calls": [call(0, "a", "", "")]}, {"tool_calls": [call(0, "", "look", "{}")]}], "stop")
    assert (blocks_of(late)[0][0]["name"], late[-2]["delta"]["stop_reason"]) == ("look", "tool_use")


def test_a_whole_answer() -> None:
    made = [call(0, "a", "look", '{"q": 1}'), call(1, "b", "find", ""), call(2, "c", "leap", "{half")]
    message = {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": made}
    completion = {
        "id": "chatcmpl-1",
        "model": "m",
        "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
    answer = message_object(completion, thinking=True)
    assert (answer["id"], answer["stop_reason"]) == ("msg_1", "tool_use")
    assert [block.get("input") for block in answer["content"]] == [None, {"q": 1}, {}, {"INVALID_JSON": "{half"}]
    plain = message_object(completion, thinking=False)
    assert [block["type"] for block in plain["content"]] == ["tool_use"] * 3
