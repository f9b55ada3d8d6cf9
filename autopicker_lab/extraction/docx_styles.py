"""Paragraph styles of a DOCX: which make a paragraph a heading or a list item, inheritance included."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.docx_lists import VAL, W, parse_int

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEVEL = re.compile(r"^(?:heading|titre|überschrift|título|titolo|rubrik)\s*(\d)", re.IGNORECASE)
_DEPTH = re.compile(r"^list (?:bullet|number|continue)? ?(\d)$", re.IGNORECASE)


@dataclass(frozen=True)
class ParagraphStyle:
    """What a paragraph style says of the paragraph's role.

    Attributes:
        level: heading level, 1 to 9; 0 for text.
        number: the list that the style itself belongs to, and the level in it; None where it belongs to none.
        depth: nesting depth of list items from 0, by the style's name.
    """

    level: int = 0
    number: tuple[str, int] | None = None
    depth: int = 0


def read_styles(root: Any | None) -> dict[str, ParagraphStyle]:
    """Paragraph styles by id, inheritance resolved; `root` is that of styles.xml, None where there is none."""
    if root is None:
        return {}
    raw = {style.get(f"{W}styleId"): style for style in root.iterfind(f"{W}style")}

    def chain(id_: str) -> Iterator[Any]:
        for _ in range(10):
            if id_ not in raw:
                return
            yield raw[id_]
            parent = raw[id_].find(f"{W}basedOn")
            id_ = parent.get(VAL) if parent is not None else ""

    return {id_: _style(list(chain(id_))) for id_ in raw}


def _style(chain: list[Any]) -> ParagraphStyle:
    level = 0
    number: tuple[str, int] | None = None
    for style in chain:
        name = style.find(f"{W}name")
        style_name = (name.get(VAL) or "") if name is not None else ""
        heading = _LEVEL.match(style_name)
        outline = style.find(f"{W}pPr/{W}outlineLvl")
        level = level or (int(heading[1]) if heading else 1 if style_name.lower() == "title" else 0)
        if not level and outline is not None:
            level = parse_int(outline.get(VAL), 9) + 1
        properties = style.find(f"{W}pPr")
        number = number or (number_of(properties) if properties is not None else None)
    if number and level and number[1] == 0:
        number = (number[0], level - 1)
    style_name = next((name.get(VAL) or "" for style in chain if (name := style.find(f"{W}name")) is not None), "")
    depth = _DEPTH.match(style_name)
    return ParagraphStyle(level if level <= 9 else 0, number, int(depth[1]) - 1 if depth else 0)


def number_of(properties: Any) -> tuple[str, int] | None:
    """The list id and level in a paragraph's properties; None where it is in no list."""
    holder = properties.find(f"{W}numPr")
    if holder is None:
        return None
    number, level = holder.find(f"{W}numId"), holder.find(f"{W}ilvl")
    if number is None:
        return None
    return number.get(VAL) or "0", parse_int(level.get(VAL)) if level is not None else 0
