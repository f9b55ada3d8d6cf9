"""The supervisor of workers: what has died, hangs or only starts does not keep it from ending."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import pytest
from support.upstream import soon
from uvicorn import Config
from uvicorn.supervisors.multiprocess import SIGNALS

from autopicker_lab.service import supervisor
from autopicker_lab.service.supervisor import Supervisor


class Worker:
    """A worker as the supervisor sees it; what it is asked is answered by a thread, or by nobody."""

    def __init__(self, config: Any = None, sockets: Any = None):
        self.parent_conn, self.child_conn = Pipe()
        self.process = self
        self.exitcode: int | None = None
        self.pid = id(self)
        self.told: list[str] = []

    def own_end(self) -> Connection:
        """The copy of its end that the process of a worker has."""
        return Connection(os.dup(self.child_conn.fileno()))

    def dies_when_asked(self) -> None:
        copy = self.own_end()

        def serve() -> None:
            copy.recv()
            self.exitcode = -9
            copy.close()

        threading.Thread(target=serve, daemon=True).start()

    def is_alive(self) -> bool:
        return self.exitcode is None

    def is_ready(self, timeout: float) -> bool:
        return False

    def start(self) -> None:
        self.told.append("start")

    def terminate(self) -> None:
        self.told.append("terminate")

    def kill(self) -> None:
        self.told.append("kill")
        self.exitcode = -9

    def join(self, timeout: float | None = None) -> None:
        self.told.append("join")


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    monkeypatch.setattr(supervisor, "Process", Worker)
    config = Config("none", workers=1, timeout_worker_healthcheck=600, timeout_graceful_shutdown=0)
    made = Supervisor(config, [])
    made.processes = [Worker()]  # type: ignore[list-item]
    yield made
    for number, handler in handlers.items():
        signal.signal(number, handler)


def watch(supervised: Supervisor) -> threading.Thread:
    thread = threading.Thread(target=supervised.keep_subprocess_alive, daemon=True)
    thread.start()
    return thread


@pytest.mark.fault(
    "a worker dies while it is asked whether it lives", "it is replaced at once, and SIGTERM does not wait"
)
def test_a_worker_that_dies_while_it_is_asked_is_replaced_at_once(supervised: Supervisor) -> None:
    died: Any = supervised.processes[0]
    died.dies_when_asked()
    thread = watch(supervised)
    assert soon(lambda: not thread.is_alive(), 10)  # not when the ten minutes have passed that a hung one has
    assert supervised.processes[0] is not died
    assert supervised.processes[0].told == ["start"]  # type: ignore[attr-defined]


def test_a_signal_does_not_wait_for_a_worker_that_hangs(supervised: Supervisor) -> None:
    hung: Any = supervised.processes[0]
    copy = hung.own_end()
    thread = watch(supervised)
    assert soon(copy.poll, 10)
    supervised.signal_queue.append(signal.SIGTERM)
    assert soon(lambda: not thread.is_alive(), 10)
    assert hung.told == []
    copy.close()


@pytest.mark.fault("SIGTERM while a worker still starts", "it ends at once")
def test_a_worker_that_only_starts_is_killed_and_one_that_serves_may_end(supervised: Supervisor) -> None:
    starting: Any = supervised.processes[0]
    serving: Any = Worker()
    supervised.processes.append(serving)
    supervised._serving.add(serving.pid)
    supervised.terminate_all()
    assert starting.told == ["kill"]
    assert serving.told == ["terminate"]


@pytest.mark.fault("a worker that does not end", "killed after SHUTDOWN_TIMEOUT and 15 s")
def test_a_worker_that_does_not_end_is_killed(supervised: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_CLOSING_S", 0.0)
    stuck: Any = supervised.processes[0]
    supervised.join_all()
    assert stuck.told == ["join", "kill", "join"]
