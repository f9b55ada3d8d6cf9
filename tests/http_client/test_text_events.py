"""Events that are as one before them but for their text are read as if each had been parsed, whatever is in them."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from autopicker_lab.http_client import EventReader
from autopicker_lab.http_client.text_events import TextEvent
from autopicker_lab.service.chat.dialect import AnswerHead
from autopicker_lab.service.chat.openai import OpenAIWording


def line(text: str, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    head = {"id": "a", "object": "chat.completion.chunk", "model": "m"}
    return b"data: " + json.dumps({**head, "choices": [choice], **more}, ensure_ascii=False).encode() + b"\n\n"


def read(block: bytes) -> list[dict[str, Any]]:
    chunk = EventReader("m").feed(block)
    return list(chunk.events) if chunk else []


def kinds(events: list[dict[str, Any]]) -> list[bool]:
    return [type(event) is TextEvent for event in events]


ODD = [
    "word ",
    'a "quoted" one',
    "back\\slash",
    "line\nbreak",
    "tab\t",
    "größer",
    "为什么",
    "🙂",
    "\u2028",
    "\x7f",
    '"content": "x"',
    "content",
    "}]}",
    " ",
]


@pytest.mark.parametrize("first", ODD)
def test_what_is_read_and_written_is_what_parsing_and_writing_each_would_give(first: str) -> None:
    block = b"".join([line(text) for text in [first, *ODD]])
    events = read(block)
    assert events == [orjson.loads(part[6:]) for part in block.split(b"\n\n") if part]
    wording = OpenAIWording(b"", include_usage=False)
    head = AnswerHead("ours", "named", 7)
    wording.opening(head, (), {})
    written = wording.events(events)
    own = {"id": "ours", "object": "chat.completion.chunk", "created": 7, "model": "named"}
    assert [orjson.loads(part[6:]) for part in written.split(b"\n\n") if part] == [{**e, **own} for e in events]


def test_nearly_all_events_of_a_stream_are_not_parsed() -> None:
    events = read(b"".join([line(text) for text in ("one ", "two ", "with\n", "three ")]))
    assert kinds(events) == [False, True, False, True]


def test_what_ends_counts_fails_or_differs_otherwise_is_parsed() -> None:
    end = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    reader = EventReader("m")
    reader.feed(line("one ") + line("two ") + line("three ", usage={"prompt_tokens": 3, "completion_tokens": 2}) + end)
    assert reader.finish_reason == "stop"
    assert kinds(read(b"".join([line("a", x=i) for i in range(20)]))) == [False] * 20  # each has something of its own


def test_an_empty_text_says_nothing() -> None:
    reader = EventReader("m")
    reader.feed(line("one ") + line("two "))
    reader.feed(line(""))
    assert not reader.advanced


def test_bytes_that_are_no_text_are_mended_as_before() -> None:
    half = line("x").replace(b'"x"', b'"\xf0\x9f"') + line("x").replace(b'"x"', b'"\x99\x82"')
    chunk = EventReader("m").feed(line("one ") + line("two ") + half + line("three "))
    assert chunk is not None
    assert chunk.content == "one two 🙂three "
