"""What pdfium knows of a page: its words with place, size and font, beside what is drawn and noted on it.

All places are in points, x to the right and y downwards, on the page turned so that most of its text is upright.
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
from autopicker_lab.extraction.pdf.drawing import Rule, drawn

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_WORD = re.compile(r"[^\s\x02\ufffe\x00]+[\x02\ufffe]?")
_BOLD = re.compile(r"bold|black|heavy|demi|cmbx|sfbx|bx\d+$|-bd\b", re.IGNORECASE)
_MONO = re.compile(r"mono|courier|consol|cmtt|sftt|menlo|typewriter|inconsolata", re.IGNORECASE)
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00ad": None}
)
_MATHEMATICAL = re.compile("[\U0001d400-\U0001d7ff]+")


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
    line_numbers: int = 0  # left out by layout


def read_page(pdf: PdfDocument, page: PdfPage) -> PageContent:
    """Everything of one page that layout needs."""
    box = page.get_bbox()
    words, garbled = _words(page)
    usual = Counter(word.style.size for word in words).most_common(1)[0][0] if words else 10.0
    fields: dict[str, str] = {}
    notes: list[str] = []
    links: list[tuple[tuple[float, float, float, float], str]] = []
    for kind, rect, text in page_annotations(pdf, page, fields):
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
    rules, image_share, pictures = drawn(page, box)
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
