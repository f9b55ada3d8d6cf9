"""The grid of a Word table: rows, cells, merged cells, and the text of a cell on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.docx.names import VAL, W, is_on, parse_int, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator


def rows(table: Any) -> Iterator[Any]:
    """The row elements of a table, those inside wrapping elements included."""
    return (child for child in unwrapped(table) if child.tag == f"{W}tr")


def is_hidden(row: Any) -> bool:
    """Whether a row is not shown."""
    hides = row.find(f"{W}trPr/{W}hidden")
    return hides is not None and is_on(hides)


def cells(row: Any) -> Iterator[Any]:
    """The cell elements of a row, those inside wrapping elements included, deleted ones not."""
    return (c for c in unwrapped(row) if c.tag == f"{W}tc" and c.find(f"{W}tcPr/{W}cellDel") is None)


def skipped_columns(row: Any) -> int:
    """Number of grid columns that a row leaves out before its first cell."""
    before = row.find(f"{W}trPr/{W}gridBefore")
    return min(max(parse_int(before.get(VAL)), 0), 100) if before is not None else 0


def column_span(cell: Any) -> int:
    """Number of grid columns that a cell covers, 1 to 100."""
    column_span = cell.find(f"{W}tcPr/{W}gridSpan")
    return min(max(parse_int(column_span.get(VAL), 1), 1), 100) if column_span is not None else 1


def continues_merge(cell: Any) -> bool:
    """Whether a cell belongs to a merged cell that begins above it or, in old documents, to its left."""
    merges = (cell.find(f"{W}tcPr/{W}{name}") for name in ("vMerge", "hMerge"))
    return any(merge is not None and merge.get(VAL) != "restart" for merge in merges)
