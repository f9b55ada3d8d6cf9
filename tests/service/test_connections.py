"""What a connection may do before its request is whole, and with answers that it does not read."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import httpx
import pytest
from support.gateway import gateway, patient
from support.upstream import TEXT, soon, upstream

from autopicker_lab.service import connections

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def base() -> Iterator[Any]:
    with upstream() as up, gateway(up) as address:
        yield address


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds in tenths of a second, so that a test need not wait."""
    monkeypatch.setattr(connections, "_CHECK_S", 0.05)
    for name, seconds in (("HEAD_S", 0.3), ("PATIENCE_S", 0.6), ("UNREAD_S", 0.6), ("KEEP_ALIVE_S", 0.4)):
        monkeypatch.setattr(connections, name, seconds)


@pytest.fixture
def hasty(hurried: None) -> Iterator[Any]:
    with upstream() as up, gateway(up) as address:
        yield address


def connect(base: str) -> socket.socket:
    host, port = base.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def read_all(connection: socket.socket) -> bytes:
    """What the service sends until it closes."""
    parts = []
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def sent(base: str, *parts: bytes) -> bytes:
    with closing(connect(base)) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                connection.sendall(part)
        return read_all(connection)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(65536) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@pytest.mark.fault("headers over 64 kB or over 100 of them", "431 before they are whole, and the connection ends")
@pytest.mark.parametrize(
    "parts",
    [
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ", *[b"a" * 2**16] * 300),
        (b"GET /", *[b"a" * 2**16] * 300),
        (b"GET /health HTTP/1.1\r\n", *[b"X: %s\r\n" % (b"a" * 1000)] * 500),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 101 + b"\r\n",),
        (HEAD + b"Content-Length: 70000\r\nX: " + b"a" * 66000 + b"\r\n\r\n" + b"a" * 70000,),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", *[b"a" * 2**16] * 300),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", *[b"a" * 2**16] * 300),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", *[b"X: %s\r\n" % (b"a" * 1000)] * 500),
        tuple([b"\r\n" * 2**15] * 20),
    ],
    ids=[
        "a header",
        "a request line",
        "long headers",
        "many headers",
        "body beside",
        "extension",
        "trailer",
        "trailers",
        "lines",
    ],
)
def test_long_heads_are_refused(base: str, parts: tuple[bytes, ...]) -> None:
    answer = sent(base, *parts)
    assert status_of(answer) == 431
    assert b"x-request-id: " in answer
    assert "headers" in json.loads(answer.split(b"\r\n\r\n")[1])["detail"]


def test_a_large_header_holds_nobody_up(base: str) -> None:
    slowest = 0.0
    with closing(connect(base)) as connection:
        sender = threading.Thread(target=lambda: sent(base, b"GET / HTTP/1.1\r\nX: ", *[b"a" * 2**20] * 100))
        sender.start()
        while sender.is_alive():
            started_at = time.monotonic()
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert status_of(connection.recv(65536)) == 200
            slowest = max(slowest, time.monotonic() - started_at)
    assert slowest < 1.0  # fifteen seconds before


@pytest.mark.fault("a request line, headers or a body that never end", "400 within 20 s, and the connection ends")
@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"G",
        b"\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a",
        HEAD + b"Content-Length: 100\r\n\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
        b"GET /ws/chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\nX: a",
    ],
    ids=["nothing", "a letter", "an empty line", "a head", "a body", "chunks", "an answered body", "a handshake"],
)
def test_half_a_request_is_not_waited_for(hasty: str, part: bytes) -> None:
    answer = sent(hasty, part)
    if part.startswith(HEAD):
        assert status_of(answer) == 400
        assert b"did not come in time" in answer


@pytest.mark.parametrize("lead", [b"GET /health HTTP/1.1\r\nX: ", HEAD + b"Content-Length: 10000\r\n\r\n", b""])
def test_a_request_in_drops_is_not_waited_for(hasty: str, lead: bytes) -> None:
    with closing(connect(hasty)) as connection:
        connection.sendall(lead)
        started_at = time.monotonic()
        with suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() - started_at < 20:
                connection.sendall(b"\r\n" if not lead else b"a")
                time.sleep(0.05)
        assert time.monotonic() - started_at < 15


def test_a_slow_body_above_the_least_rate_is_taken(hasty: str) -> None:
    body = json.dumps(CHAT).encode() + b" " * 10_000
    with closing(connect(hasty)) as connection:
        connection.sendall(HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 500):
            connection.sendall(body[start : start + 500])
            time.sleep(0.08)  # 6 kB a second, for 1.6 seconds
        assert status_of(read_all(connection)) == 200


def test_idle_connections_end(hasty: str) -> None:
    for part in (b"", b"\r\n"):
        with closing(connect(hasty)) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert status_of(connection.recv(65536)) == 200
            connection.sendall(part)
            assert read_all(connection) == b""


@pytest.mark.fault("bodies that never end, on as many requests as may run", "others are answered: they hold no place")
def test_half_sent_bodies_hold_no_place() -> None:
    with upstream() as up, gateway(up, max_concurrency=2) as base:
        held = [connect(base) for _ in range(20)]
        for connection in held:
            connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        assert httpx.post(f"{base}/v1/chat/completions", json=CHAT, timeout=20).status_code == 200
        assert httpx.get(f"{base}/v1/models", timeout=20).status_code == 200
        close(held)


def test_bodies_that_arrive_are_refused_where_no_place_is_left() -> None:
    with upstream() as up, gateway(patient(up), max_concurrency=1) as base:
        up.delay_s = 0.5
        with httpx.stream("POST", f"{base}/v1/chat/completions", json={**CHAT, "stream": True}, timeout=20) as first:
            pieces = first.iter_bytes()
            next(pieces)
            for body in (b'{"score": 1}', iter([b"{", b"}"])):
                answer = httpx.post(f"{base}/v1/feedback", content=body, timeout=20)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            upload = httpx.post(f"{base}/v1/upload", files={"file": b"text"}, timeout=20)
            assert upload.status_code == 503


@pytest.mark.fault(
    "one address opens thousands of connections", "each past MAX_CONNECTIONS takes the place of an idle one"
)
@pytest.mark.parametrize("part", [b"GET /health HTTP/1.1\r\nX: ", HEAD + b"Content-Length: 100\r\n\r\n{", b""])
def test_an_address_has_so_many_connections(part: bytes) -> None:
    with upstream() as up, gateway(up, max_connections=8) as base:
        held = [connect(base) for _ in range(30)]
        for connection in held:
            with suppress(OSError):
                connection.sendall(part)
        time.sleep(0.3)  # all of it has come
        assert httpx.get(f"{base}/health", timeout=20).status_code == 200
        assert soon(lambda: sum(is_closed(connection) for connection in held) >= 22)
        close(held)


def test_connections_with_an_answer_under_way_keep_their_place() -> None:
    with upstream() as up, gateway(patient(up), max_connections=2) as base:
        up.delay_s = 0.5
        streams = [connect(base) for _ in range(2)]
        body = json.dumps({**CHAT, "stream": True}).encode()
        for stream in streams:
            stream.sendall(HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert status_of(stream.recv(15)) == 200
        refused = sent(base, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (status_of(refused), b"retry-after: 1\r\n" in refused) == (503, True)
        assert all(b"[DONE]" in read_all(stream) for stream in streams)
        close(streams)


def test_a_trusted_proxy_has_any_number_of_connections() -> None:
    with upstream() as up, gateway(up, max_connections=2, trusted_proxies="127.0.0.0/8") as base:
        held = [connect(base) for _ in range(10)]
        time.sleep(0.2)
        assert not any(is_closed(connection) for connection in held)
        close(held)


@pytest.mark.fault("a client never reads its answer", "the connection breaks after 30 s")
def test_answers_that_nobody_reads_end(hasty: str) -> None:
    with closing(connect(hasty)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        with suppress(BlockingIOError, OSError):
            for _ in range(3000):
                connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.setblocking(True)
        time.sleep(2.5)
        assert soon(lambda: _breaks(connection))


def _breaks(connection: socket.socket) -> bool:
    """Whether the other end has gone, without reading what it sent."""
    try:
        connection.send(b"G")
    except OSError:
        return True
    return False


def test_a_slow_reader_above_the_least_rate_gets_all(hasty: str) -> None:
    with closing(connect(hasty)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        parts = []
        while part := connection.recv(2000):
            parts.append(part)
            time.sleep(0.02)
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    assert int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]) == len(body)


def test_pipelined_requests_are_answered_up_to_a_number(base: str) -> None:
    one = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with closing(connect(base)) as connection:
        connection.sendall(one * 10)
        answers = b""
        while answers.count(b"HTTP/1.1 200") < 10:
            answers += connection.recv(65536)
    flood = sent(base, one * 5000)
    assert 10 < flood.count(b"HTTP/1.1 200") < 30
    assert flood.count(b"connection: close") == 1


def test_who_leaves_with_requests_ahead_cancels_the_one_that_runs() -> None:
    with upstream() as up, gateway(patient(up)) as base:
        up.delay_s = 0.5
        body = json.dumps({**CHAT, "stream": True}).encode()
        request = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
        with closing(connect(base)) as connection:
            connection.sendall(request * 3)
            assert status_of(connection.recv(15)) == 200
        assert soon(lambda: up.running == 0 and len(up.bodies) == 1, 3)


@pytest.mark.fault("bytes after a request that are none themselves", "its answer comes whole, then the connection ends")
def test_nonsense_after_a_request_does_not_get_into_its_answer(base: str) -> None:
    body = json.dumps({**CHAT, "stream": True}).encode()
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    answer = sent(base, request + b"\0nonsense\r\n\r\n" * 9)  # at once: later it would be refused by itself
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.rstrip().endswith(b"data: [DONE]\n\n\r\n0".rstrip()) or b"[DONE]" in answer


@pytest.mark.fault("a client offers HTTP/2 by `Upgrade: h2c`", "its request is answered over HTTP/1.1, body and all")
@pytest.mark.parametrize("framing", ["length", "chunked", "apart"])
def test_offers_of_other_protocols_are_declined(base: str, framing: str) -> None:
    body = json.dumps(CHAT).encode()
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
    if framing == "chunked":
        rest = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    else:
        rest = b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    last = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    parts = [HEAD + upgrade + rest] if framing != "apart" else [HEAD + upgrade, rest[:-5], rest[-5:]]
    with closing(connect(base)) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.05)
        first = connection.recv(65536)
        assert (status_of(first), TEXT.encode() in first) == (200, True)
        connection.sendall(last)
        assert TEXT.encode() in read_all(connection)


@pytest.mark.parametrize(
    "request_head",
    [
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Length: -2\r\n\r\n{}",
        HEAD + b"Content-Length: +2\r\n\r\n{}",
        HEAD + b"Content-Length: 99999999999999999999999999\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: identity\r\n\r\n{}",
        HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET /v1/models\r\n\r\n",
        b"GET /v1/models HTTP/0.9\r\n\r\n",
        b"GET /v1/models HTTP/2.0\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_could_be_read_in_two_ways_is_400(
    base: str, request_head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = sent(base, request_head)
    assert (status_of(answer), answer.count(b"HTTP/1.1 4")) == (400, 1)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(("method", "extra", "status"), [(b"POST", 1, 405), (b"GET", 20_000, 431)])
def test_handshakes_that_are_none(
    base: str, caplog: pytest.LogCaptureFixture, method: bytes, extra: int, status: int
) -> None:
    lines = b" /ws/chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\nX: "
    assert status_of(sent(base, method + lines + b"a" * extra + b"\r\n\r\n")) == status
    assert "Traceback" not in caplog.text


def test_trailers_are_no_headers(base: str) -> None:
    body = json.dumps(CHAT).encode()
    chunks = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nX-Request-ID: forged\r\n\r\n" % (len(body), body)
    answer = sent(base, HEAD + b"Connection: close\r\n" + chunks)
    assert (status_of(answer), b"forged" in answer) == (200, False)


@pytest.mark.fault("large bodies on their way take the memory", "from 1 GB on the largest are 503")
def test_large_bodies_on_their_way_give_way(hurried: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE_S", 60.0)
    monkeypatch.setattr(connections, "MAX_HELD", 3 * 2**20)
    with upstream() as up, gateway(up) as base:
        held = [connect(base) for _ in range(3)]
        for number, connection in enumerate(held):
            connection.sendall(HEAD + b"Content-Length: 9000000\r\n\r\n" + b" " * ((4 - number) * 2**19))
        assert status_of(read_all(held[0])) == 503
        assert httpx.post(f"{base}/v1/chat/completions", json=CHAT, timeout=20).status_code == 200
        assert not any(is_closed(connection) for connection in held[1:])
        close(held)


def test_bodies_in_tiny_chunks_end(base: str) -> None:
    answer = sent(base, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n{\r\n" * 50_000)
    assert status_of(answer) == 400
    assert b"small chunks" in answer


@pytest.mark.fault("a request is answered before its body is whole, and the connection is to end", "the answer arrives")
def test_an_answer_before_the_end_of_a_body_arrives(base: str) -> None:
    """A connection that is closed at once is reset by what still comes, and the answer with it."""
    head = b"POST /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3000000\r\n\r\n"
    with connect(base) as connection:
        connection.sendall(head + bytes(50_000))
        time.sleep(0.3)  # it is answered: the method is not one of /health
        for _ in range(20):
            connection.sendall(bytes(50_000))
            time.sleep(0.01)
        answer = read_all(connection)
    assert status_of(answer) == 405
    assert b"Method not allowed" in answer
