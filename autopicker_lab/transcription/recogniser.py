"""Windows of speech into Segments: their languages, the first search, and what is done where it fails."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.transcription.placing import Heard, halves, placed, turns_of, unwritten
from autopicker_lab.transcription.searching import Encoded, Search, part_of
from autopicker_lab.transcription.sound import RATE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autopicker_lab.core import Segment, SpeechOptions
    from autopicker_lab.transcription.spoken import SpokenLanguages
    from autopicker_lab.transcription.voice import Window

_HALF_MINUTE = 3000  # frames of 10 ms that Whisper was trained on
_SAMPLES = RATE // 100  # of a frame
_CLEAR = -0.4  # mean log probability from which one candidate suffices where windows are searched together
_CANDIDATES = 5  # of the search of a window alone, for which there is time, and of what is not clear
_TURN_S = 1.2  # the shortest turn in another language
_ROOM, _LEAST = 200, 1000  # frames behind a window's sound; of the shortest that is encoded
_LIKELY, _LEAST_TURN = 0.3, 400  # a turn's language is not doubted from there on; frames that it is encoded in
_ALIKE = 0.7  # of the longest window's length, from which another is encoded at that length, to be searched with it
_LEFT_S = 0.3  # of voice behind the end of a text that is worth another search


@dataclass
class Listened:
    """A window that was listened to, on its way to its text.

    Attributes:
        probabilities: of languages; empty where the recording's is known.
        turns: parts of it in one language each.
        first: what the first search found, which is made for several windows together.
        beam: candidates of that search.
    """

    encoded: Encoded
    probabilities: dict[str, float]
    turns: list[tuple[Window, str]] = field(default_factory=list)
    first: Heard | None = None
    beam: int = 1


class Recogniser:
    """Hears one recording, window by window, with a model of faster-whisper.

    Args:
        options: `language` as Whisper's code.
        languages: what is known of the recording's languages; told of each window.
        stopped: whether what is found will be thrown away.
    """

    def __init__(self, model: Any, options: SpeechOptions, languages: SpokenLanguages, stopped: Callable[[], bool]):
        self._stopped = stopped
        self._model = model
        self._options = options
        self._languages = languages
        self._known = options.language or (None if model.model.is_multilingual else "en")
        self._search = Search(model, options, stopped)

    @property
    def sure(self) -> bool:
        """Whether no more windows need be listened to before the language is told."""
        return self._known is not None or self._languages.sure

    def listen(self, window: Window, least: int = _LEAST) -> Listened:
        """Encode a window, in at least so many frames, and learn of the recording's languages from it."""
        encoded = self._encode(window, least=least)
        probabilities = {} if self._known is not None else self._probabilities(encoded.output)
        if probabilities:
            self._languages.listen(probabilities, window.voiced_s)
        return Listened(encoded, probabilities)

    def search_together(self, group: Sequence[Listened]) -> None:
        """Tell the languages of windows, and make the first search for those of one shape together."""
        alike: dict[int, list[Listened]] = defaultdict(list)
        for one in group:
            one.turns = self._turns(one)
            if len(one.turns) == 1 and self._options.temperature is None:
                alike[one.encoded.output.shape[1]].append(one)
        for several in alike.values():
            if not self._stopped():
                languages = [one.turns[0][1] for one in several]
                beam = self._options.beam or (_CANDIDATES if len(several) == 1 else 1)
                found = self._search.together([one.encoded for one in several], languages, beam)
                for one, heard in zip(several, found, strict=True):
                    one.first, one.beam = heard, beam

    def hear(self, window: Window) -> list[Segment]:
        """The segments of a window alone."""
        one = self.listen(window)
        self.search_together([one])
        return self.write(one)

    def draft(self, window: Window) -> list[Segment]:
        """The segments of a window that is still growing, in the language that it seems to be in.

        One search is made, and what is done where it fails.
        """
        one = self.listen(window)
        language = self._known or self._languages.of(one.probabilities, window.voiced_s)
        (heard,) = self._search.together([one.encoded], [language], self._options.beam or 1)
        if heard.failed(window.voiced_s):
            return self._written(one.encoded, language, first=heard)
        return placed(window, heard, language)

    def write(self, one: Listened) -> list[Segment]:
        """The segments of a window, within its voice, in order."""
        if len(one.turns) == 1:
            return self._written(one.encoded, one.turns[0][1], first=one.first, beam=one.beam)
        return [s for part, language in one.turns for s in self._written(self._encode(part), language)]

    def _encode(self, window: Window, whole: bool = False, least: int = _LEAST) -> Encoded:
        """What the encoder makes of it: of a short window only as much as there is sound in it."""
        import numpy as np
        from faster_whisper.audio import pad_or_trim

        peak = float(abs(window.samples).max(initial=0.0))
        loud = window.samples * np.float32(min(0.5 / peak, 1e4)) if 0 < peak < 0.05 else window.samples
        features = self._model.feature_extractor(loud)
        frames = _HALF_MINUTE if whole else min(max(features.shape[-1] + _ROOM, least), _HALF_MINUTE)
        return Encoded(window, features, self._model.encode(pad_or_trim(features, frames)))

    def _probabilities(self, output: Any) -> dict[str, float]:
        return {token[2:-2]: float(value) for token, value in self._model.model.detect_language(output)[0]}

    def _turns(self, one: Listened) -> list[tuple[Window, str]]:
        """Parts of a window, each in one language: what the encoder made of each turn is asked on its own."""
        window = one.encoded.window
        if self._known is not None:
            return [(window, self._known)]
        overall = self._languages.of(one.probabilities, window.voiced_s)
        turns = turns_of(window.voice)
        if len(turns) == 1:
            return [(window, overall)]
        found: list[tuple[int, str]] = []
        for first, last in turns:
            language = self._turn_language(one.encoded, overall, first, last)
            if not found or found[-1][1] != language:
                found.append((first, language))
        if len(found) == 1:
            return [(window, found[0][1])]
        cuts = [window.start, *(first - round(0.2 * RATE) for first, _ in found[1:]), window.end]
        return [(window.part(cuts[i], cuts[i + 1]), language) for i, (_, language) in enumerate(found)]

    def _turn_language(self, encoded: Encoded, overall: str, first: int, last: int) -> str:
        """The language from one sample to another, of a window that is in `overall` on the whole.

        What the encoder made of the whole is asked first, which is cheap; where it doubts, the turn is encoded alone.
        """
        window = encoded.window
        seconds = (last - first) / RATE
        if seconds < _TURN_S or self._stopped():
            return overall
        part = part_of(encoded.output, (first - window.start) / RATE, (last - window.start) / RATE)
        if self._probabilities(part).get(overall, 0.0) >= _LIKELY:
            return overall
        alone = self._encode(window.part(first - RATE // 4, last + RATE // 4), least=_LEAST_TURN)
        return self._languages.of(self._probabilities(alone.output), seconds)

    def _written(
        self, encoded: Encoded, language: str, again: int = 2, first: Heard | None = None, beam: int = 1
    ) -> list[Segment]:
        """The segments of a window in one language; `first` is what a search with `beam` candidates found.

        One that goes in circles is heard in halves, where a pause allows it, and voice that nothing was written for
        once more alone; `again` is how often such parts may be taken apart themselves.
        """
        window = encoded.window
        if first is None:
            beam = self._options.beam or _CANDIDATES
            first = self._search.one(encoded, language, beam, self._options.temperature)
        if again and first.circles and (parts := halves(window)):
            return [s for half in parts for s in self._written(self._encode(half), language, again - 1)]
        heard = self._best(first, beam, encoded, language)
        segments = placed(window, heard, language)
        self._languages.count(language, window.voiced_s)
        if heard.until_s is not None and not self._stopped():
            segments += self._rest(window, heard.until_s, language)
        if not again or self._stopped():
            return segments
        for begin, end in unwritten(window, segments):
            part = window.part(begin - RATE // 4, end + RATE // 4)
            once_more = min(again - 1, len(turns_of(part.voice)) - 1)
            segments += self._written(self._encode(part, whole=True), language, once_more)
        return sorted(segments, key=lambda segment: segment.start)

    def _rest(self, window: Window, from_s: float, language: str) -> list[Segment]:
        """The segments of what follows the end of a text."""
        rest = window.part(window.start + round(from_s * RATE), window.end)
        speaks = sum(min(b, rest.end) - max(a, rest.start) for a, b in window.voice if b > rest.start) >= _LEFT_S * RATE
        return self._written(self._encode(rest), language, 0) if speaks else []

    def _best(self, first: Heard, beam: int, encoded: Encoded, language: str) -> Heard:
        """The first way of decoding that succeeds, or the clearest of all.

        Greedy search where its words are clear, else a beam of five; where the text fails, the whole half minute is
        encoded as in training, and at last it is sampled once. `beam` is that of the first.
        """
        given, voiced_s = self._options, encoded.window.voiced_s
        failed = first.failed(voiced_s)
        as_asked = given.beam is not None or beam > 1
        enough = given.temperature is not None or (not failed and (as_asked or first.clearness >= _CLEAR))
        if enough or self._stopped():
            return first
        if failed:
            encoded = self._encode(encoded.window, whole=True)
        tried = [first, self._search.one(encoded, language, given.beam or _CANDIDATES)]
        if all(way.failed(voiced_s) for way in tried) and not self._stopped():
            tried.append(self._search.one(encoded, language, 1, 0.4))
        return max(tried, key=lambda way: (not way.failed(voiced_s), way.clearness))


def evenly(windows: Sequence[Window]) -> list[tuple[Window, int]]:
    """Windows with the frames to encode each in, those of nearly one length alike."""
    longest = max(len(window.samples) for window in windows)
    frames = longest // _SAMPLES + 1 + _ROOM
    return [(w, max(frames, _LEAST) if len(w.samples) >= _ALIKE * longest else _LEAST) for w in windows]
