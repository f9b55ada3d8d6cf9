"""Answers that a tool graded in several ways: one of them is the score, the same for all rows, and it is said which."""

from __future__ import annotations

from collections import Counter
from typing import Any

from autopicker_lab.tuning.imports.tables import is_grade

Rows = list[dict[str, Any]]
SEVERAL = "scores"  # of a row: its grades by name, in place of its `score`


def names_of(rows: Rows) -> list[str]:
    """The names of the grades: those that most rows have come first, and those that are grades before all others."""
    numbers: Counter[str] = Counter()
    for row in rows:
        numbers.update({name: is_grade(value) for name, value in row.get(SEVERAL, {}).items()})
    return sorted(numbers, key=lambda name: -numbers[name])


def with_score(rows: Rows, wanted: str = "") -> tuple[Rows, str]:
    """The rows with one score each, and what was chosen where there were several.

    Args:
        wanted: the name of the grade that is to be the score; "": the first one.
    """
    names = names_of(rows)
    name = wanted or next(iter(names), "")
    scored = [_scored(row, name) for row in rows]
    others = [other for other in names if other != name]
    if wanted or not others:
        return scored, ""
    return scored, f"graded as {', '.join(names[:6])}: '{name}' was taken; another one: --column score={others[0]}"


def _scored(row: dict[str, Any], name: str) -> dict[str, Any]:
    if SEVERAL not in row:
        return row
    return {key: value for key, value in row.items() if key != SEVERAL} | {"score": row[SEVERAL].get(name)}
