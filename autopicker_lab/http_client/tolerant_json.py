"""JSON as servers write it, which is not always JSON: numbers without a value, bytes and characters cut in half."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_BOM = b"\xef\xbb\xbf"
_NO_VALUE = {"-Infinity": -9999.0}  # what OpenAI gives as the logprob of the impossible; NaN and Infinity are null
_MOST_DIGITS = 19  # more may not fit 64 bits
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED_BYTES = re.compile("[\udc80-\udcff]+")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def loads(data: bytes) -> Any:
    """The value of a JSON text; a strict one at orjson's speed.

    Bytes that are no UTF-8 and halves of surrogate pairs stay in its strings as lone surrogates: `whole` and `Joiner`
    make characters of them.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        text = data.removeprefix(_BOM).decode("utf-8", "surrogateescape")
    try:
        return json.loads(text, parse_constant=_NO_VALUE.get, parse_int=_number, strict=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _number(digits: str) -> int | float:
    """A whole number; as a float where it is too large to be written again."""
    return int(digits) if len(digits) < _MOST_DIGITS else float(digits)


def whole(value: Any) -> Any:
    """A value whose strings are valid: halves that belong together joined, others replaced by U+FFFD."""
    if isinstance(value, str):
        return _join(value) if _HALF.search(value) else value
    if isinstance(value, dict):
        return {whole(name): whole(item) for name, item in value.items()}
    return [whole(item) for item in value] if isinstance(value, list) else value


class Joiner:
    """Joins characters that a server cut in half between the pieces of one text."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, piece: str) -> str:
        """The piece as valid text, with the half that was kept; a half at its end is kept for the next piece."""
        text = self._half + piece
        self._half = next((text[-size:] for size in (3, 2, 1) if _is_unfinished(text[-size:])), "")
        return _join(text[: len(text) - len(self._half)])

    def end(self) -> str:
        """What became of a half that nothing followed."""
        half, self._half = self._half, ""
        return _join(half)


def _is_unfinished(tail: str) -> bool:
    """Whether the lone surrogates at the end of a text are the beginning of one character."""
    if len(tail) == 1 and "\ud800" <= tail <= "\udbff":
        return True
    try:
        tail.encode("utf-8", "surrogateescape").decode()
    except UnicodeEncodeError:
        return False
    except UnicodeDecodeError as error:
        return error.start == 0 and error.reason == "unexpected end of data"
    return False


def _join(text: str) -> str:
    text = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
    text = _ESCAPED_BYTES.sub(lambda run: run[0].encode("utf-8", "surrogateescape").decode("utf-8", "replace"), text)
    return _HALF.sub("\ufffd", text)
