"""A sheet's XML, searched as bytes: errors, formulas, number formats, what is hidden, and how far cells stand apart.

It is not parsed: a pass over 120,000 cells takes some 60 ms.
"""

from __future__ import annotations

import html
import itertools
import re
from typing import TYPE_CHECKING

from autopicker_lab.extraction.sheets.model import MAX_AREA, SheetNotes, cell_reference, column_number, spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from autopicker_lab.extraction.sheets.model import CellPosition
    from autopicker_lab.extraction.sheets.number_format import NumberFormat

_MAX_FORMULAS = 50_000
_MAX_SHARED = 1000  # formulas written out of a shared one
_ROW = re.compile(rb"<row [^<>]*?\br=\"(\d{1,7})\"")
_WIDE = re.compile(rb" r=\"([A-Z]{2,3})\d")
_UNUSUAL = re.compile(rb"r='|r =|r= |:row[ >]|:c[ >]|\tr=|\nr=")
# What stands in (?>...) is not tried again: of a tag that repeats an attribute, the first or the last one counts.
_CELL = rb"<(?:\w+:)?c\s(?>[^<>]*?\br\s*=\s*[\"']([A-Z]{1,3})(\d{1,7})[\"'])"
_REFERENCE = re.compile(_CELL)
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Z]{1,3})(\d{1,7})[\"']")
_ERROR_CELL = re.compile(
    rb"<(?:\w+:)?c\s(?=[^<>]*\bt=[\"']e[\"'])(?>[^<>]*?\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'])[^<>]*>"
)
_VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^<>]*)?>([^<]*)</")
_RICH = re.compile(rb"\svm=[\"'][1-9]")
_NEWER = re.compile(r"_xl(?:fn|ws|pm|udf)\.")  # marks of what older programs do not know
_CACHED = rb"(\s*<(?:\w+:)?v(?:\s[^<>]*)?>[^<])?"
_FORMULA = re.compile(_CELL + rb"([^<>]*)>\s*<(?:\w+:)?f\b([^<>]*)>([^<]+)</(?:\w+:)?f>" + _CACHED)
_SHARING = re.compile(_CELL + rb"([^<>]*)>\s*<(?:\w+:)?f\s([^<>]*?)(?:/>|></(?:\w+:)?f>)" + _CACHED)
_BELOW_ZERO = rb"\s*(?:<(?:\w+:)?f\b[^<>]*(?:/>|>[^<]*</(?:\w+:)?f>)\s*)?<(?:\w+:)?v>-"
_SHARED_INDEX = re.compile(rb"\bsi=[\"'](\d{1,9})[\"']")
_YES = rb"=[\"'](?:1|true)[\"']"
_NOTHING = rb"=[\"']0(?:\.0*)?[\"']"
_HIDDEN = re.compile(rb"\bhidden" + _YES)
_HIDING_ROW = re.compile(rb"<(?:\w+:)?row\s((?>[^<>]*\b(?:hidden" + _YES + rb"|ht" + _NOTHING + rb"))[^<>]*)>")
_HIDING_COLUMN = re.compile(rb"<(?:\w+:)?col\s((?>[^<>]*\b(?:hidden" + _YES + rb"|width" + _NOTHING + rb"))[^<>]*)>")
_HIDING_SIGNS = (b' hidden="1', b' hidden="t', b' ht="0')
_HIDING_SIGNS_QUOTED = (b" hidden='1", b" hidden='t", b" ht='0")
_ZERO_HEIGHT = re.compile(rb"<(?:\w+:)?sheetFormatPr\b[^<>]*\bzeroHeight" + _YES)
_ANY_ROW = re.compile(rb"<(?:\w+:)?row\s([^<>]*)>")
_ROW_NUMBER = re.compile(rb"\br=[\"'](\d{1,7})[\"']")
_EDGES = (re.compile(rb"\bmin=[\"'](\d{1,5})[\"']"), re.compile(rb"\bmax=[\"'](\d{1,5})[\"']"))
_MARGIN = re.compile(rb"<(?:\w+:)?(?:odd|even|first)(?:Header|Footer)(?:\s[^<>]*)?>([^<]+)</")
_CODE = re.compile(r'&(?:"[^"]*"|K[0-9A-F]{6}|K\d\d[+-]\d{3}|\d+|[A-Z])')
_PAGE_NUMBER = re.compile(r"(?:(?<![^\W\d_])[^\W\d_]{0,8}\W*)&P(?:\W*[^\W\d_]{0,6}\W*&N)?")  # "Page 1 of 3"
_WORD = re.compile(r"[^\W\d_]{3}")
_FIRST_CELL = re.compile(rb"<(?:\w+:)?c(?=[\s/>])([^<>]*)>")
_COUNTED = re.compile(rb"<((?:\w+:)?)(row|c)(?=[\s/>])([^<>]*)>")
_HAS_REFERENCE = re.compile(rb"\sr\s*=")


def read_sheet(data: bytes, formats: Mapping[int, NumberFormat]) -> SheetNotes:
    """What stands in a sheet beside its values; `formats` are those that carry meaning, by number of the style."""
    data = _with_references(data)
    notes = SheetNotes(*_area(data))
    if b't="e"' in data or b"t='e'" in data:
        _find_errors(data, notes)
    if b"<f" in data or b":f" in data:
        _find_formulas(data, notes)
    if formats:
        _find_formats(data, notes, formats)
    if b"eaderFooter" in data:
        notes.margins += dict.fromkeys(filter(None, map(_margin, _MARGIN.finditer(data))))
    notes.hidden_rows, notes.hidden_columns = _hidden_rows(data), _hidden_columns(data)
    return notes


def _with_references(data: bytes) -> bytes:
    """The sheet with a reference at each row and cell, where its maker left them to be counted."""
    first = _FIRST_CELL.search(data)
    if first is None or _HAS_REFERENCE.search(first[1]):
        return data
    row = column = -1

    def numbered(match: re.Match[bytes]) -> bytes:
        nonlocal row, column
        if match[2] == b"row":
            number = _ROW_NUMBER.search(match[3])
            row, column = int(number[1]) - 1 if number else row + 1, -1
            return match[0] if number else b'<%srow r="%d"%s>' % (match[1], row + 1, match[3])
        column += 1
        return b'<%sc r="%s"%s>' % (match[1], cell_reference((row, column)).encode(), match[3])

    return _COUNTED.sub(numbered, data)


def _find_errors(data: bytes, notes: SheetNotes) -> None:
    for match in itertools.islice(_ERROR_CELL.finditer(data), _MAX_FORMULAS):
        value = _VALUE.search(data, match.end(), match.end() + 20_000)
        text = value[1].decode("utf-8", "replace") if value else "#ERROR"
        is_rich = _RICH.search(match[0]) is not None  # older programs are shown an error in place of it
        notes.errors[_position(match[1], match[2])] = f"{text} (a picture or a rich value)" if is_rich else text


def _find_formulas(data: bytes, notes: SheetNotes) -> None:
    masters: dict[bytes, CellPosition] = {}
    for match in itertools.islice(_FORMULA.finditer(data), _MAX_FORMULAS):
        position = _position(match[1], match[2])
        notes.formulas[position] = _NEWER.sub("", html.unescape(match[5].decode("utf-8", "replace")))
        if index := _SHARED_INDEX.search(match[4]):
            masters[index[1]] = position
        if match[6] is None and b'"str"' not in match[3]:  # a text that is empty is a value
            notes.uncomputed.add(position)
    if masters:
        _find_shared(data, notes, masters)


def _find_shared(data: bytes, notes: SheetNotes, masters: Mapping[bytes, CellPosition]) -> None:
    """The formulas of cells that only name the one they share, moved to where they stand."""
    from openpyxl.formula.translate import Translator, TranslatorError

    for match in itertools.islice(_SHARING.finditer(data), _MAX_SHARED):
        index = _SHARED_INDEX.search(match[4])
        master = masters.get(index[1]) if index else None
        position = _position(match[1], match[2])
        if master is None or position in notes.formulas:
            continue
        shared = Translator(f"={notes.formulas[master]}", cell_reference(master))
        try:
            notes.formulas[position] = shared.translate_formula(cell_reference(position))[1:]
        except (TranslatorError, ValueError):
            continue
        if match[5] is None and b'"str"' not in match[3]:
            notes.uncomputed.add(position)


def _find_formats(data: bytes, notes: SheetNotes, formats: Mapping[int, NumberFormat]) -> None:
    notes.formats |= {position: formats[style] for position, style in cells_of_styles(data, formats).items()}


def cells_of_styles(data: bytes, numbers: Iterable[int]) -> dict[CellPosition, int]:
    """The cells of a sheet that have one of these styles, and which."""
    styles = b"|".join(b"%d" % number for number in numbers)
    found: dict[CellPosition, int] = {}
    for match in re.finditer(rb"<(?:\w+:)?c\s((?>[^<>]*?\bs=[\"'](" + styles + rb")[\"'])[^<>]*)>", data):
        if place := _PLACE.search(match[1]):
            found[_position(place[1], place[2])] = int(match[2])
    return found


def holds_negative(data: bytes, numbers: Iterable[int]) -> bool:
    """Whether a cell that has one of these styles has a value below zero."""
    styles = b"|".join(b"%d" % number for number in numbers)
    if not styles or b"v>-" not in data:
        return False
    return (
        re.search(rb"<(?:\w+:)?c\s(?>[^<>]*?\bs=[\"'](?:" + styles + rb")[\"'])[^<>]*>" + _BELOW_ZERO, data) is not None
    )


def _hidden_rows(data: bytes) -> list[tuple[int, int]]:
    """The rows that are hidden, filtered out, folded or of no height."""
    if _ZERO_HEIGHT.search(data, 0, max(data.find(b"sheetData"), 0)):  # all that say no height of their own are hidden
        rows = (match[1] for match in _ANY_ROW.finditer(data))
        found = [row for row in rows if b"ht=" not in row or _HIDDEN.search(row)]
    elif any(sign in data for sign in (_HIDING_SIGNS_QUOTED if b"='" in data[:2000] else _HIDING_SIGNS)):
        found = [match[1] for match in _HIDING_ROW.finditer(data)]
    else:
        return []
    return spans(int(number[1]) - 1 for row in found if (number := _ROW_NUMBER.search(row)))


def _hidden_columns(data: bytes) -> list[tuple[int, int]]:
    end = data.find(b"sheetData")
    found: list[tuple[int, int]] = []
    for match in _HIDING_COLUMN.finditer(data, 0, end if end > 0 else len(data)):
        first, last = (edge.search(match[1]) for edge in _EDGES)
        if first and last:
            found.append((int(first[1]) - 1, int(last[1]) - 1))
    return found


def _margin(match: re.Match[bytes]) -> str:
    """The words of a printed header or footer, without codes for fonts, page and date; "" for a mere page number."""
    text = _PAGE_NUMBER.sub(" ", html.unescape(match[1].decode("utf-8", "replace")).replace("&&", "\x00"))
    words = _CODE.sub(" ", text).replace("\x00", "&").split()
    return " ".join(words) if any(map(_WORD.search, words)) else ""


def _area(data: bytes) -> tuple[int, int]:
    """Number of cells between the sheet's corners, at most, and number of cells that exist."""
    rows = [] if _UNUSUAL.search(data) else [int(number) for number in _ROW.findall(data)]
    widest = max(map(len, _WIDE.findall(data)), default=1) if rows else 3
    if rows and (bound := (max(rows) - min(rows) + 1) * 26**widest) <= MAX_AREA // 10:
        return bound, data.count(b"<c ")
    cells = [_position(column, row) for column, row in _REFERENCE.findall(data)]
    if not cells:
        return 0, 0
    height = max(row for row, _ in cells) - min(row for row, _ in cells) + 1
    width = max(column for _, column in cells) - min(column for _, column in cells) + 1
    return height * width, len(cells)


def _position(column: bytes, row: bytes) -> CellPosition:
    return int(row) - 1, column_number(column)
