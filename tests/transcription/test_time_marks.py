import pytest

from autopicker_lab.transcription.time_marks import phrases_of

ZERO = 1000  # the token of 0.00 s; those below are words


def mark(seconds: float) -> int:
    return ZERO + round(seconds * 50)


@pytest.mark.parametrize(
    ("tokens", "phrases", "until"),
    [
        ([], [], None),
        ([mark(0), 1, 2, mark(2)], [(0, 2, [1, 2])], None),
        ([mark(0), 1, mark(2), mark(2.5), 2, mark(4)], [(0, 2, [1]), (2.5, 4, [2])], None),
        ([mark(0), 1, mark(2), 2, mark(4)], [(0, 2, [1]), (2, 4, [2])], None),  # one mark between two phrases
        ([mark(0), 1, mark(2), mark(2)], [(0, 2, [1])], 2.0),  # more follows, which it did not write
        ([mark(0), 1, mark(2), mark(2.4), 2, 3], [(0, 2, [1])], 2.4),  # broken off: heard again from there
        ([mark(1.2), 1, 2], [(1.2, 10, [1, 2])], None),  # all in one, without an end
        ([1, 2], [(0, 10, [1, 2])], None),  # no marks at all
        ([mark(3), 1, mark(3), mark(3), 2, mark(5)], [(3, 5, [2])], None),  # of no length
        ([mark(0), mark(0)], [], None),  # nothing was said
    ],
)
def test_a_text_is_taken_apart_at_its_time_marks(
    tokens: list[int], phrases: list[tuple[float, float, list[int]]], until: float | None
) -> None:
    found, ended = phrases_of(tokens, ZERO, 10.0)
    assert [(p.start, p.end, [t for t in p.tokens if t < ZERO]) for p in found] == phrases
    assert ended == until
