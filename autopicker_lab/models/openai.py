"""Any OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
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
    TransientUpstreamError,
    UpstreamError,
    UpstreamTimeoutError,
    Usage,
)
from autopicker_lab.http_client import (
    ConnectionBrokenError,
    DecodingError,
    HttpClient,
    HttpResponse,
    ProxyError,
    proxy_address,
)
from autopicker_lab.models.base import Availability, close_client, unset_variable
from autopicker_lab.models.embedding import Embeddings, Inputs
from autopicker_lab.models.life import SignsOfLife
from autopicker_lab.models.openai_answer import AnswerReader, parsed, read_completion
from autopicker_lab.models.openai_errors import refusal, status_error
from autopicker_lab.models.openai_probe import START, Probe
from autopicker_lab.models.openai_request import RequestWriter
from autopicker_lab.runtime.answer_clock import AnswerClock
from autopicker_lab.runtime.concurrency import ConcurrencyLimit
from autopicker_lab.runtime.per_loop import PerLoop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

CONNECT_S = 10.0
_CHAT = "/chat/completions"
_EMBEDDINGS = "/embeddings"


class OpenAIModel:
    """One model behind `spec.endpoint` (the address that ends in /v1)."""

    def __init__(self, spec: ModelSpec):
        self._spec = spec
        self._concurrency = ConcurrencyLimit(f"'{spec.id}'", spec.max_concurrency)
        self._clients = PerLoop(self._http_client)
        self._writer = RequestWriter(spec)
        self._life = SignsOfLife()
        self._probe = Probe(spec, self._life)

    def describe(self) -> ModelSpec:
        """The model's entry in the catalogue."""
        return self._spec

    async def available(self) -> Availability:
        """Whether its server answers, accepts the key and has the model, or shows otherwise that it is alive."""
        if self._spec.unset:
            return unset_variable(self._spec)
        try:
            client = self._http_client()  # of its own: requests find the connections that they left
        except ModelUnavailableError as error:
            return Availability(False, error.detail, error.hint)
        try:
            return await self._probe.ask(client)
        finally:
            client.close()
            await asyncio.sleep(0)  # what is broken off is closed in the next turn of the loop

    def pending(self) -> int:
        """Requests that are being answered, or wait to be."""
        return self._concurrency.length

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The whole answer."""
        started_at = time.perf_counter()
        answer = None
        try:
            with self._concurrency, self._life:
                clock = self._clock()
                answer = await self._chat(request, False, clock)
                raw = read_completion(await answer.read(), self._spec)
        except OSError as error:
            raise self._connection_error(error, answered=answer is not None) from error
        finally:
            if answer is not None:
                answer.close()
        choice = raw["choices"][0]
        return ChatReply(
            text=choice["message"].get("content") or "",
            model=self._spec.id,
            finish_reason=choice["finish_reason"],
            usage=Usage.from_openai(raw.get("usage")) or Usage(),
            message=choice["message"],
            raw=raw,
            total_s=time.perf_counter() - started_at,
        )

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """The answer as it is made; closing it breaks the connection, and so ends the server's work."""
        answer = None
        try:
            with self._concurrency, self._life:
                clock = self._clock()
                answer = await self._chat(request, True, clock)
                reader = AnswerReader(self._spec, answer, clock, request.options.get("n") or 1)
                async for chunk in reader.chunks():
                    self._life.answered()
                    yield chunk
                answer.close(whole=True)
        except OSError as error:
            raise self._connection_error(error, answered=answer is not None) from error
        finally:
            if answer is not None:
                answer.close()

    async def embed(self, inputs: Inputs, dimensions: int | None, options: Mapping[str, Any]) -> Embeddings:
        """Vectors of the inputs; see EmbeddingModel."""
        body = {**options, "model": self._spec.model or self._spec.id, "input": inputs, "encoding_format": "float"}
        if dimensions is not None:
            body["dimensions"] = dimensions
        sent = {name: value for name, value in body.items() if name not in self._spec.drop}
        raw = await self._whole(orjson.dumps(sent), _EMBEDDINGS)
        return Embeddings.of_openai(raw, self._spec.id, len(inputs), dimensions)

    async def _whole(self, body: bytes, path: str) -> dict[str, Any]:
        """The JSON object that is answered to a request."""
        answer = None
        try:
            with self._concurrency, self._life:
                answer = await self._ask(body, path, self._clock())
                return parsed(await answer.read(), self._spec)
        except OSError as error:
            raise self._connection_error(error, answered=answer is not None) from error
        finally:
            if answer is not None:
                answer.close()

    async def close(self) -> None:
        """Close the running loop's connections."""
        await self._clients.close(close_client)

    def _http_client(self) -> HttpClient:
        spec = self._spec
        headers = {"Authorization": f"Bearer {spec.api_key}"} if spec.api_key else {}
        own = {name.lower() for name in spec.headers}
        headers = {name: value for name, value in headers.items() if name.lower() not in own}
        proxy = proxy_address(spec.endpoint, spec.proxy)
        try:
            return HttpClient(spec.endpoint, {**headers, **spec.headers}, CONNECT_S, proxy)
        except ValueError as error:
            hint = "correct 'endpoint' and 'proxy', or HTTP_PROXY and HTTPS_PROXY"
            raise ModelUnavailableError(f"'{spec.id}' cannot be reached: {error}", hint) from None

    def _clock(self) -> AnswerClock:
        spec = self._spec
        return AnswerClock(spec.first_token_s or spec.timeout_s, spec.timeout_s, spec.total_s)

    async def _chat(self, request: ChatRequest, stream: bool, clock: AnswerClock) -> HttpResponse:
        """The answer to a chat request; one refused for its wording is worded otherwise, which is remembered."""
        habits = known = self._writer.habits
        while True:
            try:
                answer = await self._ask(self._writer.body(request, stream, habits), _CHAT, clock)
            except InvalidRequestError as error:
                habit = self._writer.habit_for(refusal(error), request, stream, habits)
                if habit is None:
                    raise
                habits = habits | {habit}
                continue
            if habits is not known:
                self._writer.learn(habits)
            return answer

    async def _ask(self, body: bytes, path: str, clock: AnswerClock) -> HttpResponse:
        """An answer of status 200, to be closed; another status is one of our errors."""
        answer = await self._clients.get().request("POST", path, body, clock=clock)
        self._life.answered()
        if 200 <= answer.status < 300:
            return answer
        try:
            raise status_error(answer.status, await answer.read(), answer.headers, self._spec)
        finally:
            answer.close()

    def _connection_error(self, error: OSError, answered: bool) -> AutopickerError:
        """What a broken connection means: another try may mend it as long as nothing was answered."""
        spec = self._spec
        if isinstance(error, TimeoutError):
            self._life.failed()
            limits = f"first piece {spec.first_token_s or spec.timeout_s:g} s, then {spec.timeout_s:g} s a piece"
            detail = f"'{spec.id}' did not answer in time ({limits}, {spec.total_s:g} s in all)"
            return UpstreamTimeoutError(detail, "try again or ask another model")
        if isinstance(error, ssl.SSLError):
            detail = f"{spec.address} cannot be trusted: {getattr(error, 'verify_message', '') or error}"
            return ModelUnavailableError(detail, "name its certificate in SSL_CERT_FILE, or correct the endpoint")
        if isinstance(error, DecodingError):
            return UpstreamError(f"'{spec.id}' cannot be read: {error}", "let its server answer uncompressed")
        if isinstance(error, ProxyError):
            return ModelUnavailableError(f"'{spec.id}' cannot be reached: {error}", "correct 'proxy' or HTTPS_PROXY")
        if isinstance(error, ConnectionBrokenError):
            kind = UpstreamError if answered else TransientUpstreamError
            return kind(f"the connection to '{spec.id}' broke: {error}", "ask again")
        self._life.failed()
        return ModelUnavailableError(f"{spec.address} does not answer", START)
