"""Sound in the containers of browsers, phones and films."""

import io

import av
import pytest

from autopicker_lab import Workbench, assets
from autopicker_lab.core import CorruptFileError
from autopicker_lab.extraction import ExtractionPool, extract, media, open_source

CONTAINERS = [
    ("webm", "libopus", "rec.webm", "ogg"),
    ("matroska", "flac", "film.mkv", "ogg"),
    ("mov", "aac", "film.mov", "m4a"),
    ("mp4", "aac", "film.mp4", "m4a"),
    ("3gp", "aac", "call.3gp", "m4a"),
    ("adts", "aac", "radio.aac", "m4a"),
    ("flv", "aac", "stream.flv", "m4a"),
    ("aiff", "pcm_s16be", "studio.aiff", "wav"),
    ("caf", "pcm_s16le", "memo.caf", "wav"),
]


def packed(container: str, codec: str) -> bytes:
    """The sample recording in another container."""
    out = io.BytesIO()
    with av.open(assets.samples() / "announcement.wav") as source, av.open(out, "w", format=container) as target:
        stream = target.add_stream(codec, rate=48000 if codec == "libopus" else 44100, layout="mono")
        assert isinstance(stream, av.AudioStream)
        resampler = av.AudioResampler(stream.codec_context.format, "mono", stream.rate)
        for frame in source.decode(audio=0):
            for piece in resampler.resample(frame):
                target.mux(stream.encode(piece))
        target.mux(stream.encode())
    return out.getvalue()


@pytest.mark.parametrize(("container", "codec", "name", "kind"), CONTAINERS)
def test_the_sound_of_other_containers_is_read(container: str, codec: str, name: str, kind: str) -> None:
    document = extract(packed(container, codec), name=name)
    assert (document.kind, document.metadata["channels"]) == (kind, 1)
    assert document.metadata["codec"].startswith(codec.removeprefix("lib")[:3])


def test_a_recording_of_a_browser_is_transcribed(lab: Workbench) -> None:
    transcript = lab.transcribe(open_source(packed("webm", "libopus"), "recording.webm"))
    assert "boat to the island leaves" in transcript.text


def test_the_decoder_is_shown_what_nobody_knows_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(data: bytes) -> str:
        raise AssertionError(f"{len(data)} bytes were decoded here")

    film = packed("mpegts", "aac")
    monkeypatch.setattr(media, "decoder_kind", never)
    assert open_source(film, "film").kind == "m4a"
    monkeypatch.setattr(media, "_LONGEST_S", 0.0)  # which no answer keeps
    with pytest.raises(CorruptFileError, match=r"'film\.webm' is not a readable WEBM file"):
        open_source(film, "film.webm")


def test_a_process_that_may_be_killed_asks_the_decoder_itself() -> None:
    assert not media._killable
    with ExtractionPool(workers=1) as pool:
        assert pool.run("film", _kind_in_a_worker, packed("mpegts", "aac")).result() == ("m4a", True)


def _kind_in_a_worker(data: bytes) -> tuple[str | None, bool]:
    import sys

    return media.media_kind(data), "av" in sys.modules
