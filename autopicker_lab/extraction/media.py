"""What is sound, or a film with sound, by the word of the decoder: signatures know only the most common containers.

The decoder is large, and what it is shown here is known to nobody: it is asked in a process that can be killed.
"""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import suppress

_KINDS = {"mov": "m4a", "mp4": "m4a", "asf": "m4a", "flv": "m4a", "mpegts": "m4a", "aac": "m4a", "avi": "m4a",
          "matroska": "ogg", "webm": "ogg", "ogg": "ogg", "mp3": "mp3", "flac": "flac"}  # fmt: skip
_PACKETS = 64  # in which some sound must be, for the rest to be believed
_LONGEST_S = 20.0
_MEMORY = 2**31  # bytes
_killable: list[bool] = []  # whether this process is one that its parent may kill


def ask_here() -> None:
    """Say that this process reads what nobody trusts, and may be killed: the decoder is asked in it from now on."""
    _killable[:] = [True]


def media_kind(data: bytes) -> str | None:
    """The nearest of our kinds of recordings, for what PyAV finds sound in; None for what is none, and without PyAV."""
    return decoder_kind(data) if _killable else _asked_apart(data)


def _asked_apart(data: bytes) -> str | None:
    """The answer of a process of its own; None where it took too long, or its process came to an end."""
    command = [sys.executable, "-P", __file__]  # -P: what stands in this folder is no module by its bare name
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        done = subprocess.run(command, input=data, capture_output=True, timeout=_LONGEST_S, check=True)
        return done.stdout.decode() or None
    return None


def decoder_kind(data: bytes) -> str | None:
    """The same, asked in this process."""
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


def _answer() -> None:
    """Write the kind of what comes in, within bounds of memory where the system knows them."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    sys.stdout.write(decoder_kind(sys.stdin.buffer.read()) or "")


if __name__ == "__main__":
    _answer()
