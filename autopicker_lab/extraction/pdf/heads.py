"""Detection of running heads, feet and page numbers, which belong to the paper and not to the text."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autopicker_lab.extraction.pdf.content import PageContent, TurnedLine
    from autopicker_lab.extraction.pdf.layout import TextRow

_ZONE = 0.15  # of the page's height, above and below
_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|p\.|página|pagina)\s*)?(?:\d{1,4}|[ivxlc]{1,7}|[A-Z]-?\d{1,3})(?:\s*(?:of|/|von|de|sur)\s*\d{1,4})?\W*|第\s*\d{1,4}\s*[页頁ページ]+",
    re.IGNORECASE,
)
_ENDING = re.compile(r"^\S+ .*\D(\d{1,3})$")  # as in "Chapter II 24"
_CELL_WORDS = 5
_SECTIONS = 20  # a smaller number beside text is a section's, unless it is the page's
_DIGITS = re.compile(r"\d{1,5}")
_ROMAN = re.compile(r"\b[ivxlc]+\b")
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_OF_A_LETTER = re.compile(  # a number with a name, an amount, or an address to a reader: no page has it for its head
    r"\b(?:invoice|order|bill|receipt|statement|policy|claim|case|ticket|member|customer|client|account|ref(?:erence)?|"
    r"rechnung|kunden?|auftrag|facture|commande|factura|pedido|fattura)[\w -]{0,12}\W{0,3}(?:no\b|nr\b|№|n°)?\W{0,3}"
    r"[A-Z]{0,4}-?\d|\b(?:total|amount|balance|sum|subtotal|gesamt(?:betrag)?|summe|betrag|montant|importe|totale)\b.*\d|"
    r"\b(?:number|line|linie|route|bus|tram|flight|room|gate|platform|model|version|permit|licen[cs]e|certificate)\s*#?\d|"
    r"^(?:dear|hello|sehr geehrte[rs]?|liebe[rs]?|cher|chère|madame|monsieur|"
    r"estimad[oa])\b.{0,60}[,:!]?$|[,;]$",
    re.IGNORECASE,
)
_IMPRINT = re.compile(
    r"\bdoi[:\s./]|\barxiv:|©|\(c\)\s*\d{4}|\bissn\b|\bisbn\b|\bvol(?:ume)?\.?\s*\d|\bproceedings of\b|"
    r"all rights reserved|\bpreprint\b|\bpage\s+\d+\s+of\s+\d+|downloaded (?:from|by|on)|\bet al\.\s*$|licensed under|"
    r"\b\d{1,4}\s*\((?:1[89]|20)\d\d\)\s*[,:]?\s*\d+\s*[-–—]\s*\d+",
    re.IGNORECASE,
)


def running_rows(pages: Sequence[tuple[PageContent, list[TextRow]]], body: float) -> list[set[int]]:
    """For each page the indices of the rows that are running heads or feet.

    A row near the edge and set apart from the text is one if it repeats (see `_Repetition`), or if long lines part such
    rows from the text on as many pages; if it is a page number; or if it reads like an imprint or has a page number
    standing at its end. One larger than the text (`body`, points) may be a heading: it must carry a number that counts
    the pages. The header of a table is never one, nor is what letters have of their own.
    """
    edges = [_edge_rows(content.height, rows) for content, rows in pages]
    repetition = _Repetition([[rows[i].text for i in indices] for (_, rows), indices in zip(pages, edges, strict=True)])
    ruled_indices = [_ruled_rows(content, rows) for content, rows in pages]
    ruled_on_enough = sum(bool(indices) for indices in ruled_indices) >= repetition.enough
    single_page = len(pages) == 1  # nothing repeats: a line parts only what is set smaller
    running: list[set[int]] = []
    for number, ((_, rows), indices, ruled_here) in enumerate(zip(pages, edges, ruled_indices, strict=True), 1):
        candidates: set[int] = set()
        for i in indices:
            text = rows[i].text
            if rows[i].size > 1.15 * body:
                is_running = rows[i].size <= 1.6 * body and repetition.counts_pages(text)
            else:
                below_rule = i in ruled_here and (ruled_on_enough or (single_page and rows[i].size < 0.95 * body))
                is_running = repetition.repeats(text) or below_rule or _looks_like_running_head(rows, i, number)
            is_own = repetition.differs(text) or _OF_A_LETTER.search(text)
            if is_running and not _is_table_header(rows, i) and (not is_own or _NUMBER.fullmatch(text)):
                candidates.add(i)
        running.append(_separated(rows, candidates))
    return running


class _Repetition:
    """What stands near the edges of several pages, `enough` of them: a third, two at least.

    A text repeats if it is the same there, or the same but for a number that counts the pages or that many pages share,
    as that of a chapter. What differs in its digits on each page, as the number of an invoice, belongs to its page.
    """

    def __init__(self, pages: Sequence[Sequence[str]]) -> None:
        self.enough = max(2, min(len(pages) // 3, 6))
        self._pages: Counter[str] = Counter()  # by text without its digits
        self._variants: dict[str, set[str]] = {}
        self._offsets: dict[str, set[int]] = {}
        for number, texts in enumerate(pages):
            for text in set(texts):
                key = _text_key(text)
                self._pages[key] += 1
                self._variants.setdefault(key, set()).add(text)
                offsets = {page - number for page in _numbers(text)}
                self._offsets[key] = self._offsets.get(key, offsets) & offsets

    def counts_pages(self, text: str) -> bool:
        """Whether the text stands on enough pages, with a number that grows by one from page to page."""
        key = _text_key(text)
        return self._pages[key] >= self.enough and bool(self._offsets[key])

    def repeats(self, text: str) -> bool:
        """Whether the text stands on enough pages, but for a number that counts them or that many share."""
        key = _text_key(text)
        return self._pages[key] >= self.enough and not self.differs(text)

    def differs(self, text: str) -> bool:
        """Whether the text stands on several pages with a number of its own on each that does not count them."""
        key = _text_key(text)
        variants, pages = len(self._variants[key]), self._pages[key]
        return variants > max(1, 0.5 * pages) and not self._offsets[key]


def _numbers(text: str) -> Iterator[int]:
    """The numbers in a text, Roman ones too."""
    yield from map(int, _DIGITS.findall(text))
    for numeral in _ROMAN.findall(text.casefold()):
        values = [_ROMAN_VALUES[letter] for letter in numeral]
        yield sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def running_notices(pages: Sequence[PageContent]) -> list[list[TurnedLine]]:
    """For each page the turned lines in its margins that belong to the paper.

    Those are page numbers, imprints as "Downloaded from ...", and what stands in the margins of several pages.
    """
    margins = [[line for line in page.turned if _in_margin(page, line)] for page in pages]
    repetition = _Repetition([[line.text for line in lines] for lines in margins])
    return [
        [
            line
            for line in lines
            if repetition.repeats(line.text) or _NUMBER.fullmatch(line.text) or _IMPRINT.search(line.text)
        ]
        for lines in margins
    ]


def _in_margin(page: PageContent, line: TurnedLine) -> bool:
    """Whether no text of the page stands further out than a line on its side of the page."""
    words = page.words
    if not words:
        return False
    beside = [word for word in words if word.base > line.y0 and word.base - word.style.size < line.y1] or words
    aside = line.x1 <= min(w.x0 for w in beside) + 1 or line.x0 >= max(w.x1 for w in beside) - 1
    above, below = min(w.base for w in words), max(w.base for w in words)
    return line.at_right_angle and (aside or line.y1 < above or line.y0 > below)


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
