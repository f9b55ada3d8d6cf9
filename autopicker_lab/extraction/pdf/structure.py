"""Markdown out of lines: headings, paragraphs, lists, code and footnotes, by the typography of the whole document."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from autopicker_lab.core import Table
from autopicker_lab.extraction.pdf.alignment import aligned_tables
from autopicker_lab.extraction.pdf.boxes import box_of_rows
from autopicker_lab.extraction.pdf.layout import Span, TextRow
from autopicker_lab.extraction.pdf.lines import StyledLine, join_lines, join_texts, styled_line
from autopicker_lab.extraction.pdf.scripts import on_the_line
from autopicker_lab.extraction.pdf.tables import DetectedTable
from autopicker_lab.extraction.pdf.typography import BULLET, END, Typography, heading_level, normalised

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autopicker_lab.core.places import Box

_NUMBERED = re.compile(r"^(\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]|\[\d{1,3}\]|\d{1,2}(?:\.\d{1,2})+\.?)\s+\S")
_TICKS = ("[x] ", "[ ] ")
_FOOTNOTE = re.compile(r"^(\d{1,3}|[⁰¹²³⁴-⁹]{1,3}|[*†‡§¶]+)[.)]?\s*(?=\D)")


@dataclass
class Block:
    """A paragraph, heading, list item, code or table as Markdown, and its box on the page in points."""

    kind: str
    text: str
    table: Table | None = None
    box: Box | None = None
    columns: Sequence[Span] = ()  # of a table


def page_blocks(regions: Sequence[list[TextRow]], typography: Typography, label: str, height: float) -> list[Block]:
    """The blocks of a page in reading order, footnotes last."""
    blocks: list[Block] = []
    notes: list[Block] = []
    tables = 0
    for region in regions:
        begun = len(blocks)
        for first, last, table in aligned_tables(region):
            if table is not None:
                tables += 1
                blocks.append(_table_block(table, f"{label}, table {tables}"))
                continue
            for chunk in _chunks(region[first:last]):
                if isinstance(chunk, DetectedTable):
                    tables += 1
                    blocks.append(_table_block(chunk, f"{label}, table {tables}"))
                    continue
                for block in _text_blocks(chunk, typography, height):
                    if block.kind == "footnote":
                        notes.append(block)
                    elif 0 < begun == len(blocks) and _runs_on(blocks[-1], block):
                        blocks[-1].text = join_texts(blocks[-1].text, block.text, typography.vocabulary)
                        begun = -1
                    else:
                        blocks.append(block)
    return blocks + notes


def _runs_on(last: Block, block: Block) -> bool:
    """Whether a paragraph goes on where another column begins."""
    if not last.kind == block.kind == "paragraph" or not block.text[0].islower():
        return False
    return last.text[-1].islower() or (last.text[-1] in "-,;" and last.text[-2:-1].isalpha())


def to_markdown(blocks: Sequence[Block]) -> tuple[str, list[tuple[int, int, Box | None]]]:
    """Blocks with a blank line between them, list items without; and begin, end and box of each in that text."""
    lines: list[str] = []
    spans: list[tuple[int, int, Box | None]] = []
    start = 0
    for before, block in zip([None, *blocks], blocks, strict=False):
        if before is not None:
            lines.append("\n" if before.kind == block.kind == "item" else "\n\n")
            start += len(lines[-1])
        lines.append(block.text)
        spans.append((start, start + len(block.text), block.box))
        start += len(block.text)
    return "".join(lines), spans


def _table_block(detected: DetectedTable, label: str) -> Block:
    table = Table(tuple(tuple(cell or None for cell in row) for row in detected.rows), label)
    box = (detected.x0, detected.y0, detected.x1, detected.y1)
    return Block("table", table.to_markdown(), table, box, detected.columns)


def _chunks(rows: Sequence[TextRow]) -> Iterator[list[TextRow] | DetectedTable]:
    pending: list[TextRow] = []
    for row in rows:
        tables = [s.table for s in row.segments if isinstance(s.table, DetectedTable)]
        if not tables:
            pending.append(row)
            continue
        text_segments = [s for s in row.segments if s.table is None]
        if text_segments:
            pending.append(TextRow(row.base, row.size, text_segments))
        if pending:
            yield pending
        pending = []
        yield from tables
    if pending:
        yield pending


def _text_blocks(rows: list[TextRow], typography: Typography, height: float) -> Iterator[Block]:
    rows = [part for row in rows for part in _split_row(row)]
    lines = [styled_line(row) for row in rows]
    pitch = _pitch(rows)
    left = min(row.x0 for row in rows)
    edges = _right_edges(rows, pitch)
    pending: list[StyledLine] = []
    for line, right in zip(lines, edges, strict=True):
        if pending and _starts_block(pending, line, pitch, left, right, typography):
            yield _placed_block(pending, typography, height, left)
            pending = []
        pending.append(line)
    if pending:
        yield _placed_block(pending, typography, height, left)


def _split_row(row: TextRow) -> list[TextRow]:
    """A row as one line, or as several where its segments differ much in size, as beside a title."""
    sizes = [segment.size for segment in row.segments]
    if max(sizes) <= 1.3 * min(sizes):
        return [row]
    return [TextRow(segment.base, segment.size, [segment]) for segment in row.segments]


def _right_edges(rows: Sequence[TextRow], pitch: float) -> list[float]:
    """For each row the x at which its text wraps: the region's edge, or less in a stretch that is set narrower.

    In a stretch that wraps, hardly any line has room for the next one's first word.
    """
    widest = max(row.x1 for row in rows)
    edges: list[float] = []
    first = 0
    for index in range(1, len(rows) + 1):
        if index < len(rows) and rows[index].base - rows[index - 1].base <= 1.35 * pitch:
            continue
        stretch = rows[first:index]
        right = max(row.x1 for row in stretch)
        rows_with_room = sum(_has_room(a, b, right) for a, b in pairwise(stretch))
        edges += [right if len(stretch) >= 4 and rows_with_room <= 0.25 * len(stretch) else widest] * len(stretch)
        first = index
    return edges


def _has_room(row: TextRow, following: TextRow, right: float) -> bool:
    """Whether the first word of the next row would have fitted into this one."""
    word = following.segments[0].words[0]
    return right - row.x1 > 0.8 * following.size + word.x1 - word.x0


def _pitch(rows: Sequence[TextRow]) -> float:
    """The usual distance between base lines."""
    steps = [b.base - a.base for a, b in pairwise(rows) if b.base - a.base < 3 * a.size]
    size = statistics.median(row.size for row in rows)
    return max(statistics.median(steps) if steps else 1.2 * size, size)


def _starts_block(
    block: list[StyledLine], line: StyledLine, pitch: float, left: float, right: float, typography: Typography
) -> bool:
    """Whether a new block begins with `line`."""
    last = block[-1]
    step = line.row.base - last.row.base
    if abs(line.row.size - last.row.size) > 0.08 * last.row.size + 0.3 or last.mono != line.mono:
        return True
    if line.row.x0 > last.row.x1 or line.row.x1 < last.row.x0:
        return True  # beside the last line, not below
    if step > 1.35 * max(min(pitch, 1.6 * line.row.size), 1.15 * line.row.size) or step < 0:
        return True
    if last.has_leaders:
        return True
    if line.mono or (last.text[-1:] == "-" and last.text[-2:-1].isalpha() and line.text[:1].islower()):
        return False
    if last.bold != line.bold and (last.bold or len(line.text) < 80) and not typography.bold_body:
        return last.bold or last.text.endswith(END)
    if normalised(last.text) in typography.outline and normalised(f"{last.text} {line.text}") not in typography.outline:
        return True
    if BULLET.match(line.text) or line.text.startswith(_TICKS):
        return True
    if _NUMBERED.match(line.text) and (last.text.endswith(END) or _NUMBERED.match(block[0].text)):
        return True
    indented = 0.8 * line.row.size < line.row.x0 - left < 4 * line.row.size
    if indented and last.text.endswith(END) and last.row.x0 - left < 0.5 * line.row.size:
        return True
    return _has_room(last.row, line.row, right)


def _placed_block(lines: list[StyledLine], typography: Typography, height: float, left: float) -> Block:
    block = _block(lines, typography, height, left)
    block.box = box_of_rows(line.row for line in lines)
    return block


def _block(lines: list[StyledLine], typography: Typography, height: float, left: float) -> Block:
    if (
        not typography.mono_body
        and all(line.mono for line in lines)
        and (len(lines) > 1 or _looks_like_code(lines[0].text))
    ):
        return Block("code", _code(lines))
    text = join_lines(lines, typography.vocabulary)
    level = heading_level(lines, text, typography)
    if level:
        return Block("heading", f"{'#' * level} {text}")
    bullet = BULLET.match(text)
    if bullet:
        depth = min(max(round((lines[0].row.x0 - left) / (2 * lines[0].row.size)), 0), 4)
        return Block("item", f"{'  ' * depth}- {text[bullet.end() :]}")
    small = lines[0].row.size <= 0.93 * typography.body and len(lines[0].row.segments) == 1
    note = _FOOTNOTE.match(text) if small and lines[0].row.base > 0.6 * height else None
    if note:
        return Block("footnote", f"[^{on_the_line(note[1])}]: {text[note.end() :]}")
    if _NUMBERED.match(text) or text.startswith(_TICKS):
        return Block("item", text)
    return Block("paragraph", re.sub(r"^(#+\s)", r"\\\1", text))


def _looks_like_code(text: str) -> bool:
    return bool(re.search(r"[{}();=<>\\$]|^\s*(?:def|class|import|for|if|return)\b", text))


def _code(lines: list[StyledLine]) -> str:
    left = min(line.row.x0 for line in lines)
    body = []
    for line in lines:
        width = line.row.size * 0.6
        body.append(" " * round((line.row.x0 - left) / width) + line.row.text)
    return "```\n" + "\n".join(body) + "\n```"
