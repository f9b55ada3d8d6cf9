"""Characters of a PDF that are raised, lowered, set tight or below one another."""

from typing import Any

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from support.papers import box_font, column, pdf, read


def scripts(paper: Any, x: float, y: float, *runs: Any) -> None:
    """Runs of one line: text on it, or (text, size, points up)."""
    text = paper.beginText(x, y)
    for run in runs:
        piece, size, rise = run if isinstance(run, tuple) else (run, 10, 0)
        text.setFont("Helvetica", size)
        text.setRise(rise)
        text.textOut(piece)
    paper.drawText(text)


@pytest.mark.parametrize(
    ("runs", "wanted"),
    [
        (("about 10", ("6", 6, 4), " litres"), "about 10⁶ litres"),
        (("about 10", ("-3", 7, 3.5), " litres"), "about 10⁻³ litres"),
        (("C", ("6", 6, -2), "H", ("12", 6, -2), "O", ("6", 6, -2), " in it"), "C₆H₁₂O₆ in it"),
        (("4 km", ("2", 6, 4), ", 3 m", ("3", 6, 4), "."), "4 km², 3 m³."),
        (("as he said", ("12", 6, 4), " before"), "as he said¹² before"),
        (("of equal size 5", ("3", 10, 4), " too"), "of equal size 5³ too"),
        (("only $19", ("99", 6, 4), " today"), "only $19.99 today"),
        ((("EUR", 6, 4), "19", ("99", 6, 4), " today"), "EUR 19.99 today"),
        (("only 19", ("99", 6, 4), " € and $ 5", ("49", 6, 4)), "only 19.99 € and $ 5.49"),
        (("only 19", ("99", 6, 4), " euros"), "only 19.99 euros"),
        (
            ("Ag", ("+", 6, 4), " and SO", ("4", 6, -2), ("2-", 6, 4), "; CO", ("2", 6, -2), "-free"),
            "Ag⁺ and SO₄²⁻; CO₂-free",
        ),
        (("x", ("2", 6, 4), "y", ("3", 6, 4), "z"), "x²y³z"),
        (("for 3", ("1", 6, 4), "/", ("2", 6, 0), " hours"), "for 3 1/2 hours"),
        (("on the 1", ("st", 6, 4), " of May"), "on the 1st of May"),
        (("e", ("-kt", 6, 4), " falls"), "e^{-kt} falls"),
        (("where x", ("i", 6, -2), " and x", ("max", 6, -2), " are"), "where x_i and x_{max} are"),
        (("N", ("ASA", 7.5, 0), " in small capitals"), "NASA in small capitals"),
    ],
)
def test_raised_and_lowered_characters_are_marked(runs: Any, wanted: str) -> None:
    assert read(pdf(lambda paper, _: scripts(paper, 60, 700, *runs))).text == wanted


def test_a_raised_digit_that_was_set_apart_belongs_to_the_word_before_it() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.drawString(60, 700, "a lake of 40 km")
        paper.setFont("Helvetica", 6)
        paper.drawString(61 + stringWidth("a lake of 40 km", "Helvetica", 10), 704, "2")

    assert read(pdf(draw)).text == "a lake of 40 km²"


def test_a_footnote_keeps_its_number_where_its_mark_is_raised() -> None:
    def draw(paper: Any, _: Any) -> None:
        column(paper, 60, 700, ["The harbour office opens at six in the morning."] * 3)
        scripts(paper, 60, 80, ("7", 5, 3), ("Only in summer, says the keeper.", 8, 0))

    assert read(pdf(draw)).text.endswith("[^7]: Only in summer, says the keeper.")


@pytest.mark.parametrize("gap", [1.0, 1.6, 2.5])
def test_words_without_spaces_are_parted_by_their_gaps(gap: float) -> None:
    line = "the harbour office opens at six in the morning"

    def draw(paper: Any, _: Any) -> None:
        x = 60.0
        for word in line.split():
            paper.drawString(x, 700, word)
            x += stringWidth(word, "Helvetica", 10) + gap

    assert read(pdf(draw)).text == line


COLUMNS = ("倉庫の鍵は受付で受け取り、", "二階の窓口へ行ってください。", "開館は昭和12年から九時です。")


def test_vertical_writing_is_read_from_right_to_left() -> None:
    def draw(paper: Any, _: Any) -> None:
        for i, text in enumerate(COLUMNS):
            x, y = 450 - 28 * i, 740
            for piece in text.replace("12", "#"):
                paper.setFont("Boxes", 7 if piece == "#" else 14)
                paper.drawString(x, y, "12" if piece == "#" else piece)
                y -= 15

    box_font("Boxes", "".join(COLUMNS))
    assert "".join(read(pdf(draw)).text.split()) == "".join(COLUMNS)


def test_one_character_cells_below_one_another_are_no_vertical_writing() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.setFont("Boxes", 12)
        for i in range(5):
            for x, cell in ((60, "倉口"[i % 2]), (160, "窓口"), (260, str(i))):
                paper.drawString(x, 700 - 18 * i, cell)

    box_font("Boxes", "".join(COLUMNS) + "0123456789")
    assert read(pdf(draw)).tables[0].rows[1] == ("口", "窓口", "1")
