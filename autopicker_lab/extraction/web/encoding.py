"""The characters of a page: by its mark, by the header it came with, by what its head declares, else by detection."""

from __future__ import annotations

import codecs
import re

from autopicker_lab.extraction.plain import decode

_DECLARED = re.compile(
    rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w:.-]+)|<meta\b[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w:.-]+)", re.I
)
_HEAD = 4096  # bytes in which a declaration is looked for
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MAX_LOST = 0.01  # of the characters: with more, the declaration is wrong
_LABELS = {  # what browsers take a label for
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin1", "latin-1", "us-ascii", "ascii", "x-cp1252"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk", "x-gbk", "gb_2312-80", "chinese"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "ms_kanji"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "ksc5601", "korean", "windows-949"), "cp949"),
    **dict.fromkeys(("iso-8859-9", "latin5"), "cp1254"),
    **dict.fromkeys(("tis-620", "iso-8859-11", "windows-874"), "cp874"),
    **dict.fromkeys(("iso-8859-8-i", "iso-8859-8-e", "logical"), "iso-8859-8"),
    **dict.fromkeys(("x-mac-roman", "macintosh"), "mac_roman"),
    **dict.fromkeys(("x-mac-cyrillic",), "mac_cyrillic"),
    **dict.fromkeys(("big5", "big5-hkscs", "x-x-big5"), "big5hkscs"),
    **dict.fromkeys(("x-euc-jp",), "euc_jp"),
}


def decode_page(data: bytes, charset: str = "") -> tuple[str, str, tuple[str, ...]]:
    """Decode a page: (text, name of the encoding, warnings); `charset` is what its header says, where it has one."""
    encoding = "" if data.startswith(_MARKS) else _known(charset) or _declared(data[:_HEAD])
    if not encoding or encoding == "utf-8" or _is_utf8(data):
        return decode(data)
    text = data.decode(encoding, "replace")
    lost = text.count("\ufffd")
    if lost > _MAX_LOST * len(text):
        return decode(data)
    warnings = (f"not all of it is {encoding.upper()}: some characters were lost",) if lost else ()
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding, warnings


def _declared(head: bytes) -> str:
    match = _DECLARED.search(head)
    return _known((match[1] or match[2]).decode("ascii", "replace")) if match else ""


def _known(label: str) -> str:
    """Python's name of an encoding that a page of single bytes may be in, "" for others."""
    label = label.strip().lower()
    try:
        name = codecs.lookup(_LABELS.get(label, label)).name
        b"".decode(name)  # refuses what is no encoding of text
    except LookupError:
        return ""
    return "" if name.startswith(("utf-16", "utf-32")) else name


def _is_utf8(data: bytes) -> bool:
    """Whether the bytes are UTF-8 with more than ASCII in them: no other encoding looks like that."""
    if data.isascii():
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
