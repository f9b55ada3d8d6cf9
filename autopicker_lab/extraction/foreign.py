"""Formats that are told apart but not read, and what makes one of ours of them."""

from __future__ import annotations

import re
from typing import NamedTuple

from autopicker_lab.core import UnsupportedFileError
from autopicker_lab.extraction.registry import formats

_OFFICE = "convert it: soffice --headless --convert-to {} FILE (LibreOffice), or save it as {} where it was written"
_PICTURE = "save it as PNG or JPEG"
_MAIL = "save the message as HTML in a mail program, and its attachments one by one"


class _Foreign(NamedTuple):
    name: str
    advice: str


def _office(name: str, target: str) -> _Foreign:
    return _Foreign(name, _OFFICE.format(target, target.upper()))


FOREIGN = {
    "doc": _office("a document of Word 97 to 2003 (.doc)", "docx"),
    "word-xml": _office("a document of Word 2003 in XML", "docx"),
    "rtf": _office("a document in Rich Text Format (.rtf)", "docx"),
    "odt": _office("an OpenDocument text (.odt)", "docx"),
    "wps": _office("a document of Microsoft Works (.wps)", "docx"),
    "wpd": _office("a document of WordPerfect (.wpd)", "docx"),
    "pages": _office("a document of Apple Pages (.pages)", "docx"),
    "ppt": _office("a presentation of PowerPoint 97 to 2003 (.ppt)", "pdf"),
    "pptx": _office("a presentation of PowerPoint (.pptx)", "pdf"),
    "odp": _office("an OpenDocument presentation (.odp)", "pdf"),
    "key": _office("a presentation of Apple Keynote (.key)", "pdf"),
    "ods": _office("an OpenDocument spreadsheet (.ods)", "xlsx"),
    "numbers": _office("a spreadsheet of Apple Numbers (.numbers)", "xlsx"),
    "odg": _office("an OpenDocument drawing (.odg)", "pdf"),
    "vsd": _office("a drawing of Visio (.vsd, .vsdx)", "pdf"),
    "pub": _office("a publication of Publisher (.pub)", "pdf"),
    "msg": _Foreign("a message of Outlook (.msg)", _MAIL),
    "eml": _Foreign("a message of e-mail (.eml)", _MAIL),
    "epub": _Foreign(
        "an e-book (.epub)", "convert it: pandoc FILE -o book.html, or ebook-convert FILE book.docx (Calibre)"
    ),
    "chm": _Foreign("a help file (.chm)", "unpack its pages: 7z x FILE"),
    "archive": _Foreign("an archive", "unpack it, and send the files that it holds"),
    "svg": _Foreign("a drawing (.svg)", "save it as PNG"),
    "slk": _office("a spreadsheet in SYLK (.slk)", "xlsx"),
    "wk1": _office("a spreadsheet of Lotus 1-2-3 (.wk1, .123)", "xlsx"),
    "xps": _Foreign("a printed document (.xps)", "print it to PDF where it is shown"),
    "djvu": _Foreign("a scan in DjVu (.djvu)", "convert it: ddjvu -format=pdf FILE out.pdf"),
    "google": _Foreign("a link to a document of Google", "open it there, and download it as DOCX, XLSX or PDF"),
    "pointer": _Foreign("a pointer of Git LFS in place of the file", "fetch the file itself: git lfs pull"),
    "notes": _Foreign("a file in which macOS keeps what it knows of another", "send that other file"),
    **{
        kind: _Foreign(f"a picture in {name}", _PICTURE)
        for kind, name in {
            "heic": "HEIC (HEIF), as telephones make it",
            "jxl": "JPEG XL",
            "jp2": "JPEG 2000",
            "psd": "Photoshop's format (.psd)",
            "xcf": "GIMP's format (.xcf)",
            "ico": "the format of icons and cursors (.ico, .cur)",
            "icns": "the format of Apple's icons (.icns)",
            "tga": "Targa's format (.tga)",
            "pcx": "PC Paintbrush's format (.pcx)",
            "dds": "DirectDraw's format (.dds)",
            "qoi": "QOI",
            "exr": "OpenEXR",
            "hdr": "Radiance's format (.hdr)",
            "pnm": "PBM, PGM, PPM or PAM",
            "raw": "a camera's own format (raw)",
        }.items()
    },
    "eps": _Foreign("a drawing in PostScript (.eps)", "save it as PDF or PNG"),
    "emf": _Foreign("a drawing of Windows (.emf, .wmf)", "save it as PNG"),
}
READ_AS = {"tiff": "png", "avif": "webp"}  # formats that are read as the kind nearest to them
_SUFFIXES = {
    **{f".{kind}": kind for kind in FOREIGN if kind not in ("word-xml", "archive", "google", "pointer", "notes")},
    **{".dot": "doc", ".ott": "odt", ".fodt": "odt", ".sxw": "odt", ".fods": "ods", ".ots": "ods", ".sxc": "ods"},
    **{".pps": "ppt", ".pot": "ppt", ".ppsx": "pptx", ".pptm": "pptx", ".potx": "pptx", ".fodp": "odp", ".sxi": "odp"},
    **{
        ".mbox": "eml",
        ".gdoc": "google",
        ".gsheet": "google",
        ".gslides": "google",
        ".oxps": "xps",
        ".123": "wk1",
        ".vsdx": "vsd",
        ".mobi": "epub",
        ".azw3": "epub",
        ".heif": "heic",
        ".j2k": "jp2",
        ".ps": "eps",
        ".wmf": "emf",
        ".cur": "ico",
        **dict.fromkeys((".pbm", ".pgm", ".ppm", ".pam"), "pnm"),
        **dict.fromkeys((".targa", ".icb", ".vda", ".vst"), "tga"),
        **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".raf", ".rw2"), "raw"),
    },
    **dict.fromkeys((".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst"), "archive"),
}
_BEGINNINGS = (
    (b"{\\rtf", "rtf"),
    *((b"ITSF%c\x00" % version, "chm") for version in (2, 3, 4)),
    (b"\x00\x05\x16\x07", "notes"),
    (b"\x00\x00\x02\x00\x06\x04\x06\x00", "wk1"),
    (b"\x00\x00\x1a\x00\x00\x10\x04\x00", "wk1"),
    (b"\xffWPC", "wpd"),
    (b"\xdb\xa5-\x00", "doc"),  # Word 2
    (b"Rar!\x1a\x07", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"\x1f\x8b\x08", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"II*\x00\x10\x00\x00\x00CR", "raw"),
    (b"FUJIFILMCCD-RAW", "raw"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"IIRO\x08\x00", "raw"),
    (b"IIU\x00", "raw"),
    *((b"8BPS\x00%c" % version, "psd") for version in (1, 2)),
    (b"gimp xcf file\x00", "xcf"),
    (b"gimp xcf v0", "xcf"),
    (b"\xff\x0a", "jxl"),
    (b"\x00\x00\x00\x0cJXL ", "jxl"),
    (b"\x00\x00\x00\x0cjP  ", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"DDS |\x00\x00\x00", "dds"),
    (b"v/1\x01", "exr"),
    (b"#?RADIANCE\n", "hdr"),
    *((sign, "eps") for sign in (b"%!PS-Adobe", b"%!PS\n", b"%!PS\r")),
    (b"\xc5\xd0\xd3\xc6", "eps"),
    (b"\xd7\xcd\xc6\x9a", "emf"),
)
_HEADS = (  # of formats whose signature is made of letters, as text may begin: with what follows it
    (re.compile(rb"AT&TFORM.{4}(?:DJV|THUM)", re.DOTALL), "djvu"),
    (re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), "archive"),
    (re.compile(rb"P[456]\n(?:#[^\n]*\n)*\d+\s+\d+\s"), "pnm"),
    (re.compile(rb"P7\n(?:#[^\n]*\n)*(?:WIDTH|HEIGHT|DEPTH|MAXVAL|TUPLTYPE) "), "pnm"),
    (re.compile(rb"qoif.{8}[\x03\x04][\x00\x01]", re.DOTALL), "qoi"),
)
_PCX = re.compile(rb"\n[\x00\x02-\x05]\x01[\x01\x02\x04\x08]")
_TARGA_END = b"TRUEVISION-XFILE.\x00"
_TARGA_HEAD = 18  # bytes
_TARGA_BITS = {1: (8,), 2: (16, 24, 32), 3: (8,)}  # of a pixel, by the type of a picture that is not packed
_MOST_BRANDS = 64  # bytes of a container's head that are looked at
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
OLE_STREAMS = {  # what stands at the root of an OLE container, in small letters
    "worddocument": "doc",
    "powerpoint document": "ppt",
    "pp40": "ppt",
    "visiodocument": "vsd",
    "quill": "pub",
    "__properties_version1.0": "msg",
    "mm": "wps",
    "matost": "wps",
    "workbook": "xls",
    "book": "xls",
    "encryptedpackage": "encrypted",
}
_MEDIA_TYPES = {  # what an archive's own "mimetype" says
    "application/epub+zip": "epub",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.oasis.opendocument.graphics": "odg",
    "application/vnd.sun.xml.writer": "odt",
    "application/vnd.sun.xml.calc": "ods",
    "application/vnd.sun.xml.impress": "odp",
}
_IWORK = {".key": "key", ".numbers": "numbers"}  # alike inside


def foreign_beginning(data: bytes) -> str | None:
    """The format whose signature begins the bytes, one of FOREIGN or READ_AS; None where it is none of those."""
    start = data[:16].lstrip() if data[:1].isspace() else data[:16]
    if data[4:8] == b"ftyp" and not any(data[:2]):
        return _still_kind(data)
    if data[40:44] == b" EMF" and data.startswith(b"\x01\x00\x00\x00"):
        return "emf"
    if _PCX.match(data) and not data[64:65].strip(b"\x00"):
        return "pcx"
    if data.endswith(_TARGA_END) or _is_old_targa(data):
        return "tga"
    pictures, first = int.from_bytes(data[4:6], "little"), int.from_bytes(data[18:22], "little")
    if data.startswith(b"\x00\x00\x02\x00") and pictures and first == 6 + 16 * pictures:
        return "ico"  # a cursor, whose first picture stands behind the list of all
    if data.startswith(b"icns") and int.from_bytes(data[4:8], "big") == len(data):
        return "icns"
    if kind := next((kind for head, kind in _HEADS if head.match(data)), None):
        return kind
    return next((kind for beginning, kind in _BEGINNINGS if start.startswith(beginning)), None)


def _is_old_targa(data: bytes) -> bool:
    """Whether bytes are a Targa picture without its signature: a head, and as many pixels as it tells."""
    if len(data) < _TARGA_HEAD or data[2] not in _TARGA_BITS or data[16] not in _TARGA_BITS[data[2]]:
        return False
    colours = int.from_bytes(data[5:7], "little") * ((data[7] + 7) // 8) if data[1] == 1 else 0
    width, height = int.from_bytes(data[12:14], "little"), int.from_bytes(data[14:16], "little")
    size = _TARGA_HEAD + data[0] + colours + width * height * (data[16] // 8)
    return data[1] < 2 and width * height > 0 and len(data) == size


def _still_kind(data: bytes) -> str | None:
    """The kind of a picture in a container that films have, too; None for a film."""
    size = min(int.from_bytes(data[:4], "big"), _MOST_BRANDS)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, size, 4))]
    if b"avif" in brands or b"avis" in brands:
        return "avif"
    return "heic" if brands[0] in _HEIF else "raw" if brands[0] == b"crx " else None


def foreign_streams(streams: set[str]) -> str | None:
    """The format of an OLE container by the names at its root, in small letters."""
    return next((kind for stream, kind in OLE_STREAMS.items() if stream in streams), None)


def foreign_archive(names: set[str], media_type: str, suffix: str) -> str:
    """The format of an archive by its entries, in small letters, what its "mimetype" says, and its name's suffix."""
    if media_type in _MEDIA_TYPES:
        return _MEDIA_TYPES[media_type]
    for folder, kind in (("ppt/", "pptx"), ("visio/", "vsd")):
        if any(name.startswith(folder) for name in names):
            return kind
    if any(name.endswith(".fdseq") for name in names):
        return "xps"
    if "index.zip" in names or any(name.startswith("index/") and name.endswith(".iwa") for name in names):
        slides = any(name.startswith("index/slide") for name in names)
        return "key" if slides else _IWORK.get(suffix, "pages")
    return "archive"


def foreign_suffix(suffix: str) -> str | None:
    """The format that a name's suffix tells."""
    return _SUFFIXES.get(suffix)


def foreign_error(name: str, kind: str) -> UnsupportedFileError:
    """The error that says what a file is and what would convert it."""
    supported = ", ".join(formats())
    return UnsupportedFileError(f"'{name}' is {FOREIGN[kind].name}", f"{FOREIGN[kind].advice}. Supported: {supported}")
