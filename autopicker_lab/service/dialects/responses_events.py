"""A response of OpenAI's, built of a chat's chunks, with the events that tell of each step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import new_id
from autopicker_lab.service.chat import sse
from autopicker_lab.service.dialects.fields import call_pieces, reasoning_of, text_of
from autopicker_lab.service.dialects.responses_request import usage_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.core import AutopickerError
    from autopicker_lab.service.dialects.responses_tools import ToolBox

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class ResponseBuilder:
    """The response that is being made, and its events as bytes.

    Args:
        response: the fields of the response; `output`, `status` and `usage` are filled in.
        tools: what calls of functions mean.
    """

    def __init__(self, response: dict[str, Any], tools: ToolBox):
        self.response = response
        self._tools = tools
        self._number = 0
        self._texts: dict[str, _TextItem] = {}  # those that are open: "reasoning", "message"
        self._calls: dict[int, _CallItem] = {}

    def emit(self, kind: str, **fields: Any) -> bytes:
        """One event."""
        payload = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return sse.named_event(payload)

    def begin(self) -> bytes:
        """The events before the first word."""
        return b"".join([self.emit(f"response.{kind}", response=self.response) for kind in ("created", "in_progress")])

    def feed(self, events: Sequence[Mapping[str, Any]]) -> bytes:
        """The events for more of the chat's chunks."""
        parts: list[bytes] = []
        for event in events:
            for choice in event["choices"]:
                if not choice.get("index"):
                    parts += self._delta(choice.get("delta") or {}, choice.get("logprobs"))
        return b"".join(parts)

    def _delta(self, delta: Mapping[str, Any], logprobs: Any) -> list[bytes]:
        parts: list[bytes] = []
        if thought := reasoning_of(delta):
            parts += self._close("message")
            parts += self._text("reasoning").add(thought, "reasoning_text")
        if text := text_of(delta.get("content")):
            parts += self._close("reasoning")
            parts += self._text("message").add(text, "output_text", logprobs)
        if refusal := text_of(delta.get("refusal")):
            parts += self._close("reasoning")
            parts += self._text("message").add(refusal, "refusal")
        if annotations := delta.get("annotations"):
            parts += self._text("message").annotate(annotations)
        raw = delta.get("tool_calls") or ()
        for (index, call_id, name, piece), call in zip(call_pieces(delta), raw, strict=False):
            parts += self._close("reasoning") + self._close("message")
            known = self._calls.get(index)
            if known is not None and name and call_id and known.call_id not in ("", call_id):
                parts += known.close()  # another call under the same index
                known = None
            if known is None:
                known = self._calls[index] = _CallItem(self, call.get("extra_content"))
            parts += known.add(call_id, name, piece)
        return parts

    def _text(self, kind: str) -> _TextItem:
        if kind not in self._texts:
            self._texts[kind] = _TextItem(self, kind)
        return self._texts[kind]

    def _close(self, kind: str) -> list[bytes]:
        item = self._texts.pop(kind, None)
        return item.close() if item is not None else []

    def end(self, finish_reason: str, usage: Mapping[str, Any]) -> bytes:
        """The events that close what is open, and the last one, with the whole response."""
        parts = [*self._close("reasoning"), *self._close("message")]
        for call in self._calls.values():
            parts += call.close()
        self._calls.clear()
        reason = _INCOMPLETE.get(finish_reason)
        status = "incomplete" if reason else "completed"
        self.response["status"] = status
        self.response["incomplete_details"] = {"reason": reason} if reason else None
        self.response["completed_at"] = None if reason else int(time.time())
        self.response["usage"] = usage_object(usage)
        return b"".join([*parts, self.emit(f"response.{status}", response=self.response)])

    def fail(self, error: AutopickerError) -> bytes:
        """The event that says why there is no more."""
        self.response["status"] = "failed"
        self.response["error"] = {"code": _error_code(error), "message": str(error)}
        opening = self.begin() if not self._number else b""
        return opening + self.emit("response.failed", response=self.response)

    def add_item(self, item: dict[str, Any]) -> tuple[int, bytes]:
        """Its place in the output, and the event that tells of it."""
        output: list[dict[str, Any]] = self.response["output"]
        output.append(item)
        place = len(output) - 1
        return place, self.emit("response.output_item.added", output_index=place, item=item)

    def meant_by(self, name: str) -> Any:
        """The tool that a call of a function means."""
        return self._tools.meant_by(name)

    def new_call_id(self, wanted: str) -> str:
        """An id for a call that no other call of the response has."""
        taken = {item.get("call_id") for item in self.response["output"]}
        return wanted if wanted and wanted not in taken else f"call_{new_id()}"


class _TextItem:
    """A message or a thought that grows; a message may have a text and a refusal, one part each."""

    def __init__(self, builder: ResponseBuilder, kind: str):
        self._builder = builder
        self._kind = kind
        self._pieces: list[str] = []
        self._part: dict[str, Any] | None = None
        item: dict[str, Any]
        if kind == "message":
            item = {"id": f"msg_{new_id()}", "type": "message", "role": "assistant"}
        else:
            item = {"id": f"rs_{new_id()}", "type": "reasoning", "summary": []}
        self._item: dict[str, Any] = {**item, "status": "in_progress", "content": []}
        self._place, self._opening = builder.add_item(self._item)

    def add(self, text: str, kind: str, logprobs: Any = None) -> list[bytes]:
        """The events for more text of a part."""
        parts = self._open(kind)
        assert self._part is not None
        self._pieces.append(text)
        fields: dict[str, Any] = {"delta": text}
        if kind == "output_text":
            tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
            fields["logprobs"] = tokens if isinstance(tokens, list) else []
            self._part["logprobs"] += fields["logprobs"]
        return [*parts, self._emit(f"response.{kind}.delta", **fields)]

    def annotate(self, annotations: Any) -> list[bytes]:
        """The events for sources that are named."""
        parts = self._open("output_text")
        assert self._part is not None
        for raw in annotations if isinstance(annotations, list) else ():
            if not isinstance(raw, dict) or not isinstance(raw.get("type"), str):
                continue
            inner = raw.get(raw["type"])
            note = {"type": raw["type"], **inner} if isinstance(inner, dict) else raw
            number = len(self._part["annotations"])
            self._part["annotations"].append(note)
            kind = "response.output_text.annotation.added"
            parts.append(self._emit(kind, annotation_index=number, annotation=note))
        return parts

    def close(self) -> list[bytes]:
        """The events of its end."""
        parts = [*self._take_opening(), *self._close_part()]
        self._item["status"] = "completed"
        done = self._builder.emit("response.output_item.done", output_index=self._place, item=self._item)
        return [*parts, done]

    def _open(self, kind: str) -> list[bytes]:
        opening = self._take_opening()
        if self._part is not None and self._part["type"] == kind:
            return opening
        closing = self._close_part()
        name = "refusal" if kind == "refusal" else "text"
        self._part = {"type": kind, name: ""}
        if kind == "output_text":
            self._part |= {"annotations": [], "logprobs": []}
        added = [] if kind == "reasoning_text" else [self._emit("response.content_part.added", 1, part=self._part)]
        self._item["content"].append(self._part)
        return [*opening, *closing, *added]

    def _close_part(self) -> list[bytes]:
        part = self._part
        if part is None:
            return []
        name = "refusal" if part["type"] == "refusal" else "text"
        part[name] = "".join(self._pieces)
        fields: dict[str, Any] = {name: part[name]}
        if part["type"] == "output_text":
            fields["logprobs"] = part["logprobs"]
        parts = [self._emit(f"response.{part['type']}.done", **fields)]
        if part["type"] != "reasoning_text":
            parts.append(self._emit("response.content_part.done", part=part))
        self._pieces, self._part = [], None
        return parts

    def _take_opening(self) -> list[bytes]:
        opening, self._opening = self._opening, b""
        return [opening] if opening else []

    def _emit(self, kind: str, to_come: int = 0, **fields: Any) -> bytes:
        place = len(self._item["content"]) - 1 + to_come
        return self._builder.emit(
            kind, item_id=self._item["id"], output_index=self._place, content_index=place, **fields
        )


class _CallItem:
    """A call that grows; it is told of once the tool's name is known."""

    def __init__(self, builder: ResponseBuilder, extra_content: Any):
        self._builder = builder
        self._item: dict[str, Any] = {}
        self._place = 0
        self._pieces: list[str] = []
        self._extra = {"extra_content": extra_content} if extra_content is not None else {}
        self.call_id = ""

    def add(self, call_id: str, name: str, piece: str) -> list[bytes]:
        """The events for more of the call."""
        self.call_id = self.call_id or call_id
        parts: list[bytes] = []
        if not self._item and name:
            parts += self._begin(name)
            piece = "".join([*self._pieces, piece])
            self._pieces.clear()
        if piece:
            self._pieces.append(piece)
            if self._item and self._item["type"] == "function_call":
                parts.append(self._emit("response.function_call_arguments.delta", delta=piece))
        return parts

    def close(self) -> list[bytes]:
        """The events of its end."""
        if not self._item:
            return []  # a call of no tool
        text = "".join(self._pieces)
        if self._item["type"] == "custom_tool_call":
            self._item["input"] = _freeform(text)
            delta = self._emit("response.custom_tool_call_input.delta", delta=self._item["input"])
            parts = [delta, self._emit("response.custom_tool_call_input.done", input=self._item["input"])]
        else:
            self._item["arguments"] = text
            done = "response.function_call_arguments.done"
            parts = [self._emit(done, name=self._item["name"], arguments=text)]
        self._item["status"] = "completed"
        ended = self._builder.emit("response.output_item.done", output_index=self._place, item=self._item)
        return [*parts, ended]

    def _begin(self, name: str) -> list[bytes]:
        meant = self._builder.meant_by(name)
        custom = meant.kind == "custom"
        self._item = {
            "id": f"{'ctc' if custom else 'fc'}_{new_id()}",
            "type": "custom_tool_call" if custom else "function_call",
            "call_id": self._builder.new_call_id(self.call_id),
            "name": meant.name,
            "status": "in_progress",
            "input" if custom else "arguments": "",
            **({"namespace": meant.namespace} if meant.namespace else {}),
            **self._extra,
        }
        self._place, opening = self._builder.add_item(self._item)
        return [opening]

    def _emit(self, kind: str, **fields: Any) -> bytes:
        return self._builder.emit(kind, item_id=self._item["id"], output_index=self._place, **fields)


def _freeform(arguments: str) -> str:
    """The input of a freeform tool out of the arguments of the function that stood for it."""
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    given = value.get("input") if isinstance(value, dict) else None
    return given if isinstance(given, str) else arguments


def _error_code(error: AutopickerError) -> str:
    if error.code:
        return error.code
    if error.status == 429:
        return "rate_limit_exceeded"
    return "invalid_prompt" if error.status < 500 else "server_error"
