"""Rows of tables whose text shows only some of them: those that a question names, by their number or by their cells.

A table of many cells is told as a summary, which no passage can be cut from; its values are all there.
"""

from __future__ import annotations

import re
from math import log
from typing import TYPE_CHECKING

from autopicker_lab.core import Part, Table
from autopicker_lab.retrieval.passages import Passage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from autopicker_lab.core.document import Cell
    from autopicker_lab.retrieval.intent import Intent
    from autopicker_lab.retrieval.tables import IndexedTable

    _Span = tuple[int, int]  # of a question's characters

_READ = 500  # characters of a question's beginning
_LONGEST = 6  # words of a cell that a question may name; of scripts without spaces, characters
_LEAST = 2  # characters of a cell's text
_MOST_CELLS = 20_000_000
_MOST_ROWS = 50  # that a question names alike; of more, counts and sums tell more
_EDGES = ".,;:!?¿¡\"'“”‘’«»()[]{}，。；：！？、؟"
_WITHOUT_SPACES = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d+)?")  # of India, too: 12,34,567
_DECIMAL_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+")
_UNSPACED, _WORD = re.compile(f"[{_WITHOUT_SPACES}]+"), re.compile(rf"[^\s{_WITHOUT_SPACES}]+")


def rows_of(
    question: str, intent: Intent, tables: Iterable[IndexedTable], document: int, fits: Callable[[Passage], bool]
) -> Iterator[Passage]:
    """A passage for each table that does not show all its rows and has some that the question names.

    Those come first that have most of what the question names, what few rows have counting for more.

    Args:
        tables: those of a document.
        document: which of the documents it is.
        fits: whether there is room for a passage beside those given before; of rows that have none the first are told.
    """
    wanted = _cells_named(question[:_READ])
    places = [place for place in intent.places if place.kind == "row"]
    for one in tables:
        if one.is_shown or one.cells > _MOST_CELLS:
            continue
        count = len(one.table.rows)
        rows = {row for place in places if (row := place.among(2, count))}
        told = [row - 1 for row in sorted(rows) if 1 < row <= count] or _nearest(wanted, one)
        while told and not fits(passage := _told(document, one, told)):
            told = told[: len(told) // 2]
        if told:
            yield passage


def _cells_named(question: str) -> dict[Cell, _Span]:
    """What a question may name a cell by, and where it does: its numbers, runs of words, pieces of those unspaced."""
    words = list(_WORD.finditer(question))
    named: dict[Cell, _Span] = {}
    for size in range(1, _LONGEST + 1):
        for first, last in zip(words, words[size - 1 :], strict=False):
            text, start = question[first.start() : last.end()].strip(_EDGES), first.start()
            cells = [*_forms(text), *(_values(text) if size == 1 else ())]
            named.update((cell, (start, last.end())) for cell in cells if cell not in named)
    for run in _UNSPACED.finditer(question):
        for size in range(_LEAST, 2 * _LONGEST):
            for start in range(run.start(), run.end() - size + 1):
                named.setdefault(question[start : start + size], (start, start + size))
    return named


def _forms(text: str) -> set[Cell]:
    """How a cell may be written that a question names so; none where the text is too short to tell."""
    forms: set[Cell] = {text, text.lower(), text.upper(), text.title(), text.capitalize()}
    return forms if len(text) >= _LEAST else set()


def _values(word: str) -> Iterator[Cell]:
    """The number that a word is."""
    word = word.lstrip("#№")
    if _THOUSANDS.fullmatch(word):
        word = word.replace(",", "")
    elif _DECIMAL_COMMA.fullmatch(word):
        word = word.replace(".", "").replace(",", ".")
    try:
        yield float(word)
    except ValueError:
        return


def _nearest(wanted: Mapping[Cell, _Span], table: IndexedTable) -> list[int]:
    """The rows that have most of what is wanted, at most `_MOST_ROWS`; of more that are alike, none.

    What is part of something longer that cells have does not count: "4711" where there is a "Customer 4711".
    """
    import numpy as np

    met = table.rows_with(wanted)
    spans = {wanted[cell] for cell in met}
    count = len(table.table.rows)
    scores = np.zeros(count)
    for cell, rows in met.items():
        if not _is_part(wanted[cell], spans):
            scores[rows] += log(count / len(rows))
    scores = scores.round(6)
    best = scores.max()
    found: list[int] = np.flatnonzero(scores == best).tolist() if best > 0 else []
    return found if len(found) <= _MOST_ROWS else []


def _is_part(span: _Span, spans: Iterable[_Span]) -> bool:
    return any(start <= span[0] and span[1] <= stop and (start, stop) != span for start, stop in spans)


def _told(number: int, table: IndexedTable, rows: Sequence[int]) -> Passage:
    """Some rows under the table's header, labelled with where in the table they stand."""
    label = f"{table.part.label}, row{'s' if len(rows) > 1 else ''} {', '.join(str(row + 1) for row in rows)}"
    every = table.table.rows
    return Passage(number, table.number, Part(label, Table((every[0], *(every[row] for row in rows))).to_markdown()))
