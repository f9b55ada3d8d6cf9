"""What the writers of one page share: its addresses and labels, what is written already, what they left out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.text import clip
from autopicker_lab.extraction.web.dom import BLOCKS, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UNSEEN = re.compile("[\u00ad\u034f\u200b-\u200f\u2060\ufeff]+")
_NAMED = 5  # things that one warning names


def _no_frame(element: Any) -> Any:
    return None


@dataclass
class PageContext:
    """One page while it is written.

    Attributes:
        base: what relative addresses start from, "" where the page does not say.
        frame: the tree of a frame element's page where that is in the file, None elsewhere.
        left_out: what was not written, by why.
    """

    base: str = ""
    frame: Callable[[Any], Any] = _no_frame
    by_id: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Any] = field(default_factory=dict)
    holders: set[Any] = field(default_factory=set)  # elements with blocks in them
    written: set[Any] = field(default_factory=set)  # ticks that stand before their label
    left_out: dict[str, list[str]] = field(default_factory=dict)
    explained: set[str] = field(default_factory=set)  # abbreviations

    def note(self, why: str, what: str) -> None:
        """Remember something that was left out, where there is anything to name."""
        name = clip(_UNSEEN.sub("", what).strip(), 60)
        if name:
            self.left_out.setdefault(why, []).append(name)

    def address(self, url: str | None) -> str:
        """An address as it can be followed; of data only its type, "" for scripts."""
        url = "".join((url or "").split("\n")).strip()
        scheme = url[:11].lower()
        if scheme.startswith("data:"):
            return url[:64].split(",", 1)[0].split(";", 1)[0]
        if scheme.startswith(("javascript:", "vbscript:")):
            return ""
        return joined(self.base, url)

    def warnings(self) -> tuple[str, ...]:
        """A line for each reason, with what it concerns."""
        lines = []
        for why, things in self.left_out.items():
            shown = list(dict.fromkeys(things))
            more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
            lines.append(f"{why}: {', '.join(shown[:_NAMED])}{more}")
        return tuple(lines)


def context_of(root: Any, base: str = "", frame: Callable[[Any], Any] = _no_frame) -> PageContext:
    """The context of a tree, before anything of it is written."""
    holders: set[Any] = set()
    for block in root.iter(*BLOCKS, "iframe", "frame"):
        parent = block.getparent()
        while parent is not None and parent not in holders:
            holders.add(parent)
            parent = parent.getparent()
    stated = root.find(".//base[@href]")
    if stated is not None:
        base = joined(base, stated.get("href"))
    labels = {label.get("for"): label for label in root.iter("label") if label.get("for")}
    by_id: dict[str, Any] = {}
    for element in root.iterfind(".//*[@id]"):
        by_id.setdefault(element.get("id"), element)
    return PageContext(base, frame, by_id, labels, holders)


def name_of(element: Any) -> str:
    """What an element is called for those who cannot see it: by its own attributes."""
    return " ".join((element.get("aria-label") or element.get("title") or element.get("alt") or "").split())
