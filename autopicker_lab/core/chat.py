"""Chat as OpenAI shapes it: Message, ChatRequest, ChatChunk, ChatReply, and what was put into the context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from autopicker_lab.core import parts as parts_gate
from autopicker_lab.core.errors import InvalidRequestError
from autopicker_lab.core.lazy import lazy
from autopicker_lab.core.parts import MalformedError
from autopicker_lab.core.tokens import REFERENCE, estimate_tokens
from autopicker_lab.core.values import quickly_made

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from autopicker_lab.core.errors import BudgetError
    from autopicker_lab.core.model_spec import ModelSpec
    from autopicker_lab.core.policy import RoutePolicy
    from autopicker_lab.core.routing import Route

_UNSAID = frozenset({"id", "type", "role", "index", "reasoning_details"})  # the last says reasoning again
_OWN = ("role", "content")
_IN_PLACE_OF_TEXT = ("tool_calls", "function_call", "audio", "refusal")  # of a message that has no content
_READ_OPTIONS = ("tools", "functions", "response_format")
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
        return tokens + _written_tokens(self.extra, family) if self.extra else tokens

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


class LaterCall(NamedTuple):
    """A call about the same messages that may follow on the one that is covered.

    Attributes:
        options: that it is asked with. more_tokens: of its prompt, beside the messages.
    """

    spec: ModelSpec
    options: Mapping[str, Any]
    more_tokens: int = 0


class LiveTerms(Protocol):
    """What a service does to a request on its own account (see the room `live`)."""

    @property
    def policy(self) -> RoutePolicy | None:
        """The policy that decides on the request; None: the pipeline's own."""

    def explored(self, route: Route) -> Route:
        """The route with the probabilities of its models, and with the one that was drawn."""


class Spending(Protocol):
    """Money that a caller's request may cost.

    Attributes:
        shortened: whether the answer may be shorter than asked for, because little is left.
        short: why less is left than the calls that were set aside for may cost; None where it is enough.
    """

    shortened: bool
    short: BudgetError | None

    def cover(self, spec: ModelSpec, request: ChatRequest) -> AbstractAsyncContextManager[ChatRequest]:
        """Hold the most that a model may cost while it is asked; BudgetError where that is more than is left.

        Gives the request, whose answer may have been bounded to what can be paid.
        """

    def set_aside(self, calls: Sequence[LaterCall]) -> None:
        """Hold, from the next `cover` on, also what these calls may cost; where less is left, `short` says so."""

    def charge(self, usd: float) -> None:
        """Charge the caller at once for a call that the request goes on after."""


@quickly_made
@dataclass(frozen=True)
class ChatRequest:
    """What is asked of a model.

    Attributes:
        model: a catalogue id or alias; "auto" lets the router choose.
        file_ids: uploads whose text belongs to the question.
        options: every other OpenAI field (temperature, max_tokens, tools ...), passed on as it came.
        allowed: ids of the models that the caller may use; None: all.
        spending: holds what asking a model may cost; None where nobody bounds it.
        live: what the service does to it on its own account; None: nothing.
    """

    messages: tuple[Message, ...]
    model: str = "auto"
    file_ids: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    allowed: frozenset[str] | None = None
    spending: Spending | None = field(default=None, repr=False, compare=False)
    live: LiveTerms | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, prompt: str | Sequence[Mapping[str, Any]] | ChatRequest, **fields: Any) -> ChatRequest:
        """A request from a plain question, a list of OpenAI messages, or another request."""
        if isinstance(prompt, ChatRequest):
            return replace(prompt, **fields)
        if isinstance(prompt, str):
            return cls((Message("user", prompt),), **fields)
        if not isinstance(prompt, Sequence):
            detail = f"a prompt is a text or a list of messages, not {type(prompt).__name__}"
            raise InvalidRequestError(detail, "write 'Why?' or [{'role': 'user', 'content': 'Why?'}]")
        return cls(tuple([Message.parse(m, i) for i, m in enumerate(prompt)]), **fields)

    def with_allowed(self, models: frozenset[str] | None, spending: Spending | None = None) -> ChatRequest:
        """The request of a caller who may use these models (None: all), and spend no more than is held."""
        if models is None and spending is None:
            return self
        return replace(self, allowed=models, spending=spending)

    def with_live(self, live: LiveTerms) -> ChatRequest:
        """The request with what the service does to it; as `replace`, but sooner."""
        request: ChatRequest = object.__new__(ChatRequest)
        request.__dict__.update(self.__dict__, live=live)
        return request

    def as_of(self, ends: Sequence[int]) -> list[ChatRequest]:
        """The request as it stood at each of these messages (positions, ascending), for the cost of one reading."""
        earlier: list[ChatRequest] = []
        images: tuple[str, ...] = ()
        start, tokens = 0, self.option_tokens
        for end in ends:
            added = replace(self, messages=self.messages[start : end + 1])
            tokens += sum([message.token_count for message in added.messages])
            images += added.image_urls
            part = replace(self, messages=self.messages[: end + 1])
            part.__dict__.update(token_count=tokens, image_urls=images)  # what `lazy` would compute again
            earlier.append(part)
            start = end + 1
        return earlier

    @lazy
    def question(self) -> str:
        """The last user message's text: what relevance and complexity are about."""
        return next((m.text for m in reversed(self.messages) if m.role == "user"), "")

    @property
    def task(self) -> str:
        """The kind of request that its caller says it is (`metadata.task`); "" where nothing is said."""
        metadata = self.options.get("metadata")
        task = metadata.get("task") if isinstance(metadata, dict | Mapping) else None
        return task if isinstance(task, str) else ""

    @property
    def max_tokens(self) -> int | None:
        """The answer's length limit in tokens, if the caller set one."""
        options = self.options
        limit = options.get("max_completion_tokens")
        if limit is None:
            limit = options.get("max_tokens")
        return None if limit is None else int(limit)

    @lazy
    def image_urls(self) -> tuple[str, ...]:
        """The pictures of all messages, as URLs."""
        return tuple([url for message in self.messages for url in message.image_urls]) if self.media else ()

    @lazy
    def media(self) -> frozenset[str]:
        """What its messages hold besides text (see core.parts)."""
        parts = [part for message in self.messages if isinstance(message.content, tuple) for part in message.content]
        return frozenset().union(*map(parts_gate.media_of, parts)) if parts else frozenset()

    @lazy
    def option_tokens(self) -> int:
        """Tokens of the options that a model reads, estimated: tools and schemas."""
        return self._option_tokens_by(REFERENCE)

    def _option_tokens_by(self, family: str) -> int:
        read = [self.options[name] for name in _READ_OPTIONS if name in self.options] if self.options else ()
        return sum([_written_tokens(value, family) for value in read])

    @lazy
    def token_count(self) -> int:
        """Prompt tokens with tools and schemas and without files, estimated."""
        return sum([message.token_count for message in self.messages]) + self.option_tokens

    def tokens_by(self, family: str) -> int:
        """As `token_count`, by a family of tokenizers (see `core.tokens`)."""
        if family == REFERENCE:
            return self.token_count
        return sum([message.tokens_by(family) for message in self.messages]) + self._option_tokens_by(family)


def _written_tokens(value: object, family: str) -> int:
    """Tokens of a value as it is written out for a model, estimated."""
    return estimate_tokens(str(value), family)


@quickly_made
@dataclass(frozen=True)
class Usage:
    """Tokens; `raw` is the provider's own object, whose further details are passed on."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def cost_usd(self, spec: ModelSpec) -> float:
        """What an answer of a model costs by this, USD."""
        return spec.cost_usd(self.prompt_tokens, self.completion_tokens, self.cached_tokens)

    def to_openai(self) -> dict[str, Any]:
        """OpenAI's `usage` object, with the details that the provider gave."""
        return {
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
            **self.raw,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }

    @classmethod
    def from_openai(cls, raw: Mapping[str, Any] | None) -> Usage | None:
        """Usage as a server that speaks OpenAI's format says it; None where it says nothing."""
        if not raw or not isinstance(raw, dict | Mapping):  # a dict is seen to be one sooner
            return None
        details = raw.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict | Mapping) else None
        if cached is None:
            cached = raw.get("prompt_cache_hit_tokens")  # DeepSeek's name for it
        return cls(_count(raw.get("prompt_tokens")), _count(raw.get("completion_tokens")), _count(cached), raw)


def _count(value: object) -> int:
    """A number of tokens as a server says it; 0 for what is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return min(value, 2**53) if isinstance(value, int) and value >= 0 else 0


@dataclass(frozen=True, slots=True)
class ChatChunk:
    """What arrived of an answer at once: a piece, or several where the network brought them together.

    Attributes:
        events: OpenAI's chunk objects, as the model's server made them; each has its `choices`.
        finish_reason, usage: where one of the events ended the answer, or counted its tokens.
    """

    events: Sequence[dict[str, Any]] = ()
    finish_reason: str | None = None
    usage: Usage | None = None

    @classmethod
    def of(cls, delta: Mapping[str, Any], finish_reason: str | None = None, usage: Usage | None = None) -> ChatChunk:
        """A chunk of one event, from a server that does not speak OpenAI's format."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return cls(({"choices": [choice]},), finish_reason, usage)

    @property
    def deltas(self) -> Iterator[Mapping[str, Any]]:
        """What each event adds to the message."""
        for event in self.events:
            for choice in event.get("choices") or ():
                yield choice.get("delta") or {}

    @property
    def characters(self) -> int:
        """How many characters its events add to the answer, of thoughts and of arguments as well."""
        count = 0
        for event in self.events:
            for choice in event.get("choices") or ():
                delta = choice.get("delta")
                if delta:
                    content = delta.get("content")
                    count += len(content) if content else count_characters(delta)
        return count

    @property
    def content(self) -> str:
        """The text that its events add to the answer."""
        return "".join([delta.get("content") or "" for delta in self.deltas])


def count_characters(value: object) -> int:
    """The characters of what a model said: text, thoughts, names and arguments of calls."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum([count_characters(part) for name, part in value.items() if name not in _UNSAID])
    return sum([count_characters(part) for part in value]) if isinstance(value, list) else 0
