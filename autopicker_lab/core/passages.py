"""Passages: a text cut into pieces for a question, at paragraphs, lines and words; tables with their header in each."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.core.places import PlaceIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autopicker_lab.core.places import Place

_DELIMITER = re.compile(r"^[|:\- \t]+$", re.MULTILINE)
_BAR = re.compile(r"(?<!\\)\|")
_HEADER_ROWS = 4
_MOST_HEADER = 0.75  # of a passage; a longer one repeated would multiply the text
# Where a sentence ends: Latin and its like before a space; Chinese, Hindi, Urdu, Ethiopic, Khmer and others anywhere.
_SENTENCE_END = re.compile(r"""(?:[.!?…։][)\]"'”’»]*(?=\s)|[。！？｡।॥؟۔።፧။។៕]["'”’」』）】》]*)""")
_CLAUSE_END = re.compile(r"[，、；：،؛]|[,;:](?=\s)")
_SPACE = re.compile(" ")
_FRAME = 12  # characters that a cell takes besides its name and its value: bars, spaces, the row of dashes


class _Table(NamedTuple):
    """A table of Markdown in a text; its header, with the row of dashes, ends at `body`."""

    start: int
    body: int
    stop: int
    names: tuple[str, ...]


class _Piece(NamedTuple):
    """A slice of the text; or what is `said` in its place, of a row that is too long some `cells` under their names."""

    start: int
    stop: int
    said: str | None = None
    cells: tuple[tuple[str, str], ...] = ()


class PassageCutter:
    """Cuts one text; a passage that begins inside a table repeats its header, and one of too long rows takes columns.

    Args:
        places: where the text is from, in order; each passage has its own.
    """

    def __init__(self, text: str, places: Sequence[Place] = ()):
        self._text = text
        self._places = PlaceIndex(text, places)
        self._tables = list(_tables(text))
        self._starts = [table.start for table in self._tables]

    def cut(self, limit: int, overlap: int) -> Iterator[_Piece]:
        """Pieces of at most `limit` characters, each repeating about `overlap` of the one before it."""
        return self._pieces(_Piece(0, len(self._text)), limit, overlap)

    def cut_counted(
        self, max_tokens: int, overlap: int, count: Callable[[str], int], whole: _Piece | None = None
    ) -> Iterator[_Piece]:
        """Pieces bounded by a tokenizer: cut by the text's mean width of a token, again where that was too wide."""
        whole = whole or _Piece(0, len(self._text))
        text = self.text_of(whole)
        width = 0.9 * len(text) / max(count(text), 1)
        for piece in self._pieces(whole, max(int(max_tokens * width), 1), int(overlap * width)):
            text = self.text_of(piece)
            if len(text) > 1 and count(text) > max_tokens:
                yield from self.cut_counted(max_tokens, overlap, count, piece)
            else:
                yield piece

    def text_of(self, piece: _Piece) -> str:
        """The text of a piece, under the header of the table that it begins in."""
        return piece.said if piece.said is not None else self._head(piece.start) + self._text[piece.start : piece.stop]

    def places_of(self, piece: _Piece) -> tuple[Place, ...]:
        """The places of a piece, counted from the begin of its text."""
        if piece.said is not None:
            table = self._table_at(piece.start)
            start = max(piece.start, table.body) if table and table.body < piece.stop else piece.start
            return self._places.within(start, piece.stop, length=len(piece.said))
        head = len(self._head(piece.start))
        table = self._table_at(piece.start) if head else None
        above = self._places.within(table.start, table.body) if table else ()
        return above + self._places.within(piece.start, piece.stop, shift=head)

    def rows_of(self, piece: _Piece) -> str:
        """Which rows of a table that was cut a piece has, in words; "" for others."""
        table = self._table_at(piece.start) or self._table_at(piece.stop - 1)
        if table is None or (piece.start <= table.start and piece.stop >= table.stop and piece.said is None):
            return ""
        start, stop = max(piece.start, table.body), min(piece.stop, table.stop)
        known = [place.rows for place in self._places.within(start, stop) if place.rows]
        if known:
            first, last = known[0][0], known[-1][1]
        else:
            first = self._places.line_breaks(table.body, start) + 1
            last = first + self._places.line_breaks(start, stop)
        rows = f"row {first}" if first == last else f"rows {first}-{last}"
        many = len(self._tables) > 1 and not known
        return f"table {bisect_right(self._starts, table.start)}, {rows}" if many else rows

    # ------------------------------------------------------------ cutting

    def _pieces(self, whole: _Piece, limit: int, overlap: int) -> Iterator[_Piece]:
        if whole.cells:
            yield from _slices(whole, whole.cells, limit)
            return
        if whole.said is not None:
            said = whole.said
            yield from (_Piece(whole.start, whole.stop, said[a:b]) for a, b in _lines(said, 0, len(said), limit))
            return
        begin = end = -1
        for block in self._blocks(whole.start, whole.stop, limit, max(limit - overlap, 1)):
            if begin >= 0 and (block.said is not None or self._length(begin, block.stop) > limit):
                yield _Piece(begin, end)
                begin = self._repeated_from(begin, end, block, limit, overlap)
            elif begin < 0:
                begin = block.start
            if block.said is not None:
                yield block
                begin = -1
            end = block.stop
        if begin >= 0:
            yield _Piece(begin, end)

    def _blocks(self, start: int, stop: int, limit: int, room: int) -> Iterator[_Piece]:
        """What a passage is put together of: lines that are not blank, long ones in pieces; a header with its row."""
        while start < stop:
            table = self._table_at(start)
            if table is None:
                after = bisect_right(self._starts, start)
                end = min(self._starts[after] if after < len(self._starts) else stop, stop)
                yield from (_Piece(*span) for span in _lines(self._text, start, end, room))
                start = end
                continue
            if start < table.body:
                end = self._line_end(table.body, table.stop)
                head = end - start if table.body < table.stop else table.body - start
            else:
                end = self._line_end(start, table.stop)
                head = end - start + table.body - table.start
            end = min(end, stop)
            if head <= room and table.body - table.start <= _MOST_HEADER * limit:
                yield _Piece(start, end)
            else:
                yield from self._columns(table, start, end, limit)
            start = end + 1

    def _columns(self, table: _Table, start: int, end: int, limit: int) -> Iterator[_Piece]:
        """A row that does not fit under its header: some columns at a time, each under its name."""
        row = self._text[max(start, table.body) : end]
        names = table.names if start < table.body else table.names[: row.count("|") + 1]
        yield from _slices(_Piece(start, end), tuple(zip_longest(names, _cells(row), fillvalue="")), limit)

    def _repeated_from(self, begin: int, end: int, block: _Piece, limit: int, overlap: int) -> int:
        """Where a passage begins that ends with `block`: some of the one before it again, of a table rows."""
        if not overlap or block.said is not None:
            return block.start
        earliest = max(end - overlap, block.stop - limit)
        if self._table_at(block.start) is None and self._table_at(earliest) is None:
            return max(_word_start(self._text, end - overlap, end), block.stop - limit)
        row = self._text.find("\n", max(earliest, begin), block.start) + 1
        return row if row > 0 and self._length(row, block.stop) <= limit else block.start

    def _length(self, start: int, stop: int) -> int:
        return len(self._head(start)) + stop - start

    def _head(self, start: int) -> str:
        """The header that a passage from `start` on repeats, with a line break; "" outside tables."""
        table = self._table_at(start)
        return self._text[table.start : table.body] if table and start > table.start else ""

    def _table_at(self, position: int) -> _Table | None:
        if not self._tables:
            return None
        index = bisect_right(self._starts, position) - 1
        return self._tables[index] if index >= 0 and position < self._tables[index].stop else None

    def _line_end(self, start: int, stop: int) -> int:
        end = self._text.find("\n", start, stop)
        return stop if end < 0 else end


def _tables(text: str) -> Iterator[_Table]:
    """The tables of Markdown in a text: a line with bars, a row of dashes, and the lines with bars that follow."""
    reached = 0
    for match in _DELIMITER.finditer(text):
        start = _header_start(text, match.start(), reached)
        header = text[start : match.start()]
        if not {"-", "|"} <= set(match[0]) or not header:
            continue
        stop = match.end()
        while stop < len(text):
            end = text.find("\n", stop + 1)
            end = len(text) if end < 0 else end
            if "|" not in text[stop + 1 : end]:
                break
            stop = end
        reached = stop
        names = zip_longest(*map(_cells, header.splitlines()), fillvalue="")
        yield _Table(start, min(match.end() + 1, stop), stop, tuple(" ".join(filter(None, name)) for name in names))


def _header_start(text: str, stop: int, reached: int) -> int:
    """Where the rows with bars begin that end at `stop`, of which some writers have several; `stop` without any."""
    start = stop
    for _ in range(_HEADER_ROWS):
        row = text.rfind("\n", reached, max(start - 1, reached)) + 1 or reached
        if row >= start or "|" not in text[row:start] or not text[row:start].strip():
            break
        start = row
    return start


def _cells(row: str) -> list[str]:
    inner = row.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip() for cell in _BAR.split(inner)]


def _slices(row: _Piece, cells: Sequence[tuple[str, str]], limit: int) -> Iterator[_Piece]:
    """Tables of some columns each, with the row's first cell in all; a cell too long for that as "name: value"."""

    def width(cell: tuple[str, str]) -> int:
        return _FRAME + len(cell[0]) + len(cell[1])

    key = list(cells[:1]) if len(cells) > 1 and 3 * width(cells[0]) < limit else []
    least = 5 + sum(map(width, key))
    taken, size = list(key), least
    for cell in cells[len(key) :]:
        if size + width(cell) > limit and len(taken) > len(key):
            yield _table_of(row, taken)
            taken, size = list(key), least
        if least + width(cell) > limit:
            said = f"{cell[0]}: {cell[1]}"
            yield from (_Piece(row.start, row.stop, said[a:b]) for a, b in _lines(said, 0, len(said), limit))
            continue
        taken.append(cell)
        size += width(cell)
    if len(taken) > len(key) or key:
        yield _table_of(row, taken)


def _table_of(row: _Piece, cells: Sequence[tuple[str, str]]) -> _Piece:
    rows = ("| " + " | ".join(line) + " |" for line in zip(*((n, "---", v) for n, v in cells), strict=True))
    return _Piece(row.start, row.stop, "\n".join(rows), tuple(cells))


def _word_start(text: str, low: int, high: int) -> int:
    """Where the first word after `low` begins; `low` itself where there is none before `high`."""
    if low <= 0 or text[low - 1].isspace():
        return max(low, 0)
    cut = text.find(" ", low, high)
    return cut + 1 if cut >= 0 else low


def _lines(text: str, start: int, stop: int, limit: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each line that is not blank; long ones in pieces, cut after a sentence or a word."""
    while start < stop:
        end = text.find("\n", start, stop)
        end = stop if end < 0 else end
        while end - start > limit:
            cut = _cut(text, start, limit)
            if text[start:cut].strip():
                yield start, cut
            start = cut + (text[cut : cut + 1] == " ")
        if text[start:end].strip():
            yield start, end
        start = end + 1


def sentences(text: str) -> list[tuple[int, int]]:
    """(start, stop) of each sentence of a text, of any script; a line ends one, and what has no letters is none."""
    found, start = [], 0
    for stop in sorted({*_sentence_ends(text, 0, len(text)), *(m.start() for m in re.finditer("\n", text)), len(text)}):
        if any(map(str.isalnum, text[start:stop])):
            first = start + len(text[start:stop]) - len(text[start:stop].lstrip())
            found.append((first, stop))
        start = stop
    return found


def _sentence_ends(text: str, start: int, stop: int) -> list[int]:
    """Where sentences end; a full stop before a small letter is that of an abbreviation or an ordinal."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text, start, stop)]
    return [end for end in ends if not text[end : end + 2].strip()[:1].islower()]


def _cut(text: str, start: int, limit: int) -> int:
    """Where to cut a line that is too long: after a sentence of the second half, else a clause, a word, or anywhere."""
    half, stop = start + max(limit // 2, 1), start + limit
    if ends := _sentence_ends(text, half, stop):
        return ends[-1]
    for mark in (_CLAUSE_END, _SPACE):
        if ends := [match.end() for match in mark.finditer(text, half, stop)]:
            return ends[-1] - (text[ends[-1] - 1] == " ")
    return stop
