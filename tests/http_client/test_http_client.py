"""The HTTP client under the OpenAI provider, its reader of events, and the breaker: each by itself."""

import asyncio
import json
import ssl
import subprocess
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import needs
from hypothesis import given, settings
from hypothesis import strategies as st
from support.serving import free_port
from support.upstream import TEXT, upstream

from autopicker_lab.core import UpstreamError
from autopicker_lab.http_client import ConnectionBrokenError, EventReader, HttpClient
from autopicker_lab.http_client.connection import Connection, Timers

BODY = json.dumps({"messages": []}).encode()


def event(text: Any, finish: Any = None, **more: Any) -> Any:
    return {"id": "1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}], **more}


STREAM = (
    b": a comment\n\nevent: message\ndata: "
    + json.dumps(event("h\u00e9llo \u4e16\u754c \U0001f389 "), ensure_ascii=False).encode()
    + b"\n\ndata:"
    + json.dumps(event("data: [DONE] is only text")).encode()
    + b"\r\n\r\ndata: "
    + json.dumps(event("", "stop", usage={"prompt_tokens": 1, "completion_tokens": 2})).encode()
    + b"\n\ndata: [DONE]\n\n"
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
@settings(deadline=None)
def test_events_are_the_same_wherever_the_network_cuts_them(cuts: Any) -> None:
    reader = EventReader("m")
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [reader.feed(STREAM[a:b]) for a, b in pairwise(edges)]
    chunks = [chunk for chunk in (*chunks, reader.end()) if chunk is not None]
    assert "".join(chunk.content for chunk in chunks) == "héllo 世界 🎉 data: [DONE] is only text"
    assert (reader.done, reader.finish_reason) == (True, "stop")
    assert [c.usage.completion_tokens for c in chunks if c.usage] == [2]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b'data: {"error": {"message": "out of memory"}}\n\n', "out of memory"),
        (b'data: {"error": "plain words"}\n\n', "plain words"),
        (b"data: {half\n\n", "not a chunk"),
        (b"data: [1]\n\n", "not a chunk"),
        (b'data: {"choices": ["x"]}\n\n', "not a chunk"),
    ],
)
def test_what_came_before_a_bad_event_is_given_first(bad: bytes, says: str) -> None:
    reader = EventReader("m")
    first = reader.feed(b"data: " + json.dumps(event("kept")).encode() + b"\n\n" + bad)
    assert first.content == "kept"
    with pytest.raises(UpstreamError, match=says):
        reader.end()
    with pytest.raises(UpstreamError, match=says):
        EventReader("m").feed(bad)


def test_an_event_without_end_is_refused() -> None:
    reader = EventReader("m")
    reader.feed(b"x" * 4_000_000)
    with pytest.raises(UpstreamError, match="without end"):
        reader.feed(b"x" * 400_000)


async def ask(wire: Any, **options: Any) -> Any:
    answer = await wire.request("POST", "/chat/completions", BODY, **options)
    try:
        return answer.status, await answer.read()
    finally:
        answer.close()


async def test_connections_are_kept_and_broken_off() -> None:
    with upstream() as up:
        wire = HttpClient(up.url)
        for _ in range(5):
            status, data = await ask(wire)
            assert (status, json.loads(data)["choices"][0]["message"]["content"]) == (200, TEXT)
        assert len(wire._open) == 1
        await asyncio.gather(*(ask(wire) for _ in range(6)))
        assert len(wire._open) == len(wire._idle) <= 6
        up.delay_s = 5
        with pytest.raises(TimeoutError):
            await ask(wire, first_s=0.2)
        up.delay_s = 0
        up.fault = "cut"
        with pytest.raises(ConnectionBrokenError):
            await ask(wire)
        task = asyncio.create_task(ask(wire))
        up.fault, up.delay_s = "", 5
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait({task})
        wire.close()
        await asyncio.sleep(0.1)
        assert not wire._open
        assert not wire._timers._deadlines


async def test_a_total_limit_ends_what_goes_on_piece_by_piece() -> None:
    with upstream() as up:
        up.delay_s, up.pieces = 0.1, 100
        wire = HttpClient(up.url)
        body = json.dumps({"messages": [], "stream": True}).encode()
        answer = await wire.request("POST", "/chat/completions", body, idle_s=5, total_s=0.5)
        with pytest.raises(TimeoutError):
            await answer.read()
        answer.close()


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (2 * b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    ],
)
async def test_answers_of_other_servers(raw: bytes, body: bytes) -> None:
    async def serve(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        wire = HttpClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        assert (await ask(wire))[1] == body
        wire.close()


async def test_a_head_without_end_and_a_slow_reader() -> None:
    async def endless(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n" if big else b"HTTP/1.1 200 OK\r\n")
        try:
            for i in range(2000):
                writer.write(b"x" * 10_000 if big else f"X-{i}: {'y' * 90}\r\n".encode())
                await writer.drain()
                sent.append(i)
        except ConnectionError:
            pass
        finally:
            writer.close()

    sent: list[int] = []
    big = False
    async with await asyncio.start_server(endless, "127.0.0.1", 0) as server:
        wire = HttpClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(ConnectionBrokenError, match="no end"):
            await ask(wire)
        big = True
        sent.clear()
        answer = await wire.request("POST", "/", BODY)
        await asyncio.sleep(0.3)
        assert len(sent) < 1500  # it was asked to pause
        assert len(await answer.read()) == 20_000_000
        answer.close()
        wire.close()


async def test_a_large_answer_that_came_at_once_lets_its_server_go_on() -> None:
    asked: list[str] = []
    transport = SimpleNamespace(
        write=lambda data: asked.append("write"),
        pause_reading=lambda: asked.append("pause"),
        resume_reading=lambda: asked.append("resume"),
    )
    connection = Connection(asyncio.get_running_loop(), set(), Timers())
    connection.connection_made(transport)  # type: ignore[arg-type]
    connection.send(b"GET / HTTP/1.1\r\n\r\n", b"")
    assert connection.whole() is None
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n" + b"x" * 599_999)
    assert connection.whole() is None
    connection.data_received(b"y")
    assert connection.whole() == b"x" * 599_999 + b"y"
    assert asked == ["write", "pause", "resume"]
    assert connection.reusable()


@pytest.fixture
def certified(tmp_path: Path) -> Any:
    """A key and a certificate for localhost."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return key, certificate


@needs("openssl")
async def test_tls_is_checked(certified: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = certified

    async def serve(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure")
        await writer.drain()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(ssl.SSLCertVerificationError):
            await ask(HttpClient(url))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        wire = HttpClient(url)
        assert await ask(wire) == (200, b"secure")
        wire.close()
        await asyncio.sleep(0.05)


async def test_nobody_there_and_nonsense() -> None:
    with pytest.raises(OSError, match=r"Connect call failed|refused"):
        await ask(HttpClient(f"http://127.0.0.1:{free_port()}"))
    for url in ("ftp://x", "http://", "localhost:80"):
        with pytest.raises(ValueError, match="not an HTTP address"):
            HttpClient(url)
    with pytest.raises(ValueError, match="line break"):
        HttpClient("http://x", {"Authorization": "Bearer a\r\nX: y"})
