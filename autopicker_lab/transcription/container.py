"""Containers of sound as PyAV opens them: which of their tracks is heard, how long they say they are."""

from __future__ import annotations

import io
import re
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError
from autopicker_lab.core.files import name_suffix

if TYPE_CHECKING:
    from collections.abc import Iterator

_RAW = {".gsm": "gsm", ".g722": "g722", ".ul": "mulaw", ".al": "alaw"}  # streams that nothing in them tells
_LOOKED_AT_S = 120.0  # of each track, for whether there is sound in it
_SILENT = 1e-4  # peak of a track without sound
_MAX_FAULTS = 256  # one after another, until a container is given up
_XING = re.compile(rb"(?:Xing|Info)\0\0\0[\x01-\x0f]")  # the header of an MP3 that counts its frames
_GUESSED = frozenset({"mp3", "aac", "amr", "gsm", "g722"})  # whose length is a guess from their size


@contextmanager
def opened(name: str, data: bytes) -> Iterator[Any]:
    """A container of PyAV.

    Raises:
        CorruptFileError: nothing that can be decoded.
    """
    import av

    try:
        container = av.open(io.BytesIO(data), mode="r", metadata_errors="ignore", format=_RAW.get(name_suffix(name)))
    except (av.FFmpegError, OSError, ValueError, IndexError):
        raise unreadable(name) from None
    with container:
        yield container


def unreadable(name: str) -> CorruptFileError:
    """The error for what cannot be decoded."""
    return CorruptFileError(f"'{name}' is not a readable recording", "record or save it again")


def packets(container: Any, *tracks: Any) -> Iterator[Any]:
    """The packets of tracks; what is damaged between them is passed over."""
    import av

    faults = 0
    while faults < _MAX_FAULTS:
        try:
            for packet in container.demux(*tracks):
                faults = 0
                yield packet
        except av.error.EOFError:
            return
        except (av.FFmpegError, OSError):
            faults += 1
            continue
        return


def choose_track(name: str, data: bytes) -> tuple[int, str]:
    """The index of the track that is heard, and what to say of the others.

    The one marked as default is heard where there is sound in it, else the first that has some.

    Raises:
        CorruptFileError: nothing can be decoded, or there is no track of sound.
    """
    with opened(name, data) as container:
        tracks = [track for track in container.streams.audio if track.codec_context is not None]
        if not tracks:
            raise CorruptFileError(f"'{name}' has no sound that can be decoded", "choose a recording")
        if len(tracks) == 1:
            return tracks[0].index, ""
        order = sorted(tracks, key=lambda track: (not _marked(track, "default"), _marked(track, "comment")))
        peaks = _peaks(container, tracks)
        chosen = next((t for t in order if peaks.get(t.index, 0.0) > _SILENT), order[0])
        place = tracks.index(chosen) + 1
        return chosen.index, f"of {len(tracks)} tracks of sound the {_ordinal(place)} was heard"


def _ordinal(place: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(place, f"{place}th")


def _marked(track: Any, mark: str) -> bool:
    import av

    return bool(track.disposition & av.stream.Disposition[mark])


def _peaks(container: Any, tracks: list[Any]) -> dict[int, float]:
    """The largest sample of each track in its first minutes, 1 being full scale."""
    import av
    import numpy as np

    peaks: dict[int, float] = {}
    resamplers = {track.index: av.AudioResampler("flt", "mono", 8000) for track in tracks}
    for packet in packets(container, tracks):
        index = packet.stream.index
        try:
            for frame in packet.decode():
                for piece in resamplers[index].resample(frame):
                    peaks[index] = max(peaks.get(index, 0.0), float(np.abs(piece.to_ndarray()).max(initial=0.0)))
        except (av.FFmpegError, ValueError):
            continue
        late = packet.pts is not None and packet.time_base and packet.pts * packet.time_base > _LOOKED_AT_S
        if late or len([p for p in peaks.values() if p > _SILENT]) == len(tracks):
            break
    return peaks


def declared_seconds(container: Any, index: int, data: bytes) -> float | None:
    """How long a container says that a track is; None where it does not, or only guesses."""
    track = container.streams[index]
    if set(container.format.name.split(",")) & _GUESSED and len(_XING.findall(data)) != 1:
        return None
    if track.duration is not None:
        late = (track.start_time or 0) * track.time_base - (container.start_time or 0) / 1e6
        seconds = float(track.duration * track.time_base + max(late, 0.0))
    elif container.duration is not None and len(container.streams) == 1:
        seconds = container.duration / 1e6
    else:
        return None
    return max(seconds, _wav_seconds(data) or 0.0)


def _wav_seconds(data: bytes) -> float | None:
    """The length in a WAV's header; None for other files, and for a stream whose sizes were never filled in."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return None
    at, rate = 12, 0
    while at + 8 <= len(data):
        tag, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if tag == b"fmt " and at + 20 <= len(data):
            rate = struct.unpack_from("<I", data, at + 16)[0]
        if tag == b"data":
            return size / rate if rate and 0 < size < 0xFFFFFF00 else None
        at += 8 + size + size % 2
    return None


def links(data: bytes) -> Iterator[bytes]:
    """The recordings joined end to end in one file: of Ogg, WAV and MP4 each for itself, others as they are."""
    cuts = [0]
    if data[:4] == b"OggS":
        cuts += _ogg_cuts(data)
    elif data[:4] == b"RIFF":
        end = 8 + struct.unpack_from("<I", data, 4)[0] if len(data) >= 8 else 0
        while 8 < end < len(data) - 12 and data[end : end + 4] == b"RIFF":
            cuts.append(end)
            end += 8 + struct.unpack_from("<I", data, end + 4)[0]
    elif data[4:8] == b"ftyp":
        cuts += _mp4_cuts(data)
    if len(cuts) == 1:
        yield data
        return
    for start, end in zip(cuts, [*cuts[1:], len(data)], strict=True):
        yield data[start:end]


def _mp4_cuts(data: bytes) -> list[int]:
    """Where a file begins behind another: boxes of ISO/IEC 14496-12 are their size, a name, and what is in them."""
    cuts, at = [], 0
    while at + 16 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if name == b"ftyp" and at:
            cuts.append(at)
        if size == 1:
            size = struct.unpack_from(">Q", data, at + 8)[0]
        if size < 8:
            break
        at += size
    return cuts


def _ogg_cuts(data: bytes) -> list[int]:
    """Where a page that begins a stream follows one that does not (RFC 3533, section 4: sequential multiplexing)."""
    cuts, began, at = [], True, 0
    while (at := data.find(b"OggS", at)) >= 0 and at + 27 <= len(data):
        begins = bool(data[at + 5] & 2)
        if begins and not began:
            cuts.append(at)
        began = begins
        count = data[at + 26]
        at += 27 + count + sum(data[at + 27 : at + 27 + count])
    return cuts
