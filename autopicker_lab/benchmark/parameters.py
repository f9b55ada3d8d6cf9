"""The parameters of a benchmark: what its notebook's cell says of them, and values of their types."""

from __future__ import annotations

import ast
import difflib
import io
import json
import math
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OUT = "out"  # the parameter that names the run's folder
_ARTICLES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "list": "a list, such as [1, 2]",
    "tuple": "a list, such as [1, 2]",
    "dict": 'an object, such as {"a": 1}',
}


@dataclass(frozen=True)
class Expression:
    """A default that is no plain value, such as `2 * 3`: the notebook works it out."""

    source: str

    def __repr__(self) -> str:
        return self.source


@dataclass(frozen=True)
class Parameter:
    """One parameter of a benchmark: its name, its default (an Expression where it is no plain value), its purpose."""

    name: str
    default: Any
    help: str

    @property
    def kind(self) -> str:
        """The name of its type, such as int, float, bool, str, list or dict; "any" where the default tells none."""
        return "any" if self.default is None or isinstance(self.default, Expression) else type(self.default).__name__

    def read(self, value: Any) -> Any:
        """Convert a value, or its text, to the type of the default; InvalidRequestError says what it must be."""
        try:
            return _convert(self.kind, value)
        except ValueError:
            detail = f"'{self.name}' must be {_ARTICLES.get(self.kind, self.kind)}, not {value!r}"
            raise InvalidRequestError(detail, f"the default is {self.default!r}") from None


def parameters_of(notebook: Path) -> dict[str, Parameter]:
    """Read the parameters of a benchmark by name, but for `out`, which the runner sets.

    Raises:
        InvalidRequestError: the file is no notebook, or its cell of parameters is no Python.
    """
    return {name: parameter for name, parameter in all_parameters_of(notebook).items() if name != OUT}


def all_parameters_of(notebook: Path) -> dict[str, Parameter]:
    """Read the parameters of a benchmark by name, `out` among them."""
    require("papermill")
    import nbformat

    try:
        cells = nbformat.read(notebook, 4).cells
        tagged = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", ())]
        source = tagged[0] if tagged else ""
        tree = ast.parse(source)
    except (OSError, ValueError, AttributeError, SyntaxError, nbformat.ValidationError) as error:
        detail = f"the parameters of '{notebook}' cannot be read: {str(error).splitlines()[0]}"
        raise InvalidRequestError(
            detail, "a cell tagged 'parameters' has lines such as: count = 3  # what it is"
        ) from None
    comments = _comments(source)
    found = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        else:
            continue
        value = statement.value
        assert value is not None
        words = comments.get(statement.end_lineno or 0, "")
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = Parameter(target.id, _default(value), words)
    return found


def check_parameters(notebook: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert values to the types of a benchmark's parameters.

    Raises:
        InvalidRequestError: an unknown parameter, or a value of another type; the hint names the nearest.
    """
    known = parameters_of(notebook)
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known) or 'none'}"
            raise InvalidRequestError(f"'{notebook.name}' has no parameter '{name}'", hint)
    return {name: known[name].read(value) for name, value in values.items()}


def _default(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except ValueError:
        return Expression(ast.unparse(value))


def _comments(source: str) -> dict[int, str]:
    """The comments of a cell by line."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _convert(kind: str, value: Any) -> Any:
    if kind == "str":
        return str(value)
    if kind == "bool":
        values = {"true": True, "false": False, "1": True, "0": False}
        if str(value).lower() not in values:
            raise ValueError
        return values[str(value).lower()]
    if kind in ("int", "float"):
        if isinstance(value, bool) or (kind == "int" and isinstance(value, float) and not value.is_integer()):
            raise ValueError
        number = int(value) if kind == "int" else float(value)
        if not math.isfinite(number):
            raise ValueError
        return number
    if kind == "any":
        return _read(value, value)
    read = _read(value, None)
    if kind in ("list", "tuple") and isinstance(read, list | tuple):
        return list(read)
    if type(read).__name__ != kind:
        raise ValueError
    return read


def _read(value: Any, otherwise: Any) -> Any:
    """The value of a text, as JSON or as Python writes it."""
    if not isinstance(value, str):
        return value
    for read in (json.loads, ast.literal_eval):
        try:
            return read(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return otherwise
