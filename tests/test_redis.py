"""Cache and limits in a real Redis: shared by services, and missed by nobody when it goes away."""

import subprocess
import time

import pytest
import redis
import requests
from conftest import needs
from support.serving import free_port, serving

from autopicker_lab import Settings, Workbench
from autopicker_lab.service import create_app
from autopicker_lab.settings import ModelConfig

QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def server(tmp_path):
    port = free_port()
    process = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    client = redis.Redis(port=port)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    client.close()
    yield process, f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(20)


@needs("redis-server")
def test_two_services_share_and_survive(server, fake_ollama, caplog):
    process, url = server
    model = ModelConfig(name="m", type="ollama", endpoint=fake_ollama[1], model="llama3.2")
    settings = Settings.load(models=(model,), enable_redis_cache=True, redis_url=url, rate_limit_requests=6)
    with (
        serving(create_app(Workbench(settings))) as one,
        serving(create_app(Workbench(settings))) as two,
    ):
        first = requests.post(f"{one}/api/v1/chat/completions", json=QUESTION, timeout=20)
        second = requests.post(f"{two}/api/v1/chat/completions", json=QUESTION, timeout=20)
        assert (first.headers["x-cache"], second.headers["x-cache"]) == ("MISS", "HIT")
        assert first.json() == second.json()
        assert len(fake_ollama[0].requests) == 1
        assert second.headers["x-ratelimit-remaining"] == "4"
        process.terminate()
        process.wait(20)
        for base in (one, two):
            assert requests.post(f"{base}/api/v1/chat/completions", json=QUESTION, timeout=20).status_code == 200
            assert requests.get(f"{base}/api/v1/files", timeout=20).status_code == 200
    assert "Redis does not answer" in caplog.text
