"""The YAML file that AUTOPICKER_CONFIG names: read within bounds, its ${NAMES} filled in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from dotenv import dotenv_values

from autopicker_lab.core import SettingsError
from autopicker_lab.model_entry import VARIABLE

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES = 2**20
MAX_VALUES = 20_000  # with its aliases written out
MAX_DEPTH = 50


class ModelsFile(NamedTuple):
    """The entries of a file, and what was filled in: values that may be secrets."""

    models: list[Any]
    filled_in: tuple[str, ...]


class _TooLargeError(Exception):
    """What a file has too much of."""


def read_models(path: Path) -> ModelsFile:
    """The entries of `models:`; SettingsError in one line for a file that is none, or that grows past its bounds."""
    try:
        raw = _load(_text(path.expanduser()))
    except _TooLargeError as error:
        raise SettingsError(f"AUTOPICKER_CONFIG: '{path}' {error}", "write a list of models") from None
    except RecursionError:
        detail = f"AUTOPICKER_CONFIG: '{path}' is nested too deeply"
        raise SettingsError(detail, "write a list of models") from None
    except yaml.YAMLError as error:
        raise SettingsError(
            f"AUTOPICKER_CONFIG: cannot read '{path}': {_one_line(error)}", "correct the file"
        ) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it has a value that is none, or is not UTF-8"
        raise SettingsError(f"AUTOPICKER_CONFIG: cannot read '{path}': {why}", "correct the path or the file") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("models"), list):
        raise SettingsError(f"AUTOPICKER_CONFIG: '{path}' has no list of models", "begin it with 'models:'")
    environment = {**dotenv_values(".env"), **os.environ}
    filled_in: set[str] = set()
    models = [_expand(item, environment, filled_in) for item in raw["models"]]
    return ModelsFile(models, tuple(filled_in))


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _TooLargeError(f"has over {MAX_BYTES:,} bytes")
    return data.decode("utf-8")


def _load(text: str) -> Any:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _size(node, {}, 0)  # before anything is made of it: a few aliases of aliases would fill the memory
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int], depth: int) -> int:
    """Values that a node has with its aliases written out."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) in known:
        return known[id(node)]
    if depth > MAX_DEPTH:
        raise _TooLargeError("is nested too deeply")
    known[id(node)] = MAX_VALUES  # what a node within itself would have
    children = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
    size = 1 + sum([_size(child, known, depth + 1) for child in children])
    if size > MAX_VALUES:
        raise _TooLargeError(f"has over {MAX_VALUES:,} values, its aliases written out")
    known[id(node)] = size
    return size


def _one_line(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the lines themselves: a key may stand in them."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "it is not YAML"
    return f"line {error.problem_mark.line + 1} is not YAML"


def _expand(value: Any, environment: Mapping[str, str | None], filled_in: set[str]) -> Any:
    """Replace ${NAME} in all strings by its value in the environment or .env; one that nobody set stays."""

    def fill_in(match: re.Match[str]) -> str:
        text = environment.get(match[1])
        if not text:
            return match[0]
        filled_in.add(text)
        return text

    if isinstance(value, str):
        return VARIABLE.sub(fill_in, value)
    if isinstance(value, dict):
        return {key: _expand(item, environment, filled_in) for key, item in value.items()}
    return [_expand(item, environment, filled_in) for item in value] if isinstance(value, list) else value
