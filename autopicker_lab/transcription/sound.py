"""The sound of a recording, in blocks of half a minute: all channels, at 16 kHz, at the times of the recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import ExtractionLimitError, SourceFile
from autopicker_lab.transcription.container import (
    choose_track,
    declared_seconds,
    links,
    opened,
    packets,
    unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

RATE = 16_000
MAX_SECONDS = 8 * 3600
_BLOCK = 30 * RATE
_JUMP_S = 0.25  # between a packet's time and the end of the one before: a gap, or a recording that was joined on
_MAX_GAP_S = 3600.0  # where the container does not say how long it is
_SHOWN = 3  # gaps that are told one by one
_USUAL = {2: ("FL", "FR"), 6: ("FL", "FR", "FC", "LFE", "BL", "BR")}  # where a file does not name its channels
_TAIL_S = 0.5  # at the end, where many encoders leave a packet that is not whole
_LACKING_S = 0.5  # of what was declared: more than codecs cut off themselves


@dataclass(frozen=True)
class SoundBlock:
    """Some sound: `channels` of shape (channels, n) in float32 from -1 to 1, from the sample `start` on."""

    start: int
    channels: npt.NDArray[np.float32]
    names: tuple[str, ...]


class Sound:
    """A recording, decoded while it is read; never more than a block of it is in memory.

    Attributes:
        declared: seconds that it says it has; None where it does not.
        length: seconds decoded so far, gaps included.
        notes: what was lost, or chosen; complete at the end.
    """

    def __init__(self, file: SourceFile):
        self._name = file.name
        self._links = list(links(file.data))
        self._gaps: list[tuple[float, float]] = []
        self._lost: list[float] = []  # where, seconds
        self.notes: list[str] = []
        self.declared: float | None = 0.0
        self._samples = 0
        self._tracks = []
        for data in self._links:
            index, note = choose_track(file.name, data)
            self._tracks.append(index)
            self.notes += [note] if note and note not in self.notes else []
            with opened(file.name, data) as container:
                seconds = declared_seconds(container, index, data)
                self.declared = None if seconds is None or self.declared is None else self.declared + seconds
                self._refuse_overlong(seconds if seconds is not None else _counted(container, index))

    @property
    def length(self) -> float:
        """Seconds decoded so far."""
        return self._samples / RATE

    def blocks(self) -> Iterator[SoundBlock]:
        """The blocks, in order.

        Raises:
            CorruptFileError: nothing could be decoded.
            ExtractionLimitError: it is longer than `MAX_SECONDS`.
        """
        kept: list[npt.NDArray[np.float32]] = []
        names: tuple[str, ...] = ()
        begun = 0
        for channels, piece in self._pieces():
            if channels != names and kept:
                yield _block(begun, kept, names)
                begun, kept = self._samples, []
            names = channels
            kept.append(piece)
            self._samples += piece.shape[1]
            self._refuse_overlong(self.length)
            if self._samples - begun >= _BLOCK:
                yield _block(begun, kept, names)
                begun, kept = self._samples, []
        if kept:
            yield _block(begun, kept, names)
        self._account()

    def _pieces(self) -> Iterator[tuple[tuple[str, ...], npt.NDArray[np.float32]]]:
        """Names of channels, and samples of all of them; of a gap its silence, a block at most at a time."""
        for data, index in zip(self._links, self._tracks, strict=True):
            before = self._samples
            with opened(self._name, data) as container:
                end_s = declared_seconds(container, index, data)
                allowed_s = _MAX_GAP_S if end_s is None else end_s + 1.0
                for at_s, names, piece in self._decoded(container, index):
                    gap = round(at_s * RATE) - (self._samples - before)
                    if gap / RATE > _JUMP_S and (gap / RATE if end_s is None else at_s) <= allowed_s:
                        yield from self._silence(names, gap, told=self._samples > before)
                    yield names, piece

    def _silence(
        self, names: tuple[str, ...], samples: int, told: bool
    ) -> Iterator[tuple[tuple[str, ...], npt.NDArray[np.float32]]]:
        """That many samples of nothing, a block at most at a time; `told`: it is said that there was nothing."""
        import numpy as np

        if told:
            self._gaps.append((self.length, self.length + samples / RATE))
        for at in range(0, samples, _BLOCK):
            yield names, np.zeros((len(names), min(_BLOCK, samples - at)), np.float32)

    def _decoded(self, container: Any, index: int) -> Iterator[tuple[float, tuple[str, ...], npt.NDArray[np.float32]]]:
        """Seconds from the container's beginning, names of channels, samples; each run of sound resampled alone."""
        import av

        track = container.streams[index]
        began = container.start_time / 1e6 if container.start_time is not None else 0.0
        run = _Run()
        shift = 0.0
        for packet in packets(container, track):
            try:
                frames = packet.decode()
            except (av.FFmpegError, ValueError):
                self._lost += [self.length] if packet.size else []
                continue
            for frame in frames:
                told = None if frame.pts is None or frame.time is None else frame.time - began + shift
                if told is not None and told < run.end_s - _JUMP_S:  # its clock starts anew: it was joined on
                    shift += run.end_s - told
                    told = run.end_s
                form = (frame.format.name, frame.layout.name, frame.sample_rate)
                try:
                    if run.form != form or (told is not None and told > run.end_s + _JUMP_S):
                        yield from run.finish()
                        run = _Run(form, frame, run.end_s if told is None else max(told, run.end_s))
                    yield from run.take(frame)
                except (av.FFmpegError, ValueError, OverflowError):
                    self._lost.append(self.length)
        yield from run.finish()

    def _refuse_overlong(self, seconds: float) -> None:
        if seconds > MAX_SECONDS:
            hint = "cut it into shorter recordings"
            raise ExtractionLimitError(f"'{self._name}' is longer than {MAX_SECONDS // 3600} hours", hint)

    def _account(self) -> None:
        """Say what was lost, once all is decoded."""
        if not self._samples and (self._lost or self.declared):
            raise unreadable(self._name)
        if self._gaps:
            places = ", ".join(f"from {begin:.1f} to {end:.1f} s" for begin, end in self._gaps[:_SHOWN])
            more = f" and in {len(self._gaps) - _SHOWN} more places" if len(self._gaps) > _SHOWN else ""
            self.notes.append(f"there is no sound {places}{more}")
        if lost := [at for at in self._lost if at < self.length - _TAIL_S]:
            self.notes.append(
                f"the recording is damaged: pieces of it could not be decoded, the first at {lost[0]:.1f} s"
            )
        if self.declared is not None and self.declared - self.length > max(_LACKING_S, 0.01 * self.declared):
            self.notes.append(
                f"the recording is cut off or damaged: it should be {self.declared:.1f} s long, "
                f"and {self.length:.1f} s could be decoded"
            )


def _block(start: int, pieces: list[npt.NDArray[np.float32]], names: tuple[str, ...]) -> SoundBlock:
    import numpy as np

    sound = np.concatenate(pieces, axis=1)
    return SoundBlock(start, np.nan_to_num(sound, copy=False, nan=0.0, posinf=1.0, neginf=-1.0), names)


class _Run:
    """Frames of one form without a gap between them, on their way to 16 kHz."""

    def __init__(self, form: tuple[str, str, int] | None = None, frame: Any = None, start_s: float = 0.0):
        import av

        self.form = form
        self.end_s = start_s
        self._given_s = start_s
        self._resampler = None
        self._names: tuple[str, ...] = ()
        if frame is not None:
            self._resampler = av.AudioResampler("fltp", frame.layout.name, RATE)
            names = tuple(channel.name for channel in frame.layout.channels)
            self._names = _USUAL.get(len(names), names) if "NONE" in names else names

    def take(self, frame: Any) -> Iterator[tuple[float, tuple[str, ...], npt.NDArray[np.float32]]]:
        frame.pts = None  # the resampler would fill gaps of its own
        self.end_s += frame.samples / frame.sample_rate
        yield from self._given(self._resampler.resample(frame) if self._resampler else [])

    def finish(self) -> Iterator[tuple[float, tuple[str, ...], npt.NDArray[np.float32]]]:
        """What the resampler still holds."""
        yield from self._given(self._resampler.resample(None) if self._resampler else [])
        self._resampler = None

    def _given(self, frames: list[Any]) -> Iterator[tuple[float, tuple[str, ...], npt.NDArray[np.float32]]]:
        for frame in frames:
            samples = frame.to_ndarray()
            yield self._given_s, self._names, samples
            self._given_s += samples.shape[1] / RATE


def _counted(container: Any, index: int) -> float:
    """The seconds of a track's packets, counted without decoding them, as far as they go beyond what is allowed."""
    seconds = 0.0
    for packet in packets(container, container.streams[index]):
        if packet.duration and packet.time_base:
            seconds += float(packet.duration * packet.time_base)
        if seconds > MAX_SECONDS:
            break
    return seconds
