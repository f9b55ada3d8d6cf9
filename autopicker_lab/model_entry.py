"""What people write into an entry of `models:`, put right where its meaning is plain, and named where it is not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

VARIABLE = re.compile(r"\$\{(\w+)\}")
_PATHS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "openai": ("/chat/completions", "/completions", "/embeddings", "/responses", "/models", "/chat"),
        "ollama": ("/v1/chat/completions", "/api/chat", "/api/generate", "/api/tags", "/api/embed", "/api", "/v1"),
    }
)


def _all_meaning(meanings: Mapping[str, str]) -> Mapping[str, str]:
    """What each word means, of words by their meaning."""
    return MappingProxyType({word: meant for meant, words in meanings.items() for word in words.split()})


_TYPES = _all_meaning(
    {
        "local": "gguf llama-cpp llama.cpp llama_cpp llamacpp llamafile xllamacpp",
        "ollama": "ollama_chat ollama-chat",
        "openai": "anthropic azure azure-openai deepseek google groq litellm lm-studio lmstudio mistral "
        "openai-compatible openai_compatible openrouter sglang tgi together vllm xai",
    }
)
_FIELDS = _all_meaning(
    {
        "aliases": "alias names",
        "api_key": "api_token apikey bearer key token",
        "context_window": "context context_length context_size max_context max_input_tokens max_model_len n_ctx "
        "num_ctx window",
        "endpoint": "api_base base_url baseurl host server uri url",
        "max_concurrency": "concurrency max_parallel parallel",
        "max_output": "max_completion_tokens max_output_tokens max_tokens",
        "model": "deployment model_name",
        "name": "id",
        "path": "file gguf",
        "price_cached": "cache_price cached_price price_cache price_cache_read",
        "price_in": "cost_in input_cost input_cost_per_token input_price price_input price_prompt prompt_price",
        "price_out": "completion_price cost_out output_cost output_cost_per_token output_price price_completion "
        "price_output",
        "timeout_s": "request_timeout timeout",
        "type": "backend kind provider",
    }
)


def without_quotes(value: str) -> str:
    """A value as it is meant: without the spaces, line ends and quotes around it that come along when it is copied."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
        value = value[1:-1].strip()
    return value


def clean_key(value: str) -> str:
    """An API key alone: the word Bearer is sent with it anyway."""
    value = without_quotes(value)
    return without_quotes(value[7:]) if value[:7].lower() == "bearer " else value


def clean_endpoint(value: str, kind: str) -> str:
    """The address of a server up to where the paths of its API begin; ValueError says what to write instead."""
    value = without_quotes(value)
    if not value or VARIABLE.search(value):
        return value
    parts = urlsplit(value)
    try:
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError("the port of an endpoint must be a number up to 65535") from None
    if not is_address:
        raise ValueError(f"an endpoint must begin with http:// or https:// and name a host{_suggestion(value)}")
    path = parts.path.rstrip("/")
    for end in _PATHS.get(kind, ()):
        if path.endswith(end):
            path = path.removesuffix(end).rstrip("/")
            break
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def _suggestion(value: str) -> str:
    """What may be meant by an address without a scheme."""
    host = value.partition("://")[2] or value.lstrip("/")
    if "@" in host or not re.fullmatch(r"[A-Za-z0-9.\-\[\]:]+(/\S*)?", host):
        return ""
    is_local = host.startswith(("localhost", "127.", "[")) or "." not in host.partition(":")[0]
    return f": write {'http' if is_local else 'https'}://{host}"


def unset_variables(values: Iterable[Any]) -> tuple[str, ...]:
    """Names of the variables in strings that nobody set, in order."""
    names: dict[str, None] = {}
    for value in values:
        if isinstance(value, str):
            names.update(dict.fromkeys(VARIABLE.findall(value)))
        elif isinstance(value, Mapping):
            names.update(dict.fromkeys(unset_variables(value.values())))
    return tuple(names)


def known_type(value: Any) -> Any:
    """The type of a model in small letters."""
    return without_quotes(value).lower() if isinstance(value, str) else value


def type_hint(value: Any) -> str:
    """Which type a server that is named instead of one has; "" where that is not known."""
    meant = _TYPES.get(value.strip().lower()) if isinstance(value, str) else None
    return f"; servers of that kind are `type: {meant}`" if meant else ""


def field_hint(name: str, fields: Iterable[str]) -> str:
    """The field that may be meant by an unknown one, as a question; "" for none."""
    known = list(fields)
    plain = name.lower().replace("-", "_").replace(" ", "_")
    near = difflib.get_close_matches(plain, known, 1, 0.7)
    meant = _FIELDS.get(plain) or (near[0] if near else "")
    return f"did you mean '{meant}'? " if meant in known else ""
