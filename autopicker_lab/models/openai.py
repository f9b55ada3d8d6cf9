"""Any OpenAI-compatible endpoint, spoken to with aiohttp: the official client costs ten times the time a call."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
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
    UpstreamError,
    UpstreamTimeoutError,
    Usage,
)
from autopicker_lab.models.base import Availability
from autopicker_lab.models.loops import PerLoop

PROBE_S = 3.0
CONNECT_S = 10.0
_MAX_LINE = 2**22


class OpenAIModel:
    """One model behind `spec.endpoint` (the address that ends in /v1)."""

    def __init__(self, spec: ModelSpec):
        self._spec = spec
        self._sessions = PerLoop(self._session)

    def describe(self) -> ModelSpec:
        return self._spec

    async def available(self) -> Availability:
        timeout = aiohttp.ClientTimeout(total=PROBE_S)
        try:
            async with self._sessions.get().get(self._url("models"), timeout=timeout) as response:
                if response.status in (401, 403):
                    why = f"{self._spec.endpoint} refused the API key"
                    return Availability(False, why, f"set api_key of '{self._spec.id}'")
                if response.status >= 500:
                    return Availability(False, f"{self._spec.endpoint} answers {response.status}", "try again later")
        except (aiohttp.ClientError, TimeoutError, OSError):
            why = f"{self._spec.endpoint} does not answer"
            return Availability(False, why, "start its server or check the endpoint and the network")
        return Availability(True)

    async def complete(self, request: ChatRequest) -> ChatReply:
        begun = time.perf_counter()
        async with self._post(self._body(request, stream=False)) as response:
            raw = _parsed(await response.read(), self._spec)
        try:
            choice = raw["choices"][0]
            message = dict(choice["message"])
        except (KeyError, IndexError, TypeError, ValueError):
            raise UpstreamError(f"'{self._spec.id}' answered without a choice", "check the endpoint") from None
        return ChatReply(
            text=message.get("content") or "",
            model=self._spec.id,
            finish_reason=choice.get("finish_reason") or "stop",
            usage=Usage.from_openai(raw.get("usage")) or Usage(),
            message=message,
            total_s=time.perf_counter() - begun,
        )

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        finished = False
        async with self._post(self._body(request, stream=True)) as response:
            async for line in response.content:
                data = line.removeprefix(b"data:").strip()
                if data == line.strip() or not data:
                    continue  # a comment, an event name or the blank line between events
                if data == b"[DONE]":
                    break
                chunk = _chunk(_parsed(data, self._spec), self._spec)
                if chunk is not None:
                    finished = finished or chunk.finish_reason is not None
                    yield chunk
        if not finished:
            raise UpstreamError(f"'{self._spec.id}' cut its answer short", "ask again")

    async def close(self) -> None:
        await self._sessions.close(lambda session: session.close())

    def _session(self) -> aiohttp.ClientSession:
        headers = {"Authorization": f"Bearer {self._spec.api_key}"} if self._spec.api_key else {}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=self._spec.timeout_s)
        return aiohttp.ClientSession(headers=headers, timeout=timeout, read_bufsize=_MAX_LINE)

    def _url(self, path: str) -> str:
        return f"{self._spec.endpoint.rstrip('/')}/{path}"

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
        return orjson.dumps(body)

    @asynccontextmanager
    async def _post(self, body: bytes) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answered request of status 200; every failure as one of our errors."""
        headers = {"Content-Type": "application/json"}
        url = self._url("chat/completions")
        try:
            async with self._sessions.get().post(url, data=body, headers=headers) as response:
                if response.status != 200:
                    raise _refusal(response.status, await response.read(), response.headers, self._spec)
                yield response
        except TimeoutError as error:
            detail = f"'{self._spec.id}' did not answer within {self._spec.timeout_s:g} s"
            raise UpstreamTimeoutError(detail, "try again or ask another model") from error
        except aiohttp.ClientConnectorError as error:
            hint = "start its server or check the endpoint"
            raise ModelUnavailableError(f"{self._spec.endpoint} does not answer", hint) from error
        except (aiohttp.ClientError, OSError) as error:
            detail = f"the connection to '{self._spec.id}' broke: {type(error).__name__}"
            raise UpstreamError(detail, "ask again") from error


def _chunk(raw: Mapping[str, Any], spec: ModelSpec) -> ChatChunk | None:
    if raw.get("error"):
        error = raw["error"]
        message = error.get("message") if isinstance(error, Mapping) else error
        raise UpstreamError(f"'{spec.id}' failed in the middle: {message}", "ask again")
    usage = Usage.from_openai(raw.get("usage"))
    choice = next(iter(raw.get("choices") or ()), None)
    if choice is None:
        return ChatChunk(usage=usage) if usage else None
    delta = {k: v for k, v in (choice.get("delta") or {}).items() if v is not None and k != "role"}
    if not delta and not choice.get("finish_reason") and not usage:
        return None
    return ChatChunk(delta, choice.get("finish_reason"), usage)


def _parsed(data: bytes, spec: ModelSpec) -> dict[str, Any]:
    try:
        raw = orjson.loads(data)
    except orjson.JSONDecodeError:
        raw = None
    if not isinstance(raw, dict):
        raise UpstreamError(f"'{spec.id}' did not answer with JSON", "check that the endpoint ends in /v1")
    return raw


def _refusal(status: int, data: bytes, headers: Mapping[str, str], spec: ModelSpec) -> AutopickerError:
    try:
        error = orjson.loads(data).get("error")
        message = error.get("message") if isinstance(error, dict) else error
    except (orjson.JSONDecodeError, AttributeError):
        message = None
    said = f": {message}" if message else ""
    if status in (400, 413, 422):
        return InvalidRequestError(f"'{spec.id}' refused the request{said}", "correct the request")
    if status in (401, 403):
        return UpstreamError(f"'{spec.id}' refused the API key", "set its api_key in the configuration")
    if status == 404:
        return UpstreamError(f"'{spec.id}' is not known at {spec.endpoint}{said}", "check its 'model' and 'endpoint'")
    if status == 429:
        after = headers.get("Retry-After", "")
        return RateLimitError(f"'{spec.id}' is over its rate limit", "try again later", retry_after=_seconds(after))
    if status in (503, 529):
        return ModelUnavailableError(f"'{spec.id}' is overloaded{said}", "try again later")
    return UpstreamError(f"'{spec.id}' answered {status}{said}", "try again or ask another model")


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
