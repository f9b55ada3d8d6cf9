"""The same sound, and the same words, whatever a recording is saved as."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autopicker_lab.benchmark.transcription import word_errors
from autopicker_lab.core import SourceFile, SpeechOptions
from autopicker_lab.extraction import open_source
from autopicker_lab.transcription.sound import RATE, Sound
from autopicker_lab.transcription.whisper import WhisperTranscriber

av = pytest.importorskip("av")
Samples = np.typing.NDArray[np.float32]
OPTIONS = {"mp3": {"b": "0", "q": "6"}, "ogg": {"strict": "-2"}}  # a bit rate that varies; FFmpeg's own Vorbis


def at_rate(samples: Samples, rate: int, passed: float = 0.5) -> Samples:
    """Speech at 16 kHz at another rate, `passed` of which is its band: by Fourier's transform, without an edge."""
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / RATE) > passed * rate] = 0
    count = round(len(samples) * rate / RATE)
    return (np.fft.irfft(spectrum, count) * count / len(samples)).astype(np.float32)


def saved(speech: Samples, form: str, codec: str, rate: int, layout: str, options: dict[str, str]) -> SourceFile:
    """Speech as a program saves it."""
    out = io.BytesIO()
    with av.open(out, "w", format=form) as target:
        track = target.add_stream(codec, rate=rate, layout=layout, options=options)
        frame = av.AudioFrame.from_ndarray(at_rate(speech, rate)[None], "fltp", "mono")
        frame.sample_rate = rate
        track.codec_context.open()
        size = track.codec_context.frame_size or 4096
        resampler = av.AudioResampler(track.codec_context.format, layout, rate, frame_size=size)
        for piece in (*resampler.resample(frame), *resampler.resample(None), None):
            target.mux(track.encode(piece))
    return open_source(out.getvalue(), f"speech.{form}")


def heard(file: SourceFile) -> Samples:
    """A recording at 16 kHz, its channels mixed."""
    return np.concatenate([block.channels.mean(axis=0) for block in Sound(file).blocks()])


def likeness(one: Samples, other: Samples) -> float:
    """How far the difference is below the sound, dB, where the delay and the level of a codec are made good."""
    count = min(len(one), len(other))
    one, other = one[:count], other[:count]
    late = int(np.argmax(np.fft.irfft(np.fft.rfft(one) * np.conj(np.fft.rfft(other)), count)))
    moved = np.roll(other, late)
    moved = moved * (one @ moved) / (moved @ moved)
    return float(10 * np.log10((one @ one) / max(((one - moved) ** 2).sum(), 1e-9)))


def forms() -> Iterator[tuple[str, str, int, str, float]]:
    """Container, codec, rate, channels, and how like the sound must be: quieter than speech of 8 bits is its noise."""
    for rate in (8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000):
        yield "wav", "pcm_s16le", rate, "mono", 50
        yield "flac", "flac", rate, "mono", 50
    for codec, bound in (("pcm_u8", 25), ("pcm_s24le", 80), ("pcm_s32le", 80), ("pcm_f32le", 80), ("pcm_mulaw", 30)):
        yield "wav", codec, 16_000, "stereo", bound
    for form, codec, rates in (
        ("mp3", "libmp3lame", (8000, 22_050, 48_000)),
        ("mp4", "aac", (8000, 44_100, 96_000)),
        ("ogg", "vorbis", (16_000, 44_100, 96_000)),
        ("ogg", "libopus", (48_000,)),
        ("webm", "libopus", (48_000,)),
    ):
        for rate in rates:
            yield form, codec, rate, "stereo", 12


@pytest.fixture(scope="module")
def speech(samples: Path) -> Samples:
    """The announcement, at 16 kHz."""
    return heard(open_source(samples / "announcement.wav"))[: 6 * RATE]  # a whole number of samples at each rate


@pytest.mark.parametrize(("form", "codec", "rate", "layout", "bound"), list(forms()))
def test_the_sound_is_that_which_was_saved(
    form: str, codec: str, rate: int, layout: str, bound: float, speech: Samples
) -> None:
    sound = heard(saved(speech, form, codec, rate, layout, OPTIONS.get(form, {})))
    assert len(sound) / RATE == pytest.approx(
        len(speech) / RATE, abs=0.3
    )  # of AAC a frame or two of nothing goes before
    passed = 0.45 * min(rate, RATE)
    assert likeness(at_rate(speech, RATE, passed / RATE), at_rate(sound, RATE, passed / RATE)) > bound


def test_the_words_are_those_that_were_saved(speech: Samples, tmp_path: Path) -> None:
    transcriber = WhisperTranscriber(cache=tmp_path)
    kinds = [
        ("wav", "pcm_u8", 16_000, "mono"),
        ("flac", "flac", 48_000, "stereo"),
        ("mp3", "libmp3lame", 44_100, "stereo"),
        ("mp4", "aac", 96_000, "mono"),
        ("webm", "libopus", 48_000, "mono"),
    ]
    files = [saved(speech, *kind, OPTIONS.get(kind[0], {})) for kind in kinds]
    said = [transcriber.transcribe(file, SpeechOptions(language="en")).text for file in files]
    transcriber.release()
    known = "Good morning. The next boat to the island leaves from pier 4 at half past 8."
    assert all(word_errors(known, text)[0] <= 2 for text in said), said  # the small model hears a machine's voice
