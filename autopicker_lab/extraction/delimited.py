"""Reader for CSV, which detects encoding, delimiter and ragged rows."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from typing import Any, NamedTuple

from autopicker_lab.core import Cell, Document, Part, SourceFile, Table
from autopicker_lab.extraction.base64_data import leave_out_of_cells
from autopicker_lab.extraction.columns import render_table, split_preamble, summarise
from autopicker_lab.extraction.decoding import decode
from autopicker_lab.extraction.fixed_width import with_tabs
from autopicker_lab.extraction.stacked import split_tables
from autopicker_lab.extraction.table_places import lined_places

_NO_DELIMITER, _END = "\x1f", "\x1e"  # characters that no text contains
_SEP_LINE = re.compile(r"sep=(.)\n")
_LINES_IN_CELL = 100
_MAX_OPEN_QUOTES = 3
_USUALLY = 0.9  # of the delimiters
_MAX_AREA, _MAX_FILLED_UP = 5_000_000, 20  # cells of all rows, filled up, and how many times those that stand there
_DECIMAL_COMMA = re.compile(r"\d,\d")
_DELIMITERS = ",;\t|"
_RARE_DELIMITERS = "^~\xa6\x01"
_OTHER_DELIMITERS = {d: re.compile("[" + re.escape(_DELIMITERS.replace(d, "")) + "]") for d in _DELIMITERS}
_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,15}\.\d{1,15}", re.ASCII)
_BACKSLASH: dict[str, Any] = {"escapechar": "\\", "doublequote": False}
csv.field_size_limit(2**30)  # a cell may be as long as an upload


def read_csv(file: SourceFile) -> Document:
    """The table of a CSV; encoding, delimiter, title lines and a summary of each column as metadata."""
    text, encoding, warnings = decode(file.data)
    sep_line = _SEP_LINE.match(text)  # Excel writes it to name the delimiter
    text = text[sep_line.end() :] if sep_line else text
    delimiter = sep_line[1] if sep_line else find_delimiter(text)
    if delimiter not in text and (tabbed := with_tabs(text)):
        text, delimiter = tabbed, "\t"
        warnings += ("columns at fixed places, filled up with blanks",)
    text, open_quotes = _drop_open_quotes(text, delimiter or _NO_DELIMITER)
    warnings += open_quotes
    parsed, quote_warnings = _parsed(text, delimiter or _NO_DELIMITER)
    parsed, left_out = leave_out_of_cells(parsed)
    lines = _row_lines(text, delimiter or _NO_DELIMITER, sum(map(bool, parsed)), 1 + bool(sep_line))
    views: list[_View] = []
    stretches = split_tables(parsed)
    for number, (first, last) in enumerate(stretches, 1):
        label = file.name if len(stretches) == 1 else f"{file.name}, table {number}"
        rows = [row for row in parsed[first:last] if row]
        before = sum(map(bool, parsed[:first]))
        views.append(_view(rows, lines[before : before + len(rows)], label))
    meta = {
        "encoding": encoding,
        "delimiter": delimiter,
        "rows": sum(view.rows for view in views),
        "columns": [column for view in views for column in view.columns],
        "preamble": [line for view in views for line in view.preamble],
    }
    if len(views) > 1:
        meta["tables"] = len(views)
        views = [view._replace(part=replace(view.part, label=f"table {i}")) for i, view in enumerate(views, 1)]
    warnings += tuple(warning for view in views for warning in view.ragged) + quote_warnings
    warnings += tuple(warning for view in views for warning in view.shortened) + left_out
    return Document(file.name, file.kind, tuple(view.part for view in views), meta, warnings)


class _View(NamedTuple):
    """One table: its Part, number of rows, summary, lines above it, and what was filled up or left out."""

    part: Part
    rows: int
    columns: list[dict[str, Any]]
    preamble: list[str]
    ragged: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()


def _view(parsed: list[list[str]], lines: list[tuple[int, int]], label: str) -> _View:
    """The table of rows of texts, all made as wide as the widest, and the `lines` on which each stands."""
    widths = list(map(len, parsed))
    widest = max(widths, default=0)
    all_rows = [(*map(_parse_cell, row), *(None,) * (widest - len(row))) for row in parsed]
    preamble, rows = split_preamble(all_rows)
    rows = rows[next((i for i, row in enumerate(rows) if any(cell is not None for cell in row)), 0) :]
    if not rows:
        return _View(Part("table", ""), 0, [], preamble)
    short = sum(width < widest for width in widths[len(all_rows) - len(rows) :])
    ragged = (f"{short} rows are not as wide as the widest: filled up with blanks",) if short else ()
    columns = summarise(rows) if len(rows) > 1 else []
    table = Table(tuple(rows), label)
    rendered = render_table(table, columns, label)
    above = "".join(f"{line}\n" for line in [*preamble, *([""] if preamble else [])])
    part = Part("table", above + rendered.text, (table,), lined_places(len(above), rendered, lines[-len(rows) :]))
    return _View(part, len(rows), columns, preamble, ragged, rendered.warnings)


def find_delimiter(text: str) -> str:
    """The delimiter that best cuts the first lines into rows of equal width without other delimiters in the cells.

    A comma between digits may be a decimal mark as well. The comma is the answer where no delimiter cuts; "" is where
    the commas are those of a single column of prose.
    """
    lines = text.split("\n", 51)[:50]
    sample = "\n".join(lines)[:65536]
    found = [d for d in _DELIMITERS if d in sample]

    def fit(delimiter: str) -> tuple[float, int]:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
        widths = [len(row) for row in rows]
        commonest = max(set(widths), key=widths.count, default=1)
        if commonest < 2 or _is_prose(sample, delimiter, rows):
            return 0.0, 1
        even = widths.count(commonest) / len(widths)
        if found == [delimiter]:
            return even, commonest
        pieces = [piece for row in rows for piece in row]
        unmixed = sum(not _OTHER_DELIMITERS[delimiter].search(_DECIMAL_COMMA.sub("", piece)) for piece in pieces)
        return even * unmixed / len(pieces), commonest

    fits = {delimiter: fit(delimiter) for delimiter in found or ","}
    best = max(fits, key=fits.__getitem__)
    if best not in lines[0]:  # as lists within cells are written
        even = [d for d in found if _cuts_evenly(sample, d) and fits[d][1] > 1]
        best = max(even, key=fits.__getitem__, default=best)
    if fits[best][1] > 1:
        return best
    rare = next((d for d in _RARE_DELIMITERS if d in lines[0] and len(lines) > 1 and _cuts_evenly(sample, d)), None)
    if rare:
        return rare
    rows = [row for row in csv.reader(lines) if row]
    return "" if "," in sample and _is_prose(sample, ",", rows) else ","


def _cuts_evenly(sample: str, delimiter: str) -> bool:
    """Whether a delimiter that is no punctuation of prose cuts all rows into one number of cells."""
    if sample.count(f"{delimiter} ") >= 0.8 * sample.count(delimiter):
        return False
    widths = {len(row) for row in csv.reader(sample.split("\n"), delimiter=delimiter) if row}
    return len(widths) == 1 and widths != {1}


def _dialect(text: str, delimiter: str) -> dict[str, Any]:
    """What the first lines show beside the delimiter: blanks behind it, single quotes in place of double ones."""
    sample = text[:65536]
    dialect: dict[str, Any] = {"delimiter": delimiter}
    if sample.count(f"{delimiter} ") >= _USUALLY * max(sample.count(delimiter), 1):
        dialect["skipinitialspace"] = True
    if '"' not in sample and sample.count(f"'{delimiter}") + sample.count("'\n") >= sample.count("'") / 2 > 1:
        dialect["quotechar"] = "'"
    return dialect


def _drop_open_quotes(text: str, delimiter: str) -> tuple[str, tuple[str, ...]]:
    """The text without quotes that are never closed and so would swallow all rows below, and a warning for each."""
    warnings: list[str] = []
    while '\\"' not in text and text.count('"') % 2 and len(warnings) < _MAX_OPEN_QUOTES:
        reader = csv.reader(io.StringIO(f"{text}\n{_END}", newline=""), **_dialect(text, delimiter))
        begin = 0
        for row in reader:
            if row and row[-1].endswith(_END) and reader.line_num - begin > 1:
                break
            begin = reader.line_num
        else:
            break  # all are closed: one stands inside a cell
        lines = text.split("\n")
        before, _, after = lines[begin].rpartition('"')
        lines[begin] = before + after
        text = "\n".join(lines)
        warnings.append(f"line {begin + 1}: a quote that is never closed was dropped")
    return text, tuple(warnings)


def _is_prose(sample: str, delimiter: str, rows: list[list[str]]) -> bool:
    """Whether a delimiter is only the punctuation of a column of text under a header of one cell."""
    spaced = sample.count(f"{delimiter} ") >= 0.8 * sample.count(delimiter)
    return spaced and len(rows[0]) == 1


def _parsed(text: str, delimiter: str) -> tuple[list[list[str]], tuple[str, ...]]:
    """Rows of texts, blank lines as rows of none, and warnings about the quoting."""
    dialect = _dialect(text, delimiter)
    parsed = _parse(text, **dialect)
    if '\\"' in text:  # quotes escaped by a backslash, not by doubling
        backslash_parsed = _parse(text, **dialect, **_BACKSLASH)
        parsed = min(parsed, backslash_parsed, key=lambda rows: len(set(map(len, rows))))
    parsed, joined = _within_bounds(parsed, delimiter)
    unclosed = next(
        (i for i, row in enumerate(parsed, 1) if any(cell.count("\n") > _LINES_IN_CELL for cell in row)), None
    )
    warning = f"row {unclosed} has a cell of over {_LINES_IN_CELL} lines: was its quote never closed?"
    return parsed, (*joined, *((warning,) if unclosed else ()))


def _within_bounds(parsed: list[list[str]], delimiter: str) -> tuple[list[list[str]], tuple[str, ...]]:
    """Rows without the few that are so wide that filling up all others to them would be out of proportion.

    What stands in their last cells is joined to one, and a warning says so.
    """
    filled = sum(map(len, parsed))
    most = max(_MAX_AREA, _MAX_FILLED_UP * filled) // max(len(parsed), 1)
    wide = [i for i, row in enumerate(parsed) if len(row) > most]
    for i in wide:
        parsed[i] = [*parsed[i][: most - 1], delimiter.join(parsed[i][most - 1 :])]
    return parsed, (f"{len(wide)} rows have over {most:,} cells: the last of these stand in one",) if wide else ()


def _row_lines(text: str, delimiter: str, rows: int, first: int) -> list[tuple[int, int]]:
    """The first and the last line of each row, of which there are `rows`; the text begins on line `first`."""
    last_line = first + text.count("\n") - text.endswith("\n")
    if rows == last_line - first + 1:
        return [(line, line) for line in range(first, first + rows)]
    dialect = _dialect(text, delimiter)
    for options in (dialect, dialect | _BACKSLASH):
        spans, line = [], first - 1
        reader = csv.reader(io.StringIO(text, newline=""), **options)
        for row in reader:
            spans += [(line + 1, first - 1 + reader.line_num)] if row else []
            line = first - 1 + reader.line_num
        if len(spans) == rows:
            return spans
    return [(first, last_line)] * rows


def _parse(text: str, **options: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), **options))


def _parse_cell(value: str) -> Cell:
    """A cell: a number where the text is its plain spelling, None where it is empty, text otherwise."""
    if value == "":
        return None
    if not (value[0].isdigit() or value[0] == "-"):
        return value
    if _INTEGER.fullmatch(value):
        return int(value) if str(int(value)) == value else value
    if _DECIMAL.fullmatch(value):
        return float(value) if repr(float(value)) == value else value
    return value
