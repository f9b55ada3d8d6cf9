"""Events that are as one before them but for their text are read as if each had been parsed, whatever is in them."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from autopicker_lab.core import UpstreamError
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


def each(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events that were sent: of several that were read as one, each."""
    found = []
    for event in events:
        if not isinstance(event, TextEvent):
            found.append(event)
            continue
        texts = [orjson.loads(b'"%b"' % written) for written in event.written]
        assert "".join(texts) == event["choices"][0]["delta"]["content"]
        found += [{**event, "choices": [{**event["choices"][0], "delta": {"content": text}}]} for text in texts]
    return found


def unparsed(events: list[dict[str, Any]]) -> list[int]:
    """Of each event, how many it stands for; 0 for one that was parsed."""
    return [len(event.written) if isinstance(event, TextEvent) else 0 for event in events]


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
    assert each(events) == [orjson.loads(part[6:]) for part in block.split(b"\n\n") if part]
    wording = OpenAIWording(b"", include_usage=False)
    head = AnswerHead("ours", "named", 7)
    wording.opening(head, (), {})
    written = wording.events(events)
    own = {"id": "ours", "object": "chat.completion.chunk", "created": 7, "model": "named"}
    assert [orjson.loads(part[6:]) for part in written.split(b"\n\n") if part] == [{**e, **own} for e in each(events)]


def test_nearly_all_events_of_a_stream_are_not_parsed() -> None:
    assert unparsed(read(b"".join([line(text) for text in ("one ", "two ", "with\n", "three ")]))) == [0, 3]


def test_events_that_come_at_once_are_read_as_one_wherever_another_stands_between() -> None:
    role = b'data: {"choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": null}]}\n\n'
    tool = b'data: {"choices": [{"index": 0, "delta": {"refusal": "no"}, "finish_reason": null}]}\n\n'
    texts = [line(f"{i} ") for i in range(9)]
    block = role + b"".join(texts[:4]) + tool + b": comment\n\n" + b"".join(texts[4:])
    events = read(block)
    assert unparsed(events)[:4] == [0, 0, 3, 0]
    assert sum(map(bool, unparsed(events))) == len(events) - 3
    said = [event["choices"][0]["delta"].get("content") for event in each(events)]
    assert said == [None, "0 ", "1 ", "2 ", "3 ", None, "4 ", "5 ", "6 ", "7 ", "8 "]


@pytest.mark.parametrize(
    "texts",
    [
        *((b"a\\", b"n"), (b"\\u12", b"34"), (b"\\ud83d", b"\\ude42"), (b"\xf0\x9f", b"x")),
        *((b'a","b', b"c"), (b'a"', b"b")),
        (b'a",[', b",", b'],"b'),  # as many as they are, but for one a list
    ],
)
def test_texts_that_are_json_only_side_by_side_are_not_taken_for_it(texts: tuple[bytes, ...]) -> None:
    odd = b"".join([line("x").replace(b'"x"', b'"' + text + b'"') for text in texts])
    told = []
    for block in (line("one ") + line("two ") + odd, line("one ", x=1) + line("two ", y=1) + odd):  # alike, and not
        reader = EventReader("m")
        said = ""
        try:
            for chunk in (reader.feed(block), reader.end()):
                said += chunk.content if chunk else ""
        except UpstreamError as error:
            said += error.detail
        told.append(said)
    assert told[0] == told[1]


def test_what_ends_counts_fails_or_differs_otherwise_is_parsed() -> None:
    end = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    reader = EventReader("m")
    reader.feed(line("one ") + line("two ") + line("three ", usage={"prompt_tokens": 3, "completion_tokens": 2}) + end)
    assert reader.finish_reason == "stop"
    assert unparsed(read(b"".join([line("a", x=i) for i in range(20)]))) == [0] * 20  # each has something of its own


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
