"""Graders of one's own: a function `(reply, answer) -> score` in a Python file, or an entry point of a package.

The file is named by whoever writes the questions, and runs with all their rights, in this process: nothing shuts it in.
"""

from __future__ import annotations

import functools
import importlib.util
import math
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from autopicker_lab.core import InvalidRequestError

ENTRY_POINTS = "autopicker_lab.graders"
Grader = Callable[[str, Any], Any]


def is_own(name: str) -> bool:
    """Whether a grader is named as one's own: `my.py:function`, or an entry point."""
    return ".py:" in name or is_entry_point(name)


def is_entry_point(name: str) -> bool:
    """Whether an installed package brings a grader of this name."""
    return name in _entry_points()


def own_grader(name: str, folder: Path | None = None) -> Grader:
    """The function of a grader; InvalidRequestError where it cannot be loaded.

    Args:
        folder: from which a path of a file begins; None: here.
    """
    if is_entry_point(name):
        return _loaded_entry(name)
    file, _, function = name.rpartition(":")
    path = (folder or Path()) / Path(file).expanduser()
    if not path.is_file():
        raise InvalidRequestError(f"no file '{path}' for the grader '{name}'", "paths begin at the questions' folder")
    found = getattr(_module(path.resolve(), path.stat().st_mtime_ns), function, None)
    if not callable(found):
        raise InvalidRequestError(f"'{path.name}' has no function '{function}'", "write def NAME(reply, answer)")
    grader: Grader = found
    return grader


def own_score(name: str, reply: str, answer: object, folder: Path | None = None) -> float:
    """What a person's own grader makes of a reply, 0 to 1; InvalidRequestError where it has no score."""
    grader = own_grader(name, folder)
    try:
        score = grader(reply, answer)
    except Exception as error:
        detail = f"the grader '{name}' failed: {type(error).__name__}: {error}"
        raise InvalidRequestError(detail, "correct it, and run again") from None
    try:
        value = float(score)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value <= 1:
        raise InvalidRequestError(f"the grader '{name}' gave {score!r:.60}", "return a number from 0 to 1")
    return value


@functools.cache
def _entry_points() -> dict[str, metadata.EntryPoint]:
    return {entry.name: entry for entry in metadata.entry_points(group=ENTRY_POINTS)}


@functools.cache
def _loaded_entry(name: str) -> Grader:
    try:
        grader: Grader = _entry_points()[name].load()
    except Exception as error:
        detail = f"the grader '{name}' cannot be loaded: {type(error).__name__}: {error}"
        raise InvalidRequestError(detail, "update or remove its package") from None
    return grader


@functools.cache
def _module(path: Path, changed: int) -> Any:
    """The module of a file, as it was when it was last changed."""
    spec = importlib.util.spec_from_file_location(f"autopicker_grader_{path.stem}_{changed}", path)
    assert spec is not None
    assert spec.loader is not None  # of a .py file there is one
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        detail = f"'{path}' cannot be loaded: {type(error).__name__}: {error}"
        raise InvalidRequestError(detail, "correct it") from None
    return module
