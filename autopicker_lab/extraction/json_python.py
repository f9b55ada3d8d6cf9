"""The value of a text that is written as Python writes its own (`{'a': True, 'b': None}`); nothing runs."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

_MOST_CHARACTERS = 500_000
_DEEPEST = 100
_WORD = re.compile(r"\b(?:True|False|None)\b")


def python_value(text: str) -> Any:
    """The dict or list that a text spells, tuples and sets as lists; None where it spells none."""
    if len(text) > _MOST_CHARACTERS or text.lstrip()[:1] not in ("{", "[", "(") or not _WORD.search(text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes
            value = ast.literal_eval(text.strip())
        return _as_json(value, 0) if isinstance(value, dict | list | tuple) else None
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _as_json(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, dict):
        return {str(key): _as_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_as_json(item, depth + 1) for item in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)
