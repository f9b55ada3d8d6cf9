"""Tables whose columns stand at fixed places of their lines, filled up with blanks."""

from __future__ import annotations

import re

_LOOKED_AT = 500  # lines
_MIN_LINES = 3
_USUALLY = 0.6  # of the lines have a gap of two blanks or more
_GAP = re.compile(r"\S {2,}\S")


def with_tabs(text: str) -> str | None:
    """The text with a tab between its columns, line for line; None where its lines have no columns at fixed places."""
    if "\t" in text or '"' in text:
        return None
    lines = text.split("\n")
    filled = [line for line in lines if line.strip()]
    if len(filled) < _MIN_LINES or sum(map(bool, map(_GAP.search, filled))) < _USUALLY * len(filled):
        return None
    starts = _starts(filled[:_LOOKED_AT])
    if len(starts) < 2:
        return None
    cut = [_cells(line, starts) for line in lines]
    if any(cells is None for cells in cut):
        return None
    return "\n".join("\t".join(cells or ()) for cells in cut)


def _starts(lines: list[str]) -> list[int]:
    """Where the columns begin: behind what is blank in all lines."""
    width = max(map(len, lines))
    used = [False] * (width + 1)
    for line in lines:
        for match in re.finditer(r"\S+", line):
            used[match.start() : match.end()] = [True] * (match.end() - match.start())
    return [at for at in range(width) if used[at] and (at == 0 or not used[at - 1])]


def _cells(line: str, starts: list[int]) -> list[str] | None:
    """The cells of a line, none for a blank one; None where a word goes over the beginning of a column."""
    if not line.strip():
        return []
    if any(line[at - 1 : at].strip() and line[at : at + 1].strip() for at in starts[1:]):
        return None
    ends = [*starts[1:], len(line)]
    return [line[start:end].strip() for start, end in zip([0, *starts[1:]], ends, strict=True)]
