"""Frozen dataclasses that are made as fast as others.

A frozen dataclass sets each field by a call of `object.__setattr__`, which takes ten times as long as a dictionary's
assignment. A request makes a dozen values with eighty fields.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, TypeVar

T = TypeVar("T")


class _Made:
    """In place of an argument whose default is made anew for each object."""

    def __repr__(self) -> str:
        return "<factory>"


_MADE = _Made()


def quickly_made(cls: type[T]) -> type[T]:
    """Give a frozen dataclass without slots an `__init__` that does the same in less time.

    Raises:
        TypeError: the class has fields by keyword alone, or something to do after `__init__`.
    """
    known: dict[str, Any] = {"_MADE": _MADE}
    parameters, lines = ["self"], ["    _own = self.__dict__"]
    for place, field in enumerate(fields(cls)):  # type: ignore[arg-type]  # a dataclass
        if field.kw_only or not field.init or hasattr(cls, "__post_init__"):
            raise TypeError(f"{cls.__name__} is not as simple as it has to be")
        name = default = field.name
        if field.default_factory is not MISSING:
            known[f"make{place}"] = field.default_factory
            lines.append(f"    _own[{name!r}] = make{place}() if {name} is _MADE else {name}")
            default = f"{name}=_MADE"
        else:
            lines.append(f"    _own[{name!r}] = {name}")
            if field.default is not MISSING:
                known[f"default{place}"] = field.default
                default = f"{name}=default{place}"
        parameters.append(default)
    exec(f"def __init__({', '.join(parameters)}):\n" + "\n".join(lines), known)  # as dataclasses does
    made = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = dict(cls.__init__.__annotations__)
    cls.__init__ = made  # type: ignore[method-assign]
    return cls


def altered(value: T, **fields: Any) -> T:
    """A frozen dataclass without slots and lazy values with other values of some fields; as `replace`, but sooner."""
    made: T = object.__new__(type(value))
    made.__dict__.update(value.__dict__, **fields)
    return made
