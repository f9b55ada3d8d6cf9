"""Values of the sheets of a workbook, as calamine reads them."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

from autopicker_lab.extraction.sheets.model import Sheet, to_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from python_calamine import CalamineSheet


def read_grids(data: bytes, warnings: list[str], instead: Callable[[str], Sheet] | None = None) -> list[Sheet]:
    """The worksheets of a workbook as grids from their first cell that is filled to their last.

    Args:
        warnings: takes what could not be read.
        instead: reads a sheet by its name where calamine fails on it.

    Raises:
        python_calamine.CalamineError: the workbook cannot be opened.
    """
    import python_calamine as calamine

    sheets: list[Sheet] = []
    with _panics_as_errors():
        opened = calamine.load_workbook(io.BytesIO(data))
    with opened as book:
        for meta in book.sheets_metadata:
            if meta.typ != calamine.SheetTypeEnum.WorkSheet:
                if meta.typ != calamine.SheetTypeEnum.ChartSheet:
                    warnings.append(f"sheet {meta.name} holds macros or a dialogue: it was not read")
                continue
            visible = meta.visible == calamine.SheetVisibleEnum.Visible
            try:
                with _panics_as_errors():
                    sheets.append(_grid(book.get_sheet_by_name(meta.name), meta.name, visible))
            except (calamine.CalamineError, calamine.WorksheetNotFound) as error:
                warnings.append(f"sheet {meta.name} is damaged: it was read as far as it goes ({error})")
                sheets.append(instead(meta.name) if instead else Sheet(meta.name, visible, []))
    return sheets


@contextmanager
def _panics_as_errors() -> Iterator[None]:
    """Panics of Rust, which are no `Exception`, as errors of calamine."""
    import python_calamine as calamine

    try:
        yield
    except (Exception, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as panic:
        raise calamine.CalamineError(str(panic)) from None


def _grid(sheet: CalamineSheet, name: str, visible: bool) -> Sheet:
    rows = [tuple(map(to_cell, row)) for row in sheet.to_python(skip_empty_area=True)]
    merges = list(sheet.merged_cell_ranges or ())
    row, column = sheet.start or (0, 0)
    width = max(map(len, rows), default=0)
    return Sheet(name, visible, rows, range(row, row + len(rows)), range(column, column + width), merges)
