"""Large pictures made smaller and read in pieces: as they come out whole, in less memory."""

import io

import numpy
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from autopicker_lab.core import SourceFile
from autopicker_lab.extraction import raster, shrinking
from autopicker_lab.extraction.ocr import OcrLine, OcrResult, pieces, reading
from autopicker_lab.extraction.ocr.pieces import read_in_pieces
from autopicker_lab.extraction.raster import open_header, open_image
from autopicker_lab.extraction.shrinking import decoded_smaller, reduced, scaled

SIZE = (503, 301)


def picture(mode: str = "RGB") -> Image.Image:
    """Soft colours, with a box in a corner by which its place is told."""
    across, down = numpy.meshgrid(numpy.arange(SIZE[0]) % 256, numpy.arange(SIZE[1]) % 256)
    image = Image.fromarray(numpy.dstack([across, down, 255 - across]).astype(numpy.uint8))
    ImageDraw.Draw(image).rectangle((10, 5, 90, 60), "black")
    return image.convert(mode)


def saved(image: Image.Image, form: str, **options: object) -> SourceFile:
    out = io.BytesIO()
    image.save(out, form, **options)
    return SourceFile(f"a.{form.lower()}", out.getvalue(), form.lower())


def apart(one: Image.Image, other: Image.Image) -> float:
    """By how many of 255 levels two pictures differ on average."""
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean)


@pytest.mark.parametrize(
    ("form", "mode", "most"), [("BMP", "RGB", 0), ("BMP", "RGBA", 0), ("BMP", "L", 0), ("WEBP", "RGB", 8)]
)
def test_a_picture_comes_out_as_if_it_had_been_decoded_whole(form: str, mode: str, most: int) -> None:
    if form == "WEBP":
        pytest.importorskip("av")
    file = saved(picture(mode), form, **({"quality": 95} if form == "WEBP" else {}))
    small = decoded_smaller(open_header(file), file.data, 3)
    whole = reduced(Image.open(io.BytesIO(file.data)), 3)
    assert small is not None
    assert (small.size, small.mode, small.format) == (whole.size, whole.mode, form)
    assert apart(small, whole) <= most


def test_what_is_packed_cut_off_or_moves_is_decoded_first() -> None:
    file = saved(picture(), "PNG")
    assert decoded_smaller(open_header(file), file.data, 3) is None
    file = saved(picture(), "BMP")
    assert decoded_smaller(open_header(file), file.data[:-9], 3) is None
    file = saved(picture(), "WEBP", save_all=True, append_images=[picture().rotate(180)])
    assert decoded_smaller(open_header(file), file.data, 3) is None


@pytest.mark.parametrize("form", ["BMP", "WEBP", "PNG", "JPEG"])
def test_a_large_picture_is_opened_smaller(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(raster, "_LARGE", 1000)
    small, warnings = open_image(saved(picture(), form), 2)
    assert (small.size, warnings) == ((252, 151), ())


def test_a_large_picture_is_scaled_in_bands_that_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scaled(picture(), (377, 226))
    monkeypatch.setattr(shrinking, "_LARGE", 1000)
    monkeypatch.setattr(shrinking, "_BAND", 50)
    assert apart(scaled(picture(), (377, 226)), whole) < 0.5


def test_a_wide_picture_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.new("RGB", (900, 100), "white")
    for left in (40, 340, 640):
        ImageDraw.Draw(image).rectangle((left, 20, left + 200, 60), "black")
    widths: list[int] = []

    def read(part: Image.Image, languages: object) -> OcrResult:
        widths.append(part.width)
        black = [x for x in range(part.width) if part.getpixel((x, 40)) == (0, 0, 0)]
        lines = (OcrLine("a bar", (black[0], 20, black[-1], 60), 0.9, 60),) if black else ()
        return OcrResult(lines, "tesseract eng", doubts=("a doubt",))

    monkeypatch.setattr(reading, "_read", read)
    monkeypatch.setattr(pieces, "_LARGE", 50_000)
    monkeypatch.setattr(pieces, "_PART", 33_000)
    result = reading.read_text(image)
    assert [line.box[::2] for line in result.lines] == [(40, 240), (340, 540), (640, 840)]
    assert (sum(widths), result.engine, result.doubts) == (900, "tesseract eng", ("a doubt",))


def test_a_page_in_landscape_is_read_whole() -> None:
    sizes: list[tuple[int, int]] = []

    def read(part: Image.Image) -> OcrResult:
        sizes.append(part.size)
        return OcrResult(())

    page = Image.new("L", (4000, 3091), "white")
    for top in range(100, 3000, 60):
        for left in range(100 + top % 70, 3800, 90):
            ImageDraw.Draw(page).rectangle((left, top, left + 70, top + 30), "black")
    read_in_pieces(page, read)
    assert sizes == [page.size]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_lines_of_turned_parts_stand_where_they_do_in_the_whole_picture_turned(
    monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    monkeypatch.setattr(pieces, "_LARGE", 50_000)
    monkeypatch.setattr(pieces, "_PART", 33_000)
    image = Image.new("L", (900, 100), "white")
    for left in (40, 340, 640):
        ImageDraw.Draw(image).rectangle((left, 20, left + 200, 60), "black")

    def bars(picture: Image.Image) -> list[tuple[int, int, int, int]]:
        return [box] if (box := ImageChops.invert(picture).getbbox()) else []

    def read(part: Image.Image) -> OcrResult:
        lines = tuple(OcrLine("a bar", box, 0.9, 60) for box in bars(part.rotate(turn, expand=True)))
        return OcrResult(lines, "tesseract eng", turn)

    result = read_in_pieces(image, read)
    whole = image.rotate(turn, expand=True)
    assert result.rotation == turn
    assert len(result.lines) == 3
    assert all(bars(whole.crop(line.box)) == [(0, 0, line.width, line.height)] for line in result.lines)


def test_a_part_that_is_turned_otherwise_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_LARGE", 50_000)
    monkeypatch.setattr(pieces, "_PART", 33_000)
    turns = iter([0, 90, 0, 0, 0, 0, 0])
    line = OcrLine("a bar", (0, 20, 9, 60), 0.9, 60)
    result = read_in_pieces(Image.new("L", (900, 100), "white"), lambda _: OcrResult((line,), "rapidocr", next(turns)))
    assert (result.rotation, len(result.doubts)) == (0, 1)
    assert result.doubts[0].startswith("text from (")
