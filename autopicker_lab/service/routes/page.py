"""The page to try the service with, and what it alone asks for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, Response
from pydantic import BaseModel, Field, NonNegativeInt

from autopicker_lab.chat.markdown import markdown_html
from autopicker_lab.core import NotFoundError
from autopicker_lab.models.replay import ReplayModel
from autopicker_lab.routing import permitted_models
from autopicker_lab.service.routes.json_route import JsonRoute
from autopicker_lab.service.state import CurrentCaller, State

router = APIRouter(include_in_schema=False, route_class=JsonRoute)
_PAGE = Path(__file__).parent.parent / "page"
_CLIENT = Path(__file__).parent.parent.parent / "client"  # the page is written with the client that others use
_KINDS = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript"}
_FILES = {path.name: path for path in (*sorted(_PAGE.iterdir()), *_CLIENT.glob("*.mjs")) if path.suffix in _KINDS}


class AnswerBody(BaseModel):
    """The body of /page-data/typeset: an answer as the model wrote it, and where cited sentences end in it."""

    text: str = Field(max_length=200_000)  # which takes two seconds; the page shows a longer one as it is
    stops: list[NonNegativeInt] = Field([], max_length=1000)


@router.get("/")
async def index(request: Request) -> Response:
    """The page itself, with addresses below the prefix that a proxy serves under."""
    text = await asyncio.to_thread((_PAGE / "index.html").read_text, "utf-8")
    prefix = request.scope.get("root_path", "")
    return HTMLResponse(text.replace('="/', f'="{prefix}/'), headers={"Cache-Control": "no-cache"})


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The documentation of the API, with its files from here and in the browser's light or dark."""
    prefix = request.scope.get("root_path", "")
    static = f"{prefix}/static-offline-docs"
    page = get_swagger_ui_html(
        openapi_url=f"{prefix}/openapi.json",
        title="Autopicker Lab: the API",
        swagger_js_url=f"{static}/swagger-ui-bundle.js",
        swagger_css_url=f"{static}/swagger-ui.css",
        swagger_favicon_url=f"{static}/favicon.png",
    )
    html = bytes(page.body).decode()
    return HTMLResponse(html.replace("<head>", f'<head><script src="{prefix}/page/docs.js"></script>', 1))


@router.get("/page/{name}")
async def part(name: str) -> Response:
    """A style sheet or script of the page; NotFoundError for any other name."""
    if name not in _FILES:
        raise NotFoundError(f"the page has no part '{name}'", "see /")
    path = _FILES[name]
    return FileResponse(path, media_type=_KINDS[path.suffix], headers={"Cache-Control": "no-cache"})


@router.post("/page-data/typeset")
async def typeset(body: AnswerBody, caller: CurrentCaller) -> dict[str, str]:
    """An answer as HTML that runs nothing and fetches nothing, see markdown_html."""
    return {"html": await asyncio.to_thread(markdown_html, body.text, body.stops)}


@router.get("/page-data/examples")
async def examples(state: State, caller: CurrentCaller) -> dict[str, Any]:
    """Questions to try, where models are recordings that answer no others."""
    specs = state.lab.catalogue.specs()
    if caller.models is not None:
        specs = permitted_models(specs, caller.models, "auto")
    models = [state.lab.catalogue.get(spec.id) for spec in specs]
    replayed = [model for model in models if isinstance(model, ReplayModel)]
    if not replayed or len(replayed) < len(models):
        return {"examples": []}
    return {"examples": await asyncio.to_thread(replayed[0].examples)}
