"""The page to try the service with."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from autopicker_lab.core import NotFoundError

router = APIRouter(include_in_schema=False)
_FOLDER = Path(__file__).parent.parent / "page"
_TYPES = {"index.html": "text/html", "page.js": "text/javascript", "page.css": "text/css"}


@router.get("/")
async def index() -> Response:
    return await part("index.html")


@router.get("/page/{name}")
async def part(name: str) -> Response:
    if name not in _TYPES:
        raise NotFoundError(f"the page has no part '{name}'", "see /")
    return FileResponse(_FOLDER / name, media_type=_TYPES[name], headers={"Cache-Control": "no-cache"})
