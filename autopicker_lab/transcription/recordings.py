"""Recordings as they are given: a file, its bytes, something open, or samples in memory."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING, Any, TypeAlias

from autopicker_lab.core import InvalidRequestError, SourceFile
from autopicker_lab.extraction import open_source

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

Recording: TypeAlias = "str | Path | bytes | bytearray | memoryview | SourceFile | npt.NDArray[np.generic] | Any"


def open_recording(source: Recording, rate: int | None = None) -> SourceFile:
    """The SourceFile of a recording.

    Args:
        source: a path, bytes, an opened file, a SourceFile, or samples: a NumPy array of shape (n,) or (n, channels),
            integers of 16 or 32 bits, or floats from -1 to 1.
        rate: samples a second (Hz); for an array, and only for one.

    Raises:
        InvalidRequestError: samples without a rate, of another shape or type, or none at all.
    """
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    if hasattr(source, "__array__") and not isinstance(source, str):
        return SourceFile("samples.wav", _wav(source, rate), "wav")
    if rate is not None:
        hint = "leave it out: files say it themselves"
        raise InvalidRequestError("a rate goes with samples alone", hint, param="rate")
    if hasattr(source, "read"):
        data = source.read()
        if not isinstance(data, bytes):
            raise InvalidRequestError("this file was opened as text", "open it with mode 'rb'")
        name = getattr(source, "name", None)
        return open_source(data, name if isinstance(name, str) else None)
    return open_source(source)


def _wav(source: Any, rate: int | None) -> bytes:
    import numpy as np

    samples = np.asarray(source)
    if rate is None or not 1000 <= rate <= 768_000:
        hint = "give rate=16000, or whatever they were recorded with (1000 to 768000)"
        raise InvalidRequestError("samples have no rate of their own", hint, param="rate")
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and not 1 <= samples.shape[1] <= 64):
        hint = "give shape (n,) or (n, channels), with at most 64 channels"
        raise InvalidRequestError(f"samples of shape {samples.shape} are no recording", hint)
    if samples.dtype.kind == "f":
        finite = np.nan_to_num(samples.astype(np.float64), nan=0.0, posinf=1.0, neginf=-1.0)
        whole = np.round(np.clip(finite, -1, 1) * (2**31 - 1)).astype("<i4")
    elif samples.dtype in (np.int16, np.int32):
        whole = samples.astype(f"<i{samples.dtype.itemsize}")
    else:
        hint = "give float32 from -1 to 1, or int16"
        raise InvalidRequestError(f"samples of type {samples.dtype} are no recording", hint)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(whole.dtype.itemsize)
        file.setframerate(int(rate))
        file.writeframes(whole.tobytes())
    return out.getvalue()
