"""Detection of unruled tables: rows whose segments stand in columns."""

from __future__ import annotations

import re
import statistics
from typing import TYPE_CHECKING

from autopicker_lab.extraction.pdf.layout import MARKER, Span, TextRow, TextSegment
from autopicker_lab.extraction.pdf.table_heads import group_start, names_in_one
from autopicker_lab.extraction.pdf.tables import DetectedTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autopicker_lab.extraction.pdf.words import PageWord

_FORMULA = re.compile(r"[\u2200-\u22ff\u2308-\u230b\u239b-\u23b3\ue000-\uf8ff]|[=+<>≤≥]\s*$|^\s*[=+<>≤≥]")


def aligned_tables(rows: list[TextRow]) -> Iterator[tuple[int, int, DetectedTable | None]]:
    """Cut the rows of a region into stretches: (first row, row past the last, the table, or None for text)."""
    first = index = 0
    while index < len(rows):
        match = _find_table(rows, index, first)
        if match is None:
            index += 1
            continue
        start, end, table = match
        if start > first:
            yield first, start, None
        yield start, end, table
        first = index = end
    if first < len(rows):
        yield first, len(rows), None


def _find_table(rows: list[TextRow], first: int, earliest: int) -> tuple[int, int, DetectedTable] | None:
    """The longest run of rows from `first` that stands in columns, with the header rows above it back to `earliest`."""
    if len(rows[first].segments) < 2 or _has_table(rows[first]):
        return None
    columns: list[Span] = [(s.x0, s.x1) for s in rows[first].segments]
    end, multi_rows = first + 1, 1
    pending = first + 1
    pitch = _pitch(rows, first)
    while pending < len(rows):
        row = rows[pending]
        if _has_table(row) or row.base - rows[pending - 1].base > 3.2 * pitch:
            break
        if len(row.segments) >= 2:
            merged = _merge_columns(columns, row.segments)
            if len(merged) < max(len(columns), 2) or _shares_column(merged, row.segments):
                break
            columns = merged
            multi_rows += 1
            end = pending + 1
        elif not _fits_single(columns, row, rows[first]):
            break
        pending += 1
    while end < len(rows) and _is_wrapped_cell(rows, end, columns, pitch):
        end += 1
    if not _is_table(rows[first:end], columns, multi_rows):
        return None
    columns, groups = _without_groups(rows[first:end], columns)
    start = first
    while start > earliest and _is_header(rows[start - 1], rows[start], columns, pitch):
        start -= 1
    return start, end, _build_table(rows[start:end], columns, first - start + groups)


def _without_groups(rows: list[TextRow], columns: list[Span]) -> tuple[list[Span], int]:
    """The columns but for those between others that only the first row fills, and how many rows name groups: 1 or 0."""
    filled = {_column_of(columns, segment) for row in rows[1:] for segment in row.segments}
    kept = [column for i, column in enumerate(columns) if i in filled]
    groups = [i for i in range(len(columns)) if i not in filled]
    is_between = bool(groups) and groups[0] > 0 and groups[-1] < len(columns) - 1
    if len(rows) < 4 or not is_between or len(groups) < len(rows[0].segments) or len(kept) < 3:
        return columns, 0
    return kept, 1


def _is_header(row: TextRow, below: TextRow, columns: list[Span], pitch: float) -> bool:
    """Whether a row above a table is a header whose cells span its columns."""
    if len(row.segments) < 2 or _has_table(row) or below.base - row.base > 2 * pitch or row.size > 1.12 * below.size:
        return False
    inside = all(s.x0 >= columns[0][0] - 2 and s.x1 <= columns[-1][1] + 2 for s in row.segments)
    return inside and len(row.segments) <= len(columns) and not _shares_column(columns, row.segments)


def _shares_column(columns: list[Span], segments: Sequence[TextSegment]) -> bool:
    """Whether two segments of one row would share a column."""
    indices = [_column_of(columns, segment) for segment in segments]
    return len(set(indices)) < len(indices)


def _has_table(row: TextRow) -> bool:
    return any(segment.table is not None for segment in row.segments)


def _pitch(rows: list[TextRow], first: int) -> float:
    steps = [b.base - a.base for a, b in zip(rows[first : first + 6], rows[first + 1 : first + 7], strict=False)]
    return max(min(steps, default=0.0), rows[first].size * 1.15)


def _merge_columns(columns: list[Span], segments: Sequence[TextSegment]) -> list[Span]:
    """Extents of the columns, extended by the segments of a row; a segment over several columns is a spanning cell."""
    extended = list(columns)
    for segment in segments:
        touched = _touched_columns(extended, segment)
        if not touched:
            extended.append((segment.x0, segment.x1))
        elif len(touched) == 1:
            low, high = extended[touched[0]]
            extended[touched[0]] = (min(low, segment.x0), max(high, segment.x1))
    extended.sort()
    merged: list[Span] = []
    for low, high in extended:
        if merged and low < merged[-1][1] - 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _fits_single(columns: list[Span], row: TextRow, top: TextRow) -> bool:
    """Whether a row of one segment can stand inside a table: in one column, or a short title across several."""
    segment = row.segments[0]
    bold = all(word.style.bold for word in segment.words) and not all(word.style.bold for word in top.words)
    if row.size > 1.1 * top.size or (bold and row.size > top.size):
        return False  # a heading
    touched = len(_touched_columns(columns, segment))
    width = columns[-1][1] - columns[0][0]
    below_a_cell = segment.x0 >= columns[0][1] and segment.x1 - segment.x0 < 0.5 * width and segment.weight <= 12
    return (touched <= 1 and segment.x1 - segment.x0 < 0.6 * width) or segment.weight <= 6 or below_a_cell


def _is_wrapped_cell(rows: list[TextRow], index: int, columns: list[Span], pitch: float) -> bool:
    """Whether the row after a table is the rest of its last row's wrapped cell."""
    row = rows[index]
    if len(row.segments) != 1 or _has_table(row) or row.base - rows[index - 1].base > 1.25 * pitch:
        return False
    segment = row.segments[0]
    return segment.x0 >= columns[0][1] and any(
        low - 2 <= segment.x0 and segment.x1 <= high + 2 for low, high in columns
    )


def _is_table(rows: list[TextRow], columns: list[Span], multi_rows: int) -> bool:
    min_rows = 2 if len(columns) >= 3 and len(rows) == 2 else 3
    if len(columns) < 2 or multi_rows < min_rows or multi_rows < 0.4 * len(rows):
        return False
    if all(MARKER.fullmatch(row.segments[0].text) for row in rows if len(row.segments) > 1):
        return False  # a list whose bullets stand apart
    weights = [segment.weight for row in rows if len(row.segments) > 1 for segment in row.segments]
    if statistics.mean(weights) > 7:
        return False
    texts = [segment.text for row in rows for segment in row.segments]
    if sum(bool(_FORMULA.search(text)) for text in texts) > 0.25 * len(texts):
        return False
    if len(columns) == 2:  # two columns could be anything: the second must line up on one side
        seconds = [row.segments[-1] for row in rows if len(row.segments) > 1]
        return _shares_edge(seconds) and multi_rows >= 3
    return True


def _shares_edge(segments: list[TextSegment]) -> bool:
    lefts, rights = [s.x0 for s in segments], [s.x1 for s in segments]
    return min(statistics.pstdev(lefts), statistics.pstdev(rights)) < 4


def _build_table(rows: list[TextRow], columns: list[Span], headers: int) -> DetectedTable:
    """The table of rows, of which the first `headers` may name groups of columns."""
    cells: list[list[str]] = []
    words: list[PageWord] = []
    previous: TextRow | None = None
    for number, row in enumerate(rows):
        texts = [""] * len(columns)
        for segment in row.segments:
            start = group_start(segment.x0, segment.x1, columns) if number < headers else None
            index = _column_of(columns, segment) if start is None else start
            texts[index] = f"{texts[index]} {segment.text}".strip()
            words.extend(segment.words)
        close = previous is not None and row.base - previous.base <= 1.3 * row.size
        if cells and close and _continues_row(texts, cells[-1]):
            cells[-1] = [f"{old} {new}".strip() for old, new in zip(cells[-1], texts, strict=True)]
        else:
            cells.append(texts)
        previous = row
    if len(cells) == len(rows):
        cells = names_in_one(cells, rows)
    top = rows[0].base - rows[0].size
    return DetectedTable(cells, columns[0][0], top, columns[-1][1], rows[-1].base, words, columns)


def _touched_columns(columns: list[Span], segment: TextSegment) -> list[int]:
    """The columns that a segment reaches into by more than a point."""
    return [i for i, (low, high) in enumerate(columns) if low < segment.x1 - 1 and segment.x0 + 1 < high]


def _column_of(columns: list[Span], segment: TextSegment) -> int:
    """The first column that a segment touches; the one that begins nearest to it where it touches none."""
    touched = _touched_columns(columns, segment)
    if touched:
        return touched[0]
    return min(range(len(columns)), key=lambda i: abs(columns[i][0] - segment.x0))


def _continues_row(texts: list[str], above: list[str]) -> bool:
    """Whether a row only continues the cells above it: nothing in the first column, and no number of its own."""
    filled = [i for i, text in enumerate(texts) if text]
    if texts[0] or not filled or any(not above[i] for i in filled):
        return False
    return not any(text[0].isdigit() for text in texts if text)
