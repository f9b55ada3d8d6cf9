"""The body that an OpenAI-compatible server is sent: the options it may get, in the words that it takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import ChatRequest, InvalidRequestError, ModelSpec
from autopicker_lab.models.openai_options import is_sent

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIMITS = ("max_tokens", "max_completion_tokens")
_EFFORT = "reasoning_effort"
_NO_STREAM_OPTIONS = "no stream_options"
_DEVELOPER_AS_SYSTEM = "developer as system"


class RequestWriter:
    """Writes the bodies of requests to one model, and learns which words its server refuses."""

    def __init__(self, spec: ModelSpec):
        self._spec = spec
        self._habits: frozenset[str] = frozenset()

    @property
    def habits(self) -> frozenset[str]:
        """What was learned: ways of writing that the server refuses otherwise."""
        return self._habits

    def learn(self, habits: frozenset[str]) -> None:
        """Write so from now on."""
        self._habits |= habits

    def body(self, request: ChatRequest, stream: bool, habits: frozenset[str]) -> bytes:
        """The request as JSON; InvalidRequestError where it cannot be written.

        Args:
            habits: how to write it: `habits`, or what `habit_for` adds to them.
        """
        options = self._options(request.options, habits)
        if stream and _NO_STREAM_OPTIONS not in habits and "stream_options" not in self._spec.drop:
            options["stream_options"] = {**(options.get("stream_options") or {}), "include_usage": True}
        else:
            options.pop("stream_options", None)
        messages = [message.to_openai() for message in request.messages]
        if _DEVELOPER_AS_SYSTEM in habits:
            messages = [{**m, "role": "system"} if m["role"] == "developer" else m for m in messages]
        named = {"model": self._spec.model or self._spec.id, "messages": messages, "stream": stream}
        try:
            return orjson.dumps({**options, **named})
        except TypeError as error:  # orjson's own kind of it
            raise InvalidRequestError(f"the request cannot be passed on: {error}", "nest it less deeply") from None

    def habit_for(self, refusal: str, request: ChatRequest, stream: bool, habits: frozenset[str]) -> str | None:
        """What to do otherwise, so that a request is not refused again; None where nothing here helps.

        Args:
            refusal: the server's words, in small letters.
        """
        for habit in self._possible_habits(refusal, request, stream):
            if habit not in habits:
                return habit
        return None

    def _possible_habits(self, refusal: str, request: ChatRequest, stream: bool) -> list[str]:
        possible = []
        if stream and "stream_options" in refusal:
            possible.append(_NO_STREAM_OPTIONS)
        if _names(refusal, "developer") and any(message.role == "developer" for message in request.messages):
            possible.append(_DEVELOPER_AS_SYSTEM)
        sent = self._options(request.options, frozenset())
        refused = next((name for name in _LIMITS if name in sent and _names(refusal, name)), None)
        if refused is not None:
            possible.append(f"no {refused}")
        if _EFFORT in sent and _names(refusal, _EFFORT):  # a model that cannot think as it is asked to thinks as it can
            possible.append(f"no {_EFFORT} {sent[_EFFORT]}")
        return possible

    def _options(self, given: Mapping[str, Any], habits: frozenset[str]) -> dict[str, Any]:
        """The caller's options over the model's own."""
        spec = self._spec
        if not given and not spec.options:
            return {}
        options = {name: value for name, value in given.items() if value is not None and is_sent(name, spec)}
        if spec.options:
            defaults = spec.options
            if any(name in options for name in _LIMITS):
                defaults = {name: value for name, value in defaults.items() if name not in _LIMITS}
            options = {**defaults, **options}
        for name in spec.drop:
            options.pop(name, None)
        if habits and f"no {_EFFORT} {options.get(_EFFORT)}" in habits:
            del options[_EFFORT]
        for name, other in (_LIMITS, _LIMITS[::-1]):
            if f"no {name}" in habits and name in options:
                limit = options.pop(name)
                options.setdefault(other, limit)
        return options


def _names(text: str, name: str) -> bool:
    """Whether a text names a parameter, and not one whose name holds it."""
    return re.search(rf"(?<![a-z_]){name}(?![a-z_])", text) is not None
