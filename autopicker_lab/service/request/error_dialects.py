"""Errors in the shapes of Anthropic's and Ollama's APIs, for the paths that are theirs."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.core import AutopickerError

OLLAMA_PATHS = frozenset(
    f"/api/{name}"
    for name in (
        *("chat", "generate", "embed", "embeddings", "tags", "show", "version", "ps"),
        *("pull", "push", "create", "copy", "delete"),  # which its clients may ask for, and nobody serves here
    )
)
_ANTHROPIC_PATHS = ("/v1/messages", "/api/v1/messages")
_KINDS: Mapping[int, str] = MappingProxyType(
    {
        400: "invalid_request_error",
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        503: "overloaded_error",
        504: "timeout_error",
    }
)


def anthropic_body(error: AutopickerError, request_id: str | None = None) -> dict[str, Any]:
    """The JSON body of an error as Anthropic's clients read it."""
    default = "api_error" if error.status >= 500 else "invalid_request_error"
    inner = {"type": _KINDS.get(error.status, default), "message": str(error)}
    return {"type": "error", "error": inner, "request_id": request_id}


def ollama_body(error: AutopickerError) -> dict[str, Any]:
    """The JSON body of an error as Ollama's clients read it."""
    return {"error": str(error)}


def body_for_path(error: AutopickerError, path: str, request_id: str | None = None) -> dict[str, Any] | None:
    """The body of an error in the shape of the API that a path belongs to; None for OpenAI's and our own."""
    if path.startswith(_ANTHROPIC_PATHS):
        return anthropic_body(error, request_id)
    return ollama_body(error) if path in OLLAMA_PATHS else None
