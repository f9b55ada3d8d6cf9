"""Tables of a page: the grid with its merged cells, or a table that only lays the page out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Table
from autopicker_lab.extraction.web.dom import HEADINGS, SKIPPED, is_hidden, local, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MAX_COLUMNS = 1000
_MAX_CELLS = 500_000
_REPEATED = 200  # characters: longer ones stand once
_LONG = 1500  # characters: a cell with more holds a page's text
_ORDER = {"thead": 0, "tfoot": 2}
_PARTS = frozenset(("thead", "tbody", "tfoot"))
_CELLS = frozenset(("td", "th"))
_KNOWN = _PARTS | _CELLS | {"tr", "caption", "colgroup", "col", "form", "script", "style", "template"}
_PAGE_BLOCKS = (*HEADINGS, "form", "article", "section", "nav", "hr")


def rows_of(table: Any) -> list[Any]:
    """The rows of a table but not those of tables in it, the head first and the foot last.

    Cells without a row stand in the table or its section, which is then a row itself.
    """
    found: list[tuple[int, Any]] = []
    for part in (table, *(child for child in table if local(child) in _PARTS)):
        if part is not table and is_hidden(part):
            continue
        order = _ORDER.get(local(part), 1)
        found.extend((order, row) for row in _unwrapped(part) if local(row) == "tr")
        if any(local(cell) in _CELLS for cell in part):
            found.insert(0, (order, part))
    found.sort(key=lambda pair: pair[0])
    return [row for _, row in found]


def cells_of(row: Any) -> list[Any]:
    """The cells of a row, and what stands among them without one."""
    if local(row) != "tr":
        return [cell for cell in row if local(cell) in _CELLS]
    return [cell for cell in _unwrapped(row) if local(cell) and local(cell) not in SKIPPED]


def strays(table: Any) -> list[Any]:
    """Texts and elements that stand in a table and in no cell, as forms within tables leave them."""
    found: list[Any] = [table.text or ""]
    for child in table:
        if local(child) and local(child) not in _KNOWN:
            found.append(child)
        found.append(child.tail or "")
    return found


def _unwrapped(part: Any) -> list[Any]:
    """The children of a part, those within a form in their place."""
    return [one for child in part for one in (child if local(child) == "form" else (child,))]


def is_layout(table: Any, rows: Sequence[Any]) -> bool:
    """Whether a table only places parts of the page: no head, and one column, or whole page parts in its cells."""
    if table.get("role") in ("presentation", "none"):
        return True
    if any(local(cell) == "th" for row in rows for cell in cells_of(row)) or table.find("caption") is not None:
        return False
    if table.find("thead") is not None:
        return False
    if all(len(cells_of(row)) < 2 for row in rows):
        return True
    if any(part is not table for part in table.iter("table", *_PAGE_BLOCKS)):
        return (table.get("border") or "0") == "0"
    return any(len(words(cell)) > _LONG for row in rows for cell in cells_of(row))


def grid(rows: Sequence[Any], text_of: Callable[[Any], str]) -> list[list[str]]:
    """The cells of a table in their columns; a merged cell repeats its text in each row and column that it covers."""
    lines: list[list[str]] = []
    below: dict[int, tuple[int, str]] = {}  # column -> rows still covered, text
    total = 0
    for position, row in enumerate(rows):
        if is_hidden(row):
            continue
        line: dict[int, str] = {}
        column = 0
        cells = cells_of(row)
        for cell in cells:
            while column in below:
                column = _carry(below, line, column)
            text = "" if is_hidden(cell) else text_of(cell)
            height = _span(cell, "rowspan", len(rows) - position)
            again = text if len(text) <= _REPEATED else ""
            for place in range(_span(cell, "colspan", _MAX_COLUMNS)):
                if column >= _MAX_COLUMNS or column in line:
                    break
                line[column] = text if place == 0 else again if len(cells) > 1 else ""  # a title stands once
                if height > 1:
                    below[column] = (height, again if place == 0 or len(cells) > 1 else "")
                column += 1
        for covered in [c for c in below if c not in line]:
            _carry(below, line, covered)
        below = {c: (left - 1, text) for c, (left, text) in below.items() if left > 1}
        width = max(line, default=-1) + 1
        total += width
        if total > _MAX_CELLS:
            break
        lines.append([line.get(c, "") for c in range(width)])
    return lines


def _carry(below: dict[int, tuple[int, str]], line: dict[int, str], column: int) -> int:
    line.setdefault(column, below[column][1])
    return column + 1


def _span(cell: Any, name: str, most: int) -> int:
    stated = cell.get(name)
    if stated is None:
        return 1
    match = re.match(r"\s*(\d{1,6})", stated)
    span = int(match[1]) if match else 1
    return min(span, most) if span else most if name == "rowspan" else 1


def head_rows(rows: Sequence[Any]) -> int:
    """Number of rows at the top that hold only column names: those of thead, else of th cells under groups of them."""
    head = [row for row in rows if local(row.getparent()) == "thead"]
    if head:
        return len(head)
    count = 0
    for row in rows:
        cells = cells_of(row)
        has_groups = count == 0 or any(cell.get("colspan", "1") != "1" for cell in cells_of(rows[count - 1]))
        if not cells or not has_groups or any(local(cell) != "th" for cell in cells):
            break
        count += 1
    return count


def joined_head(lines: list[list[str]], count: int) -> list[list[str]]:
    """The grid with its `count` head rows as one: group and column name in each column."""
    if count < 2 or count >= len(lines):
        return lines
    width = max(map(len, lines[:count]))
    columns = ([line[c] for line in lines[:count] if c < len(line)] for c in range(width))
    return [[" ".join(dict.fromkeys(filter(None, names))) for names in columns], *lines[count:]]


def markdown(lines: list[list[str]], count: int) -> str:
    """The grid as a Markdown table; empty rows and columns go."""
    full = [line for line in lines if any(line)]
    if not full:
        return ""
    width = max(map(len, full))
    kept = [c for c in range(width) if any(c < len(line) and line[c] for line in full)]
    rows = [tuple((line[c] if c < len(line) else "") or None for c in kept) for line in joined_head(full, count)]
    return Table(tuple(rows)).to_markdown()
