"""Chat as OpenAI shapes it: Message, ChatRequest, ChatChunk, ChatReply, and what was put into the context."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.errors import InvalidRequestError
from autopicker_lab.core.show import html_table, html_text
from autopicker_lab.core.text import estimate_tokens

if TYPE_CHECKING:
    from autopicker_lab.core.routing import Route

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


@dataclass(frozen=True)
class Message:
    """One message. `content` is text, a tuple of OpenAI content parts, or None (a pure tool call)."""

    role: str
    content: str | tuple[Mapping[str, Any], ...] | None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: object, where: str = "messages[0]") -> Message:
        """Read one message of a request body; InvalidRequestError names what is wrong and where."""
        if not isinstance(raw, Mapping):
            raise InvalidRequestError(f"'{where}' must be an object with 'role' and 'content'", param=where)
        role = raw.get("role")
        if not isinstance(role, str) or role not in ROLES:
            raise InvalidRequestError(f"'{where}.role' must be one of {', '.join(sorted(ROLES))}", param=where)
        content = raw.get("content")
        if isinstance(content, list):
            for i, part in enumerate(content):
                if not isinstance(part, Mapping) or not isinstance(part.get("type"), str):
                    raise InvalidRequestError(f"'{where}.content[{i}]' must be an object with a 'type'", param=where)
                if part["type"] == "text" and not isinstance(part.get("text"), str):
                    raise InvalidRequestError(f"'{where}.content[{i}].text' must be a string", param=where)
            content = tuple(content)
        elif content is None:
            if role not in ("assistant", "function"):
                raise InvalidRequestError(f"'{where}.content' is required", param=where)
        elif not isinstance(content, str):
            raise InvalidRequestError(f"'{where}.content' must be a string or a list of parts", param=where)
        extra = {key: value for key, value in raw.items() if key not in ("role", "content")}
        return cls(str(role), content, extra)

    @property
    def text(self) -> str:
        """The text of the message, parts joined; images count for nothing."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part["text"] for part in self.content or () if part["type"] == "text")

    @property
    def image_urls(self) -> tuple[str, ...]:
        if not isinstance(self.content, tuple):
            return ()
        images = (part.get("image_url") for part in self.content if part["type"] == "image_url")
        return tuple(str(image.get("url", "") if isinstance(image, Mapping) else image) for image in images)

    def to_openai(self) -> dict[str, Any]:
        content = [dict(part) for part in self.content] if isinstance(self.content, tuple) else self.content
        return {"role": self.role, "content": content, **self.extra}


@dataclass(frozen=True)
class ChatRequest:
    """What is asked of a model.

    Attributes:
        model: a catalogue id or alias; "auto" lets the router choose.
        file_ids: uploads whose text belongs to the question.
        options: every other OpenAI field (temperature, max_tokens, tools ...), passed on as it came.
        stream: whether the caller reads chunks as they are made.
    """

    messages: tuple[Message, ...]
    model: str = "auto"
    file_ids: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    stream: bool = False

    @classmethod
    def of(cls, prompt: str | Sequence[Mapping[str, Any]] | ChatRequest, **fields: Any) -> ChatRequest:
        """A request from a plain question, a list of OpenAI messages, or another request."""
        if isinstance(prompt, ChatRequest):
            return replace(prompt, **fields)
        if isinstance(prompt, str):
            return cls((Message("user", prompt),), **fields)
        return cls(tuple(Message.parse(m, f"messages[{i}]") for i, m in enumerate(prompt)), **fields)

    @property
    def question(self) -> str:
        """The last user message's text: what relevance and complexity are about."""
        return next((m.text for m in reversed(self.messages) if m.role == "user"), "")

    @property
    def max_tokens(self) -> int | None:
        """The answer's length limit in tokens, if the caller set one."""
        for name in ("max_completion_tokens", "max_tokens"):
            if self.options.get(name) is not None:
                return int(self.options[name])
        return None

    @property
    def image_urls(self) -> tuple[str, ...]:
        return tuple(url for message in self.messages for url in message.image_urls)

    @property
    def token_count(self) -> int:
        """Prompt tokens without files, estimated; 4 a message for its role marks."""
        return sum(estimate_tokens(m.text) + 4 for m in self.messages)


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    def to_openai(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
        }

    @classmethod
    def from_openai(cls, raw: Mapping[str, Any] | None) -> Usage | None:
        if not raw:
            return None
        cached = (raw.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        return cls(raw.get("prompt_tokens") or 0, raw.get("completion_tokens") or 0, cached)


@dataclass(frozen=True)
class ChatChunk:
    """A piece of an answer as it was made; the last one carries `finish_reason` and, where known, `usage`."""

    delta: Mapping[str, Any] = field(default_factory=dict)
    finish_reason: str | None = None
    usage: Usage | None = None

    @property
    def content(self) -> str:
        return self.delta.get("content") or ""


@dataclass(frozen=True)
class ContextReport:
    """Which passages of which files the model was given, and what did not fit.

    Attributes:
        used: labels of the passages in the prompt, as cited ("report.pdf, page 3").
        left_out: one line a file that did not fit whole, with the share that was left out.
        tokens: of the file context, estimated.
    """

    used: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    tokens: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChatReply:
    """An answer with its provenance.

    Attributes:
        model: catalogue id of the model that answered.
        route: how it was chosen; None for a model that was asked directly.
        first_token_s, total_s: seconds from the request to the first token and to the end.
    """

    text: str
    model: str
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    message: Mapping[str, Any] = field(default_factory=dict)
    route: Route | None = None
    context: ContextReport = field(default_factory=ContextReport)
    first_token_s: float | None = None
    total_s: float | None = None
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def fallback_used(self) -> bool:
        """Whether the chosen model failed and another answered."""
        return self.route is not None and self.route.model != self.model

    @property
    def score(self) -> float | None:
        """Complexity of the request, 0 to 100."""
        return self.route.complexity.score if self.route else None

    def to_dict(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "model": self.model,
            "score": self.score,
            "usage": self.usage.to_openai(),
            "finish_reason": self.finish_reason,
            "reason": self.route.reason if self.route else None,
            "context": {"used": list(self.context.used), "left_out": list(self.context.left_out)},
            "warnings": list(self.context.warnings),
            "first_token_s": self.first_token_s,
            "total_s": self.total_s,
        }

    def _repr_html_(self) -> str:
        rows: list[tuple[str, object]] = [("model", self.model)]
        if self.route:
            rows += [("complexity", f"{self.route.complexity.score:.0f} of 100"), ("why", self.route.reason)]
        rows += [("read", label) for label in self.context.used]
        rows += [("left out", line) for line in self.context.left_out]
        rows += [("note", line) for line in self.context.warnings]
        return html_text(self.text) + html_table(["", ""], rows)
