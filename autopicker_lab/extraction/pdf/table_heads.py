"""The heads of tables without lines between their columns: groups over several columns, names of several lines."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.extraction.pdf.drawing import RulingLine
    from autopicker_lab.extraction.pdf.layout import Span, TextRow

_NEAR = 3.0  # points between the end of a line under a group and that of its columns
_TIGHTER = 0.9  # lines of one name are nearer to each other than rows are


def group_start(low: float, high: float, columns: Sequence[Span], rules: Sequence[RulingLine] = ()) -> int | None:
    """The first of the columns that a group from `low` to `high` stands over; None where it is over one or beside them.

    Its columns are those of a line below it (`rules`), or else those on both its sides, in the middle of which it is.
    """
    middle = (low + high) / 2
    under = [rule for rule in rules if rule.x0 - _NEAR <= middle <= rule.x1 + _NEAR]
    for rule in sorted(under, key=lambda rule: rule.x1 - rule.x0):
        covered = [i for i, (x0, x1) in enumerate(columns) if rule.x0 - _NEAR <= (x0 + x1) / 2 <= rule.x1 + _NEAR]
        if len(covered) > 1:
            return covered[0]
    if any(x0 < high - 1 and low + 1 < x1 for x0, x1 in columns):
        return None
    before = sum(x1 <= low + 1 for _, x1 in columns)
    spans = [(i, j) for i in range(before) for j in range(before, len(columns))]
    if not spans:
        return None
    off = {(i, j): abs((columns[i][0] + columns[j][1]) / 2 - middle) for i, j in spans}
    nearest = min(off.values())
    return min((span for span in spans if off[span] <= nearest + _NEAR), key=lambda span: span[1] - span[0])[0]


def names_in_one(cells: list[list[str]], rows: Sequence[TextRow]) -> list[list[str]]:
    """The cells of a table whose names take several lines, these as one row; `rows` are the lines of the first ones.

    The lines of names are bold where those below are not, or nearer to each other than those below; none adds a column
    or a digit.
    """
    count = 1
    while count < min(len(cells), len(rows)) and _adds_to(cells[count], cells[0]):
        count += 1
    while count > 1 and not _is_head(rows, count):
        count -= 1
    if count == 1 or count == len(cells):
        return cells
    names = [" ".join(filter(None, texts)) for texts in zip(*cells[:count], strict=True)]
    return [names, *cells[count:]]


def _adds_to(cells: Sequence[str], above: Sequence[str]) -> bool:
    return all(over for cell, over in zip(cells, above, strict=True) if cell) and not any(
        character.isdigit() for cell in cells for character in cell
    )


def _is_head(rows: Sequence[TextRow], count: int) -> bool:
    head, body = rows[:count], rows[count:]
    if not body:
        return False
    if all(map(_is_bold, head)):
        return not any(map(_is_bold, body))
    steps = [below.base - above.base for above, below in pairwise(rows)]
    return len(body) > 2 and max(steps[: count - 1]) <= _TIGHTER * min(steps[count - 1 :])


def _is_bold(row: TextRow) -> bool:
    return all(word.style.bold for segment in row.segments for word in segment.words)
