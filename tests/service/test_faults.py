"""What a client of the service sees when an upstream or a client misbehaves: each fault, whole and streamed."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.gateway import gateway, model
from support.serving import free_port
from support.upstream import TEXT, FaultyUpstream, soon, upstream

from autopicker_lab.http_client import KEEP_S
from autopicker_lab.runtime.circuit_breaker import BreakerPolicy
from autopicker_lab.settings import ModelConfig

HELLO = [{"role": "user", "content": "Hello"}]
PATH = "/v1/chat/completions"


@pytest.fixture(scope="module")
def faulty() -> Iterator[Any]:
    with upstream() as up:
        yield up


@pytest.fixture(scope="module")
def base(faulty: Any) -> Iterator[Any]:
    with gateway(model(faulty.url)) as address:
        yield address


@pytest.fixture(autouse=True)
def well_again(faulty: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = BreakerPolicy(1000, 5.0, 60.0)  # a breaker that opens is tested below
    monkeypatch.setattr("autopicker_lab.models.catalogue.BREAKER_POLICY", patient)
    fresh = FaultyUpstream()
    faulty.fault, faulty.delay_s, faulty.pieces = fresh.fault, fresh.delay_s, fresh.pieces
    faulty.bodies.clear()
    faulty.dropped = 0


def ask(base: Any, stream: bool = False, **fields: Any) -> Any:
    body = {"messages": HELLO, "model": "m", "stream": stream, **fields}
    return httpx.post(base + PATH, json=body, timeout=30)


def events(answer: Any) -> Any:
    lines = [line[6:] for line in answer.text.split("\n") if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def text_of(answer: Any) -> Any:
    return "".join(e["choices"][0]["delta"].get("content") or "" for e in events(answer) if e.get("choices"))


@pytest.mark.parametrize(
    ("fault", "status", "says", "tries", "seconds"),
    [
        ("reset", 502, "broke", 3, 1),
        ("hang before", 504, "did not answer in time", 1, 2),
        ("hang after", 504, "did not answer in time", 1, 2),
        ("429", 429, "over its rate limit", 1, 1),
        ("500", 502, "boom", 3, 1),
        ("invalid json", 502, "did not answer with JSON", 1, 1),
        ("wrong type", 502, "did not answer with JSON", 1, 1),
        ("not http", 502, "not an HTTP answer", 3, 1),
        ("cut", 502, "broke", 1, 1),
    ],
)
def test_a_whole_answer(
    base: Any,
    faulty: Any,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    status: int,
    says: str,
    tries: int,
    seconds: int,
) -> None:
    faulty.fault = fault
    started_at = time.monotonic()
    answer = ask(base)
    assert time.monotonic() - started_at < seconds
    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]
    assert len(faulty.bodies) == tries
    assert (answer.headers.get("retry-after") == "7") == (fault == "429")
    assert soon(lambda: faulty.running == 0)
    assert "'m'" in caplog.text
    assert "boom" not in caplog.text  # an upstream's words may quote the question


@pytest.mark.parametrize(
    ("fault", "status", "says", "tries"),
    [
        ("reset", 502, "broke", 3),
        ("hang before", 504, "did not answer in time", 1),
        ("hang after", 504, "did not answer in time", 1),
        ("429", 429, "over its rate limit", 1),
        ("500", 502, "boom", 3),
        ("invalid json", 502, "not server-sent events", 1),
        ("wrong type", 502, "not server-sent events", 1),
    ],
)
def test_a_stream_that_does_not_begin_has_its_own_status(
    base: Any, faulty: Any, fault: str, status: int, says: str, tries: int
) -> None:
    faulty.fault = fault
    answer = ask(base, stream=True)
    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]
    assert len(faulty.bodies) == tries
    assert soon(lambda: faulty.running == 0)


@pytest.mark.fault("a stream breaks after its first piece", "an `error` event, never `[DONE]`")
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("cut", "broke"),
        ("clean cut", "cut its answer short"),
        ("mid-stream error", "the GPU fell over"),
        ("mid-stream nonsense", "not a chunk"),
    ],
)
def test_a_stream_that_breaks_ends_in_an_error_and_never_in_done(base: Any, faulty: Any, fault: str, says: str) -> None:
    faulty.fault = fault
    faulty.delay_s = 0.02
    answer = ask(base, stream=True)
    assert answer.status_code == 200
    assert text_of(answer).startswith("héllo 世界")
    last = events(answer)[-1]
    assert says in last["error"]["message"]
    assert last["status_code"] == 502
    assert "[DONE]" not in answer.text
    assert 'finish_reason":"' not in answer.text
    assert len(faulty.bodies) == 1  # what was said cannot be taken back


@pytest.mark.parametrize("fault", ["", "500 once", "drip", "no done"])
@pytest.mark.parametrize("stream", [False, True])
def test_what_can_be_put_right_is(base: Any, faulty: Any, fault: str, stream: bool) -> None:
    faulty.fault = fault
    answer = ask(base, stream=stream, stream_options={"include_usage": True})
    assert answer.status_code == 200
    assert (text_of(answer) if stream else answer.json()["choices"][0]["message"]["content"]) == TEXT
    assert not stream or answer.text.endswith("data: [DONE]\n\n")


def test_what_the_upstream_says_beside_the_text_is_passed_on(base: Any, faulty: Any) -> None:
    whole = ask(base, logprobs=True, chat_template_kwargs={"a": 1}, n_predict=3).json()
    assert whole["system_fingerprint"] == "fp_1"
    assert whole["choices"][0]["logprobs"] == {"content": []}
    assert (
        whole["usage"]
        == {
            "prompt_tokens": 3,
            "completion_tokens": 5,
            "total_tokens": 8,
            "extra_detail": 1,
            "prompt_tokens_details": {"cached_tokens": 0},
        }
        or whole["usage"]["extra_detail"] == 1
    )
    assert (whole["model"], whole["id"][:9]) == ("m", "chatcmpl-")
    assert faulty.bodies[0]["chat_template_kwargs"] == {"a": 1}
    assert "n_predict" not in faulty.bodies[0]  # it would override max_tokens
    assert "was not sent n_predict" in whole["routing"]["warnings"][0]
    streamed = events(ask(base, stream=True, stream_options={"include_usage": True}))
    assert {(e["model"], e["id"]) for e in streamed} == {("m", streamed[0]["id"])}
    assert streamed[-1]["usage"]["total_tokens"] == 8
    assert faulty.bodies[1]["stream_options"] == {"include_usage": True}
    assert "usage" not in events(ask(base, stream=True))[-1]


def test_a_refused_connection_is_said_at_once() -> None:
    with gateway(model(f"http://127.0.0.1:{free_port()}/v1")) as base:
        started_at = time.monotonic()
        answer = ask(base)
        assert answer.status_code == 503
        assert "does not answer" in answer.json()["error"]["message"]
        assert time.monotonic() - started_at < 1


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
def test_the_next_model_of_the_route_stands_in(faulty: Any, stream: bool) -> None:
    with upstream() as well:
        strong = ModelConfig(name="strong", type="openai", endpoint=faulty.url, quality=0.9, timeout_s=1)
        weak = ModelConfig(name="weak", type="openai", endpoint=well.url, quality=0.1)
        with gateway(strong, weak) as base:
            hard = [{"role": "user", "content": "Prove the theorem step by step, then derive the equation. " * 60}]
            for fault in ("500", "reset", "hang before", "429"):
                faulty.fault = fault
                answer = ask(base, stream, model="auto", messages=hard)
                assert answer.status_code == 200
                first = events(answer)[0] if stream else answer.json()
                assert (first["routing"]["selected_model"], first["routing"]["fallback_used"]) == ("weak", True)


def test_a_model_that_goes_on_failing_rests(faulty: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.models.catalogue.BREAKER_POLICY", BreakerPolicy(3, 0.5, 60.0, 0.2))
    with gateway(model(faulty.url)) as base:
        faulty.fault = "500"
        assert ask(base).status_code == 502
        count = len(faulty.bodies)
        started_at = time.monotonic()
        resting = ask(base)
        assert (resting.status_code, len(faulty.bodies)) == (503, count)
        assert int(resting.headers["retry-after"]) >= 1
        assert "rests" in resting.json()["error"]["message"]
        assert time.monotonic() - started_at < 0.2
        faulty.fault = ""
        assert soon(lambda: ask(base).status_code == 200)
        assert ask(base).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_cancels_the_upstream(base: Any, faulty: Any, stream: bool) -> None:
    faulty.delay_s = 0.05 if stream else 30
    faulty.pieces = 400
    request = {"messages": HELLO, "model": "m", "stream": stream}
    with suppress(httpx.TimeoutException), httpx.stream("POST", base + PATH, json=request, timeout=0.5) as answer:
        next(answer.iter_bytes())
    assert soon(lambda: faulty.dropped == 1)  # long before the answer would be whole
    assert soon(lambda: "autopicker_requests_running 1.0" in httpx.get(f"{base}/metrics").text)  # this one


@pytest.mark.parametrize("depth", [200, 400, 900])
@pytest.mark.parametrize("cache", [0, 60])
def test_deeply_nested_fields_are_no_failure_of_ours(faulty: Any, depth: int, cache: int) -> None:
    with gateway(faulty, cache_ttl=cache) as base:
        body = '{"messages": [{"role": "user", "content": "x"}], "metadata": ' + "[" * depth + "]" * depth + "}"
        answer = httpx.post(base + PATH, content=body, timeout=20)
        assert answer.status_code == (200 if depth == 200 else 400)


@pytest.mark.slow
def test_one_model_that_cannot_be_asked_leaves_the_others_alone(faulty: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = model(faulty.url.replace("http", "https"))
    with gateway(broken, ModelConfig(name="well", type="openai", endpoint=faulty.url)) as base:
        assert ask(base, model="well").status_code == 200
        assert ask(base, model="auto").json()["model"] == "well"


def test_other_people_s_pages_may_not_ask(base: Any) -> None:
    headers = {"origin": "https://evil.example", "content-type": "text/plain"}
    answer = httpx.post(base + PATH, content=json.dumps({"messages": HELLO}), headers=headers)
    assert (answer.status_code, "ALLOWED_ORIGINS" in answer.text) == (401, True)
    assert httpx.post(base + PATH, json={"messages": HELLO}, headers={"origin": base}).status_code == 200


def test_a_client_that_leaves_in_an_upload_leaves_nothing_behind(base: Any) -> None:
    before = httpx.get(f"{base}/v1/files").json()["count"]
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as sock:
        head = "POST /v1/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        sock.sendall((head + "Content-Length: 100000\r\n\r\n--b\r\n").encode() + b"x" * 1000)
    time.sleep(0.2)
    assert httpx.get(f"{base}/v1/files").json()["count"] == before
    assert httpx.get(f"{base}/health").status_code == 200


@pytest.mark.slow
def test_a_long_first_token_is_waited_for_with_comments(faulty: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.service.request.disconnect.KEEPALIVE_S", 0.1)
    faulty.delay_s = 0.4
    faulty.pieces = 2
    with gateway(model(faulty.url)) as base:
        answer = ask(base, stream=True)
        assert answer.text.startswith(": waiting\n\n")
        assert text_of(answer) == "héllo 世界"
        faulty.fault = "hang before"
        failed = ask(base, stream=True)  # its status was said before it failed
        assert failed.status_code == 200
        assert events(failed)[-1]["status_code"] == 504


def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure(base: Any, faulty: Any) -> None:
    assert ask(base).status_code == 200
    faulty.fault = "cut"
    ask(base)
    faulty.fault = ""
    assert ask(base).status_code == 200
    assert KEEP_S > 5


def test_a_long_prompt_does_not_hold_up_the_others(base: Any) -> None:
    long = threading.Thread(
        target=ask, args=(base,), kwargs={"messages": [{"role": "user", "content": "Why? " * 3_000_000}]}
    )
    long.start()
    slowest = 0.0
    while long.is_alive():
        started_at = time.monotonic()
        httpx.get(f"{base}/health")
        slowest = max(slowest, time.monotonic() - started_at)
    assert slowest < 0.5


@contextmanager
def running(tmp_path: Path, url: Any, **environment: Any) -> Iterator[Any]:
    """The service as a process of its own, and its address."""
    config = tmp_path / "models.yaml"
    config.write_text(json.dumps({"models": [{"name": "m", "type": "openai", "endpoint": url}]}))
    port = free_port()
    known = {**os.environ, "AUTOPICKER_CONFIG": str(config), "CACHE_TTL": "0", **environment}
    command = [sys.executable, "-m", "autopicker_lab.service", "--port", str(port)]
    process = subprocess.Popen(command, env=known, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"

    def up() -> Any:
        try:
            return httpx.get(f"{base}/health").status_code == 200
        except httpx.TransportError:
            return False

    try:
        assert soon(up, 30)
        yield process, base
    finally:
        process.kill()
        process.wait(10)


def test_a_service_that_cannot_start_says_why_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        for options, code, message in (
            (["--port", port], 1, "cannot listen on"),
            (["--workers", "0"], 2, "--workers must"),
        ):
            command = [sys.executable, "-m", "autopicker_lab.service", *options]
            result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert result.returncode == code
            assert message in result.stderr.splitlines()[-1]
            assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_a_stopped_service_says_so_to_whoever_waits_for_a_whole_answer(tmp_path: Path, faulty: Any) -> None:
    faulty.delay_s = 10
    with running(tmp_path, faulty.url, SHUTDOWN_TIMEOUT="1") as (process, base):
        threading.Timer(0.5, process.terminate).start()
        answer = ask(base)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "is stopping" in answer.json()["error"]["message"]


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "finished"), [("20", True), ("1", False)])
def test_a_stopped_service_ends_its_streams_within_a_limit(
    tmp_path: Path, faulty: Any, limit: str, finished: bool
) -> None:
    faulty.delay_s = 0.1
    faulty.pieces = 30
    with running(tmp_path, faulty.url, SHUTDOWN_TIMEOUT=limit) as (process, base):
        body = {"messages": HELLO, "model": "m", "stream": True}
        with httpx.stream("POST", base + PATH, json=body, timeout=30) as answer:
            lines = answer.iter_lines()
            next(lines)
            process.send_signal(signal.SIGTERM)
            started_at = time.monotonic()
            rest = "\n".join(lines)
        assert ("[DONE]" in rest) == finished
        assert ('"the service is stopping' in rest) == (not finished)
        assert time.monotonic() - started_at < 8
        assert process.wait(10) is not None
        assert soon(lambda: faulty.running == 0)
