"""Where the content of a page stands: its main element, its only article, or where its running text is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.web.dom import is_hidden, link_length, words

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLOCKS = ("p", "li", "td", "th", "dt", "dd", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "figcaption")
_MAIN_SHARE = 0.6  # of the text that is no links: where the stated main has less, it is not all there is
_LINKS_SHARE = 0.5  # of a block's text: with more it is a list of links


def content_element(body: Any) -> Any:
    """The element that holds the content: `body` where nothing smaller does."""
    weights = weigh(body)
    chosen = body
    for tag, role in (("main", "main"), ("article", "article")):
        stated = [e for e in _stated(chosen, tag, role) if not is_hidden(e)]
        if len(stated) == 1 and weights.get(stated[0], 0) >= _MAIN_SHARE * weights.get(chosen, 0):
            chosen = stated[0]
    return chosen


def _stated(element: Any, tag: str, role: str) -> Sequence[Any]:
    found = [e for e in element.iter() if e is not element and (e.tag == tag or e.get("role") == role)]
    inner = set(found)
    return [e for e in found if not any(parent in inner for parent in e.iterancestors())]


def weigh(body: Any) -> dict[Any, int]:
    """Number of characters that are no links in the blocks of each element."""
    weights: dict[Any, int] = {}
    for block in body.iter(*_BLOCKS):
        if any(True for _ in block.iterancestors(*_BLOCKS)):
            continue
        length = len(words(block))
        if link_length(block) > _LINKS_SHARE * length:
            continue
        element = block
        while element is not None:
            weights[element] = weights.get(element, 0) + length
            element = element.getparent()
    return weights
