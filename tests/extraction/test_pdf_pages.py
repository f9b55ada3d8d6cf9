"""Pages of PDFs as books, papers and drafts set them: initials, spaced letters, side notes, numbered lines."""

from typing import Any

import pytest
from support.papers import PROSE, column, pdf, read

LINES = (*PROSE, *PROSE)


def test_a_large_initial_belongs_to_the_first_word() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.setFont("Helvetica", 34)
        paper.drawString(60, 676, "T")
        paper.setFont("Helvetica", 10)
        column(paper, 84, 692, ["he keeper of the light on Mill Island", *PROSE[:1]])
        column(paper, 60, 666, PROSE[1:])

    text = read(pdf(draw)).text
    assert text.startswith("The keeper of the light on Mill Island")
    assert "#" not in text


def test_words_in_spaced_letters_are_words() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.drawString(60, 740, "H A R B O U R   O F F I C E of the year")
        column(paper, 60, 700, PROSE)
        paper.drawString(60, 600, "The answers A B C D E F are six")

    text = read(pdf(draw)).text
    assert text.startswith("HARBOUR OFFICE of the year")
    assert "answers A B C D E F are" in text


def test_notes_beside_the_text_come_after_it() -> None:
    def draw(paper: Any, _: Any) -> None:
        column(paper, 120, 700, LINES)
        paper.setFont("Helvetica", 7)
        column(paper, 60, 674, ["Of the crew", "and the dog."], 8)
        column(paper, 60, 610, ["Of gulls."], 8)

    text = read(pdf(draw)).text
    assert "twenty minutes later with a crew" in text.replace("\n\n", " ")
    assert text.index("Of the crew") > text.rindex("firmly closed.")
    assert text.endswith("Of gulls.")


def test_large_words_of_a_picture_beside_the_text_do_not_cut_its_lines() -> None:
    def draw(paper: Any, _: Any) -> None:
        column(paper, 60, 700, LINES)
        paper.setFont("Helvetica-Bold", 14)
        paper.drawString(400, 661, "GULL")
        paper.drawString(410, 635, "ROCK")

    text = read(pdf(draw)).text
    assert text.count("\n\n") < 8
    assert text.rstrip().endswith("ROCK")


@pytest.mark.parametrize("side", [50, 300, 560])
def test_numbers_of_every_fifth_line_are_left_out(side: int) -> None:
    def draw(paper: Any, _: Any) -> None:
        for left in (60, 320):
            column(paper, left, 700, [line[:44] for line in LINES * 2])
        for number in range(5, 25, 5):
            paper.drawCentredString(side, 700 - 13 * (number - 1), str(number))

    document = read(pdf(draw))
    assert not any(character.isdigit() for character in document.text)
    assert document.warnings == ("line numbers beside the text were left out: 4",)


def test_figures_of_a_table_in_steps_of_five_stay() -> None:
    def draw(paper: Any, _: Any) -> None:
        for row in range(1, 8):
            for x, cell in ((60, f"Pier {row} of the harbour"), (220, str(5 * row)), (300, f"{row} boats and a crew")):
                paper.drawString(x, 700 - 14 * row, cell)

    assert [row[1] for row in read(pdf(draw)).tables[0].rows] == [str(5 * row) for row in range(1, 8)]


def test_a_paragraph_and_a_divided_word_go_on_in_the_next_column() -> None:
    def draw(paper: Any, _: Any) -> None:
        column(paper, 60, 700, [*PROSE, "and nobody ever expected the most effi-"])
        column(paper, 320, 700, ["cient shuffling of all the files on the desk", "by the keeper of the light.", *PROSE])

    assert "expected the most efficient shuffling of all the files" in read(pdf(draw)).text


def test_a_word_that_was_drawn_twice_comes_once() -> None:
    def draw(paper: Any, _: Any) -> None:
        for shift in (0, 0.4, 1.1):
            paper.drawString(60 + shift, 700 - shift, "Closed on Sundays")
        paper.grid([58, 150, 250], [640, 620, 600])
        for x, y, cell in ((60, 626, "Boat"), (152, 626, "Crew"), (60, 606, "Petrel"), (152, 606, "4")):
            paper.drawString(x, y, cell)
            paper.drawString(x + 0.4, y, cell)

    document = read(pdf(draw))
    assert document.text.startswith("Closed on Sundays\n")
    assert document.tables[0].rows == (("Boat", "Crew"), ("Petrel", "4"))
