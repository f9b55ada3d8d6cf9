"""What comes of an answer: ChatChunk, a piece of it, and Usage, the tokens that it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.values import quickly_made

if TYPE_CHECKING:
    from autopicker_lab.core.model_spec import ModelSpec

_UNSAID = frozenset({"id", "type", "role", "index", "reasoning_details"})  # the last says reasoning again


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
