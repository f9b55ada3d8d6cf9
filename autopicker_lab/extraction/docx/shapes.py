"""Drawings, objects and controls in a paragraph: named, or told below it by what their parts hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.docx import drawings
from autopicker_lab.extraction.docx.findings import Findings
from autopicker_lab.extraction.docx.names import OFFICE, VML, A, R, W

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.extraction.opc import Package

_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_EXTENDED_CHART = "{http://schemas.microsoft.com/office/drawing/2014/chartex}chart"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_PICTURE = "{http://schemas.openxmlformats.org/drawingml/2006/picture}pic"


class Shapes:
    """What a walk meets between letters.

    Attributes:
        part: the part that the walk is in, whose relations count.
        found: pictures, objects and changes met so far.
        in_margin: the part is a header or a footer.
    """

    def __init__(self, package: Package, main: str) -> None:
        self.package, self.part = package, main
        self.found = Findings()
        self.in_margin = False
        self._boxes: list[Any] = []  # text boxes and charts of the current paragraph: elements, or Markdown
        self._told: set[str] = set()  # parts that were shown
        self._known: dict[tuple[str, str, str], tuple[str, str]] = {}  # objects and controls by part and relation
        self._drawn = {"name": "", "alt": ""}  # the drawing that the walk is in
        self._handlers: dict[str, Callable[[Any], str]] = {
            f"{W}object": self._object,
            f"{W}control": self._control,
            f"{W}subDoc": self._subdocument,
            f"{W}txbxContent": self._box,
            f"{A}txBody": self._drawn_text,
            f"{_WP}inline": self._drawing,
            f"{_WP}anchor": self._drawing,
            _PICTURE: self._picture,
            _CHART: self._chart,
            _EXTENDED_CHART: self._extended_chart,
            _DIAGRAM: self._smart_art,
            f"{VML}imagedata": self._old_picture,
            f"{VML}textpath": self._letters_as_drawing,
        }

    def _inline(self, element: Any) -> str:
        """The text inside an element."""
        raise NotImplementedError

    def _box(self, element: Any) -> str:
        self._boxes.append(element)
        return ""

    def _drawn_text(self, element: Any) -> str:
        self._boxes += drawings.box_texts(element)
        return ""

    def _drawing(self, element: Any) -> str:
        """A picture, chart, SmartArt or shapes; shapes hold text boxes of their own."""
        outer, boxes, pictures = self._drawn, len(self._boxes), len(self.found.images)
        properties = element.find(f"{_WP}docPr")
        self._drawn = {
            "name": "" if properties is None else properties.get("name") or "",
            "alt": "" if properties is None else properties.get("descr") or "",
        }
        link = None if properties is None else properties.find(f"{A}hlinkClick")
        relation = None if link is None else self.package.relations(self.part).get(link.get(f"{R}id") or "")
        if relation is not None and relation.is_external:
            self._drawn["link"] = relation.target
        text = self._inline(element)
        if len(self._boxes) == boxes and len(self.found.images) == pictures:
            if self._drawn["alt"]:
                self.found.images.append(self._drawn)
            else:
                self.found.drawn += 1
        if "watermark" in self._drawn["name"].lower():
            self._boxes[boxes:] = [self._watermark(box) for box in self._boxes[boxes:]]
        self._drawn = outer
        return text

    def _picture(self, _element: Any) -> str:
        self.found.images.append(self._drawn)
        return ""

    def _chart(self, element: Any) -> str:
        return self._tell(element.get(f"{R}id"), drawings.chart)

    def _extended_chart(self, element: Any) -> str:
        return self._tell(element.get(f"{R}id"), drawings.extended_chart)

    def _smart_art(self, element: Any) -> str:
        return self._tell(element.get(f"{R}dm"), drawings.smart_art)

    def _tell(self, id_: str | None, reader: Callable[[Any], str]) -> str:
        """Leave what a part shows below the paragraph, the first time that it stands there."""
        place = drawings.target(self.package, self.part, id_)
        root = self.package.root(place) if place and place not in self._told else None
        if place:
            self._told.add(place)
            self._boxes.append(reader(root) if root is not None else "")
        return ""

    def _watermark(self, box: Any) -> str:
        text = box if isinstance(box, str) else "".join(t.text or "" for t in box.iter(f"{W}t"))
        return f"Watermark: {text.removeprefix('Watermark: ')}"

    def _old_picture(self, element: Any) -> str:
        shape = element.getparent()
        alt = "" if shape is None else shape.get("alt") or ""
        self.found.images.append({"name": element.get(f"{OFFICE}title") or "", "alt": alt})
        return ""

    def _letters_as_drawing(self, element: Any) -> str:
        """WordArt; in a header, and under its own name, a watermark."""
        shape = element.getparent()
        text = " ".join((element.get("string") or "").split())
        named = "" if shape is None else (shape.get("id") or "").lower()
        if text:
            self._boxes.append(f"Watermark: {text}" if self.in_margin or "watermark" in named else text)
        return ""

    def _object(self, element: Any) -> str:
        """An embedded object, named; the picture that stands for it is none of the document."""
        pictures = len(self.found.images)
        text = self._inline(element)
        ole = drawings.embedded_object(element)
        if ole is None:
            return text
        del self.found.images[pictures:]
        label, mark = self._once(ole, drawings.embedded)
        self.found.embedded.append(label)
        return text + mark

    def _control(self, element: Any) -> str:
        name, shown = self._once(element, drawings.active_control)
        if not shown:
            self.found.embedded.append(f"control {name}")
            return f"[control {name}]"
        return shown

    def _once(self, element: Any, reader: Callable[[Package, str, Any], tuple[str, str]]) -> tuple[str, str]:
        """What a reader tells of the part that an element refers to; each part is read once."""
        id_ = element.get(f"{R}id")
        key = (self.part, id_ or "", element.tag)
        if not id_ or key not in self._known:
            self._known[key] = reader(self.package, self.part, element)
        return self._known[key]

    def _subdocument(self, element: Any) -> str:
        relation = self.package.relations(self.part).get(element.get(f"{R}id") or "")
        self.found.remark(f"a subdocument was not read: {relation.target if relation else 'its address is missing'}")
        return ""
