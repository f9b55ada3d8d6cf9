"""Reader for HTML: articles by trafilatura, other pages whole by html-to-markdown, the structure by lxml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError, Document, Part, SourceFile
from autopicker_lab.extraction.plain import decode, sections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

MAX_DEPTH = 2000
_ARTICLE_SHARE = 0.6  # of the text that is no boilerplate: where trafilatura gives less, the page is no article
_BOILERPLATE_SHARE = 0.8  # of the page's text: more cannot be boilerplate
_LINKS_SHARE = 0.5  # of a block's text: with more it is a list of links
_BOILERPLATE = re.compile(r"\b(?:nav|navbar|sidebar|breadcrumbs?|cookies?|footer|site-header|advert\w*)\b", re.I)
_BOILERPLATE_TAGS = {"nav", "aside", "footer"}
_BOILERPLATE_ROLES = {"navigation", "banner", "contentinfo", "complementary", "search"}
_BLOCKS = ("p", "li", "td", "th", "dt", "dd", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "figcaption")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_OUTLINE_TAGS = {"title", "header", "nav", "main", "article", "section", "aside", "footer", "form", "table", "script"}
_OUTLINE_TAGS |= {"body", "link", *_HEADINGS}


def read_html(file: SourceFile) -> Document:
    """The content of a page as sections of Markdown, without navigation; title, headings and ids as metadata."""
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
    outline = (Part("structure", "\n".join(_outline(root))),) if file.options.structure else ()
    boilerplate = _boilerplate(root)
    if sum(len(" ".join(e.text_content().split())) for e in boilerplate) > _BOILERPLATE_SHARE * len(plain):
        boilerplate = []  # the names mean something else here
    article = _article(text, root) if boilerplate else ""
    if article and len(article) >= _ARTICLE_SHARE * _content_length(root, boilerplate):
        markdown = article
    else:  # a form, a list, a fragment, a page that is all content
        for element in boilerplate:
            element.drop_tree()
        markdown = _page_markdown(lxml.html.tostring(root, encoding="unicode") if boilerplate else text) or plain
    if boilerplate:
        warnings += ("navigation, side bars and the like were left out",)
    return Document(file.name, file.kind, (*sections(markdown), *outline), meta, warnings)


def _article(text: str, root: HtmlElement) -> str:
    """The main text by trafilatura, with the main heading, which trafilatura may drop; "" where it has no text."""
    import logging

    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # our errors say what cannot be read
    markdown = trafilatura.extract(
        text, output_format="markdown", include_tables=True, include_formatting=True, favor_recall=True
    )
    titles = [" ".join(h.text_content().split()) for h in root.iter("h1")]
    if markdown and len(titles) == 1 and titles[0] and titles[0] not in markdown:
        return f"# {titles[0]}\n\n{markdown}"
    return markdown or ""


def _page_markdown(text: str) -> str:
    """The whole page as Markdown."""
    import html_to_markdown

    options = html_to_markdown.ConversionOptions(
        extract_metadata=False, compact_tables=True, bullets="-", max_depth=MAX_DEPTH
    )
    return (html_to_markdown.convert(text, options).content or "").strip()


def _boilerplate(root: HtmlElement) -> list[HtmlElement]:
    """The outermost elements that are no content: navigation, side bars, notices."""
    elements: list[HtmlElement] = []
    within_boilerplate: set[HtmlElement] = set()
    for element in root.iter():
        if not isinstance(element.tag, str) or element.tag in ("html", "body", "main", "article"):
            continue
        if element.getparent() in within_boilerplate:
            within_boilerplate.add(element)
            continue
        is_named = _BOILERPLATE.search(f"{element.get('class') or ''} {element.get('id') or ''}")
        if element.tag in _BOILERPLATE_TAGS or element.get("role") in _BOILERPLATE_ROLES or is_named:
            elements.append(element)
            within_boilerplate.add(element)
    return elements


def _content_length(root: HtmlElement, boilerplate: list[HtmlElement]) -> int:
    """Number of characters in the blocks that are neither boilerplate nor mostly links."""
    boilerplate_blocks = {block for element in boilerplate for block in element.iter(*_BLOCKS)}
    total = 0
    for block in root.iter(*_BLOCKS):
        if block in boilerplate_blocks or any(True for _ in block.iterancestors(*_BLOCKS)):
            continue
        length = len(" ".join(block.text_content().split()))
        links = sum(len(" ".join(a.text_content().split())) for a in block.iter("a"))
        total += length if links <= _LINKS_SHARE * length else 0
    return total


def _outline(root: HtmlElement) -> Iterator[str]:
    """The elements that structure the page, indented, with their names and line numbers."""
    for element in root.iter():
        if not isinstance(element.tag, str) or (element.tag not in _OUTLINE_TAGS and not element.get("id")):
            continue
        depth = sum(1 for _ in element.iterancestors())
        name = element.tag + (f"#{element.get('id')}" if element.get("id") else "")
        name += "".join(f".{c}" for c in (element.get("class") or "").split()[:3])
        detail = (
            " ".join((element.text or "").split())[:80]
            if element.tag in (*_HEADINGS, "title")
            else element.get("src") or ""
        )
        yield f"{'  ' * min(depth, 12)}- {name} (line {element.sourceline})" + (f": {detail}" if detail else "")


def _strings(root: HtmlElement) -> list[str]:
    skipped = {"script", "style", "noscript", "template"}
    strings: list[str] = []
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag not in skipped and element.text:
            strings.append(element.text)
        if element.tail:
            strings.append(element.tail)
    return strings


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
