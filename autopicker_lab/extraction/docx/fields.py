"""Fields of Word (`HYPERLINK`, `FORMCHECKBOX`, `SYMBOL` ...): a code, which is not shown, and mostly a result."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.docx.controls import legacy_value
from autopicker_lab.extraction.docx.eq_field import equation
from autopicker_lab.extraction.docx.symbols import UNKNOWN, symbol

if TYPE_CHECKING:
    from collections.abc import Callable

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"?|(\S+)')
_LONGEST = 10_000  # characters of a code


@dataclass
class Field:
    """A field that the walk is in.

    Attributes:
        code: what it is, as far as that was read.
        form: the `w:ffData` of a form field.
        shown: its result has begun.
        held_back: letters among the code, which is part of it unless the field never ends.
        result: the beginning of what its result has shown.
        link: place of its address among the walk's links; None where it is no link.
    """

    code: str = ""
    form: Any = None
    shown: bool = False
    held_back: str = ""
    result: str = ""
    link: int | None = None

    def add(self, text: str) -> None:
        """Take up more of the code."""
        if len(self.code) < _LONGEST:
            self.code += text

    @property
    def kind(self) -> str:
        """The first word of the code, in capitals."""
        first = self.code.split(None, 1)
        return first[0].upper() if first else ""

    def address(self) -> str:
        """Where a HYPERLINK leads outside the document; "" for other fields."""
        if self.kind != "HYPERLINK":
            return ""
        target = anchor = ""
        arguments = iter(_words(self.code)[1:])
        for word in arguments:
            if word.lower() == "\\l":
                anchor = next(arguments, "")
            elif word.lower() in ("\\o", "\\t"):
                next(arguments, "")
            elif not word.startswith("\\") and not target:
                target = word
        return f"{target}#{anchor}" if target and anchor else target

    def shows_itself(self) -> str:
        """What a field shows that has no result."""
        shows = _SHOWN.get(self.kind)
        return shows(self) if shows is not None else ""


def _words(code: str) -> list[str]:
    return [m[2] or m[1].replace("\\\\", "\\").replace('\\"', '"') for m in _WORD.finditer(code)]


def _symbol(field: Field) -> str:
    """SYMBOL 254 \\f Wingdings; \\u says that the number is Unicode's, \\a and nothing that it is Windows'."""
    words = _words(field.code)[1:]
    lower = [word.lower() for word in words]
    font = words[lower.index("\\f") + 1] if "\\f" in lower[:-1] else ""
    number = words[0] if words else ""
    try:
        code = int(number, 0) if number.lower().startswith("0x") else int(number)
    except ValueError:
        return number[:1]
    if not font and "\\u" not in lower and code < 256:
        return bytes([code]).decode("cp1252", "replace") if code >= 32 else UNKNOWN
    return symbol(font, f"{code:x}")


def _button(field: Field) -> str:
    return [*field.code.split(None, 2), "", ""][2].strip().strip('"')


def _form(field: Field) -> str:
    return legacy_value(field.form)[1]


_SHOWN: dict[str, Callable[[Field], str]] = {
    "SYMBOL": _symbol,
    "MACROBUTTON": _button,
    "GOTOBUTTON": _button,
    "EQ": lambda field: equation(field.code.strip()[2:]),
    "QUOTE": lambda field: " ".join(word for word in _words(field.code)[1:] if not word.startswith("\\")),
    "FORMCHECKBOX": _form,
    "FORMDROPDOWN": _form,
    "FORMTEXT": _form,
}
