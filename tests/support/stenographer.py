"""A service that hears live speech with a stand-in: a word for each second, and one that it is not sure of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from autopicker_lab import Settings, Workbench
from autopicker_lab.core import SpeechOptions, Word
from autopicker_lab.service.app import create_app
from autopicker_lab.transcription.languages import language_code
from autopicker_lab.transcription.live import LiveTranscript
from autopicker_lab.transcription.sound import RATE
from support.serving import serving


class Reading(LiveTranscript):
    """Hears a word a second, the last of which it is not sure of."""

    def __init__(self, options: SpeechOptions):
        super().__init__(lambda: None, options)  # type: ignore[arg-type,return-value]  # no model is lent
        self.language = options.language or "en"

    def _words(self, voice: Any, ended: bool) -> Any:
        first, last = self._base / RATE, (self._base + len(self._samples)) / RATE
        seconds = range(int(first) + 1, int(last) + 1)
        words = [Word(float(at), at + 0.5, f" word{at}", 0.9) for at in seconds]
        return [*words, Word(last, last, f" maybe{len(words)}", 0.3)]


class Stenographer:
    """Reads with no model."""

    model = "stenographer"

    def __init__(self) -> None:
        self.asked: list[SpeechOptions] = []

    def live(self, options: SpeechOptions = SpeechOptions()) -> LiveTranscript:
        self.asked.append(options)
        return Reading(replace(options, language=language_code(options.language)))

    def release(self) -> None:
        """Nothing is kept."""


@contextmanager
def served(home: Path, **settings: Any) -> Iterator[str]:
    with Workbench(Settings.load(autopicker_home=home, **settings)) as lab:
        lab.transcriber = Stenographer()  # type: ignore[assignment]
        with serving(create_app(lab)) as address:
            yield address
