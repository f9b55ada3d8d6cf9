"""The chats of other makers' APIs in the OpenAPI document: FastAPI serves none of them."""

from __future__ import annotations

from typing import Any

_TEXT: dict[str, Any] = {"type": "string"}
_OBJECT: dict[str, Any] = {"type": "object"}
_LIST: dict[str, Any] = {"type": "array", "items": _OBJECT}


def _message(content: dict[str, Any], *roles: str) -> dict[str, Any]:
    fields = {"role": {"enum": list(roles)}, "content": content}
    return {"type": "object", "required": ["role", "content"], "properties": fields}


_BLOCK = {"type": "object", "required": ["type", "text"], "properties": {"type": {"const": "text"}, "text": _TEXT}}
_BLOCKS = {"anyOf": [_TEXT, {"type": "array", "items": _BLOCK}], "description": "text, or blocks of text, image, ..."}
_HELLO = {"role": "user", "content": "Hello, how are you?"}
_MESSAGES = {
    "type": "object",
    "required": ["max_tokens", "messages"],
    "properties": {
        "model": _TEXT,
        "max_tokens": {"type": "integer", "minimum": 1},
        "messages": {"type": "array", "minItems": 1, "items": _message(_BLOCKS, "user", "assistant")},
        "system": _BLOCKS,
        "stream": {"type": "boolean"},
        "temperature": {"type": "number", "minimum": 0, "maximum": 1},
        "stop_sequences": {"type": "array", "items": _TEXT},
        "tools": _LIST,
        "tool_choice": _OBJECT,
    },
    "example": {"model": "auto", "max_tokens": 100, "messages": [_HELLO]},
}
_SHARED = {"model": _TEXT, "stream": {"type": "boolean"}, "options": _OBJECT, "keep_alive": _TEXT}
_OLLAMA_CHAT = {
    "type": "object",
    "required": ["model"],
    "properties": {**_SHARED, "messages": {"type": "array", "items": _message(_TEXT, "system", "user", "assistant")}},
    "example": {"model": "auto", "messages": [_HELLO], "stream": False},
}
_OLLAMA_GENERATE = {
    "type": "object",
    "required": ["model"],
    "properties": {**_SHARED, "prompt": _TEXT, "system": _TEXT},
    "example": {"model": "auto", "prompt": "Hello, how are you?", "stream": False},
}
_INPUT = {"anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": _message(_TEXT, "user", "assistant", "system")}]}
_RESPONSES = {
    "type": "object",
    "required": ["input"],
    "properties": {
        "model": _TEXT,
        "input": _INPUT,
        "instructions": _TEXT,
        "stream": {"type": "boolean"},
        "store": {"type": "boolean"},
        "previous_response_id": _TEXT,
        "max_output_tokens": {"type": "integer", "minimum": 1},
        "tools": _LIST,
        "text": _OBJECT,
        "reasoning": _OBJECT,
        "metadata": _OBJECT,
    },
    "example": {"model": "auto", "input": "Hello, how are you?"},
}
_COMPLETIONS = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "model": _TEXT,
        "prompt": _TEXT,
        "stream": {"type": "boolean"},
        "max_tokens": {"type": "integer", "minimum": 1},
        "n": {"type": "integer", "minimum": 1, "maximum": 8},
        "logprobs": {"type": "integer", "minimum": 0, "maximum": 5},
    },
    "example": {"model": "auto", "prompt": "Hello, how are you?"},
}
_CHATS = {
    "/api/v1/responses": ("responses", "Chat, OpenAI's Responses", _RESPONSES, "text/event-stream"),
    "/api/v1/completions": ("legacy_completions", "OpenAI's older completions", _COMPLETIONS, "text/event-stream"),
    "/api/v1/messages": ("messages", "Chat, Anthropic's format", _MESSAGES, "text/event-stream"),
    "/api/chat": ("ollama_chat", "Chat, Ollama's format", _OLLAMA_CHAT, "application/x-ndjson"),
    "/api/generate": ("ollama_generate", "One answer, Ollama's format", _OLLAMA_GENERATE, "application/x-ndjson"),
}

_TAGS = {"messages": "anthropic", "responses": "responses", "legacy_completions": "chat"}


def dialect_paths(errors: dict[str, Any]) -> dict[str, Any]:
    """The paths with their operations.

    Args:
        errors: the responses that every path has.
    """
    return {path: {"post": _operation(*chat, errors)} for path, chat in _CHATS.items()}


def _operation(name: str, summary: str, body: dict[str, Any], streamed: str, errors: dict[str, Any]) -> dict[str, Any]:
    answer = {
        "description": "The answer, whole or as a stream",
        "content": {"application/json": {"schema": _OBJECT}, streamed: {"schema": _TEXT}},
    }
    return {
        "tags": [_TAGS.get(name, "ollama")],
        "summary": summary,
        "description": "The model is chosen by complexity unless it is named.",
        "operationId": name,
        "requestBody": {"content": {"application/json": {"schema": body}}, "required": True},
        "responses": {"200": answer, **errors},
    }
