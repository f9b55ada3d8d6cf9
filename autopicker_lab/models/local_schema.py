"""JSON schemas that llama.cpp can hold an answer to; all others are refused, by the keyword that it would ignore.

llama.cpp makes a grammar of a schema. It passes over what it does not know ("not", "uniqueItems", bounds of numbers,
what stands beside "anyOf" ...), and a large one costs seconds a token. Its results were compared keyword by keyword.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.models.local_pattern import PatternError, held_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_DEPTH = 32
_MAX_SCHEMAS = 1000
_MAX_CHOICES = 500  # each is weighed for each token: 500 cost about half a second in an answer
_MAX_COMPARED = 64  # branches of a oneOf, each with each
_MAX_PROPERTIES = 250
_MAX_TEXT = 50_000  # characters of names, values and descriptions
_MAX_REPEAT = 2000  # llama.cpp refuses more items, and ignores more characters
_MAX_INTEGER = 10**15

_DEFINITIONS = ("$defs", "definitions")
_SAID = ("title", "description")
# They say something about a value, and do not bound it.
_ANNOTATIONS = frozenset(
    {*_SAID, *_DEFINITIONS, "$schema", "$id", "$comment", "default", "example", "examples", "deprecated", "readOnly"}
    | {"writeOnly", "discriminator", "contentMediaType", "contentEncoding"}
)
_HELD = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "integer": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "number": frozenset[str](),
    "boolean": frozenset[str](),
    "null": frozenset[str](),
}
_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
_FORMATS = frozenset({"date", "time", "date-time", "uuid"})


def held_schema(schema: object, param: str) -> dict[str, Any]:
    """The schema as llama.cpp gets it: what bounds the answer, and its descriptions.

    Raises:
        InvalidRequestError: llama.cpp cannot hold to it, or it costs too much; it names the keyword and its place.
    """
    return _Schema(schema, param).held()


class _Schema:
    """One schema while it is looked through; its methods take a part of it and the path to that."""

    def __init__(self, root: object, param: str):
        self._root = root
        self._param = param
        self._left = {"schemas": _MAX_SCHEMAS, "choices": _MAX_CHOICES, "properties": _MAX_PROPERTIES}
        self._text = _MAX_TEXT
        self._resolved: dict[str, Any] = {}

    def held(self) -> dict[str, Any]:
        return self._held(self._root, (), 0)

    def _held(self, part: object, path: tuple[str, ...], depth: int) -> dict[str, Any]:
        if not isinstance(part, dict):
            self._refuse(path, path[-1] if path else "schema", "must be an object")
        if depth > _MAX_DEPTH:
            self._refuse(path, path[-1], f"is nested more than {_MAX_DEPTH} deep")
        self._spend("schemas", 1, path)
        made: dict[str, Any] = {}
        for key in _SAID:
            if isinstance(part.get(key), str):
                made[key] = part[key]
                self._read(part[key], path, key)
        for key in _DEFINITIONS:
            if key in part:
                made[key] = self._map(part[key], (*path, key), depth)
        return made | self._constraints(part, _bounds(part), path, depth)

    def _constraints(
        self, part: Mapping[str, Any], keys: set[str], path: tuple[str, ...], depth: int
    ) -> dict[str, Any]:
        for key, held in (("$ref", self._ref), ("anyOf", self._any), ("oneOf", self._any), ("allOf", self._all)):
            if key in keys:
                self._only(keys, {key} if key == "$ref" else {key, "type"}, path, f"beside '{key}'")
                return held(key, part, path, depth)
        for key in ("const", "enum"):
            if key in keys:
                self._only(keys, {key, "type"}, path, f"beside '{key}'")
                return self._values(key, part, path)
        return self._typed(part, keys, path, depth)

    def _ref(self, key: str, part: Mapping[str, Any], path: tuple[str, ...], depth: int) -> dict[str, Any]:
        self._resolve(part, path, ())
        return {key: part[key]}

    def _resolve(self, part: Any, path: tuple[str, ...], seen: tuple[str, ...]) -> Any:
        """What a part refers to at last; a part that refers to itself, directly or as an alternative, is refused."""
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            ref = part["$ref"]
            where, _, name = str(ref).removeprefix("#/").partition("/")
            if ref != f"#/{where}/{name}" or where not in _DEFINITIONS or set("/~%") & set(name):
                self._refuse(path, "$ref", f"refers to '{str(ref)[:80]}', and only '#/$defs/name' is known")
            if ref in seen:
                self._refuse(path, "$ref", "refers to itself")
            if ref not in self._resolved:
                definitions = self._root.get(where) if isinstance(self._root, dict) else None
                target = definitions.get(name) if isinstance(definitions, dict) else None
                if not isinstance(target, dict):
                    self._refuse(path, "$ref", f"refers to '{ref[:80]}', which is not there")
                self._resolved[ref] = self._resolve(target, path, (*seen, ref))
            return self._resolved[ref]
        for key in ("anyOf", "oneOf", "allOf"):
            for branch in part[key] if isinstance(part.get(key), list) else ():
                self._resolve(branch, path, seen)
        return part

    def _any(self, key: str, part: Mapping[str, Any], path: tuple[str, ...], depth: int) -> dict[str, Any]:
        branches = self._list(part[key], path, key)
        self._spend("choices", len(branches), path)
        made = [self._held(branch, (*path, key, str(i)), depth + 1) for i, branch in enumerate(branches)]
        whole = [self._resolve(branch, path, ()) for branch in branches]
        if "type" in part and any(branch.get("type") != part["type"] for branch in whole):
            self._refuse(path, "type", f"beside '{key}' must be the type of each of its branches")
        if key == "oneOf":
            if len(whole) > _MAX_COMPARED:
                self._refuse(path, key, f"has more than {_MAX_COMPARED} branches: write 'anyOf'")
            for i, one in enumerate(whole):
                if not all(self._differ(one, other, path) for other in whole[:i]):
                    self._refuse(path, key, "has branches that a value may fit together: write 'anyOf'")
        return {"anyOf": made}

    def _differ(self, one: Mapping[str, Any], other: Mapping[str, Any], path: tuple[str, ...]) -> bool:
        """Whether no value fits both: they have different types or values, or a required property has."""
        values, others = _values_of(one), _values_of(other)
        if values is not None and others is not None:
            return not any(value in others for value in values)
        kinds = [{"number" if kind == "integer" else kind for kind in _kinds(part)} for part in (one, other)]
        if kinds[0] and kinds[1] and not kinds[0] & kinds[1]:
            return True
        for name in set(one.get("required") or ()) & set(other.get("required") or ()):
            pair = [self._resolve((part.get("properties") or {}).get(name), path, ()) for part in (one, other)]
            told = [_values_of(part) for part in pair if isinstance(part, dict)]
            if len(told) == 2 and told[0] and told[1] and not any(value in told[1] for value in told[0]):
                return True
        return False

    def _all(self, key: str, part: Mapping[str, Any], path: tuple[str, ...], depth: int) -> dict[str, Any]:
        """Objects that add properties to each other; llama.cpp ignores all else in `allOf`."""
        branches = self._list(part[key], path, key)
        properties: dict[str, Any] = {}
        required: list[str] = []
        for i, branch in enumerate(branches):
            where = (*path, key, str(i))
            whole = self._resolve(branch, where, ())
            self._only(_bounds(whole), {"type", "properties", "required"}, where, "in 'allOf'")
            if not isinstance(whole, dict) or _kinds({"type": "object", **whole}) != ["object"]:
                self._refuse(where, key, "may have objects only")
            held = self._held({"type": "object", **whole}, where, depth + 1)
            if properties.keys() & held.get("properties", {}).keys():
                self._refuse(where, key, "bounds a property twice")
            properties |= held.get("properties", {})
            required += held.get("required", [])
        return {"type": "object", "properties": properties, "required": required}

    def _values(self, key: str, part: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
        values = [part[key]] if key == "const" else self._list(part[key], path, key)
        self._spend("choices", len(values), path)
        kinds = _kinds(part)
        for value in values:
            if "type" in part and not any(_is_a(value, kind) for kind in kinds):
                self._refuse(path, key, "has a value of another type")
            self._read(value, path, key)
        return {key: part[key]}

    def _typed(self, part: Mapping[str, Any], keys: set[str], path: tuple[str, ...], depth: int) -> dict[str, Any]:
        kinds = _kinds(part)
        if "type" not in keys:
            kinds = next(([kind] for kind in ("object", "array") if keys & _HELD[kind]), [])
            if keys and not kinds:
                known = any(key in held for key in keys for held in _HELD.values())
                key = min(keys)
                self._refuse(path, key, "needs a 'type' beside it" if known else "is not known")
        elif not kinds or not all(kind in _HELD for kind in kinds):
            self._refuse(path, "type", f"must be of {', '.join(_HELD)}")
        held = frozenset[str]().union(*(_HELD[kind] for kind in kinds))
        self._only(keys, held | {"type"}, path, f"of {' or '.join(kinds) or 'any value'}")
        if "number" in kinds:
            self._only(keys, keys - _HELD["integer"], path, "of number")
        made: dict[str, Any] = {"type": part["type"]} if "type" in keys else {"type": kinds[0]} if kinds else {}
        made |= self._object(part, path, depth) if keys & _HELD["object"] else {}
        made |= self._array(part, path, depth) if keys & _HELD["array"] else {}
        made |= self._string(part, keys, path) if keys & _HELD["string"] else {}
        return made | {key: self._integer(part[key], path, key) for key in sorted(keys & _HELD["integer"])}

    def _object(self, part: Mapping[str, Any], path: tuple[str, ...], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if "properties" in part:
            made["properties"] = self._map(part["properties"], (*path, "properties"), depth)
            self._spend("properties", len(made["properties"]), path)
        if "required" in part:
            names = part["required"]
            known = made.get("properties", {})
            if not isinstance(names, list) or not all(isinstance(name, str) and name in known for name in names):
                self._refuse(path, "required", "must be a list of names that 'properties' has")
            made["required"] = names
        if "additionalProperties" in part:
            more = part["additionalProperties"]
            where = (*path, "additionalProperties")
            made["additionalProperties"] = more if isinstance(more, bool) else self._held(more, where, depth + 1)
        return made

    def _array(self, part: Mapping[str, Any], path: tuple[str, ...], depth: int) -> dict[str, Any]:
        low, high = (self._repeat(part, path, key) for key in ("minItems", "maxItems"))
        listed = part.get("prefixItems", part.get("items") if isinstance(part.get("items"), list) else None)
        if listed is not None:
            key = "prefixItems" if "prefixItems" in part else "items"
            places = self._list(listed, path, key)
            if key == "prefixItems" and "items" in part:
                self._refuse(path, "items", "beside 'prefixItems'")
            if (low or 0) > len(places) or (high is not None and high < len(places)):
                self._refuse(path, "minItems" if (low or 0) > len(places) else "maxItems", "beside 'prefixItems'")
            return {"prefixItems": [self._held(one, (*path, key, str(i)), depth + 1) for i, one in enumerate(places)]}
        if "items" not in part:
            self._refuse(path, "minItems" if low is not None else "maxItems", "needs 'items' beside it")
        made: dict[str, Any] = {"items": self._held(part["items"], (*path, "items"), depth + 1)}
        return made | {key: n for key, n in (("minItems", low), ("maxItems", high)) if n is not None}

    def _string(self, part: Mapping[str, Any], keys: set[str], path: tuple[str, ...]) -> dict[str, Any]:
        if "pattern" in keys:
            self._only(keys & _HELD["string"], {"pattern"}, path, "beside 'pattern'")
            self._read(part["pattern"], path, "pattern")
            try:
                return {"pattern": held_pattern(str(part["pattern"]))}
            except PatternError as error:
                self._refuse(path, "pattern", f"has {error}")
        if "format" in keys:
            self._only(keys & _HELD["string"], {"format"}, path, "beside 'format'")
            if str(part["format"]) not in _FORMATS:
                self._refuse(path, "format", f"must be one of {', '.join(sorted(_FORMATS))}")
            return {"format": part["format"]}
        bounds = {key: self._repeat(part, path, key) for key in ("minLength", "maxLength")}
        return {key: bound for key, bound in bounds.items() if bound is not None}

    def _repeat(self, part: Mapping[str, Any], path: tuple[str, ...], key: str) -> int | None:
        if key not in part:
            return None
        count = self._integer(part[key], path, key)
        if not 0 <= count <= _MAX_REPEAT:
            self._refuse(path, key, f"must be from 0 to {_MAX_REPEAT}")
        other = part.get(key.replace("min", "max"))
        if key.startswith("min") and isinstance(other, int) and other < count:
            self._refuse(path, key, "is more than the greatest")
        return count

    def _integer(self, value: object, path: tuple[str, ...], key: str) -> int:
        whole = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MAX_INTEGER
        if not whole or value != int(value):  # type: ignore[call-overload]
            self._refuse(path, key, f"must be a whole number up to {_MAX_INTEGER:.0e}")
        return int(value)  # type: ignore[call-overload,no-any-return]

    def _map(self, parts: object, path: tuple[str, ...], depth: int) -> dict[str, Any]:
        if not isinstance(parts, dict):
            self._refuse(path, path[-1], "must be an object of schemas")
        made = {}
        for name, part in parts.items():
            self._read(name, path, path[-1])
            made[name] = self._held(part, (*path, str(name)), depth + 1)
        return made

    def _list(self, parts: object, path: tuple[str, ...], key: str) -> list[Any]:
        if not isinstance(parts, list) or not parts:
            self._refuse(path, key, "must be a list that is not empty")
        return parts

    def _read(self, value: object, path: tuple[str, ...], key: str) -> None:
        """Count the text of a name or value."""
        try:
            self._text -= len(value if isinstance(value, str) else str(value))
        except RecursionError:
            self._text = -1
        if self._text < 0:
            self._refuse(path, key, f"makes the schema longer than {_MAX_TEXT} characters")

    def _spend(self, what: str, count: int, path: tuple[str, ...]) -> None:
        self._left[what] -= count
        if self._left[what] < 0:
            most = {"schemas": _MAX_SCHEMAS, "choices": _MAX_CHOICES, "properties": _MAX_PROPERTIES}[what]
            self._refuse(path, path[-1] if path else "schema", f"has more than {most} {what} in all")

    def _only(self, keys: set[str], held: set[str] | frozenset[str], path: tuple[str, ...], where: str) -> None:
        for key in sorted(keys - held):
            self._refuse(path, key, where)

    def _refuse(self, path: tuple[str, ...], keyword: str, why: str) -> NoReturn:
        place = "/".join(("#", *path))
        detail = f"this model cannot hold an answer to '{keyword[:80]}' at '{place[:200]}' of the schema: {why}"
        raise InvalidRequestError(detail, "leave it out, or choose another model", param=self._param)


def _bounds(part: object) -> set[str]:
    """The keywords that bound a value."""
    keys = part if isinstance(part, dict) else {}
    return {str(key) for key in keys if key not in _ANNOTATIONS and not str(key).startswith("x-")}


def _kinds(part: Mapping[str, Any]) -> list[str]:
    kinds = part.get("type", [])
    return [str(kind) for kind in (kinds if isinstance(kinds, list) else [kinds])]


def _values_of(part: Mapping[str, Any]) -> list[Any] | None:
    if "const" in part:
        return [part["const"]]
    return part["enum"] if isinstance(part.get("enum"), list) else None


def _is_a(value: object, kind: str) -> bool:
    if kind in ("integer", "number"):
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole or (kind == "number" and isinstance(value, float))
    return isinstance(value, _TYPES.get(kind, ()))
