"""Routes of FastAPI whose JSON bodies pass the same gate as chats: unpacked, bounded, and parsed off the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.routing import APIRoute

from autopicker_lab.service.request import bounds, json_body

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi import Response

    from autopicker_lab.service.state import ServiceState


class _ParsedRequest(Request):
    """A request whose body is read and parsed already, whatever type it was sent as: curl names a form's."""

    def __init__(self, request: Request, raw: bytes, fields: dict[str, Any]):
        lines = [line for line in request.scope["headers"] if line[0] != b"content-type"]
        scope = {**request.scope, "headers": [*lines, (b"content-type", b"application/json")]}
        super().__init__(scope, request.receive)
        self._raw = raw
        self._fields = fields

    async def body(self) -> bytes:
        """The body, unpacked."""
        return self._raw

    async def json(self) -> dict[str, Any]:
        """What it holds."""
        return self._fields


class JsonRoute(APIRoute):
    """A route whose body is a JSON object."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request, its body having passed the gate."""
        answer = super().get_route_handler()
        if self.body_field is None:
            return answer

        async def parsed(request: Request) -> Response:
            state: ServiceState = request.app.state.service
            headers = request.scope["request_context"].headers
            raw = await json_body.read(request.receive, headers, json_body.max_bytes(state.lab.settings))
            fields = await json_body.off_loop(len(raw), _checked, raw)
            return await answer(_ParsedRequest(request, raw, fields))

        return parsed


def _checked(raw: bytes) -> dict[str, Any]:
    fields = json_body.parse(raw)
    bounds.check(fields, len(raw))
    return fields
