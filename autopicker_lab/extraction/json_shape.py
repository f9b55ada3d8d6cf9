"""The shape of JSON values: keys with the kinds of their values over all items of a list, bounded in depth and size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_DEPTH = 4
_MOST_KEYS = 50
_MOST_KINDS = 4
_MOST_EXAMPLE = 30  # characters


def sketch(value: object) -> Any:
    """The shape of a JSON value, itself a small one.

    An object is its keys, each with the shape of its values; a list is the shape of all its items, and their number;
    anything else its kind, with an example where it is one of many: `[{"id": "int (7)", "note": "str, in 3 of 9"},
    "9 items"]`. At most 50 keys and 4 levels are told.
    """
    shape = _Shape()
    shape.add(value, 0)
    return shape.told()


@dataclass
class _Shape:
    """What stood at one place of all items of a list."""

    count: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    keys: dict[str, _Shape] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    items: _Shape | None = None
    lengths: list[int] = field(default_factory=lambda: [0, 0])  # of lists: the least and the most
    example: str = ""

    def add(self, value: object, depth: int) -> None:
        """Count one value, which lies so deep."""
        self.count += 1
        kind = _kind(value)
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if isinstance(value, dict) and depth < _MOST_DEPTH:
            self._add_object(value, depth)
        elif isinstance(value, list):
            few, many = self.lengths
            self.lengths = [min(few, len(value)) if self.kinds[kind] > 1 else len(value), max(many, len(value))]
            if depth < _MOST_DEPTH:
                self.items = self.items or _Shape()
                for item in value:
                    self.items.add(item, depth + 1)
        elif not self.example and value not in (None, "") and not isinstance(value, dict | bool):
            self.example = repr(value) if len(str(value)) <= _MOST_EXAMPLE else ""

    def _add_object(self, value: dict[str, Any], depth: int) -> None:
        for key, item in value.items():
            if key not in self.keys and len(self.keys) >= _MOST_KEYS:
                self.left_out.add(key)
            else:
                self.keys.setdefault(key, _Shape()).add(item, depth + 1)

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


def _either(kinds: Iterable[str]) -> str:
    named = list(kinds)
    return " or ".join(named[:_MOST_KINDS]) + (" or others" if len(named) > _MOST_KINDS else "")


def _kind(value: object) -> str:
    return "null" if value is None else "object" if isinstance(value, dict) else type(value).__name__
