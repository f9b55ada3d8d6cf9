"""Pictures as people have them: scripts that no engine knows, columns, tall, thin, transparent, cut off, in frames."""

import io
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy
import pytest
from PIL import Image, ImageDraw, ImageFont

from autopicker_lab.core import CorruptFileError, Document
from autopicker_lab.extraction import extract
from autopicker_lab.extraction.ocr import OcrLine, OcrResult, read_text, tesseract
from autopicker_lab.extraction.ocr.coverage import uncovered
from autopicker_lab.extraction.ocr.scripts import is_legible, is_seen, leaves_out, looks_borrowed, unread_note
from autopicker_lab.extraction.ocr.strips import cut_across, cut_strips
from autopicker_lab.extraction.pdf.recognised import arrange
from autopicker_lab.extraction.raster import open_image
from autopicker_lab.extraction.seen import to_rgb
from autopicker_lab.extraction.sniff import open_source

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def drawn(lines: list[str], size: int = 28, ink: str = "black", paper: str = "white") -> Image.Image:
    font = ImageFont.truetype(str(FONT), size)
    width = max(round(font.getlength(line)) for line in lines) + 50
    image = Image.new("RGB", (width, round(1.6 * size * len(lines)) + 40), paper)
    for index, line in enumerate(lines):
        ImageDraw.Draw(image).text((25, 20 + 1.6 * size * index), line, ink, font)
    return image


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def read(image: Image.Image) -> Document:
    return extract(saved(image), name="a.png")


class TestScripts:
    @pytest.mark.parametrize(
        ("script", "pack", "lines"),
        [
            ("Cyrillic", "rus", ["Мельница открыта по субботам.", "Хлеб продаётся у ворот."]),
            ("Greek", "ell", ["Ο μύλος ανοίγει το Σάββατο.", "Το ψωμί πωλείται στην πύλη."]),
            ("Hebrew", "heb", ["הטחנה פתוחה בשבת", "לחם נמכר בשער הגדול"]),
        ],
    )
    def test_letters_that_no_engine_knows_are_told_and_not_guessed(
        self, script: str, pack: str, lines: list[str]
    ) -> None:
        document = read(drawn(lines))
        assert document.parts[0].label == "picture"
        assert script in document.warnings[0]
        assert f"tesseract-ocr-{pack}" in document.warnings[0]

    def test_the_lines_that_can_be_read_stand_beside_the_note_about_the_others(self) -> None:
        document = read(drawn(["Mill open on Saturdays", "Мельница открыта по субботам", "Bread sold at the gate"]))
        assert document.text == "Mill open on Saturdays\nBread sold at the gate"
        assert "1 line in Cyrillic letters" in document.warnings[0]

    def test_accents_of_latin_languages_are_read_without_more_languages(self) -> None:
        assert read(drawn(["Die Mühle öffnet früh.", "Größe und Maß wählen"])).text == (
            "Die Mühle öffnet früh.\nGröße und Maß wählen"
        )

    def test_letters_that_look_alike_cannot_be_told_by_reading(self) -> None:
        assert looks_borrowed([OcrLine("PECTOPAH BOCTOK", (0, 0, 9, 9), 0.99)])
        assert not looks_borrowed([OcrLine("RESTAURANT EAST", (0, 0, 9, 9), 0.99)])

    @pytest.mark.parametrize(
        ("text", "confidence", "other", "foreign", "legible"),
        [
            ("The mill", 0.99, "", False, True),
            (". .", 0.97, "Mapom otxo", False, False),  # a blank reading of a line full of letters
            ("LUACILU IXXU", 0.82, "17122 YYN1", True, False),
            ("Tbe mi11", 0.65, "The mill", False, True),  # two engines seldom invent the same
            ("καλμρα κσμε", 0.93, "", False, False),
            ("E\u03c3o\u03b4o", 0.93, "", False, False),
        ],
    )
    def test_what_can_be_believed(self, text: str, confidence: float, other: str, foreign: bool, legible: bool) -> None:
        assert is_legible(OcrLine(text, (0, 0, 400, 40), confidence), other, foreign) is legible

    def test_an_unknown_script_has_a_next_step_too(self) -> None:
        assert "ask a model that sees" in unread_note(2, "")

    def test_a_line_of_which_only_the_known_letters_were_read(self) -> None:
        part, whole = (OcrLine(text, (0, 0, 400, 40), 0.97) for text in ("2024: 150 .", "Mapom 2024: uera 150 py6."))
        assert leaves_out(part, whole)
        assert not leaves_out(whole, part)
        assert not leaves_out(part, replace(whole, confidence=0.12))  # of a guess even the number of letters is one

    def test_places_that_hold_a_pattern_are_no_letters(self) -> None:
        assert not is_legible(OcrLine("2", (0, 0, 40, 40), 0.84), "", False)
        assert not is_seen(OcrLine("", (0, 0, 400, 40), 0.9), "|| |")
        assert is_seen(OcrLine("", (0, 0, 400, 40), 0.9), "Mapom otxo")


class TestPixels:
    @pytest.mark.parametrize("degrees", [90, 180, 270])
    def test_a_turned_page_is_read_from_top_to_bottom(self, degrees: int) -> None:
        lines = ["The mill grinds at dusk.", "Mind the wheel at night.", "Nobody may swim there.", "Ask for the key."]
        assert read(drawn(lines).rotate(degrees, expand=True)).text.split("\n") == lines

    @pytest.mark.parametrize(
        ("mode", "ink", "shade"),
        [("RGBA", "white", 0), ("RGBA", "black", 255), ("LA", "white", 0), ("RGBA", "#888888", 255)],
    )
    def test_transparent_pictures_stand_before_what_their_letters_show_against(
        self, mode: str, ink: str, shade: int
    ) -> None:
        image = Image.new("RGBA", (60, 20), (0, 0, 0, 0))
        ImageDraw.Draw(image).rectangle((10, 5, 30, 15), ink)
        assert to_rgb(image.convert(mode)).getpixel((0, 0)) == (shade, shade, shade)

    def test_black_and_white_on_nothing_both_show(self) -> None:
        image = Image.new("RGBA", (60, 20), (0, 0, 0, 0))
        ImageDraw.Draw(image).rectangle((5, 5, 20, 15), "white")
        ImageDraw.Draw(image).rectangle((35, 5, 50, 15), "black")
        assert to_rgb(image).getpixel((0, 0)) == (128, 128, 128)

    @pytest.mark.parametrize("size", [(1, 1), (3000, 8), (5, 4000), (2000, 3)])
    def test_thin_pictures_hold_no_text_and_are_not_damaged(self, size: tuple[int, int]) -> None:
        assert "no text was recognised in the picture" in read(Image.new("RGB", size, "navy")).warnings

    @pytest.mark.parametrize("kind", ["JPEG", "PNG"])
    def test_of_a_picture_cut_off_what_is_there_is_read(self, kind: str) -> None:
        page = drawn([f"Sack {number} of the new flour" for number in range(20, 34)])
        data = saved(page, kind)
        document = extract(data[: 7 * len(data) // 10], name=f"a.{kind.lower()}")
        assert "Sack 21 of the new flour" in document.text
        assert "cut off" in document.warnings[0]

    def test_a_picture_without_one_sound_pixel_is_refused(self) -> None:
        data = saved(drawn(["Mill"]))
        with pytest.raises(CorruptFileError, match="damaged"):
            extract(data[:60], name="a.png")

    def test_a_bitmap_with_an_empty_fourth_channel_is_opaque(self) -> None:
        image = drawn(["Meter of the mill 7731"])
        image.putalpha(0)
        picture, _ = open_image(open_source(saved(image, "BMP"), "a.bmp"))
        assert to_rgb(picture).getextrema() == ((0, 255),) * 3


class TestFrames:
    def test_captions_of_all_frames_are_read_once_each(self) -> None:
        frames = [drawn([text]) for text in ("Open the sluice", "Open the sluice", "Start the mill!")]
        frames = [frame.resize(frames[0].size) for frame in frames]
        data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
        document = extract(data, name="a.gif")
        assert document.parts[0].label == "text in the picture"
        assert document.text.count("Open the sluice") == 1
        assert "Start the mill" in document.text
        assert not document.warnings


def placed(*pieces: tuple[str, int, int]) -> OcrResult:
    """Recognised pieces by text, left edge and top, 20 pixels high."""
    lines = [OcrLine(text, (x, y, x + 10 * len(text), y + 20), 0.99, y + 16) for text, x, y in pieces]
    return OcrResult(tuple(lines), "rapidocr")


def arranged(*pieces: tuple[str, int, int]) -> str:
    return arrange(placed(*pieces), "picture", 1, (1000, 600)).text


class TestOrder:
    def test_short_columns_of_prose_are_read_one_after_the_other(self) -> None:
        left = ["The mill on the hill", "was built of oak and", "ground rye for years", "until the wind failed."]
        right = ["A dam below the mill", "held water for a year", "and broke in the end", "after one long night."]
        pairs = [piece for y, (a, b) in enumerate(zip(left, right, strict=True)) for piece in ((a, 20, y), (b, 500, y))]
        assert arranged(*((text, x, 20 + 36 * y) for text, x, y in pairs)) == "\n".join(left + right)

    def test_bubbles_left_and_right_stand_in_the_order_of_the_conversation(self) -> None:
        said = ["are you at the mill now", "no I am still on the bus", "the bread is nearly gone"]
        said += ["please keep two for me", "fine but hurry up a bit", "will be there at nine ok"]
        assert arranged(*((text, 20 + 480 * (i % 2), 60 * i) for i, text in enumerate(said))) == "\n".join(said)

    def test_a_table_is_one_with_its_rows(self) -> None:
        rows = [("Flour", "2022", "2023"), ("Rye", "120", "135"), ("Oats", "98", "101"), ("Wheat", "210", "222")]
        pieces = [(cell, 20 + 300 * x, 20 + 40 * y) for y, row in enumerate(rows) for x, cell in enumerate(row)]
        found = arrange(placed(*pieces), "picture", 1, (1000, 600))
        assert [table.rows for table in found.tables] == [tuple(rows)]
        assert found.tables[0].to_markdown() in found.text


class TestStrips:
    def test_strips_own_every_line_once_and_cut_between_lines(self) -> None:
        image = Image.new("RGB", (300, 5000), "white")
        tops = range(10, 4980, 41)
        for top in tops:
            for x in range(10, 280, 6):
                ImageDraw.Draw(image).rectangle((x, top, x + 2, top + 18), "black")
        strips = list(cut_strips(image, 1000))
        assert len(strips) > 3
        boxes = [(10, top, 280, top + 18) for top in tops]
        assert all(sum(strip.owns(box) for strip in strips) == 1 for box in boxes)
        assert all(any(s.owns(b) and s.top <= b[1] and b[3] <= s.bottom for s in strips) for b in boxes)
        assert strips[0].top == 0
        assert strips[-1].bottom == image.height
        ends = [end for strip in strips for end in (strip.top, strip.bottom)]
        assert not any(top < end <= top + 18 for top in tops for end in ends)  # no line is seen in part

    @pytest.mark.slow
    def test_a_long_screenshot_is_read_line_by_line(self) -> None:
        image = drawn([f"Sack {number} waits at the gate" for number in range(100, 200)], 24)
        lines = read(image).text.split("\n")
        assert lines == [f"Sack {number} waits at the gate" for number in range(100, 200)]

    def test_a_wide_picture_is_cut_between_words(self) -> None:
        image = drawn(["  ".join(f"sack{number}" for number in range(100, 160))], 40)
        assert image.width > 8_000
        parts = list(cut_across(image, 2_400))
        assert [parts[0][0], parts[-1][1]] == [0, image.width]
        assert all(right == left for (_, right), (left, _) in pairwise(parts))
        assert all(600 <= right - left <= 2_400 for left, right in parts[:-1])
        ink = numpy.asarray(image.convert("L")) < 128
        assert not any(ink[:, right - 2 : right + 2].any() for _, right in parts[:-1])
        assert list(cut_across(image, image.width)) == [(0, image.width)]

    @pytest.mark.slow
    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc of Linux")
    @pytest.mark.fault("a picture 26,000 pixels wide", "read word by word, in the memory of a page")
    def test_a_line_as_long_as_a_street_is_read_in_the_memory_of_a_page(self, tmp_path: Path) -> None:
        words = [f"sack{number}" for number in range(100, 180)]
        path = tmp_path / "street.png"
        path.write_bytes(saved(drawn(["    ".join(words)], 60)))
        reading = (  # getrusage would count what the process was before it became another
            "import re, sys; from autopicker_lab.extraction import extract; print(extract(sys.argv[1]).text); "
            "print(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1])"
        )
        done = subprocess.run([sys.executable, "-c", reading, path], capture_output=True, text=True, check=True)
        *text, kib = done.stdout.split()
        assert text == words
        assert int(kib) < 600 * 1024


def test_places_that_look_like_text_and_were_not_read() -> None:
    image = drawn(["The mill is open", "Bread at the gate"])
    assert len(uncovered(image, [])) > 1  # words, or lines
    assert not uncovered(image, [OcrLine("all", (0, 0, *image.size), 1.0)])
    assert uncovered(image, [OcrLine("without its first letters", (70, 0, *image.size), 1.0)])
    assert not uncovered(Image.new("RGB", (300, 300), "teal"), [])


def test_no_engine_is_asked_about_what_is_of_one_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    engine = tesseract.read_with_tesseract

    def counted(image: Image.Image, languages: Sequence[str]) -> list[OcrLine]:
        sizes.append(image.size)
        return engine(image, languages)

    monkeypatch.setattr(tesseract, "read_with_tesseract", counted)
    endless = Image.new("RGB", (900, 20_000), "white")
    endless.paste(drawn(["The pier is closed today"]), (0, 0))
    assert "pier is closed" in " ".join(line.text for line in read_text(endless).lines)
    assert len(sizes) == 1
    assert not read_text(Image.new("RGB", (400, 300), (250, 251, 252))).lines
    assert len(sizes) == 1


def test_a_later_frame_that_is_too_large_is_told_before_it_is_made() -> None:
    small = Image.new("P", (40, 30), 1)
    data = bytearray(saved(small, "GIF", save_all=True, append_images=[Image.new("P", (40, 30), 2)], disposal=2))
    at = data.rindex(b"\x2c") + 5  # width and height of the second frame
    data[at : at + 4] = (9000).to_bytes(2, "little") + (9900).to_bytes(2, "little")
    with pytest.raises(CorruptFileError, match=r"9,000 x 9,900 pixels"):
        extract(bytes(data), name="a.gif")
