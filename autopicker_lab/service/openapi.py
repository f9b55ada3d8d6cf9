"""The OpenAPI document: FastAPI's, with the chat paths that it does not serve and the errors that they share."""

from __future__ import annotations

from typing import Any

from autopicker_lab.service.chat.request_body import ChatBody
from autopicker_lab.service.openapi_dialects import dialect_paths

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {"application/json": {"example": {"error": text, "detail": "...", "status_code": status}}},
    }
    for status, text in {
        400: "Invalid request",
        401: "Unauthorized",
        404: "Not found",
        405: "Method not allowed",
        413: "File too large",
        415: "Unsupported file",
        429: "Too many requests",
        431: "Headers too large",
        500: "Internal server error",
        502: "Upstream error",
        503: "No model available",
        504: "Upstream too slow",
    }.items()
}
_CHATS = {
    "/api/v1/chat/completions": (
        "completions",
        "Chat, OpenAI's format",
        "The model is chosen by complexity unless it is named. `stream: true` answers with server-sent events.",
    ),
    "/api/v1/chat/multimodal": (
        "multimodal",
        "Chat about uploaded files",
        "As chat completions, plus `file_ids`: what does not fit the model's context is left out by relevance.",
    ),
    "/api/v1/chat/multimodal-audio": (
        "multimodal_audio",
        "Chat about uploaded files, recordings among them",
        "As multimodal; recordings are transcribed first.",
    ),
}
_ANSWER_SCHEMA = {
    "description": "A chat.completion, or server-sent events of chat.completion.chunk objects",
    "content": {
        "application/json": {"schema": {"type": "object"}},
        "text/event-stream": {"schema": {"type": "string"}},
    },
}


def complete_document(document: dict[str, Any]) -> dict[str, Any]:
    """Add the chat paths and take away status 422: what FastAPI would answer so is answered 400 here."""
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    document["components"].setdefault("schemas", {})["ChatBody"] = ChatBody.model_json_schema()
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ChatBody"}}}, "required": True}
    errors = {str(status): about for status, about in ERRORS.items()}
    chats: dict[str, Any] = {}
    for path, (name, summary, about) in _CHATS.items():
        operation = {"tags": ["chat"], "summary": summary, "description": about, "operationId": name}
        chats[path] = {"post": {**operation, "requestBody": body, "responses": {"200": _ANSWER_SCHEMA, **errors}}}
    document["paths"] = {**chats, **dialect_paths(errors), **document["paths"]}
    return document
