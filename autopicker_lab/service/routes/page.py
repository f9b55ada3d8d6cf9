"""The page to try the service with."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from autopicker_lab.core import NotFoundError

router = APIRouter(include_in_schema=False)
_PAGE = Path(__file__).parent.parent / "page"
_CLIENT = Path(__file__).parent.parent.parent / "client"  # the page is written with the client that others use
_FILES = {
    "index.html": (_PAGE, "text/html"),
    "page.css": (_PAGE, "text/css"),
    "page.js": (_PAGE, "text/javascript"),
    "microphone.js": (_PAGE, "text/javascript"),
    "autopicker.mjs": (_CLIENT, "text/javascript"),
}


@router.get("/")
async def index(request: Request) -> Response:
    """The page itself, with addresses below the prefix that a proxy serves under."""
    text = await asyncio.to_thread((_PAGE / "index.html").read_text, "utf-8")
    prefix = request.scope.get("root_path", "")
    return HTMLResponse(text.replace('="/', f'="{prefix}/'), headers={"Cache-Control": "no-cache"})


@router.get("/page/{name}")
async def part(name: str) -> Response:
    """A style sheet or script of the page; NotFoundError for any other name."""
    if name not in _FILES:
        raise NotFoundError(f"the page has no part '{name}'", "see /")
    folder, kind = _FILES[name]
    return FileResponse(folder / name, media_type=kind, headers={"Cache-Control": "no-cache"})
