import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np

from autopicker_lab.chat.reader import Reader
from autopicker_lab.core import Segment, SourceFile, SpeechOptions, Transcript
from autopicker_lab.transcription.hearing import NO_SPEECH, Hearing
from autopicker_lab.transcription.placing import Heard, halves, placed, turns_of, unwritten
from autopicker_lab.transcription.sound import RATE
from autopicker_lab.transcription.voice import Window


def window(
    *voice: tuple[float, float], start: float = 100.0, seconds: float = 10.0, probability: float = 0.9
) -> Window:
    """A window whose voice is given in seconds from its start."""
    places = tuple((round((start + a) * RATE), round((start + b) * RATE)) for a, b in voice)
    return Window("", round(start * RATE), np.zeros(round(seconds * RATE), np.float32), places, probability)


def raw(start: float, end: float, text: str, *words: tuple[float, float, str], **figures: float) -> Any:
    told = [SimpleNamespace(start=a, end=b, word=word, probability=0.9) for a, b, word in words]
    known = {"avg_logprob": -0.2, "compression_ratio": 1.2, "no_speech_prob": 0.0, "temperature": 0.0} | figures
    return SimpleNamespace(start=start, end=end, text=text, tokens=[1] * len(text.split()), words=told, **known)


def test_segments_stand_within_their_voice_and_never_past_the_sound() -> None:
    heard = Heard((raw(0.0, 5.0, " first"), raw(5.0, 30.0, " second")))
    first, second = placed(window((1.0, 3.0), (6.0, 9.5)), heard, "en")
    assert (first.start, first.end) == (100.8, 103.2)
    assert (second.start, second.end) == (105.8, 109.7)
    assert (first.text, first.language) == ("first", "en")


def test_words_are_in_order_within_their_segment() -> None:
    heard = Heard((raw(0.0, 4.0, " a b c", (0.0, 1.5, " a"), (1.2, 1.1, " b"), (3.0, 99.0, " c")),))
    (segment,) = placed(window((1.0, 3.0)), heard, "en")
    times = [t for word in segment.words for t in (word.start, word.end)]
    assert times == sorted(times)
    assert segment.start <= times[0] <= times[-1] <= segment.end


def test_a_closing_is_doubted_where_hardly_a_voice_is_and_believed_where_one_speaks() -> None:
    said = Heard((raw(0.0, 2.0, " Thanks for watching!", avg_logprob=-0.3),))
    assert placed(window((0.0, 2.0), probability=0.45), said, "en")[0].doubt
    assert not placed(window((0.0, 2.0), probability=0.95), said, "en")[0].doubt


def test_a_loop_is_doubted() -> None:
    loop = Heard((raw(0.0, 3.0, " no no no" * 20, compression_ratio=9.0),))
    assert "repeated" in placed(window((0.0, 3.0)), loop, "en")[0].doubt


def test_a_text_without_a_letter_is_no_segment() -> None:
    heard = Heard((raw(0.0, 3.0, " ... ..."), raw(3.0, 6.0, " ♪"), raw(6.0, 9.0, " 42")))
    assert [segment.text for segment in placed(window((1.0, 9.0)), heard, "en")] == ["42"]


def test_noise_in_which_whisper_goes_in_circles_is_no_speech() -> None:
    hearing = Hearing(SourceFile("noise.wav", b"", "wav"), SpeechOptions(), None)
    noise = Segment(0.0, 3.0, "NO" * 60, 0.4, (), "en", doubt="words repeated faster than anybody speaks")
    hearing._found = [noise]
    transcript = hearing.transcript("made", 0.0)
    assert (transcript.text, transcript.segments) == ("", ())
    assert transcript.warnings[0] == NO_SPEECH
    assert "NONO" in transcript.warnings[1]
    hearing._found = [noise, Segment(4.0, 6.0, "The boat leaves.", 0.9, (), "en")]
    assert len(hearing.transcript("made", 0.0).segments) == 2  # marked, where somebody speaks as well


def test_voice_that_nothing_was_written_for_is_found() -> None:
    heard = Heard((raw(0.0, 2.0, " only the first"),))
    given = window((0.0, 2.0), (5.0, 7.0))
    assert unwritten(given, placed(given, heard, "en")) == [(105 * RATE, 107 * RATE)]
    assert unwritten(window((0.0, 2.0)), placed(window((0.0, 2.0)), heard, "en")) == []


def test_turns_that_were_passed_over_one_after_another_are_heard_again_as_one() -> None:
    given = window((0.0, 2.0), (4.0, 5.0), (6.0, 7.0), (8.0, 9.5))
    first = placed(given, Heard((raw(0.0, 2.0, " only the first"),)), "en")
    assert unwritten(given, first) == [(104 * RATE, round(109.5 * RATE))]
    middle = placed(given, Heard((raw(6.0, 7.0, " only the third"),)), "en")
    assert unwritten(given, middle) == [(100 * RATE, 105 * RATE), (108 * RATE, round(109.5 * RATE))]
    assert len(unwritten(given, [])) == 4  # all of it as one was tried


def test_a_window_is_halved_at_its_longest_pause() -> None:
    given = window((0.0, 1.0), (1.5, 4.0), (5.5, 9.0))
    assert turns_of(given.voice) == [(100 * RATE, 104 * RATE), (round(105.5 * RATE), 109 * RATE)]
    first, second = halves(given) or (given, given)
    assert first.end == second.start == round(104.75 * RATE)
    assert halves(window((0.0, 9.0))) is None


class _Counting:
    """A transcriber that counts how often it is asked."""

    model = "counting"

    def __init__(self) -> None:
        self.asked: list[SpeechOptions] = []

    def transcribe(self, file: SourceFile, options: SpeechOptions = SpeechOptions(), **_: Any) -> Transcript:
        self.asked.append(options)
        return Transcript(file.name, "said", "en", 1.0)

    def release(self) -> None: ...


def test_every_option_is_part_of_what_an_answer_is_remembered_by() -> None:
    transcriber = _Counting()

    async def ask() -> None:
        reader = Reader(None, transcriber)  # type: ignore[arg-type]
        file = SourceFile("a.wav", b"RIFF", "wav")
        others = [{"prompt": "Gutenberg"}, {"beam": 5}, {"vad": False}, {"hotwords": "x"}, {"temperature": 0.0}]
        for _ in range(2):
            for options in [{}, *others, {"language": "de"}, {"words": True}, {"task": "translate"}]:
                await reader.transcribe(file, SpeechOptions(**options))  # type: ignore[arg-type]

    asyncio.run(ask())
    assert len(transcriber.asked) == 9
