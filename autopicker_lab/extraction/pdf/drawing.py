"""Drawings on a PDF page: straight lines, and the share of the page that pictures cover."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.extraction.pdf.clipping import ClipProbe
from autopicker_lab.extraction.pdf.paint import Paint, PaintProbe
from autopicker_lab.extraction.pdf.tick_boxes import Shape, may_be_of_box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypdfium2 import PdfPage

_THIN = 3.0  # points: a filled box thinner than this is a line
_MAX_OBJECTS = 20_000
_MAX_SEGMENTS = 400


class RulingLine(NamedTuple):
    """A straight line, horizontal where y0 equals y1; coordinates in points."""

    x0: float
    y0: float
    x1: float
    y1: float


class Cover(NamedTuple):
    """What is filled or shown after some text: its turn in the order of drawing, and left, bottom, right, top."""

    turn: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass
class PageDrawings:
    """The drawings of a page, not yet turned.

    Attributes:
        image_share: the share of the page under pictures, 0 to 1.
        pictures: how many cover more than a hundredth of the page.
        covers: what is drawn after text, as far as it may hide some.
        clipped: the addresses of text objects that lie outside their clip.
        grounds: areas that are filled, and with what; text of that colour cannot be seen on them.
    """

    rules: list[RulingLine] = field(default_factory=list)
    image_share: float = 0.0
    pictures: int = 0
    covers: list[Cover] = field(default_factory=list)
    texts: list[tuple[int, Any]] = field(default_factory=list)  # turn and handle of each text object
    clipped: set[int | None] = field(default_factory=set)
    grounds: list[tuple[Paint, Cover]] = field(default_factory=list)
    squares: list[Shape] = field(default_factory=list)  # small rectangles, and other small outlines
    marks: list[Shape] = field(default_factory=list)

    def text_turns(self) -> dict[int | None, int]:
        """The turn of each text object in the order of drawing, by its address."""
        return {ctypes.addressof(item.contents): turn for turn, item in self.texts}


def read_drawings(page: PdfPage, box: tuple[float, float, float, float]) -> PageDrawings:
    """Straight lines and pictures of a page whose edges are `box`: left, bottom, right, top in points."""
    from pypdfium2 import raw

    found = PageDrawings()
    area = max((box[2] - box[0]) * (box[3] - box[1]), 1.0)
    edges = [ctypes.c_float() for _ in range(4)]
    refs = [ctypes.byref(edge) for edge in edges]
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    probe = PaintProbe(raw)
    for turn, (item, kind, matrix) in enumerate(page_objects(raw, page)):
        if kind == raw.FPDF_PAGEOBJ_TEXT:
            found.texts.append((turn, item))
        if kind not in (raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_IMAGE) or not raw.FPDFPageObj_GetBounds(item, *refs):
            continue
        x0, y0, x1, y1 = _transform_box(matrix, *(edge.value for edge in edges))
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            found.image_share += (x1 - x0) * (y1 - y0) / area
            found.pictures += (x1 - x0) * (y1 - y0) > 0.01 * area
            fill.value = 1
        elif y1 - y0 <= _THIN or x1 - x0 <= _THIN:
            if y1 - y0 <= x1 - x0:
                found.rules.append(RulingLine(x0, (y0 + y1) / 2, x1, (y0 + y1) / 2))
            else:
                found.rules.append(RulingLine((x0 + x1) / 2, y0, (x0 + x1) / 2, y1))
            continue
        else:
            raw.FPDFPath_GetDrawMode(item, ctypes.byref(fill), ctypes.byref(stroke))
            _keep_small(raw, found, item, (x0, y0, x1, y1), bool(stroke.value) and not fill.value)
            if stroke.value:
                found.rules.extend(_strokes(raw, item, matrix))
        if fill.value:
            area_filled = Cover(turn, x0, y0, x1, y1)
            if found.texts:
                found.covers.append(area_filled)
            elif kind == raw.FPDF_PAGEOBJ_PATH:
                found.grounds.append((probe.of_area(item), area_filled))
    found.image_share = min(found.image_share, 1.0)
    clips = ClipProbe(raw)
    found.clipped = {ctypes.addressof(item.contents) for _, item in found.texts if clips.cuts_away(item)}
    return found


def _keep_small(
    raw: Any, found: PageDrawings, item: Any, box: tuple[float, float, float, float], is_empty: bool
) -> None:
    """Keep a path that may be a box for a tick, or what is drawn in one."""
    if may_be_of_box(*box):
        (found.squares if _is_rectangle(raw, item) else found.marks).append(Shape(*box, is_empty))


def _is_rectangle(raw: Any, item: Any) -> bool:
    """Whether a path has the four or five corners of a rectangle, and no curve."""
    count = raw.FPDFPath_CountSegments(item)
    kinds = [raw.FPDFPathSegment_GetType(raw.FPDFPath_GetPathSegment(item, i)) for i in range(min(count, 6))]
    return count in (4, 5) and kinds.count(raw.FPDF_SEGMENT_LINETO) == count - 1


def drawn_weight(page: PdfPage) -> int:
    """How much is drawn on a page that may be letters: pieces of filled outlines, small pictures, nameless text."""
    from pypdfium2 import raw

    weight = 0
    for item, kind, _ in page_objects(raw, page):
        if kind == raw.FPDF_PAGEOBJ_PATH:
            weight += max(raw.FPDFPath_CountSegments(item), 0)
        elif kind == raw.FPDF_PAGEOBJ_IMAGE:
            weight += 10
        elif kind == raw.FPDF_PAGEOBJ_TEXT:
            weight += 100
    return weight


def page_objects(raw: Any, page: PdfPage) -> Iterator[tuple[Any, int, Any]]:
    """Page objects with their type and the matrix of the form that holds them (None at the top)."""
    count = 0
    handle, type_of = page.raw, raw.FPDFPageObj_GetType
    for index in range(raw.FPDFPage_CountObjects(handle)):
        item = raw.FPDFPage_GetObject(handle, index)
        count += 1
        if count > _MAX_OBJECTS:
            return
        kind = type_of(item)
        if kind != raw.FPDF_PAGEOBJ_FORM:
            yield item, kind, None
            continue
        matrix = raw.FS_MATRIX()
        raw.FPDFPageObj_GetMatrix(item, ctypes.byref(matrix))
        for inner in range(min(raw.FPDFFormObj_CountObjects(item), _MAX_OBJECTS - count)):
            count += 1
            piece = raw.FPDFFormObj_GetObject(item, inner)
            yield piece, type_of(piece), matrix


def _transform(matrix: Any, x: float, y: float) -> tuple[float, float]:
    if matrix is None:
        return x, y
    return matrix.a * x + matrix.c * y + matrix.e, matrix.b * x + matrix.d * y + matrix.f


def _transform_box(matrix: Any, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
    (ax, ay), (bx, by) = _transform(matrix, x0, y0), _transform(matrix, x1, y1)
    return min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)


def _strokes(raw: Any, item: Any, matrix: Any) -> Iterator[RulingLine]:
    """The horizontal and vertical strokes of a path."""
    count = raw.FPDFPath_CountSegments(item)
    if not 2 <= count <= _MAX_SEGMENTS:
        return
    path_matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(item, ctypes.byref(path_matrix))
    x, y = ctypes.c_float(), ctypes.c_float()
    start = current = (0.0, 0.0)
    for index in range(count):
        segment = raw.FPDFPath_GetPathSegment(item, index)
        raw.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        point = _transform(matrix, *_transform(path_matrix, x.value, y.value))
        kind = raw.FPDFPathSegment_GetType(segment)
        ends = [(current, point)] if kind == raw.FPDF_SEGMENT_LINETO else []
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = point
        if raw.FPDFPathSegment_GetClose(segment):
            ends.append((point, start))
        for (ax, ay), (bx, by) in ends:
            if abs(ax - bx) < 0.5 or abs(ay - by) < 0.5:
                yield RulingLine(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
        current = point
