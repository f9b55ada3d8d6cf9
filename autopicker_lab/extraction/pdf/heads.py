"""Detection of running heads, feet and page numbers, which belong to the paper and not to the text."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.extraction.pdf.layout import TextRow
    from autopicker_lab.extraction.pdf.words import PageContent

_ZONE = 0.15  # of the page's height, above and below
_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|p\.|página|pagina)\s*)?(?:\d{1,4}|[ivxlc]{1,7}|[A-Z]-?\d{1,3})(?:\s*(?:of|/|von|de|sur)\s*\d{1,4})?\W*",
    re.IGNORECASE,
)
_ENDING = re.compile(r"^\S+ .*\D(\d{1,3})$")  # as in "Chapter II 24"
_CELL_WORDS = 5
_SECTIONS = 20  # a smaller number beside text is a section's, unless it is the page's
_DIGITS = re.compile(r"\d{1,5}")
_IMPRINT = re.compile(
    r"\bdoi[:\s./]|\barxiv:|©|\(c\)\s*\d{4}|\bissn\b|\bisbn\b|\bvol(?:ume)?\.?\s*\d|\bproceedings of\b|"
    r"all rights reserved|\bpreprint\b|\bpage\s+\d+\s+of\s+\d+|downloaded from|\bet al\.\s*$|licensed under",
    re.IGNORECASE,
)


def running_rows(pages: Sequence[tuple[PageContent, list[TextRow]]], body: float) -> list[set[int]]:
    """For each page the indices of the rows that are running heads or feet.

    A row near the edge and set apart from the text is one if its text, digits aside, stands on at least a third of
    the pages (two at least), or if long lines part such rows from the text on as many; if it is a page number; or if
    it reads like an imprint or has a page number standing at its end. One larger than the text (`body`, points) may
    be a heading: it must carry a number that counts the pages. The header of a table is never one.
    """
    edges = [_edge_rows(content.height, rows) for content, rows in pages]
    page_counts: Counter[str] = Counter()
    page_offsets: dict[str, set[int]] = {}
    for number, ((_, rows), indices) in enumerate(zip(pages, edges, strict=True)):
        for text in {rows[i].text for i in indices}:
            key = _text_key(text)
            page_counts[key] += 1
            offsets = {int(digits) - number for digits in _DIGITS.findall(text)}
            page_offsets[key] = page_offsets.get(key, offsets) & offsets
    min_pages = max(2, min(len(pages) // 3, 6))
    ruled_indices = [_ruled_rows(content, rows) for content, rows in pages]
    ruled_on_enough = sum(bool(indices) for indices in ruled_indices) >= min_pages
    single_page = len(pages) == 1  # nothing repeats: a line parts only what is set smaller
    running: list[set[int]] = []
    for number, ((_, rows), indices, ruled_here) in enumerate(zip(pages, edges, ruled_indices, strict=True), 1):
        candidates: set[int] = set()
        for i in indices:
            repeated, key = page_counts[_text_key(rows[i].text)] >= min_pages, _text_key(rows[i].text)
            if rows[i].size > 1.15 * body:
                is_running = rows[i].size <= 1.6 * body and repeated and bool(page_offsets[key])
            else:
                below_rule = i in ruled_here and (ruled_on_enough or (single_page and rows[i].size < 0.95 * body))
                is_running = repeated or below_rule or _looks_like_running_head(rows, i, number)
            if is_running and not _is_table_header(rows, i):
                candidates.add(i)
        running.append(_separated(rows, candidates))
    return running


def _edge_rows(height: float, rows: list[TextRow]) -> list[int]:
    """Up to three rows at the head and three at the foot of a page."""
    if len(rows) < 3:
        return []
    top = [i for i in range(min(3, len(rows))) if rows[i].base < _ZONE * height]
    foot = [i for i in range(max(len(rows) - 3, 0), len(rows)) if rows[i].base > (1 - _ZONE) * height]
    return [i for i in top if i not in foot] + foot


def _text_key(text: str) -> str:
    return re.sub(r"\d+|\b[ivxlc]+\b", "#", text.casefold().strip())


def _looks_like_running_head(rows: list[TextRow], index: int, number: int) -> bool:
    """Whether a row is a head or foot by itself: a page number, an imprint, or text that ends in the page's number."""
    text = rows[index].text
    if _NUMBER.fullmatch(text):
        return True
    neighbour = rows[index + 1] if index < len(rows) / 2 else rows[index - 1]
    if abs(neighbour.base - rows[index].base) <= 1.7 * rows[index].size or len(text) > 160:
        return False
    if _IMPRINT.search(text):
        return True
    ending = _ENDING.search(text)
    if ending and index in (0, len(rows) - 1) and len(text.split()) <= 12:
        return int(ending[1]) == number or int(ending[1]) > _SECTIONS
    ends = [rows[index].segments[0].text, rows[index].segments[-1].text]  # a page number stands by itself
    numbered = [int(end) for end in ends if len(rows[index].segments) > 1 and _DIGITS.fullmatch(end)]
    return any(n == number or n > _SECTIONS for n in numbered) and not text.endswith(".")


def _is_table_header(rows: list[TextRow], index: int) -> bool:
    """Whether a row is the header of a table that stands below it."""
    following = rows[index + 1 : index + 3]
    header_cells = rows[index].segments
    if len(header_cells) < 2:
        return False
    if any(segment.weight > _CELL_WORDS for row in following for segment in row.segments):
        return False  # columns of text
    overlaps = [sum(any(c.x0 < s.x1 and s.x0 < c.x1 for s in row.segments) for c in header_cells) for row in following]
    return len(overlaps) == 2 and all(count >= max(2, 0.6 * len(header_cells)) for count in overlaps)


def _ruled_rows(content: PageContent, rows: list[TextRow]) -> set[int]:
    """The first and the last row, as far as a line of over half the page's width divides each from the rest."""
    indices: set[int] = set()
    long_rules = [rule for rule in content.rules if rule.y0 == rule.y1 and rule.x1 - rule.x0 > 0.5 * content.width]
    for index, neighbour in ((0, 1), (len(rows) - 1, len(rows) - 2)) if len(rows) > 1 else ():
        low, high = sorted((rows[index].base, rows[neighbour].base))
        between = [rule for rule in long_rules if low < rule.y0 < high]
        if between and abs(between[0].y0 - rows[index].base) < 2.5 * rows[index].size:
            indices.add(index)
    return indices


def _separated(rows: list[TextRow], indices: set[int]) -> set[int]:
    """Of the rows in `indices`, those at the very edge that a gap divides from the text."""
    count = len(rows)
    pitch = min((b.base - a.base for a, b in pairwise(rows) if b.base - a.base > 0.9 * b.size), default=0.0)
    separated: set[int] = set()
    for direction in (range(count), range(count - 1, -1, -1)):
        edge: list[int] = []
        for index in direction:
            if index not in indices:
                break
            edge.append(index)
        step = direction.step
        while edge and 0 <= edge[-1] + step < count:
            gap = abs(rows[edge[-1] + step].base - rows[edge[-1]].base)
            if gap > 1.25 * pitch or _NUMBER.fullmatch(rows[edge[-1]].text):
                break
            edge.pop()
        separated.update(edge)
    return separated
