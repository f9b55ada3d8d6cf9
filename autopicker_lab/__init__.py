"""Autopicker Lab: pick the right language model for every request, and prove that it was right.

Importing the package loads nothing heavy: `Workbench`, `Settings`, `extract` and the rooms
(`autopicker_lab.tuning`, ...) are resolved on first use.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopicker_lab.extraction import extract
    from autopicker_lab.settings import Settings
    from autopicker_lab.workbench import Workbench

# onnxruntime, which reads pictures and finds speech, would keep a session file and report its use from its import on
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = ["Settings", "Workbench", "__version__", "extract"]
__version__ = "0.10.0"

_HOMES = {
    "Workbench": "autopicker_lab.workbench",
    "Settings": "autopicker_lab.settings",
    "extract": "autopicker_lab.extraction",
}
_ROOMS = ("assets", "benchmark", "client", "loadtest", "routing", "service", "tuning", "widgets")


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
