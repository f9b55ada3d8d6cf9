"""What is sound, or a film with sound, by the word of the decoder: signatures know only the most common containers."""

from __future__ import annotations

import io

_KINDS = {"mov": "m4a", "mp4": "m4a", "asf": "m4a", "flv": "m4a", "mpegts": "m4a", "aac": "m4a", "avi": "m4a",
          "matroska": "ogg", "webm": "ogg", "ogg": "ogg", "mp3": "mp3", "flac": "flac"}  # fmt: skip
_PACKETS = 64  # in which some sound must be, for the rest to be believed


def media_kind(data: bytes) -> str | None:
    """The nearest of our kinds of recordings, for what PyAV finds sound in; None for what is none, and without PyAV."""
    try:
        import av
    except ImportError:
        return None
    try:
        with av.open(io.BytesIO(data), mode="r", metadata_errors="ignore") as container:
            if not container.streams.audio:
                return None
            packets = zip(range(_PACKETS), container.demux(audio=0), strict=False)
            if not any(frame.samples for _, packet in packets for frame in packet.decode()):
                return None
            names = container.format.name.split(",")
            return next((_KINDS[name] for name in names if name in _KINDS), "wav")
    except (av.FFmpegError, OSError, ValueError, IndexError):
        return None
