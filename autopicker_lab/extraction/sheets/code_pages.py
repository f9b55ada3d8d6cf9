"""The encoding of the texts of old workbooks (Excel 2 to 95), which is that of the machine they were written on."""

from __future__ import annotations

import codecs
import io
import re

from autopicker_lab.extraction.decoding import decode
from autopicker_lab.extraction.sheets.records import code_page, records

_WESTERN = 1252
_UNICODE = 1200
_EXCEL_97 = 0x600
_BEGIN = 0x809
_OTHER_NAMES = {
    367: "ascii",
    10000: "mac_roman",
    10001: "shift_jis",
    10002: "big5",
    10003: "euc_kr",
    10006: "mac_greek",
    10007: "mac_cyrillic",
    10008: "gb2312",
    10029: "mac_latin2",
    10079: "mac_iceland",
    10081: "mac_turkish",
    32768: "mac_roman",
    32769: "cp1252",
}
_WORD = re.compile(r"[^\W\d_]+")
_FEW = 6  # letters with accents that tell nothing yet
_RARE = re.compile(
    "[\u0192\u2020\u2021\u02c6\u2030\u2039\u203a\u02dc\u201a\u201e]"
)  # halves of East Asian letters, say
_BAD_SHARE = 5  # one of so many letters may be strange
_PATIENT = "patient_"
_ACCENTED = re.compile(r"[À-ÿ]")


def book_encoding(stream: bytes) -> tuple[str | None, list[str]]:
    """The encoding of the texts of an old workbook, and what is to be said of it; None where they are Unicode.

    The code page that it names is believed unless there is none, it cannot be read, or what it gives is no Western
    text though it should be.
    """
    kind, content = next(records(stream), (0, b""))
    if kind == _BEGIN and int.from_bytes(content[:2], "little") >= _EXCEL_97:
        return None, []
    page = code_page(stream)
    name = _OTHER_NAMES.get(page, f"cp{page}") if page else None
    known = _lookup(name) if name else None
    sample = _texts(stream)
    if known and _fits(sample, known):
        is_usual = page in (367, 437, _WESTERN, 32769) or sample.isascii()
        said = f"an old workbook: its texts were read in code page {page} ({known})"
        return _PATIENT + known, [] if is_usual else [said]
    guessed = _guess(sample)
    if sample.isascii():
        return _PATIENT + guessed, []
    said = f"its code page {page} cannot be right or cannot be read" if page else "it names no code page"
    return _PATIENT + guessed, [f"an old workbook: {said}; its texts were read as {guessed}, which is a guess"]


def _guess(sample: bytes) -> str:
    """UTF-8 where that fits; for texts that look Western the code page of Windows; else what the words tell."""
    if _is_utf8(sample):
        return "utf-8"
    return "cp1252" if _fits(sample, "cp1252") else _lookup(decode(sample).encoding) or "cp1252"


def _is_utf8(sample: bytes) -> bool:
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _lookup(name: str) -> str | None:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


def _patient(name: str) -> codecs.CodecInfo | None:
    """The codec "patient_cp1251": cp1251 with a mark for each byte that it does not know, where xlrd would give up."""
    if not name.startswith(_PATIENT):
        return None
    codec = codecs.lookup(name.removeprefix(_PATIENT))
    return codecs.CodecInfo(codec.encode, lambda data, errors="strict": codec.decode(data, "replace"), name=name)


codecs.register(_patient)


def _fits(sample: bytes, name: str) -> bool:
    """Whether nearly all of some texts can be read in an encoding; as Western ones, whether they look like that."""
    text = sample.decode(name, "replace")
    if text.count("\ufffd") > len(text) // _BAD_SHARE:
        return False
    if name not in ("cp1252", "ascii", "mac-roman", "cp437"):
        return True
    if not sample.isascii() and _is_utf8(sample):
        return False
    foreign = "".join(word for word in _WORD.findall(text) if _ACCENTED.search(word))
    accented, rare = len(_ACCENTED.findall(foreign)), len(_RARE.findall(text))
    return (accented < _FEW or accented <= 0.6 * len(foreign)) and rare <= len(text) // _BAD_SHARE // 2


def _texts(stream: bytes) -> bytes:
    """The texts of the cells as they are written, a line each, as xlrd finds them."""
    import xlrd

    source = xlrd.open_workbook(file_contents=stream, encoding_override="latin_1", logfile=io.StringIO())
    sheets = (source.sheet_by_index(number) for number in range(source.nsheets))
    values = (v for s in sheets for row in range(s.nrows) for v in s.row_values(row) if isinstance(v, str) and v)
    return "\n".join(values).encode("latin-1", "replace")
