"""Reader for JSON: its text, a sketch of its shape, and the place where it is broken."""

from __future__ import annotations

import json
from typing import Any

from autopicker_lab.core import Document, Part, SourceFile
from autopicker_lab.core.places import line_place
from autopicker_lab.extraction.plain import decode

MAX_CHARACTERS = 2_000_000


def read_json(file: SourceFile) -> Document:
    """The text as one Part; validity, type, shape and keys as metadata."""
    text, encoding, warnings = decode(file.data)
    meta: dict[str, Any] = {"encoding": encoding, "valid": False}
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        warnings += (f"not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}",)
    except RecursionError:
        warnings += ("nested too deeply to parse: read as plain text",)
    else:
        meta |= {"valid": True, "type": type(value).__name__, "shape": sketch(value)}
        if isinstance(value, dict):
            meta["keys"] = list(value)[:100]
    if len(text) > MAX_CHARACTERS:
        warnings += (f"only the first {MAX_CHARACTERS:,} of {len(text):,} characters are kept",)
    shown = text[:MAX_CHARACTERS]
    return Document(file.name, file.kind, (Part("json", shown, (), (line_place(shown),)),), meta, warnings)


def sketch(value: object, depth: int = 3) -> Any:
    """The shape of a JSON value: keys with the types of their values, lists by their first item and length."""
    if isinstance(value, dict):
        if depth == 0:
            return f"object of {len(value)} keys"
        return {str(key): sketch(item, depth - 1) for key, item in list(value.items())[:50]}
    if isinstance(value, list):
        return [sketch(value[0], max(depth - 1, 0)), f"{len(value)} items"] if value else []
    return "null" if value is None else type(value).__name__
