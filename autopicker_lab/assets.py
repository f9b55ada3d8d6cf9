"""Where samples, outcomes and notebooks are: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

from autopicker_lab.core import AutopickerError

_PACKAGE = Path(__file__).resolve().parent


def samples() -> Path:
    """The folder of sample files."""
    return _find("data/samples", "_samples")


def notebooks() -> Path:
    """The folder of notebooks."""
    return _find("notebooks", "_notebooks")


def benchmarks() -> Path:
    """The folder of benchmark notebooks."""
    return _find("benchmarks", "_benchmarks")


def outcomes() -> Path:
    """The folder of measured outcomes and of the questions they answer."""
    return _find("data/outcomes", "_outcomes")


def encodings() -> Path:
    """The folder of sentences for the encodings set."""
    return _find("data/encodings", "_encodings")


def in_checkout() -> bool:
    """Whether the package runs from a checkout."""
    return (_PACKAGE.parent / "pyproject.toml").exists()


def _find(in_tree: str, in_wheel: str) -> Path:
    places = ([_PACKAGE.parent / in_tree] if in_checkout() else []) + [_PACKAGE / in_wheel]
    for place in places:
        if place.is_dir():
            return place
    raise AutopickerError(f"'{in_tree}' is missing from this installation", "reinstall autopicker-lab")
