"""Readers for workbooks: XLSX, XLSB, XLS of any age, and SpreadsheetML 2003, which comes under their names.

The way of a workbook: what calamine reads of values, and what stands beside them (`xlsx`, `xls`, `xml2003`: formats,
formulas, links, hidden rows, notes, drawings) -> `model.Sheet` -> `reader` (the Document). `number_format` says what a
cell shows; `tree` reads what is damaged or sparse.
"""

from autopicker_lab.extraction.sheets.reader import read_workbook

__all__ = ["read_workbook"]
