"""`read_html`: a page as sections of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError, Document, Part, SourceFile
from autopicker_lab.extraction.plain import sections
from autopicker_lab.extraction.web.archive import SavedPage, is_archive, saved_page
from autopicker_lab.extraction.web.article import (
    beside_the_text,
    content_element,
    has_many_links,
    measure,
    outside,
    states_content,
)
from autopicker_lab.extraction.web.context import context_of
from autopicker_lab.extraction.web.dom import settable, words
from autopicker_lab.extraction.web.encoding import decode_page
from autopicker_lab.extraction.web.furniture import furniture, told
from autopicker_lab.extraction.web.page import parse
from autopicker_lab.extraction.web.structure import hidden_content, metadata, outline
from autopicker_lab.extraction.web.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable


_FRAMES = 200  # of a page that are read


def read_html(file: SourceFile) -> Document:
    """The content of a page as sections of Markdown, without navigation; title, headings and ids as metadata."""
    page = saved_page(file.data) if is_archive(file.data) else SavedPage(file.data)
    if page is None:
        raise CorruptFileError(f"'{file.name}' holds no page", "save the page again, as one file or as HTML")
    text, encoding, warnings = decode_page(page.data, page.charset)
    root, deep = _parsed(text, file.name)
    kept = list(root.iter())  # alive, so that no pass makes them again
    meta = {"encoding": encoding, **metadata(root)}
    structure = (Part("structure", "\n".join(outline(root))),) if file.options.structure else ()
    markdown, left_out = _content(root, page)
    del kept
    return Document(file.name, file.kind, (*sections(markdown), *structure), meta, (*warnings, *deep, *left_out))


def _parsed(text: str, name: str) -> tuple[Any, tuple[str, ...]]:
    import lxml.etree

    try:
        return parse(text)
    except lxml.etree.LxmlError:
        raise CorruptFileError(f"'{name}' holds no HTML", "check the file") from None


def _content(root: Any, page: SavedPage) -> tuple[str, tuple[str, ...]]:
    """The Markdown of what is content, and warnings that name the rest."""
    body = next(root.iter("body", "frameset"), root)
    warnings = _take_the_rest_out(body)
    context = context_of(root, page.location, _frames(page))
    parts = Writer(context).blocks(body)
    markdown = "\n\n".join(parts)
    if not words(body) and not markdown:
        markdown = hidden_content(root)
        warnings += ("the page shows no text without scripts: read from its data",) if markdown else ()
    return markdown, tuple(filter(None, (*warnings, *context.warnings())))


def _take_the_rest_out(body: Any) -> tuple[str, ...]:
    """Take what is no content out of the tree; the warning that names that."""
    is_crowded = has_many_links(body)
    pieces = furniture(body)
    for element in pieces:
        _drop(element)
    beside: list[Any] = []
    if is_crowded or states_content(body):
        extents = measure(body)
        content = content_element(body, extents)
        beside = outside(body, content) + (beside_the_text(content, extents) if is_crowded else [])
    warning = told((*pieces, *beside))
    for element in beside:
        _drop(element)
    return (warning,)


def _drop(element: Any) -> None:
    """Take an element out of its tree, and leave the text after it."""
    before, parent, tail = element.getprevious(), element.getparent(), settable(element.tail or "")
    if before is not None:
        before.tail = settable(before.tail or "") + tail
    else:
        parent.text = settable(parent.text or "") + tail
    element.tail = None
    parent.remove(element)


def _frames(page: SavedPage) -> Callable[[Any], Any]:
    """What gives the tree of a frame element's page where that is in the file: each once, within bounds."""
    import lxml.etree

    read: list[SavedPage] = []

    def tree(element: Any) -> Any:
        source = element.get("srcdoc")
        saved = (
            SavedPage(source.encode("utf-8", "replace"), "utf-8")
            if source
            else page.frame(element.get("src") or "", page.location)
        )
        if saved is None or saved in read or len(read) >= _FRAMES:
            return None
        read.append(saved)
        try:
            return parse(decode_page(saved.data, saved.charset)[0])[0]
        except lxml.etree.LxmlError:
            return None

    return tree
