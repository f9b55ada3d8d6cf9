"""PDF: words that a line strikes are marked; lines of tables, fields and under words are not taken for such."""

import io
from typing import Any

from pypdf import PdfReader, PdfWriter
from pypdf.annotations import MarkupAnnotation
from pypdf.generic import ArrayObject, FloatObject, NameObject
from support.papers import pdf, read


def test_words_that_a_drawn_line_strikes_are_marked() -> None:
    def draw(paper: Any, _: int) -> None:
        paper.setFont("Helvetica", 11)
        paper.drawString(60, 700, "Adults pay 25 euros 20 euros")
        left, right = (
            60 + paper.stringWidth(before, "Helvetica", 11) for before in ("Adults pay ", "Adults pay 25 euros")
        )
        paper.line(left, 702.9, right, 702.9)
        paper.drawString(60, 660, "Children")
        paper.rect(60, 662.7, 43, 0.6, fill=1, stroke=0)
        paper.drawString(60, 620, "struck twice")
        paper.line(60, 622.2, 120, 622.2)
        paper.line(60, 624, 120, 624)

    assert read(pdf(draw)).text.split("\n\n") == [
        "Adults pay ~~25 euros~~ 20 euros",
        "~~Children~~",
        "~~struck twice~~",
    ]


def test_lines_that_go_on_or_stand_below_strike_nothing() -> None:
    def draw(paper: Any, _: int) -> None:
        paper.setFont("Helvetica", 11)
        paper.drawString(60, 700, "label of a chart")
        paper.line(30, 703, 400, 703)
        paper.drawString(60, 660, "underlined words")
        paper.line(60, 658.5, 145, 658.5)

    assert "~~" not in read(pdf(draw)).text


def test_what_a_reader_struck_is_marked() -> None:
    def draw(paper: Any, _: int) -> None:
        paper.setFont("Helvetica", 11)
        paper.drawString(60, 700, "The old rule holds no more")

    class StrikeOut(MarkupAnnotation):
        def __init__(self) -> None:
            super().__init__()
            corners = (81.4, 709, 120, 709, 81.4, 697, 120, 697)
            self[NameObject("/Subtype")] = NameObject("/StrikeOut")
            self[NameObject("/Rect")] = ArrayObject(map(FloatObject, (81.4, 697, 120, 709)))
            self[NameObject("/QuadPoints")] = ArrayObject(map(FloatObject, corners))

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(draw))))
    writer.add_annotation(0, StrikeOut())
    out = io.BytesIO()
    writer.write(out)
    assert read(out.getvalue()).text == "The ~~old rule~~ holds no more"
