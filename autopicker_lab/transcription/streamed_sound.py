"""The sound of a container whose bytes are still coming, as browsers record it; it runs in the process that decodes."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from autopicker_lab.transcription.container import packets, unreadable
from autopicker_lab.transcription.sound import RATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

CONTAINERS = {"webm": "matroska", "ogg": "ogg", "mp4": "mp4"}  # what browsers record, by FFmpeg's names
PIECE = 4096
"""Bytes that are asked for at a time, so that what has come is soon heard."""
_PROBED = {"probesize": "4096", "analyzeduration": "0"}  # the header says all of sound that browsers record


class _Source:
    """A file to PyAV that can only be read on."""

    def __init__(self, read: Callable[[int], bytes]):
        self.read = lambda size: read(min(size, PIECE))


def streamed(form: str, read: Callable[[int], bytes]) -> Iterator[Samples]:
    """The sound of one of CONTAINERS, one channel at 16 kHz, as far as it has come.

    Args:
        read: gives up to so many bytes as soon as there are some; none at the end.

    Raises:
        CorruptFileError: it cannot be decoded.
    """
    import av

    try:
        with av.open(
            _Source(read), mode="r", format=CONTAINERS[form], options=_PROBED, metadata_errors="ignore"
        ) as container:
            yield from resampled(_frames(container))
    except (av.FFmpegError, OSError, ValueError, IndexError):
        raise unreadable("the sound") from None


def _frames(container: Any) -> Iterator[Any]:
    import av

    for packet in packets(container, container.streams.audio[0]):
        try:
            yield from packet.decode()
        except (av.FFmpegError, ValueError):
            continue  # a damaged packet


def resampled(frames: Iterator[Any]) -> Iterator[Samples]:
    """Frames of PyAV as one channel at 16 kHz, without what their times leave out."""
    import av
    import numpy as np

    resampler, form = av.AudioResampler("flt", "mono", RATE), None
    for frame in chain(frames, [None]):  # None: what the resampler still holds
        if frame is not None:
            frame.pts = None  # the resampler would fill gaps of its own
            before, form = form, (frame.format.name, frame.layout.name, frame.sample_rate)
            resampler = resampler if before in (None, form) else av.AudioResampler("flt", "mono", RATE)
        for made in resampler.resample(frame) if form else ():
            yield np.asarray(made.to_ndarray(), np.float32).reshape(-1)
