"""A process that decodes recordings: it is told one after another, and answers with blocks of their sound.

A message is a line of JSON, which says how many bytes follow it. What comes back is never code, whatever a hostile
recording has made of this process. Of a recording that is still being made it asks for each piece (`need`).
"""

from __future__ import annotations

import json
import signal
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError, ExtractionLimitError, SourceFile

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.transcription.sound import Sound

PROCESSOR_S = 30
"""Seconds of the processor that a block may take: a thousand times what it does."""
_LONGEST_LINE = 2**20
_MOST_FRAMES = 64  # of a stream that are told together
_MEMORY = 2**30  # bytes that may be taken for a recording, beyond its own three times


def read_message(source: IO[bytes], most: int = -1) -> tuple[dict[str, Any], bytes] | None:
    """The next message with its bytes; None where there is none, or only a part of one.

    Args:
        most: bytes that it may have; -1: any number.
    """
    try:
        head = json.loads(source.readline(_LONGEST_LINE))
        size = head["bytes"]
        if size < 0 or size > most >= 0:
            return None
        content = source.read(size)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (head, content) if len(content) == size else None


def write_message(target: IO[bytes], head: dict[str, Any], content: bytes | memoryview = b"") -> None:
    """Write a message; OSError where nobody reads it any more."""
    target.write(json.dumps({**head, "bytes": len(content)}).encode() + b"\n")
    target.write(content)
    target.flush()


def main() -> None:
    """Answer until nothing more is asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import av  # noqa: F401  # before the memory is bounded
    import numpy as np

    source, target = sys.stdin.buffer, sys.stdout.buffer
    with suppress(OSError):
        write_message(target, {"ready": True})
        while (asked := read_message(source)) is not None:
            head, data = asked
            if "stream" in head:
                _Stream(source, target, np).decode(head["stream"])
            else:
                _decode(SourceFile(head["name"], data, head["kind"]), target, np)


def _decode(file: SourceFile, target: IO[bytes], np: Any) -> None:
    from autopicker_lab.transcription.sound import Sound

    try:
        _bound(file.size)
        sound = Sound(file)
        write_message(target, {"declared": sound.declared, "notes": sound.notes})
        for block in sound.blocks():
            _send(block.start, block.channels, block.names, sound, target, np)
            _bound(file.size)
        write_message(target, {"end": True, "length": sound.length, "notes": sound.notes})
    except AutopickerError as error:
        _refuse(error, target)
    except MemoryError:
        _refuse(ExtractionLimitError(f"decoding '{file.name}' takes too much memory", "save it again"), target)


class _Stream:
    """A recording that is still being made."""

    def __init__(self, source: IO[bytes], target: IO[bytes], np: Any):
        self._source, self._target, self._np = source, target, np
        self._made: list[np.ndarray[Any, Any]] = []

    def decode(self, form: str) -> None:
        """Answer with its sound, as far as it has come, whenever more is needed."""
        from autopicker_lab.transcription.streamed_sound import streamed

        try:
            for samples in streamed(form, self._read):
                self._made.append(samples)
                if len(self._made) >= _MOST_FRAMES:
                    self._tell()
            self._tell()
            write_message(self._target, {"end": True})
        except AutopickerError as error:
            _refuse(error, self._target)
        except MemoryError:
            _refuse(ExtractionLimitError("decoding the sound takes too much memory", "record it anew"), self._target)

    def _read(self, size: int) -> bytes:
        self._tell()
        write_message(self._target, {"need": size})
        answer = read_message(self._source)
        _bound(0)
        return answer[1] if answer else b""

    def _tell(self) -> None:
        if self._made:
            whole = self._np.ascontiguousarray(self._np.concatenate(self._made), self._np.float32)
            self._made = []
            write_message(self._target, {}, memoryview(whole).cast("B") if whole.size else b"")


def _refuse(error: AutopickerError, target: IO[bytes]) -> None:
    write_message(target, {"error": type(error).__name__, "detail": error.detail, "hint": error.hint})


def _send(
    start: int, channels: np.ndarray[Any, Any], names: tuple[str, ...], sound: Sound, target: IO[bytes], np: Any
) -> None:
    whole = np.ascontiguousarray(channels, np.float32)
    head = {"start": start, "shape": whole.shape, "names": names, "length": sound.length, "notes": sound.notes}
    write_message(target, head, memoryview(whole).cast("B") if whole.size else b"")


def _bound(size: int) -> None:
    """Let the next block take some seconds of the processor and some memory, where the system can be told so."""
    try:
        import resource
    except ImportError:
        return
    spent = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(spent.ru_utime + spent.ru_stime) + PROCESSOR_S, hard))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY + 3 * size, resource.getrlimit(resource.RLIMIT_DATA)[1]))
