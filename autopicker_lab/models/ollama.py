"""Models of an Ollama server, in its own protocol."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import (
    AutopickerError,
    ChatChunk,
    ChatReply,
    ChatRequest,
    InvalidRequestError,
    ModelSpec,
    UpstreamError,
)
from autopicker_lab.models.base import Availability, close_client, complete_from_stream, unset_variable
from autopicker_lab.models.embedding import Embeddings, Inputs
from autopicker_lab.models.life import SignsOfLife
from autopicker_lab.models.ollama_answer import LineReader
from autopicker_lab.models.ollama_request import chat_body
from autopicker_lab.models.ollama_server import (
    connection_error,
    http_client,
    list_models,
    same_model,
    status_error,
)
from autopicker_lab.runtime.answer_clock import AnswerClock
from autopicker_lab.runtime.concurrency import ConcurrencyLimit
from autopicker_lab.runtime.per_loop import PerLoop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from autopicker_lab.http_client import HttpResponse

_CHAT, _EMBED = "/api/chat", "/api/embed"


class OllamaModel:
    """One model of one Ollama server."""

    def __init__(self, spec: ModelSpec):
        self._spec = spec
        self._concurrency = ConcurrencyLimit(f"'{spec.id}'", spec.max_concurrency)
        self._clients = PerLoop(lambda: http_client(spec))
        self._life = SignsOfLife()
        self._digest = ""
        self._thinks: Mapping[object, object] = {}  # what it is asked for instead of a way of thinking that it refused

    def describe(self) -> ModelSpec:
        """The model's entry in the catalogue."""
        return self._spec

    async def available(self) -> Availability:
        """Whether its server answers and holds the model; one that is busy with answers counts as answering."""
        spec = self._spec
        if spec.unset:
            return unset_variable(spec)
        try:
            names = await list_models(spec, self._clients.get())
        except UpstreamError as error:
            return Availability(False, error.detail, error.hint)
        except AutopickerError as error:
            if self._life.shown:
                return Availability(True, digest=self._digest)
            return Availability(False, error.detail, error.hint)
        name = spec.model or spec.id
        held = next((digest for held, digest in names.items() if same_model(name, held)), None)
        if held is not None:
            self._digest = held
            return Availability(True, digest=held)
        return Availability(False, f"Ollama has no model '{name}'", f"run `ollama pull {name}`")

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The whole answer."""
        return await complete_from_stream(self, request)

    def pending(self) -> int:
        """Requests that are being answered, or wait to be."""
        return self._concurrency.length

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """The answer as it is made; closing it ends the server's work."""
        body, forced = chat_body(self._spec, request)
        with self._concurrency, self._life:
            async with aclosing(self._stream(body, forced)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _stream(self, body: dict[str, Any], forced: bool) -> AsyncGenerator[ChatChunk, None]:
        lines = LineReader(self._spec, forced)
        clock = self._clock()
        answer = None
        try:
            answer = await self._chat(body, clock)
            while not lines.done and (block := await answer.next()):
                for chunk in lines.feed(block):
                    clock.restart()
                    yield chunk
            for chunk in lines.end():
                yield chunk
            answer.close(whole=True)
        except OSError as error:
            if isinstance(error, TimeoutError):
                self._life.failed()
            raise connection_error(error, self._spec, answered=answer is not None) from error
        finally:
            if answer is not None:
                answer.close()

    async def embed(self, inputs: Inputs, dimensions: int | None, options: Mapping[str, Any]) -> Embeddings:
        """Vectors of the inputs; see EmbeddingModel. `options` are for servers that speak OpenAI's format."""
        spec = self._spec
        texts = [text for text in inputs if isinstance(text, str)]
        if len(texts) < len(inputs):
            detail = f"'{spec.id}' reads texts, and not the tokens of another model"
            raise InvalidRequestError(detail, "send the texts themselves", param="input")
        body: dict[str, Any] = {"model": spec.model or spec.id, "input": texts}
        if dimensions is not None:
            body["dimensions"] = dimensions
        raw = await self._embedded(body)
        try:
            found = [list(row) for row in raw["embeddings"]]
        except (KeyError, TypeError):
            raise UpstreamError(f"'{spec.id}' answered without embeddings", "check its 'model'") from None
        return Embeddings.of(found, raw.get("prompt_eval_count") or 0, spec.id, len(inputs), dimensions)

    async def _embedded(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = None
        try:
            with self._concurrency, self._life:
                answer = await self._ask(_EMBED, body, self._clock())
                raw = orjson.loads(await answer.read())
        except OSError as error:
            raise connection_error(error, self._spec, answered=answer is not None) from error
        except orjson.JSONDecodeError:
            raw = None
        finally:
            if answer is not None:
                answer.close()
        return raw if isinstance(raw, dict) else {}

    async def close(self) -> None:
        """Close the running loop's connections."""
        await self._clients.close(close_client)

    def _clock(self) -> AnswerClock:
        spec = self._spec
        return AnswerClock(spec.first_token_s or spec.timeout_s, spec.timeout_s, spec.total_s)

    async def _chat(self, body: dict[str, Any], clock: AnswerClock) -> HttpResponse:
        """The answer to a chat; a model that cannot think as it is asked to thinks as it can, which is remembered."""
        wanted = body.get("think")
        ways = [self._thinks[wanted]] if wanted in self._thinks else _ways_to_think(wanted)
        for i, think in enumerate(ways):
            if think is None:
                body.pop("think", None)
            else:
                body["think"] = think
            try:
                answer = await self._ask(_CHAT, body, clock)
            except InvalidRequestError as error:
                if i + 1 == len(ways):
                    raise
                refused = error
                continue
            if i:
                self._thinks = {**self._thinks, wanted: think}
            return answer
        raise refused

    async def _ask(self, path: str, body: dict[str, Any], clock: AnswerClock) -> HttpResponse:
        """An answer of status 200, to be closed; another status is one of our errors."""
        try:
            data = orjson.dumps(body)
        except TypeError as error:  # orjson's own kind of it
            raise InvalidRequestError(f"the request cannot be passed on: {error}", "nest it less deeply") from None
        answer = await self._clients.get().request("POST", path, data, clock=clock)
        self._life.answered()
        if answer.status == 200:
            return answer
        try:
            raise status_error(answer.status, await answer.read(), answer.headers, self._spec)
        finally:
            answer.close()


def _ways_to_think(wanted: Any) -> list[Any]:
    """What to ask for, in turn: some models think to a degree, some only think or not, most know no thinking."""
    if wanted is None:
        return [None]
    return [wanted, True, None] if isinstance(wanted, str) else [wanted, None]
