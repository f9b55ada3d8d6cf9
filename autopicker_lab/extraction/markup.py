"""What a text is, told by its beginning whatever its name: markup, mail, JSON, a table, or words."""

from __future__ import annotations

import csv
import re

from autopicker_lab.extraction.decoding import BOMS
from autopicker_lab.extraction.unicode_forms import unmarked_encoding

_HEAD = 65_536  # bytes that are looked at
_PROLOGUE = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_HTML = re.compile(
    r"<\s*(?:!doctype\s+html|(?:html|head|body|title|meta|table|frameset|div|script|style|form|center|h[1-6]|p|br|font)\b)",
    re.IGNORECASE,
)
_TABLE = re.compile(r"<table[\s>].{0,2000}?<t[rdh][\s>]", re.IGNORECASE | re.DOTALL)
_SYLK = re.compile(r"ID;P[^\n]*\n[BCEFOP];")  # but "ID;Price" is the header of a table
_TAG = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)[\s/>]")
_MIME = re.compile(r"(?:[A-Za-z][\w-]*:[^\n]*\n(?:[ \t][^\n]*\n)*)+\s*")
_XML = {
    "urn:schemas-microsoft-com:office:spreadsheet": "xls",
    "http://schemas.microsoft.com/office/2006/xmlPackage": "docx",
    "http://schemas.microsoft.com/office/word/2003/wordml": "word-xml",
    "urn:oasis:names:tc:opendocument:xmlns:office:1.0": "odt",
    "http://www.w3.org/1999/xhtml": "html",
    "http://www.w3.org/2000/svg": "svg",
}
_ROOTS = {
    "Workbook": "xls",
    "package": "docx",
    "wordDocument": "word-xml",
    "document": "odt",
    "html": "html",
    "svg": "svg",
}
_DELIMITERS = "\t;,|"
_CONTROL_BYTES = bytes({*range(32)} - set(b"\t\n\v\f\r\x1b"))
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def text_head(data: bytes) -> str | None:
    """The first characters of a text, roughly decoded: enough to tell its kind; None where it is no text."""
    head = data[:_HEAD]
    encoding = next((name for bom, name in BOMS if head.startswith(bom)), None)
    if encoding is None and b"\x00" in head:
        encoding = unmarked_encoding(head)
    text = head.decode(encoding or "latin-1", "replace").lstrip("\ufeff")
    is_wide = encoding is not None and encoding != "utf-8-sig"
    controls = len(_CONTROL.findall(text)) if is_wide else len(head) - len(head.translate(None, _CONTROL_BYTES))
    return None if controls > len(text) // 1000 else text


def markup_kind(head: str, is_workbook: bool = False) -> str | None:
    """The kind of a text that its first characters tell for certain, one of ours or of `foreign.FOREIGN`; or None.

    Under the name of a workbook words may stand before the page's table.
    """
    start = _PROLOGUE.match(head)
    body = head[start.end() if start else 0 :]
    if body.startswith("{\\rtf"):
        return "rtf"
    if _SYLK.match(body):
        return "slk"
    if body.startswith("version https://git-lfs.github.com/spec/"):
        return "pointer"
    if _HTML.match(body):
        return "html"
    if body.startswith("<"):
        return _xml_kind(body)
    if body.startswith("%PDF-"):
        return "pdf"
    if is_workbook and _TABLE.search(body):
        return "html"
    return _mail_kind(body)


def _xml_kind(body: str) -> str | None:
    """By the root element and its namespaces; a document type may stand before it."""
    doctype = re.match(r"<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>\s*", body, re.DOTALL | re.IGNORECASE)
    body = body[doctype.end() :] if doctype else body
    root = _TAG.match(body)
    kind = _ROOTS.get(root[1]) if root else None
    if kind is None:
        return None
    tag = body[: body.find(">") + 1]
    return kind if any(space in tag and _XML[space] == kind for space in _XML) else None


def _mail_kind(body: str) -> str | None:
    """A page with its pictures in one file (MHTML), or a message of e-mail."""
    headers = _MIME.match(body)
    if headers is None:
        return None
    names = {line.split(":", 1)[0].lower() for line in headers[0].splitlines() if ":" in line}
    if "mime-version" in names and re.search(r"multipart/related|^content-type:\s*text/html", headers[0], re.I | re.M):
        return "eml" if {"received", "delivered-to", "message-id", "to"} & names else "html"
    return "eml" if {"from", "date"} <= names and {"to", "subject", "message-id", "received"} & names else None


def text_kind(head: str, is_table: bool) -> str:
    """ "json", "csv" or "txt" for a text that no markup tells; `is_table`: its name is that of a spreadsheet."""
    stripped = head.strip()
    if stripped[:1] in ("{", "[") and (len(head) >= _HEAD or stripped[-1:] in ("}", "]")):
        return "json"
    lines = [line for line in head.splitlines()[:50] if line.strip()]
    enough = 2 if is_table else 4
    return "csv" if any(_cuts(lines, d, enough - (d == "\t")) for d in _DELIMITERS) else "txt"


def _cuts(lines: list[str], delimiter: str, enough: int) -> bool:
    """Whether a delimiter cuts four of five lines into equally many cells."""
    try:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error:
        return False
    commonest = max(set(widths), key=widths.count, default=1)
    return commonest > 1 and len(widths) >= enough and widths.count(commonest) >= 0.8 * len(widths)
