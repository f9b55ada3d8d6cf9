"""Subtitles by a strict reader: cues of a length, in order, not overlapping, of two lines of 42, no word lost."""

import html
import random
import re
from collections.abc import Sequence

import pytest

from autopicker_lab.core import Segment, Transcript, Word

CLOCK = r"(\d{2,}):([0-5]\d):([0-5]\d)[,.](\d{3})"
LONG = (
    "The first printing presses were built in the middle of the fifteenth century, and the books that were made with "
    "them soon went to every town of Europe because nobody wanted to wait for a copyist any more. It was a time of "
    "change."
)


def transcript(*said: tuple[float, float, str], duration: float = 0.0, speakers: Sequence[str] = ()) -> Transcript:
    segments = tuple(
        Segment(a, b, text, 0.9, speaker=speakers[i] if speakers else "") for i, (a, b, text) in enumerate(said)
    )
    return Transcript("a.wav", " ".join(s.text for s in segments), "en", duration or said[-1][1], segments)


def cues(text: str) -> list[tuple[float, float, list[str]]]:
    """Start, end and lines of each cue; anything that a strict reader would refuse fails."""
    vtt = text.startswith("WEBVTT\n\n")
    found: list[tuple[float, float, list[str]]] = []
    for i, block in enumerate(text.removeprefix("WEBVTT\n\n").strip("\n").split("\n\n"), 1):
        lines = block.split("\n")
        assert vtt or lines.pop(0) == str(i)
        clock = re.fullmatch(f"{CLOCK} --> {CLOCK}", lines[0])
        assert clock
        g = [int(x) for x in clock.groups()]
        start, end = (h * 3600 + m * 60 + s + ms / 1000 for h, m, s, ms in (g[:4], g[4:]))
        assert not any("-->" in line for line in lines[1:])
        shown = [html.unescape(re.sub(r"<(/?[vc][^>]*|[\d:.]+)>", "", line)) if vtt else line for line in lines[1:]]
        assert 1 <= len(shown) <= 2
        assert all(0 < len(line) <= 42 for line in shown)
        assert end > start >= (found[-1][1] if found else 0)
        found.append((start, end, shown))
    return found


def letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def both(made: Transcript) -> list[tuple[float, float, list[str]]]:
    for text in (made.to_srt(), made.to_vtt(), made.to_vtt(words=True)):
        found = cues(text)
        assert letters("".join(line for cue in found for line in cue[2])) == letters(made.text)
    return cues(made.to_srt())


def test_long_text_is_cut_at_phrases() -> None:
    found = both(transcript((0, 19, LONG)))
    ends = [cue[2][-1] for cue in found]
    assert found[0][2] == ["The first printing presses were built", "in the middle of the fifteenth century,"]
    assert ends[-2:] == ["to wait for a copyist any more.", "It was a time of change."]
    assert not any(re.search(r"\b(the|a|of|to|and)$", line) for line in ends)


@pytest.mark.parametrize(
    "text",
    [
        "春天的时候我们一起去山里看花" * 8,
        "春の日に、私たちは山へ花を見に行きました。" * 6,
        "x" * 300,
        "नमस्ते दुनिया " * 30,
        "สวัสดี" * 40,
    ],
)
def test_text_without_blanks_has_lines_that_hold_it(text: str) -> None:
    for cue in both(transcript((3, 17, text))):
        assert all(line[0] not in "。、ーっ" for line in cue[2])


def test_no_cue_is_of_no_length_or_over_another() -> None:
    found = both(transcript((0, 2, "One left."), (2, 2, "Yes."), (2, 4.5, "Two came."), (4.2, 6, "It was electric.")))
    assert found[0][:2] == (0, 2)
    assert found[-1][:2] == (4.2, 6)
    assert ["Yes. Two came."] in [cue[2] for cue in found]
    assert both(transcript((10, 10, "At the end."), duration=10))[0][1] == 10


def test_two_who_speak_at_once_are_both_readable() -> None:
    made = transcript((0, 4, "I would like to order."), (0.2, 4, "Which one is it?"), speakers=["left", "right"])
    assert all(end - start > 0.8 for start, end, _ in both(made))
    assert "<v left>I would" in made.to_vtt()


def test_times_over_a_day() -> None:
    assert "99:59:59,900 --> 100:00:01,000" in transcript((359999.9, 360001, "A hundred hours.")).to_srt()


def test_a_short_word_is_shown_long_enough_where_silence_follows() -> None:
    found = both(transcript((1, 1.1, "Stop."), (9, 9.5, "Go on."), duration=20))
    assert found[0][:2] == (1, 1.833)


def test_what_looks_like_marks_of_the_format_is_text() -> None:
    made = transcript((0, 3, "From A --> B & <i>back</i>\n\n2\n{\\an8} now"))
    assert len(both(made)) == 1
    assert "<i>" not in made.to_srt()
    assert "--&gt; B &amp; &lt;i&gt;" in made.to_vtt()


def test_words_have_their_starts_in_vtt() -> None:
    words = tuple(Word(i / 2, i / 2 + 0.4, f" {text}", 0.9) for i, text in enumerate(["Two", "boats", "left."]))
    made = Transcript("a", "Two boats left.", "en", 2.0, (Segment(0, 1.4, "Two boats left.", 0.9, words),))
    assert "\n<c>Two</c> <00:00:00.500><c>boats</c> <00:00:01.000><c>left.</c>\n" in made.to_vtt(words=True)
    assert "<" not in made.to_vtt()
    assert made.to_dict()["segments"][0]["words"][1] == {"start": 0.5, "end": 0.9, "word": "boats", "probability": 0.9}


def test_rows_are_in_milliseconds() -> None:
    assert transcript((0.5, 2, "a\tb")).to_tsv() == "start\tend\ttext\n500\t2000\ta b\n"


@pytest.mark.parametrize("seed", range(40))
def test_any_segments_make_sound_subtitles(seed: int) -> None:
    draw = random.Random(seed)
    said, at = [], 0.0
    for _ in range(draw.randint(1, 30)):
        at = max(0.0, at + draw.choice([-1.0, 0.0, 0.0, 0.3, 2.0, 40.0]))
        end = at + draw.choice([0.0, 0.1, 1.0, 5.0, 29.0])
        text = " ".join(draw.choice(["a", "of", "presses", "fifteenth,", "end.", "花が咲", "-->"]) for _ in range(40))
        said.append((at, end, text[: draw.randint(1, 200)]))
        at = end
    both(transcript(*sorted(said), duration=max(end for _, end, _ in said)))
