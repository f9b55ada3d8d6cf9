"""What is told of a page beside its text: title, headings, ids, an outline of its elements, its embedded data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.web.dom import HEADINGS, PERMALINKS, words

if TYPE_CHECKING:
    from collections.abc import Iterator

_OUTLINE_TAGS = {"title", "header", "nav", "main", "article", "section", "aside", "footer", "form", "table", "script"}
_OUTLINE_TAGS |= {"body", "link", *HEADINGS}
_TEXTS = ("headline", "name", "description", "articleBody", "text", "recipeInstructions")
_MAX_NODES = 10_000


def metadata(root: Any) -> dict[str, Any]:
    """Title, language, headings, numbers of links, tables and forms, scripts, ids."""
    title = root.findtext(".//title")
    return {
        "title": " ".join(title.split()) if title else None,
        "language": root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang"),
        "headings": [said for heading in root.iter(*HEADINGS) if (said := _heading_words(heading))][:200],
        "links": sum(1 for _ in root.iter("a")),
        "tables": sum(1 for _ in root.iter("table")),
        "forms": sum(1 for _ in root.iter("form")),
        "scripts": [s.get("src") for s in root.iter("script") if s.get("src")],
        "ids": root.xpath("(//@id)[position() <= 200]"),
    }


def _heading_words(heading: Any) -> str:
    """What a heading says, without the link to itself that may stand beside it."""
    said = words(heading)
    for link in heading.iter("a"):
        sign = words(link)
        if sign in PERMALINKS:
            said = said.removeprefix(sign).removesuffix(sign).strip()
    return said


def outline(root: Any) -> Iterator[str]:
    """The elements that structure the page, indented, with their names and line numbers."""
    for element in root.iter():
        if not isinstance(element.tag, str) or (element.tag not in _OUTLINE_TAGS and not element.get("id")):
            continue
        depth = sum(1 for _ in element.iterancestors())
        name = element.tag + (f"#{element.get('id')}" if element.get("id") else "")
        name += "".join(f".{c}" for c in (element.get("class") or "").split()[:3])
        is_titled = element.tag in (*HEADINGS, "title")
        detail = " ".join((element.text or "").split())[:80] if is_titled else element.get("src") or ""
        yield f"{'  ' * min(depth, 12)}- {name} (line {element.sourceline})" + (f": {detail}" if detail else "")


def hidden_content(root: Any) -> str:
    """What a page without text keeps for readers without scripts: noscript, its data (JSON-LD), its description."""
    for tag in ("noscript", "noframes"):
        text = "\n\n".join(filter(None, (" ".join("".join(e.itertext()).split()) for e in root.iter(tag))))
        if len(text) > 200:
            return text
    found = [text for script in root.iter("script") for text in _data_texts(script)]
    if not found:
        metas = ((m.get("name") or m.get("property") or "", m.get("content")) for m in root.iter("meta"))
        found = [content for name, content in metas if name in ("description", "og:description") and content]
    return "\n\n".join(dict.fromkeys(found))


def _data_texts(script: Any) -> Iterator[str]:
    """The texts of schema.org data, the title as a heading."""
    if script.get("type") != "application/ld+json":
        return
    try:
        pending = [json.loads(script.text or "")]
    except (ValueError, RecursionError):
        return
    for _ in range(_MAX_NODES):
        if not pending:
            return
        node = pending.pop(0)
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            for key in _TEXTS:
                if isinstance(node.get(key), str) and node[key].strip():
                    yield f"# {node[key].strip()}" if key == "headline" else node[key].strip()
            pending.extend(value for value in (node.get("@graph"), node.get("mainEntity")) if value)
