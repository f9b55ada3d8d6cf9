"""The process that holds a local model, from outside: it is started when it is needed, and again where it has died."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import ModelUnavailableError, TransientUpstreamError
from autopicker_lab.runtime.circuit_breaker import BreakerPolicy, CircuitBreaker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Listener = Callable[[Mapping[str, Any] | None], None]

log = logging.getLogger(__name__)
_RESTS = BreakerPolicy(failures=3, first_rest_s=1.0, longest_rest_s=60.0, jitter=0.2)
# What a process needs to find Python, its libraries and the accelerator. The rest stays here: keys of other services.
_INHERITED = ("PATH", "PYTHON", "LD_", "DYLD_", "VIRTUAL_ENV", "HOME", "TMP", "TEMP", "LANG", "LC_", "SYSTEMROOT")
_INHERITED_BY_LLAMA = ("GGML_", "OMP_", "CUDA_", "NVIDIA_", "HIP_", "ROCR_", "GPU_", "VK_", "METAL_")


class LocalProcess:
    """Keeps one worker process; thread-safe. Its methods may block, so that event loops call them in a thread.

    Args:
        name: of the model, for the log and errors.
        load: makes the message that loads the model.
    """

    def __init__(self, name: str, load: Callable[[], Mapping[str, Any]]):
        self._name = name
        self._load = load
        self._lock = threading.Lock()
        self._worker: WorkerProcess | None = None
        self._breaker = CircuitBreaker(_RESTS)

    @property
    def worker(self) -> WorkerProcess | None:
        """The process that runs now; None where none does."""
        worker = self._worker
        return worker if worker is not None and worker.is_alive else None

    def resting_s(self) -> float:
        """Seconds that it rests after it has died again and again; 0: it is, or may be, started."""
        return 0.0 if self.worker else self._breaker.resting_s()

    def start(self) -> WorkerProcess:
        """The running process, started where none runs.

        Raises:
            ModelUnavailableError: it does not load its model, or has died so often that it rests.
        """
        with self._lock:
            if (worker := self.worker) is not None:
                return worker
            if wait := self._breaker.admit():
                detail = f"the process of '{self._name}' ended {self._breaker.failures} times running and rests"
                raise ModelUnavailableError(detail, f"try again in {wait:.0f} s", retry_after=wait)
            load = self._load()
            worker = WorkerProcess(self._name, self._died)
            try:
                worker.load(load)
            except BaseException:
                worker.close()
                raise
            self._worker = worker
            return worker

    def answered(self) -> None:
        """Note that the process has answered, which forgives it the deaths before."""
        self._breaker.succeeded()

    def close(self) -> None:
        """End the process, if one runs; `start` starts another."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def _died(self) -> None:
        self._breaker.failed()


class WorkerProcess:
    """One run of `local_worker`, with those who listen to it."""

    def __init__(self, name: str, on_death: Callable[[], None]):
        self._name = name
        self._on_death = on_death
        self._owner = os.getpid()
        self._numbers = itertools.count(1)
        self._listeners: dict[int, Listener] = {}
        self._registering = threading.Lock()
        self._writing = threading.Lock()
        self._closed = self._ended = False
        self._reader: threading.Thread | None = None
        self.heard_at = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "autopicker_lab.models.local_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked; never in a process that was forked from the one that started it."""
        return not self._ended and not self._closed and self._owner == os.getpid()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def load(self, message: Mapping[str, Any]) -> None:
        """Make it load its model, and wait until it has.

        Raises:
            ModelUnavailableError: it cannot.
            TransientUpstreamError: the process died over it.
        """
        path = message["path"]
        self._write(json.dumps({"load": message}))
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._on_death()
            raise TransientUpstreamError(f"the process of '{self._name}' ended while it loaded", "ask again")
        if "failed" in (answer := json.loads(line)):
            detail = f"'{path}' could not be loaded: {answer['failed']}"
            raise ModelUnavailableError(detail, "check that it is a complete GGUF file")
        self._reader = threading.Thread(target=self._read, name=f"{self._name} answers", daemon=True)
        self._reader.start()

    def ask(self, message: Mapping[str, Any], listener: Listener) -> int:
        """Send a message and return its number; `listener` gets all that is said of it, in the thread that reads.

        It gets None where the process died.
        """
        text = json.dumps(message, separators=(",", ":"))
        with self._registering:
            number = next(self._numbers)
            if not self._ended:
                self._listeners[number] = listener
        if self._ended:
            listener(None)
        else:
            self._write(f'{{"id":{number},{text[1:]}')
        return number

    def cancel(self, number: int) -> None:
        """Say that nobody waits for an answer any more."""
        if self._listeners.pop(number, None) is not None:
            self._write(f'{{"id":{number},"cancel":true}}')

    def kill(self) -> None:
        """End it at once, as its death."""
        self._process.kill()

    def close(self) -> None:
        """End it, and wait for that."""
        self._closed = True
        if self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
            if self._reader is None:
                self._close_pipes()

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            with self._writing:
                self._process.stdin.write(line.encode() + b"\n")
                self._process.stdin.flush()
        except (OSError, ValueError):
            return  # it has died: the thread that reads says so

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            self.heard_at = time.monotonic()
            number = message["id"]
            listener = self._listeners.get(number)
            if listener is None:
                continue
            if "end" in message or "tokens" in message:
                self._listeners.pop(number, None)
            listener(message)
        self._bury()

    def _bury(self) -> None:
        code = self._process.wait()
        with self._registering:
            self._ended = True
            left = list(self._listeners.values())
            self._listeners.clear()
        self._close_pipes()
        if not self._closed:
            log.warning("the process of '%s' ended (code %s), with %d requests under way", self._name, code, len(left))
            self._on_death()
        for listener in left:
            listener(None)

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # of what could not be written any more
                if pipe is not None:
                    pipe.close()


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith((*_INHERITED, *_INHERITED_BY_LLAMA))}
    # threads of OpenMP that spin at every barrier take ten times the time where others want the cores, too
    return {"OMP_WAIT_POLICY": "PASSIVE", **kept, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
