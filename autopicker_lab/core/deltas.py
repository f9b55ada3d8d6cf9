"""What a stream's chunks add up to: the chat.completion that would have come at once.

Servers stream fields that nobody has listed (a refusal, reasoning under several names, citations, signatures), so how
two pieces of a field are joined follows from their kind: texts are strung together, objects merged, lists extended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopicker_lab.core.chunk import ChatChunk

# said whole each time, and never in slices
_WHOLE = frozenset({"id", "type", "role", "name", "format", "status", "call_id", "mime_type", "title", "url"})
_OF_CHUNKS = frozenset({"id", "object", "created", "model", "choices", "usage"})
_OF_CHOICES = frozenset({"index", "delta", "logprobs"})
_MAX_DEPTH = 32


class _Text:
    """A text that comes in slices."""

    __slots__ = ("slices",)

    def __init__(self, first: str):
        self.slices = [first]


class _Entries:
    """A list whose objects come in slices, told apart by `index`, or one after the other."""

    __slots__ = ("_by_index", "entries")

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self._by_index: dict[Any, dict[str, Any]] = {}

    def extend(self, items: list[Any], depth: int) -> None:
        """Add what one chunk says of the list."""
        if items and all(isinstance(item, str) for item in items) and self.entries == items[: len(self.entries)]:
            self.entries = list(items)  # citations are said anew with each chunk
            return
        for item in items:
            if isinstance(item, Mapping):
                _merge(self._entry(item), item, depth)
            else:
                self.entries.append(item)

    def _entry(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """The object that this slice belongs to."""
        index, kind = item.get("index"), item.get("type")
        if not isinstance(index, int):
            last = self.entries[-1] if self.entries else None
            return last if isinstance(last, dict) and _goes_on(last, item) else self._new()
        for place in (index, (index, kind)):
            known = self._by_index.get(place)
            if known is not None and _is_same(known, item):
                return known
        entry = self._by_index[index] = self._by_index[index, kind] = self._new()
        return entry

    def _new(self) -> dict[str, Any]:
        entry: dict[str, Any] = {}
        self.entries.append(entry)
        return entry


def _is_same(known: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Whether two slices under one index are of one object: some servers count every call as the first."""
    if _differ(known, item, "type"):
        return False
    return not _differ(known, item, "id") or not _begins_call(item)  # others give each slice an id of its own


def _differ(known: Mapping[str, Any], item: Mapping[str, Any], name: str) -> bool:
    return bool(known.get(name) and item.get(name) and known[name] != item[name])


def _begins_call(item: Mapping[str, Any]) -> bool:
    """Whether a slice is the first of a tool call, or is of something else."""
    function = item.get("function")
    return not isinstance(function, Mapping) or bool(function.get("name"))


def _goes_on(last: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Whether an object without an index goes on with the one before: arguments of a call, or a thought."""
    if "function" in item:
        return not item.get("id") and not _begins_call(item)
    kind = item.get("type")
    sliced = isinstance(kind, str) and ("thinking" in kind or "reasoning" in kind or kind == "text")
    return sliced and kind == last.get("type") and not last.get("signature")


def _merge(into: dict[str, Any], delta: Mapping[str, Any], depth: int = 0) -> None:
    """Add what one chunk says of an object."""
    for name, value in delta.items():
        known = into.get(name)
        if value is None:
            into.setdefault(name, None)
        elif isinstance(value, str):
            if name in _WHOLE:
                into[name] = value or known
            elif not isinstance(known, _Text):
                into[name] = _Text(value)
            elif "signature" not in name or known.slices != [value]:  # of which servers say some twice
                known.slices.append(value)
        elif isinstance(value, list):
            _add_list(into, name, value, depth)
        elif isinstance(value, Mapping) and depth < _MAX_DEPTH:
            if not isinstance(known, dict):
                known = into[name] = {}
            _merge(known, value, depth + 1)
        else:
            into[name] = value


def _add_list(into: dict[str, Any], name: str, value: list[Any], depth: int) -> None:
    known = into.get(name)
    if name == "content":  # parts, where a text was meant
        texts = [part["text"] for part in value if isinstance(part, Mapping) and isinstance(part.get("text"), str)]
        _merge(into, {name: "".join(texts)}, depth)
    elif depth >= _MAX_DEPTH:
        into[name] = value
    else:
        if not isinstance(known, _Entries):
            known = into[name] = _Entries()
        known.extend(value, depth + 1)


def _finished(value: Any, depth: int = 0) -> Any:
    if depth > 2 * _MAX_DEPTH:
        return value  # as it came
    if isinstance(value, _Text):
        return "".join(value.slices)
    if isinstance(value, _Entries):
        return [_finished(entry, depth + 1) for entry in value.entries]
    if isinstance(value, dict):
        return {name: _finished(part, depth + 1) for name, part in value.items()}
    return value


class _Choice:
    """One of the answers that a stream gives."""

    def __init__(self, index: int):
        self.index = index
        self.message: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.logprobs: dict[str, Any] | None = None

    def add(self, raw: Mapping[str, Any]) -> None:
        """Add what one chunk says of it."""
        delta = raw.get("delta")
        content = delta.get("content") if delta.__class__ is dict and len(delta) == 1 else None
        known = self.message.get("content")
        if content.__class__ is str and known.__class__ is _Text:  # as most chunks are
            known.slices.append(content)
        elif isinstance(delta, Mapping):
            _merge(self.message, delta)
        for name in raw:
            if name not in _OF_CHOICES and (value := raw[name]) is not None and value != "":
                self.fields[name] = value
        logprobs = raw.get("logprobs")
        if logprobs is not None and isinstance(logprobs, Mapping):
            self._add_logprobs(logprobs)

    def _add_logprobs(self, raw: Mapping[str, Any]) -> None:
        self.logprobs = self.logprobs or {}
        for name, value in raw.items():
            if not isinstance(value, list):
                self.logprobs.setdefault(name, value)
            elif isinstance(known := self.logprobs.get(name), list):
                known.extend(value)
            else:
                self.logprobs[name] = list(value)

    def finished(self, finish_reason: str) -> dict[str, Any]:
        """The choice of the whole answer; `finish_reason` where none was said."""
        message = {"role": "assistant", "content": None, **_finished(self.message)}
        calls = message.get("tool_calls")
        if calls:
            message["tool_calls"] = _calls(calls)
        elif isinstance(calls, list):
            del message["tool_calls"]  # none after all
        says_more = calls or any(message.get(name) for name in ("refusal", "audio", "function_call"))
        message["content"] = message["content"] or (None if says_more else "")
        ended = {"finish_reason": finish_reason, **self.fields}
        return {"index": self.index, "message": message, "logprobs": self.logprobs, **ended}


def _calls(raw: list[Any]) -> list[dict[str, Any]]:
    """Tool calls of a whole message: in their order, without the index that only pieces need."""
    calls = [call for call in raw if isinstance(call, dict)]
    calls.sort(key=lambda call: index if isinstance(index := call.get("index"), int) else 0)
    return [_call({name: value for name, value in call.items() if name != "index"}) for call in calls]


def _call(call: dict[str, Any]) -> dict[str, Any]:
    whole = {**call, "id": call.get("id") or "", "type": call.get("type") or "function"}
    if whole["type"] == "function":
        function = call.get("function")
        given = function if isinstance(function, dict) else {}
        whole["function"] = {**given, "name": given.get("name") or "", "arguments": given.get("arguments") or ""}
    return whole


def assemble_completion(chunks: Iterable[ChatChunk], finish_reason: str = "stop") -> dict[str, Any]:
    """The chat.completion that a stream's chunks add up to, without id, model and usage.

    Args:
        finish_reason: of choices that did not say theirs; there is one choice at least.
    """
    choices: dict[int, _Choice] = {}
    fields: dict[str, Any] = {}
    for chunk in chunks:
        for event in chunk.events:
            for raw in event.get("choices") or ():
                index = raw.get("index")
                index = index if isinstance(index, int) else 0
                choice = choices.get(index)
                if choice is None:
                    choice = choices[index] = _Choice(index)
                choice.add(raw)
            for name in event:
                if name not in _OF_CHUNKS and (value := event[name]) is not None:
                    fields[name] = value
    found = [choices[index] for index in sorted(choices)] or [_Choice(0)]
    return {**fields, "choices": [choice.finished(finish_reason) for choice in found]}


def assemble_message(chunks: Iterable[ChatChunk]) -> dict[str, Any]:
    """The message that a stream's chunks add up to, of several the first."""
    message: dict[str, Any] = assemble_completion(chunks)["choices"][0]["message"]
    return message
