"""Reader for JSON and what passes for it: its text, a sketch of its shape, and the place where it is broken."""

from __future__ import annotations

import json
import re
from typing import Any

from autopicker_lab.core import Document, Part, SourceFile
from autopicker_lab.core.places import line_place
from autopicker_lab.extraction.base64_data import leave_out_base64
from autopicker_lab.extraction.decoding import decode
from autopicker_lab.extraction.json_dialects import JsonParser, described
from autopicker_lab.extraction.json_shape import sketch
from autopicker_lab.extraction.notebook_cells import cell_parts, is_notebook

MAX_CHARACTERS = 2_000_000
_ESCAPES = re.compile(r"\\(?:u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|.)")


def read_json(file: SourceFile) -> Document:
    """The text as one Part, of a notebook its cells; validity, type, shape and keys as metadata."""
    text, encoding, warnings = decode(file.data)
    meta: dict[str, Any] = {"encoding": encoding, "valid": False}
    parts: tuple[Part, ...] = ()
    parser = JsonParser()
    try:
        value = parser.parse(text)
    except json.JSONDecodeError as error:
        warnings += (described(error),)
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
        if len(match[0]) < len("\\u0000"):  # of another kind, or broken: "C:\users"
            return match[0]
        decoded: str = json.loads(f'"{match[0]}"')
        return decoded if decoded.isprintable() and decoded not in '"\\' else match[0]

    return _ESCAPES.sub(letter, text) if "\\u" in text else text
