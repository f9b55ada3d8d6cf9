from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autopicker_lab.benchmark import transcription
from autopicker_lab.benchmark.speech import AS_IT_IS, CONDITIONS, JOINED, OURS, WAYS, chosen, joined, samples_of, under
from autopicker_lab.benchmark.speech_ratios import ratios
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.transcription.recordings import open_recording
from autopicker_lab.transcription.sound import RATE, Sound


def tone(seconds: float = 2.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * 1000 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def heard(condition: str) -> np.ndarray:
    file = under(condition, open_recording(tone(), RATE))
    return np.concatenate([block.channels[0] for block in Sound(file).blocks()])


def test_noise_is_as_far_below_the_sound_as_its_name_says() -> None:
    noise = heard("noise 20 dB") - tone()
    assert 10 * np.log10((tone() ** 2).mean() / (noise**2).mean()) == pytest.approx(20, abs=0.3)


def test_a_telephone_keeps_a_voice() -> None:
    assert np.sqrt((heard("telephone")[1000:-1000] ** 2).mean()) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)


def test_recordings_are_joined_until_it_is_long_enough(tmp_path: Path) -> None:
    (tmp_path / "long.wav").write_bytes(open_recording(tone(50.0), RATE).data)
    file, truth = joined([(tmp_path / "long.wav", f"words {at}") for at in range(2)], JOINED["two minutes"])
    assert truth == "words 0 words 1 words 0"  # and again from the first
    assert len(samples_of(file)) / RATE == pytest.approx(151.5, abs=0.01)


def test_names_that_are_unknown_are_refused_with_those_that_are_known() -> None:
    assert chosen(" autopicker, faster-whisper beam 1 ", list(WAYS), "ways") == [OURS, "faster-whisper beam 1"]
    for names in ("quiet", ""):
        with pytest.raises(InvalidRequestError, match="unknown condition") as told:
            chosen(names, list(CONDITIONS), "conditions")
        assert "telephone" in told.value.hint


def row(way: str, condition: str, errors: int | None, rtf: float | None, error: str = "") -> dict[str, object]:
    known = {"file": "a.wav", "format": "wav", "language": "en", "seconds": 10.0, "words": 10, "error": error}
    return known | {"way": way, "condition": condition, "errors": errors, "rtf": rtf, "cpu_rtf": rtf}


def test_ways_are_summed_up_apart_and_failures_are_counted() -> None:
    bare = "faster-whisper beam 1"
    results = pd.DataFrame(
        [
            row(OURS, AS_IT_IS, 1, 0.1),
            row(OURS, "telephone", 3, 0.3),
            row(bare, AS_IT_IS, 2, 0.2),
            row(bare, "telephone", None, None, "ValueError: no"),
        ]
    )
    figures = transcription.summary(results)
    assert (figures["recordings"], figures["failures"], figures["wer"]) == (1, 0, 0.1)
    assert figures["ways"][OURS]["wer"] == 0.2
    assert figures["ways"][bare] == {"wer": 0.2, "rtf_median": 0.2, "cpu_rtf": 0.2, "failures": 1}
    table = transcription.compare(results)
    assert table.loc["telephone", OURS] == 0.3
    assert np.isnan(table.loc["telephone"].get(bare, np.nan))
    assert len(transcription.plot(results).collections) == 2
    assert len(transcription.plot_conditions(results).patches) == 4


def test_our_choice_is_compared_with_the_best_of_the_others() -> None:
    fast, exact = "faster-whisper beam 1", "faster-whisper beam 5"
    results = pd.DataFrame([row(OURS, AS_IT_IS, 1, 0.2), row(fast, AS_IT_IS, 4, 0.1), row(exact, AS_IT_IS, 2, 0.4)])
    french = results.assign(file="b.wav", language=["fr", "en", "fr"], errors=[2, 8, 2])
    table = ratios(pd.concat([results, french]))
    assert table[["condition", "language", "errors", "best", "time"]].values.tolist() == [
        [AS_IT_IS, "English", 0.1, 0.2, pytest.approx(2.0)],
        [AS_IT_IS, "others", 0.2, 0.2, pytest.approx(2.0)],
    ]
    assert ratios(results[results["way"] == OURS]).empty
