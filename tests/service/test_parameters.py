"""Parameters as clients write them: each form reaches the model in the one that its server takes."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from support.gateway import gateway, model
from support.upstream import FaultyUpstream, upstream

from autopicker_lab.core import Message
from autopicker_lab.service.chat.request_body import ChatBody

PATH = "/v1/chat/completions"
HELLO: Any = [{"role": "user", "content": "Say hello."}]
TOOL: Any = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
CALL: Any = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
GONE = object()


@pytest.fixture(scope="module")
def faulty() -> Iterator[FaultyUpstream]:
    with upstream() as running:
        yield running


@pytest.fixture(scope="module")
def base(faulty: FaultyUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with gateway(model(faulty.url, timeout_s=20.0), autopicker_home=tmp_path_factory.mktemp("home")) as address:
        yield address


def sent(base: str, faulty: FaultyUpstream, **body: Any) -> Any:
    """What the upstream got of a request."""
    answer = httpx.post(base + PATH, json={"messages": HELLO, "model": "m", **body}, timeout=30)
    assert answer.status_code == 200, answer.text
    return faulty.bodies[-1]


@pytest.mark.parametrize(
    ("field", "value", "arrives"),
    [
        ("max_tokens", 5.0, 5),
        ("max_tokens", 100.0, 100),
        ("max_tokens", -1, GONE),
        ("max_tokens", -1.0, GONE),
        ("max_completion_tokens", -1, GONE),
        ("max_completion_tokens", 7.0, 7),
        ("seed", 1.0, 1),
        ("seed", -1, -1),
        ("n", 1.0, 1),
        ("top_logprobs", 2.0, 2),
        ("temperature", 1, 1.0),
        ("stop", None, GONE),
        ("stop", [], GONE),
        ("stop", "", GONE),
        ("stop", ["", "x"], ["x"]),
        ("tools", [], GONE),
        ("tools", None, GONE),
        ("tool_choice", "none", GONE),
        ("tool_choice", "auto", GONE),
        ("tool_choice", None, GONE),
        ("parallel_tool_calls", False, GONE),
        ("functions", [], GONE),
        ("function_call", "none", GONE),
        ("functions", [{"name": "f"}], [{"name": "f"}]),
        ("response_format", {"type": "text"}, {"type": "text"}),
        ("stream_options", None, GONE),
        ("metadata", {"a": "1.0"}, {"a": "1.0"}),
    ],
)
@pytest.mark.fault(
    "whole numbers as 5.0, max_tokens of -1, empty stop texts and tools", "they arrive as servers take them"
)
def test_a_parameter_arrives_as_servers_take_it(
    base: str, faulty: FaultyUpstream, field: str, value: Any, arrives: Any
) -> None:
    got = sent(base, faulty, **{field: value}).get(field, GONE)
    assert got is GONE if arrives is GONE else (got, type(got)) == (arrives, type(arrives))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_tokens", 5.5),
        ("max_tokens", "5"),
        ("max_tokens", -2),
        ("max_tokens", 0),
        ("max_tokens", True),
        ("max_tokens", 1e300),
        ("seed", 0.5),
        ("seed", 1e30),
        ("n", 0),
        ("n", 9),
        ("temperature", "0.7"),
        ("temperature", True),
        ("top_p", "1"),
        ("stream", 1),
        ("stream", "true"),
        ("logprobs", 1),
        ("stop", [1]),
        ("stop", 7),
        ("tool_choice", "required"),
        ("tool_choice", {"type": "function", "function": {"name": "f"}}),
        ("function_call", {"name": "f"}),
        ("tools", [{}]),
        ("tools", ["f"]),
        ("tools", [{"type": "function"}]),
        ("tools", [{"type": "function", "function": {"name": ""}}]),
        ("tools", [{"type": "function", "function": {"name": "f", "parameters": "x"}}]),
        ("functions", [{}]),
        ("response_format", {"type": 7}),
        ("response_format", {"type": "json_schema"}),
        ("response_format", {"type": "json_schema", "json_schema": {"schema": "x"}}),
        ("response_format", "json"),
        ("messages", {"role": "user", "content": "x"}),
    ],
)
def test_what_is_no_such_parameter_is_400_and_named(base: str, field: str, value: Any) -> None:
    answer = httpx.post(base + PATH, json={"messages": HELLO, "model": "m", field: value}, timeout=30)
    assert answer.status_code == 400
    assert field in answer.json()["error"]["param"]


@pytest.mark.parametrize(
    "text", ['{"messages": NaN}', '{"temperature": Infinity}', '{"seed": -Infinity}', '{"seed": 1e999}']
)
def test_numbers_that_json_has_not_are_400(base: str, text: str) -> None:
    assert httpx.post(base + PATH, content=text, timeout=30).status_code == 400


@pytest.mark.parametrize(
    ("message", "arrives"),
    [
        ({"role": "system", "content": None}, {"role": "system", "content": ""}),
        ({"role": "developer"}, {"role": "developer", "content": ""}),
        (
            {"role": "tool", "content": None, "tool_call_id": "c1"},
            {"role": "tool", "content": "", "tool_call_id": "c1"},
        ),
        (
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
        ),
        ({"role": "assistant", "content": None}, {"role": "assistant", "content": ""}),
        (
            {
                "role": "assistant",
                "content": "x",
                "tool_calls": None,
                "function_call": None,
                "refusal": None,
                "audio": None,
            },
            {"role": "assistant", "content": "x"},
        ),
        ({"role": "assistant", "content": "x", "tool_calls": []}, {"role": "assistant", "content": "x"}),
        ({"role": "user", "content": "x", "name": "Ann"}, {"role": "user", "content": "x", "name": "Ann"}),
        ({"role": "user", "content": []}, {"role": "user", "content": ""}),
        (
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        ),
        (
            {"role": "user", "content": [{"type": "input_text", "text": "x"}]},
            {"role": "user", "content": [{"type": "text", "text": "x"}]},
        ),
    ],
)
@pytest.mark.fault("a system or tool message with content null", "it counts as an empty text")
def test_a_message_arrives_as_servers_take_it(base: str, faulty: FaultyUpstream, message: Any, arrives: Any) -> None:
    assert sent(base, faulty, messages=[message, *HELLO])["messages"][0] == arrives
    assert Message.parse(arrives).to_openai() == arrives  # and stays as it is


def test_an_upload_that_a_file_part_names(base: str, faulty: FaultyUpstream, samples: Path) -> None:
    with (samples / "notes.txt").open("rb") as file:
        file_id = httpx.post(f"{base}/v1/upload", files={"file": file}, timeout=30).json()["id"]
    part = {"type": "file", "file": {"file_id": file_id}}
    content = [{"type": "text", "text": "What about the fog bell?"}, part]
    body = sent(base, faulty, messages=[{"role": "user", "content": content}])
    assert "Fog bell" in body["messages"][0]["content"]
    unknown = [{"type": "file", "file": {"file_id": "file-abc"}}]
    answer = httpx.post(base + PATH, json={"messages": [{"role": "user", "content": unknown}]}, timeout=30)
    assert (answer.status_code, "file-abc" in answer.text) == (404, True)


def test_a_client_that_waits_to_be_asked_for_its_body(base: str) -> None:
    body = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
    head = f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {len(body)}\r\n\r\n"
    address = urlsplit(base)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert b"200 OK" in connection.recv(65_536)


def test_an_unknown_field_may_have_any_name() -> None:
    unknown = {"copy": 1, "json": "x", "parse": [2], "model_fields_set": {"a": 1}, "__dict__": 3}
    fields = {"messages": [{"role": "user", "content": "Why?"}], "seed": 4, "stream": False, **unknown}
    assert ChatBody.check(fields).to_request().options == {"seed": 4, **unknown}
