"""Sound that comes in pieces: raw samples, or a container as browsers record it, decoded as far as it has come."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError, InvalidRequestError
from autopicker_lab.transcription.decoding import DecodedStream
from autopicker_lab.transcription.sound import RATE
from autopicker_lab.transcription.streamed_sound import CONTAINERS, PIECE, resampled

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

SAMPLES = "pcm16"
_PIECE = RATE // 5  # samples handed on together
_IDLE_S = 1.5  # without sound, after which the speaker is taken to pause


class SoundStream:
    """Bytes put in by one thread, sound of one channel at 16 kHz taken out by another.

    Args:
        form: `pcm16` (little-endian), or one of CONTAINERS.
        rate: samples a second of `pcm16`, Hz.
        channels: of `pcm16`, interleaved.

    Raises:
        InvalidRequestError: an unknown form, or a rate or channels that are not possible.
    """

    def __init__(self, form: str = SAMPLES, rate: int = RATE, channels: int = 1):
        if form != SAMPLES and form not in CONTAINERS:
            hint = f"use {', '.join((SAMPLES, *CONTAINERS))}"
            raise InvalidRequestError(f"unknown format '{form}' of sound", hint, param="format")
        if not 4000 <= rate <= 192_000 or not 1 <= channels <= 8:
            hint = "give a rate of 4000 to 192000 and 1 to 8 channels"
            raise InvalidRequestError("such samples cannot be heard", hint, param="rate")
        self._form = form
        self._rate = rate
        self._channels = channels
        self._given: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._rest = b""
        self._ended = False
        self._aborted = False
        self._came = False
        self._decoding: DecodedStream | None = None
        self._size = 0
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Bytes that were put in and not taken yet."""
        return self._size

    def put(self, data: bytes) -> None:
        """Put bytes in."""
        self._came = self._came or bool(data)
        with self._lock:
            self._size += len(data)
        self._given.put(data)

    def end(self) -> None:
        """Say that no more comes."""
        self._given.put(None)

    def abort(self) -> None:
        """Say that nobody wants to hear the rest."""
        self._aborted = True
        self.end()
        if self._decoding is not None:
            self._decoding.kill()

    @property
    def aborted(self) -> bool:
        """Whether nobody wants to hear the rest."""
        return self._aborted

    def pieces(self, idle: Callable[[], None]) -> Generator[Samples, None, None]:
        """The sound, in pieces of about a fifth of a second.

        Args:
            idle: called where nothing came for a while.

        Raises:
            CorruptFileError: it cannot be decoded.
        """
        import numpy as np

        kept: list[Samples] = []
        for samples in self._samples(idle):
            kept.append(samples)
            if sum(map(len, kept)) >= _PIECE or not self.waiting:
                yield np.concatenate(kept)
                kept = []
        if kept and not self._aborted:
            yield np.concatenate(kept)

    def _samples(self, idle: Callable[[], None]) -> Iterator[Samples]:
        for samples in resampled(self._raw(idle)) if self._form == SAMPLES else self._decoded(idle):
            if self._aborted:
                return
            yield samples

    def _raw(self, idle: Callable[[], None]) -> Iterator[Any]:
        import av
        import numpy as np

        whole, rest = 2 * self._channels, b""
        while data := self._read(PIECE, idle):
            data = rest + data
            rest = data[len(data) // whole * whole :]
            samples = np.frombuffer(data[: len(data) - len(rest)], "<i2").reshape(1, -1)
            if samples.size:
                frame = av.AudioFrame.from_ndarray(samples, "s16", _layout(self._channels))
                frame.sample_rate = self._rate
                yield frame

    def _decoded(self, idle: Callable[[], None]) -> Iterator[Samples]:
        try:
            with DecodedStream(self._form, lambda size: self._read(size, idle)) as decoded:
                self._decoding = decoded
                yield from decoded.pieces()
        except AutopickerError:
            if self._came and not self._aborted:
                raise

    def _read(self, size: int, idle: Callable[[], None]) -> bytes:
        """Up to so many bytes as soon as there are some; none at the end."""
        while not self._rest and not self._ended:
            try:
                data = self._given.get(timeout=_IDLE_S)
            except queue.Empty:
                idle()
                continue
            self._ended = data is None
            self._rest = data or b""
        if self._aborted:
            return b""
        taken, self._rest = self._rest[:size], self._rest[size:]
        with self._lock:
            self._size -= len(taken)
        return taken


def _layout(channels: int) -> str:
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels}c")
