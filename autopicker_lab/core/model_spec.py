"""A model of the catalogue: what it can do, what it costs, and how it is reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.addresses import public_address, secrets_in, without_secrets
from autopicker_lab.core.vision import Vision

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ModelSpec:
    """A model of the catalogue.

    Attributes:
        id: the name callers use.
        provider: "local", "ollama", "openai" or "replay".
        model: the provider's own name for it (for "local": a GGUF path or Hugging Face id; for
            "replay": a file of outcomes; "" for the shipped one).
        context_window: tokens of prompt and answer together.
        context_budget: tokens of file context that are worth giving it; None means what the window leaves.
        price_in, price_out: USD per million tokens.
        price_cached: USD per million prompt tokens that its server had in its cache; None: as price_in.
        quality: prior of P(a good answer to a hard request), 0 to 1; a tuned policy overrides it.
        timeout_s: seconds to wait for the next piece of an answer; `first_token_s` for the first one (None: the same).
        total_s: seconds that a whole answer may take.
        tokenizer: a family of tokenizers (see `core.tokens`), or the path of a tokenizer.json; "": told by its name.
        max_concurrency: requests that it may be answering at once for this process; None: no bound.
        image_urls: whether its server may be given addresses of pictures, which it would fetch.
        unconfirmed: capabilities that its configuration leaves open; its server is asked, and the reply has a warning.
        headers: sent to its server with each request.
        options: of a chat request, where the caller does not give them.
        allow, drop: names of options that it is sent though they are not known here ("*": all), or never.
        sources: where figures come from that its entry does not give, by field; "assumed" where nothing is known.
        unset: variables that its entry names and nobody set: it cannot be asked.
        proxy: the address of the HTTP proxy to its server; "": what the environment says; "none": none.
        vision: how pictures are made ready for it.
    """

    id: str
    provider: str
    model: str = ""
    endpoint: str = field(default="", repr=False)
    capabilities: frozenset[str] = frozenset({"text"})
    context_window: int = 8192
    context_budget: int | None = None
    price_in: float = 0.0
    price_out: float = 0.0
    price_cached: float | None = None
    quality: float = 0.5
    timeout_s: float = 120.0
    first_token_s: float | None = None
    total_s: float = 3600.0
    max_concurrency: int | None = None
    max_output: int = 1024
    aliases: tuple[str, ...] = ()
    api_key: str | None = field(default=None, repr=False)
    image_urls: bool = False
    unconfirmed: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    allow: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    proxy: str = field(default="", repr=False)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    unset: tuple[str, ...] = ()
    vision: Vision = field(default_factory=Vision)
    tokenizer: str = ""

    @property
    def address(self) -> str:
        """The endpoint as it may be shown: without user, password and the values of its query."""
        return public_address(self.endpoint)

    def without_secrets(self, text: str) -> str:
        """A text, such as a server's words, without what stands in this entry to get in there."""
        secrets = [*secrets_in(self.endpoint), *secrets_in(self.proxy), *self.headers.values(), self.api_key or ""]
        return without_secrets(text, secrets)

    @property
    def chats(self) -> bool:
        """Whether it answers questions: one that has `embeddings` and not `text` makes vectors alone."""
        return "text" in self.capabilities or "embeddings" not in self.capabilities

    def cost_usd(self, tokens_in: int, tokens_out: int, cached: int = 0) -> float:
        """The price of so many prompt tokens (of which its server had `cached` in its cache) and answer tokens, USD."""
        cost = tokens_in * self.price_in + tokens_out * self.price_out
        if cached and self.price_cached is not None:
            cost += min(cached, tokens_in) * (self.price_cached - self.price_in)
        return cost / 1e6
