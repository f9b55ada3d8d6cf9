"""The boxes of lines that were recognised lie on the ink of the picture, turned or not, and on scanned pages."""

import io

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

from autopicker_lab.core.places import Box
from autopicker_lab.extraction import extract
from autopicker_lab.extraction.ocr import OcrLine, OcrResult
from autopicker_lab.extraction.pdf.recognised import arrange

LINES = ("Harbour Light Ferries", "Departure at six from North Quay")
SIZE = (900, 500)


def picture() -> Image.Image:
    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    for text, at in zip(LINES, ((60, 80), (60, 360)), strict=True):
        draw.text(at, text, "black", ImageFont.load_default(44))
    return image


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def scan(image: Image.Image) -> bytes:
    out = io.BytesIO()
    paper = canvas.Canvas(out, pagesize=(450, 250))
    paper.drawImage(ImageReader(image), 0, 0, 450, 250)
    paper.save()
    return out.getvalue()


@pytest.mark.parametrize("name", ["a.png", "a.pdf"])
def test_each_line_has_its_box(name: str) -> None:
    data = png(picture()) if name == "a.png" else scan(picture())
    document = extract(data, name=name)
    (part,) = document.parts
    assert [part.text[place.start : place.stop] for place in part.places] == list(LINES)
    (left, top, right, bottom), lower = (place.box or (0, 0, 0, 0) for place in part.places)
    assert (left, top, bottom) == pytest.approx((60 / 900, 90 / 500, 130 / 500), abs=0.05)
    assert 0.4 < right < 0.8
    assert lower[1] > 0.7
    assert {place.page for place in part.places} == {1}
    assert [passage.places[0].box for passage in document.chunks(8)] == [place.box for place in part.places]


@pytest.mark.parametrize(
    ("rotation", "box"),
    [
        (0, (0.1, 0.2, 0.5, 0.3)),
        (90, (0.7, 0.1, 0.8, 0.5)),  # the picture was turned counter-clockwise by so much to be read
        (180, (0.5, 0.7, 0.9, 0.8)),
        (270, (0.2, 0.5, 0.3, 0.9)),
    ],
)
def test_boxes_of_a_turned_picture_are_those_of_the_picture_as_it_came(rotation: int, box: Box) -> None:
    turned = SIZE if rotation % 180 == 0 else SIZE[::-1]
    left, top, right, bottom = 0.1 * turned[0], 0.2 * turned[1], 0.5 * turned[0], 0.3 * turned[1]
    line = OcrLine("line", (round(left), round(top), round(right), round(bottom)), 1.0)
    marked = Image.new("L", SIZE, 0)
    ImageDraw.Draw(marked).rectangle([side * edge for side, edge in zip(2 * SIZE, box, strict=True)], fill=255)
    assert (marked.rotate(rotation, expand=True).getbbox() or ())[:2] == pytest.approx((left, top), abs=2)
    (place,) = arrange(OcrResult((line,), "", rotation), "picture", 1, SIZE).places
    assert place.box == pytest.approx(box, abs=0.003)
