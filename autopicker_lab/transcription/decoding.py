"""Recordings decoded in processes that can be killed: a hostile file may stop or crash a decoder, and no more."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError, CorruptFileError, ExtractionLimitError, SourceFile, WorkerError
from autopicker_lab.transcription.decoding_worker import read_message, write_message
from autopicker_lab.transcription.sound import SoundBlock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

_SILENT_S = 120.0  # wall seconds without a word from a decoder, after which it hangs
_SHORT_S = 120.0  # recordings of that length are decoded at once, which frees their process
_WAIT_S = 0.3  # for a process that is at work; one that is started takes as long
_KEPT = 2  # processes at rest
_MOST_BYTES = 2**28  # of a block: half a minute of a hundred channels
_ERRORS = {error.__name__: error for error in (CorruptFileError, ExtractionLimitError)}
_RUN = "import sys; sys.path[:0] = sys.argv[1:]; from autopicker_lab.transcription.decoding_worker import main; main()"
_INHERITED = ("PATH", "PYTHON", "LD_", "DYLD_", "VIRTUAL_ENV", "HOME", "TMP", "TEMP", "LANG", "LC_", "SYSTEMROOT")


class _Process:
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

    def ask(self, file: SourceFile) -> None:
        """Begin with a recording; what fails is known when an answer is awaited."""
        assert self._process.stdin is not None  # see Popen
        with suppress(OSError):
            write_message(self._process.stdin, {"name": file.name, "kind": file.kind}, file.data)

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

    def end(self) -> int:
        """Kill it, where it is this process's own; its exit status."""
        if self.owner == os.getpid():
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]  # see Popen
        return self._process.wait() if self.owner == os.getpid() else 0


class Decoders:
    """Processes that decode, of which some are kept for the next recording; thread-safe."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._resting: list[_Process] = []
        self._working = 0
        self._starting = 0

    def take(self) -> _Process:
        """A process for one recording: one at rest; a new one where few are at work, or none came back for a while.

        No more than one is started beyond those that are kept at a time: of many short recordings at once most find one
        at rest before it is there.
        """
        with self._free:
            waited = False
            while (
                (resting := self._rested()) is None and self._working >= _KEPT and not (waited and not self._starting)
            ):
                waited = not self._free.wait(_WAIT_S)
            self._working += 1
            if resting is not None:
                return resting
            self._starting += 1
        process = None
        try:
            process = _Process()
        finally:
            with self._free:
                self._starting -= 1
                self._working -= process is None
                self._free.notify_all()
        return process

    def _rested(self) -> _Process | None:
        """One at rest that lives, if there is one."""
        while self._resting:
            process = self._resting.pop()
            if process.is_alive:
                return process
            process.end()
        return None

    def give_back(self, process: _Process | None) -> None:
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
"""Those of this process."""
atexit.register(DECODERS.release)


class DecodedSound:
    """A recording that a process decodes; see sound.Sound, whose attributes and errors it has.

    It is closed at the end of its blocks; before that by `close`, which frees the processor at once.

    Raises:
        ExtractionLimitError: the decoder crashed, hung, or took too much time or memory.
        WorkerError: no process can be started.
    """

    def __init__(self, file: SourceFile, decoders: Decoders = DECODERS):
        self._file, self._decoders = file, decoders
        self._process: _Process | None = decoders.take()
        self.length = 0.0
        self.notes: list[str] = []
        self._early: list[SoundBlock] = []
        self._process.ask(file)
        self.declared: float | None = self._next()[0]["declared"]
        if self.declared is not None and self.declared <= _SHORT_S:
            self._early = list(self._blocks())

    def blocks(self) -> Iterator[SoundBlock]:
        """The blocks, in order, once."""
        early, self._early = self._early, []
        yield from early
        yield from self._blocks()

    def close(self) -> None:
        """Decode no more."""
        process, self._process = self._process, None
        if process is not None:
            process.end()
            self._decoders.give_back(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _blocks(self) -> Iterator[SoundBlock]:
        import numpy as np

        while self._process is not None:
            head, content = self._next()
            if "end" in head:
                self._rest()
                return
            sound = np.frombuffer(content, np.float32).reshape(head["shape"])
            yield SoundBlock(head["start"], sound, tuple(head["names"]))

    def _next(self) -> tuple[dict[str, Any], bytes]:
        assert self._process is not None  # its callers know
        message = self._process.receive()
        if message is None:
            process, self._process = self._process, None
            code = process.end()
            self._decoders.give_back(None)
            detail = f"decoding '{self._file.name}' ended its process (code {code})"
            raise ExtractionLimitError(detail, "the recording is damaged or hostile: save it again")
        head = message[0]
        if "error" in head:
            self._rest()
            raise _error(head)
        self.notes = head["notes"]
        self.length = head.get("length", self.length)
        return message

    def _rest(self) -> None:
        process, self._process = self._process, None
        self._decoders.give_back(process)


def _error(head: dict[str, Any]) -> AutopickerError:
    kind = _ERRORS.get(head["error"], CorruptFileError)
    return kind(str(head["detail"]), str(head["hint"]))
