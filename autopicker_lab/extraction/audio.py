"""Reader for recordings: what the container says of itself. Speech is the subject of `transcription`."""

from __future__ import annotations

import io

from autopicker_lab.core import CorruptFileError, Document, Part, SourceFile
from autopicker_lab.core.optional import require

NOT_TRANSCRIBED = "speech is not part of this text: transcribe the file to read it"


def read_audio(file: SourceFile) -> Document:
    """A line about a recording; duration, codec, sample rate and tags as metadata."""
    require("av")
    import av

    try:
        with av.open(io.BytesIO(file.data), mode="r", metadata_errors="replace") as container:
            stream = next(iter(container.streams.audio), None)
            if stream is None:
                raise CorruptFileError(f"'{file.name}' holds no sound", "choose a recording")
            duration = None if container.duration is None else container.duration / av.time_base
            meta = {
                "duration_s": None if duration is None else round(duration, 3),
                "codec": stream.codec_context.name,
                "sample_rate_hz": stream.sample_rate,
                "channels": stream.channels,
                "bit_rate": container.bit_rate or None,
                "tags": dict(container.metadata),
            }
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise CorruptFileError(
            f"'{file.name}' is not a readable recording: {error}", "record or save it again"
        ) from None
    length = "of unknown length" if duration is None else f"of {duration:.1f} s"
    description = f"{file.kind.upper()} recording {length}, {meta['codec']}, {meta['sample_rate_hz']} Hz"
    return Document(file.name, file.kind, (Part("recording", description),), meta, (NOT_TRANSCRIBED,))
