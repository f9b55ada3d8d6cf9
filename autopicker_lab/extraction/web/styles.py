"""What the style sheets within a page hide: classes and ids, by simple rules that no other rule takes back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.web.dom import names

if TYPE_CHECKING:
    from collections.abc import Iterator

_BRACE = re.compile(r"[{}]")
_DISPLAY = re.compile(r"(?:^|[;\s])display\s*:\s*([\w-]+)", re.I)
_SIMPLE = re.compile(r"\s*[\w-]*([.#][\w-]+)\s*")
_NAME = re.compile(r"[.#][\w-]+")


def mark_hidden(root: Any) -> None:
    """Give the attribute `hidden` to the elements that a style sheet of the page hides."""
    hidden: set[str] = set()
    shown: set[str] = set()
    for style in root.iter("style"):
        css = style.text or ""
        if "none" in css and "display" in css:
            for selectors, value in _displays(_without_comments(css)):
                if value == "none":
                    hidden.update(match[1] for one in selectors.split(",") if (match := _SIMPLE.fullmatch(one)))
                else:
                    shown.update(_NAME.findall(selectors))  # some state of it is seen
    hidden -= shown
    for element in root.xpath("//body//*[@class or @id]") if hidden else ():
        ident = element.get("id")
        if any(f".{name}" in hidden for name in names(element)) or (ident and f"#{ident}" in hidden):
            element.set("hidden", "")


def _without_comments(css: str) -> str:
    first, *others = css.split("/*")
    return first + " ".join(piece.partition("*/")[2] for piece in others)


def _displays(css: str) -> Iterator[tuple[str, str]]:
    """(selectors, value) of the rules on `display`; within a block for some media only those that show."""
    open_blocks: list[str] = []
    position = 0
    for brace in _BRACE.finditer(css):
        chunk = css[position : brace.start()]
        position = brace.end()
        if brace[0] == "{":
            open_blocks.append(chunk)
        elif open_blocks:
            selectors = open_blocks.pop()
            found = _DISPLAY.search(chunk)
            if found and (not open_blocks or (found[1] != "none" and "print" not in open_blocks[0])):
                yield selectors, found[1].lower()
