"""What is known of models whose entry does not say it: qualities, prices and windows, each with where it comes from."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from autopicker_lab.core.token_rates import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from autopicker_lab.core import ModelSpec

ASSUMED_QUALITY = 0.5
SMOLLM2_QUALITY = 0.15  # measured: 8 of 12 questions of data/answers/report.csv, and little of anything harder
_QUALITIES: Mapping[str, float] = MappingProxyType({"smollm2-135m": SMOLLM2_QUALITY, "llama3.2": 0.54})
_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d{1,2})x)?(\d{1,4}(?:\.\d{1,3})?)(b|m)(?![a-z0-9])")
# Names of models that their makers alone serve, so that an endpoint which is not theirs passes requests on to them.
_CLOSED: Mapping[str, str] = MappingProxyType(
    {"gpt-": "openai", "chatgpt-": "openai", "o1": "openai", "o3": "openai", "o4-": "openai"}
    | {"claude-": "anthropic", "gemini-": "google", "grok-": "x-ai"}
)
# Families of tokenizers (core.token_rates) by the beginnings of names; the first that fits, before the maker's others.
_TOKENIZERS = tuple(
    (family, re.compile(rf"(?<![a-z])(?:{names})"))
    for family, names in (
        ("llama3", r"deepseek-r1-distill-llama|llama-?[34]|meta-llama-3|hermes-3|nemotron"),
        ("qwen", r"deepseek-r1-distill-qwen|qwen|qwq"),
        ("o200k", r"gpt-?4o|gpt-?4\.[1-9]|gpt-?[5-9]|gpt-oss|chatgpt-4o|o[1-9](?![a-z0-9])"),
        ("cl100k", r"gpt-?4|gpt-?3\.5|text-embedding-(?:3|ada)"),
        ("gemma", r"gemma-?[23]|gemini"),
        ("deepseek", r"deepseek-(?:v[23]|chat|reasoner)|deepseek-r1(?=$|-0|:671b)"),
        ("llama2", r"llama-?2(?!\d)|codellama|tinyllama|vicuna|mistral-7b|mixtral|phi-?3(?!\.5-moe)"),
        ("smollm", r"smollm"),
        ("gpt2", r"gpt-?2|gpt-neo|distilgpt"),
    )
)
_OPEN_WEIGHTS = ("gpt-oss", "grok-1")


def recorded_models() -> list[ModelSpec]:
    """The models whose replies to the project's questions are recorded (data/outcomes), for a demonstration.

    Their qualities are the mean scores there.
    """
    from autopicker_lab.core import ModelSpec

    return [
        ModelSpec("smollm2-135m", "replay", quality=SMOLLM2_QUALITY, aliases=("smollm2",)),
        ModelSpec("qwen2.5-coder-0.5b", "replay", quality=0.34, context_window=32_768, aliases=("qwen2.5-coder",)),
    ]


def quality_prior(billions: float) -> float:
    """A first guess of quality from a model's size in billions of parameters: 0.40 at 1 B, +0.29 a decade.

    A straight line through the public leaderboards' middle; outcomes of one's own replace it (see tuning).
    """
    if billions <= 0:
        return ASSUMED_QUALITY
    return min(0.9, max(0.05, 0.40 + 0.29 * math.log10(billions)))


def token_family(spec: ModelSpec) -> str:
    """The family of tokenizers (see `core.tokens`) of a model: as its entry says, or by its name; "" where unknown."""
    if spec.tokenizer in FAMILIES:
        return spec.tokenizer
    if spec.provider == "local" and not spec.model:
        return "smollm"
    return _family_of(spec.model or spec.id)


@lru_cache(1024)
def _family_of(name: str) -> str:
    name = name.lower().replace("_", "-")
    return next((family for family, names in _TOKENIZERS if names.search(name)), "")


def is_own_server(endpoint: str) -> bool:
    """Whether a server is one of this machine or network: it has an address, or a name without a domain."""
    return "." not in (urlsplit(endpoint).hostname or "").strip("0123456789.")


def completed(spec: ModelSpec, given: Set[str]) -> ModelSpec:
    """The spec with what is known of its model in place of defaults, and in `sources` where each comes from.

    Args:
        given: names of the fields that its entry has: these stay.
    """
    found: dict[str, Any] = {}
    sources: dict[str, str] = {}
    if "quality" not in given:
        found["quality"], sources["quality"] = _quality(spec)
    wanted = {"context_window"} - given
    if not given & {"price_in", "price_out"}:
        wanted |= {"price_in", "price_out", "price_cached"} - given
    if spec.provider == "openai" and wanted:
        listed = {name: value for name, value in _listed(spec).items() if name in wanted}
        found |= listed
        sources |= dict.fromkeys(listed, "genai-prices")
    return replace(spec, **found, sources=sources)


def _quality(spec: ModelSpec) -> tuple[float, str]:
    if spec.provider == "local" and not spec.model:
        return SMOLLM2_QUALITY, "known"
    name = (spec.model or spec.id).lower()
    last = name.rpartition("/")[2].removesuffix(":latest")
    if last in _QUALITIES:
        return _QUALITIES[last], "known"
    if "smollm2-135m" in name:
        return SMOLLM2_QUALITY, "known"
    billions = _billions(name)
    return (quality_prior(billions), "size in its name") if billions else (ASSUMED_QUALITY, "assumed")


def _billions(name: str) -> float:
    """The size in a name, such as llama3.1:8b, mixtral-8x7b or SmolLM2-135M, in billions; 0.0 for none."""
    sizes = [
        int(experts or 1) * float(number) * (1.0 if unit == "b" else 1e-3)
        for experts, number, unit in _SIZE.findall(name.replace("_", "-"))
    ]
    return max(sizes, default=0.0)


def _listed(spec: ModelSpec) -> dict[str, Any]:
    """What genai-prices has of a model: prices in USD per million tokens, and its window."""
    name = (spec.model or spec.id).removeprefix("models/")
    maker = _maker(name)
    if is_own_server(spec.endpoint) and maker is None:
        return {}  # with a model of its own: nothing is paid by the token
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    for ref, provider, url in ((name, None, spec.endpoint), (name.rpartition("/")[2], maker, None)):
        if provider is None and url is None:
            continue
        try:
            _, model = snapshot.find_provider_model(ref, None, provider, url)
        except LookupError:
            continue
        return _figures(model)
    return {}


def maker_prices(name: str) -> tuple[float, float] | None:
    """USD per million tokens in and out of a model that is known by name alone, else None.

    At its maker's prices, or, of a name such as groq/llama-3.1-8b-instant, at those of the provider it begins with. A
    model with open weights that its maker does not sell has no price of its own.
    """
    from genai_prices.data_snapshot import get_snapshot

    provider, _, rest = name.partition("/")
    for ref, of in ((rest, provider.lower()), (name.rpartition("/")[2], None)):
        if not ref:
            continue
        try:
            _, model = get_snapshot().find_provider_model(ref, None, of, None)
        except LookupError:
            continue
        figures = _figures(model)
        if "price_in" in figures and "price_out" in figures:
            return figures["price_in"], figures["price_out"]
    return None


def _maker(name: str) -> str | None:
    last = name.rpartition("/")[2].lower()
    if last.startswith(_OPEN_WEIGHTS):
        return None
    return next((maker for start, maker in _CLOSED.items() if last.startswith(start)), None)


def _figures(model: Any) -> dict[str, Any]:
    prices = model.get_prices(datetime.now(UTC))
    rows = {
        "price_in": _base(prices.input_mtok),
        "price_out": _base(prices.output_mtok),
        "price_cached": _base(prices.cache_read_mtok),
        "context_window": model.context_window,
    }
    return {name: value for name, value in rows.items() if value is not None}


def _base(price: Any) -> float | None:
    """A price as a number; of one with tiers, that of short prompts."""
    price = getattr(price, "base", price)
    return None if price is None else float(price)
