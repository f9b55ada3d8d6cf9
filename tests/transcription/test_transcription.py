import hashlib
import io
import json
import subprocess
import sys
import threading
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.serving import free_port

from autopicker_lab import Workbench
from autopicker_lab.core import (
    CorruptFileError,
    ExtractionLimitError,
    InvalidRequestError,
    ModelUnavailableError,
    SpeechOptions,
)
from autopicker_lab.extraction import open_source
from autopicker_lab.transcription import WhisperTranscriber, weights
from autopicker_lab.transcription.sound import Sound

pytestmark = pytest.mark.slow  # Whisper, really

SENTENCE = "Please keep your ticket until the end of the journey"


@pytest.mark.parametrize("kind", ["wav", "mp3", "m4a", "ogg", "flac"])
def test_speech_is_heard_in_every_format(lab: Workbench, samples: Path, kind: str) -> None:
    transcript = lab.transcribe(samples / f"announcement.{kind}")
    assert SENTENCE in transcript.text
    assert transcript.language == "en"
    assert transcript.duration == pytest.approx(12.9, abs=0.1)
    assert 0 <= transcript.segments[0].start < transcript.segments[-1].end <= transcript.duration + 0.5
    json.dumps(transcript.to_dict())
    assert transcript._repr_html_()


def test_speech_is_recognised_after_a_picture_in_the_same_process(samples: Path) -> None:
    script = (
        "import sys; from autopicker_lab import Workbench, extract; extract(sys.argv[1]); lab = Workbench(); "
        "print(lab.transcribe(sys.argv[2]).text)"
    )
    files = [samples / "sign.jpg", samples / "announcement.wav"]
    process = subprocess.run([sys.executable, "-c", script, *files], capture_output=True, text=True, check=True)
    assert SENTENCE in process.stdout


def test_words_have_times(lab: Workbench, samples: Path) -> None:
    transcript = lab.transcribe(samples / "announcement.wav", words=True)
    words = [word for segment in transcript.segments for word in segment.words]
    assert "ticket" in [word.text.strip(" .,") for word in words]
    assert all(a.start <= b.start for a, b in pairwise(words))


def test_progress_is_told_and_stops_the_work(lab: Workbench, samples: Path) -> None:
    counts: list[Any] = []

    def progress(*count: Any) -> bool:
        counts.append(count)
        return False

    transcript = lab.transcribe(samples / "announcement.flac", language="en", progress=progress)
    assert counts[0] in ((0, 0), (0, 13))  # before it is decoded, or after
    assert "stopped before the end" in transcript.warnings


def test_a_stop_does_not_wait_for_the_half_minute_that_is_being_heard(samples: Path, tmp_path: Path) -> None:
    transcriber = WhisperTranscriber(cache=tmp_path)
    file = open_source(samples / "announcement.wav")
    progress_answers = iter((True, False))
    stopped = transcriber.transcribe(file, progress=lambda done, total: next(progress_answers))
    assert any(thread.name == "autopicker-lab iterate" for thread in threading.enumerate())  # it is at it still
    assert (stopped.segments, stopped.warnings) == ((), ("stopped before the end",))
    assert SENTENCE in transcriber.transcribe(file).text  # waits for it, then goes on
    transcriber.release()


def test_silence_is_a_warning(lab: Workbench) -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setparams((1, 2, 16000, 0, "NONE", ""))
        out.writeframes(bytes(32000))
    transcript = lab.transcriber.transcribe(open_source(buffer.getvalue(), "silence.wav"))
    assert (transcript.text, transcript.language, transcript.duration) == ("", None, 1.0)
    assert "no speech" in transcript.warnings[0]


def test_what_cannot_be_heard_is_refused(lab: Workbench, samples: Path) -> None:
    with pytest.raises(InvalidRequestError, match="not an audio file"):
        lab.transcribe(samples / "notes.txt")
    with pytest.raises(InvalidRequestError, match="unknown language"):
        lab.transcribe(samples / "announcement.wav", language="xx")
    with pytest.raises(InvalidRequestError, match="unknown task"):
        lab.transcribe(samples / "announcement.wav", task="sing")
    with pytest.raises(CorruptFileError):
        lab.transcribe(open_source(b"ID3\x04" + bytes(500), "broken.mp3"))


def test_days_of_sound_in_a_few_kilobytes_are_refused(lab: Workbench) -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setparams((1, 1, 1, 0, "NONE", ""))
        out.writeframes(bytes(200_000))
    with pytest.raises(ExtractionLimitError, match="longer than 8 hours"):
        lab.transcribe(open_source(buffer.getvalue(), "endless.wav"))


def test_the_model_is_let_go_and_comes_back(samples: Path, tmp_path: Path) -> None:
    transcriber = WhisperTranscriber(cache=tmp_path, keep_warm_s=600)
    file = open_source(samples / "announcement.ogg")
    assert SENTENCE in transcriber.transcribe(file).text
    transcriber.release()
    assert transcriber._loaded is None
    assert SENTENCE in transcriber.transcribe(file).text
    transcriber.release()


def test_weights_are_checked_against_the_published_sums(tmp_path: Path) -> None:
    folder = weights.assemble(tmp_path / "base")
    assert weights.SHA256["model.bin"].startswith("d01c3014881c9c6f")
    for name, expected in weights.SHA256.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected


def test_weights_that_do_not_match_are_refused_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(weights.SHA256, "config.json", "0" * 64)
    with pytest.raises(ModelUnavailableError, match=r"config\.json .* does not match"):
        weights.assemble(tmp_path / "base")
    assert list(tmp_path.iterdir()) == []


def test_damaged_weights_are_put_together_again(tmp_path: Path) -> None:
    folder = weights.assemble(tmp_path / "base")
    (folder / "model.bin").write_bytes(b"short")
    assert (weights.assemble(tmp_path / "base") / "model.bin").stat().st_size == 145217532


def test_a_model_that_cannot_be_fetched_says_what_to_do(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    transcriber = WhisperTranscriber(model="/nowhere/whisper", cache=tmp_path)
    with pytest.raises(ModelUnavailableError, match="WHISPER_MODEL=base"):
        transcriber.transcribe(open_source(samples / "announcement.ogg"))


def spoken(samples: Path) -> Any:
    """The announcement as samples of 16 kHz."""
    file = open_source(samples / "announcement.wav")
    return np.concatenate([block.channels[0] for block in Sound(file).blocks()])


def test_what_is_said_after_a_long_pause_is_heard_where_it_is_said(lab: Workbench, samples: Path) -> None:
    speech = spoken(samples)
    pause = np.zeros(35 * 16000, np.float32)
    transcript = lab.transcribe(np.concatenate([speech, pause, speech]), rate=16000, words=True)
    seconds = len(speech) / 16000
    assert transcript.text.count(SENTENCE) == 2
    assert not any(s.start < seconds + 34 and s.end > seconds + 1 for s in transcript.segments)
    assert all(a.end <= b.start + 0.01 for a, b in pairwise(transcript.segments))
    assert all(s.start <= w.start <= w.end <= s.end for s in transcript.segments for w in s.words)


def test_both_sides_of_a_call_are_heard_though_they_speak_at_once(lab: Workbench, samples: Path) -> None:
    speech = spoken(samples)
    other = np.roll(speech, len(speech) // 2)
    transcript = lab.transcribe(np.stack([speech, other], axis=1), rate=16000)
    assert {s.speaker for s in transcript.segments} == {"left", "right"}
    left = " ".join(s.text for s in transcript.segments if s.speaker == "left")
    assert SENTENCE in left


def test_the_beam_the_filter_and_a_prompt_can_be_set(lab: Workbench, samples: Path) -> None:
    quietly = lab.transcribe(samples / "announcement.ogg", beam=2, vad=False, language="English", hotwords="ticket")
    assert SENTENCE in quietly.text
    assert quietly.language == "en"
    with pytest.raises(InvalidRequestError, match="beam"):
        lab.transcribe(samples / "announcement.ogg", beam=0)


def test_windows_that_are_searched_together_are_heard_each_at_its_place(lab: Workbench, samples: Path) -> None:
    speech = spoken(samples)
    pause = np.zeros(3 * 16000, np.float32)
    transcript = lab.transcribe(np.concatenate([speech, pause] * 3), rate=16000, language="en")
    assert transcript.text.count(SENTENCE) == 3
    apart = (len(speech) + len(pause)) / 16000
    starts = [
        min(s.start for s in transcript.segments if s.start >= place * apart - 0.2 and s.text) for place in range(3)
    ]
    assert [b - a for a, b in pairwise(starts)] == pytest.approx([apart, apart], abs=0.5)


class TestGraphicsCard:
    """A card is said to be there, which this machine's driver then denies; with a real one see the README."""

    def test_one_that_fails_leaves_the_processor(
        self, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 1)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        transcriber = WhisperTranscriber(cache=tmp_path)
        assert SENTENCE in transcriber.transcribe(open_source(samples / "announcement.wav")).text
        assert transcriber.card_fails
        assert transcriber.card_fails in caplog.text
        transcriber.release()

    def test_one_that_is_lost_meanwhile_is_not_asked_again(
        self, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Lost:
            """The model on a card whose memory another process took."""

            device = "cuda"

            def __getattr__(self, name: str) -> Any:
                raise RuntimeError("CUDA failed with error out of memory")

        transcriber = WhisperTranscriber(cache=tmp_path)
        file = open_source(samples / "announcement.wav")
        monkeypatch.setattr(transcriber.engine, "model", Lost())
        with pytest.raises(ModelUnavailableError, match="out of memory") as caught:
            transcriber.transcribe(file, SpeechOptions(language="en"))
        assert "send it again" in caught.value.hint
        assert SENTENCE in transcriber.transcribe(file).text
        assert transcriber.engine.model.device == "cpu"
        assert "out of memory" in (transcriber.card_fails or "")
        transcriber.release()
