"""What a person needs to work on a recording: how loud it is at each time, and sound that any browser plays."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING

from autopicker_lab.transcription.decoding import DecodedSound
from autopicker_lab.transcription.sound import RATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from autopicker_lab.core import SourceFile

    Samples = npt.NDArray[np.float32]

PEAKS_A_SECOND = 50
_STEP = RATE // PEAKS_A_SECOND
_BITS = 32_000  # a second, of speech in Opus


def peaks_of(file: SourceFile) -> bytes:
    """How loud a recording is, PEAKS_A_SECOND bytes a second, 255 at its loudest; errors as of DecodedSound."""
    import numpy as np

    rest = np.zeros(0, np.float32)
    found = []
    for samples in _mixed(file):
        sound = np.concatenate([rest, np.abs(samples)])
        whole = len(sound) // _STEP * _STEP
        found.append(sound[:whole].reshape(-1, _STEP).max(axis=1))
        rest = sound[whole:]
    peaks = np.concatenate([*found, rest.max(keepdims=True, initial=0.0)[: len(rest)]]) if found else rest
    loudest = float(peaks.max(initial=0.0))
    return bytes(np.round(peaks * (255 / loudest if loudest else 0.0)).astype(np.uint8))


def playable(file: SourceFile) -> bytes:
    """A recording as WebM with Opus, at the times that a Transcript of it has; errors as of DecodedSound."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=RATE)
        stream.layout, stream.bit_rate = "mono", _BITS
        at = 0
        for samples in _mixed(file):
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "flt", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            at += len(samples)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def _mixed(file: SourceFile) -> Iterator[Samples]:
    with DecodedSound(file) as sound:
        for block in sound.blocks():
            yield block.channels.mean(axis=0)
