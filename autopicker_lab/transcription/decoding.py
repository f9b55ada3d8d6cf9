"""Recordings decoded in processes that can be killed: a hostile one may stop or crash its decoder, and no more."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError, CorruptFileError, ExtractionLimitError, SourceFile
from autopicker_lab.transcription.decoders import DECODERS, STREAM_DECODERS, Decoders, DecodingProcess
from autopicker_lab.transcription.sound import SoundBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    import numpy as np
    import numpy.typing as npt

_SHORT_S = 120.0  # recordings of that length are decoded at once, which frees their process
_ERRORS = {error.__name__: error for error in (CorruptFileError, ExtractionLimitError)}


class _Work:
    """What one process does, which is taken for it; freed by `close`, or by `_rest` where it can do more."""

    def __init__(self, name: str, decoders: Decoders):
        self._name, self._decoders = name, decoders
        self._process: DecodingProcess | None = decoders.take()
        self._changing = threading.Lock()

    def close(self) -> None:
        """Decode no more, which frees the processor at once."""
        process = self._left()
        if process is not None:
            process.end()
            self._decoders.give_back(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next(self) -> tuple[dict[str, Any], bytes]:
        assert self._process is not None  # its callers know
        message = self._process.receive()
        if message is None:
            process, code = self._left(), 0
            if process is not None:
                code = process.end()
                self._decoders.give_back(None)
            detail = f"decoding {self._name} ended its process (code {code})"
            raise ExtractionLimitError(detail, "the recording is damaged or hostile: save it again")
        if "error" in message[0]:
            self._rest()
            raise _error(message[0])
        return message

    def _rest(self) -> None:
        process = self._left()
        if process is not None:
            self._decoders.give_back(process)

    def _left(self) -> DecodingProcess | None:
        """Its process, which it has no more."""
        with self._changing:
            process, self._process = self._process, None
        return process


class DecodedSound(_Work):
    """A recording that a process decodes; see sound.Sound, whose attributes and errors it has.

    It is closed at the end of its blocks; before that by `close`.

    Raises:
        ExtractionLimitError: the decoder crashed, hung, or took too much time or memory.
        WorkerError: no process can be started.
    """

    def __init__(self, file: SourceFile, decoders: Decoders = DECODERS):
        super().__init__(f"'{file.name}'", decoders)
        assert self._process is not None  # just taken
        self.length = 0.0
        self.notes: list[str] = []
        self._early: list[SoundBlock] = []
        self._process.tell({"name": file.name, "kind": file.kind}, file.data)
        self.declared: float | None = self._next()[0]["declared"]
        if self.declared is not None and self.declared <= _SHORT_S:
            for block in self._blocks():
                self._early.append(block)
                if self.length > _SHORT_S:  # it is longer than it says, by hours perhaps
                    break

    def blocks(self) -> Iterator[SoundBlock]:
        """The blocks, in order, once."""
        early, self._early = self._early, []
        yield from early
        yield from self._blocks()

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
        head, content = super()._next()
        self.notes = head["notes"]
        self.length = head.get("length", self.length)
        return head, content


class DecodedStream(_Work):
    """A recording that a process decodes while it is made; errors as of DecodedSound.

    Args:
        form: one of streamed_sound.CONTAINERS.
        read: gives up to so many bytes as soon as there are some; none at the end.
    """

    def __init__(self, form: str, read: Callable[[int], bytes], decoders: Decoders = STREAM_DECODERS):
        super().__init__("the sound", decoders)
        self._form, self._read = form, read

    def kill(self) -> None:
        """Let the process die, and with it `pieces` end by an error; for any thread."""
        with self._changing:  # it may be another's already
            if self._process is not None:
                self._process.kill()

    def pieces(self) -> Iterator[npt.NDArray[np.float32]]:
        """The sound, one channel at 16 kHz, as far as it has come; once.

        Raises:
            CorruptFileError: it cannot be decoded.
        """
        import numpy as np

        assert self._process is not None  # taken, and not closed yet
        self._process.tell({"stream": self._form})
        while self._process is not None:
            head, content = self._next()
            if "need" in head:
                self._process.tell({}, self._read(head["need"]))
            elif "end" in head:
                self._rest()
            else:
                yield np.frombuffer(content, np.float32)


def _error(head: dict[str, Any]) -> AutopickerError:
    kind = _ERRORS.get(head["error"], CorruptFileError)
    return kind(str(head["detail"]), str(head["hint"]))
