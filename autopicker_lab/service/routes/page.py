"""The page to try the service with."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from autopicker_lab.core import NotFoundError

router = APIRouter(include_in_schema=False)
_PAGE = Path(__file__).parent.parent / "page"
_CLIENT = Path(__file__).parent.parent.parent / "client"  # the page is written with the client that others use
_FILES = {
    "index.html": (_PAGE, "text/html"),
    "page.css": (_PAGE, "text/css"),
    "page.js": (_PAGE, "text/javascript"),
    "autopicker.mjs": (_CLIENT, "text/javascript"),
}


@router.api_route("/", methods=["GET", "HEAD"])
async def index() -> Response:
    """The page itself."""
    return await part("index.html")


@router.get("/page/{name}")
async def part(name: str) -> Response:
    """A style sheet or script of the page; NotFoundError for any other name."""
    if name not in _FILES:
        raise NotFoundError(f"the page has no part '{name}'", "see /")
    folder, kind = _FILES[name]
    return FileResponse(folder / name, media_type=kind, headers={"Cache-Control": "no-cache"})
