"""The HTTP service: thin routes over the Workbench."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopicker_lab.service.app import create_app
    from autopicker_lab.service.in_thread import ServiceThread, start
    from autopicker_lab.service.server import serve

__all__ = ["ServiceThread", "create_app", "serve", "start"]
_PLACES = {"create_app": "app", "serve": "server", "ServiceThread": "in_thread", "start": "in_thread"}


def __getattr__(name: str) -> Any:
    """FastAPI is loaded when the service is used, not when its neighbours are imported."""
    if name in _PLACES:
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
