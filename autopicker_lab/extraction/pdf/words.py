"""The words of a PDF page by pdfium, with position, size and font.

All positions are in points, x to the right and y downwards, on the page turned so that most of its text is upright.
"""

from __future__ import annotations

import ctypes
import math
import re
import statistics
import unicodedata
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.pdf.fonts import FontStyle, style_of
from autopicker_lab.extraction.pdf.paint import Paint, PaintProbe
from autopicker_lab.extraction.pdf.scripts import INITIAL, GlyphRun, with_scripts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pypdfium2 import PdfPage


_NAMELESS = re.compile("[\ufffd\ue000-\uf8ff\x00\x01\x03-\x08\x0e-\x1b]")
_WORD = re.compile(r"[^\s\x02\ufffe\x00]+[\x02\ufffe]?")
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00ad": None}
)
VERTICAL = 270  # lines that run down the page, from right to left, are those of a page turned by this angle
_SPACE = 0.14  # in type sizes: a wider gap between text objects parts words
_UP = {0: 1, 90: -1, 180: -1, 270: 1}  # the sign by which a base grows as text at this angle rises
_TIGHT_SPACE = 0.08
_LONG_WORD = 14
_MATHEMATICAL = re.compile("[\U0001d400-\U0001d7ff]+")


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
    source: int | None = None  # the address of the text object that it is from


@dataclass
class PageText:
    """The words of a page in pdfium's order, not yet turned.

    Attributes:
        garbled: share of characters that have no name, 0 to 1.
        unmapped: addresses of text objects whose font does not name its characters.
        paints: with what each text object, by its address, is filled.
    """

    words: list[PageWord]
    garbled: float = 0.0
    unmapped: set[int | None] = field(default_factory=set)
    paints: dict[int | None, Paint] = field(default_factory=dict)


def read_words(page: PdfPage) -> PageText:
    """The words of a page."""
    from pypdfium2 import raw

    textpage = page.get_textpage()
    try:
        count = raw.FPDFText_CountChars(textpage)
        if count <= 0:
            return PageText([])
        text = _characters(raw, textpage, count)
        glyphs = _Glyphs(raw, textpage)
        return PageText(_split_words(glyphs, text), _garbled_share(text), glyphs.unmapped, glyphs.paints)
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
    characters = sum(map(len, text.split()))
    return len(_NAMELESS.findall(text)) / characters if characters else 0.0


def _split_words(glyphs: _Glyphs, text: str) -> list[PageWord]:
    words: list[PageWord] = []
    is_tight = _is_tight(text)
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
        tight = piece.isascii() and (is_tight or (len(piece) >= _LONG_WORD and piece.isalpha()))
        key = glyphs.owner(first)
        if last == first or (not tight and glyphs.owner(last) == key):
            words.append(glyphs.word(piece, first, last, key))
        else:
            words.extend(map(glyphs.word_of_runs, glyphs.runs(piece, first, last, tight)))
        if hyphen:
            words[-1].hyphen = True
    return words


def _is_tight(text: str) -> bool:
    """Whether a page of letters has hardly a space: its words are set by their places alone."""
    letters = text.encode("ascii", "ignore")
    return len(letters) > 0.8 * len(text) and len(letters) > 12 * (len(letters.split()) + 1)


_Run = tuple[str, int, int]  # characters of one text object, with pdfium's first and last index


def _function(function: Any, result: Any, *places: Any) -> Callable[..., int]:
    """A function of pdfium that takes a text page, an index and places to write to, without looking at their types.

    It is called for each word: pypdfium2's own checks cost as much as what they call.
    """
    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    return ctypes.CFUNCTYPE(result, ctypes.c_void_p, ctypes.c_int, *places)(address)


class _Glyphs:
    """The characters of a text page by pdfium's index."""

    def __init__(self, raw: Any, textpage: Any) -> None:
        self._raw, self._page = raw, textpage
        self._box, self._matrix = raw.FS_RECTF(), raw.FS_MATRIX()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._handle = handle = ctypes.cast(textpage.raw, ctypes.c_void_p)
        self._into_box = ctypes.addressof(self._box)
        self._into_origin = ctypes.addressof(self._x), ctypes.addressof(self._y)
        self._measure = _function(raw.FPDFText_GetLooseCharBox, ctypes.c_int, ctypes.c_void_p)
        self._locate = _function(raw.FPDFText_GetCharOrigin, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        # The address of the text object that a character belongs to; 0 where pdfium made it up.
        find = _function(raw.FPDFText_GetTextObject, ctypes.c_size_t)
        self.owner: Callable[[int], int] = partial(find, handle)
        self._styles: dict[int, FontStyle] = {}
        self._fonts: dict[int, tuple[bool, bool]] = {}
        self._last_style = FontStyle(10.0, False, False, 0)
        self._paint = PaintProbe(raw)
        self.unmapped: set[int | None] = set()
        self.paints: dict[int | None, Paint] = {}

    def word(self, piece: str, first: int, last: int, key: int) -> PageWord:
        """The word of the characters of the text object at the address `key`."""
        style = self._styles.get(key) or self._style(key, first)
        self._last_style = style
        handle, box, into_box = self._handle, self._box, self._into_box
        self._measure(handle, first, into_box)
        left, right, bottom, top = box.left, box.right, box.bottom, box.top
        if last > first:
            self._measure(handle, last, into_box)
            right = max(right, box.right)
            left = min(left, box.left)
            bottom = min(bottom, box.bottom)
            top = max(top, box.top)
        self._locate(handle, first, *self._into_origin)
        text = piece if piece.isascii() else _normalise(piece)
        if style.angle in (90, 270):  # along the page's y axis
            return PageWord(text, bottom, top, self._x.value, style, source=key)
        if last > first and not style.angle and top - bottom > max(1.7 * style.size, right - left):
            return PageWord(text, bottom, top, left + 0.12 * style.size, style._replace(angle=VERTICAL), source=key)
        return PageWord(text, left, right, self._y.value, style, source=key)

    def word_of_runs(self, runs: Sequence[_Run]) -> PageWord:
        """The word of several runs, its raised and lowered characters marked; in size and base that of the largest."""
        words = [self.word(piece, first, last, self.owner(first)) for piece, first, last in runs]
        main = max(words, key=lambda word: (word.style.size, len(word.text)))
        if len(words) == 1:
            return main
        if main.style.angle == 0 and _is_column(words):
            return column_word(words)
        if main.style.angle in _UP:
            up = _UP[main.style.angle]
            main.text = with_scripts([GlyphRun(word.text, word.style.size, up * word.base) for word in words])
            main.x0, main.x1 = min(word.x0 for word in words), max(word.x1 for word in words)
        return main

    def runs(self, piece: str, first: int, last: int, tight: bool) -> Iterator[list[_Run]]:
        """A piece without spaces as words, each of runs of one text object.

        It is parted where its angle changes or a gap between text objects is as wide as a space; where the words are
        set `tight` also at gaps within one that are much wider than the others.
        """
        owners = [self.owner(index) for index in range(first, last + 1)]
        widest = _SPACE
        if tight:
            gaps = [
                self._gap(index, *owners[index - first - 1 : index - first + 1]) for index in range(first + 1, last + 1)
            ]
            widest = _TIGHT_SPACE + max(statistics.median(gaps), 0.0)
        runs: list[_Run] = []
        start = 0
        for i in range(1, len(owners)):
            changes = owners[i] != owners[i - 1]
            if not changes and not tight:
                continue
            parted = self._gap(first + i, owners[i - 1], owners[i]) > widest and not (
                is_cjk(piece[i]) or is_cjk(piece[i - 1])
            )
            if changes or parted:
                runs.append((piece[start:i], first + start, first + i - 1))
                start = i
            if parted:
                yield runs
                runs = []
        yield [*runs, (piece[start:], first + start, last)]

    def _style(self, key: int, index: int) -> FontStyle:
        """The type of the text object at the address `key`; the last one's where there is none."""
        style = self._styles.get(key) if key else self._last_style
        if style is None:
            self._raw.FPDFText_GetMatrix(self._page, index, ctypes.byref(self._matrix))
            pointer = self._raw.FPDFText_GetTextObject(self._page, index)
            style = self._styles[key] = style_of(self._raw, pointer, self._matrix, self._fonts)
            if self._raw.FPDFText_HasUnicodeMapError(self._page, index) == 1:
                self.unmapped.add(key)
            self.paints[key] = self._paint.of_text(pointer)
        self._last_style = style
        return style

    def _gap(self, index: int, before: int, owner: int) -> float:
        """The gap before a character in type sizes; endless where its angle or its size is quite another one."""
        last, style = self._style(before, index - 1), self._style(owner, index)
        if last.angle != style.angle or not INITIAL < style.size / last.size < 1 / INITIAL:
            return math.inf
        if style.angle:
            return 0.0
        self._measure(self._handle, index - 1, self._into_box)
        right = self._box.right
        self._measure(self._handle, index, self._into_box)
        return float(self._box.left - right) / max(last.size, style.size)


def column_word(words: Sequence[PageWord]) -> PageWord:
    """Words below one another as one that runs down the page, at the angle `VERTICAL`."""
    style = words[0].style
    bottom, top = words[-1].base - 0.12 * style.size, words[0].base + 0.88 * style.size
    left = min(word.x0 for word in words) + 0.12 * style.size
    return PageWord("".join(word.text for word in words), bottom, top, left, style._replace(angle=VERTICAL))


def _is_column(words: Sequence[PageWord]) -> bool:
    """Whether words stand below one another, not side by side."""
    below = words[0].base - words[-1].base > 0.8 * words[0].style.size
    return below and max(word.x0 for word in words) < min(word.x1 for word in words)


def is_cjk(character: str) -> bool:
    """Whether a character is of a script that sets no spaces: Chinese, Japanese."""
    return "\u3000" <= character <= "\u30ff" or "\u3400" <= character <= "\u9fff" or "\uff00" <= character <= "\uff60"


def _normalise(piece: str) -> str:
    """Text with surrogates paired, ligatures undone, mathematical letters as letters, and without soft hyphens."""
    text = piece.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _MATHEMATICAL.sub(lambda m: unicodedata.normalize("NFKC", m[0]), text).translate(_LIGATURES)
