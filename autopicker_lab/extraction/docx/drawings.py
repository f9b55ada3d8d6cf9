"""SmartArt, charts, embedded objects and old form controls: parts beside the text that a place in it refers to."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Table
from autopicker_lab.extraction.docx.names import OFFICE, A, R, W
from autopicker_lab.extraction.docx.symbols import EMPTY, TICKED
from autopicker_lab.extraction.ooxml import chart_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autopicker_lab.extraction.opc import Package

_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_CHARTEX = "{http://schemas.microsoft.com/office/drawing/2014/chartex}"
_AX = "{http://schemas.microsoft.com/office/2006/activeX}"
_EQUATION_PROGRAMS = ("equation.", "mathtype")
_MAX_POINTS, _MAX_COLUMNS = 1000, 50
_DEEPEST = 8  # levels of a list that are told apart
_MAX_NATIVE = 50 * 2**20  # bytes of an object whose file's name is looked for


def target(package: Package, part: str, id_: str | None) -> str | None:
    """The name of the part that a relation's id leads to; None where it leads nowhere inside the package."""
    relation = package.relations(part).get(id_ or "")
    return relation.target if relation is not None and not relation.is_external else None


def chart(root: Any) -> str:
    """The title and the table of a chart; "" where it stores no values."""
    table = chart_table(root, "")
    return "" if table is None else f"{table.label}\n\n{table.to_markdown()}".strip()


def extended_chart(root: Any) -> str:
    """The values of a chart of newer kinds (treemap, waterfall ...) as a table, one column a dimension."""
    title = "".join(t.text or "" for t in root.iterfind(f".//{_CHARTEX}title//{A}t")).strip()
    blocks = []
    for data in root.iter(f"{_CHARTEX}data"):
        columns = []
        for level in data.iter(f"{_CHARTEX}lvl"):
            points = {_int(p.get("idx")): " ".join((p.text or "").split()) for p in level.iter(f"{_CHARTEX}pt")}
            columns.append((level.getparent().get("type") or "", points))
        columns = columns[:_MAX_COLUMNS]
        rows = sorted({index for _, points in columns for index in points})[:_MAX_POINTS]
        lines = [tuple(name for name, _ in columns), *(tuple(p.get(i) for _, p in columns) for i in rows)]
        blocks += [Table(tuple(lines)).to_markdown()] if rows else []
    return "\n\n".join([title, *blocks]).strip()


def smart_art(root: Any) -> str:
    """The texts of a SmartArt as a nested list, in its order."""
    texts = {
        point.get("modelId"): " ".join("".join(t.text or "" for t in point.iter(f"{A}t")).split())
        for point in root.iter(f"{_DIAGRAM}pt")
        if point.get("type", "node") in ("node", "asst", "doc")
    }
    children: dict[str, list[tuple[int, str]]] = {}
    below: dict[str, None] = {}
    for link in root.iter(f"{_DIAGRAM}cxn"):
        source, destination = link.get("srcId"), link.get("destId")
        if link.get("type", "parOf") == "parOf" and source in texts and destination in texts:
            children.setdefault(source, []).append((_int(link.get("srcOrd")), destination))
            below[destination] = None
    lines: list[str] = []
    seen: set[str] = set()
    todo = [(0, id_) for id_ in reversed([id_ for id_ in texts if id_ not in below] + list(below))]
    while todo:
        depth, id_ = todo.pop()
        if id_ in seen:
            continue
        seen.add(id_)
        if texts[id_]:
            lines.append(f"{'   ' * min(depth, _DEEPEST)}- {texts[id_]}")
        deeper = depth + 1 if texts[id_] else depth
        todo += [(deeper, child) for _, child in sorted(children.get(id_, ()), reverse=True)]
    return "\n".join(lines)


def _int(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0


def embedded_object(element: Any) -> Any | None:
    """The element of a `w:object` that names its program; None where it holds a drawing alone."""
    return next(element.iter(f"{OFFICE}OLEObject", f"{W}objectEmbed", f"{W}objectLink"), None)


def embedded(package: Package, part: str, ole: Any) -> tuple[str, str]:
    """An embedded object by program and file ("Excel.Sheet.12, book.xlsx"), and its mark in the text."""
    program = ole.get("ProgID") or ole.get(f"{W}progId") or "object"
    if program.lower().startswith(_EQUATION_PROGRAMS):
        return program, f"[equation of {program}, not read]"
    relation = package.relations(part).get(ole.get(f"{R}id") or "")
    name = "" if relation is None else relation.target.rsplit("/", 1)[-1]
    if relation is not None and not relation.is_external and relation.target in package.names:
        name = _packed_name(package, relation.target) or name
    label = f"{program}, {name}" if name else program
    return label, f"[embedded object: {label}]"


def _packed_name(package: Package, part: str) -> str:
    """The name of the file that an OLE object packs; "" where it tells none."""
    import olefile

    data = package.read(part) if part.endswith(".bin") else None
    if data is None or len(data) > _MAX_NATIVE or not olefile.isOleFile(data):
        return ""
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            stream = ole.openstream("\x01Ole10Native").read(1024)
    except Exception:  # olefile raises what its parsing raises
        return ""
    label = stream[6:].split(b"\0", 1)[0].decode("cp1252", "replace")
    return " ".join(label.replace("\\", "/").rsplit("/", 1)[-1].split())


def active_control(package: Package, part: str, element: Any) -> tuple[str, str]:
    """An ActiveX control: its name, and what it shows; "" where its part does not tell."""
    name = element.get(f"{W}name") or "control"
    place = target(package, part, element.get(f"{R}id"))
    root = package.root(place) if place else None
    if root is None:
        return name, ""
    properties = {p.get(f"{_AX}name"): p.get(f"{_AX}value") or "" for p in root.iter(f"{_AX}ocxPr")}
    caption, state = properties.get("Caption", ""), properties.get("Value", "")
    if state in ("0", "1", "-1") and caption:
        return name, f"{EMPTY if state == '0' else TICKED} {caption}"
    return name, " ".join(text for text in (caption, state) if text)


def box_texts(body: Any) -> Iterator[str]:
    """The paragraphs of a DrawingML text body (`a:txBody`)."""
    for paragraph in body.iter(f"{A}p"):
        text = "".join(
            "\n" if piece.tag == f"{A}br" else piece.text or "" for piece in paragraph.iter(f"{A}t", f"{A}br")
        )
        if text.strip():
            yield text.strip()
