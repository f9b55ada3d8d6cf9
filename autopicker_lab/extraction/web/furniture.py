"""The furniture of a page: navigation, side bars, foot, notices, that stand at the page's own level."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.text import clip
from autopicker_lab.extraction.web.dom import HEADINGS, SKIPPED, label_of, link_length, local, names, strings, words

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLACES = "site|page|main|top|bottom|left|right|primary|secondary|global|header|footer|side|mobile|sub|user|wp"
_WHERE = rf"(?:(?:{_PLACES})[-_]{{0,2}})*"
_PARTS = r"(?:[-_]{0,2}(?:wrapper|container|wrap|links?|list|bar|inner|outer|area|block|section|items?))*"
_NAV_NAMES = (
    r"nav|navbar|navigation|navi|menu|menubar|breadcrumbs?|skip-?links?|pagination|tool-?bar|top-?bar|header|banner"
)
_NAV = re.compile(rf"{_WHERE}(?:{_NAV_NAMES}){_PARTS}", re.I)
_SIDE = re.compile(rf"{_WHERE}(?:side-?bar|side-?col(?:umn)?|rail|widget-?area|site-?header|masthead){_PARTS}", re.I)
_FOOT = re.compile(rf"{_WHERE}(?:footer|colophon){_PARTS}", re.I)
_NOTICE = re.compile(
    r"cookies?[-_]?(?:banner|consent|notice|bar|law|policy|popup|modal|message|warning|overlay|info|wall|alert|hinweis)"
    r"[\w-]*|(?:gdpr|consent|onetrust|cybot|cc-window|usercentrics)[\w-]*|cookies?",
    re.I,
)
_ADVERT = re.compile(r"advert\w*|adsbygoogle|ads?[-_](?:slot|unit|container|banner|wrapper|box)[\w-]*|sponsored", re.I)
_LINKS = re.compile(
    r"(?:social|share|sharing|addthis|related|recommended|popular|trending|most-?read|tags|teasers?)(?:[-_]?(?:links|buttons"
    r"|bar|icons|media|posts|articles|stories|content|news|list))?",
    re.I,
)
_RIGHTS = re.compile(
    r"©|\(c\)|copyright|all rights|imprint|impressum|privacy|datenschutz|cookies|mentions légales", re.I
)
_CONTENT = frozenset(("article", "main", "td", "th", "li", "blockquote", "dd", "figure", "details", "fieldset", "pre"))
_CONTENT_ROLES = frozenset(("main", "article", "alert", "note"))
_FLOW = ("p", "ul", "ol", "dl", "table", "pre", "blockquote", *HEADINGS[1:])
_ANY_NAME = """boolean(.//*[@class or @id or @role or self::nav or self::aside or self::footer or self::header
or self::search])"""
_NOTICE_LENGTH = 800
_LITTLE = 40  # characters of text: a page with less has lost its content


def furniture(body: Any) -> list[Any]:
    """The outermost elements that belong to the page and not to its content."""
    found: list[Any] = []
    if not body.xpath(_ANY_NAME):
        return found
    stack = [(child, False) for child in reversed(body)]
    has_main = next(body.iter("main", "article"), None) is not None
    flows: dict[Any, bool] = {}  # whether text stands directly in an element
    while stack:
        element, in_content = stack.pop()
        tag = local(element)
        if not tag or tag in SKIPPED:
            continue
        if _is_navigation(element, in_content) or (not in_content and _is_furniture(element, has_main, flows)):
            found.append(element)
            continue
        in_content = in_content or tag in _CONTENT or element.get("role") in _CONTENT_ROLES
        stack.extend((child, in_content) for child in reversed(element))
    remaining = _weight(body) - sum(map(_weight, found))
    return found if remaining >= _LITTLE or not found else []


def _weight(element: Any) -> int:
    """Number of characters but spaces."""
    return sum(len(part) for text in strings(element) for part in text.split())


def _is_navigation(element: Any, in_content: bool) -> bool:
    if element.tag != "nav" and element.get("role") != "navigation":
        return False
    if any(re.fullmatch(r"(?:table-of-)?contents|toc", name, re.I) for name in names(element)):
        return not in_content
    return not in_content or _is_mostly_links(element, 0.5)


def _is_furniture(element: Any, has_main: bool, flows: dict[Any, bool]) -> bool:
    tag, role = element.tag, element.get("role")
    if role and role.startswith("doc-"):
        return False  # notes and the like of a book
    if role == "search" or tag == "search":
        return True
    if role in ("banner", "contentinfo", "complementary") or tag in ("aside", "footer", "header"):
        parent = element.getparent()
        if parent not in flows:
            flows[parent] = any(beside.tag in _FLOW for beside in parent)
        return _is_landmark(element, tag, role, has_main, flows[parent])
    return bool(element.attrib) and any(_is_named(element, name) for name in names(element))


def _is_landmark(element: Any, tag: str, role: str | None, has_main: bool, stands_in_flow: bool) -> bool:
    if role == "banner" or tag == "header":
        if next(element.iter("h1"), None) is not None:
            return False
        has_navigation = next(element.iter("nav"), None) is not None
        return role == "banner" or has_navigation or _is_mostly_links(element, 0.5)
    if tag == "footer" or role == "contentinfo":
        return has_main or role == "contentinfo" or _is_at_top(element) or _is_foot(element)
    return not stands_in_flow


def _is_named(element: Any, name: str) -> bool:
    if _NAV.fullmatch(name):
        return _is_mostly_links(element, 0.5)
    if _LINKS.fullmatch(name):
        return _is_mostly_links(element, 0.25)
    if _SIDE.fullmatch(name):
        return next(element.iter("h1"), None) is None
    if _FOOT.fullmatch(name):
        return _is_foot(element)
    if _NOTICE.fullmatch(name):
        return len(words(element)) < _NOTICE_LENGTH and next(element.iter("button", "a", "input"), None) is not None
    return _ADVERT.fullmatch(name) is not None


def _is_at_top(element: Any) -> bool:
    parent = element.getparent()
    return bool(parent.tag == "body" or (parent.tag == "form" and parent.getparent().tag == "body"))


def _is_foot(element: Any) -> bool:
    """Whether a foot is that of the page: it holds links or rights, not a sum."""
    return _is_mostly_links(element, 0.3) or _RIGHTS.search(words(element)) is not None


def _is_mostly_links(element: Any, share: float) -> bool:
    length = len(words(element))
    return length > 0 and link_length(element) > share * length


def told(elements: Iterable[Any]) -> str:
    """The warning that names what was left out."""
    named = [f"{label_of(e)} ({clip(text, 40)})" for e in elements if (text := words(e))]
    more = f" and {len(named) - 6} more" if len(named) > 6 else ""
    return f"navigation, side bars and the like were left out: {', '.join(named[:6])}{more}" if named else ""
