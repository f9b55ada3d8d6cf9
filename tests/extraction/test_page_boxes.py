"""The boxes of a page's blocks lie on the picture of the page where the ink is, however the page is turned."""

import io
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen import canvas

from autopicker_lab.core import Document, SourceFile
from autopicker_lab.core.places import Box
from autopicker_lab.extraction import extract, open_source
from autopicker_lab.extraction.pdf import page_image

WIDE, HIGH = 400, 600


def page(text_angle: int, page_rotation: int, crop: bool = False) -> bytes:
    """A page with two paragraphs, far apart, set at an angle; shown turned, and cut to a part of the paper."""
    buffer = io.BytesIO()
    paper = canvas.Canvas(buffer, pagesize=(WIDE, HIGH), invariant=1)
    paper.translate(WIDE / 2, HIGH / 2)
    paper.rotate(text_angle)
    paper.setFont("Helvetica", 12)
    for x, y, words in ((-150, 120, "The first ferry"), (-20, -100, "leaves at six o'clock")):
        for line in range(3):
            paper.drawString(x, y - 15 * line, words)
    paper.showPage()
    paper.save()
    sheet = PdfReader(buffer).pages[0]
    if crop:
        sheet.cropbox.lower_left, sheet.cropbox.upper_right = (10, 20), (WIDE - 5, HIGH - 40)
    sheet.rotate(page_rotation)
    writer = PdfWriter()
    writer.add_page(sheet)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def boxes(document: Document) -> list[tuple[str, Box]]:
    (part,) = document.parts
    return [(part.text[place.start : place.stop], place.box) for place in part.places if place.box]


def ink(picture: Any, box: Box) -> tuple[int, int]:
    """The dark pixels in a box, and in all."""
    dark = picture.convert("L").point(lambda value: 255 * (value < 128))
    left, top, right, bottom = box
    edges = (left * dark.width - 1, top * dark.height - 1, right * dark.width + 1, bottom * dark.height + 1)
    return dark.crop(tuple(map(round, edges))).histogram()[255], dark.histogram()[255]


@pytest.mark.parametrize("crop", [False, True])
@pytest.mark.parametrize("page_rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("text_angle", [0, 90, 180, 270])
def test_all_ink_is_in_the_boxes_and_half_of_it_in_each(text_angle: int, page_rotation: int, crop: bool) -> None:
    file: SourceFile = open_source(page(text_angle, page_rotation, crop), "a.pdf")
    found = boxes(extract(file))
    assert {text.split()[-1] for text, _ in found} == {"ferry", "o'clock"}
    picture = page_image(file, 0, 400)
    counts = [ink(picture, box) for _, box in found]
    assert sum(inside for inside, _ in counts) >= 0.97 * counts[0][1]
    assert all(0.05 < inside / total < 0.8 for inside, total in counts)
    assert all(0 <= edge <= 1 for _, box in found for edge in box)


def test_a_table_and_the_passages_of_a_page_have_their_own_boxes() -> None:
    buffer = io.BytesIO()
    paper = canvas.Canvas(buffer, pagesize=(WIDE, HIGH), invariant=1)
    for row, y in enumerate(range(500, 380, -20)):
        for column, x in enumerate((60, 160, 260)):
            paper.drawString(x, y, f"{'name' if row == 0 else row}{column}")
    for line in range(20):
        paper.drawString(40, 300 - 14 * line, f"Sentence {line} of the text below the table.")
    paper.save()
    document = extract(buffer.getvalue(), name="a.pdf")
    assert document.tables
    found = boxes(document)
    table = next(box for text, box in found if text.startswith("|"))
    assert 0.14 < table[0] < 0.16
    assert 0.14 < table[1] < 0.18
    assert table[3] < 0.36
    first, *_, last = document.chunks(60)
    assert first.places[0].box == table
    assert all((place.box or table)[1] > 0.45 for place in last.places)
    assert {passage.where for passage in (first, last)} == {"page 1"}
