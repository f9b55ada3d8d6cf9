r"""EQ fields, the equations of Word before 2007 (`EQ \f(1;2)`), as LaTeX; readings and circled letters as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autopicker_lab.extraction import latex
from autopicker_lab.extraction.docx.names import parse_int
from autopicker_lab.extraction.docx.numerals import numeral

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FORMATTING = re.compile(r'\\\*\s*(?:"[^"]*"|\S+)')
_READING = re.compile(r"\\o\s*\\a[dlcr]?\s*\(\s*\\s\s*\\up\s*[\d.]*\s*\(([^()]*)\)\s*[,;]\s*([^()]*)\)", re.I)
_CIRCLED = re.compile(r"\\o\s*\\ac\s*\(\s*[○◯]\s*[,;]\s*([^()]*)\)", re.I)
_OPTION = re.compile(r"\s*\\(?:([lrbfv]c)\s*\\(.)|([a-z]{2})\s*([\d.]*))", re.I)
_SWITCHES = "abdfilorsx"
_DEEPEST = 50
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}


def equation(code: str) -> str:
    r"""What a field of this code, without its `EQ`, shows; "" where it is empty."""
    code = " ".join(_FORMATTING.sub("", code).split())
    if match := _READING.fullmatch(code):
        return f"{match[2].strip()}({match[1].strip()})"
    if match := _CIRCLED.fullmatch(code):
        text = match[1].strip()
        return numeral(int(text), "decimalEnclosedCircle") if 0 < parse_int(text) <= 50 else f"({text})"
    return latex.inline(_Code(code).content())


class _Code:
    """A code that is read from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0

    def content(self, ends: str = "") -> str:
        """Up to one of the characters that end it."""
        pieces: list[str] = []
        while self._at < len(self._text) and (char := self._text[self._at]) not in ends:
            self._at += 1
            if char == "\\" and self._at < len(self._text):
                switch = self._text[self._at].lower()
                self._at += 1
                known = switch in _SWITCHES and self._depth < _DEEPEST
                pieces.append(self._switch(switch) if known else latex.symbols(switch))
            else:
                pieces.append(latex.symbols(char))
        return latex.join(pieces).strip()

    def _switch(self, switch: str) -> str:
        options = self._options()
        arguments = self._arguments()
        if switch != "s":
            return _WRITERS[switch](options, arguments)
        text = ""
        while arguments:  # raised and lowered pieces, one after another
            text += f"{'_' if 'do' in options else '^'}{{{''.join(arguments)}}}"
            options, arguments = self._options(), self._arguments()
        return text

    def _options(self) -> dict[str, str]:
        options: dict[str, str] = {}
        while match := _OPTION.match(self._text, self._at):
            self._at = match.end()
            options[(match[1] or match[3]).lower()] = match[2] or match[4] or ""
        return options

    def _arguments(self) -> list[str]:
        rest = self._text[self._at :]
        if not rest.lstrip().startswith("("):
            return []
        self._at += len(rest) - len(rest.lstrip()) + 1
        self._depth += 1
        arguments = [self.content(",;)")]
        while self._at < len(self._text) and self._text[self._at] != ")":
            self._at += 1
            arguments.append(self.content(",;)"))
        self._at += 1
        self._depth -= 1
        return arguments


def _fraction(_options: dict[str, str], arguments: Sequence[str]) -> str:
    above, below = [*arguments, "", ""][:2]
    return latex.fraction(above, below)


def _root(_options: dict[str, str], arguments: Sequence[str]) -> str:
    return latex.root(arguments[-1], arguments[0] if len(arguments) > 1 else "") if arguments else ""


def _bracket(options: dict[str, str], arguments: Sequence[str]) -> str:
    both = options.get("bc", "")
    left = options.get("lc", both or ("" if "rc" in options else "("))
    right = options.get("rc", _CLOSING.get(both, both) or ("" if "lc" in options else ")"))
    return latex.delimited(left, right, [", ".join(arguments)])


def _integral(options: dict[str, str], arguments: Sequence[str]) -> str:
    sign = "∑" if "su" in options else "∏" if "pr" in options else options.get("fc") or options.get("vc") or "∫"
    low, high, body = [*arguments, "", "", ""][:3]
    return f"{latex.scripts(latex.symbols(sign), low, high)} {body}".strip()


def _array(options: dict[str, str], arguments: Sequence[str]) -> str:
    columns = max(parse_int(options.get("co"), 1), 1)
    return latex.matrix(arguments[i : i + columns] for i in range(0, len(arguments), columns))


_WRITERS: dict[str, Callable[[dict[str, str], Sequence[str]], str]] = {
    "a": _array,
    "b": _bracket,
    "d": lambda _options, _arguments: "",  # moves what follows
    "f": _fraction,
    "i": _integral,
    "l": lambda _options, arguments: ", ".join(arguments),
    "o": lambda _options, arguments: latex.join(arguments),
    "r": _root,
    "x": lambda _options, arguments: f"\\boxed{{{', '.join(arguments)}}}",
}
