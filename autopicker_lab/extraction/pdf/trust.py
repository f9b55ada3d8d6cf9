"""Whether the text layer of a page says what the page shows."""

from __future__ import annotations

import math
import re
import unicodedata
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from autopicker_lab.extraction.pdf.scans import OCR_DPI, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from pypdfium2 import PdfPage

    from autopicker_lab.extraction.pdf.content import PageContent
    from autopicker_lab.extraction.pdf.words import PageWord

_NAMELESS = 0.3  # share of characters: above it a page is read as a picture, or at least compared with it
_ENOUGH = 120  # letters from which their frequencies tell something
# How often each letter stands in a hundred of European text in Latin letters, about; ours, rounded over six languages.
_FREQUENCIES = dict(
    zip(
        "eatoinsrhldcumfpgwybvkxjqz",
        (
            12.5,
            8,
            8.5,
            7,
            7.5,
            7,
            7,
            6.5,
            4,
            4.5,
            4,
            3.5,
            3.3,
            2.7,
            1.7,
            2.3,
            1.6,
            1.2,
            1.2,
            1.3,
            1.3,
            0.9,
            0.2,
            0.4,
            0.6,
            0.5,
        ),
        strict=True,
    )
)
_NORM = math.sqrt(sum(share * share for share in _FREQUENCIES.values()))
_LIKE_TEXT, _UNLIKE_TEXT = 0.8, 0.68  # cosine with those: languages have 0.7 and more, exchanged letters 0.5
_JUDGED = 400  # words
_FEW, _VERY_UNLIKE = 12, 0.45
_PUNCTUATION = re.compile(r"[\s._·…\-–—|]+")
_ACCENTED = re.compile("[\u00a1-\u00ff]")
_ALPHANUMERIC = re.compile(r"[^\W_]+")
_SAMPLED = 5  # lines
_SAME, _OTHER = 0.6, 0.4  # similarity of a sample as it is in the layer and as it is recognised
_MARK = 3  # characters: the bullet of a list needs no name
_MENDED_LINES = 40  # of a document
_PROVEN = 3  # pages after which a document that was doubted in vain is believed


class LayerJudge:
    """Judges the text layers of a document's pages by their letters and, where these are odd, by their picture."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        self._languages = languages
        self._proven = 0
        self._lines_left = _MENDED_LINES

    def lies(self, page: PdfPage, content: PageContent) -> bool:
        """Whether the layer of a page says something else than its picture."""
        if content.garbled > _NAMELESS:
            return True
        if self._proven >= _PROVEN or not is_odd(content):
            return False
        said, recognised, _ = self._compare(page, content, _sample(content.words))
        likeness = SequenceMatcher(None, said, recognised, autojunk=False).ratio()
        self._proven += likeness >= _SAME
        content.doubted = content.unmapped > _NAMELESS and likeness < _SAME
        return bool(recognised) and likeness < _OTHER

    def mend(self, page: PdfPage, content: PageContent) -> None:
        """Read from the picture what stands in the odd font of a page that does not name its characters."""
        if not 0 < content.unmapped <= _NAMELESS or self._proven >= _PROVEN:
            return
        lines = _lines([word for word in content.words if word.source in content.nameless])
        dropped: set[int] = set()
        for line in [line for line in lines if sum(len(word.text) for word in line) > _MARK][: self._lines_left]:
            self._lines_left -= 1
            said, recognised, text = self._compare(page, content, [line])
            if not recognised:
                continue
            if SequenceMatcher(None, said, recognised, autojunk=False).ratio() >= _OTHER:
                self._proven += 1
                break
            line[0].text, line[0].x1 = " ".join(text.split()), line[-1].x1
            dropped |= {id(word) for word in line[1:]}
            content.mended += 1
        content.words = [word for word in content.words if id(word) not in dropped]

    def _compare(
        self, page: PdfPage, content: PageContent, lines: Sequence[Sequence[PageWord]]
    ) -> tuple[str, str, str]:
        """Letters and digits of lines as the layer has them and as they are recognised, and all that is recognised."""
        from autopicker_lab.core import MissingPackageError
        from autopicker_lab.extraction.ocr import read_text

        try:
            result = read_text(_strip(page, content, lines), self._languages)
        except MissingPackageError:
            return "", "", ""
        said = "".join(word.text for line in lines for word in line)
        return _bare(said), _bare(result.text) if result.is_confident else "", result.text


def is_odd(content: PageContent) -> bool:
    """Whether the letters of a page are not as those of a language, or its fonts do not name them."""
    text = "".join([word.text for word in content.words[:_JUDGED]]).lower()
    plain = text if text.isascii() else unicodedata.normalize("NFD", text)
    letters = {letter: plain.count(letter) for letter in _FREQUENCIES}
    count = sum(letters.values())
    likeness = _likeness(letters) if count >= _FEW else None
    if content.unmapped > _NAMELESS:
        return count < _ENOUGH or likeness is None or likeness < _LIKE_TEXT
    told = _PUNCTUATION.sub("", text)
    if len(told) < _ENOUGH:  # of few letters only the oddest are doubted
        return likeness is not None and count > 0.5 * len(told) and likeness < _VERY_UNLIKE
    accented = 0 if text.isascii() else len(_ACCENTED.findall(told))
    if accented > 0.4 * len(told) or len(_ALPHANUMERIC.sub("", told)) > 0.5 * len(told):
        return True
    return likeness is not None and count > 0.5 * len(told) and likeness < _UNLIKE_TEXT


def _likeness(letters: Mapping[str, int]) -> float:
    norm = math.sqrt(sum(count * count for count in letters.values())) * _NORM
    return sum(letters[letter] * share for letter, share in _FREQUENCIES.items()) / norm


def _bare(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())[:600]


def _sample(words: Sequence[PageWord]) -> list[list[PageWord]]:
    """The longest lines of a page, from top to bottom."""
    longest = sorted(_lines(words), key=lambda line: -sum(len(word.text) for word in line))[:_SAMPLED]
    return sorted(longest, key=lambda line: line[0].base)


def _lines(words: Sequence[PageWord]) -> list[list[PageWord]]:
    lines: dict[int, list[PageWord]] = {}
    for word in words:
        lines.setdefault(round(word.base / max(word.style.size / 2, 1)), []).append(word)
    return list(lines.values())


def _strip(page: PdfPage, content: PageContent, lines: Sequence[Sequence[PageWord]]) -> Image:
    """A picture of some lines of a page below one another, upright."""
    from PIL import Image

    scale = min(OCR_DPI / 72, 4000 / max(content.width, content.height, 1))
    picture = render(page, scale)
    if content.turn:
        picture = picture.rotate(-content.turn, expand=True)
    strips: list[Image.Image] = []
    for line in lines:
        size = max(word.style.size for word in line)
        left, right = min(word.x0 for word in line) - size, max(word.x1 for word in line) + size
        top, bottom = min(word.base for word in line) - 1.1 * size, max(word.base for word in line) + 0.4 * size
        strips.append(picture.crop(tuple(round(edge * scale) for edge in (left, top, right, bottom))))  # type: ignore[arg-type]  # four edges
    margin = 20
    sheet = Image.new(
        "RGB", (max(s.width for s in strips) + 2 * margin, sum(s.height for s in strips) + 2 * margin), "white"
    )
    height = margin
    for strip in strips:
        sheet.paste(strip, (margin, height))
        height += strip.height
    return sheet
