"""ChatRequest: a chat as OpenAI shapes it, and what holds for one that a service answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from autopicker_lab.core import parts as parts_gate
from autopicker_lab.core.errors import InvalidRequestError
from autopicker_lab.core.lazy import lazy
from autopicker_lab.core.message import Message, written_tokens
from autopicker_lab.core.tokens import REFERENCE
from autopicker_lab.core.values import quickly_made

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from autopicker_lab.core.errors import BudgetError
    from autopicker_lab.core.model_spec import ModelSpec
    from autopicker_lab.core.policy import RoutePolicy
    from autopicker_lab.core.reading import FileReading
    from autopicker_lab.core.routing import Route

_READ_OPTIONS = ("tools", "functions", "response_format")


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

    @property
    def propensities(self) -> str | None:
        """The probabilities with which its models could have been drawn, as JSON; None where nothing was."""

    def explored(self, route: Route) -> Route:
        """The route to the model that is drawn."""


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
        reading: how its files are read; None: by the passages near to its question.
    """

    messages: tuple[Message, ...]
    model: str = "auto"
    file_ids: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    allowed: frozenset[str] | None = None
    spending: Spending | None = field(default=None, repr=False, compare=False)
    live: LiveTerms | None = field(default=None, repr=False, compare=False)
    reading: FileReading | None = None

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

    def take_live(self, live: LiveTerms) -> None:
        """Have the service's terms; to be called once, by who made the request and shares it with nobody yet."""
        self.__dict__["live"] = live

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
        return sum([written_tokens(value, family) for value in read])

    @lazy
    def token_count(self) -> int:
        """Prompt tokens with tools and schemas and without files, estimated."""
        return sum([message.token_count for message in self.messages]) + self.option_tokens

    def tokens_by(self, family: str) -> int:
        """As `token_count`, by a family of tokenizers (see `core.tokens`)."""
        if family == REFERENCE:
            return self.token_count
        return sum([message.tokens_by(family) for message in self.messages]) + self._option_tokens_by(family)
