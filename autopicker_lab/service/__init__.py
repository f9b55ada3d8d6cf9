"""The HTTP service: thin routes over the Workbench."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopicker_lab.service.app import create_app
    from autopicker_lab.service.server import serve

__all__ = ["create_app", "serve"]


def __getattr__(name: str) -> Any:
    """FastAPI is loaded when the service is used, not when its neighbours are imported."""
    if name == "create_app":
        from autopicker_lab.service.app import create_app

        return create_app
    if name == "serve":
        from autopicker_lab.service.server import serve

        return serve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
