"""From lines to Markdown: headings, paragraphs, lists, code and footnotes, over the whole document."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from autopicker_lab.core import Table
from autopicker_lab.extraction.pdf.alignment import aligned_tables
from autopicker_lab.extraction.pdf.layout import Row
from autopicker_lab.extraction.pdf.lines import Line, joined, line_of
from autopicker_lab.extraction.pdf.tables import FoundTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from autopicker_lab.extraction.pdf.words import Word

_BULLET = re.compile(r"^([•‣▪▫■□●○◦◆►➢➤✓❖·∙\ue000-\uf8ff]|[-–—*](?=\s))\s*")
_NUMBERED = re.compile(r"^(\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]|\[\d{1,3}\]|\d{1,2}(?:\.\d{1,2})+\.?)\s+\S")
_SECTION = re.compile(
    r"^(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?|[IVX]{1,5}\.|[A-Z]\.|appendix\b.*|chapter\b.*)\s+\S", re.IGNORECASE
)
_DEEP_SECTION = re.compile(r"^\d{1,2}(?:\.\d{1,2}){1,3}\.?\s+[A-Z]")
_FOOTNOTE = re.compile(r"^(\d{1,3}|[*†‡§¶]+)[.)]?\s*(?=\D)")
_END = (".", "!", "?", ":", ";", "。", "！", "？", "…")
_HEADING_GROWTH = 1.12
_LONGEST_HEADING = 200


@dataclass
class Typography:
    """What the document's text looks like, so that what differs can be told."""

    body: float  # points
    bold_body: bool
    mono_body: bool  # receipts and listings: nothing is code in particular
    levels: Mapping[float, int]  # heading size -> 1 to 6
    outline: Mapping[str, int]  # heading text, folded -> level
    vocabulary: frozenset[str]

    @classmethod
    def of(cls, pages: Sequence[Sequence[Word]], outline: Mapping[str, int]) -> Typography:
        sizes: Counter[float] = Counter()
        bold = mono = total = 0
        vocabulary: set[str] = set()
        for words in pages:
            for word in words:
                length = len(word.text)
                sizes[round(word.style.size * 2) / 2] += length
                total += length
                bold += length if word.style.bold else 0
                mono += length if word.style.mono else 0
                if not word.hyphen:
                    vocabulary.add(word.text.casefold().strip(".,;:!?()[]\"'“”"))
        body = max(sizes, key=lambda s: sizes[s], default=10.0)
        larger = sorted((s for s in sizes if s >= body * _HEADING_GROWTH), reverse=True)
        levels = {size: min(rank, 5) for rank, size in enumerate(larger, 1)}
        return cls(body, bold > 0.5 * total, mono > 0.5 * total, levels, outline, frozenset(vocabulary))


@dataclass
class Block:
    """A paragraph, heading, list item, code or table as Markdown."""

    kind: str
    text: str
    table: Table | None = None


def page_blocks(regions: Sequence[list[Row]], look: Typography, label: str, height: float) -> list[Block]:
    """The blocks of a page in reading order, footnotes last."""
    blocks: list[Block] = []
    notes: list[Block] = []
    tables = 0
    for region in regions:
        for first, last, found in aligned_tables(region):
            if found is not None:
                tables += 1
                blocks.append(_table_block(found, f"{label}, table {tables}"))
                continue
            for chunk in _chunks(region[first:last]):
                if isinstance(chunk, FoundTable):
                    tables += 1
                    blocks.append(_table_block(chunk, f"{label}, table {tables}"))
                    continue
                for block in _text_blocks(chunk, look, height):
                    (notes if block.kind == "footnote" else blocks).append(block)
    return blocks + notes


def to_markdown(blocks: Sequence[Block]) -> str:
    """Blocks with a blank line between them; list items stand close."""
    lines: list[str] = []
    for before, block in zip([None, *blocks], blocks, strict=False):
        if before is not None:
            lines.append("\n" if before.kind == block.kind == "item" else "\n\n")
        lines.append(block.text)
    return "".join(lines)


def _table_block(found: FoundTable, label: str) -> Block:
    table = Table(tuple(tuple(cell or None for cell in row) for row in found.rows), label)
    return Block("table", table.to_markdown(), table)


def _chunks(rows: Sequence[Row]) -> Iterator[list[Row] | FoundTable]:
    held: list[Row] = []
    for row in rows:
        table = next((s.table for s in row.segments if isinstance(s.table, FoundTable)), None)
        if table is None:
            held.append(row)
            continue
        rest = [s for s in row.segments if s.table is None]
        if rest:
            held.append(Row(row.base, row.size, rest))
        if held:
            yield held
        held = []
        yield table
    if held:
        yield held


def _text_blocks(rows: list[Row], look: Typography, height: float) -> Iterator[Block]:
    rows = [part for row in rows for part in _parted(row)]
    lines = [line_of(row) for row in rows]
    pitch = _pitch(rows)
    left = min(row.x0 for row in rows)
    edges = _right_edges(rows, pitch)
    held: list[Line] = []
    for line, right in zip(lines, edges, strict=True):
        if held and _breaks(held, line, pitch, left, right, look):
            yield _block(held, look, height, left)
            held = []
        held.append(line)
    if held:
        yield _block(held, look, height, left)


def _parted(row: Row) -> list[Row]:
    """A row as one line, or as several where what stands in it is of very different size, as beside a title."""
    sizes = [segment.size for segment in row.segments]
    if max(sizes) <= 1.3 * min(sizes):
        return [row]
    return [Row(segment.base, segment.size, [segment]) for segment in row.segments]


def _right_edges(rows: Sequence[Row], pitch: float) -> list[float]:
    """For each row where its text wraps: the region's edge, or nearer for a stretch that is set narrower.

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
        roomy = sum(_has_room(a, b, right) for a, b in pairwise(stretch))
        edges += [right if len(stretch) >= 4 and roomy <= 0.25 * len(stretch) else widest] * len(stretch)
        first = index
    return edges


def _has_room(row: Row, following: Row, right: float) -> bool:
    """Whether the next row's first word would still have stood in this one."""
    word = following.segments[0].words[0]
    return right - row.x1 > 0.8 * following.size + word.x1 - word.x0


def _pitch(rows: Sequence[Row]) -> float:
    """The usual distance between base lines."""
    steps = [b.base - a.base for a, b in pairwise(rows) if b.base - a.base < 3 * a.size]
    size = statistics.median(row.size for row in rows)
    return max(statistics.median(steps) if steps else 1.2 * size, size)


def _breaks(held: list[Line], line: Line, pitch: float, left: float, right: float, look: Typography) -> bool:
    """Whether a new block begins with `line`."""
    last = held[-1]
    step = line.row.base - last.row.base
    if abs(line.row.size - last.row.size) > 0.08 * last.row.size + 0.3 or last.mono != line.mono:
        return True
    if line.row.x0 > last.row.x1 or line.row.x1 < last.row.x0:
        return True  # beside it, not below
    if step > 1.35 * max(min(pitch, 1.6 * line.row.size), 1.15 * line.row.size) or step < 0:
        return True
    if last.leads:
        return True
    if line.mono or (last.text[-1:] == "-" and last.text[-2:-1].isalpha() and line.text[:1].islower()):
        return False
    if last.bold != line.bold and (last.bold or len(line.text) < 80) and not look.bold_body:
        return last.bold or last.text.endswith(_END)
    if _folded(last.text) in look.outline and _folded(f"{last.text} {line.text}") not in look.outline:
        return True
    if _BULLET.match(line.text):
        return True
    if _NUMBERED.match(line.text) and (last.text.endswith(_END) or _NUMBERED.match(held[0].text)):
        return True
    indented = 0.8 * line.row.size < line.row.x0 - left < 4 * line.row.size
    if indented and last.text.endswith(_END) and last.row.x0 - left < 0.5 * line.row.size:
        return True
    return _has_room(last.row, line.row, right)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _block(lines: list[Line], look: Typography, height: float, left: float) -> Block:
    if not look.mono_body and all(line.mono for line in lines) and (len(lines) > 1 or _looks_like_code(lines[0].text)):
        return Block("code", _code(lines))
    text = joined(lines, look.vocabulary)
    level = _level(lines, text, look)
    if level:
        return Block("heading", f"{'#' * level} {text}")
    bullet = _BULLET.match(text)
    if bullet:
        depth = min(max(round((lines[0].row.x0 - left) / (2 * lines[0].row.size)), 0), 4)
        return Block("item", f"{'  ' * depth}- {text[bullet.end() :]}")
    small = lines[0].row.size <= 0.93 * look.body and len(lines[0].row.segments) == 1
    note = _FOOTNOTE.match(text) if small and lines[0].row.base > 0.6 * height else None
    if note:
        return Block("footnote", f"[^{note[1]}]: {text[note.end() :]}")
    if _NUMBERED.match(text):
        return Block("item", text)
    return Block("paragraph", re.sub(r"^(#+\s)", r"\\\1", text))


def _looks_like_code(text: str) -> bool:
    return bool(re.search(r"[{}();=<>\\$]|^\s*(?:def|class|import|for|if|return)\b", text))


def _code(lines: list[Line]) -> str:
    left = min(line.row.x0 for line in lines)
    body = []
    for line in lines:
        width = line.row.size * 0.6
        body.append(" " * round((line.row.x0 - left) / width) + line.row.text)
    return "```\n" + "\n".join(body) + "\n```"


def _level(lines: list[Line], text: str, look: Typography) -> int:
    """The heading level of a block, 0 for text: from the outline, its size, or its weight."""
    if len(text) > _LONGEST_HEADING or not any(c.isalpha() for c in text):
        return 0
    known = look.outline.get(_folded(text)) or look.outline.get(_folded(re.sub(r"^[\dA-Z.]+\s+", "", text)))
    size = max(round(line.row.size * 2) / 2 for line in lines)
    distinct = size >= look.body * _HEADING_GROWTH or all(line.bold for line in lines)
    if known and (distinct or len(lines) == 1 or _SECTION.match(text)):
        return known
    if _BULLET.match(text) or len(lines) > 4:
        return 0
    if size >= look.body * _HEADING_GROWTH and len(text.split()) <= 30:
        return look.levels.get(size, 3)
    if len(lines) == 1 and _DEEP_SECTION.match(text) and len(text.split()) <= 12 and not text.endswith(_END):
        return min(len(look.levels) + 1, 6)
    bold = all(line.bold for line in lines) and not look.bold_body and size >= 0.95 * look.body
    if bold and len(lines) <= 2 and len(text.split()) <= 14 and not text.endswith((".", ",", ";", ":")):
        return min(len(look.levels) + 1, 6)
    if bold and _SECTION.match(text) and len(lines) <= 2 and len(text.split()) <= 14:
        return min(len(look.levels) + 1, 6)
    return 0
