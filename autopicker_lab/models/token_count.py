"""Tokens of a text as a model counts them: by its tokenizer where that is in reach, else estimated by its family."""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import orjson

from autopicker_lab.core import AutopickerError, SettingsError
from autopicker_lab.core.token_rates import FAMILIES
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.http_client import ConnectionBrokenError, HttpClient, proxy_address
from autopicker_lab.known_models import is_own_server, token_family
from autopicker_lab.models.local import LocalModel
from autopicker_lab.runtime.lru_cache import LRUCache

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from autopicker_lab.core import ModelSpec
    from autopicker_lab.models.base import ChatModel

_SERVER_S = 2.0  # that a server may take to count
_FORGET_S = 300.0  # after which a server that did not count is asked again
_refusals: LRUCache[float] = LRUCache(1024)


class TokenCount(NamedTuple):
    """Tokens of a text, and whether the model's own tokenizer counted them; else they are estimated."""

    tokens: int
    exact: bool


async def count_tokens(model: ChatModel, text: str) -> TokenCount:
    """Tokens of `text` by a model's tokenizer: in its process, from the file that its entry names, or its server's.

    llama.cpp, vLLM and SGLang count at /tokenize; only servers of one's own are asked.

    Raises:
        SettingsError: the entry names a tokenizer file that cannot be read.
    """
    spec = model.describe()
    counted = await _counted(model, spec, text)
    if counted is None:
        return TokenCount(estimate_tokens(text, token_family(spec)), False)
    return TokenCount(counted, True)


async def _counted(model: ChatModel, spec: ModelSpec, text: str) -> int | None:
    if spec.tokenizer and spec.tokenizer not in FAMILIES:
        return await asyncio.to_thread(lambda: len(_tokenizer(spec.tokenizer).encode(text).ids))
    if isinstance(model, LocalModel):
        try:
            return await asyncio.to_thread(model.count_tokens, text)
        except AutopickerError:  # its weights, or the package that runs them, are not here
            return None
    if spec.provider == "openai" and is_own_server(spec.endpoint):
        return await _counted_by_server(spec, text)
    return None


@lru_cache(8)
def _tokenizer(path: str) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(path)
    except Exception as error:  # the library raises Exception itself
        detail = f"the tokenizer file '{path}' cannot be read: {str(error)[:200]}"
        raise SettingsError(detail, "name a tokenizer.json as Hugging Face keeps them") from None


async def _counted_by_server(spec: ModelSpec, text: str) -> int | None:
    """What an OpenAI-compatible server counts beside its API; None where it does not, which is kept for a while."""
    refused_at = _refusals.get(spec.endpoint)
    if refused_at is not None and time.monotonic() - refused_at < _FORGET_S:
        return None
    try:
        async with asyncio.timeout(_SERVER_S):
            return await _asked(spec, text)
    except (TimeoutError, ConnectionBrokenError, OSError, ValueError):
        _refusals.put(spec.endpoint, time.monotonic())
        return None


async def _asked(spec: ModelSpec, text: str) -> int:
    """The count of /tokenize, in the form of llama.cpp or of vLLM; ValueError for another answer."""
    parts = urlsplit(spec.endpoint)
    root = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/").removesuffix("/v1"), parts.query, ""))
    authorization = {"Authorization": f"Bearer {spec.api_key}"} if spec.api_key else {}
    client = HttpClient(root, {**authorization, **spec.headers}, _SERVER_S, proxy_address(spec.endpoint, spec.proxy))
    body = {"model": spec.model or spec.id, "prompt": text, "content": text}
    try:
        answer = await client.request("POST", "/tokenize", orjson.dumps(body))
        try:
            raw = orjson.loads(await answer.read()) if answer.status == 200 else None
        finally:
            answer.close()
    finally:
        client.close()
    count = raw.get("count", raw.get("tokens")) if isinstance(raw, dict) else None
    if isinstance(count, list):
        return len(count)
    if isinstance(count, int):
        return count
    raise ValueError("no count of tokens")
