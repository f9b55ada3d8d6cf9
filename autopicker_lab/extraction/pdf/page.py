"""A page of a PDF by pdfium, turned so that most of its text is upright: words, drawings and annotations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.pdf.content import PageContent
from autopicker_lab.extraction.pdf.drawing import RulingLine, drawn_weight, read_drawings
from autopicker_lab.extraction.pdf.fonts import FontStyle
from autopicker_lab.extraction.pdf.initials import join_letters
from autopicker_lab.extraction.pdf.ink import unseen_words
from autopicker_lab.extraction.pdf.strikes import mark_struck
from autopicker_lab.extraction.pdf.tick_boxes import box_words
from autopicker_lab.extraction.pdf.turned import take_heads, turned_lines
from autopicker_lab.extraction.pdf.vertical import join_columns
from autopicker_lab.extraction.pdf.words import PageWord, read_words

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

    from autopicker_lab.extraction.pdf.annotations import PageAnnotations

_NEAR = 2.4  # points: a word and its shadow are half of it apart at most
_ROW = 2**20  # squares side by side


def read_page(page: PdfPage, annotations: PageAnnotations) -> PageContent:
    """Read the words, lines and pictures of one page, with its annotations."""
    box = page.get_bbox()
    drawings, layer = read_drawings(page, box), read_words(page)
    unseen = unseen_words(page, layer.words, layer.paints, drawings)
    words = [word for word in layer.words if id(word) not in unseen] if unseen else layer.words
    mark_struck(words, drawings.rules, annotations.strikes)
    usual_size = Counter(word.style.size for word in words).most_common(1)[0][0] if words else 10.0
    shown = " ".join(word.text for word in words) if annotations.notes else ""
    notes = [note for note in annotations.notes if " ".join(note.split()) not in shown]
    words.extend(_form_word(text, rect, usual_size) for rect, text in annotations.widgets)
    words.extend(list(box_words(drawings.squares, drawings.marks, words)))
    words = join_columns(words)
    angles = Counter[int]()
    for word in words:
        angles[word.style.angle] += len(word.text)
    angle = max(angles, key=lambda candidate: angles[candidate], default=0)
    angle = angle if angle % 90 == 0 else 0
    _attach_links(words, annotations.links)
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
    beyond = 0 if len(inside) == len(upright) else _length(upright) - _length(inside)
    inside = join_letters(_once(inside), usual_size)
    heads, turned = take_heads(turned_lines(rotated, rotate), inside)
    inside.extend(heads)
    rotated_rules = [_rotate_rule(rotate, rule) for rule in drawings.rules]
    turn = (angle - page.get_rotation()) % 360
    content = PageContent(width, height, inside, rotated, rotated_rules, drawings.image_share, drawings.pictures)
    content.turn, content.turned = turn, turned
    content.notes, content.annotations = notes, annotations
    content.garbled, content.unmapped = layer.garbled, _share(words, layer.unmapped)
    content.hidden = sum(len(word.text) for word in layer.words if id(word) in unseen) if unseen else 0
    content.outside, content.nameless = beyond, layer.unmapped
    if not words:
        content.drawn = drawn_weight(page)
    return content


def _length(words: list[PageWord]) -> int:
    return sum(len(word.text) for word in words)


def _share(words: list[PageWord], sources: set[int | None]) -> float:
    """The share of characters that are of these text objects, 0 to 1."""
    if not sources:
        return 0.0
    lengths = [(len(word.text), word.source in sources) for word in words]
    return sum(length for length, is_one in lengths if is_one) / max(sum(length for length, _ in lengths), 1)


def _once(words: list[PageWord]) -> list[PageWord]:
    """The words; one set twice in nearly one place, as a shadow or to look bold, comes once."""
    places: dict[str, set[int]] = {}  # of a text: squares of the page, as numbers
    once: list[PageWord] = []
    for word in words:
        across, down = word.x0 / _NEAR, word.base / _NEAR
        square = int(across) + _ROW * int(down)
        known = places.get(word.text)
        if known is None:
            places[word.text] = {square}
        else:
            left, right = int(across - 0.5), int(across + 0.5)
            above, below = _ROW * int(down - 0.5), _ROW * int(down + 0.5)
            if left + above in known or right + above in known or left + below in known or right + below in known:
                continue
            known.add(square)
        once.append(word)
    return once


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
