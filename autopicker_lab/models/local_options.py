"""What of a request reaches llama.cpp: the options in the table, with their types, and the text of the messages.

llama.cpp knows many more fields (grammar, n_predict, id_slot, samplers, lora ...), and takes them from whoever asks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.models.local_schema import held_schema
from autopicker_lab.models.local_tools import held_tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from autopicker_lab.core import Message

_MAX_STOPS = 16
_MAX_STOP_LENGTH = 256
_MAX_BIASES = 1024
_SEEDS = 2**32 - 1  # the last of them is llama.cpp's word for "at random"
_TEXT_PARTS = {"text": "text", "refusal": "refusal"}


class _Named(str):
    """The function that a tool_choice names."""


def llama_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a request that llama.cpp gets, by its names.

    Raises:
        InvalidRequestError: one has a wrong type, is out of its range, or cannot be held to; `param` says which.
    """
    made: dict[str, Any] = {}
    for name, (llama_name, check) in _OPTIONS.items():
        value = options.get(name)
        if value is not None:
            made[llama_name] = check(name, value)
    if not made.get("tools"):
        for name in ("tools", "tool_choice", "parallel_tool_calls"):
            made.pop(name, None)
    elif isinstance(made.get("tool_choice"), _Named):
        made["tools"] = [tool for tool in made["tools"] if tool["function"]["name"] == made["tool_choice"]]
        if not made["tools"]:
            _wrong("tool_choice", "the name of one of the tools")
        made["tool_choice"] = "required"  # llama.cpp knows no other way to name one
    return made


def llama_messages(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """The messages as llama.cpp's templates know them; InvalidRequestError where one is more than text."""
    return [{**message.to_openai(), "content": _text(message, i)} for i, message in enumerate(messages)]


def _text(message: Message, index: int) -> str | None:
    """Text parts joined: a text-only template may not know lists of parts."""
    if not isinstance(message.content, tuple):
        return message.content
    for part in message.content:
        if part["type"] not in _TEXT_PARTS:
            detail = f"the model reads text only, and messages[{index}] has a part of type '{part['type']}'"
            raise InvalidRequestError(detail, "choose a model with this capability", param=f"messages[{index}]")
    return "\n".join(str(part.get(_TEXT_PARTS[part["type"]]) or "") for part in message.content)


def _wrong(name: str, must: str) -> NoReturn:
    raise InvalidRequestError(f"'{name}' must be {must}", "correct it, or leave it out", param=name)


def _number(low: float, high: float) -> Callable[[str, object], float]:
    def check(name: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            _wrong(name, f"a number from {low:g} to {high:g}")
        return float(value)

    return check


def _whole(low: int, high: int) -> Callable[[str, object], int]:
    def check(name: str, value: object) -> int:
        number = int(value) if isinstance(value, float) and math.isfinite(value) and value == int(value) else value
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            _wrong(name, f"a whole number from {low} to {high}")
        return number

    return check


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        _wrong(name, "true or false")
    return value


def _seed(name: str, value: object) -> int:
    seed = _whole(-(2**63), 2**64 - 1)(name, value)
    return _SEEDS if seed == -1 else seed % _SEEDS


def _stops(name: str, value: object) -> list[str]:
    stops = [value] if isinstance(value, str) else value
    fits = isinstance(stops, list | tuple) and len(stops) <= _MAX_STOPS
    if not fits or not all(isinstance(stop, str) and len(stop) <= _MAX_STOP_LENGTH for stop in stops):  # type: ignore[attr-defined]
        _wrong(name, f"a text, or up to {_MAX_STOPS} texts, of up to {_MAX_STOP_LENGTH} characters")
    return [stop for stop in stops if stop]  # type: ignore[attr-defined]  # an empty one would end every answer at once


def _biases(name: str, value: object) -> dict[str, float]:
    must = f"an object of up to {_MAX_BIASES} token ids, each with a number from -100 to 100"
    if not isinstance(value, dict) or len(value) > _MAX_BIASES:
        _wrong(name, must)
    if not all(isinstance(token, str) and token.isascii() and token.isdecimal() and len(token) < 8 for token in value):
        _wrong(name, must)
    return {token: _number(-100, 100)(name, bias) for token, bias in value.items()}


def _response_format(name: str, value: object) -> dict[str, Any]:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in ("text", "json_object"):
        return {"type": kind}
    if not isinstance(value, dict) or kind != "json_schema":
        _wrong(name, "an object whose 'type' is text, json_object or json_schema")
    wrapped = value.get("json_schema")
    schema = wrapped.get("schema") if isinstance(wrapped, dict) else None
    if schema is None:
        _wrong(f"{name}.json_schema.schema", "a JSON schema")
    return {"type": kind, "json_schema": {"schema": held_schema(schema, f"{name}.json_schema.schema")}}


def _tool_choice(name: str, value: object) -> str:
    if isinstance(value, str) and value in ("none", "auto", "required"):
        return value
    function = value.get("function") if isinstance(value, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        _wrong(name, "none, auto, required, or an object that names a function")
    return _Named(function["name"])


_OPTIONS: dict[str, tuple[str, Callable[[str, object], object]]] = {
    "temperature": ("temperature", _number(0, 100)),
    "top_p": ("top_p", _number(0, 1)),
    "min_p": ("min_p", _number(0, 1)),
    "top_k": ("top_k", _whole(-1, 2**31 - 1)),
    "presence_penalty": ("presence_penalty", _number(-10, 10)),
    "frequency_penalty": ("frequency_penalty", _number(-10, 10)),
    "repetition_penalty": ("repeat_penalty", _number(0.01, 10)),
    "repeat_penalty": ("repeat_penalty", _number(0.01, 10)),
    "seed": ("seed", _seed),
    "stop": ("stop", _stops),
    "logit_bias": ("logit_bias", _biases),
    "logprobs": ("logprobs", _flag),
    "top_logprobs": ("top_logprobs", _whole(0, 20)),
    "response_format": ("response_format", _response_format),
    "tools": ("tools", held_tools),
    "tool_choice": ("tool_choice", _tool_choice),
    "parallel_tool_calls": ("parallel_tool_calls", _flag),
}
