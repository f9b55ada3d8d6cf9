"""One gate for characters that UTF-8 cannot hold: halves of surrogate pairs, from broken titles, labels and names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Cell, Document, Part, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

LOST = "halves of characters (lone surrogates) were replaced by \ufffd"


def replace_surrogates(document: Document) -> Document:
    """The document such that every text of it can be written as UTF-8, with a warning where some could not."""
    if all(map(_is_encodable, _texts(document))):
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


def _texts(document: Document) -> Iterator[str]:
    yield document.name
    yield from document.warnings
    yield from _nested(document.metadata)
    for part in document.parts:
        yield part.label
        yield part.text
        for place in part.places:
            yield from place.headings or ()
            yield place.sheet or ""
        for table in part.tables:
            yield table.label
            yield "".join([cell for row in table.rows for cell in row if cell.__class__ is str])


def _nested(value: object) -> Iterator[str]:
    """The texts of metadata, which is as deep as JSON."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            stack += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            stack += one


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
