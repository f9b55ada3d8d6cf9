"""The shape of JSON values: keys with the kinds of their values over all items of a list, bounded in depth and size."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_MOST_DEPTH = 4
_MOST_KEYS = 50
_MOST_KINDS = 4
_MOST_EXAMPLE = 30  # characters
_KINDS = {type(None): "null", dict: "object"}
_WITHOUT_EXAMPLE = frozenset(("null", "bool", "object", "list"))


def sketch(value: object) -> Any:
    """The shape of a JSON value, itself a small one.

    An object is its keys, each with the shape of its values; a list is the shape of all its items, and their number;
    anything else its kind, with an example where it is one of many: `[{"id": "int (7)", "note": "str, in 3 of 9"},
    "9 items"]`. At most 50 keys and 4 levels are told.
    """
    return _told_one(value, 0)


def _told_one(value: Any, depth: int) -> Any:
    """The shape of a value that is no item of a list: of most of what stands in settings and the like."""
    kind = type(value)
    if kind is dict and value and depth < _MOST_DEPTH:
        told = {key: _told_one(one, depth + 1) for key, one in islice(value.items(), _MOST_KEYS)}
        if len(value) > _MOST_KEYS:
            told["..."] = f"{len(value) - _MOST_KEYS:,} more keys"
        return told
    if kind is not list:
        return _kind_name(kind)
    if value and depth < _MOST_DEPTH:
        kinds = dict.fromkeys(map(type, value))
        if len(value) == 1:
            return [_told_one(value[0], depth + 1), "1 items"]
        if dict not in kinds and list not in kinds:
            return [_either(map(_kind_name, kinds)), f"{len(value):,} items"]
    shape = _Shape()
    shape.add([value], depth)
    return shape.told()


@dataclass(slots=True)
class _Shape:
    """What stood at one place of all items of a list."""

    count: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    keys: dict[str, _Shape] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    items: _Shape | None = None
    lengths: tuple[int, int] = (0, 0)  # of lists: the least and the most
    example: str = ""

    def add(self, values: Collection[object], depth: int) -> None:
        """Count the values of one place, which lie so deep; all at once: one by one takes far longer."""
        types = list(map(type, values))
        self.count = len(values)
        self.kinds = {_kind_name(kind): types.count(kind) for kind in dict.fromkeys(types)}
        if "object" in self.kinds and depth < _MOST_DEPTH:
            self._add_objects([value for value in values if type(value) is dict], depth)
        if "list" in self.kinds:
            lists = [value for value in values if type(value) is list]
            self.lengths = min(map(len, lists)), max(map(len, lists))
            if depth < _MOST_DEPTH and self.lengths[1]:
                self.items = _Shape()
                self.items.add([item for one in lists for item in one], depth + 1)
        if not self.kinds.keys() <= _WITHOUT_EXAMPLE:
            self.example = next((shown for value in values if (shown := _example(value))), "")

    def _add_objects(self, objects: list[dict[str, Any]], depth: int) -> None:
        names = list(objects[0])
        alike = len(names) <= _MOST_KEYS and all(list(one) == names for one in objects)
        columns = zip(names, zip(*map(dict.values, objects), strict=True), strict=True) if alike else None
        for key, column in self._columns(objects) if columns is None else columns:
            self.keys[key] = _Shape()
            self.keys[key].add(column, depth + 1)

    def _columns(self, objects: list[dict[str, Any]]) -> Iterable[tuple[str, list[object]]]:
        """The values of each key of objects that differ in their keys."""
        columns: dict[str, list[object]] = {}
        for one in objects:
            for key, value in one.items():
                if (column := columns.get(key)) is not None:
                    column.append(value)
                elif len(columns) < _MOST_KEYS:
                    columns[key] = [value]
                else:
                    self.left_out.add(key)
        return columns.items()

    def told(self, of: int = 0) -> Any:
        """The shape as JSON; `of` is the number of objects among which it was looked for, 0 where it was one."""
        rarely = f", in {self.count:,} of {of:,}" if self.count < of else ""
        others = {kind: number for kind, number in self.kinds.items() if kind not in ("object", "list")}
        if self.keys and "list" not in self.kinds:
            number = self.kinds["object"]
            told = {key: shape.told(number if number > 1 else 0) for key, shape in self.keys.items()}
            if self.left_out:
                told["..."] = f"{len(self.left_out):,} more keys"
            if others:
                told["(or)"] = f"{_either(others)}, in {sum(others.values()):,} of {self.count:,}"
            return told | ({"(object)": rarely.removeprefix(", ")} if rarely else {})
        if "object" not in self.kinds and self.items is not None and self.items.count:
            few, many = self.lengths
            items = f"{few:,} items{rarely}" if few == many else f"{few:,} to {many:,} items{rarely}"
            return [self.items.told(), items, *([f"or {_either(others)}"] if others else [])]
        if set(self.kinds) == {"list"} and not self.lengths[1]:
            return []
        example = f" ({self.example})" if self.example and of else ""
        return f"{_either(self.kinds)}{example}{rarely}"


def _kind_name(kind: type) -> str:
    return _KINDS.get(kind) or kind.__name__


def _either(kinds: Iterable[str]) -> str:
    named = list(kinds)
    return " or ".join(named[:_MOST_KINDS]) + (" or others" if len(named) > _MOST_KINDS else "")


def _example(value: object) -> str:
    if value is None or value == "" or isinstance(value, bool | dict | list) or len(str(value)) > _MOST_EXAMPLE:
        return ""
    return repr(value)
