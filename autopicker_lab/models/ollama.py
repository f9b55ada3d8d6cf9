"""Models of an Ollama server, through its official client."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import (
    AutopickerError,
    ChatChunk,
    ChatReply,
    ChatRequest,
    InvalidRequestError,
    Message,
    ModelSpec,
    ModelUnavailableError,
    UpstreamError,
    UpstreamTimeoutError,
    Usage,
)
from autopicker_lab.models.base import Availability, complete_from_stream, image_bytes, quality_prior
from autopicker_lab.models.embedding import Embeddings, Inputs
from autopicker_lab.runtime.concurrency import ConcurrencyLimit
from autopicker_lab.runtime.per_loop import PerLoop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from ollama import AsyncClient, ShowResponse

PROBE_S = 2.0
_START = "start it with `ollama serve`"
_OPTIONS = {"temperature": "temperature", "top_p": "top_p", "seed": "seed", "stop": "stop"}
_CAPABILITIES = {"vision": "images", "tools": "tools", "embedding": "embeddings"}


class OllamaModel:
    """One model of one Ollama server."""

    def __init__(self, spec: ModelSpec):
        self._spec = spec
        self._concurrency = ConcurrencyLimit(f"'{spec.id}'", spec.max_concurrency)
        self._clients = PerLoop(lambda: _client(spec.endpoint, spec.timeout_s))

    def describe(self) -> ModelSpec:
        """The model's entry in the catalogue."""
        return self._spec

    async def available(self) -> Availability:
        """Whether its server answers and holds the model."""
        try:
            names = await list_models(self._spec.endpoint)
        except AutopickerError as error:
            return Availability(False, error.detail, error.hint)
        for name in (self._spec.model, f"{self._spec.model}:latest"):
            if name in names:
                return Availability(True, digest=names[name])
        return Availability(False, f"Ollama has no model '{self._spec.model}'", f"run `ollama pull {self._spec.model}`")

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The whole answer."""
        return await complete_from_stream(self, request)

    def pending(self) -> int:
        """Requests that are being answered, or wait to be."""
        return self._concurrency.length

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """The answer as it is made; closing it ends the server's work."""
        with self._concurrency:
            async with aclosing(self._stream(request)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        done = False
        body = self._body(request)
        try:
            async for part in await self._clients.get().chat(**body, stream=True):
                delta: dict[str, Any] = {"content": part.message.content} if part.message.content else {}
                if part.message.tool_calls:
                    delta["tool_calls"] = [_call(i, call) for i, call in enumerate(part.message.tool_calls)]
                if part.message.thinking:
                    delta["reasoning_content"] = part.message.thinking
                done = bool(part.done)
                if not done:
                    yield ChatChunk.of(delta)
                    continue
                reason = "tool_calls" if part.message.tool_calls else part.done_reason or "stop"
                yield ChatChunk.of(delta, reason, Usage(part.prompt_eval_count or 0, part.eval_count or 0))
        except Exception as error:
            raise _typed_error(error, self._spec) from error
        if not done:
            raise UpstreamError(f"Ollama cut the answer of '{self._spec.id}' short", "ask again")

    async def embed(self, inputs: Inputs, dimensions: int | None, options: Mapping[str, Any]) -> Embeddings:
        """Vectors of the inputs; see EmbeddingModel. `options` are for servers that speak OpenAI's format."""
        texts = [text for text in inputs if isinstance(text, str)]
        if len(texts) < len(inputs):
            detail = f"'{self._spec.id}' reads texts, and not the tokens of another model"
            raise InvalidRequestError(detail, "send the texts themselves", param="input")
        try:
            with self._concurrency:
                answer = await self._clients.get().embed(self._spec.model, texts, dimensions=dimensions)
        except Exception as error:
            raise _typed_error(error, self._spec) from error
        found = [list(row) for row in answer.embeddings]
        return Embeddings.of(found, answer.prompt_eval_count or 0, self._spec.id, len(inputs), dimensions)

    async def close(self) -> None:
        """Close the running loop's connections."""
        await self._clients.close(lambda client: client.close())

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        options = {name: request.options[key] for key, name in _OPTIONS.items() if request.options.get(key) is not None}
        if request.max_tokens is not None:
            options["num_predict"] = request.max_tokens
        options["num_ctx"] = self._spec.context_window
        body: dict[str, Any] = {
            "model": self._spec.model,
            "messages": [_message(message) for message in request.messages],
            "options": options,
            "format": _format(request.options.get("response_format")),
        }
        if "tools" in self._spec.capabilities and request.options.get("tools"):
            body["tools"] = request.options["tools"]
        return body


async def list_models(endpoint: str) -> dict[str, str]:
    """Digests by name of the models that the server at `endpoint` holds; ModelUnavailableError without an answer."""
    client = _client(endpoint, PROBE_S)
    try:
        return {m.model: m.digest or "" for m in (await client.list()).models if m.model}
    except Exception as error:
        raise ModelUnavailableError(f"Ollama does not answer at {endpoint}", _START) from error
    finally:
        await client.close()


async def discover(endpoint: str, known: set[str]) -> list[ModelSpec] | None:
    """Specs of the server's chat models whose names are not in `known`; None where it does not answer."""
    try:
        names = [name for name in await list_models(endpoint) if name.removesuffix(":latest") not in known]
    except AutopickerError:
        return None
    client = _client(endpoint, PROBE_S)
    try:
        details = [(name, await client.show(name)) for name in names]
        chats = [(n, s) for n, s in details if s.capabilities is None or "completion" in s.capabilities]
        return [_spec(name, endpoint, detail) for name, detail in chats]
    except Exception:  # a server that lists but does not show: use the names alone
        return [ModelSpec(name, "ollama", name, endpoint) for name in names]
    finally:
        await client.close()


def _spec(name: str, endpoint: str, detail: ShowResponse) -> ModelSpec:
    window = next((int(v) for k, v in (detail.modelinfo or {}).items() if k.endswith(".context_length")), 4096)
    capabilities = {_CAPABILITIES[c] for c in detail.capabilities or () if c in _CAPABILITIES} | {"text", "json"}
    size = (detail.details.parameter_size if detail.details else None) or ""
    return ModelSpec(
        id=name.removesuffix(":latest"),
        provider="ollama",
        model=name,
        endpoint=endpoint,
        capabilities=frozenset(capabilities),
        context_window=min(window, 16384),  # Ollama reserves memory for the whole window it is asked for
        quality=quality_prior(_billions(size)),
    )


def _billions(size: str) -> float:
    scale = {"B": 1.0, "M": 1e-3, "K": 1e-6}.get(size[-1:].upper(), 0.0)
    try:
        return float(size[:-1]) * scale
    except ValueError:
        return 0.0


def _client(endpoint: str, timeout_s: float) -> AsyncClient:
    from ollama import AsyncClient

    return AsyncClient(host=endpoint, timeout=timeout_s)


def _message(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {
        "role": "system" if message.role == "developer" else message.role,
        "content": message.text,
    }
    if message.image_urls:
        body["images"] = [image_bytes(url) for url in message.image_urls]
    if message.extra.get("tool_calls"):
        body["tool_calls"] = _tool_calls(message.extra["tool_calls"])
    if message.role == "tool":
        body["tool_name"] = message.extra.get("name") or message.extra.get("tool_call_id")
    return body


def _tool_calls(raw: Any) -> list[dict[str, Any]]:
    """OpenAI's tool calls as Ollama's, whose arguments are an object."""
    try:
        functions = [call["function"] for call in raw]
        return [
            {"function": {"name": str(f["name"]), "arguments": json.loads(f.get("arguments") or "{}")}}
            for f in functions
        ]
    except (TypeError, KeyError, AttributeError, json.JSONDecodeError):
        detail = "'tool_calls' must have a function with a name and JSON arguments each"
        raise InvalidRequestError(detail, "send them as the model gave them", param="messages") from None


def _call(index: int, call: Any) -> dict[str, Any]:
    function = {"name": call.function.name, "arguments": json.dumps(dict(call.function.arguments))}
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function}


def _format(response_format: Any) -> Any:
    """OpenAI's response_format as Ollama's format: None, "json" or a JSON schema."""
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if kind == "json_schema":
        schema = response_format.get("json_schema")
        return (schema.get("schema") if isinstance(schema, dict) else None) or "json"
    return "json" if kind == "json_object" else None


def _typed_error(error: Exception, spec: ModelSpec) -> Exception:
    import httpx
    from ollama import ResponseError

    if isinstance(error, AutopickerError):
        return error
    if isinstance(error, ResponseError):
        if error.status_code == 404:
            return ModelUnavailableError(f"Ollama has no model '{spec.model}'", f"run `ollama pull {spec.model}`")
        if error.status_code == 400:
            return InvalidRequestError("Ollama refused the request", "correct the request", quote=error.error)
        return UpstreamError(f"Ollama failed ({error.status_code})", "look into Ollama's log", quote=error.error)
    if isinstance(error, httpx.TimeoutException):
        return UpstreamTimeoutError(f"'{spec.id}' did not answer within {spec.timeout_s:g} s", "ask a smaller model")
    if isinstance(error, ConnectionError | httpx.ConnectError):
        return ModelUnavailableError(f"Ollama does not answer at {spec.endpoint}", _START)
    if isinstance(error, httpx.HTTPError | json.JSONDecodeError):
        return UpstreamError(f"the connection to Ollama broke: {type(error).__name__}", "ask again")
    return error
