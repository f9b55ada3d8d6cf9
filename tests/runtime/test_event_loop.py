"""Coroutines on an event loop in a thread: results, failures, cancelling, and an end that leaves nothing running."""

import asyncio
import threading
import time
from typing import Any

import pytest

from autopicker_lab.runtime.event_loop import EventLoopThread, run_in_thread


async def double(number: Any) -> Any:
    await asyncio.sleep(0)
    return 2 * number


async def test_a_coroutine_runs_where_another_loop_runs_already() -> None:
    assert run_in_thread(lambda: double(21)) == 42


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3)])
def test_a_failure_comes_out_and_the_loop_goes_on(error: Any) -> None:
    async def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        run_in_thread(fail)
    thread = EventLoopThread()
    with pytest.raises(type(error)):
        thread.run(fail())
    assert thread.run(double(1)) == 2
    thread.stop()


def test_cancelled_work_clears_up_before_its_thread_ends() -> None:
    events = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)  # a second cancellation would interrupt this
            events.append("cleared up")

    thread = EventLoopThread("cleared")
    future = thread.submit(work())
    thread.run(asyncio.sleep(0.01))
    future.cancel()
    thread.stop()
    assert events == ["cleared up"]
    thread = EventLoopThread("cleared")
    thread.submit(work())
    thread.run(asyncio.sleep(0.01))
    thread.stop()
    assert events == ["cleared up"] * 2
    assert not [thread for thread in threading.enumerate() if thread.name == "cleared"]


def test_an_interrupted_caller_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    events = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            events.append("cleared up")

    submit = EventLoopThread.submit

    def interrupted(self: Any, coroutine: Any) -> Any:
        future = submit(self, coroutine)

        def result(timeout: float | None = None) -> Any:
            time.sleep(0.02)
            raise KeyboardInterrupt

        monkeypatch.setattr(future, "result", result)
        return future

    monkeypatch.setattr(EventLoopThread, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_in_thread(work)
    assert events == ["cleared up"]


def test_a_stop_does_not_wait_for_work_that_will_not_end() -> None:
    async def stubborn() -> None:
        for _ in range(5):
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                continue

    thread = EventLoopThread()
    thread.submit(stubborn())
    thread.run(asyncio.sleep(0.01))
    started_at = time.monotonic()
    thread.stop(0.1)
    assert time.monotonic() - started_at < 0.5
