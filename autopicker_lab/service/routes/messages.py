"""Tokens of a request to Anthropic's /messages; the chats themselves are a dialect (dialects/anthropic.py)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Body as JsonBody

from autopicker_lab.routing import AUTO
from autopicker_lab.service.dialects.anthropic import AnthropicChat, count_tokens
from autopicker_lab.service.request import json_body
from autopicker_lab.service.routes.json_route import JsonRoute
from autopicker_lab.service.state import CurrentCaller, State

router = APIRouter(tags=["anthropic"], route_class=JsonRoute)
_EXAMPLE = {"model": "auto", "messages": [{"role": "user", "content": "Hello, how are you?"}]}


@router.post("/messages/count_tokens", summary="Tokens of a request, Anthropic's format")
async def count_message_tokens(
    body: Annotated[dict[str, Any], JsonBody(examples=[_EXAMPLE])],
    request: Request,
    state: State,
    caller: CurrentCaller,
) -> dict[str, int]:
    """Messages, system and tools, estimated; no model is asked."""
    dialect = AnthropicChat(state.lab.reader, state.lab.settings.max_file_size)
    size = len(await request.body())
    chat = await dialect.request(body, size, counting=True)
    if chat.model not in ("", AUTO):
        state.lab.catalogue.get(chat.model, caller.models)
    return {"input_tokens": await json_body.off_loop(size, count_tokens, chat)}
