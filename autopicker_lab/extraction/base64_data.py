"""Base64 within text: pictures, source maps, fonts, certificates that nobody reads, named in place of their letters."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from autopicker_lab.core.files import picture_type

if TYPE_CHECKING:
    from collections.abc import Iterable

_MIN_NAMED = 200  # letters, where the text says that it is base64; small icons stay
_MIN_UNNAMED = 1000
_LEAST_WIDE = 40  # letters of a line of several, but for the last
_WIDEST = 1000  # letters of a line of several; a longer one is all of it
_MAX_TOLD = 3
_LINE_END = r"(?:\\r)?(?:\\n|\n[ \t>]*)"  # > before the lines of a mail that is quoted
_LETTERS = rf"(?:[A-Za-z0-9+/_-]+(?:{_LINE_END}(?=[A-Za-z0-9+/=_-]))?)+={{0,2}}"
_ESCAPED = r"(?:[A-Za-z0-9+/_-]|%2[BFbf]|%0[ADad])+%2[BFbf](?:[A-Za-z0-9+/_-]|%2[BFbf]|%0[ADad])*(?:%3[Dd])*"
_ADDRESS = re.compile(
    r"data:(?P<kind>[\w.+-]+/[\w.+-]+)?(?:;[\w-]+=[^;,\s\"'()]*)*;base64,\s*"
    rf"(?P<letters>{_ESCAPED}|{_LETTERS})"
)
_ESCAPED_LINE_END = re.compile("%0[ADad]")
_RUN = re.compile(
    rf"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{{{_LEAST_WIDE},}}(?:{_LINE_END}(?=[A-Za-z0-9+/=]))?)+[A-Za-z0-9+/]*={{0,2}}"
)
_URL_SAFE = re.compile(r"(?<![\w+/-])[\w-]{1000,}={0,2}", re.ASCII)
_STEP = 480  # a run of 1,000 holds a whole step, wherever it begins
_LETTER = "[A-Za-z0-9+/_-]"
_STRETCH = re.compile(  # what may stand in the middle of a run, wherever it is cut
    rf"[ \t>]*+{_LETTER}*+(?:{_LINE_END}{_LETTER}{{{_LEAST_WIDE},}}+)*+(?:{_LINE_END}{_LETTER}*+)?+"
)
_LINE_ENDS = re.compile(_LINE_END)
_KINDS_OF_LETTERS = (re.compile("[A-Z]"), re.compile("[a-z]"), re.compile("[0-9+/_-]"))
_NEVER_BEHIND = frozenset(" \t(.:=[{")  # what stands behind a word, not behind base64
_KINDS = {
    b"%PDF": "application/pdf",
    b"PK\x03\x04": "application/zip",
    b"\x1f\x8b": "application/gzip",
    b"wOF2": "font/woff2",
    b"wOFF": "font/woff",
    b"\x00asm": "application/wasm",
    b"0\x82": "certificate or key",
}


class Readable(NamedTuple):
    """A text without base64, with as many lines, and a warning that names what was left out."""

    text: str
    warnings: tuple[str, ...]


def leave_out_base64(text: str) -> Readable:
    """Name long base64 by type and size in its place; the source map `data:...;base64,[80 kB left out]`, say."""
    found: list[str] = []

    def named(match: re.Match[str]) -> str:
        own = _without_words_below(match["letters"], match.string[match.end() : match.end() + 1])
        letters = unquote(_ESCAPED_LINE_END.sub("", own)) if "%" in own else own
        if len(letters) < _MIN_NAMED:
            return match[0]
        before, below = match[0][: match.start("letters") - match.start()], match["letters"][len(own) :]
        kind = match["kind"] or _kind(letters) or "data"
        return before + _instead(letters, kind, found, said=False) + below

    def unnamed(match: re.Match[str]) -> str:
        if len(match[0]) < _MIN_UNNAMED or not (_has_all_kinds(match[0]) or _kind(match[0])):
            return match[0]
        letters = _without_words_below(match[0], match.string[match.end() : match.end() + 1])
        if len(letters) < _MIN_UNNAMED or not _is_base64(letters):
            return match[0]
        return _instead(letters, _kind(letters) or "data", found, said=True) + match[0][len(letters) :]

    bare = _ADDRESS.sub(named, text) if ";base64," in text else text
    if _may_hold_runs(bare):
        bare = _URL_SAFE.sub(unnamed, _RUN.sub(unnamed, bare))
    if not found:
        return Readable(text, ())
    more = f" and {len(found) - _MAX_TOLD} more" if len(found) > _MAX_TOLD else ""
    return Readable(bare, (f"base64 was left out: {', '.join(found[:_MAX_TOLD])}{more}",))


def leave_out_of_cells(rows: Iterable[list[str]]) -> tuple[list[list[str]], tuple[str, ...]]:
    """The same for the cells of rows, each by itself."""
    found: dict[str, None] = {}
    kept = []
    for row in rows:
        if any(len(cell) >= _MIN_NAMED for cell in row):
            readable = [leave_out_base64(cell) for cell in row]
            row = [cell.text for cell in readable]  # noqa: PLW2901
            found |= dict.fromkeys(warning for cell in readable for warning in cell.warnings)
        kept.append(row)
    more = (f"base64 was left out of {len(found) - 1} more kinds of cells",) if len(found) > 1 else ()
    return kept, (*list(found)[:1], *more)


def _without_words_below(letters: str, behind: str) -> str:
    """Letters without the words on the lines below them, which are made of the same letters.

    Args:
        behind: the sign that stands behind the last.
    """
    if not _has_lines(letters):
        return letters
    ends = [end.start() for end in _LINE_ENDS.finditer(letters)]
    if ends and ends[0] > _WIDEST and (ends[1] if len(ends) > 1 else len(letters)) - ends[0] <= _WIDEST:
        return letters[: ends[0]]
    while ends and ((behind in _NEVER_BEHIND and letters[-1] != "=") or _fills_fours(letters[: ends[-1]], letters)):
        letters, behind = letters[: ends.pop()], "\n"
    return letters


def _fills_fours(above: str, letters: str) -> bool:
    """Whether letters are whole fours, as base64 without a sign at its end is, but not with the line below them."""
    return not len(_on_one_line(above)) % 4 and bool(len(_on_one_line(letters)) % 4)


def _has_lines(letters: str) -> bool:
    return "\n" in letters or "\\" in letters


def _on_one_line(letters: str) -> str:
    return _LINE_ENDS.sub("", letters) if _has_lines(letters) else letters


def _may_hold_runs(text: str) -> bool:
    """Whether a run may stand somewhere: at every step a look, which nearly always ends at the end of a word."""
    ends = (_STRETCH.match(text, at, at + _STEP).end() - at for at in range(0, len(text), _STEP))  # type: ignore[union-attr]
    return len(text) >= _MIN_UNNAMED and max(ends) > _STEP - 4  # the step may end within an end of line


def _instead(letters: str, kind: str, found: list[str], *, said: bool) -> str:
    size = f"{len(_on_one_line(letters)) * 3 // 4 / 1000:,.0f} kB"
    found.append(f"{kind} of {size}")
    return (f"[base64, {kind}: " if said else "[") + f"{size} left out]" + "\n" * letters.count("\n")


def _kind(letters: str) -> str:
    """The type of what the letters stand for, by its first bytes."""
    begin = _on_one_line(letters[:80])[:64].replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(begin[: len(begin) // 4 * 4])
    except (binascii.Error, ValueError):
        return ""
    return picture_type(data) or next((kind for sign, kind in _KINDS.items() if data.startswith(sign)), "")


def _has_all_kinds(letters: str) -> bool:
    return all(kind.search(letters) for kind in _KINDS_OF_LETTERS)


def _is_base64(letters: str) -> bool:
    """Whether a run without spaces looks encoded: all kinds of letters all through it, and few of its fours twice."""
    if _kind(letters):
        return True
    lines = letters.split("\n")
    if len(lines) > 2 and (len({len(line.strip()) for line in lines[:-1]}) > 1 or len(lines[1].strip()) % 4):
        return False  # long words below one another
    whole = _on_one_line(letters).rstrip("=")[:2000]
    pieces = [whole[i : i + 200] for i in range(0, len(whole) - 199, 200)]
    mixed = sum(map(_has_all_kinds, pieces))
    fours = {whole[i : i + 4] for i in range(len(whole) - 3)}
    return 10 * mixed >= 7 * len(pieces) and 10 * len(fours) >= 6 * len(whole)
