"""Two answers are compared in both orders, so that a judge who favours a position favours nobody."""

import asyncio

import pytest

from autopicker_lab.grading.pairwise import PairVerdict, prefer, verdict


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("A", 1.0),
        (" b.", 0.0),
        ("TIE", 0.5),
        ("**B**", 0.0),
        ("Both are fine, but my verdict is [[A]]", 1.0),
        ("[[C]]", 0.5),
        ("Answer B is better than answer A.", 0.0),
        ("The better answer is: A", 1.0),
        ("A because it is right", 1.0),
        ("I would choose B, since it is complete.", 0.0),
        ("A good answer names both.", None),
        ("[[A]] or [[B]]", None),
        ("I choose A. No, I choose B.", None),
        ("", None),
    ],
)
def test_a_verdict_is_read_as_judges_word_it(said: str, first: float | None) -> None:
    assert verdict(said) == first


def preferred(first_shown: dict[str, str]) -> PairVerdict | None:
    """What a judge makes of "one" and "two" who says, of the answer shown first, what is given."""

    async def ask(text: str) -> str:
        return first_shown["one" if text.index("one") < text.index("two") else "two"]

    return asyncio.run(prefer("?", "one", "two", ask))


def test_who_wins_in_one_order_alone_gets_a_half() -> None:
    assert preferred({"one": "A", "two": "B"}) == PairVerdict(1.0, 0.0, 0.0)
    assert preferred({"one": "B", "two": "A"}) == PairVerdict(0.0, 1.0, 0.0)
    assert preferred({"one": "A", "two": "A"}) == PairVerdict(0.5, 0.5, 1.0)
    assert preferred({"one": "B", "two": "B"}) == PairVerdict(0.5, 0.5, -1.0)
    assert preferred({"one": "TIE", "two": "B"}) == PairVerdict(0.75, 0.25, -0.5)
    assert preferred({"one": "A", "two": "I cannot say"}) is None
