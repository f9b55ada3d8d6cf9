"""XFA forms (Adobe's XML Forms Architecture 3.3): captions, texts and values out of template and data."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autopicker_lab.core import Part, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element
    from pypdfium2 import PdfDocument

_MAX_BYTES = 16 * 2**20
_MAX_LINES = 20_000
_MAX_DEPTH = 60
_MAX_VISITS = 20_000  # of subforms: each is visited once for each group of data around it
_UNSEEN = ("hidden", "invisible", "inactive")
_INNER = ("subform", "subformSet", "area", "exclGroup", "field", "draw", "pageSet", "pageArea")


@dataclass
class XfaForm:
    """What an XFA form shows: its lines as Markdown, and the values of its fields by name."""

    lines: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    visits: int = 0

    @property
    def is_full(self) -> bool:
        """Whether more of it is not read."""
        return len(self.lines) > _MAX_LINES or self.visits > _MAX_VISITS


def read_xfa(pdf: PdfDocument) -> XfaForm | None:
    """The XFA form of a document; None where it has none, or none that can be read."""
    from lxml import etree

    packets = b"".join(_packets(pdf))
    if not packets:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, remove_comments=True)
    try:
        root = etree.fromstring(packets, parser)
    except etree.XMLSyntaxError:
        return None
    if root is None:
        return None
    data = next((one for one in root.iter("{*}data") if "xfa-data" in str(one.tag)), None)
    template = next(root.iter("{*}template"), None)
    form = XfaForm()
    if template is not None:
        for subform in _named(template, "subform"):
            _read_container(subform, [data] if data is not None else [], form, 0)
    elif data is not None:
        form.lines = [f"{_name(leaf)}: {_words(leaf)}" for leaf in data.iter() if not len(leaf) and _words(leaf)]
    return form if form.lines else None


def _packets(pdf: PdfDocument) -> Iterator[bytes]:
    from pypdfium2 import raw

    room, length = _MAX_BYTES, ctypes.c_ulong()
    for index in range(min(max(raw.FPDF_GetXFAPacketCount(pdf), 0), 100)):
        if not raw.FPDF_GetXFAPacketContent(pdf, index, None, 0, ctypes.byref(length)):
            continue
        room -= length.value
        if room < 0:
            return
        buffer = ctypes.create_string_buffer(length.value)
        raw.FPDF_GetXFAPacketContent(pdf, index, buffer, length.value, ctypes.byref(length))
        yield buffer.raw


def _read_container(element: _Element, data: list[_Element], form: XfaForm, depth: int) -> None:
    """Enter what a subform holds into `form`, once for each group of data that it is bound to."""
    form.visits += 1
    if depth > _MAX_DEPTH or form.is_full or element.get("presence") in _UNSEEN:
        return
    for scope in _scopes(element, data):
        for child in element:
            kind = _name(child)
            if kind not in _INNER or child.get("presence") in _UNSEEN:
                continue
            if kind == "field":
                _read_field(child, scope, form)
            elif kind == "exclGroup":
                _read_choice(child, scope, form)
            elif kind == "draw":
                form.lines += filter(None, [_value_text(child)])
            else:
                _read_container(child, scope, form, depth + 1)


def _scopes(element: _Element, data: list[_Element]) -> list[list[_Element]]:
    """The groups of data for each repetition of a subform; where it is bound to none, those around it."""
    own = _bound(element, data) if _name(element) == "subform" else []
    groups = [group for group in own if len(group) or not _words(group)]
    return [[group, *data] for group in groups] or [data]


def _bound(element: _Element, data: list[_Element]) -> list[_Element]:
    """The data that an element is bound to: by a reference, or by its name in the nearest group that has it."""
    bind = next(_named(element, "bind"), None)
    match = bind.get("match") if bind is not None else None
    if match == "none" or not data:
        return []
    if match != "dataRef" or bind is None:
        name = element.get("name")
        return next((found for group in data if name and (found := list(_named(group, name)))), [])
    start, *path = [step.split("[")[0] for step in (bind.get("ref") or "").split(".")]
    starts = {"$record": data[-2:-1], "$data": data[-1:], "$": data[:1]}
    found = starts.get(start) or [child for group in data for child in _named(group, start)][:1]
    for step in path:
        found = [child for parent in found for child in _named(parent, step)]
    return found


def _read_field(element: _Element, data: list[_Element], form: XfaForm) -> None:
    control = next((_name(child) for ui in _named(element, "ui") for child in ui), "")
    if control == "button":
        return
    bound = _bound(element, data)
    value = _words(bound[0]) if bound else _value_text(element)
    caption = _caption(element)
    name = element.get("name") or caption
    if control == "checkButton":
        value = "[x]" if value and value in (_items(element, saved=True) or ["1"])[:1] else "[ ]"
    elif control == "passwordEdit":
        value = "*" * len(value)
    else:
        shown = dict(zip(_items(element, saved=True), _items(element, saved=False), strict=False))
        value = ", ".join(shown.get(one, one) for one in value.splitlines()) if shown else value
    _enter(form, name, caption, value)


def _read_choice(element: _Element, data: list[_Element], form: XfaForm) -> None:
    """Radio buttons: of their group the chosen one is marked."""
    bound = _bound(element, data)
    chosen = _words(bound[0]) if bound else _value_text(element)
    form.lines += filter(None, [_caption(element)])
    for button in _named(element, "field"):
        is_chosen = bool(chosen) and chosen in _items(button, saved=True)[:1]
        form.lines.append(f"{'(x)' if is_chosen else '( )'} {_caption(button) or button.get('name') or ''}".rstrip())
        if is_chosen:
            form.fields[element.get("name") or _caption(element)] = _caption(button) or chosen


def _enter(form: XfaForm, name: str, caption: str, value: str) -> None:
    if value:
        form.fields[name or f"field {len(form.fields) + 1}"] = value
    line = f"{caption.rstrip(':')}: {value}" if caption and value else caption or (f"{name}: {value}" if value else "")
    form.lines += filter(None, [line])


def _items(element: _Element, saved: bool) -> list[str]:
    """The options of a field as they are saved, or as they are shown; the same where only one of both is given."""
    lists = list(_named(element, "items"))
    kept = [one for one in lists if (one.get("save") == "1") == saved] or lists
    return [_words(item) for item in kept[0]] if kept else []


def _caption(element: _Element) -> str:
    return next((_value_text(caption) for caption in _named(element, "caption")), "")


def _value_text(element: _Element) -> str:
    """The text of an element's `value`: plain, or of its HTML; none where it is a picture or a line."""
    for value in _named(element, "value"):
        for content in value:
            if _name(content) not in ("image", "line", "rectangle", "arc"):
                return _words(content)
    return ""


def _named(element: _Element, name: str) -> Iterator[_Element]:
    return (child for child in element if _name(child) == name)


def _name(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _words(element: _Element) -> str:
    """The text in an element; lines stay, in HTML those of its paragraphs."""
    if _name(element) == "exData" or any(_name(child) == "body" for child in element):
        parts = ["".join(block.itertext()) for block in element.iter("{*}p", "{*}li")] or ["".join(element.itertext())]
    else:
        parts = "\n".join(element.itertext()).splitlines()
    return "\n".join(filter(None, (" ".join(part.split()) for part in parts)))


def with_form(form: XfaForm, pages: list[Part], has_fields: bool) -> tuple[list[Part], str]:
    """The parts of a document with its XFA form, and the note about it.

    Where the pages have fields of their own they show the form. A single page without any only asks to wait for it,
    or to open it elsewhere.
    """
    if has_fields:
        return pages, "the file is an XFA form: read as its pages show it"
    text = "\n".join(form.lines)
    part = Part("form", text, (), (Place(0, len(text)),))
    end = "; it is too long to be read to its end" if form.is_full else ""
    source = "the file is an XFA form: read from its template and data"
    if len(pages) == 1:
        return [part], f"{source}, without the page that stands for it{end}"
    return [part, *pages], f"{source}, and its pages after it{end}"
