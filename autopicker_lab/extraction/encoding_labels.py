"""What files say of their own encoding, and what that means."""

from __future__ import annotations

import codecs
import re

_HEAD = 4096  # bytes in which a declaration is looked for
_DECLARED = re.compile(
    rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w:.-]+)"  # XML
    rb"|<meta\b[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w:.-]+)"  # HTML
    rb"|^content-type:[^\n]{0,200}?(?:\n\s[^\n]{0,200}?)?charset\s*=\s*[\"']?\s*([\w:.-]+)"  # mail
    rb"|\A(?:[^\n]*\n)?[^\n]{0,80}?#[^\n]{0,80}?coding[:=]\s*([\w.-]+)"  # Python
    rb"|\A@charset\s+[\"']([\w:.-]+)",  # CSS
    re.IGNORECASE | re.MULTILINE,
)
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


def declared_encoding(data: bytes) -> str:
    """The encoding that a page, a message or a source names at its beginning; "" where it names none that is known."""
    head = data[:_HEAD]
    low = head.lower()
    if b"charset" not in low and b"coding" not in low:
        return ""
    match = _DECLARED.search(head)
    return known_encoding(next(filter(None, match.groups())).decode("ascii", "replace")) if match else ""


def known_encoding(label: str) -> str:
    """Python's name of an encoding that a text of single bytes may be in, "" for others."""
    label = label.strip().lower()
    try:
        name = codecs.lookup(_LABELS.get(label, label)).name
        b"".decode(name)  # refuses what is no encoding of text
    except LookupError:
        return ""
    return "" if name.startswith(("utf-16", "utf-32")) else name
