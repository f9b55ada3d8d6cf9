"""One gate for characters that UTF-8 cannot hold: halves of surrogate pairs, from broken titles, labels and names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autopicker_lab.core import Cell, Document, Part, Table

LOST = "halves of characters (lone surrogates) were replaced by \ufffd"


def replace_surrogates(document: Document) -> Document:
    """The document such that every text of it can be written as UTF-8, with a warning where some could not."""
    if _is_encodable("".join(_texts(document))) and all(_is_encodable(part.text) for part in document.parts):
        return document
    return replace(
        document,
        name=_mended(document.name),
        parts=tuple(map(_mended_part, document.parts)),
        metadata=_mended(document.metadata),
        warnings=(*_mended(document.warnings), LOST),
    )


def _is_encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts(document: Document) -> list[str]:
    """All texts but those of the parts, which are long."""
    texts = [document.name, *document.warnings]
    if _may_hold_halves(document.metadata):
        texts += _nested(document.metadata)
    for part in document.parts:
        texts.append(part.label)
        for place in part.places:
            texts += place.headings or ()
            texts.append(place.sheet or "")
        for table in part.tables:
            texts.append(table.label)
            texts += [cell for row in table.rows for cell in row if cell.__class__ is str]
    return texts


def _may_hold_halves(metadata: object) -> bool:
    """Whether halves stand in metadata, or their escapes: `repr` looks through it far faster than we could."""
    try:
        return "\\ud" in repr(metadata)
    except RecursionError:
        return True


def _nested(value: object) -> list[str]:
    """The texts of metadata, which is as deep as JSON."""
    texts: list[str] = []
    pending = [value]
    for one in pending:  # which grows as it goes
        if isinstance(one, str):
            texts.append(one)
        elif isinstance(one, dict):
            pending += one
            pending += one.values()
        elif isinstance(one, list | tuple):
            pending += one
        elif isinstance(one, Mapping):
            pending.append(dict(one))
    return texts


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value if _is_encodable(value) else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {_mended(key): _mended(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_mended, value))
    return value


def _mended_part(part: Part) -> Part:
    text = _mended(part.text)
    moved = len(text) != len(part.text)  # two halves became one character: places no longer fit
    places = (replace(p, headings=_mended(p.headings), sheet=_mended(p.sheet)) for p in part.places if not moved)
    return Part(_mended(part.label), text, tuple(map(_mended_table, part.tables)), tuple(places))


def _mended_table(table: Table) -> Table:
    def mended_row(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
        return tuple(map(_mended, row))

    return Table(tuple(map(mended_row, table.rows)), _mended(table.label))
