"""Questions about elements of a page: names, words, whether they are blocks, whether they are shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCK_NAMES = """address article aside blockquote body caption center dd details dialog dir div dl dt fieldset
figcaption figure footer form frameset header hgroup hr html legend li listing main menu nav ol p plaintext pre
search section summary table tbody td tfoot th thead tr ul xmp h1 h2 h3 h4 h5 h6"""
_SKIPPED_NAMES = """script style template head title link meta base noscript noframes datalist rp col colgroup track
param source"""
BLOCKS = frozenset(_BLOCK_NAMES.split())
SKIPPED = frozenset(_SKIPPED_NAMES.split())
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|(?:^|[;\s])(?:opacity|font-size)\s*:\s*0(?![.\d]*[1-9])",
    re.I,
)
PERMALINKS = frozenset(("¶", "#", "§", "🔗", "⚓", "\uf0c1"))  # links beside headings
_SHOWN_BY_CLICK = frozenset(("tabpanel", "region"))
_FOR_READERS = re.compile(r"(?:^|[\s_-])(?:sr-only|visually-?hidden|screen-?reader|offscreen|a11y-hidden)", re.I)
_LONGEST_BASE = 2000  # characters: each address of the page repeats them
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ICONS = re.compile(r"(?:^|[\s_-])(?:icons?|fa[srlb]?|glyphicon|material-icons|anchor|headerlink|permalink)\b", re.I)


def local(element: Any) -> str:
    """The name of an element; "" for comments and the like."""
    tag = element.tag
    return tag if isinstance(tag, str) else ""


def settable(text: str) -> str:
    """A text without the characters that a tree takes from a page but not from us."""
    return _CONTROLS.sub("", text)


def joined(base: str, address: str) -> str:
    """An address as it is relative to `base`, itself where either is none."""
    try:
        return urljoin(base, address) if 0 < len(base) <= _LONGEST_BASE else address
    except ValueError:
        return address


def names(element: Any) -> list[str]:
    """The classes and the id of an element."""
    return f"{element.get('class') or ''} {element.get('id') or ''}".split()


def label_of(element: Any) -> str:
    """How a stylesheet would name the element: aside.note."""
    ident = element.get("id")
    return local(element) + (
        f"#{ident}" if ident else "".join(f".{c}" for c in (element.get("class") or "").split()[:1])
    )


def words(element: Any) -> str:
    """The text of an element on one line, without scripts and the like."""
    text = element.text or "" if not len(element) else "".join(strings(element))
    return " ".join(text.split())


def strings(element: Any) -> Iterator[str]:
    """The texts of an element in order, without those of scripts and the like."""
    for node in element.iter():
        tag = node.tag
        if isinstance(tag, str):
            if tag in BLOCKS or tag == "br":
                yield " "
            if node.text and tag not in SKIPPED:
                yield node.text
        if node.tail and node is not element:
            yield node.tail


def link_length(element: Any) -> int:
    """Number of characters of an element that stand in links."""
    return sum(len(words(link)) for link in element.iter("a"))


def is_hidden(element: Any) -> bool:
    """Whether a browser would not show the element, whatever a reader clicks; pictures of what is said are icons."""
    attributes = element.attrib
    if not attributes:
        return bool(element.tag == "dialog")
    is_shown_by_click = "aria-labelledby" in attributes or attributes.get("role") in _SHOWN_BY_CLICK
    if "hidden" in attributes and attributes.get("hidden") != "until-found":
        return not is_shown_by_click
    style = attributes.get("style")
    if style and _HIDING.search(style) and not is_shown_by_click:
        return next(element.iter("math"), None) is None  # Wikipedia shows a picture of a formula, and hides its source
    if attributes.get("aria-hidden") == "true":
        return _is_decoration(element)
    return bool(element.tag == "dialog" and "open" not in attributes)


def _is_decoration(element: Any) -> bool:
    """Whether an element that screen readers pass over is an icon, or repeats what is there for them."""
    if local(element) in ("i", "svg") or _ICONS.search(" ".join(names(element))):
        return True
    return any(
        beside is not None and _FOR_READERS.search(beside.get("class") or "")
        for beside in (element.getprevious(), element.getnext())
    )
