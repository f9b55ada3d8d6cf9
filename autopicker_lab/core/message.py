"""Message: one of a conversation, as OpenAI shapes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autopicker_lab.core import parts as parts_gate
from autopicker_lab.core.errors import InvalidRequestError
from autopicker_lab.core.parts import MalformedError
from autopicker_lab.core.tokens import REFERENCE, estimate_tokens
from autopicker_lab.core.values import quickly_made

_OWN = ("role", "content")
_IN_PLACE_OF_TEXT = ("tool_calls", "function_call", "audio", "refusal")  # of a message that has no content
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


@quickly_made
@dataclass(frozen=True)
class Message:
    """One message. `content` is text, a tuple of OpenAI content parts, or None (a pure tool call)."""

    role: str
    content: str | tuple[Mapping[str, Any], ...] | None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: object, index: int = 0) -> Message:
        """Read one message of a request body; InvalidRequestError names what is wrong and where."""
        try:
            return cls._parsed(raw)
        except MalformedError as error:
            where = f"messages[{index}]"
            raise InvalidRequestError(f"'{where}{error.place}' {error.why}", param=where) from None

    @classmethod
    def _parsed(cls, raw: object) -> Message:
        if not isinstance(raw, dict | Mapping):
            raise MalformedError("", "must be an object with 'role' and 'content'")
        role = raw.get("role")
        if not isinstance(role, str) or role not in ROLES:
            raise MalformedError(".role", f"must be one of {', '.join(sorted(ROLES))}")
        content = raw.get("content")
        if isinstance(content, list):
            content = cls._checked_parts(content) or ""
        elif content is None:
            if role == "user":
                raise MalformedError(".content", "is required")
            content = None if role == "function" or any(map(raw.get, _IN_PLACE_OF_TEXT)) else ""
        elif not isinstance(content, str):
            raise MalformedError(".content", "must be a string or a list of parts")
        if len(raw) == len(_OWN) and "content" in raw:
            return cls(role, content, {})
        # what an answer has no value for, or an empty list, is an error where it comes back as part of a conversation
        extra = {key: value for key, value in raw.items() if key not in _OWN and value is not None and value != []}
        return cls(role, content, extra)

    @staticmethod
    def _checked_parts(content: Sequence[object]) -> tuple[Mapping[str, Any], ...]:
        parts = []
        for i, part in enumerate(content):
            try:
                parts.append(parts_gate.checked(part))
            except MalformedError as error:
                raise MalformedError(f".content[{i}]{error.place}", error.why) from None
        return tuple(parts)

    @property
    def text(self) -> str:
        """The text of the message, parts joined; images count for nothing."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part["text"] for part in self.content or () if part["type"] == "text")

    @property
    def text_length(self) -> int:
        """About as many characters as `text` has, without joining its parts."""
        if isinstance(self.content, str):
            return len(self.content)
        return sum([len(part["text"]) for part in self.content or () if part["type"] == "text"])

    @property
    def token_count(self) -> int:
        """Tokens of the message with its calls and without its pictures, estimated; 4 for the marks of its role."""
        return self.tokens_by(REFERENCE)

    def tokens_by(self, family: str) -> int:
        """As `token_count`, by a family of tokenizers (see `core.tokens`)."""
        tokens = estimate_tokens(self.text, family) + 4
        return tokens + written_tokens(self.extra, family) if self.extra else tokens

    @property
    def image_urls(self) -> tuple[str, ...]:
        """The URLs of its pictures."""
        if not isinstance(self.content, tuple):
            return ()
        images = (part.get("image_url") for part in self.content if part["type"] == "image_url")
        return tuple(str(image.get("url", "") if isinstance(image, Mapping) else image) for image in images)

    def to_openai(self) -> dict[str, Any]:
        """The message as OpenAI's object."""
        content = [dict(part) for part in self.content] if isinstance(self.content, tuple) else self.content
        return {"role": self.role, "content": content, **self.extra}


def written_tokens(value: object, family: str) -> int:
    """Tokens of a value as it is written out for a model, estimated."""
    return estimate_tokens(str(value), family)
