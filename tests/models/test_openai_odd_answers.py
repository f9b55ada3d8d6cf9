"""Answers that OpenAI would not give: each comes out right, or ends in an error that says what is wrong."""

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from support.raw_upstream import DONE, END, completion, event, head, piece, raw_upstream, stream, whole

from autopicker_lab.core import AutopickerError, ChatRequest, ModelSpec, UpstreamError
from autopicker_lab.models import build, complete_from_stream

HELLO = ChatRequest.of("Hello")
TEXT = "héllo 世界 🎉"


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with raw_upstream() as up:
        yield up


@pytest.fixture
def up(server: Any) -> Any:
    server.asked.clear()
    return server


def ask(up: Any, *answer: Any, streamed: bool = True, request: ChatRequest = HELLO, **spec: Any) -> Any:
    """The reply of a model whose server sends this."""
    up.script = lambda asked: answer
    fields = {"timeout_s": 3.0, **spec}

    async def asking() -> Any:
        model = build(ModelSpec("m", "openai", "x", up.url, **fields))
        try:
            return await (complete_from_stream(model, request) if streamed else model.complete(request))
        finally:
            await model.close()

    return asyncio.run(asking())


def raw_piece(content: bytes) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"' + content + b'"},"finish_reason":null}]}\n\n'


SAID = piece({"content": TEXT})
CHUNK = json.dumps({"choices": [{"index": 0, "delta": {"content": TEXT}, "finish_reason": "stop"}]})


@pytest.mark.fault("events that break the letter of the protocol", "the same answer")
@pytest.mark.parametrize(
    "events",
    [
        pytest.param(b"data:\n\n" + SAID + b"data: \n\ndata: null\n\n" + END, id="empty data"),
        pytest.param((SAID + END).replace(b"data: ", b"data:"), id="no space"),
        pytest.param(b"event: message\nid: 7\nretry: 3\n" + SAID + END, id="other fields"),
        pytest.param((SAID + END).replace(b"\n", b"\r"), id="CR alone"),
        pytest.param((SAID + END).replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(b"\xef\xbb\xbf" + SAID + END, id="BOM"),
        pytest.param(b": keep-alive\n\n:\n\n" + SAID + b": ping\n\n" + END, id="comments"),
        pytest.param((SAID + END).replace(b"\n\n", b"\n"), id="no blank lines"),
        pytest.param(
            b"".join(b"data: " + line.encode() + b"\n" for line in json.dumps(json.loads(CHUNK), indent=1).split("\n"))
            + b"\n"
            + DONE,
            id="several lines",
        ),
        pytest.param(SAID + END + b"data: {after\n\n", id="after DONE"),
        pytest.param(SAID + piece({}, "stop"), id="no DONE"),
        pytest.param(SAID + DONE, id="DONE and no finish_reason"),
        pytest.param(SAID + piece({}, "") + DONE, id="empty finish_reason"),
        pytest.param(
            event({"choices": None}) + event({"id": "x"}) + SAID + event({"choices": []}) + END, id="no choices"
        ),
        pytest.param(piece(None) + SAID + END, id="delta null"),
        pytest.param(event({"choices": [{"delta": {"content": TEXT}}]}) + END, id="no index"),
        pytest.param(
            piece({"role": "assistant", "content": "héllo "})
            + piece({"role": "assistant", "content": "世界 🎉"})
            + END,
            id="role in each",
        ),
        pytest.param(piece({"content": [{"type": "text", "text": "héllo "}, "世界 🎉"]}) + END, id="list of parts"),
        pytest.param(piece({"content": {"type": "text", "text": TEXT}}) + END, id="one part"),
        pytest.param(raw_piece(rb"h\u00e9llo \u4e16\u754c \ud83c") + raw_piece(rb"\udf89") + END, id="pair split"),
        pytest.param(
            raw_piece("héllo 世".encode() + "界".encode()[:2]) + raw_piece("界".encode()[2:] + " 🎉".encode()) + END,
            id="character split",
        ),
        pytest.param(CHUNK.encode() + b"\n" + json.dumps({"choices": []}).encode() + b"\n", id="JSON lines"),
        pytest.param(event(completion(TEXT)) + DONE, id="message in place of delta"),
        pytest.param(event({"choices": [{"index": 0, "text": TEXT}]}) + END, id="text in place of delta"),
        pytest.param(
            event({"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": 2.0}}) + SAID + END,
            id="odd usage",
        ),
        pytest.param(event({"choices": [], "usage": [1]}) + SAID + END, id="usage that is none"),
    ],
)
def test_odd_events_make_the_same_answer(up: Any, events: bytes) -> None:
    for cut in (len(events), 1, 7):
        blocks = [events[i : i + cut] for i in range(0, len(events), cut)]
        reply = ask(up, *stream(*blocks))
        assert (reply.text, reply.finish_reason) == (TEXT, "stop")
        assert list(reply.message) == ["role", "content"]


@pytest.mark.fault("an invalid byte or half a character in an answer", "the rest of the answer, with the mark U+FFFD")
@pytest.mark.parametrize("broken", [b"\xff", rb"\ud83d", b"\xe4\xb8", rb"\udf89"])
def test_an_invalid_byte_does_not_end_an_answer(up: Any, broken: bytes) -> None:
    for events in (
        raw_piece(b"a" + broken + b"b") + END,
        raw_piece(b"a" + broken) + raw_piece(b"b") + END,
        raw_piece(b"a" + broken) + END,
        raw_piece(b"a" + broken) + DONE,
    ):
        text = ask(up, *stream(events)).text
        assert "�" in text
        assert text.replace("�", "") in ("ab", "a")
    data = json.dumps(completion("a?b")).encode().replace(b"?", broken)
    assert ask(up, whole(data), streamed=False).text.strip("ab").strip("�") == ""


@pytest.mark.fault("-Infinity or NaN in the logprobs of an answer", "the answer, with -9999.0 or null in their place")
def test_numbers_that_json_lacks(up: Any) -> None:
    logprobs = {"content": [{"token": "a", "logprob": float("-inf")}, {"token": "b", "logprob": float("nan")}]}
    up.script = lambda asked: stream(piece({"content": "ab"}, logprobs=logprobs) + END)

    async def chunks() -> Any:
        model = build(ModelSpec("m", "openai", "x", up.url))
        made = [chunk async for chunk in model.stream(HELLO)]
        await model.close()
        return made

    event_ = asyncio.run(chunks())[0].events[0]
    assert [entry["logprob"] for entry in event_["choices"][0]["logprobs"]["content"]] == [-9999.0, None]
    answer = completion("ab")
    answer["choices"][0]["logprobs"] = logprobs
    reply = ask(up, whole(answer), streamed=False)
    assert reply.raw["choices"][0]["logprobs"]["content"][0]["logprob"] == -9999.0


@pytest.mark.fault("JSON where a stream was asked for", "a stream of it")
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "text/plain"])
def test_json_in_place_of_a_stream(up: Any, kind: str) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    answer = completion(TEXT, "tool_calls", tool_calls=[call], refusal=None)
    reply = ask(up, whole(answer, headers=f"content-type: {kind}\r\n"))
    assert (reply.text, reply.finish_reason, reply.usage.completion_tokens) == (TEXT, "tool_calls", 5)
    assert reply.message["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a":1}'}


@pytest.mark.fault("a stream where a whole answer was asked for", "the whole of it")
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
def test_a_stream_in_place_of_json(up: Any, kind: str) -> None:
    usage = event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}})
    events = b": hello\n\n" + piece({"role": "assistant", "content": "héllo "}) + piece({"content": "世界 🎉"})
    reply = ask(up, head(f"content-type: {kind}\r\n"), events, piece({}, "length") + usage + DONE, None, streamed=False)
    assert (reply.text, reply.finish_reason, reply.usage.prompt_tokens) == (TEXT, "length", 3)
    assert reply.raw["choices"][0]["message"]["content"] == TEXT
    with pytest.raises(UpstreamError, match="cut its answer short"):
        ask(up, head(), events, None, streamed=False)


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.fault("an answer compressed though nobody asked for that", "the answer")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZip", lambda data: gzip.compress(data[:50]) + gzip.compress(data[50:])),
        ("deflate", zlib.compress),
        ("deflate", _deflated),
        ("identity", bytes),
        ("gzip", bytes),
        ("deflate", bytes),
    ],
)
def test_compressed_answers(up: Any, streamed: bool, coding: str, pack: Any) -> None:
    data = pack(SAID + END if streamed else json.dumps(completion(TEXT)).encode())
    kind = "text/event-stream" if streamed else "application/json"
    blocks = [data[i : i + 9] for i in range(0, len(data), 9)]
    reply = ask(up, head(f"content-type: {kind}\r\nContent-Encoding: {coding}\r\n"), *blocks, None, streamed=streamed)
    assert reply.text == TEXT
    assert up.asked[-1].headers["accept-encoding"] == "identity"


@pytest.mark.fault("an answer compressed in an unknown way, or cut, or a bomb", "502 that says so")
@pytest.mark.parametrize(
    ("coding", "data", "says"),
    [
        ("br", b"\x0b\x02\x80", "compressed as 'br'"),
        ("gzip", gzip.compress(json.dumps(completion(TEXT)).encode(), mtime=0)[:-12], "was cut"),
        ("gzip", gzip.compress(b"x", mtime=0)[:12] + b"\xff" * 20, "damaged"),
        ("gzip", gzip.compress(b" " * 80_000_000, 1, mtime=0), "too large"),
    ],
)
def test_what_cannot_be_unpacked(up: Any, coding: str, data: bytes, says: str) -> None:
    with pytest.raises(UpstreamError, match=says):
        ask(up, whole(data, headers=f"content-encoding: {coding}\r\n"), streamed=False)
    assert len(up.asked) == 1


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", "not an HTTP answer"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{", "not an HTTP answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}", "broke"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{}", "broke"),
    ],
)
def test_bad_framing_is_a_broken_connection(up: Any, sent: bytes, says: str) -> None:
    for streamed in (False, True):
        with pytest.raises(UpstreamError, match=says):
            ask(up, sent, None, streamed=streamed)


def test_trailers_and_extensions_of_chunks_are_read_over(up: Any) -> None:
    data = json.dumps(completion(TEXT)).encode()
    sent = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n"
    sent += b"%x;name=value\r\n%s\r\n0\r\nx-sum: 1\r\ncontent-type: text/html\r\n\r\n" % (len(data), data)
    assert ask(up, sent, streamed=False).text == TEXT
    assert ask(up, sent).text == TEXT


@pytest.mark.fault(
    "no [DONE] after the end of an answer, on a connection that stays open", "the answer ends well within seconds"
)
def test_an_answer_ends_though_its_server_does_not_say_so(up: Any) -> None:
    started_at = time.monotonic()
    assert ask(up, *stream(SAID, piece({}, "stop"), 30.0), timeout_s=20.0).text == TEXT
    assert (
        ask(
            up,
            head("transfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n"),
            b"%x\r\n%s\r\n" % (len(SAID + piece({}, "stop")), SAID + piece({}, "stop")),
            None,
        ).text
        == TEXT
    )
    assert time.monotonic() - started_at < 15


def call(index: Any, id_: Any, name: Any, arguments: Any, **more: Any) -> Any:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not ...}
    made = {"index": index, "id": id_, "type": "function", "function": function, **more}
    return {key: value for key, value in made.items() if value is not ...}


@pytest.mark.fault(
    "tool calls without index, with equal ids or with arguments as an object",
    "each call by itself, with an id of its own",
)
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([[call(0, "a", "f", '{"x":'), call(1, "b", "g", "{}")], [call(0, ..., ..., "1}")]], id="OpenAI"),
        pytest.param([[call("0", "a", "f", '{"x":1}'), call("1", "b", "g", "{}")]], id="index as text"),
        pytest.param([[call(..., "a", "f", '{"x":1}'), call(..., "b", "g", "{}")]], id="no index"),
        pytest.param(
            [[call(..., "a", "f", '{"x":')], [call(..., ..., ..., "1}")], [call(..., "b", "g", "{}")]], id="bare"
        ),
        pytest.param([[call(0, "a", "f", '{"x":1}')], [call(0, "b", "g", "{}")]], id="index 0 for both"),
        pytest.param([[call(0, "", "f", '{"x":1}')], [call(0, "", "g", "{}")]], id="no ids"),
        pytest.param([[call(0, "a", "f", '{"x":1}'), call(1, "a", "g", "{}")]], id="equal ids"),
        pytest.param([[call(..., "a", "f", '{"x":1}'), call(..., "a", "g", "{}")]], id="equal ids, no index"),
        pytest.param([[call(0, "a", "f", {"x": 1}), call(1, "b", "g", {})]], id="objects"),
        pytest.param(
            [[call(0, "a", "f", '{"x":'), call(1, "b", "g", "{}")], [call(0, "c", ..., "1}")]], id="id a piece"
        ),
        pytest.param(
            [[call(0, "a", "f", '{"x":')], [call(0, "a", "f", "1}")], [call(1, "b", "g", "{}")]], id="name a piece"
        ),
        pytest.param([[call(3, "a", "f", '{"x":1}'), call(7, "b", "g", "{}")]], id="gaps"),
        pytest.param(
            [[call(0, "a", "f", None)], [call(0, None, None, '{"x":1}')], [call(1, "b", "g", "{}")]], id="nulls"
        ),
    ],
)
def test_calls_stay_apart(up: Any, pieces: Any) -> None:
    events = b"".join(piece({"tool_calls": calls}) for calls in pieces)
    calls = ask(up, *stream(events, piece({}, "tool_calls") + DONE)).message["tool_calls"]
    assert [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls] == [
        ("f", {"x": 1}),
        ("g", {}),
    ]
    assert len({c["id"] for c in calls}) == 2
    assert all(c["id"] and c["type"] == "function" for c in calls)


def test_calls_of_a_whole_answer(up: Any) -> None:
    calls = [call(..., "a", "f", {"x": 1}), call(..., "a", "g", None, type=None), call(..., ..., "h", "{}")]
    reply = ask(up, whole(completion(None, None, tool_calls=calls)), streamed=False)
    made = reply.message["tool_calls"]
    assert [c["function"]["arguments"] for c in made] == ['{"x":1}', "{}", "{}"]
    assert len({c["id"] for c in made}) == 3
    assert (reply.finish_reason, reply.raw["choices"][0]["finish_reason"]) == ("tool_calls", "tool_calls")


@pytest.mark.fault("an answer whose content is a list of parts", "its text, with its thoughts as reasoning_content")
def test_thoughts_among_the_parts(up: Any) -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": TEXT}]
    odd = {"type": "reference", "reference_ids": [1]}
    for reply in (
        ask(up, *stream(piece({"content": parts[:1]}), piece({"content": [*parts[1:], odd]}), END)),
        ask(up, whole(completion([*parts, odd])), streamed=False),
    ):
        assert (reply.text, reply.message["reasoning_content"]) == (TEXT, "hm")


def test_several_choices_end_when_all_have_ended(up: Any) -> None:
    up.script = lambda asked: stream(
        event({"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}]}),
        event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        event({"choices": [{"index": 1, "delta": {"content": "B"}, "finish_reason": "length"}]}) + DONE,
    )

    async def chunks() -> Any:
        model = build(ModelSpec("m", "openai", "x", up.url))
        made = [chunk async for chunk in model.stream(ChatRequest.of("hi", options={"n": 2}))]
        await model.close()
        return made

    made = asyncio.run(chunks())
    assert [chunk.finish_reason for chunk in made if chunk.finish_reason] == ["length"]
    texts = {0: "", 1: ""}
    for choice in (choice for chunk in made for event_ in chunk.events for choice in event_["choices"]):
        texts[choice["index"]] += choice["delta"].get("content") or ""
    assert texts == {0: "a", 1: "bB"}
    assert up.asked[-1].body["n"] == 2


def test_usage_is_put_right(up: Any) -> None:
    for usage, counts in (
        ({"prompt_tokens": 3.0, "completion_tokens": -5, "total_tokens": None}, (3, 0)),
        (None, (0, 0)),
        ([], (0, 0)),
    ):
        reply = ask(up, whole({**completion("x"), "usage": usage}), streamed=False)
        assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == counts
        assert (reply.raw.get("usage") or {"prompt_tokens": 0})["prompt_tokens"] == counts[0]


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": []},
        {"choices": ["x"]},
        {"choices": [{"message": 5}]},
        {"object": "x"},
        completion(5),
        {"choices": 5},
    ],
)
def test_what_is_no_answer_is_an_error(up: Any, answer: Any) -> None:
    for streamed in (False, True):
        with pytest.raises(UpstreamError, match="choice"):
            ask(up, whole(answer), streamed=streamed)


@pytest.mark.fault("an end in other words than OpenAI's, or `stop` after tool calls", "OpenAI's word for it")
@pytest.mark.parametrize(
    ("said", "calls", "told"),
    [
        ("stop", True, "tool_calls"),
        ("STOP", False, "stop"),
        ("end_turn", True, "tool_calls"),
        ("MAX_TOKENS", False, "length"),
        ("length", True, "length"),
        ("eos_token", False, "stop"),
        ("content_filter", False, "content_filter"),
    ],
)
def test_ends_are_told_in_openais_words(up: Any, said: str, calls: bool, told: str) -> None:
    fields = {"tool_calls": [call(0, "a", "f", "{}")]} if calls else {"content": "x"}
    assert ask(up, *stream(piece(fields), piece({}, said))).finish_reason == told
    camel = event({"choices": [{"index": 0, "delta": {}, "finish_reason": None, "finishReason": said}]})
    assert ask(up, *stream(piece(fields), camel)).finish_reason == told
    reply = ask(up, whole(completion(None, said, **fields) if calls else completion("x", said)), streamed=False)
    assert (reply.finish_reason, reply.raw["choices"][0]["finish_reason"]) == (told, told)


@pytest.mark.fault(
    "numbers past 64 bits, or JSON nested without end, in an answer", "the answer with a rounded number, or 502"
)
def test_what_cannot_be_written_again(up: Any) -> None:
    data = json.dumps({**completion("x"), "created": 10**30}).encode()
    assert orjson.dumps(ask(up, whole(data), streamed=False).raw)
    huge = event({"choices": [{"index": 0, "delta": {"content": "x"}, "seed": 10**30}]})
    assert ask(up, *stream(huge + END)).text == "x"
    for index in (10**30, -1, "one", [0]):
        with pytest.raises(UpstreamError, match="not a chunk"):
            ask(up, *stream(event({"choices": [{"index": index, "delta": {"content": "x"}}]}) + END))
    for deep in (b"[" * 50_000 + b"]" * 50_000, b'{"error":' * 900 + b"1" + b"}" * 900):
        with pytest.raises(AutopickerError):
            ask(up, whole(deep, "500 I"), streamed=False)
        with pytest.raises(UpstreamError):
            ask(up, whole(deep), streamed=False)
        with pytest.raises(UpstreamError):
            ask(up, *stream(b"data: " + deep + b"\n\n"))
