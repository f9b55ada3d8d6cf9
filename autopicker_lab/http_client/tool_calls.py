"""Tool calls of other servers as OpenAI sends them: one index and one id a call, arguments as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from autopicker_lab.core import new_id


def whole_calls(calls: object) -> list[dict[str, Any]]:
    """The calls of a whole answer; TypeError where they are none."""
    reader = ToolCallReader()
    made = []
    for piece in _as_list(calls):
        call = reader.new(piece)
        function = call["function"]
        function["arguments"] = function.get("arguments") or "{}"
        if "index" not in piece:
            del call["index"]
        made.append(call)
    return made


@dataclass
class _Call:
    """A call that has begun: its index and id here, the id its server gave, whether its first piece was all of it."""

    index: int
    id: str
    given_id: str | None
    is_whole: bool


class ToolCallReader:
    """Reads the pieces of the calls of one streamed answer.

    Servers leave out the index, write it as text or give 0 to each call; they leave out ids, repeat them for another
    call, or make another for each piece of one call; they send arguments as an object.
    """

    def __init__(self) -> None:
        self._begun: list[_Call] = []
        self._at: dict[int, _Call] = {}  # by the server's own index
        self._ids: set[str] = set()

    def read(self, pieces: object) -> list[dict[str, Any]]:
        """The pieces of one event; TypeError where they are none."""
        return [self._read(piece) for piece in _as_list(pieces)]

    def _read(self, piece: Mapping[str, Any]) -> dict[str, Any]:
        index = _index(piece.get("index"))
        name = (piece.get("function") or {}).get("name")
        call = self._begun_call(index, piece.get("id") or None)
        if call is None or (name and self._is_another(call, piece)):
            made = self.new(piece)
            if index is not None:
                self._at[index] = self._begun[-1]
            return made
        rest = {key: value for key, value in piece.items() if key not in ("id", "type")}
        return {**rest, "index": call.index, "function": _function(piece)}

    def new(self, piece: Mapping[str, Any]) -> dict[str, Any]:
        """The first piece of a call, with an index and an id of its own."""
        given = str(piece["id"]) if piece.get("id") else None
        own = given if given is not None and given not in self._ids else f"call_{new_id()}"
        function = _function(piece)
        is_whole = bool(function.get("name")) and str(function.get("arguments", "")).rstrip().endswith("}")
        call = _Call(len(self._begun), own, given, is_whole)
        self._begun.append(call)
        self._ids.add(own)
        function.setdefault("arguments", "")
        return {**piece, "index": call.index, "id": own, "type": piece.get("type") or "function", "function": function}

    def _begun_call(self, index: int | None, given_id: str | None) -> _Call | None:
        """The call that a piece goes on with, by its index, else by its id; where it has neither, the last."""
        if index is not None:
            return self._at.get(index)
        if given_id is not None:
            return next((call for call in reversed(self._begun) if call.given_id == given_id), None)
        return self._begun[-1] if self._begun else None

    def _is_another(self, call: _Call, piece: Mapping[str, Any]) -> bool:
        """Whether a piece that has a name begins another call, though its index or id is taken."""
        given_id = piece.get("id") or None
        return call.is_whole or (given_id is not None and given_id != call.given_id)


def _as_list(calls: object) -> list[Any]:
    made = [calls] if isinstance(calls, Mapping) else calls
    if not isinstance(made, list) or not all(isinstance(call, Mapping) for call in made):
        raise TypeError("tool calls are a list of objects")
    return made


def _index(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return int(value) if isinstance(value, int | float) else None


def _function(piece: Mapping[str, Any]) -> dict[str, Any]:
    """A piece's function with its arguments as text; without them where they are null."""
    function = dict(piece.get("function") or {})
    arguments = function.get("arguments")
    if arguments is None:
        function.pop("arguments", None)
    elif not isinstance(arguments, str):
        function["arguments"] = orjson.dumps(arguments).decode()
    return function
