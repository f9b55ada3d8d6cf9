from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autopicker_lab.core import SpeechOptions
from autopicker_lab.transcription.placing import Heard
from autopicker_lab.transcription.recogniser import Recogniser, evenly
from autopicker_lab.transcription.searching import Encoded, Search
from autopicker_lab.transcription.sound import RATE
from autopicker_lab.transcription.spoken import SpokenLanguages
from autopicker_lab.transcription.voice import Window


def window(start: float, seconds: float) -> Window:
    """A window that is voice from end to end."""
    first, behind = round(start * RATE), round((start + seconds) * RATE)
    return Window("", first, np.zeros(behind - first, np.float32), ((first, behind),), 0.9)


def said(start: float, end: float, text: str) -> Any:
    figures = {"avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.0, "temperature": 0.0}
    return SimpleNamespace(start=start, end=end, text=text, tokens=[1], words=None, **figures)


BEAMS: list[int] = []
"""Candidates of each search."""


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[list[float]]:
    """Seconds of the windows that were searched together, of each search; each text ends a second early."""
    made: list[list[float]] = []
    BEAMS.clear()

    def together(_: Search, encoded: list[Encoded], languages: list[str], beam: int) -> list[Heard]:
        lengths = [len(one.window.samples) / RATE for one in encoded]
        made.append(lengths)
        BEAMS.append(beam)
        return [
            Heard((said(0.0, s - 1, f" {s:g}"),), s - 1) if s > 2 else Heard((said(0, s, " end"),)) for s in lengths
        ]

    def one(self: Search, encoded: Encoded, language: str, beam: int, temperature: float | None = None) -> Heard:
        return together(self, [encoded], [language], beam)[0]

    def encode(_: Recogniser, of: Window, whole: bool = False, least: int = 0) -> Encoded:
        return Encoded(of, None, np.zeros((1, max(least, 1), 1)))

    monkeypatch.setattr(Search, "together", together)
    monkeypatch.setattr(Search, "one", one)
    monkeypatch.setattr(Recogniser, "_encode", encode)
    return made


def test_windows_of_one_length_are_searched_together_and_what_their_text_leaves_is_heard(
    searches: list[list[float]],
) -> None:
    model = SimpleNamespace(model=SimpleNamespace(is_multilingual=True))
    recogniser = Recogniser(model, SpeechOptions(language="en"), SpokenLanguages(), lambda: False)
    windows = [window(0, 20), window(30, 18), window(60, 5), window(90, 20)]
    group = [recogniser.listen(one, frames) for one, frames in evenly(windows)]
    recogniser.search_together(group)
    assert searches == [[20.0, 18.0, 20.0], [5.0]]
    assert BEAMS == [1, 5]  # those together are searched greedily; for one alone there is time
    segments = [segment for one in group for segment in recogniser.write(one)]
    assert [s.text for s in segments] == ["20", "end", "18", "end", "5", "end", "20", "end"]
    assert segments[1].start == 19.0
    assert segments[-1].end == 110.0


def test_short_windows_are_not_encoded_as_long_as_a_long_one() -> None:
    frames = [least for _, least in evenly([window(0, 28), window(30, 25), window(60, 3)])]
    assert frames[0] == frames[1] > 2800
    assert frames[2] < frames[0]


def test_a_window_that_still_grows_is_read_once_and_one_that_ended_to_its_end(searches: list[list[float]]) -> None:
    model = SimpleNamespace(model=SimpleNamespace(is_multilingual=True))
    recogniser = Recogniser(model, SpeechOptions(language="en"), SpokenLanguages(), lambda: False)
    assert [s.text for s in recogniser.draft(window(0, 9))] == ["9"]
    assert (searches, BEAMS) == ([[9.0]], [1])
    assert [s.text for s in recogniser.hear(window(0, 9))] == ["9", "end"]
