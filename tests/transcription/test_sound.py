import io
import struct
import wave
from collections.abc import Iterator

import numpy as np
import pytest

from autopicker_lab.core import CorruptFileError, ExtractionLimitError, SourceFile
from autopicker_lab.extraction import open_source
from autopicker_lab.transcription.container import links
from autopicker_lab.transcription.recordings import open_recording
from autopicker_lab.transcription.sound import RATE, Sound

av = pytest.importorskip("av")
Samples = np.typing.NDArray[np.float32]


def tone(seconds: float, rate: int = RATE, level: float = 0.5, hertz: float = 440.0) -> Samples:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def wav(samples: Samples, rate: int = RATE) -> bytes:
    return open_recording((samples * 32767).astype(np.int16), rate).data


def packed(form: str, codec: str, samples: Samples, rate: int = RATE, at: float = 0.0) -> bytes:
    """Mono sound in a container, its clock beginning `at` seconds."""
    out = io.BytesIO()
    with av.open(out, "w", format=form) as target:
        track = target.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(track.codec_context.format, "mono", rate, frame_size=track.frame_size or 1024)
        frame = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
        frame.sample_rate, frame.pts = rate, round(at * rate)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            target.mux(track.encode(piece))
        target.mux(track.encode())
    return out.getvalue()


def read(data: bytes) -> tuple[Sound, Samples]:
    sound = Sound(SourceFile("made", data, "wav"))
    blocks = list(sound.blocks())
    assert [b.start for b in blocks] == list(np.cumsum([0, *[b.channels.shape[1] for b in blocks[:-1]]])[: len(blocks)])
    return sound, np.concatenate([b.channels for b in blocks], axis=1) if blocks else np.zeros((1, 0), np.float32)


@pytest.mark.parametrize(
    ("form", "codec"), [("webm", "libopus"), ("mp4", "aac"), ("flac", "flac"), ("mp3", "libmp3lame"), ("wav", "pcm_u8")]
)
def test_sound_keeps_its_length_in_every_container(form: str, codec: str) -> None:
    sound, samples = read(packed(form, codec, tone(2.0, 48_000), 48_000))
    assert sound.length == pytest.approx(2.0, abs=0.08)
    assert 0.3 < abs(samples).max() < 1.0
    assert sound.notes == []


def test_a_wav_whose_sizes_were_never_filled_in_is_whole() -> None:
    data = bytearray(wav(tone(1.0)))
    for size in (0, 0xFFFFFFFF):
        struct.pack_into("<I", data, 40, size)
        struct.pack_into("<I", data, 4, size)
        sound, _ = read(bytes(data))
        assert (round(sound.length, 2), sound.notes) == (1.0, [])


def test_half_of_a_recording_says_that_it_is_half() -> None:
    data = wav(tone(4.0))
    sound, _ = read(data[: len(data) // 2])
    assert sound.length == pytest.approx(2.0, abs=0.01)
    assert "cut off or damaged: it should be 4.0 s long" in sound.notes[0]


def test_what_follows_a_damaged_piece_is_not_lost() -> None:
    data = bytearray(packed("mp3", "libmp3lame", np.concatenate([tone(4.0), tone(4.0, hertz=880)])))
    data[len(data) // 2 : len(data) // 2 + 900] = b"\xff\xfb\x90" * 300
    sound, samples = read(bytes(data))
    assert sound.length > 7.0
    assert abs(samples[0, -RATE:]).max() > 0.3


@pytest.mark.parametrize("second", [RATE, 22_050])
def test_recordings_joined_end_to_end_are_heard_to_the_end(second: int) -> None:
    first = packed("ogg", "flac", tone(1.0))
    sound, samples = read(first + packed("ogg", "flac", tone(1.0, second), second))
    assert sound.length == pytest.approx(2.0, abs=0.1)
    assert abs(samples[0, -RATE // 2 :]).max() > 0.3
    assert read(wav(tone(1.0)) + wav(tone(1.0, 8000), 8000))[0].length == pytest.approx(2.0, abs=0.01)
    assert read(packed("mp4", "aac", tone(1.0)) * 2)[0].length == pytest.approx(2.0, abs=0.2)


def test_one_recording_is_not_cut_where_its_bytes_look_like_a_beginning() -> None:
    quiet = np.zeros(400, np.int16)
    quiet[10:14] = np.frombuffer(b"OggSRIFF", np.int16)
    data = open_recording(quiet, RATE).data
    assert list(links(data)) == [data]


def two_tracks(default: int) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as target:
        tracks = [target.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in range(2)]
        tracks[default].disposition = av.stream.Disposition.default
        for number, track in enumerate(tracks):
            frame = av.AudioFrame.from_ndarray((tone(1.0)[None] * number * 32767).astype(np.int16), "s16", "mono")
            frame.sample_rate = RATE
            target.mux(track.encode(frame))
            target.mux(track.encode())
    return out.getvalue()


@pytest.mark.parametrize("default", [0, 1])
def test_of_two_tracks_the_one_with_sound_is_heard(default: int) -> None:
    sound, samples = read(two_tracks(default))
    assert abs(samples).max() > 0.3
    assert sound.notes == ["of 2 tracks of sound the second was heard"]


def with_times(pieces: list[tuple[float, Samples]]) -> bytes:
    """PCM in Matroska, each piece at a time of its own."""
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as target:
        track = target.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for at, samples in pieces:
            frame = av.AudioFrame.from_ndarray((samples[None] * 32767).astype(np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = RATE, round(at * RATE)
            target.mux(track.encode(frame))
        target.mux(track.encode())
    return out.getvalue()


def test_a_gap_stays_a_gap() -> None:
    sound, samples = read(with_times([(0.0, tone(1.0)), (41.0, tone(1.0))]))
    assert sound.length == pytest.approx(42.0, abs=0.05)
    assert sound.notes == ["there is no sound from 1.0 to 41.0 s"]
    assert abs(samples[0, 2 * RATE : 40 * RATE]).max() == 0
    assert abs(samples[0, 41 * RATE + 800 :]).max() > 0.3


def broken() -> Iterator[tuple[str, bytes]]:
    yield "random", np.random.default_rng(1).bytes(5000)
    yield "nothing but a header", wav(tone(0.0))[:30]
    yield "an index that is missing", packed("mp4", "aac", tone(1.0))[:-400]


@pytest.mark.parametrize(("what", "data"), list(broken()))
def test_what_cannot_be_decoded_is_an_error_of_ours(what: str, data: bytes) -> None:
    with pytest.raises(CorruptFileError, match="not a readable recording") as caught:
        read(data)
    assert "Errno" not in str(caught.value)


def test_a_film_without_sound_is_told_to_have_none() -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as target:
        track = target.add_stream("mpeg4", rate=5)
        track.width = track.height = 32
        target.mux(track.encode(av.VideoFrame(32, 32, "yuv420p")))
        target.mux(track.encode())
    with pytest.raises(CorruptFileError, match="has no sound"):
        Sound(SourceFile("film.mp4", out.getvalue(), "m4a"))


def test_days_of_sound_are_refused_before_they_are_decoded() -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setparams((1, 1, 1, 0, "NONE", ""))
        out.writeframes(bytes(100_000))
    with pytest.raises(ExtractionLimitError, match="longer than 8 hours"):
        Sound(SourceFile("endless.wav", buffer.getvalue(), "wav"))


@pytest.mark.parametrize(("form", "codec", "rate"), [("amr", "libopencore_amrnb", 8000), ("au", "pcm_s16be", 8000)])
def test_what_no_signature_tells_is_asked_of_the_decoder(form: str, codec: str, rate: int) -> None:
    if codec not in av.codecs_available:
        codec, form = "ac3", "ac3"
        rate = 48_000
    data = packed(form, codec, tone(1.0, rate), rate)
    assert open_source(data, "upload").category == "audio"


@pytest.mark.parametrize(("count", "names"), [(2, ("FL", "FR")), (6, ("FL", "FR", "FC", "LFE", "BL", "BR"))])
def test_channels_that_a_file_does_not_name_are_the_usual_ones(count: int, names: tuple[str, ...]) -> None:
    samples = np.stack([tone(0.2)] * count, axis=1)
    sound = Sound(SourceFile("made.wav", wav(samples), "wav"))
    assert [block.names for block in sound.blocks()] == [names]
