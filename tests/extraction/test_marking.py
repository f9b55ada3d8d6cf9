"""A passage is marked where it stands on the picture of its page."""

import io
from pathlib import Path

from PIL import Image

from autopicker_lab.core import Part, Place
from autopicker_lab.core.show import ORANGE
from autopicker_lab.extraction import extract, mark
from autopicker_lab.extraction.marking import mark_boxes


def colour(picture: bytes, x: float, y: float) -> tuple[int, int, int]:
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    red, green, blue = image.getpixel((round(x * image.width), round(y * image.height)))  # type: ignore[misc]
    return red, green, blue


def test_a_passage_is_washed_over_on_its_page_alone(samples: Path) -> None:
    report = samples / "report.pdf"
    passage = next(p for p in extract(report).chunks(60) if "| North Quay |" in p.text)
    shown = mark(report, passage)
    assert list(shown.pictures) == [2]
    left, top, right, bottom = passage.places[0].box or (0, 0, 0, 0)
    assert colour(shown.pictures[2], right - 0.001, (top + bottom) / 2) != (255, 255, 255)
    assert colour(shown.pictures[2], left - 0.02, top) == (255, 255, 255)
    assert colour(shown.pictures[2], left, bottom + 0.05) == (255, 255, 255)
    page = shown._repr_html_()
    assert page.count("<img") == 1
    assert "page 2" in page


def test_what_has_no_pages_is_shown_as_text(samples: Path) -> None:
    passage = Part("lines <1>", "<b>text</b>", (), (Place(0, 4, lines=(1, 2)),))
    page = mark(samples / "notes.txt", passage)._repr_html_()
    assert "&lt;b&gt;text" in page
    assert "lines &lt;1&gt; (lines 1-2)" in page
    assert "<img" not in page


def test_a_picture_is_marked_as_well(samples: Path) -> None:
    (passage, *_) = extract(samples / "sign.jpg").chunks()
    assert list(mark(samples / "sign.jpg", passage, width=300).pictures) == [1]


def test_boxes_are_framed_in_a_colour_and_the_picture_stays_legible() -> None:
    marked = mark_boxes(Image.new("RGB", (200, 100), "white"), [(0.25, 0.2, 0.75, 0.8)])
    assert marked.getpixel((50, 50)) == tuple(bytes.fromhex(ORANGE[1:]))
    assert min(marked.getpixel((100, 50))) > 150  # type: ignore[arg-type]
    assert marked.getpixel((10, 50)) == (255, 255, 255)


def test_a_page_that_cannot_be_drawn_leaves_the_text(samples: Path) -> None:
    passage = Part("page 99", "text", (), (Place(0, 4, page=99, box=(0, 0, 1, 1)),))
    assert mark(samples / "report.pdf", passage).pictures == {}
    assert mark(b"%PDF-1.4 broken", passage, name="a.pdf").pictures == {}
