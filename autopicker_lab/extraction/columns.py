"""Summaries of tables for a model that will not see every row: statistics of columns, and an excerpt of huge ones."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.core import Cell, Table
from autopicker_lab.extraction.headers import join_group_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MAX_RENDERED_CELLS = 50_000
_MAX_PREAMBLE = 20  # lines at most
_MAX_COLUMNS = 60  # columns
_HEAD, _SAMPLE, _TAIL = 50, 100, 10
_SEED = 0
_FEW = 500


def summarise(rows: Sequence[Sequence[Cell]]) -> list[dict[str, Any]]:
    """Name, type, counts, and range or commonest values of each column.

    The rows are equally wide; the first one gives the names.
    """
    columns = zip(rows[0], zip(*rows[1:], strict=True), strict=True)
    return [_describe_column(_column_name(name, i), values) for i, (name, values) in enumerate(columns)]


class RenderedTable(NamedTuple):
    """The Markdown of a table.

    Attributes:
        runs: where in it rows stand that follow each other in the table: first and last character, first and last row,
            from 0, in order; a header stands alone.
        warnings: that it shows only a part.
    """

    text: str
    runs: tuple[tuple[int, int, int, int], ...]
    warnings: tuple[str, ...] = ()


def render_table(
    table: Table, columns: Sequence[dict[str, Any]], name: str, show: Callable[[int], tuple[Cell, ...]] | None = None
) -> RenderedTable:
    """The Markdown of a table; `columns` is the table's summary.

    A table of more than 50,000 cells is rendered as the statistics of its columns, its first 50 rows, a seeded sample
    of 100 and the last 10; `Table.rows` keeps all. `show` gives the row of a number as it is to be read, where that is
    not as it stands in the table.
    """
    rows = table.rows
    show = show or rows.__getitem__
    if sum(len(row) for row in rows) <= MAX_RENDERED_CELLS:
        text = Table(tuple(map(show, range(len(rows)))), table.label).to_markdown()
        return RenderedTable(text, tuple(_runs(text, 0, range(1, len(rows)))))
    columns = columns[:_MAX_COLUMNS]
    first = range(1, min(_HEAD + 1, len(rows)))
    last = range(max(len(rows) - _TAIL, first.stop), len(rows))
    middle = range(first.stop, last.start)
    sampled = sorted(random.Random(_SEED).sample(middle, min(_SAMPLE, len(middle))))
    drawn = f"{len(sampled)} rows drawn from the middle (seed {_SEED})"
    parts = {"first rows": first, drawn: sampled, "last rows": last}
    excerpts = {title: part for title, part in parts.items() if part or part is first}
    width = max(map(len, table.rows))
    width_note = f", the first {_MAX_COLUMNS} shown" if width > _MAX_COLUMNS else ""
    text = "\n".join([f"{len(rows) - 1:,} rows of {width} columns{width_note}:", "", *map(_column_line, columns)])
    runs: list[tuple[int, int, int, int]] = []
    for title, part in excerpts.items():
        text += f"\n\n{title[0].upper()}{title[1:]}:\n\n"
        excerpt = Table(tuple(show(i)[:_MAX_COLUMNS] for i in (0, *part))).to_markdown()
        runs += _runs(excerpt, len(text), part)
        text += excerpt
    shown = sum(map(len, excerpts.values()))
    warning = f"{name} has {len(rows):,} rows: its text is a summary, {shown} of them shown"
    return RenderedTable(text, tuple(runs), (f"{warning}; its table holds all",))


def _runs(markdown: str, start: int, rows: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """The runs of a table's Markdown that has its header and some of its rows, and begins at `start`."""
    ends = [start + match.start() for match in re.finditer("\n", markdown)] + [start + len(markdown)]
    begins = [end + 1 for end in ends]
    yield start, begins[1] if rows else ends[-1], 0, 0
    first = 0
    for i in range(1, len(rows) + 1):
        if i == len(rows) or rows[i] != rows[i - 1] + 1:
            yield begins[first + 1], ends[i + 1], rows[first], rows[i - 1]
            first = i


def _column_name(name: Cell, index: int) -> str:
    return f"column {index + 1}" if name in (None, "") else str(name)


def _describe_column(name: str, values: Sequence[Cell]) -> dict[str, Any]:
    values_present = [value for value in values if value is not None]
    counts = Counter(values_present)
    description: dict[str, Any] = {"name": name, "filled": len(values_present), "distinct": len(counts)}
    if values_present and {type(value) for value in counts} <= {int, float}:
        mean = math.fsum(values_present) / len(values_present)  # type: ignore[arg-type]  # all numbers
        if math.isfinite(mean):
            return {**description, "type": "number", "min": min(counts), "mean": round(mean, 6), "max": max(counts)}
    common = {str(value)[:60]: count for value, count in _commonest(counts)}
    return {**description, "type": "text", "common": common}


def _commonest(counts: Counter[Any]) -> list[tuple[Any, int]]:
    """The three commonest; of few, sorting them takes a tenth of the time of `most_common`."""
    if len(counts) > _FEW:
        return counts.most_common(3)
    return sorted(counts.items(), key=itemgetter(1), reverse=True)[:3]


def _column_line(column: dict[str, Any]) -> str:
    facts = f"{column['filled']:,} filled, {column['distinct']:,} distinct"
    if column["type"] == "number":
        return f"- {column['name']}: number, {facts}, {column['min']:g} to {column['max']:g}, mean {column['mean']:g}"
    common = ", ".join(f"{value} ({count:,})" for value, count in column["common"].items())
    return f"- {column['name']}: text, {facts}, commonest {common}"


def split_preamble(
    rows: list[tuple[Cell, ...]], spans: Mapping[tuple[int, int], int] | None = None
) -> tuple[list[str], list[tuple[Cell, ...]]]:
    """Split rows into the title lines before the table's own header, and the table.

    A header of several rows becomes one (`join_group_headers`, which takes `spans`).
    """
    widths = [sum(cell is not None for cell in row) for row in rows[: _MAX_PREAMBLE + 20]]
    usual_width = max(set(widths), key=lambda width: (width > 1) + 2 * widths.count(width), default=0)
    first = next((i for i, width in enumerate(widths) if width > max(1, usual_width // 2)), 0)
    if usual_width < 2 or first > _MAX_PREAMBLE:
        return [], rows
    joined = join_group_headers(rows, first, spans)
    is_apart = first > 1 and widths[first - 1] == 0  # a blank row below the titles
    if joined is None and (first == 0 or (widths.count(usual_width) < 3 and not is_apart)):
        return [], rows
    top, below, header = joined or (first, first + 1, rows[first])
    titles = [" ".join(str(cell) for cell in row if cell is not None) for row in rows[:top]]
    return [title for title in titles if title], [header, *rows[below:]]
