"""What a request asks of a model, and why a model cannot take it."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from autopicker_lab.core.tokens import MOST_TIMES_REFERENCE
from autopicker_lab.known_models import token_family
from autopicker_lab.routing.capabilities import abilities

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.core import ModelSpec, RoutePolicy

ANSWER_TOKENS = 300  # tokens that an answer of unknown length is taken to have


class Requirements(NamedTuple):
    """What a request asks of a model.

    Attributes:
        tokens: prompt tokens that cannot be left out (file context is fitted to the model and does not count).
        max_output: tokens that the answer must have room for.
        wanted: capabilities that some models have; where none has them, the request is served without, and says so.
        answer: tokens that the caller lets the answer have; None: 300 are taken for its price.
        needed: capabilities without which an answer would not be what was asked for: a model must have them all.
        unheld: why its answer cannot be held until its signal is known, so that no cascade begins; "" where it can.
        measure: the prompt's tokens by a family of tokenizers; None: `tokens` of any.
    """

    tokens: int
    max_output: int = 0
    wanted: frozenset[str] = frozenset()
    answer: int | None = None
    needed: frozenset[str] = frozenset()
    unheld: str = ""
    measure: Callable[[str], int] | None = None

    def price_usd(self, spec: ModelSpec, tokens: int) -> float:
        """What a request of so many tokens may cost: all that its caller lets the model write is counted."""
        written = min(ANSWER_TOKENS if self.answer is None else self.answer, spec.max_output)
        return spec.cost_usd(min(tokens, spec.context_window), written)

    def fit(self, spec: ModelSpec) -> bool:
        """Whether prompt and answer fit into a model's context window."""
        room = spec.context_window - max(self.max_output, 1)
        return self.tokens * MOST_TIMES_REFERENCE <= room or self.tokens_of(spec) <= room

    def tokens_of(self, spec: ModelSpec) -> int:
        """The prompt's tokens by a model's family of tokenizers."""
        return self.tokens if self.measure is None else self.measure(token_family(spec))


def obstacle(
    spec: ModelSpec,
    policy: RoutePolicy,
    requirements: Requirements,
    price_usd: float,
    wanted: frozenset[str] = frozenset(),
) -> str:
    """Why a model cannot take a request although it would answer; "" where it can."""
    missing = (wanted | requirements.needed) - abilities(spec) if wanted or requirements.needed else wanted
    if policy.local_only and not is_local(spec):
        return "the policy keeps requests on this machine"
    if missing:
        return f"cannot do {', '.join(sorted(missing))}"
    if not requirements.fit(spec):
        tokens = requirements.tokens_of(spec) + requirements.max_output
        return f"needs {tokens:,} tokens, its context window has {spec.context_window:,}"
    if policy.max_cost_usd is not None and price_usd > policy.max_cost_usd:
        return f"would cost about {price_usd:.4f} USD, the policy allows {policy.max_cost_usd:g}"
    return ""


def is_local(spec: ModelSpec) -> bool:
    """Whether requests to a model stay on this machine."""
    if spec.provider in ("local", "replay"):
        return True
    if spec.model.endswith(("-cloud", ":cloud")):  # Ollama hands these on to its makers
        return False
    host = urlsplit(spec.endpoint).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
