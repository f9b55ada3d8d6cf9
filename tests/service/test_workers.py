"""Several processes, and uploads elsewhere: what is shared is shared through storage and Redis alone."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from conftest import needs
from support.redis_server import redis_server
from support.serving import free_port
from support.upstream import soon, upstream

from autopicker_lab.core import UnknownFileError
from autopicker_lab.extraction import open_source
from autopicker_lab.storage import FileStore

pytestmark = pytest.mark.slow

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(name="redis_server")
def running_redis(tmp_path: Path) -> Iterator[Any]:
    with redis_server(tmp_path) as server:
        yield server


def _listens(port: Any) -> Any:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@needs("redis-server")
def test_two_workers_share_cache_limits_and_uploads_and_outlive_redis(tmp_path: Path, redis_server: Any) -> None:
    url, start, stop = redis_server
    with upstream() as up:
        config = tmp_path / "models.json"
        config.write_text(json.dumps({"models": [{"name": "m", "type": "openai", "endpoint": up.url}]}))
        port = free_port()
        settings = {
            "AUTOPICKER_CONFIG": str(config),
            "AUTOPICKER_HOME": str(tmp_path / "home"),
            "ENABLE_REDIS_CACHE": "true",
            "REDIS_URL": url,
            "RATE_LIMIT_REQUESTS": "600",
            "DECISION_LOG": str(tmp_path / "log.sqlite"),
        }
        command = [sys.executable, "-m", "autopicker_lab.service", "--port", str(port), "--workers", "2"]
        log = (tmp_path / "service.log").open("w")
        process = subprocess.Popen(command, env={**os.environ, **settings}, stderr=log)
        base = f"http://127.0.0.1:{port}"
        try:
            assert soon(lambda: _listens(port) and _healthy(base), 120)
            assert len(psutil.Process(process.pid).children()) >= 2
            answers = [_fresh("POST", f"{base}/v1/chat/completions", json={"messages": HELLO}) for _ in range(12)]
            assert {a.status_code for a in answers} == {200}
            assert [a.headers["x-cache"] for a in answers].count("MISS") == 1 == len(up.bodies)
            assert answers[-1].headers["x-ratelimit-remaining"] == "588"  # counted together
            file = _fresh("POST", f"{base}/v1/upload", files={"file": ("a.txt", b"shared text")}).json()
            for _ in range(6):
                assert _fresh("GET", f"{base}/v1/files/{file['id']}").status_code == 200
            for answer in answers[:1]:
                feedback = {"request_id": answer.json()["id"], "score": 1}
                for _ in range(4):  # whichever worker is asked
                    assert _fresh("POST", f"{base}/v1/feedback", json=feedback).status_code == 200

            stop()
            statuses = [
                _fresh("POST", f"{base}/v1/chat/completions", json={"messages": HELLO}).status_code for _ in range(8)
            ]
            assert set(statuses) == {200}
            start()
            assert soon(lambda: _shared_again(base), 60)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            log.close()
    logged = (tmp_path / "service.log").read_text()
    assert 1 <= logged.count("caching in this process until") <= 2  # once a worker
    assert 1 <= logged.count("counting requests in this process until") <= 2


def _fresh(method: Any, url: Any, **options: Any) -> Any:
    """A request on a connection of its own, so that either worker may take it."""
    return httpx.request(method, url, timeout=30, **options)


def _healthy(base: Any) -> Any:
    try:
        return httpx.get(f"{base}/health").status_code == 200
    except httpx.TransportError:
        return False


def _shared_again(base: Any) -> Any:
    """Whether what one worker remembers, both do."""
    body = {"messages": [{"role": "user", "content": f"Hello at {time.time()}"}]}
    statuses = [_fresh("POST", f"{base}/v1/chat/completions", json=body).headers.get("x-cache") for _ in range(5)]
    time.sleep(0.5)
    return statuses == ["MISS", "HIT", "HIT", "HIT", "HIT"]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket on moto's server, which speaks S3 over HTTP."""
    pytest.importorskip("s3fs")
    from moto.server import ThreadedMotoServer

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    httpx.put(f"http://{host}:{port}/uploads")
    yield "s3://uploads/lab"
    server.stop()


@pytest.mark.filterwarnings("default")  # botocore's own
def test_uploads_on_s3(s3: Any) -> None:
    one, two = FileStore(s3), FileStore(s3)
    first = one.put(open_source(b"the same text", "a.txt"))
    second = two.put(open_source(b"the same text", "b.txt"))
    assert two.open(first.id).data == b"the same text"
    assert {record.id for record in one.list()} == {first.id, second.id}
    one.delete(first.id)
    assert one.open(second.id).data == b"the same text"
    with pytest.raises(UnknownFileError):
        two.get(first.id)
    two.delete(second.id)
    assert one.list() == []


@pytest.mark.parametrize("where", ["file", "memory"])
def test_deleted_and_sent_again_at_once_is_never_lost(tmp_path: Path, where: str) -> None:
    """Two workers: one forgets the last upload of some bytes while the other is sent the same bytes."""
    url = f"file://{tmp_path}/up" if where == "file" else f"memory://{tmp_path.name}"
    one, two = FileStore(url), FileStore(url)
    source = open_source(b"the same bytes", "a.txt")
    for _ in range(60):
        old = one.put(source)
        records = []
        sender = threading.Thread(target=lambda: records.append(two.put(source)))  # noqa: B023  # it ends before the next
        sender.start()
        one.delete(old.id)
        sender.join()
        assert two.open(records[0].id).data == b"the same bytes"
        two.delete(records[0].id)
