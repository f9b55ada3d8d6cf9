"""Marks that runs leave in a paragraph's text until it is whole: links, struck, raised and lowered text.

Each may go over several runs. The marks are control characters, which XML cannot hold, so that no text of a document is
taken for one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autopicker_lab.extraction import script_signs

if TYPE_CHECKING:
    from collections.abc import Sequence

LINK_END, STRUCK, STRUCK_END = "\x03", "\x04", "\x05"
RAISED, RAISED_END, LOWERED, LOWERED_END = "\x06", "\x07", "\x0e", "\x0f"
_LINK = re.compile("\x01(\\d+)\x02([^\x01-\x03]*)\x03")
_OPEN = re.compile("\x01\\d+\x02|\x03")
_BLANK = re.compile(r"[\s\x00-\x1f]+")
_STRUCK = re.compile(f"{STRUCK}([^{STRUCK_END}]*){STRUCK_END}")
_RAISED = re.compile(f"{RAISED}([^{RAISED_END}]*){RAISED_END}")
_LOWERED = re.compile(f"{LOWERED}([^{LOWERED_END}]*){LOWERED_END}")
_HIGH = script_signs.RAISED | {ord("n"): "ⁿ"}
_TERM = re.compile(r"[-−+]?(?:[^\W\d_]|(?=.*[\d+−=/-])[\w+−=/().,-]+)")  # one letter, or what holds digits and signs


def link_start(number: int) -> str:
    """The mark before the text of a link, by the place of its address."""
    return f"\x01{number}\x02"


def resolved(text: str, addresses: Sequence[str]) -> str:
    """A paragraph's text with its marks as Markdown."""
    if RAISED in text:
        text = _RAISED.sub(_raised, text.replace(RAISED_END + RAISED, ""))
    if LOWERED in text:
        text = _LOWERED.sub(_lowered, text.replace(LOWERED_END + LOWERED, ""))
    if STRUCK in text:
        joined = text.replace(STRUCK_END + STRUCK, "")
        text = _STRUCK.sub(lambda m: _around(m[1], f"~~{m[1].strip()}~~"), joined)
    if LINK_END in text:
        text = _OPEN.sub("", _LINK.sub(lambda m: link(m[2], addresses[int(m[1])]), text))
    return text


def _raised(match: re.Match[str]) -> str:
    """Raised digits by their own characters, other powers after ^; the ends of ordinals (1st, 2e) as they are."""
    inner = match[1].strip()
    before = match.string[max(match.start() - 1, 0) : match.start()]
    if all(ord(c) in _HIGH or c.isspace() for c in inner):
        return match[1].translate(_HIGH)
    is_power = _TERM.fullmatch(inner) and before.strip() and not (before.isdigit() and inner in "aeor")
    return _around(match[1], script_signs.marked("^", inner)) if is_power else match[1]


def _lowered(match: re.Match[str]) -> str:
    inner = match[1].strip()
    if all(ord(c) in script_signs.LOWERED or c.isspace() for c in inner):
        return match[1].translate(script_signs.LOWERED)
    return _around(match[1], script_signs.marked("_", inner)) if re.fullmatch(r"[\w,+−-]+", inner) else match[1]


def _around(text: str, marked: str) -> str:
    """`marked` between the spaces that stand around a text; a blank text as it is."""
    if not text.strip():
        return text
    return text[: len(text) - len(text.lstrip())] + marked + text[len(text.rstrip()) :]


def link(text: str, address: str) -> str:
    """A link in Markdown; the text alone where it is the address, or there is nothing to click on."""
    inner = text.strip()
    if not inner or not address or inner == address.removeprefix("mailto:"):
        return text
    before, _, after = text.partition(inner)
    return f"{before}[{inner}]({_BLANK.sub('%20', address.strip())}){after}"
