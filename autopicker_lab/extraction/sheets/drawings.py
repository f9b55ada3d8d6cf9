"""What lies over a sheet's cells: text boxes, shapes, SmartArt, pictures, and the old controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.ooxml import parse_xml

if TYPE_CHECKING:
    from autopicker_lab.extraction.opc import Package
    from autopicker_lab.extraction.sheets.model import SheetNotes

_VML = "{urn:schemas-microsoft-com:vml}"
_OFFICE = "{urn:schemas-microsoft-com:office:excel}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"


def read_drawing(package: Package, name: str, notes: SheetNotes) -> None:
    """The texts of a drawing's shapes and diagrams, and the names of its pictures, into the notes of its sheet."""
    root = package.root(name)
    if root is None:
        return
    for shape in root.iter("{*}sp", "{*}pic"):
        if next(shape.iterancestors(_FALLBACK), None) is not None:
            continue
        if shape.tag.endswith("}pic"):
            notes.pictures.append(_picture(shape))
        elif text := _paragraphs(shape):
            notes.texts.append(text)
    for relation in package.relations(name).values():
        if relation.type == "diagramData" and (diagram := package.root(relation.target)) is not None:
            notes.texts.append("; ".join(filter(None, map(_paragraphs, diagram.iter("{*}pt")))))


def _picture(element: Any) -> str:
    properties = next(element.iter("{*}cNvPr"), None)
    known = ("", "") if properties is None else (properties.get("name") or "", properties.get("descr") or "")
    return ": ".join(filter(None, known)) or "picture"


def _paragraphs(element: Any) -> str:
    lines = ("".join(t.text or "" for t in paragraph.iter("{*}t")) for paragraph in element.iter("{*}p"))
    return "\n".join(line for line in lines if line.strip())


def read_vml(data: bytes, notes: SheetNotes) -> None:
    """The texts of a legacy drawing's buttons, boxes and labels; those of comments stand in the comments."""
    root = parse_xml(data, recover=True) if data.strip() else None
    for shape in () if root is None else root.iter(f"{_VML}shape", f"{_VML}rect"):
        client = shape.find(f"{_OFFICE}ClientData")
        if client is not None and client.get("ObjectType") == "Note":
            continue
        boxes = shape.iter(f"{_VML}textbox")
        if text := " ".join(" ".join("".join(box.itertext()) for box in boxes).split()):
            notes.texts.append(_tick(client) + text)


def _tick(client: Any | None) -> str:
    """Whether a box for a tick, or a choice, is ticked; "" for what takes no tick."""
    if client is None:
        return ""
    choice = {"Checkbox": "[{}] ", "Radio": "({}) "}.get(client.get("ObjectType") or "", "")
    return choice.format("x" if client.findtext(f"{_OFFICE}Checked") in ("1", "True") else " ")
