"""Tables that go on over pages: the columns keep the names that stand on the first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autopicker_lab.core import Table
from autopicker_lab.extraction.headers import is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.core.document import Cell
    from autopicker_lab.extraction.pdf.layout import Span
    from autopicker_lab.extraction.pdf.structure import Block

_CONTINUED = re.compile(r"continued|cont'?d|\bcont\.|fortsetzung|suite|continuaci|vervolg|続き|续", re.IGNORECASE)
_MAX_HEADER = 3

Row = tuple["Cell", ...]


def last_table(blocks: Sequence[Block]) -> Block | None:
    """The table that a page ends with, footnotes aside."""
    last = next((block for block in reversed(blocks) if block.kind != "footnote"), None)
    return last if last is not None and last.table is not None else None


def carry_header(above: Block | None, blocks: list[Block]) -> None:
    """Give the table that a page begins with the header of `above`, the table that the last page ended with.

    It takes it where it goes on with the columns of that table and has no header of its own.
    """
    index = 1 if len(blocks) > 1 and len(blocks[0].text) < 80 and _CONTINUED.search(blocks[0].text) else 0
    if above is None or above.table is None or len(blocks) <= index:
        return
    block = blocks[index]
    if block.table is None:
        return
    rows = _in_columns_of(above, block)
    header = above.table.rows[: _header_rows(above.table.rows)]
    if rows is None or not header or rows[0] == header[0] or _has_header(rows):
        return
    block.table = Table(
        (*header, *rows), f"{block.table.label}, goes on from {above.table.label.partition(', goes')[0]}"
    )
    block.text = block.table.to_markdown()
    block.columns = above.columns


def _in_columns_of(above: Block, block: Block) -> list[Row] | None:
    """The rows of a table in the columns of the one above; None where they do not match."""
    assert block.table is not None
    if len(block.columns) > len(above.columns) or len(block.columns) < 2:
        return None
    places = [_overlapping(span, above.columns) for span in block.columns]
    if len(block.columns) == len(above.columns):
        matching = sum(place == i for i, place in enumerate(places))
        return list(block.table.rows) if matching >= 0.7 * len(places) else None
    if None in places or len(set(places)) < len(places):
        return None
    rows: list[Row] = []
    for row in block.table.rows:
        cells = dict(zip(places, row, strict=True))
        rows.append(tuple(cells.get(i) for i in range(len(above.columns))))
    return rows


def _overlapping(span: Span, columns: Sequence[Span]) -> int | None:
    """The column that a span overlaps most."""
    shared = [min(span[1], high) - max(span[0], low) for low, high in columns]
    widest = max(range(len(columns)), key=lambda i: shared[i])
    return widest if shared[widest] > 0 else None


def _has_header(rows: Sequence[Row]) -> bool:
    """Whether the first row names what stands below it: words over columns of numbers."""
    numeric = [i for i in range(len(rows[0])) if _share_of_numbers(rows[1:], i) > 0.6]
    return bool(numeric) and all(rows[0][i] is not None and not is_number(rows[0][i]) for i in numeric)


def _header_rows(rows: Sequence[Row]) -> int:
    """How many rows at the head of a table name its columns; 1 where no column of numbers can tell."""
    numeric = [i for i in range(len(rows[0])) if _share_of_numbers(rows[1:], i) > 0.6]
    if not numeric:
        return 1
    count = 0
    while count < min(len(rows), _MAX_HEADER) and not any(is_number(rows[count][i]) for i in numeric):
        count += 1
    return count


def _share_of_numbers(rows: Sequence[Row], column: int) -> float:
    cells = [row[column] for row in rows if row[column] is not None]
    return sum(map(is_number, cells)) / len(cells) if cells else 0.0
