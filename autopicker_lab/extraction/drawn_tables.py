"""Tables that are drawn with characters: grids of Pandoc and reStructuredText, boxes, what database clients print."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from autopicker_lab.core import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CORNERS = "+┌┬┐├┼┤└┴┘╔╦╗╠╬╣╚╩╝╒╤╕╞╪╡╘╧╛╓╥╖╟╫╢╙╨╜╭╮╰╯┏┳┓┣╋┫┗┻┛┡╇┩┠┨┝┥"
_RULE = re.compile(rf"[{_CORNERS}](?:[-=:─━═╌]+[{_CORNERS}])+")
_TOP = re.compile(rf"[{_CORNERS}](?:[-=:─━═╌]+[{_CORNERS}]){{2,}}")  # a box of one column is a frame
_BARE_RULE = re.compile(r"-+(?:\+-+)+")  # of psql, which draws no sides
_BAR = re.compile("[|│┃║]")
_BEGINS = rf"[ \t]*(?:[{_CORNERS}][-=:─━═╌]|-+\+-)"
_BEGINNING = re.compile(_BEGINS)
_LATER_BEGINNING = re.compile(rf"\n{_BEGINS}")  # it begins with what a search finds at once
_IN_ASCII = ("+-", "+=", "+:")
_MOST_LINES = 5000


def tables_of(text: str) -> Iterator[Table]:
    """The tables in a text; one that can hold none is passed over at once."""
    is_drawn = not text.isascii() or any(corner in text for corner in _IN_ASCII)
    may_hold_any = is_drawn and (_BEGINNING.match(text) or _LATER_BEGINNING.search(text))
    return (table for _, table in drawn_tables(text.split("\n"))) if may_hold_any else iter(())


def drawn_tables(lines: Sequence[str]) -> Iterator[tuple[int, Table]]:
    """The tables among lines, each with the index of its first line."""
    behind = 0
    for at in [at for at, line in enumerate(lines) if _BEGINNING.match(line)]:
        rule = lines[at].strip()
        drawn = None
        if at < behind:
            continue
        if _TOP.fullmatch(rule):
            drawn = _box(lines, at)
        elif at and _BARE_RULE.fullmatch(rule):
            drawn = _open_sides(lines, at)
        if drawn is not None:
            first, behind, rows = drawn
            yield first, Table(tuple(rows))


_Drawn = tuple[int, int, list[tuple[str | None, ...]]]  # first line, the one behind the last, rows


def _box(lines: Sequence[str], first: int) -> _Drawn | None:
    """A table between two rules or more; blocks of lines between them are rows, or hold one a line."""
    indent = len(lines[first]) - len(lines[first].lstrip())
    corners = [i for i, sign in enumerate(lines[first].strip()) if sign in _CORNERS]
    blocks: list[list[tuple[str | None, ...]]] = []
    block: list[tuple[str | None, ...]] = []
    at, is_grid = first + 1, False
    while at < min(len(lines), first + _MOST_LINES):
        line = lines[at][indent:].rstrip()
        if _RULE.fullmatch(line):
            is_grid = is_grid or "=" in line
            blocks += [block] if block else []
            block = []
        elif not _BAR.match(line):
            break
        elif cells := _cells(line, corners):
            block.append(cells)
        else:
            return None
        at += 1
    if block or not blocks:  # the last line is no rule
        return None
    return first, at, [row for one in blocks for row in _rows(one, is_grid)]


def _open_sides(lines: Sequence[str], rule: int) -> _Drawn | None:
    """A table whose header stands above a rule without sides."""
    corners = [-1, *(i for i, sign in enumerate(lines[rule].rstrip()) if sign == "+"), len(lines[rule].rstrip())]
    rows: list[tuple[str | None, ...]] = []
    at = rule - 1
    while at < len(lines) and (at == rule or "|" in lines[at]):
        if at != rule:
            if (cells := _cells(f"|{lines[at].rstrip()}|", [corner + 1 for corner in corners])) is None:
                break
            rows.append(cells)
        at += 1
    return (rule - 1, at, rows) if len(rows) > 1 else None


def _cells(line: str, corners: Sequence[int]) -> tuple[str | None, ...] | None:
    """The cells of a line: between the corners, or between its bars where wide letters moved these; None for neither.

    A cell over several columns stands in the first of them.
    """
    bars = [i for i, sign in enumerate(line) if _BAR.match(sign)]
    if not set(corners) <= set(bars):
        if len(bars) == len(corners):
            corners = bars
        elif not set(bars) <= set(corners):
            return None
    edges = [corner for corner in corners if corner in bars]
    texts = {start: line[start + 1 : stop].strip() or None for start, stop in pairwise(edges)}
    return tuple(texts.get(corner) for corner in corners[:-1])


def _rows(block: list[tuple[str | None, ...]], is_grid: bool) -> list[tuple[str | None, ...]]:
    """The rows of the lines between two rules: one of all where a line goes on with the one above."""
    if len(block) == 1 or not (is_grid or any(line[0] is None for line in block[1:])):
        return block
    columns = zip(*block, strict=True)
    return [tuple(" ".join(filter(None, column)) or None for column in columns)]
