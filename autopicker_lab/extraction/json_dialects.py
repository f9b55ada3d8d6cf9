"""JSON as people have it: comments, several documents, damaged records, a text cut off, what JavaScript takes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.json_javascript import javascript_value
from autopicker_lab.extraction.json_python import python_value

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_DIGITS = 4000  # of an integer; Python refuses longer ones
_MAX_NAMED = 5
_STRING = r'"(?:[^"\\]|\\.)*"?'
_STRING_OR_COMMENT = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?(?:\*/|\Z)|^[ \t]*#[^\n]*", re.DOTALL | re.MULTILINE)
_STRING_OR_COMMA = re.compile(rf"{_STRING}|,(?=\s*[\]}}])", re.DOTALL)
_STRING_OR_BRACKET = re.compile(rf"{_STRING}|[\[\]{{}},]", re.DOTALL)
_BACKSLASH = re.compile(r"""\\(?P<escaped>["\\/bfnrt]|u[0-9a-fA-F]{4})?""")
_BETWEEN = re.compile(r"[\s\x1e,;]*")  # documents: RFC 7464 begins each with \x1e
_GUARD = re.compile(
    r"\s*(?:\)\]\}',?|for\s*\(;;\);|while\s*\((?:1|true)\);|&&&START&&&|throw [^\n]{1,60};)\s*(?=[{\[])"
)
_FENCED = re.compile(r"\s*(`{3,}|~{3,})[\w-]*[ \t]*\n(?P<within>.*)\n[ \t]*\1\s*", re.DOTALL)
_CLOSES = {"{": "}", "[": "]"}
_DEEPEST_CUT = 500


def described(error: json.JSONDecodeError) -> str:
    """What is wrong with a text, and where."""
    return f"not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}"


@dataclass
class JsonParser:
    """Parses JSON, and what differs from it so that its values can still be told.

    Attributes:
        strict: whether the last text was JSON as its standard says.
    """

    strict: bool = True
    _said: tuple[str, ...] = ()
    _documents: int = 1
    _oddities: dict[str, None] = field(default_factory=dict)  # an ordered set
    _repeated: dict[str, None] = field(default_factory=dict)

    def parse(self, text: str) -> Any:
        """The value of a text.

        Raises:
            json.JSONDecodeError: the text is not JSON, and no dialect of it that is known here.
        """
        try:
            return self._load(text)
        except json.JSONDecodeError as error:
            self.strict = False
            fault = error
        dialects = (
            *(self._in_a_row, self._relaxed, self._guarded, self._as_python, self._as_javascript),
            self._with_whole_backslashes,
        )
        for loosened in (*dialects, self._sound_lines, self._cut_off):
            self._oddities.clear()
            self._repeated.clear()
            try:
                return loosened(text, fault)
            except json.JSONDecodeError:
                continue
        self._oddities.clear()
        raise fault

    def warnings(self) -> Iterable[str]:
        """What is odd about the text that was parsed, a line each."""
        yield from self._said
        if self._documents > 1:
            yield f"{self._documents:,} JSON documents, one after another: their shapes stand in a list"
        if self._oddities:
            yield f"unusual for JSON: {', '.join(self._oddities)}"
        if self._repeated:
            named = ", ".join(list(self._repeated)[:_MAX_NAMED])
            yield f"keys stand twice in one object, of which programs keep the last: {named}"

    def _hooks(self) -> dict[str, Any]:
        return {"parse_constant": self._constant, "object_pairs_hook": self._object}

    def _load(self, text: str, **options: Any) -> Any:
        try:
            return json.loads(text, **self._hooks(), **options)
        except json.JSONDecodeError:
            raise
        except ValueError:  # an integer that is longer than Python takes
            return json.loads(text, **self._hooks(), **options, parse_int=self._integer)

    def _in_a_row(self, text: str, _fault: json.JSONDecodeError) -> list[Any]:
        """Documents one after another, on lines of their own or not."""
        decoder = json.JSONDecoder(**self._hooks(), parse_int=self._integer)
        values: list[Any] = []
        at = _BETWEEN.match(text).end()  # type: ignore[union-attr]
        while at < len(text):
            value, at = decoder.raw_decode(text, at)
            values.append(value)
            at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        if len(values) < 2 or not any(isinstance(value, dict | list) for value in values):
            raise json.JSONDecodeError("one document", text, 0)
        self._documents = len(values)
        return values

    def _relaxed(self, text: str, _fault: json.JSONDecodeError) -> Any:
        """With comments, commas behind the last item, and line ends within strings."""

        def without(name: str) -> Any:
            def keep(match: re.Match[str]) -> str:
                if match[0].startswith('"'):
                    return match[0]
                self._oddities[name] = None
                return " "

            return keep

        bare = _STRING_OR_COMMENT.sub(without("comments"), text)
        bare = _STRING_OR_COMMA.sub(without("commas behind the last item"), bare)
        try:
            return self._load(bare)
        except json.JSONDecodeError as error:
            if not error.msg.startswith("Invalid control character"):
                raise
            self._oddities[f"line ends or tabs within strings, first in line {error.lineno}"] = None
            return self._load(bare, strict=False)

    def _guarded(self, text: str, fault: json.JSONDecodeError) -> Any:
        """Behind what keeps a page of others from running it as a script, )]}' and the like, or in a fence."""
        if fenced := _FENCED.fullmatch(text):
            value = self._relaxed(fenced["within"], fault)
            self._oddities["a fence of Markdown around it"] = None
            return value
        guard = _GUARD.match(text)
        if guard is None:
            raise fault
        value = self._load(text[guard.end() :])
        self._oddities["a guard against being run as a script before it"] = None
        return value

    def _as_python(self, text: str, fault: json.JSONDecodeError) -> Any:
        value = python_value(text)
        if value is None:
            raise fault
        self._oddities["it is written as Python writes it"] = None
        return value

    def _as_javascript(self, text: str, fault: json.JSONDecodeError) -> Any:
        """As JSON5 and JSONP are written: names without quotes, single quotes, a call around it."""
        value = javascript_value(text)
        if value is None:
            raise fault
        self._oddities["it is written as JavaScript writes it (JSON5, JSONP)"] = None
        return value

    def _with_whole_backslashes(self, text: str, fault: json.JSONDecodeError) -> Any:
        """As what writes paths and patterns by hand writes them, "C:\\users" with one backslash."""
        doubled = _BACKSLASH.sub(lambda match: match[0] if match["escaped"] else r"\\", text)
        if doubled == text:
            raise fault
        value = self._relaxed(doubled, fault)
        self._oddities["backslashes that escape nothing"] = None
        return value

    def _sound_lines(self, text: str, fault: json.JSONDecodeError) -> list[Any]:
        """The records of lines that are sound, where most are; the others are told."""
        values, bad = [], []
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                try:
                    values.append(self._load(line))
                except json.JSONDecodeError:
                    bad.append(number)
        if len(values) < 2 or len(bad) >= len(values) or not all(isinstance(value, dict | list) for value in values):
            raise fault
        self._documents = len(values)
        named = ", ".join(map(str, bad[:_MAX_NAMED])) + (" ..." if len(bad) > _MAX_NAMED else "")
        lines, are = ("lines", "are") if len(bad) > 1 else ("line", "is")
        self._said = (f"{lines} {named} {are} not valid JSON: the other lines were read",)
        return values

    def _cut_off(self, text: str, fault: json.JSONDecodeError) -> Any:
        """What stands whole before the end of a text that was cut off."""
        opened: list[str] = []
        whole = 0
        for match in _STRING_OR_BRACKET.finditer(text):
            sign = match[0]
            if sign in _CLOSES:
                opened.append(_CLOSES[sign])
            elif opened and sign == opened[-1]:
                opened.pop()
            if not sign.startswith('"'):
                whole = match.start() if sign == "," else match.end()
        if not opened or len(opened) > _DEEPEST_CUT:
            raise fault
        value = self._load(text[:whole] + "".join(reversed(opened)))
        line = text.count("\n", 0, len(text.rstrip())) + 1
        self._said = (f"not valid JSON: it was cut off in line {line}, the shape is that of what came before",)
        return value

    def _constant(self, name: str) -> float:
        self.strict = False
        self._oddities[name] = None
        return float(name.replace("Infinity", "inf"))

    def _integer(self, digits: str) -> int:
        if len(digits) <= _MAX_DIGITS:
            return int(digits)
        self._oddities[f"an integer of {len(digits.lstrip('-')):,} digits, which few programs take"] = None
        return 0

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen and len(self._repeated) < _MAX_NAMED:
                    self._repeated[key] = None
                seen.add(key)
        return value
