"""Ollama's answers, line by line, as OpenAI's chunks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import ChatChunk, ModelSpec, TransientUpstreamError, UpstreamError, Usage
from autopicker_lab.core.ids import new_id
from autopicker_lab.http_client import FailureReport, tolerant_json
from autopicker_lab.models.openai_errors import reported_error, stream_error

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_LINE = 2**24  # bytes
_NOTHING_SAID = frozenset({"load", "unload"})  # the model was loaded, or taken out of memory


class LineReader:
    """Makes chunks of the lines of one answer.

    Attributes:
        done: whether the line came that ends an answer.

    Args:
        forced: the answer is JSON that stands for the call of a tool (see ollama_request).
    """

    def __init__(self, spec: ModelSpec, forced: bool = False):
        self.done = False
        self._spec = spec
        self._text: list[str] | None = [] if forced else None
        self._rest = b""
        self._begun = False
        self._calls = 0

    def feed(self, block: bytes) -> Iterator[ChatChunk]:
        """The chunks that end in these bytes; empty lines, and pieces that say nothing, make none."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            raise UpstreamError(f"'{self._spec.id}' answered with a line without an end", "look into Ollama's log")
        for line in lines:
            yield from self._read(line)

    def end(self) -> Iterator[ChatChunk]:
        """The chunk of a last line that nothing ended; UpstreamError where the answer is not whole."""
        rest, self._rest = self._rest, b""
        yield from self._read(rest)
        if not self.done:
            raise UpstreamError(f"Ollama cut the answer of '{self._spec.id}' short", "ask again")

    def _read(self, line: bytes) -> Iterator[ChatChunk]:
        if self.done or not line.strip():
            return
        part = self._parsed(line)
        message = part.get("message")
        delta = self._delta(message if isinstance(message, Mapping) else {})
        self.done = bool(part.get("done"))
        if self.done:
            yield self._last(part, delta)
        elif delta:
            self._begun = True
            yield _chunk(delta, part)

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            part = tolerant_json.whole(tolerant_json.loads(line))
        except ValueError:
            part = None
        if not isinstance(part, dict):
            raise UpstreamError(
                f"'{self._spec.id}' did not answer in Ollama's format", "check its 'type' and 'endpoint'"
            )
        if part.get("error"):
            reported = FailureReport.of(part) or FailureReport.parse(line)
            raise (stream_error if self._begun else reported_error)(reported, self._spec)
        return part

    def _delta(self, message: Mapping[str, Any]) -> dict[str, Any]:
        delta: dict[str, Any] = {}
        if text := message.get("content"):
            if self._text is None:
                delta["content"] = text
            else:
                self._text.append(text)
        if thoughts := message.get("thinking"):
            delta["reasoning_content"] = thoughts
        if calls := message.get("tool_calls"):
            delta["tool_calls"] = [self._call(call) for call in calls]
        return delta

    def _call(self, call: Any) -> dict[str, Any]:
        """A call as OpenAI words it: whole, with a place and an id of its own."""
        try:
            name, arguments = call["function"]["name"], call["function"].get("arguments")
        except (KeyError, TypeError, AttributeError):
            raise UpstreamError(f"'{self._spec.id}' called a tool without a name", "ask again") from None
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments or {}, ensure_ascii=False)
        place, self._calls = self._calls, self._calls + 1
        function = {"name": name, "arguments": arguments or "{}"}
        return {"index": place, "id": f"call_{new_id()}", "type": "function", "function": function}

    def _last(self, part: Mapping[str, Any], delta: dict[str, Any]) -> ChatChunk:
        reason = part.get("done_reason")
        if self._text is not None and not self._calls:
            delta["tool_calls"] = [self._call(self._forced())]
        if reason in _NOTHING_SAID and not (self._begun or delta):
            raise TransientUpstreamError(f"Ollama loaded '{self._spec.id}', and said nothing", "ask again")
        finish = "length" if reason == "length" else "tool_calls" if self._calls else "stop"
        usage = Usage.from_openai(
            {"prompt_tokens": part.get("prompt_eval_count"), "completion_tokens": part.get("eval_count")}
        )
        return _chunk(delta, part, finish, usage)

    def _forced(self) -> dict[str, Any]:
        """The call that the text stands for."""
        text = "".join(self._text or ())
        try:
            call = json.loads(text)
        except ValueError:
            call = None
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            detail = f"'{self._spec.id}' called no tool, though 'tool_choice' demands it"
            raise UpstreamError(detail, "ask without tool_choice, or ask another model")
        return {"function": call}


def _chunk(
    delta: Mapping[str, Any], part: Mapping[str, Any], finish: str | None = None, usage: Usage | None = None
) -> ChatChunk:
    chunk = ChatChunk.of(delta, finish, usage)
    if rows := part.get("logprobs"):
        chunk.events[0]["choices"][0]["logprobs"] = {"content": [_logprob(row) for row in rows], "refusal": None}
    return chunk


def _logprob(row: Mapping[str, Any]) -> dict[str, Any]:
    token = str(row.get("token", ""))
    found = {"token": token, "logprob": row.get("logprob"), "bytes": row.get("bytes") or list(token.encode())}
    return {**found, "top_logprobs": [_logprob(other) for other in row.get("top_logprobs") or ()]}
