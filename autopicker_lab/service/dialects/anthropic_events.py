"""The events of a streamed chat as Anthropic's: blocks one after the other, never two open at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import new_id
from autopicker_lab.service.dialects.anthropic_answer import STOP_NAMES, message_id, stop_of, usage_object
from autopicker_lab.service.dialects.fields import call_pieces, reasoning_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PING = b'event: ping\ndata: {"type": "ping"}\n\n'


@dataclass
class _Block:
    """A block that is being written, or waits for the one before it to end.

    Attributes:
        key: "text", "thinking", or the index of a tool call.
        waiting: its pieces that were not sent yet.
        sent: pieces of a tool call that were, which tell whether it is whole.
    """

    key: str | int
    call_id: str = ""
    name: str = ""
    started: bool = False
    waiting: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    @property
    def can_start(self) -> bool:
        """Whether all that its first event says is known."""
        return isinstance(self.key, str) or bool(self.name)

    @property
    def whole(self) -> bool:
        """Whether no more of it will come, now that another block has begun."""
        if isinstance(self.key, str):
            return True
        try:
            orjson.loads("".join([*self.sent, *self.waiting]))
        except orjson.JSONDecodeError:
            return False
        return self.can_start


class MessageEvents:
    """Makes Anthropic's events of OpenAI's chunk objects.

    Calls whose pieces come mixed are written one after the other: what comes for a later one waits.

    Args:
        thinking, stops: as of `message_object`.
    """

    def __init__(self, thinking: bool, stops: Sequence[str] = ()):
        self._thinking = thinking
        self._stops = stops
        self._blocks: list[_Block] = []
        self._current = 0
        self._choice: dict[str, Any] = {}
        self._has_calls = self._refused = False

    def start(self, completion_id: str, model: str, input_tokens: int, extra: Mapping[str, Any]) -> bytes:
        """The first event; `input_tokens` as estimated, the last but one event has the counted ones."""
        message = {
            "id": message_id(completion_id),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_object({"prompt_tokens": input_tokens}),
            **extra,
        }
        return event("message_start", message=message) + PING

    def feed(self, chunks: Iterable[Mapping[str, Any]]) -> bytes:
        """The events for some of the answer's chunk objects."""
        for chunk in chunks:
            for choice in chunk.get("choices") or ():
                if not choice.get("index"):
                    self._take(choice)
        return self._written(ended=False)

    def end(self, finish_reason: str, usage: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> bytes:
        """The last events, with OpenAI's finish_reason and usage object as Anthropic's."""
        choice = {"finish_reason": finish_reason, **self._choice}
        reason, sequence = stop_of(choice, self._has_calls, self._refused, self._stops)
        delta = {"stop_reason": reason, "stop_sequence": sequence}
        return (
            self._written(ended=True)
            + event("message_delta", delta=delta, usage=usage_object(usage), **(extra or {}))
            + event("message_stop")
        )

    def _take(self, choice: Mapping[str, Any]) -> None:
        delta = choice.get("delta") or {}
        if self._thinking and (thought := reasoning_of(delta)):
            self._add("thinking", thought)
        text, refusal = text_of(delta.get("content")), text_of(delta.get("refusal"))
        if text or refusal:
            self._add("text", text or refusal)
            self._refused = self._refused or bool(refusal)
        for index, call_id, name, piece in call_pieces(delta):
            self._has_calls = True
            block = self._add(index, piece)
            block.call_id, block.name = block.call_id or call_id, block.name or name
        for name in ("finish_reason", *STOP_NAMES):
            if choice.get(name) is not None:
                self._choice[name] = choice[name]

    def _add(self, key: str | int, piece: str) -> _Block:
        """Add a piece to the block that it belongs to: the last text, or the call of its index."""
        blocks = self._blocks
        if isinstance(key, str):
            block = blocks[-1] if blocks and blocks[-1].key == key else None
        else:
            block = next((b for b in blocks if b.key == key), None)
        if block is None:
            block = _Block(key)
            blocks.append(block)
        if piece:
            block.waiting.append(piece)
        return block

    def _written(self, ended: bool) -> bytes:
        """What can be sent of the current block, and of those after it once it is whole."""
        out: list[bytes] = []
        while self._current < len(self._blocks):
            block = self._blocks[self._current]
            last = self._current == len(self._blocks) - 1
            if block.can_start or ended:
                out += self._pieces(block)
            if not (ended or (not last and block.whole)):
                break
            out.append(event("content_block_stop", index=self._current))
            self._current += 1
        return b"".join(out)

    def _pieces(self, block: _Block) -> list[bytes]:
        out: list[bytes] = []
        if not block.started:
            block.started = True
            out.append(event("content_block_start", index=self._current, content_block=_opening(block)))
        if block.waiting:
            piece = "".join(block.waiting)
            out.append(event("content_block_delta", index=self._current, delta=_delta(block.key, piece)))
            if isinstance(block.key, int):
                block.sent.append(piece)
            block.waiting.clear()
        return out


def _opening(block: _Block) -> dict[str, Any]:
    if block.key == "text":
        return {"type": "text", "text": ""}
    if block.key == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    call_id = block.call_id or f"toolu_{new_id()}"
    return {"type": "tool_use", "id": call_id, "name": block.name, "input": {}}


def _delta(key: str | int, piece: str) -> dict[str, Any]:
    if key == "text":
        return {"type": "text_delta", "text": piece}
    if key == "thinking":
        return {"type": "thinking_delta", "thinking": piece}
    return {"type": "input_json_delta", "partial_json": piece}


def event(kind: str, **fields: Any) -> bytes:
    """One of Anthropic's events."""
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps({"type": kind, **fields}))
