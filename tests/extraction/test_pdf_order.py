"""The order in which a PDF is read: short columns, writing from right to left, tables that go on over pages."""

from collections.abc import Sequence
from typing import Any

import pytest
from support.papers import box_font, column, pdf, read

LEFT = ("The garden club looked at the plan of the year,", "and liked it.")
RIGHT = ("It went on to buy new seeds for the next spring", "and a spade.")


def test_two_columns_of_two_lines_are_read_one_after_the_other() -> None:
    def draw(paper: Any, _: Any) -> None:
        column(paper, 60, 700, LEFT)
        column(paper, 330, 700, RIGHT)

    assert " ".join(read(pdf(draw)).text.split()) == " ".join(LEFT + RIGHT)


def test_three_columns_of_two_lines_are_three() -> None:
    def draw(paper: Any, _: Any) -> None:
        for i, text in enumerate(("one", "two", "three")):
            column(paper, 60 + 180 * i, 700, (f"Part {text} has a full first line", "and ends here."))

    words = " ".join(read(pdf(draw)).text.split())
    assert words.startswith("Part one has a full first line and ends here. Part two")


def test_two_columns_that_were_drawn_line_by_line_are_told_by_their_sentences() -> None:
    def draw(paper: Any, _: Any) -> None:
        for i in range(2):
            paper.drawString(60, 700 - 13 * i, LEFT[i])
            paper.drawString(330, 700 - 13 * i, RIGHT[i])

    assert " ".join(read(pdf(draw)).text.split()) == " ".join(LEFT + RIGHT)


def test_a_form_of_two_rows_is_read_row_by_row() -> None:
    def draw(paper: Any, _: Any) -> None:
        for i, (label, value) in enumerate(
            (("Name of the keeper of the light", "Ottilie Vandersteen of Mill Island"), ("Town", "North Quay"))
        ):
            paper.drawString(60, 700 - 20 * i, label)
            paper.drawString(330, 700 - 20 * i, value)

    text = read(pdf(draw)).text
    assert text.index("Ottilie") < text.index("Town") < text.index("North Quay")


LABELS = (("שם:", "דנה כהן"), ("עיר:", "חיפה"), ("סכום:", "7731"))


def set_leftwards(paper: Any, right: float, y: float, text: str) -> None:
    """Draw text as type setters do: the glyphs from left to right, numbers and Latin words forwards."""
    seen = " ".join(word if word.isascii() else word[::-1] for word in reversed(text.split()))
    paper.setFont("Leftwards", 10)
    paper.drawRightString(right, y, seen)


def leftwards_font() -> None:
    hebrew = "".join(map(chr, range(0x5D0, 0x5EB)))
    box_font("Leftwards", f"{hebrew}: 0123456789abcdefghijklmnopqrstuvwxyzP", 400)


def test_labels_and_values_from_right_to_left() -> None:
    def draw(paper: Any, _: Any) -> None:
        for i, (label, value) in enumerate(LABELS):
            set_leftwards(paper, 500, 700 - 20 * i, label)
            set_leftwards(paper, 400, 700 - 20 * i, value)

    leftwards_font()
    assert read(pdf(draw)).tables[0].rows == LABELS


def test_a_ruled_table_from_right_to_left() -> None:
    def draw(paper: Any, _: Any) -> None:
        for i, (label, value) in enumerate(LABELS):
            set_leftwards(paper, 500, 688 - 20 * i, label)
            set_leftwards(paper, 380, 688 - 20 * i, value)
        paper.grid([300, 400, 510], [640, 660, 680, 700])

    leftwards_font()
    assert read(pdf(draw)).tables[0].rows == LABELS


def test_columns_and_lines_from_right_to_left_with_numbers_and_latin_words() -> None:
    line = "הסירה Petrel נבנתה בשנת 1987 ונמכרה"
    columns = tuple(f"{first} {line}" for first in ("ראשון", "שני"))

    def draw(paper: Any, _: Any) -> None:
        for right, text in zip((540, 270), columns, strict=True):
            for i in range(4):
                set_leftwards(paper, right, 700 - 14 * i, text)

    leftwards_font()
    assert " ".join(read(pdf(draw)).text.split()) == " ".join([columns[0]] * 4 + [columns[1]] * 4)


HEADER = ("tool", "shelf", "pieces")


def stock(paper: Any, rows: Sequence[Sequence[str]], ruled: bool) -> None:
    for i, row in enumerate(rows):
        for x, cell in zip((60, 180, 300), row, strict=True):
            paper.drawString(x + 4, 786 - 20 * i, cell)
    if ruled:
        paper.grid([60, 180, 300, 420], [800 - 20 * i for i in range(len(rows) + 1)])


@pytest.mark.parametrize("ruled", [False, True])
def test_a_table_that_goes_on_over_pages_keeps_the_names_of_its_columns(ruled: bool) -> None:
    def draw(paper: Any, number: Any) -> None:
        rows = [(f"tool {number}{i}", f"S{i % 3}", str(i)) for i in range(30)]
        stock(paper, [HEADER, *rows] if number == 1 else rows, ruled)

    tables = read(pdf(draw, pages=3)).tables
    assert [table.rows[0] for table in tables] == [HEADER] * 3
    assert [table.rows[1][0] for table in tables] == ["tool 10", "tool 20", "tool 30"]
    assert tables[2].label == "page 3, table 1, goes on from page 2, table 1"


def test_another_table_on_the_next_page_keeps_its_own_header() -> None:
    def draw(paper: Any, number: Any) -> None:
        rows = [(f"tool {number}{i}", f"S{i % 3}", str(i)) for i in range(30)]
        stock(paper, [HEADER if number == 1 else ("boat", "pier", "crew"), *rows], True)

    tables = read(pdf(draw, pages=2)).tables
    assert [len(table.rows) for table in tables] == [31, 31]
    assert tables[1].rows[0] == ("boat", "pier", "crew")


def test_a_table_without_a_header_gives_none_to_the_next_page() -> None:
    def draw(paper: Any, number: Any) -> None:
        stock(paper, [(f"tool {number}{i}", f"S{i % 3}", str(i)) for i in range(31)], True)

    assert [len(table.rows) for table in read(pdf(draw, pages=2)).tables] == [31, 31]
