"""HTML: an article's text by trafilatura, other pages whole by html-to-markdown, the structure by lxml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError, Document, Part, SourceFile
from autopicker_lab.extraction.plain import decode, sections

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MAX_DEPTH = 2000
_ARTICLE_SHARE = 0.2  # of the page's text: less is no article
_FURNITURE = re.compile(r"\b(?:nav|navbar|menu|sidebar|breadcrumbs?|cookie|footer|site-header|advert\w*|promo)\b", re.I)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_OUTLINED = {"title", "header", "nav", "main", "article", "section", "aside", "footer", "form", "table", "script"}
_OUTLINED |= {"body", "link", *_HEADINGS}


def read_html(file: SourceFile) -> Document:
    import lxml.html

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
    article = _article(text) if _has_furniture(root) else ""
    if len(article) >= _ARTICLE_SHARE * len(plain) and article:
        markdown = article
        warnings += ("navigation and other furniture of the page were left out",)
    else:  # a form, a fragment, a page that is all content
        markdown = _whole(text) or plain
    parts = tuple(sections(markdown))
    if file.options.structure:
        parts += (Part("structure", "\n".join(_outline(root))),)
    return Document(file.name, file.kind, parts, meta, warnings)


def _article(text: str) -> str:
    import logging

    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # what it cannot read, we say ourselves
    found = trafilatura.extract(
        text, output_format="markdown", include_tables=True, include_formatting=True, favor_recall=True
    )
    return found or ""


def _whole(text: str) -> str:
    """All of the page as Markdown."""
    import html_to_markdown

    options = html_to_markdown.ConversionOptions(
        extract_metadata=False, skip_images=False, compact_tables=True, bullets="-", max_depth=MAX_DEPTH
    )
    return (html_to_markdown.convert(text, options).content or "").strip()


def _has_furniture(root: HtmlElement) -> bool:
    """Whether the page has more than its content: navigation, side bars, notices."""
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        if element.tag in ("nav", "aside", "footer") or element.get("role") in ("navigation", "banner", "contentinfo"):
            return True
        if _FURNITURE.search(f"{element.get('class') or ''} {element.get('id') or ''}"):
            return True
    return False


def _outline(root: HtmlElement) -> Iterator[str]:
    """The elements that shape the page, indented, with their lines and names."""
    for element in root.iter():
        if not isinstance(element.tag, str) or (element.tag not in _OUTLINED and not element.get("id")):
            continue
        depth = sum(1 for _ in element.iterancestors())
        name = element.tag + (f"#{element.get('id')}" if element.get("id") else "")
        name += "".join(f".{c}" for c in (element.get("class") or "").split()[:3])
        told = (
            " ".join((element.text or "").split())[:80]
            if element.tag in (*_HEADINGS, "title")
            else element.get("src") or ""
        )
        yield f"{'  ' * min(depth, 12)}- {name} (line {element.sourceline})" + (f": {told}" if told else "")


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
        "headings": [" ".join(h.text_content().split()) for h in root.iter(*_HEADINGS)][:200],
        "links": sum(1 for _ in root.iter("a")),
        "tables": sum(1 for _ in root.iter("table")),
        "forms": sum(1 for _ in root.iter("form")),
        "scripts": [s.get("src") for s in root.iter("script") if s.get("src")],
        "ids": [e.get("id") for e in root.iter() if isinstance(e.tag, str) and e.get("id")][:200],
    }
