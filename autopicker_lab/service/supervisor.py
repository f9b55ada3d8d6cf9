"""uvicorn's supervisor of workers with bounds on how long it waits for one that has died, hangs, or does not end."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING

from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

if TYPE_CHECKING:
    from socket import socket

    from uvicorn import Config

_SLICE_S = 0.2  # between two looks whether a signal has come
_CLOSING_S = 15.0  # after its last answer, for a worker to store what waits
log = logging.getLogger(__name__)


def supervise(config: Config) -> None:
    """Run workers until a signal ends them; exits with uvicorn's code where they cannot start."""
    supervisor = Supervisor(config, [config.bind_socket()])
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        sys.exit(STARTUP_FAILURE)


class Supervisor(Multiprocess):
    """Starts workers, replaces those that die, and ends them all."""

    def __init__(self, config: Config, sockets: list[socket]):
        super().__init__(config, sockets)
        self._serving: set[int | None] = set()  # workers, by the number of their process, that have started to answer

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have died, and those that do not answer."""
        for index, process in enumerate(self.processes):
            process.child_conn.close()  # the worker has its own: that it dies ends the waiting for its answer
            if self.should_exit.is_set() or self._answers(process):
                continue
            self._serving.discard(process.pid)
            process.kill()
            process.join()
            if process.exitcode == STARTUP_FAILURE:
                log.error("the worker %s cannot start, so the service ends", process.pid)
                self.should_exit.set()
                return
            log.warning("the worker %s died or hung; another takes its place", process.pid)
            self.processes[index] = Process(self.config, self.sockets)
            self.processes[index].start()

    def _answers(self, process: Process) -> bool:
        """Whether a worker lives and answers in time; also where a signal comes first, which is not to wait for it."""
        deadline = time.monotonic() + self.config.timeout_worker_healthcheck
        try:
            process.parent_conn.send(b"ping")
            while not process.parent_conn.poll(_SLICE_S):
                if self.signal_queue or time.monotonic() > deadline:
                    return bool(self.signal_queue)
            if process.parent_conn.recv():
                self._serving.add(process.pid)
        except (OSError, EOFError):
            return False
        return process.process.is_alive()

    def terminate_all(self) -> None:
        """Have the workers answer what they have begun, and end; one that only starts has nothing to answer."""
        for process in self.processes:
            if process.pid in self._serving or process.is_ready(timeout=1):
                process.terminate()
            else:  # told to end, it would load for seconds before it does
                process.kill()

    def join_all(self) -> None:
        """Wait until the workers have ended; what takes longer than answers and stores may take is killed."""
        deadline = time.monotonic() + (self.config.timeout_graceful_shutdown or 0) + _CLOSING_S
        for process in self.processes:
            process.process.join(max(0.0, deadline - time.monotonic()))
            if process.exitcode is None:
                log.error("the worker %s does not end, and is killed", process.pid)
                process.kill()
                process.join()
