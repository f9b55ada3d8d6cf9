"""An Ollama server as a whole: its address, the models it holds, and what its failures mean."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import (
    AutopickerError,
    ModelSpec,
    ModelUnavailableError,
    TransientUpstreamError,
    UpstreamError,
    UpstreamTimeoutError,
)
from autopicker_lab.http_client import ConnectionBrokenError, FailureReport, HttpClient, proxy_address
from autopicker_lab.known_models import quality_prior
from autopicker_lab.models.base import close_client
from autopicker_lab.models.openai_errors import status_error as any_status_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ollama import ShowResponse

PROBE_S = 2.0
CONNECT_S = 10.0
_START = "start it with `ollama serve`"
_CAPABILITIES: Mapping[str, str] = MappingProxyType({"vision": "images", "tools": "tools", "embedding": "embeddings"})
_MOST_RESERVED = 16384  # tokens: Ollama reserves memory for the whole window it is asked for


def http_client(spec: ModelSpec) -> HttpClient:
    """A client of the server that holds a model, with the model's key and headers."""
    own = {name.lower() for name in spec.headers}
    key = {"Authorization": f"Bearer {spec.api_key}"} if spec.api_key and "authorization" not in own else {}
    try:
        proxy = proxy_address(spec.endpoint, spec.proxy)
        return HttpClient(spec.endpoint, {**key, **spec.headers}, CONNECT_S, proxy)
    except ValueError as error:
        raise ModelUnavailableError(f"'{spec.id}' cannot be reached: {error}", "correct its 'endpoint'") from None


def same_model(asked: str, held: str) -> bool:
    """Whether a name is that of a model which a server holds: a name without a tag means the tag "latest"."""
    return _with_tag(asked) == _with_tag(held)


def _with_tag(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


async def list_models(spec: ModelSpec, client: HttpClient) -> dict[str, str]:
    """Digests by name of the models that the server holds.

    Raises:
        ModelUnavailableError: it does not answer; UpstreamError: it does not answer as an Ollama server.
    """
    raw = await _probe(spec, client, "GET", "/api/tags")
    try:
        return {row.get("model") or row["name"]: row.get("digest") or "" for row in raw["models"] or ()}
    except (KeyError, TypeError, AttributeError):
        raise _no_ollama(spec) from None


async def discover(endpoint: str, known: set[str]) -> list[ModelSpec] | None:
    """Specs of the server's chat models whose names are not in `known`; None where it does not answer."""
    server = ModelSpec("ollama", "ollama", endpoint=endpoint)
    client = http_client(server)
    try:
        names = [name for name in await list_models(server, client) if name.removesuffix(":latest") not in known]
        details = [(name, await _shown(server, client, name)) for name in names]
    except AutopickerError:
        return None
    finally:
        await close_client(client)
    return [_spec(name, endpoint, detail) for name, detail in details if _chats(detail)]


async def _shown(server: ModelSpec, client: HttpClient, name: str) -> ShowResponse | None:
    """What the server says of a model; None where it lists but does not show."""
    from ollama import ShowResponse

    try:
        return ShowResponse.model_validate(await _probe(server, client, "POST", "/api/show", {"model": name}))
    except (AutopickerError, ValueError):  # Pydantic's error is a ValueError
        return None


def _chats(shown: ShowResponse | None) -> bool:
    return shown is None or shown.capabilities is None or "completion" in shown.capabilities


def _spec(name: str, endpoint: str, shown: ShowResponse | None) -> ModelSpec:
    spec = ModelSpec(name.removesuffix(":latest"), "ollama", name, endpoint)
    if shown is None:
        return spec
    facts = shown.modelinfo or {}
    window = next((v for k, v in facts.items() if k.endswith(".context_length") and isinstance(v, int)), 4096)
    capabilities = {_CAPABILITIES[c] for c in shown.capabilities or () if c in _CAPABILITIES}
    size = shown.details.parameter_size if shown.details else None
    return replace(
        spec,
        capabilities=frozenset(capabilities | {"text", "json"}),
        context_window=min(window, _MOST_RESERVED),
        quality=quality_prior(_billions(size or "")),
    )


def _billions(size: str) -> float:
    scale = {"B": 1.0, "M": 1e-3, "K": 1e-6}.get(size[-1:].upper(), 0.0)
    try:
        return float(size[:-1]) * scale
    except ValueError:
        return 0.0


async def _probe(spec: ModelSpec, client: HttpClient, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """The object that the server answers to a short question."""
    answer = None
    try:
        async with asyncio.timeout(PROBE_S):
            answer = await client.request(method, path, b"" if body is None else orjson.dumps(body))
            data = await answer.read()
    except OSError as error:
        raise connection_error(error, spec, answered=False, seconds=PROBE_S) from error
    finally:
        if answer is not None:
            answer.close()
    if answer.status in (401, 403):
        raise UpstreamError(f"{spec.address} refused the API key", f"set api_key of '{spec.id}'")
    if answer.status >= 500:
        raise ModelUnavailableError(f"{spec.address} answers {answer.status}", "look into Ollama's log")
    try:
        raw = orjson.loads(data)
    except orjson.JSONDecodeError:
        raw = None
    if answer.status != 200 or not isinstance(raw, dict):
        raise _no_ollama(spec)
    return raw


def _no_ollama(spec: ModelSpec) -> UpstreamError:
    hint = "write the address of an Ollama server, such as http://localhost:11434, or `type: openai` for another server"
    return UpstreamError(f"{spec.address} does not answer as an Ollama server", hint)


def status_error(status: int, data: bytes, headers: Mapping[str, str], spec: ModelSpec) -> AutopickerError:
    """The error for an answer of another status than 200."""
    if status == 404 and not _is_report(data):
        return _no_ollama(spec)
    if status == 404:
        name, quote = spec.model or spec.id, FailureReport.parse(data).message
        return ModelUnavailableError(f"Ollama has no model '{name}'", f"run `ollama pull {name}`", quote=quote)
    return any_status_error(status, data, headers, spec)


def _is_report(data: bytes) -> bool:
    try:
        raw = orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return isinstance(raw, dict) and isinstance(raw.get("error"), str)


def connection_error(error: OSError, spec: ModelSpec, answered: bool, seconds: float | None = None) -> AutopickerError:
    """What a broken connection means: another try may mend it as long as nothing was answered.

    Args:
        seconds: the limit of a probe; None: the limits of the model's answers hold.
    """
    if isinstance(error, TimeoutError) and seconds is not None:
        return ModelUnavailableError(f"Ollama does not answer at {spec.address} within {seconds:g} s", _START)
    if isinstance(error, TimeoutError):
        limits = f"first piece {spec.first_token_s or spec.timeout_s:g} s, then {spec.timeout_s:g} s a piece"
        detail = f"'{spec.id}' did not answer in time ({limits}, {spec.total_s:g} s in all)"
        return UpstreamTimeoutError(detail, "try again or ask another model")
    if isinstance(error, ssl.SSLError):
        detail = f"{spec.address} cannot be trusted: {getattr(error, 'verify_message', '') or error}"
        return ModelUnavailableError(detail, "name its certificate in SSL_CERT_FILE, or correct the endpoint")
    if isinstance(error, ConnectionBrokenError):
        kind = UpstreamError if answered else TransientUpstreamError
        return kind(f"the connection to Ollama broke: {error}", "ask again")
    return ModelUnavailableError(f"Ollama does not answer at {spec.address}", _START)
