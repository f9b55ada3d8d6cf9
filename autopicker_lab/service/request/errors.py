"""Errors as the API documents them: flat for the platform's own paths, OpenAI's object for OpenAI's clients."""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from autopicker_lab.core import (
    AuthenticationError,
    AutopickerError,
    FileTooLargeError,
    InvalidRequestError,
    MethodNotAllowedError,
    NotFoundError,
    RateLimitError,
)
from autopicker_lab.service.request.error_dialects import body_for_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request

log = logging.getLogger(__name__)


_BY_STATUS: Mapping[int, type[AutopickerError]] = {
    cls.status: cls
    for cls in (
        InvalidRequestError,
        AuthenticationError,
        NotFoundError,
        MethodNotAllowedError,
        FileTooLargeError,
        RateLimitError,
    )
}


def body(error: AutopickerError, *, openai: bool) -> dict[str, Any]:
    """The JSON body of an error, with OpenAI's object in `error` where `openai` says so."""
    flat = {"error": error.title, "detail": str(error), "status_code": error.status}
    if not openai:
        return flat
    inner = {"message": str(error), "type": error.kind, "param": error.param, "code": error.code}
    return {**flat, "error": inner}


def wants_openai(path: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a caller reads OpenAI's error object: under /v1, or one of OpenAI's own clients."""
    return path.startswith("/v1/") or b"x-stainless-lang" in headers


def response(
    error: AutopickerError, path: str, headers: Mapping[bytes, bytes], request_id: str | None = None
) -> Response:
    """The response for an error; `headers` are the request's, names in lower case."""
    extra = {}
    if error.retry_after is not None:
        extra["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:
        extra["WWW-Authenticate"] = "Bearer"
    fields = body_for_path(error, path, request_id) or body(error, openai=wants_openai(path, headers))
    content = json.dumps(fields)  # orjson refuses lone surrogates
    return Response(content, error.status, extra, "application/json")


def install(app: FastAPI) -> None:
    """Answer every exception of FastAPI's routes in its documented shape."""

    def answer(error: AutopickerError, request: Request) -> Response:
        context = request.scope["request_context"]
        return response(error, context.path, context.headers, context.request_id)

    @app.exception_handler(AutopickerError)
    async def ours(request: Request, error: AutopickerError) -> Response:
        if error.status >= 500:
            log.warning("%s: %s", type(error).__name__, error.loggable)
        return answer(error, request)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return answer(validation(error.errors()), request)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        return answer(internal(), request)  # the middleware logs the rest

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        kind = _BY_STATUS.get(error.status_code, InvalidRequestError if error.status_code < 500 else AutopickerError)
        hints = {404: "see /docs for the routes", 405: "see /docs for the methods of this route"}
        ours = kind(str(error.detail), hints.get(error.status_code, ""))
        return answer(ours, request)


def internal() -> AutopickerError:
    """What is answered in place of an error that is none of ours, so that nothing internal gets out."""
    return AutopickerError("the server failed to process this request", "quote its X-Request-ID in a report")


def validation(problems: Sequence[Any]) -> AutopickerError:
    """The first of the problems that Pydantic lists, as one of our errors that names the field."""
    first = problems[0]
    place = [str(step) for step in first["loc"] if step not in ("body", "query", "path", "header")]
    name = ".".join(place)
    if first["type"] == "json_invalid":
        why = first.get("ctx", {}).get("error", "")
        return InvalidRequestError(f"the body is not valid JSON: {why} at character {first['loc'][-1]}", "correct it")
    if first["type"] == "missing":
        where = f"The '{name}' field is required" if name else "A JSON body is required"
        return InvalidRequestError(where, param=name or None)
    return InvalidRequestError(f"'{name or 'body'}': {first['msg']}", param=name or None)
