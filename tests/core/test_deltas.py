"""What chunks of a stream add up to, whatever fields a server streams."""

from typing import Any

import pytest

from autopicker_lab.core import ChatChunk, assemble_completion, assemble_message


def message_of(*deltas: dict[str, Any]) -> dict[str, Any]:
    return assemble_message([ChatChunk.of(delta) for delta in deltas])


@pytest.mark.parametrize("name", ["content", "refusal", "reasoning", "reasoning_content", "something_new"])
def test_texts_are_strung_together(name: str) -> None:
    assert message_of({name: "ha"}, {name: "ha"}, {name: None}, {name: "!"})[name] == "haha!"


def test_what_is_said_whole_each_time_is_said_once() -> None:
    message = message_of({"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"})
    assert message == {"role": "assistant", "content": "ab"}


def test_a_call_keeps_what_belongs_to_it() -> None:
    signed = {"google": {"thought_signature": "sig=="}}
    first = {"index": 0, "id": "c1", "type": "function", "function": {"name": "add", "arguments": ""}}
    message = message_of(
        {"tool_calls": [first | {"extra_content": signed}]},
        {
            "tool_calls": [
                {"index": 0, "function": {"arguments": '{"a"'}},
                {"index": 0, "function": {"arguments": ":1}"}},
            ]
        },
    )
    function = {"name": "add", "arguments": '{"a":1}'}
    assert message["tool_calls"] == [{"id": "c1", "type": "function", "function": function, "extra_content": signed}]
    assert message["content"] is None


def call(name: str | None = None, arguments: str = "", **fields: Any) -> dict[str, Any]:
    return {"tool_calls": [{"function": {**({"name": name} if name else {}), "arguments": arguments}, **fields}]}


@pytest.mark.parametrize(
    "deltas",
    [
        [call("one", "{}", index=0, id="a"), call("two", "{}", index=1, id="b")],
        [call("one", "{}", id="a"), call("two", "{}", id="b")],  # without an index
        [call("one", "{}", index=0, id="a"), call("two", "{}", index=0, id="b")],  # each counted as the first
        [call("one", "{", index=0, id="a"), call(None, "}", index=0, id="x"), call("two", "{}", index=1, id="b")],
        [call("one", "{"), call(None, "}"), call("two", "{}", id="b")],
        [call("two", "{}", index=1, id="b"), call("one", "{}", index=0, id="a")],  # out of order
    ],
)
def test_calls_are_told_apart(deltas: Any) -> None:
    calls = message_of(*deltas)["tool_calls"]
    assert [(c["function"]["name"], c["function"]["arguments"]) for c in calls] == [("one", "{}"), ("two", "{}")]
    assert all(c["type"] == "function" and "index" not in c for c in calls)


def test_lists_are_extended_and_their_objects_merged_by_index() -> None:
    one, two = ({"type": "url_citation", "url_citation": {"url": url}} for url in "ab")
    message = message_of(
        {"reasoning_details": [{"type": "reasoning.text", "text": "Hm", "index": 0, "signature": None}]},
        {"reasoning_details": [{"type": "reasoning.text", "text": "m.", "index": 0, "signature": "s"}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "xyz", "index": 0}]},
        {"annotations": [one]},
        {"annotations": [two], "content": "So."},
    )
    assert message["annotations"] == [one, two]
    text = {"type": "reasoning.text", "text": "Hmm.", "index": 0, "signature": "s"}
    assert message["reasoning_details"] == [text, {"type": "reasoning.encrypted", "data": "xyz", "index": 0}]


def test_thoughts_without_an_index_go_on_until_they_are_signed() -> None:
    blocks = [("Th", None), ("is", None), ("", "s1"), ("Next", None)]
    deltas = [{"thinking_blocks": [{"type": "thinking", "thinking": t, "signature": s}]} for t, s in blocks]
    message = message_of(*deltas, {"thinking_blocks": [{"type": "redacted_thinking", "data": "r"}]})
    assert [block.get("thinking") for block in message["thinking_blocks"]] == ["This", "Next", None]
    assert message["thinking_blocks"][0]["signature"] == "s1"


def test_citations_that_come_anew_with_each_chunk_are_kept_once() -> None:
    assert message_of({"citations": ["a"]}, {"citations": ["a", "b"]})["citations"] == ["a", "b"]


def test_audio_is_put_together() -> None:
    audio = message_of({"audio": {"id": "a", "data": "AA"}}, {"audio": {"data": "BB", "expires_at": 9}})
    assert audio["audio"] == {"id": "a", "data": "AABB", "expires_at": 9}
    assert audio["content"] is None


def test_each_choice_has_its_own() -> None:
    events: list[dict[str, Any]] = [
        {"choices": [{"index": 1, "delta": {"content": "B"}, "logprobs": {"content": [{"token": "B"}]}}]},
        {"choices": [{"index": 0, "delta": {"content": "A"}}], "system_fingerprint": "fp", "service_tier": "flex"},
        {"choices": [{"index": 1, "delta": {"content": "B"}, "logprobs": {"content": [{"token": "B"}]}}]},
        {"choices": [{"index": 1, "delta": {}, "finish_reason": "length", "stop_reason": 7}], "citations": ["u"]},
    ]
    whole = assemble_completion([ChatChunk(events)])
    assert (whole["system_fingerprint"], whole["service_tier"], whole["citations"]) == ("fp", "flex", ["u"])
    first, second = whole["choices"]
    assert (first["message"]["content"], first["finish_reason"], first["logprobs"]) == ("A", "stop", None)
    assert (second["message"]["content"], second["finish_reason"], second["stop_reason"]) == ("BB", "length", 7)
    assert len(second["logprobs"]["content"]) == 2


@pytest.mark.parametrize(
    "delta",
    [
        {"content": [{"type": "text", "text": "Hi"}, {"type": "image"}]},
        {"content": "Hi", "tool_calls": []},
        {"content": "Hi", "tool_calls": None},
        {"content": "Hi", "refusal": None, "audio": None},
    ],
)
def test_odd_deltas_add_up(delta: Any) -> None:
    message = message_of(delta)
    assert message["content"] == "Hi"
    assert not message.get("tool_calls")


def test_no_chunk_is_an_empty_answer() -> None:
    assert assemble_completion([])["choices"][0]["message"] == {"role": "assistant", "content": ""}


def test_nesting_has_an_end() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = {"a": deep}
    assert message_of({"deep": deep}, {"deep": deep, "content": "ok"})["content"] == "ok"
