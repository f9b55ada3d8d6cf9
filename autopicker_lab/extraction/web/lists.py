"""Lists with their marks as a browser shows them, and lists of terms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.roman import roman
from autopicker_lab.extraction.web.dom import local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STYLE = re.compile(r"list-style(?:-type)?\s*:[^;]{0,80}?\b((?:lower|upper)-(?:alpha|latin|roman))", re.I)
_TYPES = {"a": "lower-alpha", "A": "upper-alpha", "i": "lower-roman", "I": "upper-roman"}
_MAX_NUMBER = 10**9


def marked_list(element: Any, blocks: Callable[[Any], list[str]]) -> str:
    """A list as Markdown; `blocks` writes what an item holds."""
    lines: list[str] = []
    marks = _marks(element)
    for child in element:
        tag = local(child)
        if tag in ("ul", "ol", "menu", "dir") and lines:  # a list beside the items belongs to the one before
            lines.append("   " + _indented(marked_list(child, blocks), 3))
        elif tag:
            mark = next(marks) if tag == "li" else ""
            lines.extend(_item(blocks(child), mark, child))
    return "\n".join(lines)


def _item(parts: list[str], mark: str, element: Any) -> list[str]:
    if not parts:
        return []
    if not mark:
        return ["\n\n".join(parts)]
    width = len(mark) + 1
    first, *rest = parts
    lines = [f"{mark} {_indented(first, width)}"]
    for part in rest:
        is_list = re.match(r"(?:-|\w{1,9}[.)]) ", part) is not None
        lines.append(("" if is_list else "\n") + " " * width + _indented(part, width))
    return lines


def _indented(text: str, width: int) -> str:
    """Text whose lines after the first stand `width` columns in."""
    return text.replace("\n", "\n" + " " * width)


def _marks(element: Any) -> Iterator[str]:
    """The mark of each item: "-", or its number as start, value, type and reversed make it."""
    if element.tag != "ol":
        while True:
            yield "-"
    items = [child for child in element if local(child) == "li"]
    step = -1 if "reversed" in element.attrib else 1
    number = _number(element.get("start"), len(items) if step < 0 else 1)
    style = _style(element)
    for item in items:
        number = _number(item.get("value"), number)
        yield f"{_shown(number, _style(item) or style)}."
        number += step


def _number(text: str | None, otherwise: int) -> int:
    match = re.match(r"\s*([+-]?\d{1,10})", text or "")
    return max(min(int(match[1]), _MAX_NUMBER), -_MAX_NUMBER) if match else otherwise


def _style(element: Any) -> str:
    match = _STYLE.search(element.get("style") or "")
    return match[1].lower() if match else _TYPES.get(element.get("type") or "", "")


def _shown(number: int, style: str) -> str:
    if style.endswith(("alpha", "latin")) and number > 0:
        text = _letters(number)
    elif style.endswith("roman") and 0 < number < 4000:
        text = roman(number)
    else:
        return str(number)
    return text.upper() if style.startswith("upper") else text


def _letters(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(97 + digit) + text
    return text


def term_list(element: Any, blocks: Callable[[Any], list[str]]) -> str:
    """Terms in bold as items, what explains them one level deeper."""
    lines: list[str] = []
    depth = ""
    for child in _terms(element):
        parts = blocks(child)
        if parts and local(child) == "dt":
            depth = "  "
            lines.append(f"- {_indented(_bold(' '.join(parts)), 2)}")
        elif parts:
            mark = "" if parts[0].startswith("- ") else "-"  # a list within takes the place
            lines.extend(depth + _indented(line, len(depth)) for line in _item(parts, mark, child))
    return "\n".join(lines)


def _terms(element: Any) -> Iterator[Any]:
    """The dt and dd of a list, those in a div about a group included."""
    for child in element:
        if local(child) == "div":
            yield from _terms(child)
        elif local(child):
            yield child


def _bold(text: str) -> str:
    return text if "**" in text or "\n" in text else f"**{text}**"
