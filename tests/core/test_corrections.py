import random
from itertools import pairwise

import pytest

from autopicker_lab.core import InvalidRequestError, Segment, Transcript, Word
from autopicker_lab.core.corrections import confirmed, corrected, merged, retimed, split

WORDS = (
    Word(1.0, 1.5, " Mind", 0.9),
    Word(1.5, 1.7, " the", 0.95),
    Word(2.0, 2.6, " cap,", 0.3),
    Word(3.0, 4.0, " please.", 0.9),
)
SAID = Segment(1.0, 4.0, "Mind the cap, please.", 0.8, WORDS, "en", doubt="hardly understood")
CHINESE = Segment(0.0, 2.0, "你好世界", 0.8, (Word(0.0, 1.0, "你好", 0.4), Word(1.0, 2.0, "世界", 0.9)), "zh")


def words(segment: Segment) -> list[tuple[float, float, str, float]]:
    return [(w.start, w.end, w.text.strip(), round(w.probability, 2)) for w in segment.words]


def test_a_correction_keeps_the_times_of_the_words_that_stay() -> None:
    right = corrected(SAID, " Mind  the gap, please. ")
    assert right.text == "Mind the gap, please."
    assert words(right) == [
        (1.0, 1.5, "Mind", 0.9),
        (1.5, 1.7, "the", 0.95),
        (2.0, 2.6, "gap,", 1.0),
        (3.0, 4.0, "please.", 0.9),
    ]
    assert (right.doubt, right.decoding) == ("", None)
    assert right.confidence == pytest.approx((0.9 + 0.95 + 1 + 0.9) / 4)
    assert corrected(SAID, SAID.text) is SAID


def test_words_that_are_put_in_share_the_time_of_the_one_before() -> None:
    right = corrected(SAID, "Mind the wide gap here, please.")
    assert [w.text.strip() for w in right.words] == ["Mind", "the", "wide", "gap", "here,", "please."]
    assert (right.words[0].end, right.words[-1].start) == (1.5, 3.0)
    assert all(a.end <= b.start for a, b in pairwise(right.words))
    assert all(w.end > w.start for w in right.words)
    assert corrected(SAID, "").words == ()


def test_words_that_are_put_in_have_as_much_time_as_letters() -> None:
    written = corrected(SAID, "Mind the cap, please. One two six ten.")
    assert {round(w.end - w.start, 3) for w in written.words[4:6]} == {0.15}  # of 20 letters in one second
    first = corrected(SAID, "Now then, do mind the cap, please.")
    lengths = [w.end - w.start for w in first.words[:3]]
    assert lengths == pytest.approx([3 * sum(lengths) / 10, 5 * sum(lengths) / 10, 2 * sum(lengths) / 10], abs=0.001)
    assert (first.words[0].start, first.words[3].end) == (1.0, 1.5)


def test_ideographs_keep_their_times_and_probability() -> None:
    assert words(corrected(CHINESE, "你好世间")) == [
        (0, 0.5, "你", 0.4),
        (0.5, 1, "好", 0.4),
        (1, 1.5, "世", 0.9),
        (1.5, 2, "间", 1.0),
    ]
    assert merged(*split(CHINESE, 2)).text == CHINESE.text


@pytest.mark.parametrize("at", range(1, len(SAID.text)))
def test_two_halves_are_the_whole(at: int) -> None:
    first, second = split(SAID, at)
    assert f"{first.text} {second.text}" == SAID.text
    assert first.start < first.end <= second.start < second.end
    whole = merged(first, second)
    assert (whole.start, whole.end, whole.text, whole.words) == (SAID.start, SAID.end, SAID.text, SAID.words)


def test_no_word_of_a_half_ends_before_it_begins() -> None:
    hasty = Segment(
        0.0,
        1.0,
        "a b c",
        0.9,
        (Word(0.0, 0.01, " a", 0.9), Word(0.01, 0.03, " b", 0.9), Word(0.03, 1.0, " c", 0.9)),
        "en",
    )
    for half in split(hasty, 2):
        assert all(half.start <= w.start <= w.end <= half.end for w in half.words)


@pytest.mark.parametrize(
    ("segment", "at"), [(SAID, 0), (SAID, 21), (Segment(0, 1, "one", 1.0), 1), (Segment(0, 0.06, "a b", 1.0), 1)]
)
def test_what_cannot_be_split_is_told(segment: Segment, at: int) -> None:
    with pytest.raises(InvalidRequestError):
        split(segment, at)


def test_two_speakers_are_not_merged_and_times_go_forwards() -> None:
    left, right = Segment(0, 1, "one", 1.0, speaker="left"), Segment(1, 2, "two", 1.0, speaker="right")
    with pytest.raises(InvalidRequestError, match="two speakers"):
        merged(left, right)
    with pytest.raises(InvalidRequestError, match="ends after it begins"):
        retimed(SAID, 3.0, 3.0)
    moved = retimed(SAID, 1.2, 3.5)
    assert (moved.words[0].start, moved.words[-1].end) == (1.2, 3.5)
    assert confirmed(SAID).confidence == 1.0
    assert confirmed(SAID).doubt == ""


def test_any_edits_in_any_order_leave_subtitles_that_are_in_order() -> None:
    chance = random.Random(7)
    for _ in range(40):
        said = [SAID, *split(corrected(SAID, "We go home now and rest"), 9)]
        for _ in range(6):
            at = chance.randrange(len(said))
            letters = list(said[at].text)
            chance.shuffle(letters)
            said[at] = corrected(said[at], "".join(letters[: chance.randrange(1, 30)]) or "x")
            assert all(said[at].start <= w.start <= w.end <= said[at].end for w in said[at].words)
            assert said[at].text == "".join(w.text for w in said[at].words).strip()
            if at and said[at].text:
                said[at - 1 : at + 1] = [merged(said[at - 1], said[at])]
        assert Transcript("x", "", "en", 5.0).with_segments(said).to_srt().count("-->") >= 1
