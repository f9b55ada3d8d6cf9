"""A tuning report as text: no name is ever cut, in a narrow terminal, a wide one, or a file."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from autopicker_lab.tuning import TuningReport
    from autopicker_lab.tuning.sections import ReportTable

_GAP = "  "


def print_report(report: TuningReport) -> None:
    """Print the verdict, what to do next, and the tables of a report."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for section in report.sections():
        typer.echo(section_text(section, width) + "\n")
    for line in (*(f"! {warning}" for warning in report.warnings), *report.conclusion):
        typer.echo(wrapped(line, width))


def section_text(section: ReportTable, width: int | None) -> str:
    """A section as text.

    Args:
        width: of the terminal in columns. A table that is wider is written as a list; None has room for any.
    """
    lines = _grid(section)
    if width is not None and max(map(_cells, lines)) > width:
        lines = _list(section)
    return "\n".join([section.title, *lines, *(wrapped(note, width) for note in section.notes)])


def wrapped(text: str, width: int | None) -> str:
    """`text` in lines of at most `width` columns, broken between words alone."""
    if width is None:
        return text
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def _grid(section: ReportTable) -> list[str]:
    """A line a row, columns below one another."""
    rows = (section.head, *section.rows)
    widths = [max(_cells(row[i]) for row in rows) for i in range(len(section.head))]
    return [
        _GAP.join(cell + " " * (width - _cells(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _list(section: ReportTable) -> list[str]:
    """A line a cell, below its row's name."""
    lines = []
    for name, *cells in section.rows:
        lines.append(name)
        lines += [f"{_GAP}{head}: {cell}" for head, cell in zip(section.head[1:], cells, strict=True) if cell]
    return lines


def _cells(text: str) -> int:
    """Columns that a text takes in a terminal."""
    from rich.cells import cell_len

    return cell_len(text)
