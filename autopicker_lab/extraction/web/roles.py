"""Elements that only their role (WAI-ARIA 1.2) makes a table, a heading or a list, as applications write them."""

from __future__ import annotations

from typing import Any

from autopicker_lab.extraction.web.dom import words

_PLAIN = frozenset(("div", "span", "p", "section"))
_TABLES = frozenset(("table", "grid", "treegrid"))
_CELLS = {"cell": "td", "gridcell": "td", "columnheader": "th", "rowheader": "th"}
_LISTS = {"list": "ul", "listitem": "li"}
_SPANS = {"aria-colspan": "colspan", "aria-rowspan": "rowspan"}
_HEADING = "2"  # the level of one that states none


def by_role(root: Any) -> None:
    """Give such elements the names of what they are."""
    tables = []
    for element in root.xpath("//*[@role]"):
        if not isinstance(element.tag, str):
            continue
        role = element.get("role").strip().lower()
        is_plain = element.tag in _PLAIN or "-" in element.tag
        if role == "heading" and is_plain:
            level = (element.get("aria-level") or _HEADING).strip()
            element.tag = f"h{level}" if level in "123456" and len(level) == 1 else "h6"
        elif role in _LISTS and is_plain:
            element.tag = _LISTS[role]
        elif role in _TABLES and (is_plain or element.tag in ("ul", "ol")):
            tables.append(element)
    for table in reversed(tables):  # the innermost first
        _as_table(table)


def _as_table(table: Any) -> None:
    """Make a table of an element, unless words of it stand in no cell."""
    rows = [
        (row, [cell for cell in row.iter() if cell.get("role") in _CELLS])
        for row in table.iter()
        if row.get("role") == "row"
    ]
    cells = [cell for _, found in rows for cell in found]
    if not cells or sum(len(words(cell).replace(" ", "")) for cell in cells) != len(words(table).replace(" ", "")):
        return
    table.tag, table.text = "table", None
    lines = []
    for row, found in rows:
        for cell in found:
            cell.tag, cell.tail = _CELLS[cell.get("role")], None
            for name, plain in _SPANS.items():
                if cell.get(name):
                    cell.set(plain, cell.get(name))
        row.tag, row.text, row.tail = "tr", None, None
        row[:] = found
        lines.append(row)
    table[:] = lines
