"""Choices of other servers as OpenAI sends them, streamed and whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autopicker_lab.http_client.tolerant_json import Joiner
from autopicker_lab.http_client.tool_calls import ToolCallReader, whole_calls

_MOST_CHOICES = 1024
_THOUGHTS = ("thinking", "reasoning")
_REASONS = {  # of servers that have words of their own
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "safety": "content_filter",
}


class ChoiceReader:
    """Puts the events of one streamed choice right, in place.

    Attributes:
        finish_reason: how it ended; None while it has not.
    """

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self._has_role = False
        self._has_calls = False
        self._calls = ToolCallReader()
        self._joiners: dict[str, Joiner] = {}

    def read(self, choice: dict[str, Any]) -> bool:
        """Whether the choice says something: text, reasoning, a tool call, an end; not a role alone.

        Raises:
            TypeError, AttributeError: it is not a choice.
        """
        delta = choice.get("delta")
        if delta.__class__ is dict and len(delta) == 1 and choice.get("finish_reason") is None:
            content = delta.get("content")
            if content and content.__class__ is str:
                return True  # nearly all pieces are like this one
        return self._read(choice, delta)

    def _read(self, choice: dict[str, Any], delta: object) -> bool:
        if not isinstance(delta, dict):
            delta = choice["delta"] = _other_delta(choice)
        if "role" in delta:
            if self._has_role:
                del delta["role"]  # clients that add up strings would make it "assistantassistant"
            self._has_role = True
        if not isinstance(delta.get("content") or "", str):
            _flatten(delta)
        if delta.get("tool_calls"):
            delta["tool_calls"] = self._calls.read(delta["tool_calls"])
            self._has_calls = True
        reason = finish_reason(choice, self._has_calls)
        if "finish_reason" in choice or reason:
            choice["finish_reason"] = self.finish_reason = reason
        return bool(delta.get("content") or reason or choice.get("error") or _says_more(delta))

    def join_halves(self, delta: dict[str, Any]) -> None:
        """Join the characters that the server cut in half between the texts of two events."""
        for name, value in delta.items():
            if isinstance(value, str):
                delta[name] = self._joiners.setdefault(name, Joiner()).feed(value)
        for call in delta.get("tool_calls") or ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                joiner = self._joiners.setdefault(f"arguments {call.get('index')}", Joiner())
                function["arguments"] = joiner.feed(function["arguments"])

    def ending(self) -> str:
        """The finish_reason of a choice whose server said [DONE] and none."""
        return "tool_calls" if self._has_calls else "stop"

    def rest(self) -> dict[str, Any]:
        """Halves of characters that nothing followed, as the texts that are left to give."""
        texts = {name: joiner.end() for name, joiner in self._joiners.items() if not name.startswith("arguments ")}
        return {name: text for name, text in texts.items() if text}


def read_message(choice: dict[str, Any]) -> dict[str, Any]:
    """The message of a whole choice, put right in place; TypeError where there is none."""
    if not isinstance(choice.get("message"), dict):
        if not isinstance(choice.get("text"), str):
            raise TypeError("a choice has a message")
        choice["message"] = {"role": "assistant", "content": choice.pop("text")}
    message: dict[str, Any] = choice["message"]
    if not isinstance(message.get("content") or "", str):
        _flatten(message)
    if message.get("tool_calls"):
        message["tool_calls"] = whole_calls(message["tool_calls"])
    has_calls = bool(message.get("tool_calls"))
    choice["finish_reason"] = finish_reason(choice, has_calls) or ("tool_calls" if has_calls else "stop")
    return message


def finish_reason(choice: Mapping[str, Any], has_calls: bool) -> str | None:
    """How a choice ended, in OpenAI's words; None where it has not. TypeError where that is no text.

    Args:
        has_calls: tools are called, by which an agent knows that it goes on: some servers say "stop" all the same.
    """
    said = choice.get("finish_reason") or choice.get("finishReason")
    if not said:
        return None
    if not isinstance(said, str):
        raise TypeError("a finish_reason is a string")
    reason = _REASONS.get(said.lower(), said)
    return "tool_calls" if has_calls and reason == "stop" else reason


def choice_index(choice: dict[str, Any]) -> int:
    """Which of an answer's choices this is; set where the server left it out, or wrote it as text.

    Raises:
        TypeError, ValueError: it is no number, or one beyond all that can be asked for.
    """
    index = choice.get("index")
    if type(index) is not int:
        index = choice["index"] = int(index or 0)
    if not 0 <= index < _MOST_CHOICES:
        raise ValueError("no such choice can have been asked for")
    return index


def _other_delta(choice: Mapping[str, Any]) -> dict[str, Any]:
    """What a choice without a delta says: a whole message, or the text of a legacy completion."""
    for value in (choice.get("message"), {"content": choice.get("text")}):
        if isinstance(value, dict) and any(value.values()):
            return value
    if choice.get("delta"):
        raise TypeError("a delta is an object")
    return {}


def _says_more(delta: Mapping[str, Any]) -> bool:
    return any(value for name, value in delta.items() if name not in ("role", "content"))


def _flatten(delta: dict[str, Any]) -> None:
    """Content parts as OpenAI's answers have them: text in `content`, thoughts in `reasoning_content`.

    Parts of other types are kept in `content_parts`, so that nothing is lost.
    """
    content = delta["content"]
    parts = [content] if isinstance(content, Mapping) else content
    if not isinstance(parts, list):
        raise TypeError("content is text or parts")
    others = [part for part in parts if _type(part) not in ("text", "output_text", *_THOUGHTS)]
    delta["content"] = "".join(_text(part) for part in parts if _type(part) in ("text", "output_text"))
    thoughts = "".join(_text(part) for part in parts if _type(part) in _THOUGHTS)
    if thoughts:
        delta["reasoning_content"] = (delta.get("reasoning_content") or "") + thoughts
    if others:
        delta["content_parts"] = others


def _type(part: object) -> str:
    if isinstance(part, str):
        return "text"
    if not isinstance(part, Mapping):
        raise TypeError("a content part is an object")
    return str(part.get("type") or ("text" if "text" in part else ""))


def _text(part: object) -> str:
    """The text of a text or thinking part, whose text may be parts again."""
    if isinstance(part, str):
        return part
    assert isinstance(part, Mapping)
    value = next((part[name] for name in ("text", *_THOUGHTS) if part.get(name)), "")
    if isinstance(value, list):
        return "".join(_text(item) for item in value)
    return str(value.get("value") or "") if isinstance(value, Mapping) else str(value)
