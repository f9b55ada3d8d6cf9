"""What the walk over a document meets beside its text, and what a reader must be told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_MAX_NAMED, _LONGEST_ALT = 5, 100


@dataclass
class Findings:
    """Pictures, embedded objects, tracked changes and whatever was left out.

    Attributes:
        images: name and alternative text of each picture.
        embedded: what each embedded object is: its program and file.
        inserted, deleted: tracked changes.
        hidden: characters of hidden text.
        drawn: drawn shapes without text.
        running_heads: headers and footers of first and even pages that are shown, but stand apart from the text.
        unknown: fonts of symbols that have no character.
        remarks: other warnings, each once.
    """

    images: list[dict[str, str]] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    inserted: int = 0
    deleted: int = 0
    hidden: int = 0
    drawn: int = 0
    running_heads: list[str] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    remarks: dict[str, None] = field(default_factory=dict)

    def remark(self, text: str) -> None:
        """Add a warning, unless it is there."""
        self.remarks.setdefault(text)

    def warnings(self, damaged: Mapping[str, str]) -> Iterator[str]:
        """Warnings about what the text leaves out or takes as accepted; `damaged`: parts and what became of them."""
        if self.inserted or self.deleted:
            yield (
                f"tracked changes were taken as accepted: {self.inserted} insertions kept, "
                f"{self.deleted} deletions left out"
            )
        if self.hidden:
            yield f"hidden text was left out: {self.hidden:,} characters"
        if self.images:
            said = [alt[:_LONGEST_ALT] for image in self.images if (alt := " ".join(image.get("alt", "").split()))]
            named = f" ({'; '.join(said[:_MAX_NAMED])}{'; ...' if len(said) > _MAX_NAMED else ''})" if said else ""
            yield f"pictures that were not read: {len(self.images)}{named}"
        if self.drawn:
            yield f"drawn shapes without text, which were left out: {self.drawn}"
        if self.embedded:
            yield f"embedded objects that were not read: {', '.join(dict.fromkeys(self.embedded))}"
        for font, count in self.unknown.items():
            yield f"symbols without a character in the font {font or 'of no name'}: {count}"
        if self.running_heads:
            yield "headers and footers that sections take over for their first or even pages stand in the metadata"
        yield from self.remarks
        for part, problem in damaged.items():
            yield f"the part {part} {problem}"
