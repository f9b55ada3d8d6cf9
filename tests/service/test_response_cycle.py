"""Heads of answers: the same bytes as uvicorn's, and refused where uvicorn refuses them."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from autopicker_lab.service.response_cycle import ResponseCycle

HEADERS: list[list[tuple[bytes, bytes]]] = [
    [],
    [(b"content-type", b"application/json"), (b"content-length", b"0")],
    [(b"content-type", b"text/event-stream")],
    [(b"Content-Length", b"0"), (b"X-Up", b"a\tb \xff")],
    [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")],
    [(b"connection", b"close")],
    [(b"transfer-encoding", b"chunked")],
    [(b"x-empty", b"")],
    [(b"x", b"a\r\nset-cookie: b=1")],
    [(b"x", b"a\r"), (b"y", b"\nb")],
    [(b"x y", b"a")],
    [(b"x:", b"a")],
    [(b"x", b"a\x00")],
]


def answered(kind: type[RequestResponseCycle], status: int, headers: Any, method: str, keep_alive: bool) -> Any:
    """What is written for an answer without a body, and its error."""
    written: list[bytes] = []
    cycle = kind(
        scope={"method": method},  # type: ignore[typeddict-item]
        transport=SimpleNamespace(write=written.append, close=lambda: written.append(b"closed")),  # type: ignore[arg-type]
        flow=SimpleNamespace(write_paused=False),  # type: ignore[arg-type]
        logger=None,  # type: ignore[arg-type]
        access_logger=None,  # type: ignore[arg-type]
        access_log=False,
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: written.append(b"done"),
    )

    async def answer() -> None:
        await cycle.send({"type": "http.response.start", "status": status, "headers": headers})
        await cycle.send({"type": "http.response.body", "body": b""})

    try:
        asyncio.run(answer())
    except RuntimeError as error:
        return written, str(error)
    return written, ""


@pytest.mark.parametrize("headers", HEADERS)
def test_a_head_is_sent_or_refused_as_uvicorn_does(headers: list[tuple[bytes, bytes]]) -> None:
    for status in (200, 204, 304, 503):
        for method in ("POST", "HEAD"):
            for keep_alive in (True, False):
                case = (status, headers, method, keep_alive)
                assert answered(ResponseCycle, *case) == answered(RequestResponseCycle, *case)


def test_an_everyday_head_is_made_at_once() -> None:
    cycle: Any = object.__new__(ResponseCycle)
    cycle.__dict__ |= {"default_headers": [(b"date", b"today")], "keep_alive": True, "scope": {"method": "POST"}}
    assert cycle._head({"status": 200, "headers": HEADERS[1]}).startswith(b"HTTP/1.1 200 OK\r\ndate: today\r\n")
