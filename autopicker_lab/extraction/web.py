"""HTML: the page's text as Markdown by trafilatura, and the structure of the file by lxml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError, Document, Part, SourceFile
from autopicker_lab.extraction.plain import decode, sections

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MAX_DEPTH = 2000


def read_html(file: SourceFile) -> Document:
    import logging

    import lxml.html
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # what it cannot read, we say ourselves

    text, encoding, warnings = decode(file.data)
    try:
        root = lxml.html.document_fromstring(text.encode("utf-8"), parser=lxml.html.HTMLParser(encoding="utf-8"))
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError):
        raise CorruptFileError(f"'{file.name}' holds no HTML", "check the file") from None
    meta = {"encoding": encoding, **_structure(root)}
    plain = "\n".join(line for line in (" ".join(t.split()) for t in _strings(root)) if line)
    if _depth(root) > MAX_DEPTH:
        warnings += ("nested too deeply to tell its structure: read as plain text",)
        return Document(file.name, file.kind, (Part("content", plain),), meta, warnings)
    markdown = trafilatura.extract(
        text, output_format="markdown", include_tables=True, include_formatting=True, favor_recall=True
    )
    if not markdown or len(markdown) < 0.2 * len(plain):
        markdown = plain  # not an article: a form, a fragment, a table alone
    return Document(file.name, file.kind, tuple(sections(markdown)), meta, warnings)


def _strings(root: HtmlElement) -> list[str]:
    skipped = {"script", "style", "noscript", "template"}
    found: list[str] = []
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag not in skipped and element.text:
            found.append(element.text)
        if element.tail:
            found.append(element.tail)
    return found


def _depth(root: HtmlElement) -> int:
    import lxml.etree

    depth = deepest = 0
    for event, _ in lxml.etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _structure(root: HtmlElement) -> dict[str, Any]:
    title = root.findtext(".//title")
    return {
        "title": title.strip() if title else None,
        "language": root.get("lang"),
        "headings": [" ".join(h.text_content().split()) for h in root.iter("h1", "h2", "h3", "h4", "h5", "h6")][:200],
        "links": sum(1 for _ in root.iter("a")),
        "tables": sum(1 for _ in root.iter("table")),
        "forms": sum(1 for _ in root.iter("form")),
        "scripts": [s.get("src") for s in root.iter("script") if s.get("src")],
        "ids": [e.get("id") for e in root.iter() if isinstance(e.tag, str) and e.get("id")][:200],
    }
