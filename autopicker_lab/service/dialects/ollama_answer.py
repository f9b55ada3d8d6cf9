"""Chat answers as Ollama's objects: one whole, or lines of JSON of which the last has the counts."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.service.dialects.fields import call_pieces, reasoning_of, text_of, tool_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# `context` is something else in Ollama's answers
_OWN_FIELDS = ("routing", "files_processed", "file_errors", "citations", "unsupported")
_NS = 1_000_000_000


class AnswerLines:
    """Makes Ollama's lines of OpenAI's chunk objects.

    A tool call is written when it is whole, since Ollama's have their arguments as an object.

    Args:
        model: as it was asked for, until it is known who answers.
        generating: the lines are those of /api/generate, with `response` in place of `message`.
        thinking: what the model thought is said apart; it is left out otherwise.
    """

    def __init__(self, model: str, generating: bool, thinking: bool):
        self._model = model
        self._generating = generating
        self._thinking = thinking
        self._started_at = time.perf_counter()
        self._first_at: float | None = None
        self._calls: dict[int, dict[str, Any]] = {}
        self._finish: str | None = None
        self._extra: Mapping[str, Any] = {}

    def start(self, model: str, extra: Mapping[str, Any]) -> None:
        """Take who answers, which every line names, and our own fields, which the last one has."""
        self._model = model
        self._extra = {name: extra[name] for name in _OWN_FIELDS if name in extra}

    def feed(self, chunks: Iterable[Mapping[str, Any]]) -> bytes:
        """The lines for some of the answer's chunk objects."""
        lines: list[bytes] = []
        for chunk in chunks:
            for choice in chunk.get("choices") or ():
                if not choice.get("index"):
                    lines += self._line(choice)
        return b"".join(lines)

    def keepalive(self) -> bytes:
        """A line that says nothing: Ollama's clients read every line as an object."""
        return _line({**self._head(), **self._said("", ""), "done": False})

    def end(self, finish_reason: str, usage: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> bytes:
        """The last lines: tool calls, then the counts."""
        self._finish = self._finish or finish_reason
        lines = b""
        if self._calls and not self._generating:
            calls = [_call(i, self._calls[key]) for i, key in enumerate(sorted(self._calls))]
            lines = _line({**self._head(), **self._said("", "", calls), "done": False})
        last = {**self._head(), **self._said("", ""), **self._counts(usage), **self._extra, **(extra or {})}
        return lines + _line(last)

    def whole(self, completion: Mapping[str, Any]) -> bytes:
        """The one object for a chat.completion."""
        choice = completion["choices"][0]
        message = choice.get("message") or {}
        self._model, self._finish = completion["model"], choice.get("finish_reason")
        thought = reasoning_of(message) if self._thinking else ""
        calls = [_call(i, call) for i, call in enumerate(message.get("tool_calls") or ())]
        said = text_of(message.get("content")) or text_of(message.get("refusal"))
        extra = {name: completion[name] for name in _OWN_FIELDS if name in completion}
        answer = {**self._head(), **self._said(said, thought, calls), **self._counts(completion.get("usage") or {})}
        return orjson.dumps({**answer, **extra})

    def _line(self, choice: Mapping[str, Any]) -> list[bytes]:
        delta = choice.get("delta") or {}
        self._finish = choice.get("finish_reason") or self._finish
        for index, call_id, name, piece in call_pieces(delta):
            function = {"name": name, "arguments": ""}
            call = self._calls.setdefault(index, {"id": call_id, "function": function})
            call["function"]["arguments"] += piece
        said = text_of(delta.get("content")) or text_of(delta.get("refusal"))
        thought = reasoning_of(delta) if self._thinking else ""
        if not (said or thought):
            return []
        self._first_at = self._first_at or time.perf_counter()
        return [_line({**self._head(), **self._said(said, thought), "done": False})]

    def _head(self) -> dict[str, Any]:
        return {"model": self._model, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}

    def _said(self, text: str, thought: str, calls: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        thinking = {"thinking": thought} if thought else {}
        if self._generating:
            return {"response": text, **thinking}
        message: dict[str, Any] = {"role": "assistant", "content": text, **thinking}
        return {"message": {**message, "tool_calls": calls} if calls else message}

    def _counts(self, usage: Mapping[str, Any]) -> dict[str, Any]:
        now = time.perf_counter()
        first = self._first_at or self._started_at  # of a whole answer all time counts as writing
        return {
            "done": True,
            "done_reason": "length" if self._finish == "length" else "stop",
            "total_duration": int((now - self._started_at) * _NS),
            "load_duration": 0,
            "prompt_eval_count": usage.get("prompt_tokens") or 0,
            "prompt_eval_duration": max(int((first - self._started_at) * _NS), 1),  # clients divide by both
            "eval_count": usage.get("completion_tokens") or 0,
            "eval_duration": max(int((now - first) * _NS), 1),
        }


def loaded(model: str, generating: bool, reason: str) -> bytes:
    """The answer to a request without a question, by which clients load a model or let it go."""
    said = {"response": ""} if generating else {"message": {"role": "assistant", "content": ""}}
    created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return orjson.dumps({"model": model, "created_at": created, **said, "done_reason": reason, "done": True})


def _call(index: int, call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function") or {}
    arguments = tool_arguments(function.get("arguments"))
    made = {"function": {"index": index, "name": function.get("name") or "", "arguments": arguments}}
    return {"id": call["id"], **made} if call.get("id") else made


def _line(answer: Mapping[str, Any]) -> bytes:
    return orjson.dumps(answer) + b"\n"
