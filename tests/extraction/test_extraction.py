import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from PIL import Image
from reportlab.pdfgen import canvas
from support.pictures import page_of_text

from autopicker_lab.core import (
    FORMATS,
    CorruptFileError,
    EmptyFileError,
    ExtractionLimitError,
    InvalidRequestError,
    UnsupportedFileError,
)
from autopicker_lab.extraction import ExtractionPool, extract, open_source
from autopicker_lab.extraction.registry import reader_of

# What must be found in each sample: text that stands in the file, and a fact of its metadata.
EXPECTED = {
    "report.pdf": ("Kittiwake, is driven by electric motors", ("pages", 10)),
    "minutes.docx": ("## Second electric boat", ("author", "Harbour Light Ferries")),
    "notes.txt": ("Pier four lamp is broken", ("lines", 4)),
    "handbook.md": ("Sound the bell every ninety seconds", ("title", "Crew handbook")),
    "passengers.xlsx": ("| North Quay | 9 | 188400 | 0.457 |", ("sheets", ["Passengers", "Boats"])),
    "fares.xls": ("| Day | 9.5 |", ("sheets", ["Fares"])),
    "stations.csv": ("| Mill Island | 2 | 1974 | 121750 |", ("delimiter", ";")),
    "sign.jpg": ("Last ferry 22:40", ("width", 560)),
    "chart.png": ("Passengers by route, 2025", ("format", "PNG")),
    "board.gif": ("Pier four", ("frames", 2)),
    "label.bmp": ("Mind the step", ("height", 120)),
    "ticket.webp": ("TICKET 4417", ("mode", "RGB")),
    "announcement.mp3": ("12.9 s", ("codec", "mp3float")),
    "announcement.wav": ("12.9 s", ("sample_rate_hz", 16000)),
    "announcement.m4a": ("12.9 s", ("codec", "aac")),
    "announcement.ogg": ("12.9 s", ("codec", "opus")),
    "announcement.flac": ("12.9 s", ("channels", 1)),
    "tides.py": ("def can_leave", ("imports", ["datetime"])),
    "board.js": ("export class Board", ("imports", ["./routes.js"])),
    "timetable.html": ("half past eight", ("title", "Timetable")),
    "style.css": (".board .late", ("imports", ["base.css"])),
    "config.json": ('"boats": 5', ("valid", True)),
}


def test_there_is_a_sample_of_every_format(samples: Path) -> None:
    assert {open_source(path).kind for path in samples.iterdir()} == set(FORMATS)
    assert set(EXPECTED) == {path.name for path in samples.iterdir()}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_gives_a_useful_document(samples: Path, name: Any) -> None:
    document = extract(samples / name)
    text, (key, value) = EXPECTED[name]
    assert text in document.text
    assert document.metadata[key] == value
    assert all(part.label for part in document.parts)
    json.dumps(document.to_dict())
    assert document._repr_html_()


def test_every_format_has_a_reader() -> None:
    for kind in FORMATS:
        assert callable(reader_of(kind))


def test_pages_are_labelled_and_stand_in_order(samples: Path) -> None:
    document = extract(samples / "report.pdf")
    assert [part.label for part in document.parts] == [f"page {i}" for i in range(1, 11)]
    assert "64 people" in document.parts[6].text


def test_code_is_cut_at_symbols_and_nothing_is_lost(samples: Path) -> None:
    for name, symbols in (
        ("tides.py", ["Tide", "Tide.__init__", "Tide.next_high", "can_leave"]),
        ("board.js", ["Board", "Board.constructor", "Board.show", "nextDeparture"]),
        (
            "style.css",
            ['@import "base.css"', ".board", ".board .late, .board .cancelled", "@media (max-width: 40em)", ".board"],
        ),
    ):
        document = extract(samples / name)
        assert [s["name"] for s in document.metadata["symbols"]] == symbols
        whole = "\n".join(part.text for part in document.parts)
        assert whole == (samples / name).read_text("utf-8")


def test_a_summary_of_each_column(samples: Path) -> None:
    columns = extract(samples / "passengers.xlsx").metadata["columns"]["Passengers"]
    assert columns[2] == {
        "name": "Passengers",
        "filled": 4,
        "distinct": 4,
        "type": "number",
        "min": 37550,
        "mean": 103000,
        "max": 188400,
    }


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("Grüße aus Köln, schöne Tage".encode("latin-1"), None),
        ("naïve".encode("utf-16"), "utf-16"),
        ("plain text without a mark".encode("utf-16-be"), "utf-16-be"),
        ("\ufeffmark".encode(), "utf-8-sig"),
    ],
)
def test_encodings(data: bytes, encoding: str | None) -> None:
    document = extract(data, name="a.txt")
    assert "\ufffd" not in document.text
    assert encoding is None or document.metadata["encoding"] == encoding


@pytest.mark.parametrize(
    ("text", "delimiter", "cell"),
    [
        ("a,b\n1,2\n", ",", 2),
        ("a;b\n1;2,5\n", ";", "2,5"),
        ("a\tb\n1\t2\n", "\t", 2),
        ('a,b\n"x, y",2.50\n', ",", "2.50"),
        ("a,b\n001,2.5\n", ",", 2.5),
        ("a,b\n1,2025-01\n", ",", "2025-01"),
        ("a,b\n1,3-1\n", ",", "3-1"),
        ("a,b\n1," + "x" * 200_000 + "\n", ",", "x" * 200_000),
    ],
)
def test_delimiters_are_found_and_cells_keep_their_spelling(text: str, delimiter: str, cell: float | int | str) -> None:
    document = extract(text.encode(), name="a.csv")
    assert document.metadata["delimiter"] == delimiter
    assert document.tables[0].rows[1][1] == cell
    assert document.tables[0].rows[1][0] in (1, "x, y", "001")


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_long_csv_is_read_in_one_pass() -> None:
    assert len(extract(b"a,b\n" + b"1,2\n" * 100_000, name="a.csv").tables[0].rows) == 100_001


def test_ragged_rows_are_filled_and_said() -> None:
    document = extract(b"a,b,c\n1,2\n1,2,3,4\n", name="a.csv")
    assert [len(row) for row in document.tables[0].rows] == [4, 4, 4]
    assert "not as wide" in document.warnings[0]


def test_content_goes_before_the_name(samples: Path) -> None:
    document = extract((samples / "sign.jpg").read_bytes(), name="holiday.txt")
    assert document.kind == "jpg"
    assert "named .txt, but its content is JPG" in document.warnings[0]


def test_a_blob_without_a_name_is_recognised(samples: Path) -> None:
    assert extract((samples / "report.pdf").read_bytes(), name="blob").kind == "pdf"
    assert extract(b"just words", name="blob").kind == "txt"


@pytest.mark.parametrize("name", ["a.rar", "a.exe", "a.pptx", "a.zip"])
def test_an_unsupported_name_is_refused_with_what_is_supported(name: str) -> None:
    with pytest.raises(UnsupportedFileError, match="Supported: pdf"):
        extract(b"some text\x00\x01\x02", name=name)


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.xlsx", "a.xls", "a.png", "a.wav", "a.flac"])
@pytest.mark.parametrize("data", [b"%PDF and more \x00\x01", b"\x00\x01\x02" * 100])
def test_a_wrong_extension_is_refused(name: str, data: bytes) -> None:
    with pytest.raises((CorruptFileError, UnsupportedFileError)) as caught:
        extract(data, name=name)
    assert caught.value.hint


def test_a_document_that_was_cut_off_is_read_as_far_as_it_goes(samples: Path) -> None:
    data = (samples / "minutes.docx").read_bytes()
    document = extract(data[: len(data) // 3], name="minutes.docx")
    assert document.text.startswith("# Minutes of the board")
    assert "cut off" in document.warnings[0]


@pytest.mark.parametrize("name", ["passengers.xlsx", "announcement.m4a"])
def test_a_damaged_file_is_refused(samples: Path, name: str) -> None:
    data = (samples / name).read_bytes()
    with pytest.raises(CorruptFileError) as caught:
        extract(data[: len(data) // 3], name=name)
    assert caught.value.hint


def test_empty_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(EmptyFileError):
        extract(b"", name="a.txt")
    with pytest.raises(InvalidRequestError, match="no file at"):
        extract(tmp_path / "nothing.pdf")
    with pytest.raises(InvalidRequestError, match="is a folder"):
        extract(tmp_path)


def test_no_text_is_a_warning_never_silence() -> None:
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer)
    page.showPage()
    page.save()
    assert "no text was found" in extract(buffer.getvalue(), name="blank.pdf").warnings[0]


def test_an_encrypted_pdf_is_refused_by_name() -> None:
    from reportlab.lib.pdfencrypt import StandardEncryption

    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, encrypt=StandardEncryption("secret"))
    page.drawString(72, 720, "hidden")
    page.save()
    with pytest.raises(CorruptFileError, match="encrypted"):
        extract(buffer.getvalue(), name="locked.pdf")


@pytest.mark.slow
def test_a_scanned_page_is_read_by_ocr(samples: Path) -> None:
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer)
    page.drawImage(str(samples / "sign.jpg"), 72, 500, 400, 130)
    page.save()
    document = extract(buffer.getvalue(), name="scan.pdf")
    assert "Last ferry 22:40" in document.text
    assert "confidence" in document.warnings[0]


def test_form_values_of_a_pdf() -> None:
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer)
    page.drawString(72, 720, "Name:")
    page.acroForm.textfield(name="name", value="Ada", x=120, y=710, width=200, height=20)
    page.save()
    assert extract(buffer.getvalue(), name="form.pdf").metadata["form"] == {"name": "Ada"}


def inflating(entry: str, size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry, b"\0" * size)
    return buffer.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(("entry", "name"), [("word/document.xml", "a.docx"), ("xl/workbook.xml", "a.xlsx")])
def test_an_archive_that_inflates_too_far_is_refused(entry: str, name: str) -> None:
    with pytest.raises(CorruptFileError, match="unpacks to over"):
        extract(inflating(entry, 201 * 2**20), name=name)


def test_an_xml_entity_bomb_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    with pytest.raises(CorruptFileError, match="entities"):
        extract(buffer.getvalue(), name="a.xlsx")


def test_a_pdf_stream_that_inflates_too_far_is_refused() -> None:
    packed = zlib.compress(b" " * (70 * 2**20), 9)
    data = b"%PDF-1.4\n1 0 obj\n<</Filter/FlateDecode>>\nstream\n" + packed + b"\nendstream\nendobj\n"
    with pytest.raises(CorruptFileError, match="unpacks to over"):
        extract(data, name="a.pdf")


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_a_picture_of_too_many_pixels_is_refused() -> None:
    header = b"\x89PNG\r\n\x1a\n"
    ihdr = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    data = header + png_chunk(b"IHDR", ihdr) + png_chunk(b"IDAT", zlib.compress(b"0" * 100))
    with pytest.raises(CorruptFileError, match="pixels"):
        extract(data, name="a.png")


def test_two_cells_far_apart_are_read_without_the_millions_between() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "first"
    book.active["XFD1048576"] = "last"
    buffer = io.BytesIO()
    book.save(buffer)
    document = extract(buffer.getvalue(), name="sparse.xlsx")
    assert document.tables[0].rows == (("first", None), (None, "last"))
    assert "far apart" in document.warnings[0]


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.json", b'{"a":' * 20000), ("a.py", b"x = " + b"[" * 20000), ("a.html", b"<span>" * 20000 + b"deep")],
)
def test_deep_nesting_is_survived(name: str, data: bytes) -> None:
    document = extract(data, name=name)
    assert document.warnings


@pytest.mark.parametrize("mark", ['"', "'"])
def test_a_reference_in_either_quote_is_seen(mark: str) -> None:
    from autopicker_lab.extraction.sheets.xlsx_cells import _REFERENCE

    assert _REFERENCE.findall(f"<c\n r={mark}XFD9{mark} t={mark}s{mark}/>".encode()) == [(b"XFD", b"9")]


def test_a_style_sheet_without_rules() -> None:
    assert extract(b"\n\n", name="a.css").metadata["symbols"] == []


def test_broken_code_says_where() -> None:
    assert "line 2" in extract(b"x = 1\ndef broken(:\n", name="a.py").warnings[0]
    assert "line 2" in extract(b"let a = 1;\nfunction ( {\n", name="a.js").warnings[0]
    assert "commas behind the last item" in extract(b'{"a": 1,}', name="a.json").warnings[0]


@pytest.mark.slow
def test_a_picture_stands_upright_and_keeps_its_place_to_itself() -> None:
    picture = Image.new("RGB", (40, 20), "white")
    exif = picture.getexif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8825)[1] = "N"
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif)
    meta = extract(buffer.getvalue(), name="a.jpg").metadata
    assert meta["exif"]["Make"] == "Maker"
    assert not any("GPS" in name for name in meta["exif"])


def test_merged_cells_and_headers_of_a_docx() -> None:
    paper = docx.Document()
    paper.sections[0].header.paragraphs[0].text = "Running head"
    table = paper.add_table(rows=1, cols=2)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    buffer = io.BytesIO()
    paper.save(buffer)
    document = extract(buffer.getvalue(), name="a.docx")
    assert document.tables[0].rows == (("wide", None),)
    assert document.text.count("Running head") == 1


@pytest.mark.slow
async def test_the_pool_gives_the_same_document_and_typed_errors(samples: Path) -> None:
    with ExtractionPool(workers=1) as pool:
        file = open_source(samples / "minutes.docx")
        assert (await pool.extract(file)).to_dict() == extract(file).to_dict()
        with pytest.raises(CorruptFileError):
            await pool.extract(open_source(b"%PDF-1.4 broken", "a.pdf"))


@pytest.mark.slow
async def test_the_pool_kills_what_takes_too_long_and_goes_on(samples: Path) -> None:
    with ExtractionPool(timeout_s=1.0, workers=1) as pool:
        await pool.extract(open_source(samples / "notes.txt"))  # the worker is up
        with pytest.raises(ExtractionLimitError, match="took longer"):
            await pool.extract(open_source(page_of_text(), "page.png"))
        for _ in range(20):  # its successor may still be starting
            try:
                document = await pool.extract(open_source(samples / "notes.txt"))
                break
            except ExtractionLimitError:
                continue
        assert document.text


def test_names_lose_their_folders() -> None:
    assert open_source(b"hello", "../../etc/passwd.txt").name == "passwd.txt"
    assert open_source(b"hello", "C:\\docs\\a.md").name == "a.md"


def test_paths_work_as_text_and_as_path(samples: Path) -> None:
    assert extract(str(samples / "notes.txt")).text == extract(samples / "notes.txt").text
