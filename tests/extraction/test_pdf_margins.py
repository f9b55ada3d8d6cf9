"""Heads and feet of PDF pages, notices in their margins, and what stands there but belongs to the text."""

from typing import Any

import pytest
from support.papers import PROSE, column, pdf, read


def turned(paper: Any, x: float, y: float, text: str, angle: int = 90) -> None:
    paper.saveState()
    paper.translate(x, y)
    paper.rotate(angle)
    paper.drawString(0, 0, text)
    paper.restoreState()


@pytest.mark.parametrize("first", [1, 7000])
def test_letters_of_one_batch_keep_their_numbers_salutations_and_totals(first: int) -> None:
    def draw(paper: Any, number: Any) -> None:
        paper.drawString(60, 800, f"Invoice number {first + number}")
        paper.drawString(60, 780, "Dear customer,")
        column(paper, 60, 700, PROSE)
        paper.drawString(60, 60, f"Total due: {number * 7} euros")

    document = read(pdf(draw, pages=4))
    for number, part in enumerate(document.parts, 1):
        assert part.text.startswith(f"Invoice number {first + number}\n\nDear customer,")
        assert part.text.endswith(f"Total due: {number * 7} euros")


def test_a_line_that_differs_in_its_digits_on_each_page_is_no_running_head() -> None:
    def draw(paper: Any, number: Any) -> None:
        paper.drawString(60, 800, f"Certificate of pilot {(7919 * number) % 1000}")
        column(paper, 60, 700, PROSE)
        paper.drawString(290, 30, f"Page {number} of 4")

    document = read(pdf(draw, pages=4))
    assert "Certificate of pilot 919" in document.text
    assert "Page 2 of 4" in document.metadata["running_heads"]


def test_heads_of_chapters_and_roman_page_numbers_repeat() -> None:
    def draw(paper: Any, number: Any) -> None:
        paper.drawString(60, 800, f"Chapter {1 + number // 4}")
        column(paper, 60, 700, PROSE)
        paper.drawString(250, 30, f"The gazette {['i', 'ii', 'iii', 'iv', 'v', 'vi', 'vii'][number - 1]}")

    document = read(pdf(draw, pages=7))
    assert "Chapter" not in document.text
    assert "gazette" not in document.text


def test_a_notice_in_the_margin_stands_apart() -> None:
    def draw(paper: Any, _: Any) -> None:
        turned(paper, 30, 300, "Downloaded from harbour.example on 3 March 2024")
        column(paper, 60, 700, PROSE)
        turned(paper, 300, 200, "Passengers a year")
        column(paper, 320, 190, ["Count of the year 1987"])

    document = read(pdf(draw))
    assert document.metadata["running_heads"] == ["Downloaded from harbour.example on 3 March 2024"]
    assert "Downloaded" not in document.text
    assert document.text.endswith("Passengers a year")


@pytest.mark.parametrize("ruled", [False, True])
def test_turned_heads_of_columns_stay_in_their_table(ruled: bool) -> None:
    def draw(paper: Any, _: Any) -> None:
        column(paper, 60, 780, PROSE)
        paper.drawString(62, 643, "Boat")
        for i, day in enumerate(("Monday", "Tuesday", "Wednesday")):
            turned(paper, 163 + 50 * i, 643, day)
            for row, boat in enumerate(("Petrel", "Fulmar", "Gannet")):
                paper.drawString(62, 620 - 18 * row, boat)
                paper.drawString(155 + 50 * i, 620 - 18 * row, str(7 * row + i))
        if ruled:
            paper.grid([58, 140, 190, 240, 290], [700, 638, 614, 596, 578])

    rows = read(pdf(draw)).tables[0].rows
    assert rows[:2] == (("Boat", "Monday", "Tuesday", "Wednesday"), ("Petrel", "0", "1", "2"))


def test_a_turned_cell_of_a_drawn_table_is_in_it() -> None:
    def draw(paper: Any, _: Any) -> None:
        turned(paper, 78, 656, "North")
        for row in range(3):
            paper.drawString(100, 685 - 20 * row, f"Pier {row}")
            paper.drawString(200, 685 - 20 * row, f"{row * 12} boats")
        paper.grid([60, 90, 190, 290], [700, 680, 660, 640])

    document = read(pdf(draw))
    assert document.tables[0].rows[1] == ("North", "Pier 1", "12 boats")
    assert document.text.count("North") == 1


def test_the_number_of_a_bus_line_is_no_page_number() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.drawString(60, 800, "Timetable of bus line 57")
        column(paper, 60, 740, PROSE)

    assert read(pdf(draw)).text.startswith("Timetable of bus line 57")
