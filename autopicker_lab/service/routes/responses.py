"""Responses that were given before; new ones are a dialect of the chats (dialects/responses.py)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.service.state import CurrentCaller, State

router = APIRouter(tags=["responses"])
ResponseId = Annotated[str, Path(max_length=256)]


@router.get("/responses/{response_id}", summary="A response that was given before")
async def get_response(response_id: ResponseId, state: State, caller: CurrentCaller) -> dict[str, Any]:
    """As it was given, to the key that asked; 404 once it has expired."""
    return (await state.responses.get(caller.id, response_id)).response


@router.delete("/responses/{response_id}", summary="Forget a response")
async def delete_response(response_id: ResponseId, state: State, caller: CurrentCaller) -> dict[str, Any]:
    """Conversations that went on from it cannot go on any more."""
    await state.responses.delete(caller.id, response_id)
    return {"id": response_id, "object": "response", "deleted": True}


@router.post("/responses/{response_id}/cancel", summary="Not supported: no response is made in the background")
async def cancel_response(response_id: ResponseId, state: State, caller: CurrentCaller) -> dict[str, Any]:
    """A stream is cancelled by closing it."""
    await state.responses.get(caller.id, response_id)
    raise InvalidRequestError("only responses that are made in the background can be cancelled", "close the stream")


@router.get("/responses/{response_id}/input_items", summary="What a response was asked")
async def list_input_items(
    response_id: ResponseId,
    state: State,
    caller: CurrentCaller,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
    after: Annotated[str | None, Query(max_length=256)] = None,
) -> dict[str, Any]:
    """The items of its own request, a page at a time; newest first unless `order` is asc."""
    items = (await state.responses.get(caller.id, response_id)).items
    ordered = items if order == "asc" else items[::-1]
    if after is not None:
        start = next((i + 1 for i, item in enumerate(ordered) if item["id"] == after), None)
        if start is None:
            raise InvalidRequestError(f"no item with id '{after[:80]}'", "take it from the page before", param="after")
        ordered = ordered[start:]
    page = ordered[:limit]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
    return {"object": "list", "data": page, **ends, "has_more": len(ordered) > limit}
