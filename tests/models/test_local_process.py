"""The process of a local model may die, hang or be left behind, and its caller goes on."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from support.gateway import gateway

from autopicker_lab.core import ChatRequest, ModelSpec, ModelUnavailableError, UpstreamError, UpstreamTimeoutError
from autopicker_lab.models.local import LocalModel
from autopicker_lab.settings import ModelConfig

STORY = ChatRequest.of("Tell a very long story about the sea.", options={"max_tokens": 1500})
HELLO = ChatRequest.of("Say hello.", options={"max_tokens": 8})
SMALL = ModelConfig(name="small", type="local", max_output=1500)


@pytest.fixture
async def local() -> Any:
    model = LocalModel(ModelSpec("small", "local"))
    yield model
    await model.close()


def workers() -> list[psutil.Process]:
    """The processes of local models that this one has started."""
    return [child for child in psutil.Process().children() if "local_worker" in " ".join(_command(child))]


def _command(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def descriptors() -> int:
    return psutil.Process().num_fds()


async def until(seen: Callable[[], object], seconds: float = 120.0) -> None:
    for _ in range(int(seconds / 0.05)):
        if seen():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it was never seen")


class HealthWatch(threading.Thread):
    """Asks /health all the time and keeps the longest that an answer took."""

    def __init__(self, base: str):
        super().__init__(daemon=True)
        self._base = base
        self._over = threading.Event()
        self.longest_s = 0.0
        self.count = 0

    def run(self) -> None:
        with httpx.Client(base_url=self._base) as client:
            while not self._over.wait(0.02):
                started_at = time.perf_counter()
                assert client.get("/health").status_code == 200
                self.longest_s = max(self.longest_s, time.perf_counter() - started_at)
                self.count += 1

    def __enter__(self) -> "HealthWatch":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


@pytest.fixture
def served() -> Iterator[str]:
    before = {worker.pid for worker in workers()}
    with gateway(SMALL) as base:
        yield base
    for worker in workers():
        if worker.pid not in before:
            worker.kill()


@pytest.mark.slow
@pytest.mark.fault("kill -9 of a local model's process in a stream", "an error event; the next request is answered")
async def test_a_stream_whose_model_is_killed_ends_in_an_error_and_the_next_is_answered(served: str) -> None:
    before = {worker.pid for worker in workers()}
    body = {"model": "small", "messages": [{"role": "user", "content": STORY.question}], "stream": True}
    events = []
    with HealthWatch(served) as health:
        async with httpx.AsyncClient(base_url=served, timeout=60) as client:
            async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("data: "):
                        events.append(line[6:])
                        if len(events) == 5:
                            [worker] = [w for w in workers() if w.pid not in before]
                            os.kill(worker.pid, signal.SIGKILL)
            assert "[DONE]" not in events
            assert "ended in the middle" in json.loads(events[-1])["error"]["message"]
            killed_at = time.monotonic()
            plain = {"model": "small", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}
            after = await client.post("/v1/chat/completions", json=plain)
    assert after.status_code == 200
    assert after.json()["choices"][0]["message"]["content"]
    assert time.monotonic() - killed_at < 60  # under 10 s on a machine that does nothing else
    assert health.count > 10
    assert health.longest_s < 5  # under 0.1 s there


@pytest.mark.slow
@pytest.mark.fault("kill -9 of a local model's process in a whole answer", "502; the next request is answered")
async def test_a_whole_answer_whose_model_is_killed_is_502(served: str) -> None:
    before = {worker.pid for worker in workers()}
    body = {"model": "small", "messages": [{"role": "user", "content": STORY.question}]}
    async with httpx.AsyncClient(base_url=served, timeout=60) as client:
        assert (await client.post("/v1/chat/completions", json={**body, "max_tokens": 5})).status_code == 200
        [worker] = [w for w in workers() if w.pid not in before]
        spent = worker.cpu_times().user
        asked = asyncio.create_task(client.post("/v1/chat/completions", json=body))
        await until(lambda: worker.cpu_times().user > spent + 0.3)  # it answers
        worker.kill()
        assert (await asked).status_code == 502
        assert (await client.post("/v1/chat/completions", json={**body, "max_tokens": 5})).status_code == 200


async def test_all_answers_under_way_end_and_nothing_is_left_of_the_dead(local: Any) -> None:
    await local.complete(HELLO)
    before = descriptors()
    for _ in range(3):
        asked = [asyncio.create_task(local.complete(STORY)) for _ in range(3)]
        await until(lambda: local.pending() == 3)
        await asyncio.sleep(0.3)
        pid = local.load()
        os.kill(pid, signal.SIGKILL)
        ended = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(error, UpstreamError) for error in ended), ended
        assert not psutil.pid_exists(pid)  # no zombie
        assert (await local.complete(HELLO)).text
    assert local.pending() == 0
    await until(lambda: descriptors() <= before)


@pytest.mark.fault("a local model's process that dies again and again", "503 with Retry-After while it rests")
async def test_a_process_that_dies_again_and_again_rests(local: Any) -> None:
    for _ in range(3):
        os.kill(local.load(), signal.SIGKILL)
        await until(lambda: local._process.worker is None)
    with pytest.raises(ModelUnavailableError, match="rests") as resting:
        await local.complete(HELLO)
    assert resting.value.retry_after
    assert not (await local.available()).ok
    await until(lambda: not local._process.resting_s())
    assert (await local.complete(HELLO)).text


@pytest.mark.slow
@pytest.mark.fault("a local model's process that hangs", "504 after timeout_s; it is replaced")
async def test_a_process_that_hangs_is_replaced() -> None:
    local = LocalModel(ModelSpec("small", "local", timeout_s=6.0))
    await local.complete(HELLO)
    os.kill(local.load(), signal.SIGSTOP)
    with pytest.raises(UpstreamTimeoutError):
        await local.complete(HELLO)
    await until(lambda: local._process.worker is None)
    assert (await local.complete(HELLO)).text
    await local.close()


async def test_an_answer_takes_no_longer_than_total_s() -> None:
    local = LocalModel(ModelSpec("small", "local", total_s=1.0))
    with pytest.raises(UpstreamTimeoutError, match="longer than 1 s"):
        await local.complete(STORY)
    await local.close()


async def test_close_ends_the_process_and_the_next_use_starts_another(local: Any) -> None:
    first = local.load()
    await local.close()
    assert not psutil.pid_exists(first)
    assert (await local.complete(HELLO)).text
    assert local.load() != first


async def test_a_model_that_nobody_holds_any_more_has_no_process() -> None:
    pid = LocalModel(ModelSpec("small", "local")).load()
    await until(lambda: not psutil.pid_exists(pid))


async def test_a_process_has_no_keys_of_other_services(local: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "sk-secret" not in str(psutil.Process(local.load()).environ())


@pytest.mark.parametrize("asked", ["", "ACTIVE"])
async def test_threads_of_a_process_do_not_spin_unless_they_are_told_to(
    local: Any, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if asked:
        monkeypatch.setenv("OMP_WAIT_POLICY", asked)
    assert psutil.Process(local.load()).environ()["OMP_WAIT_POLICY"] == (asked or "PASSIVE")


async def test_what_llama_cpp_listens_on_wants_a_secret(local: Any) -> None:
    [port] = [c.laddr.port for c in psutil.Process(local.load()).net_connections() if c.status == "LISTEN"]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        asked = {"messages": [{"role": "user", "content": "hi"}], "prompt": "hi", "content": "hi"}
        for path in ("/v1/chat/completions", "/completion", "/tokenize", "/apply-template", "/infill"):
            assert (await client.post(path, json=asked)).status_code == 401, path
        assert (await client.get("/slots")).status_code == 401
        assert (await client.get("/props")).status_code == 401


SCRIPT = """
import sys
from autopicker_lab.core import ModelSpec
from autopicker_lab.models.local import LocalModel
model = LocalModel(ModelSpec("small", "local"))
print(model.load(), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["killed", "ended"])
async def test_a_script_without_a_guard_starts_it_and_leaves_no_orphan(tmp_path: Path, how: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    (tmp_path / "json.py").write_text("raise RuntimeError('a file of the folder was taken for a module')")
    with subprocess.Popen(  # noqa: ASYNC220  # the test waits for its one line
        [sys.executable, "-P", str(script)], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        pid = int(process.stdout.readline())
        assert psutil.pid_exists(pid)
        if how == "killed":
            process.kill()
        else:
            process.stdin.close()
    await until(lambda: has_ended(pid))


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or dead and not yet collected by whoever inherited it."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


async def test_a_reader_who_leaves_the_queue_leaves_no_work(local: Any) -> None:
    stories = [local.stream(STORY) for _ in range(6)]
    for story in stories[:4]:
        await anext(story)
    waiting = [asyncio.create_task(anext(story)) for story in stories[4:]]
    await until(lambda: local.pending() == 6)
    for task in waiting:
        task.cancel()
    for story in stories[:4]:
        await story.aclose()
    await until(lambda: local.pending() == 0)
    async with aclosing(local.stream(HELLO)) as chunks:
        assert [chunk async for chunk in chunks]
    idle = psutil.Process(local.load())

    def is_idle() -> bool:
        before = sum(idle.cpu_times()[:2])
        time.sleep(0.3)
        return sum(idle.cpu_times()[:2]) - before < 0.05

    await until(is_idle)
