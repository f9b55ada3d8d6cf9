"""What of a page without furniture is its content: the main element it states, without lists of links and teasers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.web.dom import BLOCKS, HEADINGS, SKIPPED, is_hidden, local, names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COMMENTS = re.compile(
    r"(?:comments?|respond|disqus)(?:[-_](?:list|section|area|thread|wrapper|container|form))?", re.I
)
_PROSE = 80  # characters that are no links: a block with more is running text
_ENOUGH = 400  # characters of running text that make a page one to read, not an index
_MAIN_SHARE = 0.25  # of the page's running text: a stated main element with less is not all there is
_LINKS_SHARE = 0.6  # of the text: with more, an element is a list of links
_FEW_LINKS = 5
_HEADLINE = 30  # characters of a link, on the mean
_MANY_LINKS = 60  # in a page that has navigation enough to hide its text
_TEASERS = 3
_TEASER_LENGTH = 400
_TEASER_LINKS = 0.1  # of a teaser's text, at least
_LEFT_OVER = 60  # characters: a head whose teasers went


@dataclass
class Extent:
    """Numbers of characters in an element, and of links.

    Attributes:
        run: of the text that stands in no block within the element.
        prose: of running text; `links` counts the links, `linked` their characters.
    """

    text: int = 0
    linked: int = 0
    links: int = 0
    prose: int = 0
    run: int = 0
    run_linked: int = 0


def measure(body: Any) -> dict[Any, Extent]:
    """The extent of each element under `body`, and of it."""
    import lxml.etree

    extents: dict[Any, Extent] = {}
    for _, element in lxml.etree.iterwalk(body, events=("end",)):
        tag = local(element)
        if not tag or tag in SKIPPED:
            continue
        extent = Extent()
        extent.text = extent.run = _length(element.text)
        for child in element:
            _add(extent, extents.get(child), local(child) in BLOCKS)
            tail = _length(child.tail)
            extent.text += tail
            extent.run += tail
        if tag == "a" and _leads_away(element.get("href")):
            extent.links, extent.linked, extent.run_linked = 1, extent.text, extent.run
        if tag in BLOCKS and extent.run - extent.run_linked >= _PROSE and extent.run_linked <= extent.run // 2:
            extent.prose += extent.run
        extents[element] = extent
    return extents


def _leads_away(address: str | None) -> bool:
    return address is not None and not address.startswith(("#", "mailto:", "tel:", "javascript:"))


def _add(extent: Extent, child: Extent | None, is_block: bool) -> None:
    if child is None:
        return
    extent.text += child.text
    extent.linked += child.linked
    extent.links += child.links
    extent.prose += child.prose
    if not is_block:
        extent.run += child.run
        extent.run_linked += child.run_linked


def _length(text: str | None) -> int:
    return len(" ".join(text.split())) if text else 0


def states_content(body: Any) -> bool:
    """Whether a page marks a main element or an article."""
    return next(body.iter("main", "article"), None) is not None or body.find(".//*[@role]") is not None


def content_element(body: Any, extents: Mapping[Any, Extent]) -> Any:
    """The main element or the one article that the page states, `body` where that is not all there is."""
    chosen = body
    for tag, role in (("main", "main"), ("article", "article")):
        stated = [e for e in _stated(chosen, tag, role) if not is_hidden(e)]
        if len(stated) == 1 and _is_main(extents[stated[0]], extents[chosen]):
            chosen = stated[0]
    return chosen


def _is_main(stated: Extent, around: Extent) -> bool:
    if stated.prose >= _ENOUGH:
        return stated.prose >= _MAIN_SHARE * around.prose
    return 2 * (stated.text - stated.linked) >= around.text - around.linked


def _stated(element: Any, tag: str, role: str) -> Sequence[Any]:
    found = [e for e in element.iter() if e is not element and (e.tag == tag or e.get("role") == role)]
    inner = set(found)
    return [e for e in found if not any(parent in inner for parent in e.iterancestors())]


def outside(body: Any, content: Any) -> list[Any]:
    """The largest elements of the page that do not hold the content, without its head: a header, the main heading."""
    found: list[Any] = []
    element = content
    while element is not body:
        parent = element.getparent()
        others = (e for e in parent if e is not element and local(e) not in ("", "header", *SKIPPED))
        found = [e for e in others if next(e.iter("h1"), None) is None] + found
        element = parent
    return found


def has_many_links(body: Any) -> bool:
    """Whether a page has so many links that its text may be lost among them."""
    return sum(1 for _ in body.iter("a")) >= _MANY_LINKS


def beside_the_text(content: Any, extents: Mapping[Any, Extent]) -> list[Any]:
    """The lists of links and the teasers of a page to read, outermost: none of an index, none within the running text.

    Within an article all is its own, within a main element a list of links is, where these are no headlines.
    """
    if content.tag == "article" or content.get("role") == "article":
        return []
    least = 1 if content.tag == "body" else _HEADLINE
    found: list[Any] = []
    teasers: list[Any] = []
    pending = [content]
    while pending:
        element = pending.pop()
        if _in_flow(element, extents):
            continue
        some = _teasers(element, extents)
        rest = extents[element].text - sum(extents[e].text for e in some)
        if some and rest < _LEFT_OVER and element is not content:
            teasers.append(element)
            continue
        teasers.extend(some)
        passed = set(some)
        for child in element:
            extent = extents.get(child)
            if extent is None or child in passed:
                continue
            is_list = extent.links >= _FEW_LINKS and extent.linked > _LINKS_SHARE * extent.text
            is_beside = is_list and extent.prose < _ENOUGH and extent.linked >= least * extent.links
            is_beside = is_beside and not _is_overview(child) and not _has_permalink(child)
            if is_beside or any(_COMMENTS.fullmatch(name) for name in names(child)):
                found.append(child)
            elif not (is_list and child.tag == "table" and _stands_under_heading(child)):
                pending.append(child)
    prose = extents[content].prose - sum(extents[e].prose for e in (*found, *teasers))
    return [*found, *teasers] if prose >= _ENOUGH else []


def _has_permalink(element: Any) -> bool:
    """Whether a part of the element links to itself, as the entries of a reference do; no button of a carousel."""
    outside = element.getparent()
    for link in element.iter("a"):
        target = link.get("href") or ""
        if target.startswith("#") and not any(name.startswith("data-") for name in link.attrib):
            around = takewhile(lambda e: e is not outside, link.iterancestors())
            if any(target == f"#{e.get('id')}" for e in around):
                return True
    return False


def _is_overview(element: Any) -> bool:
    """Whether an element lists links under a heading of the text, or in a table under its own heading."""
    if _stands_under_heading(element):
        return True
    return next(element.iter("table"), None) is not None and next(element.iter(*HEADINGS), None) is not None


def _stands_under_heading(element: Any) -> bool:
    while element.getprevious() is None and element.getnext() is None and element.getparent().tag == "div":
        element = element.getparent()  # a wrapper
    before = element.getprevious()
    return before is not None and before.tag in HEADINGS


def _in_flow(element: Any, extents: Mapping[Any, Extent]) -> bool:
    """Whether running text stands directly in the element: what is beside that belongs to it."""
    if element.tag in ("body", "form"):
        return False
    direct = (extents[child] for child in element if child in extents and child.tag in ("p", "pre", "blockquote"))
    return extents[element].run >= _PROSE or sum(extent.prose > 0 for extent in direct) > 1


def _teasers(element: Any, extents: Mapping[Any, Extent]) -> list[Any]:
    """The children that are one like the other: few words, some of them a link."""
    alike: dict[tuple[str, str], list[Any]] = {}
    for child in element:
        if child in extents and child.tag in BLOCKS and child.tag not in ("tr", "td", "th", "p", "dt", "dd"):
            alike.setdefault((child.tag, child.get("class") or ""), []).append(child)
    found: list[Any] = []
    for some in alike.values():
        shown = [e for e in some if _is_teaser(e, extents[e])]
        if len(shown) >= _TEASERS and 2 * len(shown) > len(some):
            found.extend(shown)
    return found


def _is_teaser(element: Any, extent: Extent) -> bool:
    if not extent.links or extent.text > _TEASER_LENGTH or extent.linked < _TEASER_LINKS * extent.text:
        return False
    if element.tag == "details" or _has_permalink(element):
        return False
    return next(element.iter("img", "p", *HEADINGS), None) is not None
