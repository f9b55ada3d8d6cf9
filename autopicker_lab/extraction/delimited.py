"""CSV, with encoding, delimiter and ragged rows found by themselves."""

from __future__ import annotations

import csv
import io
import re

from autopicker_lab.core import Cell, Document, Part, SourceFile, Table
from autopicker_lab.extraction.columns import shown, summarise
from autopicker_lab.extraction.plain import decode

_PREAMBLE = 20  # lines at most
_DELIMITERS = ",;\t|"
_WHOLE = re.compile(r"-?\d{1,15}", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,15}\.\d{1,15}", re.ASCII)
csv.field_size_limit(2**30)  # a cell may be as long as an upload


def read_csv(file: SourceFile) -> Document:
    text, encoding, warnings = decode(file.data)
    if "\x00" in text:
        text, warnings = text.replace("\x00", ""), (*warnings, "NUL characters were dropped")
    delimiter = find_delimiter(text)
    rows, ragged = _rows(text, delimiter)
    if ragged:
        warnings += (f"{ragged} rows are not as wide as the widest: filled up with blanks",)
    preamble, rows = _preamble(rows)
    columns = summarise(rows) if len(rows) > 1 else []
    meta = {
        "encoding": encoding,
        "delimiter": delimiter,
        "rows": len(rows),
        "columns": columns,
        "preamble": preamble,
    }
    if not rows:
        return Document(file.name, file.kind, (Part("table", ""),), meta, warnings)
    table = Table(tuple(rows), file.name)
    text, said = shown(table, columns, file.name)
    part = Part("table", "\n".join([*preamble, *([""] if preamble else []), text]), (table,))
    return Document(file.name, file.kind, (part,), meta, warnings + said)


def _preamble(rows: list[tuple[Cell, ...]]) -> tuple[list[str], list[tuple[Cell, ...]]]:
    """Title lines before the table's own header, and the table."""
    widths = [sum(cell is not None for cell in row) for row in rows[: _PREAMBLE + 20]]
    usual = max(set(widths), key=widths.count, default=0)
    first = next((i for i, width in enumerate(widths) if width > max(1, usual // 3)), 0)
    if usual < 2 or not 0 < first <= _PREAMBLE or widths.count(usual) < 3:
        return [], rows
    return [" ".join(str(cell) for cell in row if cell is not None) for row in rows[:first]], rows[first:]


def find_delimiter(text: str) -> str:
    """The delimiter that cuts the first lines into the most columns of one width; a comma where none does."""
    sample = text[:65536]
    lines = text.split("\n", 51)[:50]

    def fit(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        commonest = max(set(widths), key=widths.count, default=1)
        return (widths.count(commonest) / max(len(widths), 1) if commonest > 1 else 0.0, commonest)

    best = max((d for d in _DELIMITERS if d in sample), key=fit, default=",")
    return best if fit(best)[1] > 1 else ","


def _rows(text: str, delimiter: str) -> tuple[list[tuple[Cell, ...]], int]:
    """Rows with numbers as numbers, and how many were narrower than the widest."""
    read = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    widest = max(map(len, read), default=0)
    rows = [(*map(_typed, row), *(None,) * (widest - len(row))) for row in read]
    return rows, sum(len(row) < widest for row in read)


def _typed(value: str) -> Cell:
    """Whole and decimal numbers as such where the text is their plain spelling; anything else stays text."""
    if value == "":
        return None
    if not (value[0].isdigit() or value[0] == "-"):
        return value
    if _WHOLE.fullmatch(value):
        return int(value) if str(int(value)) == value else value
    if _DECIMAL.fullmatch(value):
        return float(value) if repr(float(value)) == value else value
    return value
