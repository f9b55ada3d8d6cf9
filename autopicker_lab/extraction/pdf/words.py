"""The content of a PDF page by pdfium: words with position, size and font, with drawings and annotations.

All positions are in points, x to the right and y downwards, on the page turned so that most of its text is upright.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.extraction.pdf.annotations import page_annotations
from autopicker_lab.extraction.pdf.drawing import RulingLine, read_drawings

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_WORD = re.compile(r"[^\s\x02\ufffe\x00]+[\x02\ufffe]?")
_BOLD = re.compile(r"bold|black|heavy|demi|cmbx|sfbx|bx\d+$|-bd\b", re.IGNORECASE)
_MONO = re.compile(r"mono|courier|consol|cmtt|sftt|menlo|typewriter|inconsolata", re.IGNORECASE)
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00ad": None}
)
_MATHEMATICAL = re.compile("[\U0001d400-\U0001d7ff]+")


class FontStyle(NamedTuple):
    """Type of a run of characters: size in points, weight and width by the font's name, angle in degrees."""

    size: float
    bold: bool
    mono: bool
    angle: int


@dataclass(slots=True)
class PageWord:
    """Characters without a space between them; `base` is the base line, `hyphen` marks a break that pdfium detected."""

    text: str
    x0: float
    x1: float
    base: float
    style: FontStyle
    hyphen: bool = False
    link: str = ""


@dataclass
class PageContent:
    """Everything that layout needs of a page.

    Attributes:
        garbled: share of characters that no font could name, 0 to 1.
        turn: degrees by which the page as it is shown is turned clockwise so that its text is upright.
    """

    width: float
    height: float
    words: list[PageWord]
    rotated: list[PageWord]  # set at another angle than most of the page
    rules: list[RulingLine] = field(default_factory=list)
    image_share: float = 0.0
    pictures: int = 0  # those that cover more than a hundredth of the page
    garbled: float = 0.0
    notes: list[str] = field(default_factory=list)  # text of annotations
    fields: dict[str, str] = field(default_factory=dict)
    line_numbers: int = 0  # left out by layout
    turn: int = 0


def read_page(pdf: PdfDocument, page: PdfPage) -> PageContent:
    """Read the words, lines, pictures and annotations of one page."""
    box = page.get_bbox()
    words, garbled = _words(page)
    usual_size = Counter(word.style.size for word in words).most_common(1)[0][0] if words else 10.0
    fields: dict[str, str] = {}
    notes: list[str] = []
    links: list[tuple[tuple[float, float, float, float], str]] = []
    for kind, rect, text in page_annotations(pdf, page, fields):
        if kind == "widget":
            words.append(_form_word(text, rect, usual_size))
        elif kind == "link":
            links.append((rect, text))
        else:
            notes.append(text)
    angles = Counter[int]()
    for word in words:
        angles[word.style.angle] += len(word.text)
    angle = max(angles, key=lambda candidate: angles[candidate], default=0)
    angle = angle if angle % 90 == 0 else 0
    _attach_links(words, links)
    rules, image_share, pictures = read_drawings(page, box)
    rotate = _rotation(angle, box)
    upright: list[PageWord] = []
    rotated: list[PageWord] = []
    for word in words:
        (upright if word.style.angle == angle else rotated).append(word)
    for word in upright:
        word.x0, word.x1, word.base = _rotate_word(rotate, angle, word)
    sides = (box[2] - box[0], box[3] - box[1])
    width, height = sides if angle % 180 == 0 else sides[::-1]
    inside = [w for w in upright if w.x1 > -2 and w.x0 < width + 2 and -2 < w.base < height + 12]
    rotated_rules = [_rotate_rule(rotate, rule) for rule in rules]
    turn = (angle - page.get_rotation()) % 360
    return PageContent(
        width, height, inside, rotated, rotated_rules, image_share, pictures, garbled, notes, fields, turn=turn
    )


def _words(page: PdfPage) -> tuple[list[PageWord], float]:
    from pypdfium2 import raw

    textpage = page.get_textpage()
    try:
        count = raw.FPDFText_CountChars(textpage)
        if count <= 0:
            return [], 0.0
        text = _characters(raw, textpage, count)
        return _split_words(raw, textpage, text), _garbled_share(text)
    finally:
        textpage.close()


def _characters(raw: Any, textpage: Any, count: int) -> str:
    """One character for each of pdfium's indices; those beyond the basic plane take two, as surrogates."""
    buffer = (ctypes.c_ushort * (count + 1))()
    length = raw.FPDFText_GetText(textpage, 0, count, buffer)
    if length - 1 == count:
        return "".join(map(chr, buffer[:count]))
    codes = (raw.FPDFText_GetUnicode(textpage, index) for index in range(count))
    return "".join(chr(code) if code < 0x110000 else "\ufffd" for code in codes)


def _garbled_share(text: str) -> float:
    characters = [c for c in text if not c.isspace()]
    nameless = sum(c == "\ufffd" or "\ue000" <= c <= "\uf8ff" or (c < " " and c != "\x02") for c in characters)
    return nameless / len(characters) if characters else 0.0


def _split_words(raw: Any, textpage: Any, text: str) -> list[PageWord]:
    box, matrix = raw.FS_RECTF(), raw.FS_MATRIX()
    box_ref, matrix_ref = ctypes.byref(box), ctypes.byref(matrix)
    x, y = ctypes.c_double(), ctypes.c_double()
    x_ref, y_ref = ctypes.byref(x), ctypes.byref(y)
    loose, origin, owner = raw.FPDFText_GetLooseCharBox, raw.FPDFText_GetCharOrigin, raw.FPDFText_GetTextObject
    styles: dict[int, FontStyle] = {}
    fonts: dict[int, tuple[bool, bool]] = {}
    words: list[PageWord] = []
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
            style = words[-1].style if words else FontStyle(10.0, False, False, 0)
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
            words.append(PageWord(_normalise(piece), edges[2], edges[3], x.value, style, hyphen))
        else:
            words.append(PageWord(_normalise(piece), edges[0], edges[1], y.value, style, hyphen))
    return words


def _normalise(piece: str) -> str:
    """Text with surrogates paired, ligatures undone, mathematical letters as letters, and without soft hyphens."""
    if piece.isascii():
        return piece
    text = piece.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _MATHEMATICAL.sub(lambda m: unicodedata.normalize("NFKC", m[0]), text).translate(_LIGATURES)


def _style(raw: Any, pointer: Any, matrix: Any, fonts: dict[int, tuple[bool, bool]]) -> FontStyle:
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
    return FontStyle(round(size, 1) or 1.0, bold, mono, angle)


def _font(raw: Any, font: Any) -> tuple[bool, bool]:
    length = raw.FPDFFont_GetBaseFontName(font, None, 0)
    buffer = ctypes.create_string_buffer(max(length, 1))
    raw.FPDFFont_GetBaseFontName(font, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_char)), length)
    name = buffer.value.decode("utf-8", "replace")
    return bool(_BOLD.search(name)) or raw.FPDFFont_GetWeight(font) >= 600, bool(_MONO.search(name))


def _rotation(angle: int, box: tuple[float, float, float, float]) -> Any:
    left, bottom, right, top = box
    return {
        0: lambda x, y: (x - left, top - y),
        90: lambda x, y: (y - bottom, x - left),
        180: lambda x, y: (right - x, y - bottom),
        270: lambda x, y: (top - y, right - x),
    }[angle]


def _rotate_word(rotate: Any, angle: int, word: PageWord) -> tuple[float, float, float]:
    """(x0, x1, base) of a word on the turned page."""
    if angle in (90, 270):
        first, last = rotate(word.base, word.x0), rotate(word.base, word.x1)
    else:
        first, last = rotate(word.x0, word.base), rotate(word.x1, word.base)
    return min(first[0], last[0]), max(first[0], last[0]), first[1]


def _rotate_rule(rotate: Any, rule: RulingLine) -> RulingLine:
    (ax, ay), (bx, by) = rotate(rule.x0, rule.y0), rotate(rule.x1, rule.y1)
    return RulingLine(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))


def _form_word(text: str, rect: tuple[float, float, float, float], size: float) -> PageWord:
    """A form value as a word in the middle of its box, in the usual size of the page's text."""
    left, bottom, right, top = rect
    base = (bottom + top) / 2 - 0.35 * size
    return PageWord(text, left, min(left + len(text) * size / 2, right), base, FontStyle(size, False, False, 0))


def _attach_links(words: list[PageWord], links: list[tuple[tuple[float, float, float, float], str]]) -> None:
    """Set the target of each link annotation on the words under it."""
    for (left, bottom, right, top), target in links[:500]:
        for word in words:
            if bottom - 1 <= word.base <= top and left - 1 <= (word.x0 + word.x1) / 2 <= right + 1:
                word.link = target
