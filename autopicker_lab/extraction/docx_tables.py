"""The grid of a Word table: its rows and cells, merged ones, and a cell's text on one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.docx_lists import VAL, W, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

ALTERNATE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
HOLDERS = {f"{W}{name}" for name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "txbxContent")} | {
    f"{ALTERNATE}AlternateContent",
    f"{ALTERNATE}Choice",
}


def rows(table: Any) -> Iterator[Any]:
    return _within(table, f"{W}tr")


def cells(row: Any) -> Iterator[Any]:
    return _within(row, f"{W}tc")


def _within(parent: Any, tag: str) -> Iterator[Any]:
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag in HOLDERS:
            yield from _within(child, tag)


def skipped(row: Any) -> int:
    """Grid columns that a row leaves out before its first cell."""
    before = row.find(f"{W}trPr/{W}gridBefore")
    return min(whole(before.get(VAL)), 100) if before is not None else 0


def span(cell: Any) -> int:
    span = cell.find(f"{W}tcPr/{W}gridSpan")
    return min(max(whole(span.get(VAL), 1), 1), 100) if span is not None else 1


def goes_on(cell: Any) -> bool:
    """Whether a cell is the rest of one merged with it from above."""
    merge = cell.find(f"{W}tcPr/{W}vMerge")
    return merge is not None and merge.get(VAL) != "restart"


def flat(text: str) -> str:
    """A cell on one line: a nested table's rules go, its bars become commas."""
    lines = [line for line in text.split("\n") if not re.fullmatch(r"[|\s:-]+", line)]
    return "\n".join(re.sub(r"\s*\|\s*", ", ", line.strip("| ")) if line.startswith("|") else line for line in lines)
