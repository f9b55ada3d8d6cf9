"""The marks of footnotes and endnotes: counted together, or each by the format that the document asks for."""

from __future__ import annotations

from typing import Any

from autopicker_lab.extraction.docx.names import W, parse_int, value
from autopicker_lab.extraction.docx.numerals import numeral

_KINDS = {"footnotes": ("footnotePr", "decimal"), "endnotes": ("endnotePr", "lowerRoman")}


class NoteMarks:
    """Counts the notes of a document.

    Args:
        settings: the root of settings.xml; None where there is none.
    """

    def __init__(self, settings: Any | None) -> None:
        self._forms: dict[str, str] = {}  # empty where the document asks for nothing
        self._next: dict[str, int] = {}
        for kind, (name, usual) in _KINDS.items():
            properties = None if settings is None else settings.find(f"{W}{name}")
            form = "" if properties is None else value(properties, "numFmt")
            start = "" if properties is None else value(properties, "numStart")
            if form or start not in ("", "1"):
                self._forms[kind] = form or usual
            self._next[kind] = parse_int(start, 1)
        if self._forms:
            self._forms = {kind: self._forms.get(kind, usual) for kind, (_, usual) in _KINDS.items()}

    def next(self, kind: str, count: int) -> str:
        """The mark of the next note of a kind ("footnotes"), which is the document's note number `count`."""
        if not self._forms:
            return str(count)
        self._next[kind] += 1
        return numeral(self._next[kind] - 1, self._forms[kind])
