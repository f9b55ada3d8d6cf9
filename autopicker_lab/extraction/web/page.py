"""The tree of a page: decoded, parsed as HTML or XHTML, shadow trees in place, no deeper than the writers go."""

from __future__ import annotations

import re
from html import entities
from typing import Any

from autopicker_lab.extraction.web.dom import settable
from autopicker_lab.extraction.web.roles import by_role
from autopicker_lab.extraction.web.styles import mark_hidden

MAX_DEPTH = 120  # levels that are told apart
_XHTML = re.compile(r"<(?:\w+:)?html\b[^<>]*\bxmlns\b", re.IGNORECASE)
_NAME = re.compile(r"[a-z][\w-]*")
_HEAD = 4096  # characters in which the root of XHTML is looked for
_ENTITY = re.compile(r"&(\w+);")
_PREDEFINED = frozenset(("amp", "lt", "gt", "quot", "apos"))
_FORMATTING = ("span", "font", "b", "i", "u", "big", "small", "center", "strong", "em", "tt")
_FORMATTING_TAG = re.compile(rf"</?(?:{'|'.join(_FORMATTING)})\b[^<>]*>", re.IGNORECASE)
_LONG_TAG = re.compile(r"<[A-Za-z][^<>]{10000,}")
_ATTRIBUTE = re.compile(r"""[^\s"'>/=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"']*))?""")
_MAX_ATTRIBUTES = 1000  # of one element: the parser compares each with all
_DIVISION_TAG = re.compile(
    r"</?(?:div|section|blockquote|ul|ol|li|dl|dd|table|tbody|tr|td|[a-z]+-[a-z-]+)\b[^<>]*>", re.I
)
_ANY_TAG = re.compile(r"<[!?/]?[A-Za-z][^<>]*>")
DEEP = f"nested too deeply to tell its structure below {MAX_DEPTH} levels: read as plain text there"
UNFORMATTED = "nested too deeply: its bold and italics were left out"


def parse(text: str) -> tuple[Any, tuple[str, ...]]:
    """The root of a page and warnings.

    Raises:
        lxml.etree.LxmlError: the text holds no element.
    """
    root = _xhtml(text) if _XHTML.search(text[:_HEAD]) else None
    warnings: tuple[str, ...] = ()
    if root is None:
        root, warnings = _html(_without_cdata(text))
    for element in root.xpath("//*[contains(name(), ':') or namespace-uri() != '']"):
        name = element.tag.rsplit("}", 1)[-1].rsplit(":", 1)[-1].lower()
        element.tag = name if _NAME.fullmatch(name) else "span"
    mark_hidden(root)
    if "role=" in text:
        by_role(root)
    _open_what_a_click_shows(root)
    for template in list(root.iter("template")):
        if any(template.get(name) for name in ("shadowrootmode", "shadowmode", "shadowroot")):
            _place_shadow_tree(template)
    if _is_deeper(root, MAX_DEPTH):
        warnings = (DEEP,) if _flatten(root) else warnings
    return root, warnings


def _html(text: str) -> tuple[Any, tuple[str, ...]]:
    """The tree, and what is said where markup had to go because the parser gives up at its depth."""
    import lxml.etree

    text = _LONG_TAG.sub(_bounded, text)
    for attempt, pattern in enumerate((None, _FORMATTING_TAG, _DIVISION_TAG, _ANY_TAG)):
        text = text if pattern is None else pattern.sub(" " if attempt > 1 else "", text)
        parser = lxml.etree.HTMLParser(encoding="utf-8", huge_tree=True)
        root = lxml.etree.fromstring(text.encode("utf-8", "replace"), parser)
        if root is None:
            raise lxml.etree.ParserError("no element")
        if not any(
            error.type_name == "ERR_RESOURCE_LIMIT" or "depth" in error.message
            for error in parser.error_log.filter_from_fatals()
        ):
            break
    return root, ((), (UNFORMATTED,), (DEEP,), (DEEP,))[attempt]


def _bounded(match: re.Match[str]) -> str:
    """A tag without the attributes past the bound."""
    for count, attribute in enumerate(_ATTRIBUTE.finditer(match[0])):
        if count > _MAX_ATTRIBUTES:
            return match[0][: attribute.start()]
    return match[0]


def _without_cdata(text: str) -> str:
    """The text of CDATA sections as HTML writes it."""
    first, *others = text.split("<![CDATA[")
    pieces = [first]
    for piece in others:
        inner, end, rest = piece.partition("]]>")
        pieces.append(inner.replace("&", "&amp;").replace("<", "&lt;") + rest if end else piece)
    return "".join(pieces)


def _xhtml(text: str) -> Any:
    """The tree of well-formed XHTML with plain names, None where it is not well-formed."""
    import lxml.etree

    known = _ENTITY.sub(lambda m: m[0] if m[1] in _PREDEFINED else entities.html5.get(f"{m[1]};", m[0]), text)
    parser = lxml.etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True)
    try:
        root = lxml.etree.fromstring(known.encode("utf-8", "replace"), parser)
    except lxml.etree.LxmlError:
        return None
    return root


def _place_shadow_tree(template: Any) -> None:
    """Put what a shadow tree shows in the place of its host's content, with that content in its slots."""
    host = template.getparent()
    if host is None:  # a second one in its host
        return
    light: dict[str, list[Any]] = {}
    for child in host:
        if child is not template and isinstance(child.tag, str):
            light.setdefault(child.get("slot") or "", []).append(child)
    text, template.tail = (host.text or "") + (template.tail or ""), None
    for slot in list(template.iter("slot")):
        chosen = light.pop(slot.get("name") or "", [])
        own_text, text = ("", text) if slot.get("name") else (text, "")
        if chosen or own_text.strip():
            for child in list(slot):
                slot.remove(child)
            slot.text = settable(own_text)
            slot.extend(chosen)
    for child in list(host):
        host.remove(child)
    host.text = settable(template.text or "")
    host.extend(list(template))


def _open_what_a_click_shows(root: Any) -> None:
    """Mark as shown what a button of the page opens: the panels of an accordion or of tabs."""
    buttons = root.xpath("//*[@aria-controls or @data-bs-target or @data-target]")
    named = (b.get(name) for b in buttons for name in ("aria-controls", "data-bs-target", "data-target"))
    targets = {target.removeprefix("#") for names in named if names for target in names.split()}
    for panel in root.xpath("//*[@hidden and @id]") if targets else ():
        if panel.get("id") in targets:
            del panel.attrib["hidden"]


def _is_deeper(root: Any, depth: int) -> bool:
    return bool(root.xpath(f"boolean({'/*' * (depth + 1)})"))


def _flatten(root: Any) -> bool:
    """Take formatting away, then what lies too deep as plain text; whether that was so."""
    import lxml.etree

    lxml.etree.strip_tags(root, *_FORMATTING)
    deep = root.xpath("/*" * (MAX_DEPTH + 1))
    for parent in dict.fromkeys(element.getparent() for element in deep):
        text = " ".join(" ".join(parent.itertext()).split())
        for child in list(parent):
            parent.remove(child)
        parent.text = settable(text)
    return bool(deep)
