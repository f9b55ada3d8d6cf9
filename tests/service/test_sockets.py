"""What a WebSocket may hold, for how long, and what is written of it."""

import json
import logging
import select
import socket as sockets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket
from support.gateway import gateway, patient
from support.upstream import soon, upstream

from autopicker_lab.service import connections
from autopicker_lab.service.routes import socket_session as route
from autopicker_lab.storage import KeyFile

HELLO = [{"role": "user", "content": "Hello"}]
CHAT = {"type": "chat", "model": "m", "messages": HELLO}


def connect(base: str, query: str = "", **options: Any) -> Any:
    return websocket.create_connection(base.replace("http", "ws") + "/ws/chat" + query, timeout=20, **options)


def received(socket: Any, kind: str) -> Any:
    while True:
        message = json.loads(socket.recv())
        if message["type"] == kind:
            return message


def closing_code(socket: Any) -> int:
    """The code that the service closes a socket with; 0 where the connection broke."""
    try:
        while True:
            opcode, data = socket.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")
    except (websocket.WebSocketConnectionClosedException, ConnectionError):
        return 0


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_CHECK_S", 0.05)
    for name in ("HEAD_S", "PATIENCE_S", "UNREAD_S"):
        monkeypatch.setattr(connections, name, 0.5)
    monkeypatch.setattr(route, "AUTH_S", 0.5)
    monkeypatch.setattr(route, "IDLE_S", 0.5)


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Any]:
    """(base, key, its file) of a service that needs one."""
    file = KeyFile(tmp_path / "keys.json")
    secret, _ = file.create("app")
    with upstream() as up, gateway(patient(up), autopicker_home=tmp_path) as base:
        up.delay_s = 0.5
        up.pieces = 50
        yield base, secret, file


@pytest.mark.fault("a WebSocket that never sends a key where one is needed", "closed after 10 s with code 4401")
def test_a_socket_without_a_key_is_closed(hurried: None, keys: Any) -> None:
    base, secret, _ = keys
    silent, busy = connect(base), connect(base)
    busy.send(json.dumps({"type": "cancel"}))  # says something, but not who it is
    assert received(silent, "error")["status_code"] == 401
    assert [closing_code(silent), closing_code(busy)] == [4401, 4401]
    wrong = connect(base, "?api_key=wrong")
    assert received(wrong, "error")["status_code"] == 401
    assert closing_code(wrong) == 4401
    good = connect(base, f"?api_key={secret}")
    good.send(json.dumps({"type": "cancel"}))
    assert received(good, "cancelled")
    for socket in (silent, busy, wrong, good):
        socket.shutdown()


def test_an_idle_socket_is_closed_and_one_that_waits_for_its_answer_is_not(hurried: None) -> None:
    with upstream() as up, gateway(up) as base:
        up.delay_s, up.pieces = 0.3, 4
        idle, asking = connect(base), connect(base)
        asking.send(json.dumps(CHAT))
        assert closing_code(idle) == 1001
        assert received(asking, "done")
        assert closing_code(asking) == 1001
        idle.shutdown()
        asking.shutdown()


@pytest.mark.fault("a WebSocket that does not read its answer", "ended after 30 s, and so is the model's work")
def test_a_socket_that_does_not_read_is_ended(hurried: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "IDLE_S", 60.0)
    with upstream() as up, gateway(up) as base:
        raw = sockets.socket()
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", int(base.rpartition(":")[2])))
        socket = connect(base, socket=raw)
        assert soon(lambda: not _took(socket, {"type": "dance" * 15_000}), 30)  # answered with as long an error
        raw.close()


def _took(socket: Any, message: Any) -> bool:
    """Whether a socket is there still to take messages."""
    try:
        for _ in range(100):
            socket.send(json.dumps(message))
    except ConnectionError:
        return False
    return True


@pytest.mark.parametrize(
    "part",
    [b"\x81", b"\x81\xfe\xff\xff\0\0\0\0abc", b"\x01\x81\0\0\0\0a", b"\x01\x81\0\0\0\0a" + b"\0\x80\0\0\0\0" * 3],
)
def test_half_a_message_is_not_waited_for(hurried: None, monkeypatch: pytest.MonkeyPatch, part: bytes) -> None:
    monkeypatch.setattr(route, "IDLE_S", 60.0)
    with upstream() as up, gateway(up) as base:
        socket = connect(base)
        socket.sock.sendall(part)
        assert closing_code(socket) == 0
        socket.shutdown()


def test_a_message_in_countless_fragments_ends_the_socket() -> None:
    with upstream() as up, gateway(up) as base:
        socket = connect(base)
        socket.sock.sendall(b"\x01\x80\0\0\0\0" + b"\0\x80\0\0\0\0" * 40_000)
        assert closing_code(socket) == 1009
        socket.shutdown()


def test_many_messages_at_once_hold_nobody_up() -> None:
    with upstream() as up, gateway(up) as base, httpx.Client(base_url=base, timeout=20) as client:
        client.get("/health")
        socket = connect(base)
        socket.sock.sendall((b"\x81\x82\0\0\0\0" + b"{}") * 20_000)
        started_at = time.monotonic()
        assert client.get("/health").status_code == 200
        assert time.monotonic() - started_at < 2.0
        socket.sock.close()


def test_a_message_may_be_as_long_as_a_body() -> None:
    with upstream() as up, gateway(up, max_file_size=4 * 2**20) as base:
        text = "long " * 2**19  # 2.6 MB, past the megabyte of before
        socket = connect(base)
        socket.send(json.dumps({**CHAT, "messages": [{"role": "user", "content": text}]}))
        message = received(socket, "error")  # longer than the model reads, and not than a message may be
        assert (message["status_code"], "window" in message["detail"] or "token" in message["detail"]) == (400, True)
        socket.send("x" * (16 * 2**20 + 70_000))
        assert closing_code(socket) == 1009
        socket.shutdown()


def test_a_message_is_short_before_a_key_came(keys: Any) -> None:
    base, secret, _ = keys
    stranger, known = connect(base), connect(base, f"?api_key={secret}")
    for socket in (stranger, known):
        with suppress(ConnectionError):
            socket.send("x" * (2**20 + 1))
    assert closing_code(stranger) == 1009
    assert received(known, "error")["status_code"] == 400
    stranger.shutdown()
    known.shutdown()


def test_large_messages_on_their_way_give_way(hurried: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IDLE_S", "AUTH_S"):
        monkeypatch.setattr(route, name, 60.0)
    monkeypatch.setattr(connections, "PATIENCE_S", 60.0)
    monkeypatch.setattr(connections, "MAX_HELD", 3 * 2**20)
    with upstream() as up, gateway(up) as base:
        sockets_ = [connect(base) for _ in range(3)]
        for socket in sockets_:
            with suppress(ConnectionError):
                socket.sock.sendall(b"\x81\xff" + (3 * 2**20).to_bytes(8, "big") + b"\0" * 4 + b" " * (2 * 2**20))
        assert soon(lambda: sum(is_readable(socket.sock) for socket in sockets_) == 2)
        for socket in sockets_:
            socket.shutdown()


def is_readable(raw: sockets.socket) -> bool:
    return bool(select.select([raw], [], [], 0)[0])


@pytest.mark.fault("a key is revoked while it is answered", "its streams and sockets end within two seconds")
def test_a_revoked_key_ends_streams_and_sockets(keys: Any) -> None:
    base, secret, file = keys
    headers = {"X-API-Key": secret}
    idle, asking = connect(base, f"?api_key={secret}"), connect(base, header=[f"X-API-Key: {secret}"])
    asking.send(json.dumps(CHAT))
    assert received(asking, "content")
    body = {"model": "m", "messages": HELLO, "stream": True}
    with httpx.stream("POST", f"{base}/v1/chat/completions", json=body, headers=headers, timeout=20) as stream:
        lines = stream.iter_lines()
        next(lines)
        file.revoke("app")
        revoked_at = time.monotonic()
        rest = "\n".join(lines)
    assert '"error"' in rest
    assert "revoked" in rest
    assert "[DONE]" not in rest
    for socket in (idle, asking):
        assert received(socket, "error")["status_code"] == 401
        assert closing_code(socket) == 4401
        socket.shutdown()
    assert time.monotonic() - revoked_at < 4.0  # two, on a machine with nothing else to do


def test_a_whole_answer_for_a_revoked_key_is_401(keys: Any) -> None:
    base, secret, file = keys
    with httpx.Client(base_url=base, headers={"X-API-Key": secret}, timeout=20) as client:
        assert client.get("/v1/models").status_code == 200
        started_at = time.monotonic()
        file.create("other")
        file.revoke("app")
        answer = client.post("/v1/chat/completions", json={"model": "m", "messages": HELLO})
        assert answer.status_code == 401
        assert time.monotonic() - started_at < 10


def test_sockets_of_an_open_service_end_when_it_is_closed(tmp_path: Path) -> None:
    with upstream() as up, gateway(up, autopicker_home=tmp_path) as base:
        socket = connect(base)
        socket.send(json.dumps({"type": "cancel"}))
        received(socket, "cancelled")
        KeyFile(tmp_path / "keys.json").create("app")
        assert received(socket, "error")["status_code"] == 401
        assert closing_code(socket) == 4401
        socket.shutdown()


@pytest.mark.fault("a key in the address of a WebSocket", "it is in no log, at DEBUG neither")
def test_keys_are_in_no_log(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    secret = "very-secret-key"
    with caplog.at_level(logging.DEBUG):
        for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets", "asyncio", "autopicker_lab"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        with upstream() as up, gateway(up, api_key=secret) as base:
            socket = connect(base, f"?api_key={secret}")
            socket.send(json.dumps({"type": "auth", "api_key": secret}))
            assert received(socket, "authenticated")
            socket.send(json.dumps(CHAT))
            assert received(socket, "done")
            socket.shutdown()
            httpx.get(f"{base}/v1/models?api_key={secret}", headers={"X-API-Key": secret}, timeout=20)
            with pytest.raises(websocket.WebSocketBadStatusException):
                connect(base, f"?api_key={secret}", origin="http://evil.example")
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert not [message for message in ours if secret in message]
    assert secret not in capfd.readouterr().err
