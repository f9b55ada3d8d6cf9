"""Any OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import (
    AutopickerError,
    ChatChunk,
    ChatReply,
    ChatRequest,
    InvalidRequestError,
    ModelSpec,
    ModelUnavailableError,
    RateLimitError,
    TransientUpstreamError,
    UpstreamError,
    UpstreamTimeoutError,
    Usage,
)
from autopicker_lab.http_client import ConnectionBrokenError, EventReader, HttpClient, HttpResponse
from autopicker_lab.models.base import Availability
from autopicker_lab.models.embedding import Embeddings, Inputs
from autopicker_lab.runtime.concurrency import ConcurrencyLimit
from autopicker_lab.runtime.per_loop import PerLoop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

PROBE_S = 3.0
CONNECT_S = 10.0
_MAX_RETRY_AFTER_S = 86_400.0
_CHAT = "/chat/completions"
_EMBEDDINGS = "/embeddings"
_STREAMED = ("text/event-stream", "application/octet-stream", "text/plain")  # some servers name no better


class OpenAIModel:
    """One model behind `spec.endpoint` (the address that ends in /v1)."""

    def __init__(self, spec: ModelSpec):
        self._spec = spec
        self._concurrency = ConcurrencyLimit(f"'{spec.id}'", spec.max_concurrency)
        self._clients = PerLoop(self._http_client)

    def describe(self) -> ModelSpec:
        """The model's entry in the catalogue."""
        return self._spec

    async def available(self) -> Availability:
        """Whether its server answers to `GET /models`, and accepts the key."""
        try:
            async with asyncio.timeout(PROBE_S):
                answer = await self._clients.get().request("GET", "/models")
        except OSError:
            why = f"{self._spec.endpoint} does not answer"
            return Availability(False, why, "start its server or check the endpoint and the network")
        answer.close()
        if answer.status in (401, 403):
            why = f"{self._spec.endpoint} refused the API key"
            return Availability(False, why, f"set api_key of '{self._spec.id}'")
        if answer.status >= 500:
            return Availability(False, f"{self._spec.endpoint} answers {answer.status}", "try again later")
        return Availability(True)

    def pending(self) -> int:
        """Requests that are being answered, or wait to be."""
        return self._concurrency.length

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The whole answer."""
        started_at = time.perf_counter()
        raw = await self._whole(self._body(request, stream=False))
        try:
            choice = raw["choices"][0]
            message = choice["message"]
            text = message.get("content") or ""
            usage = Usage.from_openai(raw.get("usage")) or Usage()
        except (KeyError, IndexError, TypeError, AttributeError):
            raise UpstreamError(f"'{self._spec.id}' answered without a choice", "check the endpoint") from None
        return ChatReply(
            text=text,
            model=self._spec.id,
            finish_reason=choice.get("finish_reason") or "stop",
            usage=usage,
            message=message,
            raw=raw,
            total_s=time.perf_counter() - started_at,
        )

    async def embed(self, inputs: Inputs, dimensions: int | None, options: Mapping[str, Any]) -> Embeddings:
        """Vectors of the inputs; see EmbeddingModel."""
        body = {**options, "model": self._spec.model or self._spec.id, "input": inputs, "encoding_format": "float"}
        if dimensions is not None:
            body["dimensions"] = dimensions
        raw = await self._whole(orjson.dumps(body), _EMBEDDINGS)
        try:
            rows = sorted(raw["data"], key=lambda row: row["index"])
            found = [row["embedding"] for row in rows]
            tokens = int((raw.get("usage") or {}).get("prompt_tokens") or 0)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UpstreamError(f"'{self._spec.id}' answered without embeddings", "check the endpoint") from None
        return Embeddings.of(found, tokens, self._spec.id, len(inputs), dimensions)

    async def _whole(self, body: bytes, path: str = _CHAT) -> dict[str, Any]:
        """The JSON object that is answered to a request."""
        answer = None
        try:
            with self._concurrency:
                answer = await self._ask(body, path)
                return _parsed(await answer.read(), self._spec)
        except OSError as error:
            raise self._connection_error(error, answered=answer is not None) from error
        finally:
            if answer is not None:
                answer.close()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """The answer as it is made; closing it breaks the connection, and so ends the server's work."""
        events = EventReader(self._spec.id)
        answer = None
        try:
            with self._concurrency:
                answer = await self._ask(self._body(request, stream=True))
                kind = answer.headers.get("content-type", "")
                if not kind.startswith(_STREAMED):
                    detail = f"'{self._spec.id}' answered with {kind or 'nothing named'}, not server-sent events"
                    raise UpstreamError(detail, "check its endpoint, and that it can stream")
                while not events.done and (block := await answer.next()):
                    chunk = events.feed(block)
                    if chunk is not None:
                        yield chunk
                chunk = events.end()
                if chunk is not None:
                    yield chunk
                answer.close(whole=True)
        except OSError as error:
            raise self._connection_error(error, answered=answer is not None) from error
        finally:
            if answer is not None:
                answer.close()
        if events.finish_reason is None:
            raise UpstreamError(f"'{self._spec.id}' cut its answer short", "ask again")

    async def close(self) -> None:
        """Close the running loop's connections."""

        async def closing(client: HttpClient) -> None:
            client.close()
            await asyncio.sleep(0)  # what is broken off is closed in the next turn of the loop

        await self._clients.close(closing)

    def _http_client(self) -> HttpClient:
        headers = {"Authorization": f"Bearer {self._spec.api_key}"} if self._spec.api_key else {}
        return HttpClient(self._spec.endpoint, headers, CONNECT_S)

    def _body(self, request: ChatRequest, stream: bool) -> bytes:
        body: dict[str, Any] = {
            **request.options,
            "model": self._spec.model or self._spec.id,
            "messages": [message.to_openai() for message in request.messages],
            "stream": stream,
        }
        if stream:
            body["stream_options"] = {**(request.options.get("stream_options") or {}), "include_usage": True}
        else:
            body.pop("stream_options", None)
        try:
            return orjson.dumps(body)
        except TypeError as error:  # orjson's own kind of it
            raise InvalidRequestError(f"the request cannot be passed on: {error}", "nest it less deeply") from None

    async def _ask(self, body: bytes, path: str = _CHAT) -> HttpResponse:
        """An answer of status 200, to be closed; another status is one of our errors."""
        spec = self._spec
        first_s = spec.first_token_s or spec.timeout_s
        client = self._clients.get()
        answer = await client.request("POST", path, body, first_s=first_s, idle_s=spec.timeout_s, total_s=spec.total_s)
        if answer.status == 200:
            return answer
        try:
            raise _status_error(answer.status, await answer.read(), answer.headers, spec)
        finally:
            answer.close()

    def _connection_error(self, error: OSError, answered: bool) -> AutopickerError:
        """What a broken connection means: another try may mend it as long as nothing was answered."""
        spec = self._spec
        if isinstance(error, TimeoutError):
            detail = f"'{spec.id}' did not answer in time ({spec.timeout_s:g} s a piece, {spec.total_s:g} s in all)"
            return UpstreamTimeoutError(detail, "try again or ask another model")
        if isinstance(error, ssl.SSLError):
            detail = f"{spec.endpoint} cannot be trusted: {getattr(error, 'verify_message', '') or error}"
            return ModelUnavailableError(detail, "name its certificate in SSL_CERT_FILE, or correct the endpoint")
        if isinstance(error, ConnectionBrokenError):
            kind = UpstreamError if answered else TransientUpstreamError
            return kind(f"the connection to '{spec.id}' broke: {error}", "ask again")
        return ModelUnavailableError(f"{spec.endpoint} does not answer", "start its server or check the endpoint")


def _parsed(data: bytes, spec: ModelSpec) -> dict[str, Any]:
    try:
        raw = orjson.loads(data)
    except orjson.JSONDecodeError:
        raw = None
    if not isinstance(raw, dict):
        raise UpstreamError(f"'{spec.id}' did not answer with JSON", "check that the endpoint ends in /v1")
    return raw


def _status_error(status: int, data: bytes, headers: Mapping[str, str], spec: ModelSpec) -> AutopickerError:
    try:
        error = orjson.loads(data).get("error")
        message = error.get("message") if isinstance(error, dict) else error
    except (orjson.JSONDecodeError, AttributeError):
        message = None
    if status in (400, 413, 422):
        return InvalidRequestError(f"'{spec.id}' refused the request", "correct the request", quote=message)
    if status in (401, 403):
        return UpstreamError(f"'{spec.id}' refused the API key", "set its api_key in the configuration")
    if status == 404:
        detail = f"'{spec.id}' is not known at {spec.endpoint}"
        return UpstreamError(detail, "check its 'model' and 'endpoint'", quote=message)
    if status == 429:
        after = headers.get("retry-after", "")
        return RateLimitError(f"'{spec.id}' is over its rate limit", "try again later", retry_after=_seconds(after))
    if status >= 500:
        return TransientUpstreamError(f"'{spec.id}' answered {status}", "try again or ask another model", quote=message)
    return UpstreamError(f"'{spec.id}' answered {status}", "check its 'endpoint' in the configuration", quote=message)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S) if math.isfinite(seconds) else None
