"""Sound that comes in pieces: raw samples, or a container as browsers record it, decoded as far as it has come."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.transcription.container import unreadable
from autopicker_lab.transcription.sound import RATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

CONTAINERS = {"webm": "matroska", "ogg": "ogg"}  # what browsers record, by FFmpeg's names
SAMPLES = "pcm16"
_READ = 4096  # bytes at a time, so that what has come is soon heard
_PIECE = RATE // 5  # samples handed on together
_IDLE_S = 1.5  # without sound, after which the speaker is taken to pause
_PROBED = {"probesize": "4096", "analyzeduration": "0"}  # the header says all of sound that browsers record


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

    @property
    def aborted(self) -> bool:
        """Whether nobody wants to hear the rest."""
        return self._aborted

    def pieces(self, idle: Callable[[], None]) -> Iterator[Samples]:
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
        import av
        import numpy as np

        resampler = av.AudioResampler("flt", "mono", RATE)
        for frame in self._raw(idle) if self._form == SAMPLES else self._decoded(idle):
            if self._aborted:
                return
            frame.pts = None  # the resampler would fill gaps of its own
            for made in resampler.resample(frame):
                yield np.asarray(made.to_ndarray(), np.float32).reshape(-1)

    def _raw(self, idle: Callable[[], None]) -> Iterator[Any]:
        import av
        import numpy as np

        whole, rest = 2 * self._channels, b""
        while data := self._read(_READ, idle):
            data = rest + data
            rest = data[len(data) // whole * whole :]
            samples = np.frombuffer(data[: len(data) - len(rest)], "<i2").reshape(1, -1)
            if samples.size:
                frame = av.AudioFrame.from_ndarray(samples, "s16", _layout(self._channels))
                frame.sample_rate = self._rate
                yield frame

    def _decoded(self, idle: Callable[[], None]) -> Iterator[Any]:
        import av

        source = _Source(lambda size: self._read(min(size, _READ), idle))
        try:
            with av.open(
                source, mode="r", format=CONTAINERS[self._form], options=_PROBED, metadata_errors="ignore"
            ) as c:
                for packet in c.demux(audio=0):
                    try:
                        yield from packet.decode()
                    except (av.FFmpegError, ValueError):
                        continue  # a damaged packet
        except (av.FFmpegError, OSError, ValueError, IndexError):
            if self._came and not self._aborted:
                raise unreadable("the sound") from None

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


class _Source:
    """A file to PyAV that can only be read on."""

    def __init__(self, read: Callable[[int], bytes]):
        self.read = read


def _layout(channels: int) -> str:
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels}c")
