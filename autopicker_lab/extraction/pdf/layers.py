"""Layers of a PDF (optional content, ISO 32000-2, 8.11): which are switched off, and what stands on them."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypdf import PdfReader, PdfWriter
    from pypdfium2 import PdfPage

_MARK = "/LayerIsOff"
_HIDDEN = 2  # the flag of an annotation
_MAX_DEPTH = 8
_MAX_OBJECTS = 100_000


class Layers:
    """The layers of a document, and whether each is shown when the document is opened."""

    def __init__(self, pdf: PdfReader | PdfWriter) -> None:
        properties = _dictionary(pdf.root_object.get("/OCProperties"))
        self._config = _dictionary(properties.get("/D"))
        self._base = self._config.get("/BaseState", "/ON") != "/OFF"
        self._on, self._off = (_numbers(self._config.get(key)) for key in ("/ON", "/OFF"))
        self._usage: dict[int, bool] = {}
        for rule in _items(self._config.get("/AS")):
            if _dictionary(rule).get("/Event") == "/View":
                self._usage |= dict(_view_states(_dictionary(rule).get("/OCGs")))
        layers = [(_number(layer), _dictionary(layer)) for layer in _items(properties.get("/OCGs"))]
        self.off = [str(layer.get("/Name", "")) for number, layer in layers if not self._is_on(number)]

    def shows(self, content: Any, depth: int = 0) -> bool:
        """Whether what belongs to a layer, or to a membership of several, is shown."""
        group = _dictionary(content)
        if group.get("/Type") != "/OCMD":
            return self._is_on(_number(content))
        if "/VE" in group:
            return self._holds(_plain(group["/VE"]), depth)
        members = group.get("/OCGs")
        shown = [self._is_on(_number(one)) for one in (_items(members) or ([members] if members else []))]
        if not shown:
            return True
        policies: dict[str, Callable[[], bool]] = {
            "/AllOn": lambda: all(shown),
            "/AnyOff": lambda: not all(shown),
            "/AllOff": lambda: not any(shown),
        }
        return policies.get(str(group.get("/P")), lambda: any(shown))()

    def _is_on(self, number: int) -> bool:
        on = number in self._on or (self._base and number not in self._off)
        return self._usage.get(number, on)

    def _holds(self, expression: Any, depth: int) -> bool:
        if depth > _MAX_DEPTH or not isinstance(expression, list) or not expression:
            return True
        terms = [
            self._holds(_plain(term), depth + 1) if isinstance(_plain(term), list) else self._is_on(_number(term))
            for term in expression[1:]
        ]
        if expression[0] == "/Not":
            return not all(terms)
        return any(terms) if expression[0] == "/Or" else all(terms)


def mark_hidden(writer: PdfWriter, layers: Layers) -> None:
    """Empty what is wholly on a hidden layer, hide such annotations, and mark the hidden layers for `drop_hidden`."""
    from pypdf.generic import DictionaryObject, NameObject, NumberObject, StreamObject

    for thing in _objects(writer):
        if not isinstance(thing, DictionaryObject):
            continue
        if thing.get("/Type") in ("/OCG", "/OCMD"):
            if not layers.shows(thing):
                thing[NameObject(_MARK)] = NumberObject(1)
        elif "/OC" in thing and not layers.shows(thing.raw_get("/OC")):
            if isinstance(thing, StreamObject):
                thing.set_data(b"")
                thing[NameObject("/Subtype")] = NameObject("/Form")  # an emptied picture is none
            else:
                thing[NameObject("/F")] = NumberObject(int(thing.get("/F", 0)) | _HIDDEN)


def drop_hidden(page: PdfPage) -> int:
    """Take what is marked as on a hidden layer off a page, and give how many objects that were."""
    from pypdfium2 import raw

    key, value = _MARK[1:].encode(), ctypes.c_int()
    hidden = 0
    for item in _page_objects(raw, page):
        for index in range(raw.FPDFPageObj_CountMarks(item)):
            mark = raw.FPDFPageObj_GetMark(item, index)
            if raw.FPDFPageObjMark_GetParamIntValue(mark, key, ctypes.byref(value)) and value.value:
                raw.FPDFPageObj_SetIsActive(item, False)
                hidden += 1
                break
    return hidden


def _page_objects(raw: Any, page: PdfPage) -> Iterator[Any]:
    """The objects of a page, and those of its forms after them."""
    waiting = [raw.FPDFPage_GetObject(page, index) for index in range(raw.FPDFPage_CountObjects(page))]
    for count, item in enumerate(waiting):
        yield item
        if raw.FPDFPageObj_GetType(item) == raw.FPDF_PAGEOBJ_FORM and count < _MAX_OBJECTS:
            waiting.extend(raw.FPDFFormObj_GetObject(item, i) for i in range(raw.FPDFFormObj_CountObjects(item)))


def _objects(writer: PdfWriter) -> Iterator[Any]:
    number = 1
    while True:
        try:
            thing = writer.get_object(number)
        except IndexError:
            return
        yield thing
        number += 1


def _plain(thing: Any) -> Any:
    return thing.get_object() if hasattr(thing, "get_object") else thing


def _dictionary(thing: Any) -> dict[str, Any]:
    plain = _plain(thing)
    return plain if isinstance(plain, dict) else {}


def _items(thing: Any) -> list[Any]:
    plain = _plain(thing)
    return plain if isinstance(plain, list) else []


def _number(thing: Any) -> int:
    """The number of an object, or of what a reference refers to; 0 where it has none."""
    reference = thing if hasattr(thing, "idnum") else getattr(thing, "indirect_reference", None)
    return int(getattr(reference, "idnum", 0))


def _numbers(array: Any) -> set[int]:
    return {_number(one) for one in _items(array)}


def _view_states(layers: Any) -> Iterator[tuple[int, bool]]:
    for layer in _items(layers):
        state = _dictionary(_dictionary(_dictionary(layer).get("/Usage")).get("/View")).get("/ViewState")
        if state is not None:
            yield _number(layer), state != "/OFF"
