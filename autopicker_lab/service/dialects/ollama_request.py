"""Requests to Ollama's /api/chat and /api/generate as OpenAI's fields of a chat."""

from __future__ import annotations

from typing import Any

from autopicker_lab.service.dialects.fields import (
    flag,
    image_part,
    json_text,
    mapping,
    picked,
    sequence,
    string,
    wrong,
)

LATEST = ":latest"
_OPTIONS = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "repeat_penalty",
)  # those of the same meaning; how a server lays out its memory (num_ctx, num_gpu ...) is its own affair
_SAME = ("tools", "logprobs", "top_logprobs", "file_ids")
_EFFORTS = {"low": "low", "medium": "medium", "high": "high"}


def model_name(body: dict[str, Any]) -> str:
    """The model that a request names, without ":latest"; InvalidRequestError where it names none."""
    name = body.get("model") or body.get("name")
    if not name:
        raise wrong("model", "is required", "GET /api/tags lists them")
    return string(name, "model").removesuffix(LATEST)


def chat_fields(body: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's fields for those of /api/chat; its `messages` are empty where the model is only to be loaded."""
    return {**_shared(body), "messages": _messages(body.get("messages"))}


def generate_fields(body: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's fields for those of /api/generate; its `messages` are empty where the model is only to be loaded."""
    for name in ("suffix", "template", "raw"):
        if body.get(name):
            raise wrong(name, "cannot be passed on: models here are asked by messages", "leave it out")
    prompt = string(body.get("prompt") or "", "prompt")
    images = _images(body.get("images"), "images")
    if not prompt and not images:
        return {**_shared(body), "messages": []}
    system = string(body.get("system") or "", "system")
    messages = [{"role": "system", "content": system}] if system else []
    return {**_shared(body), "messages": [*messages, {"role": "user", "content": _content(prompt, images)}]}


def wants_thinking(body: dict[str, Any]) -> bool:
    """Whether an answer says what the model thought: Ollama does unless `think` is false."""
    return body.get("think") is not False


def streams(body: dict[str, Any]) -> bool:
    """Whether the answer is to come in lines: Ollama's does unless `stream` is false."""
    return flag(body.get("stream"), "stream", default=True)


def _shared(body: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {**picked(body, _SAME), "model": model_name(body), "stream": streams(body)}
    options = body.get("options")
    options = mapping(options, "options") if options is not None else {}
    fields.update(picked(options, _OPTIONS))
    if (stop := options.get("stop")) is not None and stop != []:
        fields["stop"] = stop
    limit = options.get("num_predict")
    if isinstance(limit, int | float) and limit >= 0:  # -1 and -2: as much as the model likes
        fields["max_tokens"] = limit
    elif limit is not None and not isinstance(limit, int | float):
        raise wrong("options.num_predict", "must be a number")
    return {**fields, **_format(body.get("format")), **_thinking(body.get("think"))}


def _format(wanted: object) -> dict[str, Any]:
    if wanted is None or wanted == "":
        return {}
    if wanted == "json":
        return {"response_format": {"type": "json_object"}}
    if isinstance(wanted, dict):
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": wanted}}}
    raise wrong("format", 'must be "json" or a JSON schema')


def _thinking(think: object) -> dict[str, Any]:
    if think is None:
        return {}
    if isinstance(think, bool):
        return {"think": think}
    if not isinstance(think, str) or think not in _EFFORTS:
        raise wrong("think", "must be true, false, low, medium or high")
    return {"reasoning_effort": think}


def _messages(raw: object) -> list[dict[str, Any]]:
    """OpenAI's messages: calls get the ids that Ollama's lack, and results those of the calls that they answer."""
    found: list[dict[str, Any]] = []
    open_calls: list[tuple[str, str]] = []  # (name, id) of calls without a result
    for i, row in enumerate(sequence(raw, "messages")):
        place = f"messages[{i}]"
        message = mapping(row, place)
        role = string(message.get("role"), f"{place}.role")
        said = message.get("content")
        said = string(said if said is not None else "", f"{place}.content")
        if role == "tool":
            found.append({"role": "tool", "tool_call_id": _answered(message, open_calls), "content": said})
            continue
        images = _images(message.get("images"), f"{place}.images")
        made: dict[str, Any] = {"role": role, "content": _content(said, images)}
        if calls := _calls(message.get("tool_calls"), i, place):
            made["tool_calls"] = calls
            open_calls = [(call["function"]["name"], call["id"]) for call in calls]
        found.append(made)
    return found


def _answered(message: dict[str, Any], open_calls: list[tuple[str, str]]) -> str:
    """The id of the call that a tool's message answers: the named one, or the first of its tool without a result."""
    call_id = message.get("tool_call_id")
    name = message.get("tool_name") or message.get("name")
    found = next((call for call in open_calls if call_id == call[1] or (not call_id and name in (None, call[0]))), None)
    if found is None and open_calls and not call_id:
        found = open_calls[0]
    if found is not None:
        open_calls.remove(found)
        return found[1]
    return str(call_id or f"call_{name or 'tool'}")


def _calls(raw: object, index: int, place: str) -> list[dict[str, Any]]:
    calls = []
    for i, row in enumerate(sequence(raw, f"{place}.tool_calls")):
        where = f"{place}.tool_calls[{i}]"
        call = mapping(row, where)
        function = mapping(call.get("function"), f"{where}.function")
        name = string(function.get("name"), f"{where}.function.name")
        arguments = function.get("arguments")
        if not isinstance(arguments, str):
            given = mapping(arguments if arguments is not None else {}, f"{where}.function.arguments")
            arguments = json_text(given, f"{where}.function.arguments")
        made = {"name": name, "arguments": arguments}
        calls.append({"id": str(call.get("id") or f"call_{index}_{i}"), "type": "function", "function": made})
    return calls


def _images(raw: object, place: str) -> list[dict[str, Any]]:
    rows = [(string(data, f"{place}[{i}]"), f"{place}[{i}]") for i, data in enumerate(sequence(raw, place))]
    return [
        {"type": "image_url", "image_url": {"url": data}} if data.startswith("data:") else image_part(data, where)
        for data, where in rows
    ]


def _content(text: str, images: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    if not images:
        return text
    return [{"type": "text", "text": text}, *images] if text else images
