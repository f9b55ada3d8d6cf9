"""Passages: a text cut into pieces for a question, at paragraphs, lines and words; tables with their header in each."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING

from autopicker_lab.core.markdown_tables import MarkdownTable, TextPiece, cells_of, slices, tables_in
from autopicker_lab.core.places import PlaceIndex, joined_spans
from autopicker_lab.core.sentences import ends_sentence, lines, word_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autopicker_lab.core.places import Place

_MOST_HEADER = 0.75  # of a passage; a longer one repeated would multiply the text
_LEAST_PARAGRAPH = 0.15  # of a passage; what is shorter says too little alone, and stands with what follows
_OPENS = frozenset(":?：？؟;՞⸮﹖")  # what ends a paragraph that the next one belongs to: its list, or its answer
_CLOSERS = ")]\"'”’»」』）】》*_ \t\n"
_MOST_STRETCHES = 12  # of rows that are told one by one
FENCE = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)


class PassageCutter:
    """Cuts one text; a passage that begins inside a table repeats its header, and one of too long rows takes columns.

    Args:
        places: where the text is from, in order; each passage has its own.
    """

    def __init__(self, text: str, places: Sequence[Place] = ()):
        self._text = text
        self._places = PlaceIndex(text, places)
        self._tables = list(tables_in(text))
        self._starts = [table.start for table in self._tables]

    def cut(self, limit: int, overlap: int) -> Iterator[TextPiece]:
        """Pieces of at most `limit` characters, each repeating about `overlap` of the one before it."""
        return self._pieces(TextPiece(0, len(self._text)), limit, overlap)

    def cut_at_paragraphs(self, limit: int) -> Iterator[TextPiece]:
        """Pieces of at most `limit` characters that hold no more than one paragraph, but for short ones.

        A short paragraph, a heading, and one that ends in a colon or a question mark stand with the next; a table with
        what is before it.
        """
        return self._pieces(TextPiece(0, len(self._text)), limit, 0, least=max(int(_LEAST_PARAGRAPH * limit), 1))

    def cut_counted(
        self, max_tokens: int, overlap: int, count: Callable[[str], int], whole: TextPiece | None = None
    ) -> Iterator[TextPiece]:
        """Pieces bounded by a tokenizer: cut by the text's mean width of a token, again where that was too wide."""
        whole = whole or TextPiece(0, len(self._text))
        text = self.text_of(whole)
        width = 0.9 * len(text) / max(count(text), 1)
        for piece in self._pieces(whole, max(int(max_tokens * width), 1), int(overlap * width)):
            text = self.text_of(piece)
            if len(text) > 1 and count(text) > max_tokens:
                yield from self.cut_counted(max_tokens, overlap, count, piece)
            else:
                yield piece

    def text_of(self, piece: TextPiece) -> str:
        """The text of a piece, under the header of the table that it begins in."""
        return piece.said if piece.said is not None else self._head(piece.start) + self._text[piece.start : piece.stop]

    def places_of(self, piece: TextPiece) -> tuple[Place, ...]:
        """The places of a piece, counted from the begin of its text."""
        if piece.said is not None:
            table = self._table_at(piece.start)
            start = max(piece.start, table.body) if table and table.body < piece.stop else piece.start
            return self._places.within(start, piece.stop, length=len(piece.said))
        head = len(self._head(piece.start))
        table = self._table_at(piece.start) if head else None
        above = self._places.within(table.start, table.body) if table else ()
        return above + self._places.within(piece.start, piece.stop, shift=head)

    def rows_of(self, piece: TextPiece) -> str:
        """Which rows of a table that was cut a piece has, in words; "" for others."""
        table = self._table_at(piece.start) or self._table_at(piece.stop - 1)
        if table is None or (piece.start <= table.start and piece.stop >= table.stop and piece.said is None):
            return ""
        start, stop = max(piece.start, table.body), min(piece.stop, table.stop)
        known = [place.rows for place in self._places.within(start, stop) if place.rows]
        if known:
            return rows_in_words(known)
        first = self._places.line_breaks(table.body, start) + 1
        rows = rows_in_words([(first, first + self._places.line_breaks(start, stop))])
        return f"table {bisect_right(self._starts, table.start)}, {rows}" if len(self._tables) > 1 else rows

    # ------------------------------------------------------------ cutting

    def _pieces(self, whole: TextPiece, limit: int, overlap: int, least: int = 0) -> Iterator[TextPiece]:
        if whole.cells:
            yield from slices(whole, whole.cells, limit)
            return
        if whole.said is not None:
            said = whole.said
            yield from (TextPiece(whole.start, whole.stop, said[a:b]) for a, b in lines(said, 0, len(said), limit))
            return
        begin = end = -1
        for block in self._blocks(whole.start, whole.stop, limit, max(limit - overlap, 1)):
            if begin >= 0 and (
                block.said is not None
                or self._length(begin, block.stop) > limit
                or (least and self._is_told(begin, end, block.start, least))
            ):
                yield TextPiece(begin, end)
                begin = self._repeated_from(begin, end, block, limit, overlap)
            elif begin < 0:
                begin = block.start
            if block.said is not None:
                yield block
                begin = -1
            end = block.stop
        if begin >= 0:
            yield TextPiece(begin, end)

    def _blocks(self, start: int, stop: int, limit: int, room: int) -> Iterator[TextPiece]:
        """What a passage is put together of: lines that are not blank, long ones in pieces; a header with its row."""
        while start < stop:
            table = self._table_at(start)
            if table is None:
                after = bisect_right(self._starts, start)
                end = min(self._starts[after] if after < len(self._starts) else stop, stop)
                yield from (TextPiece(*span) for span in lines(self._text, start, end, room))
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
                yield TextPiece(start, end)
            else:
                yield from self._columns(table, start, end, limit)
            start = end + 1

    def _is_told(self, begin: int, end: int, after: int, least: int) -> bool:
        """Whether what stands from `begin` to `end` stands for itself, and `after` it another paragraph begins."""
        if end - begin < least or self._text.count("\n", end, after) < 2:  # a blank line
            return False
        table = self._table_at(after)
        if table is not None and self._table_at(end - 1) is not table:
            return False
        fence = bisect_right(self._fences, (after,)) - 1
        if fence >= 0 and after < self._fences[fence][1]:
            return False
        last = self._text[max(self._text.rfind("\n", begin, end) + 1, begin) : end].rstrip(_CLOSERS)
        if last.startswith("#") or last[-1:] in _OPENS:
            return False
        return len(last) >= least or ends_sentence(last) or self._table_at(end - 1) is not None

    @cached_property
    def _fences(self) -> list[tuple[int, int]]:
        """Where code stands in the text, between fences."""
        return [match.span() for match in FENCE.finditer(self._text)]

    def _columns(self, table: MarkdownTable, start: int, end: int, limit: int) -> Iterator[TextPiece]:
        """A row that does not fit under its header: some columns at a time, each under its name."""
        row = self._text[max(start, table.body) : end]
        names = table.names if start < table.body else table.names[: row.count("|") + 1]
        yield from slices(TextPiece(start, end), tuple(zip_longest(names, cells_of(row), fillvalue="")), limit)

    def _repeated_from(self, begin: int, end: int, block: TextPiece, limit: int, overlap: int) -> int:
        """Where a passage begins that ends with `block`: some of the one before it again, of a table rows."""
        if not overlap or block.said is not None:
            return block.start
        earliest = max(end - overlap, block.stop - limit)
        if self._table_at(block.start) is None and self._table_at(earliest) is None:
            return max(word_start(self._text, end - overlap, end), block.stop - limit)
        row = self._text.find("\n", max(earliest, begin), block.start) + 1
        return row if row > 0 and self._length(row, block.stop) <= limit else block.start

    def _length(self, start: int, stop: int) -> int:
        return len(self._head(start)) + stop - start

    def _head(self, start: int) -> str:
        """The header that a passage from `start` on repeats, with a line break; "" outside tables."""
        table = self._table_at(start)
        return self._text[table.start : table.body] if table and start > table.start else ""

    def _table_at(self, position: int) -> MarkdownTable | None:
        if not self._tables:
            return None
        index = bisect_right(self._starts, position) - 1
        return self._tables[index] if index >= 0 and position < self._tables[index].stop else None

    def _line_end(self, start: int, stop: int) -> int:
        end = self._text.find("\n", start, stop)
        return stop if end < 0 else end


def rows_in_words(spans: Sequence[tuple[int, int]]) -> str:
    """Rows of a table: "row 3", "rows 3-9", "rows 3-9, 70, 94"; of many stretches from the first to the last."""
    joined = joined_spans(spans)
    if len(joined) > _MOST_STRETCHES:
        joined = [(joined[0][0], joined[-1][1])]
    said = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in joined)
    return f"row {said}" if said.isdecimal() else f"rows {said}"
