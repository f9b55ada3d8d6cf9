"""Which words of growing readings settle; the readings are made up, and the voice is always there."""

from typing import Any

import numpy as np
import pytest

from autopicker_lab.core import Segment, SpeechOptions, Word
from autopicker_lab.transcription.doubts import is_letter_loop, loop_in
from autopicker_lab.transcription.live import LiveTranscript, _said, text_of
from autopicker_lab.transcription.sound import RATE
from autopicker_lab.transcription.voice import FRAME


def words(text: str, start: float = 0.0, each: float = 0.5) -> list[Word]:
    return [Word(start + i * each, start + (i + 1) * each, f" {w}", 0.9) for i, w in enumerate(text.split())]


class Voiced:
    """A detector to whom all is voice."""

    def feed(self, samples: Any) -> Any:
        return np.full(len(samples) // FRAME, 0.9, np.float32)


class Scripted(LiveTranscript):
    """Finds in its sound the words that it is told."""

    def __init__(self) -> None:
        super().__init__(lambda: None, SpeechOptions(language="en"))  # type: ignore[arg-type,return-value]
        self._detector = Voiced()  # type: ignore[assignment]
        self._found: list[Word] = []

    def _words(self, voice: Any, ended: bool) -> list[Word]:
        return [word for word in self._found if word.end * RATE > self._base]

    def hear(self, seconds: float, found: list[Word], last: bool = False) -> str:
        """What settles when so much more sound has come, in which these words are."""
        self._found = found
        self.feed(np.zeros(round(seconds * RATE / FRAME) * FRAME, np.float32))
        return text_of(self.read(last).settled)


@pytest.fixture
def live() -> Scripted:
    return Scripted()


def test_a_loop_waits_for_what_follows_it(live: Scripted) -> None:
    live.hear(2, words("we say no no no no"))
    assert live.hear(1, words("we say no no no no no no")) == "we say no"  # one round of it
    assert live.hear(1, words("we say no no no no no no")) == ""
    live.hear(1, words("we say no and go"))
    assert live.hear(1, words("we say no and go home")) == "and go"
    live.hear(0.5, words("we say no and go home"), last=True)
    assert text_of(live.settled) == "we say no and go home"


def test_what_is_said_five_times_is_written_where_it_ends(live: Scripted) -> None:
    said = words("never never never never never")
    live.hear(2.5, said)
    live.hear(0.6, said)
    assert live.hear(0.5, said, last=True) == "never never never never"
    assert text_of(live.settled) == "never never never never never"


def test_words_whose_times_move_are_neither_lost_nor_doubled(live: Scripted) -> None:
    live.hear(2, words("the boat leaves at"))
    assert live.hear(1, words("the boat leaves at eight")) == "the boat leaves at"
    moved = words("the boat leaves at eight today", start=-0.45)  # "eight" now begins before "at" has ended
    assert live.hear(0.5, moved) == "eight"
    late = words("the boat leaves at eight today", start=0.2)
    assert live.hear(0.5, late, last=True) == "today"
    assert text_of(live.settled) == "the boat leaves at eight today"


def test_words_on_which_no_two_readings_agree_are_not_lost_with_their_sound(live: Scripted) -> None:
    told = [live.hear(2.0, words(" ".join(f"w{round_}-{i}" for i in range(1 + 4 * round_)))) for round_ in range(1, 12)]
    assert "".join(told)
    assert live.received_s - live._base / RATE <= 22.1  # its sound is forgotten
    numbers = [int(word.text.split("-")[1]) for word in live.settled]
    assert numbers == list(range(len(numbers)))  # one word for each moment that is forgotten
    assert live.settled[-1].end >= live._base / RATE - 0.5


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("so we go and we go and we go and we go and", (1, 13, 3)),
        ("no no no no", (0, 4, 1)),
        ("a b a b a b a b c", (0, 8, 2)),
        ("no no no", None),
        ("one two three four five six", None),
        ("", None),
    ],
)
def test_loops_of_words_are_found(said: str, found: tuple[int, int, int] | None) -> None:
    assert loop_in(said.split()) == found


def test_loops_of_letters_are_found_and_long_words_are_not() -> None:
    assert is_letter_loop("A-A-A-A-A-A-A-A-A-A-A-A-A-A-A-A-A-A")
    assert is_letter_loop("hahahahahahahahahaha")
    assert not any(map(is_letter_loop, ("hahahaha", "Donaudampfschifffahrtsgesellschaft", "no", "1,000,000,000")))


def test_of_a_loop_that_is_doubted_one_round_is_kept() -> None:
    said = tuple(words("thank you so much so much so much so much so much bye AAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
    segment = Segment(0, 9, "", 0.4, said, "en", doubt="words repeated over and over")
    assert text_of(_said(segment)) == "thank you so much bye"
    sure = Segment(0, 9, "", 0.9, said[:-1], "en")
    assert text_of(_said(sure)).count("so much") == 5
