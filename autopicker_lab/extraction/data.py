"""Reader for JSON and what passes for it: its text, a sketch of its shape, and the place where it is broken."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Document, Part, SourceFile
from autopicker_lab.core.places import line_place
from autopicker_lab.extraction.base64_data import leave_out_base64
from autopicker_lab.extraction.decoding import decode
from autopicker_lab.extraction.json_shape import sketch
from autopicker_lab.extraction.notebook_cells import cell_parts, is_notebook

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_CHARACTERS = 2_000_000
_MAX_DIGITS = 4000  # of an integer; Python refuses longer ones
_MAX_NAMED = 5
_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"?|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"?|,(?=\s*[\]}])', re.DOTALL)


_ESCAPES = re.compile(r"\\(?:u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|.)")


def read_json(file: SourceFile) -> Document:
    """The text as one Part, of a notebook its cells; validity, type, shape and keys as metadata."""
    text, encoding, warnings = decode(file.data)
    meta: dict[str, Any] = {"encoding": encoding, "valid": False}
    parts: tuple[Part, ...] = ()
    parser = _Parser()
    try:
        value = parser.parse(text)
    except json.JSONDecodeError as error:
        warnings += (_described(error),)
    except RecursionError:
        warnings += ("nested too deeply to parse: read as plain text",)
    else:
        meta |= {"valid": parser.strict, "type": type(value).__name__, "shape": sketch(value)}
        if isinstance(value, dict):
            meta["keys"] = list(value)[:100]
        if isinstance(value, dict) and is_notebook(value):
            parts = cell_parts(value)
            meta["cells"] = len(parts)
    warnings += tuple(parser.warnings())
    if not parts:
        text, left_out = leave_out_base64(text)
        warnings += left_out
        if len(text) > MAX_CHARACTERS:
            warnings += (f"only the first {MAX_CHARACTERS:,} of {len(text):,} characters are kept",)
        shown = _with_letters(text[:MAX_CHARACTERS])
        parts = (Part("json", shown, (), (line_place(shown),)),)
    return Document(file.name, file.kind, parts, meta, warnings)


def _with_letters(text: str) -> str:
    """JSON with letters in place of their numbers (`\\u00fc` is ü), where they need none."""

    def letter(match: re.Match[str]) -> str:
        if match[0][1] != "u":
            return match[0]
        decoded: str = json.loads(f'"{match[0]}"')
        return decoded if decoded.isprintable() and decoded not in '"\\' else match[0]

    return _ESCAPES.sub(letter, text) if "\\u" in text else text


def _described(error: json.JSONDecodeError) -> str:
    return f"not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}"


@dataclass
class _Parser:
    """Parses JSON, and what differs from it in comments, commas, constants, or by several documents in one file."""

    strict: bool = True
    fault: str = ""  # that was passed over
    documents: int = 1
    oddities: dict[str, None] = field(default_factory=dict)  # an ordered set
    repeated: dict[str, None] = field(default_factory=dict)

    def parse(self, text: str) -> Any:
        """The value of a text.

        Raises:
            json.JSONDecodeError: the text is not JSON, and no dialect of it that is known here.
        """
        try:
            return self._load(text)
        except json.JSONDecodeError as error:
            self.strict = False
            for loosened in (self._documents, self._relaxed):
                try:
                    value = loosened(text)
                except json.JSONDecodeError:
                    continue
                self.fault = _described(error) if loosened == self._relaxed else ""
                return value
            self.oddities.clear()
            raise error from None

    def warnings(self) -> Iterable[str]:
        """What is odd about the text that was parsed, a line each."""
        if self.fault:
            yield self.fault
        if self.documents > 1:
            yield f"{self.documents:,} JSON documents, one after another: their shapes stand in a list"
        if self.oddities:
            yield f"unusual for JSON: {', '.join(self.oddities)}"
        if self.repeated:
            named = ", ".join(list(self.repeated)[:_MAX_NAMED])
            yield f"keys stand twice in one object, of which programs keep the last: {named}"

    def _load(self, text: str) -> Any:
        hooks: dict[str, Any] = {"parse_constant": self._constant, "object_pairs_hook": self._object}
        try:
            return json.loads(text, **hooks)
        except json.JSONDecodeError:
            raise
        except ValueError:  # an integer that is longer than Python takes
            return json.loads(text, **hooks, parse_int=self._integer)

    def _documents(self, text: str) -> list[Any]:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2:
            raise json.JSONDecodeError("one document", text, 0)
        values = [self._load(line) for line in lines]
        self.documents = len(values)
        return values

    def _relaxed(self, text: str) -> Any:
        def without(name: str) -> Any:
            def keep(match: re.Match[str]) -> str:
                if match[0].startswith('"'):
                    return match[0]
                self.oddities[name] = None
                return " "

            return keep

        bare = _STRING_OR_COMMENT.sub(without("comments"), text)
        return self._load(_STRING_OR_COMMA.sub(without("commas behind the last item"), bare))

    def _constant(self, name: str) -> float:
        self.strict = False
        self.oddities[name] = None
        return float(name.replace("Infinity", "inf"))

    def _integer(self, digits: str) -> int:
        if len(digits) <= _MAX_DIGITS:
            return int(digits)
        self.oddities[f"an integer of {len(digits.lstrip('-')):,} digits, which few programs take"] = None
        return 0

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen and len(self.repeated) < _MAX_NAMED:
                    self.repeated[key] = None
                seen.add(key)
        return value
