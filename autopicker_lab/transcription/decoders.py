"""Processes that decode, and can be killed: some are kept for the next recording."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

from autopicker_lab.core import WorkerError
from autopicker_lab.transcription.decoding_worker import read_message, write_message

_SILENT_S = 120.0  # wall seconds without a word from a decoder, after which it hangs
_WAIT_S = 0.3  # for a process that is at work; one that is started takes as long
_KEPT = 2  # processes at rest
_MOST_BYTES = 2**28  # of a block: half a minute of a hundred channels
_RUN = "import sys; sys.path[:0] = sys.argv[1:]; from autopicker_lab.transcription.decoding_worker import main; main()"
_INHERITED = ("PATH", "PYTHON", "LD_", "DYLD_", "VIRTUAL_ENV", "HOME", "TMP", "TEMP", "LANG", "LC_", "SYSTEMROOT")


class DecodingProcess:
    """One process that decodes, from outside."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name.startswith(_INHERITED)}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _RUN, *filter(None, sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError as error:
            raise WorkerError(f"no process to decode with: {error.strerror}", "end other programs") from None
        self.owner = os.getpid()
        if self.receive() is None:
            self.end()
            raise WorkerError("the process that decodes ended as it started", "run autopicker doctor")

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked; never in a process that was forked from the one that started it."""
        return self.owner == os.getpid() and self._process.poll() is None

    def tell(self, head: dict[str, Any], content: bytes = b"") -> None:
        """Send a message; what fails is known when an answer is awaited."""
        assert self._process.stdin is not None  # see Popen
        with suppress(OSError, ValueError):
            write_message(self._process.stdin, head, content)

    def receive(self) -> tuple[dict[str, Any], bytes] | None:
        """The next message; None where the process has died, or is killed since it said nothing for long."""
        assert self._process.stdout is not None  # see Popen
        watch = threading.Timer(_SILENT_S, self._process.kill)
        watch.daemon = True
        watch.start()
        try:
            return read_message(self._process.stdout, _MOST_BYTES)
        finally:
            watch.cancel()

    def kill(self) -> None:
        """Let it die, where it is this process's own; for any thread."""
        if self.owner == os.getpid():
            self._process.kill()

    def end(self) -> int:
        """Kill it, and wait for its death; its exit status."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]  # see Popen
        return self._process.wait() if self.owner == os.getpid() else 0


class Decoders:
    """Processes that decode, of which some are kept for the next recording; thread-safe.

    Args:
        at_work: processes that are started at once; more only where none of these comes back for a while.
    """

    def __init__(self, at_work: int = _KEPT) -> None:
        self._at_work = at_work
        self._free = threading.Condition()
        self._resting: list[DecodingProcess] = []
        self._working = 0
        self._starting = 0

    def take(self) -> DecodingProcess:
        """A process for one recording: one at rest; a new one where few are at work, or none came back for a while.

        No more than one is started beyond those that are kept at a time: of many short recordings at once most find one
        at rest before it is there.
        """
        with self._free:
            waited = False
            while (
                (resting := self._rested()) is None
                and self._working >= self._at_work
                and not (waited and not self._starting)
            ):
                waited = not self._free.wait(_WAIT_S)
            self._working += 1
            if resting is not None:
                return resting
            self._starting += 1
        process = None
        try:
            process = DecodingProcess()
        finally:
            with self._free:
                self._starting -= 1
                self._working -= process is None
                self._free.notify_all()
        return process

    def _rested(self) -> DecodingProcess | None:
        """One at rest that lives, if there is one."""
        while self._resting:
            process = self._resting.pop()
            if process.is_alive:
                return process
            process.end()
        return None

    def give_back(self, process: DecodingProcess | None) -> None:
        """Take a process back that is done; None: it is lost."""
        with self._free:
            self._working -= 1
            if process is not None and len(self._resting) < _KEPT and process.is_alive:
                self._resting.append(process)
                process = None
            self._free.notify()
        if process is not None:
            process.end()

    def release(self) -> None:
        """End the processes at rest."""
        with self._free:
            resting, self._resting = self._resting, []
        for process in resting:
            process.end()


DECODERS = Decoders()
"""Those of this process for recordings."""
STREAM_DECODERS = Decoders(at_work=8)
"""Those for speech while it is said, each of which is at work as long as somebody speaks."""


def release_decoders() -> None:
    """End the processes at rest."""
    DECODERS.release()
    STREAM_DECODERS.release()


atexit.register(release_decoders)
