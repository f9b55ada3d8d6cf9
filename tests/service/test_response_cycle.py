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
    """What is written for an answer without a body, whether it was ended, and its error."""
    written, ended, error = writes(kind, status, headers, [(b"", False)], method, keep_alive)
    return b"".join(written), ended, error


def writes(
    kind: type[RequestResponseCycle],
    status: int,
    headers: Any,
    pieces: list[tuple[bytes, bool]],
    method: str = "POST",
    keep_alive: bool = True,
    turn: bool = False,
) -> tuple[list[bytes], list[str], str]:
    """Each write for an answer of pieces (bytes, whether more follows), which come a `turn` of the loop later."""
    written: list[bytes] = []
    ended: list[str] = []
    cycle = kind(
        scope={"method": method},  # type: ignore[typeddict-item]
        transport=SimpleNamespace(write=written.append, close=lambda: ended.append("closed")),  # type: ignore[arg-type]
        flow=SimpleNamespace(write_paused=False),  # type: ignore[arg-type]
        logger=None,  # type: ignore[arg-type]
        access_logger=None,  # type: ignore[arg-type]
        access_log=False,
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: ended.append("done"),
    )

    async def answer() -> None:
        if isinstance(cycle, ResponseCycle):
            cycle.loop = asyncio.get_running_loop()
        await cycle.send({"type": "http.response.start", "status": status, "headers": headers})
        if turn:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        for body, more in pieces:
            await cycle.send({"type": "http.response.body", "body": body, "more_body": more})
        assert cycle.response_complete

    try:
        asyncio.run(answer())
    except RuntimeError as error:
        return written, ended, str(error)
    return written, ended, ""


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


LENGTH = [(b"content-type", b"text/plain"), (b"content-length", b"10")]
BODIES = [
    ([], [(b"one", True), (b"two", True), (b"", False)]),
    ([], [(b"all", False)]),
    ([], [(b"", True), (b"late", False)]),
    (LENGTH, [(b"0123456789", False)]),
    (LENGTH, [(b"01234", True), (b"56789", False)]),
    (LENGTH, [(b"0123456789", True), (b"", False)]),
    (LENGTH, [(b"too short", False)]),
    (LENGTH, [(b"much too long", False)]),
    ([(b"content-length", b"200000")], [(b"x" * 200_000, False)]),
]


@pytest.mark.parametrize("turn", [False, True])
@pytest.mark.parametrize(("headers", "pieces"), BODIES)
def test_an_answer_is_sent_as_uvicorn_sends_it(headers: Any, pieces: list[tuple[bytes, bool]], turn: bool) -> None:
    for method in ("GET", "HEAD"):
        ours = writes(ResponseCycle, 200, headers, pieces, method, turn=turn)
        theirs = writes(RequestResponseCycle, 200, headers, pieces, method)
        assert (b"".join(ours[0]), *ours[1:]) == (b"".join(theirs[0]), *theirs[1:])


def test_a_head_goes_out_with_what_follows_at_once() -> None:
    assert len(writes(ResponseCycle, 200, LENGTH, [(b"0123456789", False)])[0]) == 1
    assert len(writes(ResponseCycle, 200, [], [(b"one", True), (b"", False)])[0]) == 2


def test_a_head_does_not_wait_for_a_body_that_is_late() -> None:
    written, _, _ = writes(ResponseCycle, 200, LENGTH, [(b"0123456789", False)], turn=True)
    assert [len(data) > 10 for data in written] == [True, False]
