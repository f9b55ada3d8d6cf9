"""Files under the name of another kind, and kinds that are told but not read."""

import io
import zipfile
from pathlib import Path
from random import Random

import openpyxl
import pytest
from PIL import Image
from support.ole import ole

from autopicker_lab.core import CorruptFileError, UnsupportedFileError
from autopicker_lab.extraction import extract, open_source
from autopicker_lab.extraction.foreign import _BEGINNINGS, foreign_beginning

PAGE = b"<html><body><h1>Sign in</h1><p>Please sign in first.</p><table><tr><td>a</td></tr></table></body></html>"
BARE_TABLE = b"\r\n<table border=1><tr><th>code</th><th>name</th></tr><tr><td>7</td><td>bolt</td></tr></table>"
TABS = b"part\tstock\r\nbolt\t40\r\nnut\t7\r\n"
JSON = b'{"part": "bolt", "stock": 40}'
RTF = rb"{\rtf1\ansi A letter}"
MHTML = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/html\r\n\r\n" + PAGE
)
MAIL = b"Received: from a\r\nFrom: a@b.pt\r\nTo: b@c.pt\r\nDate: Mon, 1 Jan 2024\r\nSubject: boats\r\n\r\nHello"
ODF = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
FLAT_ODF = f'<?xml version="1.0"?><office:document xmlns:office="{ODF}"></office:document>'.encode()


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["part", "stock"])
    book.active.append(["bolt", 40])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def archive(*names: str, mimetype: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        if mimetype:
            out.writestr("mimetype", mimetype)
        for name in names:
            out.writestr(name, "<a/>")
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["a.xls", "a.xlsx", "a.docx", "a.pdf", "a.png"])
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PAGE, "html"),
        (b"\xef\xbb\xbf<!-- saved -->\n<!DOCTYPE html>" + PAGE, "html"),
        (PAGE.decode().encode("utf-16"), "html"),
        (BARE_TABLE, "html"),
        (MHTML, "html"),
    ],
)
def test_a_page_is_read_under_any_binary_name(data: bytes, kind: str, name: str) -> None:
    file = open_source(data, name)
    assert file.kind == kind
    assert f"content is {kind.upper()}: read as {kind.upper()}" in file.warnings[0]


@pytest.mark.parametrize("name", ["a.xls", "a.xlsx"])
@pytest.mark.parametrize(
    "data", [TABS, TABS.replace(b"\t", b";"), TABS.decode().encode("utf-16"), TABS.replace(b"\t", b",")]
)
def test_a_table_of_text_is_read_under_the_name_of_a_workbook(data: bytes, name: str) -> None:
    document = extract(data, name=name)
    assert (document.kind, document.tables[0].rows[1]) == ("csv", ("bolt", 40))
    assert "read as CSV" in document.warnings[0]


@pytest.mark.parametrize("name", ["a.xls", "a.docx", "a.pdf"])
@pytest.mark.parametrize(("data", "kind"), [(JSON, "json"), (b"The file was not found.\n", "txt")])
def test_other_text_is_read_under_the_name_of_a_document(data: bytes, kind: str, name: str) -> None:
    assert open_source(data, name).kind == kind


def test_a_letter_with_commas_is_no_table() -> None:
    assert open_source(b"Dear Ana,\nthanks, and all the best,\nyours, Rui\n", "letter.docx").kind == "txt"


@pytest.mark.parametrize("name", ["a.xls", "a.csv", "a.docx", "a.doc", "a.pdf", "a.ods", "blob"])
def test_a_workbook_is_read_under_any_name(name: str) -> None:
    document = extract(workbook(), name=name)
    assert (document.kind, document.tables[0].rows[1]) == ("xlsx", ("bolt", 40))
    assert bool(document.warnings) == (name != "blob")


@pytest.mark.parametrize("name", ["a.xlsm", "a.xltx", "a.XLTM"])
def test_workbooks_with_macros_and_templates_carry_no_warning(name: str) -> None:
    assert not extract(workbook(), name=name).warnings


@pytest.mark.parametrize(("data", "kind"), [(PAGE, "html"), (MHTML, "html")])
@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.doc"])
def test_a_page_is_told_from_a_table_and_from_json(data: bytes, kind: str, name: str) -> None:
    assert open_source(data, name).kind == kind


def test_the_source_of_a_page_stays_text_where_its_name_says_so() -> None:
    assert [open_source(PAGE, name).kind for name in ("a.txt", "a.md", "a.py")] == ["txt", "md", "py"]


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (RTF, "a.rtf", "convert-to docx"),
        (RTF, "a.docx", "Rich Text"),
        (RTF, "a.doc", "Rich Text"),
        (RTF, "a.txt", "Rich Text"),
        (b"\n" + RTF, "a.csv", "Rich Text"),
        (ole("WordDocument", "1Table"), "a.doc", "convert-to docx"),
        (ole("WordDocument"), "a.docx", "Word 97"),
        (ole("PowerPoint Document"), "a.ppt", "convert-to pdf"),
        (ole("__properties_version1.0"), "a.msg", "mail program"),
        (ole("__properties_version1.0"), "a.xls", "Outlook"),
        (ole("MatOST"), "a.wps", "Works"),
        (archive("ppt/presentation.xml", "[Content_Types].xml"), "a.pptx", "convert-to pdf"),
        (archive("ppt/presentation.xml", "[Content_Types].xml"), "a.docx", "PowerPoint"),
        (archive(mimetype="application/vnd.oasis.opendocument.text"), "a.odt", "convert-to docx"),
        (archive(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "a.xlsx", "convert-to xlsx"),
        (archive(mimetype="application/epub+zip"), "a.epub", "pandoc"),
        (archive("Index/Document.iwa"), "a.pages", "Pages"),
        (archive("Index/Document.iwa"), "a.numbers", "Numbers"),
        (archive("Index/Slide-1.iwa"), "blob", "Keynote"),
        (archive("letter.txt"), "a.zip", "Unpack"),
        (archive("letter.txt"), "a.docx", "Unpack"),
        (MAIL, "a.eml", "mail program"),
        (MAIL, "a.pdf", "e-mail"),
        (FLAT_ODF, "a.fodt", "OpenDocument"),
        (FLAT_ODF, "a.docx", "OpenDocument"),
        (b"\x00\x00\x00\x18ftypmif1\0\0\0\0mif1heic" + bytes(300), "a.jpg", "HEIC"),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(300), "a.jpg", "camera"),
        (b"II*\x00" + bytes(300), "a.nef", "camera"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n" + bytes(300), "a.png", "JPEG XL"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(300), "a.jpg", "JPEG 2000"),
        (b"8BPS\x00\x01" + bytes(300), "a.png", "Photoshop"),
        (b"\x00\x00\x01\x00\x01\x00" + bytes(300), "a.png", "icons"),
        (b"\x01\x00\x00\x00" + bytes(36) + b" EMF" + bytes(300), "a.png", "Windows"),
        (b"P6\n9 9\n255\n" + bytes(243), "a.png", "PPM"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a.png", "PostScript"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(300), "a.heic", "PNG"),
        (b"\xdb\xa5-\x00" + bytes(300), "a.doc", "docx"),
        (b"ID;PWXL;N;E\r\nP;PGeneral\r\nC;Y1;X1;K7\r\nE\r\n", "a.xls", "SYLK"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "a.xlsx", "git lfs pull"),
        (b"\x00\x05\x16\x07\x00\x02" + bytes(80), "._a.docx", "macOS"),
        (b'{"url": "https://docs.google.com/open?id=1"}', "a.gsheet", "download it as"),
        (archive("FixedDocSeq.fdseq", "[Content_Types].xml"), "a.xps", "PDF"),
    ],
)
def test_what_is_not_read_is_named_with_what_converts_it(data: bytes, name: str, says: str) -> None:
    with pytest.raises(UnsupportedFileError, match=says) as caught:
        extract(data, name=name)
    assert "Supported: pdf" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"icns are the icons of Apple, in one file.", None),
        (b"icns: 1\n", None),
        (b"icns\x00\x00\x00\x10" + bytes(8), "icns"),
        (b"P4\nnotes of a chess game", None),
        (b"P7\nthe rook", None),
        (b"P5\n# by hand\n640 480\n255\n", "pnm"),
        (b"P7\nWIDTH 9\n", "pnm"),
        (b"qoif is a format of pictures", None),
        (b"qoif\x00\x00\x00\x09\x00\x00\x00\x09\x04\x00", "qoi"),
        (b"BZhukov wrote the first chapter", None),
        (b"BZh91AY&SY", "archive"),
        (b"8BPS and gimp xcf ", None),
        (b"gimp xcf is a format", None),
        (b"gimp xcf v011\x00", "xcf"),
        (b"ITSF, the society of table football", None),
        (b"IIRO island lies in the north", None),
        (b"the ftyp of an avif picture is one of its boxes", None),
        (b"Pictures that a printer took were of type EMF.", None),
        (b"AT&TFORM 1040", None),
        (b"AT&TFORM\x00\x00\x01\x00DJVU", "djvu"),
        (b"%!PS is how PostScript begins", None),
        (b"\x00\x00\x02\x00\x14\x00" + bytes(12) + (6 + 16 * 20).to_bytes(4, "little"), "ico"),
    ],
)
def test_words_that_begin_as_a_picture_does_are_words(data: bytes, kind: str | None) -> None:
    assert foreign_beginning(data) == kind
    if kind is None:
        assert open_source(data, "words").kind == "txt"


def test_a_file_cut_off_within_its_signature_is_told_or_refused() -> None:
    with pytest.raises(UnsupportedFileError):
        open_source(b"\x00\x00\x02\x00\x01\x00", "a.dat")
    random = Random(1)
    beginnings = [*(beginning for beginning, _ in _BEGINNINGS), b"\x00\x00\x02\x00\x01\x00", b"\n\x05\x01\x08", b"icns"]
    for beginning in [*beginnings, b"P6\n9 9\n", b"qoif", b"BZh9", b"\x00\x00\x00\x18ftyp", b""]:
        for size in range(1, 41):
            foreign_beginning((beginning + bytes(40))[:size])
            foreign_beginning((beginning + random.randbytes(40))[:size])


def test_words_under_the_name_of_an_old_document_are_words() -> None:
    document = extract(b"Just a note.\n", name="note.doc")
    assert (document.text.strip(), document.kind) == ("Just a note.", "txt")
    assert "named .doc" in document.warnings[0]


def test_the_lock_file_of_an_open_document_names_the_document() -> None:
    with pytest.raises(UnsupportedFileError, match=r"Send 'report.xlsx' itself"):
        extract(b"\x08Mira\x00\x00" * 20, name="~$report.xlsx")


def test_words_before_the_table_of_a_workbook_do_not_hide_it() -> None:
    assert open_source(b"Report of 2024\n" + BARE_TABLE, "a.xls").kind == "html"


def test_an_archive_that_holds_a_workbook_is_none() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        out.writestr("inside.xlsx", workbook())
    with pytest.raises(UnsupportedFileError, match="Unpack"):
        extract(buffer.getvalue(), name="a.xlsx")


def test_a_table_whose_first_column_is_an_id_is_no_sylk() -> None:
    assert extract(b"ID;Price;Stock\n1;2;3\n4;5;6\n", name="a.csv").tables[0].rows[0] == ("ID", "Price", "Stock")


def test_junk_before_an_archive_is_passed_over() -> None:
    assert extract(b"HTTP/1.1 200 OK\x00\r\n\r\n" + workbook(), name="a.xlsx").tables[0].rows[1] == ("bolt", 40)


@pytest.mark.parametrize("name", ["a.xls", "a.docx", "a.pdf"])
def test_noise_is_damage(name: str) -> None:
    with pytest.raises(CorruptFileError):
        extract(bytes(range(256)) * 20, name=name)


def flat(data: bytes) -> bytes:
    """A DOCX as one file of XML, as Word saves it on demand."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name.endswith((".xml", ".rels"))}
    body = b"".join(
        b'<pkg:part pkg:name="/%s"><pkg:xmlData>%s</pkg:xmlData></pkg:part>' % (name.encode(), xml.partition(b"?>")[2])
        for name, xml in parts.items()
        if name != "[Content_Types].xml"
    )
    return (
        b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><pkg:package xmlns:pkg="%s">%s</pkg:package>'
        % (
            b"http://schemas.microsoft.com/office/2006/xmlPackage",
            body,
        )
    )


@pytest.mark.parametrize("name", ["a.xml", "a.docx", "a.doc"])
def test_a_document_in_one_file_of_xml_is_read(samples: Path, name: str) -> None:
    plain = extract(samples / "minutes.docx")
    document = extract(flat((samples / "minutes.docx").read_bytes()), name=name)
    assert document.text == plain.text
    assert any("one file of XML" in warning for warning in document.warnings)


def picture(form: str, mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (16, 16), "teal").save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".dat", ""])
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (picture("TGA"), "Targa"),
        (picture("TGA", compression="tga_rle"), "Targa"),
        (picture("TGA")[: 18 + 3 * 16 * 16], "Targa"),
        (picture("TGA", "L")[: 18 + 16 * 16], "Targa"),
        (picture("PCX"), "Paintbrush"),
        (picture("ICO"), "icons and cursors"),
        (b"\x00\x00\x02" + picture("ICO")[3:], "icons and cursors"),
        (picture("DDS"), "DirectDraw"),
        (picture("PPM"), "PPM"),
    ],
)
def test_a_picture_that_is_not_read_is_told_by_its_content(data: bytes, says: str, suffix: str) -> None:
    with pytest.raises(UnsupportedFileError, match=says) as caught:
        open_source(data, f"a{suffix}")
    assert "PNG" in str(caught.value)
