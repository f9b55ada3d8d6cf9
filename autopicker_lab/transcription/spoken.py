"""Which language each window of a recording is in: the one of the recording, until another is heard beyond doubt."""

from __future__ import annotations

_SURE = 0.5  # probability of a language from which no more windows are asked
_OTHER, _OTHER_SHORT = 0.8, 0.92  # of another language than the recording's: in two seconds of voice, in less
_SHORT_S, _LEAST_S = 2.0, 0.8


class SpokenLanguages:
    """What is known of a recording's languages, window after window.

    Attributes:
        seconds: of voice in each language so far.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._evidence: dict[str, float] = {}
        self._weight = 0.0

    @property
    def main(self) -> str | None:
        """The language of most of what was heard; None before anything was."""
        return max(self._evidence, key=lambda code: self._evidence[code]) if self._evidence else None

    @property
    def probability(self) -> float:
        """Of the main language: the mean over what was heard."""
        return self._evidence[self.main] / self._weight if self.main is not None and self._weight else 0.0

    @property
    def sure(self) -> bool:
        """Whether no more need be heard to tell the main language."""
        return self.probability >= _SURE

    def listen(self, probabilities: dict[str, float], voiced_s: float) -> None:
        """Take what a window of so many seconds of voice sounds like."""
        weight = min(max(voiced_s, 0.1), 10.0)
        self._weight += weight
        for code, probability in probabilities.items():
            self._evidence[code] = self._evidence.get(code, 0.0) + weight * probability

    def of(self, probabilities: dict[str, float], voiced_s: float) -> str:
        """The language of a window or a part of one."""
        heard = max(probabilities, key=lambda code: probabilities[code])
        main = self.main or heard
        if heard == main or voiced_s < _LEAST_S:
            return main
        return heard if probabilities[heard] >= (_OTHER if voiced_s >= _SHORT_S else _OTHER_SHORT) else main

    def count(self, language: str, voiced_s: float) -> None:
        """Take down what a window was heard as."""
        self.seconds[language] = self.seconds.get(language, 0.0) + voiced_s
