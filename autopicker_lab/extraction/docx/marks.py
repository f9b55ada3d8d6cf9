"""Marks that runs leave in a paragraph's text until it is whole: links and struck text, which go over several runs.

The marks are control characters, which XML cannot hold, so that no text of a document is taken for one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LINK_END, STRUCK, STRUCK_END = "\x03", "\x04", "\x05"
_LINK = re.compile("\x01(\\d+)\x02([^\x01-\x03]*)\x03")
_OPEN = re.compile("\x01\\d+\x02|\x03")
_BLANK = re.compile(r"[\s\x00-\x1f]+")
_STRUCK = re.compile(f"{STRUCK}(\\s*)(.*?)(\\s*){STRUCK_END}", re.DOTALL)


def link_start(number: int) -> str:
    """The mark before the text of a link, by the place of its address."""
    return f"\x01{number}\x02"


def resolved(text: str, addresses: Sequence[str]) -> str:
    """A paragraph's text with its marks as Markdown."""
    if STRUCK in text:
        joined = text.replace(STRUCK_END + STRUCK, "")
        text = _STRUCK.sub(lambda m: f"{m[1]}~~{m[2]}~~{m[3]}" if m[2] else m[1] + m[3], joined)
    if LINK_END in text:
        text = _OPEN.sub("", _LINK.sub(lambda m: link(m[2], addresses[int(m[1])]), text))
    return text


def link(text: str, address: str) -> str:
    """A link in Markdown; the text alone where it is the address, or there is nothing to click on."""
    inner = text.strip()
    if not inner or not address or inner == address.removeprefix("mailto:"):
        return text
    before, _, after = text.partition(inner)
    return f"{before}[{inner}]({_BLANK.sub('%20', address.strip())}){after}"
