import io
import wave
from pathlib import Path

import numpy as np
import pytest

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.transcription.languages import LANGUAGES, language_code
from autopicker_lab.transcription.recordings import open_recording


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32"])
def test_samples_are_a_recording(dtype: str) -> None:
    samples = np.array([[0, 1], [-1, 0.5]]) * (1 if dtype == "float32" else np.iinfo(dtype).max)
    file = open_recording(samples.astype(dtype), 22_050)
    with wave.open(io.BytesIO(file.data)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getnframes()) == (22_050, 2, 2)
    assert (file.kind, file.category) == ("wav", "audio")


def test_what_is_open_and_what_is_in_memory_is_a_recording(tmp_path: Path) -> None:
    data = open_recording(np.zeros(160, "int16"), 16_000).data
    (path := tmp_path / "note.wav").write_bytes(data)
    with path.open("rb") as file:
        assert open_recording(file).name == "note.wav"
    assert open_recording(io.BytesIO(data)).data == open_recording(bytearray(data)).data == data


@pytest.mark.parametrize(
    ("source", "rate", "what"),
    [
        (np.zeros(9, "float32"), None, "no rate of their own"),
        (np.zeros(9, "float32"), 0, "no rate of their own"),
        (np.zeros((2, 2, 2)), 16_000, "of shape"),
        (np.zeros(9, bool), 16_000, "of type bool"),
        (b"RIFF", 16_000, "samples alone"),
        (io.StringIO("text"), None, "opened as text"),
    ],
)
def test_what_is_no_recording_is_refused(source: object, rate: int | None, what: str) -> None:
    with pytest.raises(InvalidRequestError, match=what):
        open_recording(source, rate)


def test_infinite_samples_are_cut_off_rather_than_wrapped() -> None:
    data = open_recording(np.array([np.nan, np.inf, -np.inf, 7.0]), 8000).data
    with wave.open(io.BytesIO(data)) as sound:
        loudest = 2**31 - 1
        assert np.frombuffer(sound.readframes(4), "<i4").tolist() == [0, loudest, -loudest, loudest]


@pytest.mark.parametrize("said", ["de", "German", " german ", "de-AT", "de_CH", "DEU", "ger"])
def test_a_language_is_known_by_code_name_and_locale(said: str) -> None:
    assert language_code(said) == "de"


def test_every_language_of_the_recogniser_is_known() -> None:
    tokenizer = pytest.importorskip("faster_whisper.tokenizer")
    assert set(LANGUAGES) == set(tokenizer._LANGUAGE_CODES)
    assert language_code("auto") is language_code("") is language_code(None) is None
    with pytest.raises(InvalidRequestError, match="unknown language 'xx'"):
        language_code("xx")
