"""The type of a whole document, and what it makes a heading."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.extraction.pdf.lines import StyledLine
    from autopicker_lab.extraction.pdf.words import PageWord

BULLET = re.compile(r"^([•‣▪▫■□●○◦◆►➢➤✓❖·∙\ue000-\uf8ff]|[-–—*](?=\s))\s*")
_SECTION = re.compile(
    r"^(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?|[IVX]{1,5}\.|[A-Z]\.|appendix\b.*|chapter\b.*)\s+\S", re.IGNORECASE
)
_DEEP_SECTION = re.compile(r"^\d{1,2}(?:\.\d{1,2}){1,3}\.?\s+[A-Z]")
END = (".", "!", "?", ":", ";", "。", "！", "？", "…")
_HEADING_GROWTH = 1.12
_LONGEST_HEADING = 200


@dataclass
class Typography:
    """The usual type of a document's text, from which headings and code differ."""

    body: float  # points
    bold_body: bool
    mono_body: bool  # receipts and listings: nothing is code in particular
    levels: Mapping[float, int]  # heading size, points -> 1 to 6
    outline: Mapping[str, int]  # heading text, normalised -> level
    vocabulary: frozenset[str]

    @classmethod
    def of(cls, pages: Sequence[Sequence[PageWord]], outline: Mapping[str, int]) -> Typography:
        """Measure the words of all pages; `outline` has the level of each bookmark by its normalised title."""
        sizes: Counter[float] = Counter()
        bold = mono = total = 0
        vocabulary: set[str] = set()
        for words in pages:
            for word in words:
                length = len(word.text)
                sizes[round(word.style.size * 2) / 2] += length
                total += length
                bold += length if word.style.bold else 0
                mono += length if word.style.mono else 0
                if not word.hyphen:
                    vocabulary.add(word.text.casefold().strip(".,;:!?()[]\"'“”"))
        body = max(sizes, key=lambda s: sizes[s], default=10.0)
        larger = sorted((s for s in sizes if s >= body * _HEADING_GROWTH), reverse=True)
        levels = {size: min(rank, 5) for rank, size in enumerate(larger, 1)}
        return cls(body, bold > 0.5 * total, mono > 0.5 * total, levels, outline, frozenset(vocabulary))


def normalised(text: str) -> str:
    """A text in small letters, its blanks as one space each."""
    return " ".join(text.split()).casefold()


def heading_level(lines: list[StyledLine], text: str, typography: Typography) -> int:
    """The heading level of a block by the outline, its size, or its weight; 0 for text."""
    if len(text) > _LONGEST_HEADING or not any(c.isalpha() for c in text) or lines[-1].has_leaders:
        return 0
    outline_level = typography.outline.get(normalised(text)) or typography.outline.get(
        normalised(re.sub(r"^[\dA-Z.]+\s+", "", text))
    )
    size = max(round(line.row.size * 2) / 2 for line in lines)
    distinct = size >= typography.body * _HEADING_GROWTH or all(line.bold for line in lines)
    if outline_level and (distinct or len(lines) == 1 or _SECTION.match(text)):
        return outline_level
    if BULLET.match(text) or len(lines) > 4:
        return 0
    if size >= typography.body * _HEADING_GROWTH and len(text.split()) <= 30:
        return typography.levels.get(size, 3)
    if len(lines) == 1 and _DEEP_SECTION.match(text) and len(text.split()) <= 12 and not text.endswith(END):
        return min(len(typography.levels) + 1, 6)
    bold = all(line.bold for line in lines) and not typography.bold_body and size >= 0.95 * typography.body
    if bold and len(lines) <= 2 and len(text.split()) <= 14 and not text.endswith((".", ",", ";", ":")):
        return min(len(typography.levels) + 1, 6)
    if bold and _SECTION.match(text) and len(lines) <= 2 and len(text.split()) <= 14:
        return min(len(typography.levels) + 1, 6)
    return 0
