"""What pdfium knows of a page: its words with place, size and font, its ruled lines, links and form values.

All places are in points, x to the right and y downwards, on the page turned so that most of its text is upright.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_WORD = re.compile(r"[^\s\x02\ufffe\x00]+[\x02\ufffe]?")
_BOLD = re.compile(r"bold|black|heavy|demi|cmbx|sfbx|bx\d+$|-bd\b", re.IGNORECASE)
_MONO = re.compile(r"mono|courier|consol|cmtt|sftt|menlo|typewriter|inconsolata", re.IGNORECASE)
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00ad": None}
)
_MATHEMATICAL = re.compile("[\U0001d400-\U0001d7ff]+")
_THIN = 3.0  # points: a filled box thinner than this is a line
_MAX_OBJECTS = 20_000
_MAX_SEGMENTS = 400


class Style(NamedTuple):
    """Of a run of characters: size in points, and what the font's name says of it."""

    size: float
    bold: bool
    mono: bool
    angle: int


@dataclass(slots=True)
class Word:
    """Characters without a space between them; `base` is the base line, `hyphen` a break that pdfium saw."""

    text: str
    x0: float
    x1: float
    base: float
    style: Style
    hyphen: bool = False
    link: str = ""


class Rule(NamedTuple):
    """A straight line: horizontal where y0 equals y1."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass
class PageContent:
    """A page as `read_page` leaves it. `garbled` is the share of characters that no font could name."""

    width: float
    height: float
    words: list[Word]
    aside: list[Word]  # set at another angle than most of the page
    rules: list[Rule] = field(default_factory=list)
    image_share: float = 0.0
    pictures: int = 0  # those that cover more than a hundredth of the page
    garbled: float = 0.0
    notes: list[str] = field(default_factory=list)  # what annotations say
    fields: dict[str, str] = field(default_factory=dict)


def read_page(pdf: PdfDocument, page: PdfPage) -> PageContent:
    """Everything of one page that layout needs."""
    box = page.get_bbox()
    words, garbled = _words(page)
    usual = Counter(word.style.size for word in words).most_common(1)[0][0] if words else 10.0
    fields: dict[str, str] = {}
    notes: list[str] = []
    links: list[tuple[tuple[float, float, float, float], str]] = []
    for kind, rect, text in _annotations(pdf, page, fields):
        if kind == "widget":
            words.append(_in_place(text, rect, usual))
        elif kind == "link":
            links.append((rect, text))
        else:
            notes.append(text)
    angles = Counter[int]()
    for word in words:
        angles[word.style.angle] += len(word.text)
    turn = max(angles, key=lambda a: angles[a], default=0)
    turn = turn if turn % 90 == 0 else 0
    _link(words, links)
    rules, image_share, pictures = _drawn(page, box)
    place = _turner(turn, box)
    upright: list[Word] = []
    aside: list[Word] = []
    for word in words:
        (upright if word.style.angle == turn else aside).append(word)
    for word in upright:
        word.x0, word.x1, word.base = _turned_word(place, turn, word)
    sides = (box[2] - box[0], box[3] - box[1])
    width, height = sides if turn % 180 == 0 else sides[::-1]
    inside = [w for w in upright if w.x1 > -2 and w.x0 < width + 2 and -2 < w.base < height + 12]
    turned = [_turned_rule(place, rule) for rule in rules]
    return PageContent(width, height, inside, aside, turned, image_share, pictures, garbled, notes, fields)


def _words(page: PdfPage) -> tuple[list[Word], float]:
    from pypdfium2 import raw

    textpage = page.get_textpage()
    try:
        count = raw.FPDFText_CountChars(textpage)
        if count <= 0:
            return [], 0.0
        text = _characters(raw, textpage, count)
        return _cut(raw, textpage, text), _garbled(text)
    finally:
        textpage.close()


def _characters(raw: Any, textpage: Any, count: int) -> str:
    """One character for each of pdfium's indices; those beyond the basic plane take two, as surrogates."""
    buffer = (ctypes.c_ushort * (count + 1))()
    got = raw.FPDFText_GetText(textpage, 0, count, buffer)
    if got - 1 == count:
        return "".join(map(chr, buffer[:count]))
    codes = (raw.FPDFText_GetUnicode(textpage, index) for index in range(count))
    return "".join(chr(code) if code < 0x110000 else "\ufffd" for code in codes)


def _garbled(text: str) -> float:
    marks = [c for c in text if not c.isspace()]
    lost = sum(c == "\ufffd" or "\ue000" <= c <= "\uf8ff" or (c < " " and c != "\x02") for c in marks)
    return lost / len(marks) if marks else 0.0


def _cut(raw: Any, textpage: Any, text: str) -> list[Word]:
    box, matrix = raw.FS_RECTF(), raw.FS_MATRIX()
    box_ref, matrix_ref = ctypes.byref(box), ctypes.byref(matrix)
    x, y = ctypes.c_double(), ctypes.c_double()
    x_ref, y_ref = ctypes.byref(x), ctypes.byref(y)
    loose, origin, owner = raw.FPDFText_GetLooseCharBox, raw.FPDFText_GetCharOrigin, raw.FPDFText_GetTextObject
    styles: dict[int, Style] = {}
    fonts: dict[int, tuple[bool, bool]] = {}
    words: list[Word] = []
    for match in _WORD.finditer(text):
        first, last = match.start(), match.end() - 1
        piece = match[0]
        hyphen = piece[-1] in "\x02\ufffe"
        if hyphen:
            if len(piece) == 1:
                if words:
                    words[-1].hyphen, words[-1].text = True, words[-1].text + "-"
                continue
            piece, last = piece[:-1] + "-", last - 1
        pointer = owner(textpage, first)
        if pointer:
            key = ctypes.addressof(pointer.contents)
            style = styles.get(key)
            if style is None:
                raw.FPDFText_GetMatrix(textpage, first, matrix_ref)
                style = styles[key] = _style(raw, pointer, matrix, fonts)
        else:
            style = words[-1].style if words else Style(10.0, False, False, 0)
        loose(textpage, first, box_ref)
        edges = [box.left, box.right, box.bottom, box.top]
        if last > first:
            loose(textpage, last, box_ref)
            edges = [
                min(edges[0], box.left),
                max(edges[1], box.right),
                min(edges[2], box.bottom),
                max(edges[3], box.top),
            ]
        origin(textpage, first, x_ref, y_ref)
        if style.angle in (90, 270):  # along the page's y axis
            words.append(Word(_plain(piece), edges[2], edges[3], x.value, style, hyphen))
        else:
            words.append(Word(_plain(piece), edges[0], edges[1], y.value, style, hyphen))
    return words


def _plain(piece: str) -> str:
    """Surrogates paired, ligatures undone, mathematical letters as letters, soft hyphens dropped."""
    if piece.isascii():
        return piece
    whole = piece.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _MATHEMATICAL.sub(lambda m: unicodedata.normalize("NFKC", m[0]), whole).translate(_LIGATURES)


def _style(raw: Any, pointer: Any, matrix: Any, fonts: dict[int, tuple[bool, bool]]) -> Style:
    points = ctypes.c_float()
    raw.FPDFTextObj_GetFontSize(pointer, ctypes.byref(points))
    size = abs(points.value) * (math.hypot(matrix.c, matrix.d) or 1.0)
    angle = round(math.degrees(math.atan2(matrix.b, matrix.a))) % 360
    angle = next((a for a in (0, 90, 180, 270) if min(abs(angle - a), 360 - abs(angle - a)) <= 3), angle)
    font = raw.FPDFTextObj_GetFont(pointer)
    key = ctypes.addressof(font.contents) if font else 0
    if key not in fonts:
        fonts[key] = _font(raw, font) if font else (False, False)
    bold, mono = fonts[key]
    return Style(round(size, 1) or 1.0, bold, mono, angle)


def _font(raw: Any, font: Any) -> tuple[bool, bool]:
    length = raw.FPDFFont_GetBaseFontName(font, None, 0)
    buffer = ctypes.create_string_buffer(max(length, 1))
    raw.FPDFFont_GetBaseFontName(font, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_char)), length)
    name = buffer.value.decode("utf-8", "replace")
    return bool(_BOLD.search(name)) or raw.FPDFFont_GetWeight(font) >= 600, bool(_MONO.search(name))


def _turner(turn: int, box: tuple[float, float, float, float]) -> Any:
    left, bottom, right, top = box
    return {
        0: lambda x, y: (x - left, top - y),
        90: lambda x, y: (y - bottom, x - left),
        180: lambda x, y: (right - x, y - bottom),
        270: lambda x, y: (top - y, right - x),
    }[turn]


def _turned_word(place: Any, turn: int, word: Word) -> tuple[float, float, float]:
    """(x0, x1, base) of a word once the page is turned."""
    if turn in (90, 270):
        first, last = place(word.base, word.x0), place(word.base, word.x1)
    else:
        first, last = place(word.x0, word.base), place(word.x1, word.base)
    return min(first[0], last[0]), max(first[0], last[0]), first[1]


def _turned_rule(place: Any, rule: Rule) -> Rule:
    (ax, ay), (bx, by) = place(rule.x0, rule.y0), place(rule.x1, rule.y1)
    return Rule(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))


def _in_place(text: str, rect: tuple[float, float, float, float], size: float) -> Word:
    """A form value as a word in the middle of its box, as large as the text around it."""
    left, bottom, right, top = rect
    base = (bottom + top) / 2 - 0.35 * size
    return Word(text, left, min(left + len(text) * size / 2, right), base, Style(size, False, False, 0))


def _link(words: list[Word], links: list[tuple[tuple[float, float, float, float], str]]) -> None:
    """Tell the words under a link annotation where it leads."""
    for (left, bottom, right, top), target in links[:500]:
        for word in words:
            if bottom - 1 <= word.base <= top and left - 1 <= (word.x0 + word.x1) / 2 <= right + 1:
                word.link = target


def _drawn(page: PdfPage, box: tuple[float, float, float, float]) -> tuple[list[Rule], float, int]:
    """Straight lines, the share of the page that pictures cover, and how many are not tiny."""
    from pypdfium2 import raw

    rules: list[Rule] = []
    area = max((box[2] - box[0]) * (box[3] - box[1]), 1.0)
    covered, pictures = 0.0, 0
    edges = [ctypes.c_float() for _ in range(4)]
    refs = [ctypes.byref(edge) for edge in edges]
    for item, matrix in _objects(raw, page):
        kind = raw.FPDFPageObj_GetType(item)
        if kind not in (raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_IMAGE):
            continue
        if not raw.FPDFPageObj_GetBounds(item, *refs):
            continue
        x0, y0, x1, y1 = _moved_box(matrix, *(edge.value for edge in edges))
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            covered += (x1 - x0) * (y1 - y0)
            pictures += (x1 - x0) * (y1 - y0) > 0.01 * area
        elif y1 - y0 <= _THIN or x1 - x0 <= _THIN:
            if y1 - y0 <= x1 - x0:
                rules.append(Rule(x0, (y0 + y1) / 2, x1, (y0 + y1) / 2))
            else:
                rules.append(Rule((x0 + x1) / 2, y0, (x0 + x1) / 2, y1))
        else:
            rules.extend(_segments(raw, item, matrix))
    return rules, min(covered / area, 1.0), pictures


def _objects(raw: Any, page: PdfPage) -> Iterator[tuple[Any, Any]]:
    """Page objects with the matrix of the form that holds them (None at the top)."""
    seen = 0
    for index in range(raw.FPDFPage_CountObjects(page)):
        item = raw.FPDFPage_GetObject(page, index)
        seen += 1
        if seen > _MAX_OBJECTS:
            return
        if raw.FPDFPageObj_GetType(item) != raw.FPDF_PAGEOBJ_FORM:
            yield item, None
            continue
        matrix = raw.FS_MATRIX()
        raw.FPDFPageObj_GetMatrix(item, ctypes.byref(matrix))
        for inner in range(min(raw.FPDFFormObj_CountObjects(item), _MAX_OBJECTS - seen)):
            seen += 1
            yield raw.FPDFFormObj_GetObject(item, inner), matrix


def _moved(matrix: Any, x: float, y: float) -> tuple[float, float]:
    if matrix is None:
        return x, y
    return matrix.a * x + matrix.c * y + matrix.e, matrix.b * x + matrix.d * y + matrix.f


def _moved_box(matrix: Any, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
    (ax, ay), (bx, by) = _moved(matrix, x0, y0), _moved(matrix, x1, y1)
    return min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)


def _segments(raw: Any, item: Any, matrix: Any) -> Iterator[Rule]:
    """The horizontal and vertical strokes of a path; nothing of one that is only filled."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    count = raw.FPDFPath_CountSegments(item)
    raw.FPDFPath_GetDrawMode(item, ctypes.byref(fill), ctypes.byref(stroke))
    if not stroke.value or not 2 <= count <= _MAX_SEGMENTS:
        return
    own = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(item, ctypes.byref(own))
    x, y = ctypes.c_float(), ctypes.c_float()
    start = here = (0.0, 0.0)
    for index in range(count):
        segment = raw.FPDFPath_GetPathSegment(item, index)
        raw.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        point = _moved(matrix, *_moved(own, x.value, y.value))
        kind = raw.FPDFPathSegment_GetType(segment)
        ends = [(here, point)] if kind == raw.FPDF_SEGMENT_LINETO else []
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = point
        if raw.FPDFPathSegment_GetClose(segment):
            ends.append((point, start))
        for (ax, ay), (bx, by) in ends:
            if abs(ax - bx) < 0.5 or abs(ay - by) < 0.5:
                yield Rule(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
        here = point


_BUTTONS = (2, 3)  # FPDF_FORMFIELD_CHECKBOX, FPDF_FORMFIELD_RADIOBUTTON


def _annotations(
    pdf: PdfDocument, page: PdfPage, fields: dict[str, str]
) -> Iterator[tuple[str, tuple[float, float, float, float], str]]:
    """(widget, link or note; its rectangle; its text) of a page's annotations; fills in `fields`."""
    from pypdfium2 import raw

    form = pdf.formenv.raw if pdf.formenv else None
    rect = raw.FS_RECTF()
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), 2000)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            raw.FPDFAnnot_GetRect(annotation, ctypes.byref(rect))
            place = (rect.left, rect.bottom, rect.right, rect.top)
            if kind == raw.FPDF_ANNOT_WIDGET and form is not None:
                if value := _field_value(raw, form, annotation):
                    name = _wide(raw.FPDFAnnot_GetFormFieldName, form, annotation)
                    fields[name or f"field {len(fields) + 1}"] = value
                    yield "widget", place, value
            elif kind == raw.FPDF_ANNOT_LINK and (target := _target(raw, pdf, annotation)):
                yield "link", place, target
            elif kind not in (raw.FPDF_ANNOT_LINK, raw.FPDF_ANNOT_POPUP, raw.FPDF_ANNOT_WIDGET):
                text = _wide(raw.FPDFAnnot_GetStringValue, annotation, b"Contents").strip()
                if text:
                    yield "note", place, text
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def _field_value(raw: Any, form: Any, annotation: Any) -> str:
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _BUTTONS:
        return "[x]" if raw.FPDFAnnot_IsChecked(form, annotation) else "[ ]"
    return " ".join(_wide(raw.FPDFAnnot_GetFormFieldValue, form, annotation).split())


def _wide(call: Any, *args: Any) -> str:
    """A UTF-16 string of pdfium's, asked for its length first."""
    from pypdfium2 import raw

    length = call(*args, None, 0)
    if length <= 2:
        return ""
    buffer = ctypes.create_string_buffer(length)
    call(*args, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), length)
    return buffer.raw[: length - 2].decode("utf-16-le", "replace")


def _target(raw: Any, pdf: PdfDocument, annotation: Any) -> str:
    link = raw.FPDFAnnot_GetLink(annotation)
    action = raw.FPDFLink_GetAction(link) if link else None
    if not action or raw.FPDFAction_GetType(action) != raw.PDFACTION_URI:
        return ""
    length = raw.FPDFAction_GetURIPath(pdf, action, None, 0)
    buffer = ctypes.create_string_buffer(max(length, 1))
    raw.FPDFAction_GetURIPath(pdf, action, buffer, length)
    return buffer.value.decode("utf-8", "replace")
