"""The targets of a load test: an HTTP address, a chat API, or a Workbench in this process."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import orjson

from autopicker_lab.core import (
    AutopickerError,
    ChatChunk,
    ChatRequest,
    InvalidRequestError,
    StreamFailedError,
    UpstreamError,
    Usage,
)
from autopicker_lab.http_client import ConnectionBrokenError, EventReader, HttpClient, HttpResponse, NotHttpError
from autopicker_lab.loadtest.plan import IN_PROCESS, Chat, Kind, LoadPlan
from autopicker_lab.loadtest.sample import http_error
from autopicker_lab.runtime.answer_clock import AnswerClock

if TYPE_CHECKING:
    from autopicker_lab.loadtest.sample import Sample

_LOCAL_ERRORS = (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL)
_TEXT_FIELDS = ("content", "reasoning_content", "tool_calls")
Clock = Callable[[], float]
AnswerSource = Callable[[ChatRequest], AsyncIterator[ChatChunk]]


class Target(Protocol):
    """What a plan sends its requests to; `send` may be called many times at once."""

    async def send(self, sample: Sample, clock: Clock) -> None:
        """Send a request and fill in the sample, but for `due`, `sent_at` and `ended_at`; no error is raised."""

    def close(self) -> None:
        """Close all connections."""


def target_of(plan: LoadPlan, ask: AnswerSource | None = None) -> Target:
    """Make the target of a plan; `ask` streams the answers of a Workbench in this process."""
    if plan.url == IN_PROCESS and plan.chat is not None:
        if ask is None:
            raise InvalidRequestError(f"'{IN_PROCESS}' is a Workbench", "run the plan with Workbench.loadtest(plan)")
        return InProcess(plan, plan.chat, ask)
    return ChatTarget(plan, plan.chat) if plan.chat is not None else HttpTarget(plan)


def _http_client(plan: LoadPlan, **headers: str) -> tuple[HttpClient, str]:
    """Make a client of the plan's server, and the path of its requests."""
    parts = urlsplit(plan.url)
    client = HttpClient(f"{parts.scheme}://{parts.netloc}", {**plan.headers, **headers}, plan.timeout_s)
    path = parts.path.rstrip("/") + "/chat/completions" if plan.chat else parts.path or "/"
    return client, path + (f"?{parts.query}" if parts.query else "")


def _connection_error(error: OSError, answered: bool) -> str:
    """Name the kind of error that a failed connection is counted under."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, socket.gaierror):
        return "unknown host"
    if isinstance(error, ConnectionBrokenError):
        return "not http" if isinstance(error, NotHttpError) else "cut" if answered else "reset"
    if error.errno in _LOCAL_ERRORS:
        return "no more connections here"
    return "refused" if error.errno in (errno.ECONNREFUSED, None) else "unreachable"


class _OverHttp:
    """A target behind HTTP: it sends a request, has the answer read, and names what went wrong between them."""

    def __init__(self, plan: LoadPlan):
        self._http_client, self._path = _http_client(plan)
        self._timeout_s = plan.timeout_s

    async def send(self, sample: Sample, clock: Clock) -> None:
        """Send a request as Target.send does."""
        answer = None
        client, method, body = self._request(sample)
        limits = AnswerClock(self._timeout_s, self._timeout_s, self._timeout_s)
        try:
            answer = await client.request(method, self._path, body, clock=limits)
            await self._read(answer, sample, clock)
        except OSError as error:
            sample.error = _connection_error(error, answered=answer is not None)
        finally:
            if answer is not None:
                answer.close()

    def close(self) -> None:
        """Close all connections."""
        self._http_client.close()

    def _request(self, sample: Sample) -> tuple[HttpClient, str, bytes]:
        """Choose the client, the method and the body of a request."""
        raise NotImplementedError

    async def _read(self, answer: HttpResponse, sample: Sample, clock: Clock) -> None:
        """Read the answer into the sample."""
        raise NotImplementedError


class HttpTarget(_OverHttp):
    """Any HTTP address; a request is answered with a status of 200 to 299 and its body read to the end."""

    def __init__(self, plan: LoadPlan):
        super().__init__(plan)
        self._method = plan.method.upper()
        self._body = plan.body or b""

    def _request(self, sample: Sample) -> tuple[HttpClient, str, bytes]:
        return self._http_client, self._method, self._body

    async def _read(self, answer: HttpResponse, sample: Sample, clock: Clock) -> None:
        while await answer.next():
            pass
        if not 200 <= answer.status < 300:
            sample.error = http_error(answer.status)


class _Mix:
    """The questions of a plan by their number, the same ones in each run."""

    def __init__(self, plan: LoadPlan, chat: Chat):
        self._chat = chat
        self._generator = random.Random(plan.seed)
        self._run_id = f"{plan.seed}-{time.time_ns():x}"  # which no cache knows
        self._weights = [kind.weight for kind in chat.kinds]

    def question(self, number: int) -> tuple[Kind, str]:
        kinds = self._chat.kinds
        kind = kinds[0] if len(kinds) == 1 else self._generator.choices(kinds, self._weights)[0]
        prompt = self._chat.prompts[0 if kind.cached else number % len(self._chat.prompts)]
        return kind, f"{prompt}\n\n({self._run_id}-{number})" if kind.cached is False else prompt


class ChatTarget(_OverHttp):
    """The chat completions of any OpenAI-compatible server."""

    def __init__(self, plan: LoadPlan, chat: Chat):
        super().__init__(plan)
        self._plan = plan
        self._chat = chat
        self._mix = _Mix(plan, chat)
        self._fresh, _ = _http_client(plan, **{"Cache-Control": "no-cache"})

    def close(self) -> None:
        """Close all connections."""
        super().close()
        self._fresh.close()

    def _request(self, sample: Sample) -> tuple[HttpClient, str, bytes]:
        kind, prompt = self._mix.question(sample.number)
        sample.kind = kind.name
        return self._fresh if kind.cached is False else self._http_client, "POST", self._body(kind, prompt)

    async def _read(self, answer: HttpResponse, sample: Sample, clock: Clock) -> None:
        sample.cached = answer.headers.get("x-cache", "").upper().startswith("HIT")
        if answer.status != 200:
            await answer.read()
            sample.error = http_error(answer.status)
        elif self._chat.stream:
            await self._stream(answer, sample, clock)
        else:
            _read_whole(await answer.read(), sample, self._plan)

    def _body(self, kind: Kind, prompt: str) -> bytes:
        chat = self._chat
        body: dict[str, Any] = {"model": chat.model, "messages": [{"role": "user", "content": prompt}], **chat.options}
        body["stream"] = chat.stream
        if chat.stream:
            body["stream_options"] = {"include_usage": True}
        if chat.max_tokens is not None:
            body["max_tokens"] = chat.max_tokens
        if kind.file_ids:
            body["file_ids"] = kind.file_ids
        return orjson.dumps(body)

    async def _stream(self, answer: HttpResponse, sample: Sample, clock: Clock) -> None:
        content_type = answer.headers.get("content-type", "")
        if not content_type.startswith("text/event-stream"):
            sample.error = "html" if "html" in content_type else "not a stream"
            return
        reader = EventReader("the server")
        pieces = _Pieces(sample, self._plan)
        try:
            while block := await answer.next():
                now = clock()
                chunk = reader.feed(block)
                if chunk is not None:
                    pieces.add(chunk, now)
                if reader.done:
                    break
            chunk = reader.end()
            if chunk is not None:
                pieces.add(chunk, clock())
        except StreamFailedError:
            sample.error = "error event"
        except UpstreamError:
            sample.error = "not a chunk"
        except ConnectionBrokenError:
            sample.error = "truncated"  # the connection broke in the middle
        else:
            answer.close(whole=True)
        pieces.finish(reader.finish_reason, reader.done, self._chat.events)


class InProcess:
    """A Workbench in this process, asked without a server."""

    def __init__(self, plan: LoadPlan, chat: Chat, ask: AnswerSource):
        self._plan = plan
        self._chat = chat
        self._mix = _Mix(plan, chat)
        self._ask = ask

    async def send(self, sample: Sample, clock: Clock) -> None:
        """Send a request as Target.send does."""
        kind, prompt = self._mix.question(sample.number)
        sample.kind = kind.name
        options = {**self._chat.options}
        if self._chat.max_tokens is not None:
            options["max_tokens"] = self._chat.max_tokens
        request = ChatRequest.of(prompt, model=self._chat.model, file_ids=kind.file_ids, options=options)
        pieces = _Pieces(sample, self._plan)
        finish = None
        try:
            async with asyncio.timeout(self._plan.timeout_s), aclosing(self._ask(request)) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    pieces.add(chunk, clock())
                    finish = chunk.finish_reason or finish
        except TimeoutError:
            sample.error = "timeout"
        except AutopickerError as error:
            sample.error = type(error).__name__
        else:
            pieces.finish(finish, True, self._chat.events)

    def close(self) -> None:
        """Do nothing: the Workbench belongs to the caller."""


class _Pieces:
    """The pieces of one stream, recorded in its sample as they arrive."""

    def __init__(self, sample: Sample, plan: LoadPlan):
        self._sample = sample
        self._plan = plan
        self._last = 0.0
        self._usage: Usage | None = None

    def add(self, chunk: ChatChunk, now: float) -> None:
        sample = self._sample
        self._usage = chunk.usage or self._usage
        count = sum([any(map(delta.get, _TEXT_FIELDS)) for delta in chunk.deltas])
        if not count:
            return
        if sample.first_token_at is None:
            sample.first_token_at = now
        else:
            sample.gaps.append(now - self._last)
        self._last = now
        sample.pieces += count

    def finish(self, finish: str | None, done: bool, expected: int | None) -> None:
        sample = self._sample
        if finish is None:
            sample.error = sample.error or "truncated"
        sample.without_done = not done
        sample.lost = max(0, expected - sample.pieces) if expected is not None else 0
        sample.tokens = self._usage.completion_tokens if self._usage else sample.pieces
        sample.usd = _cost(self._usage, self._plan)


def _read_whole(data: bytes, sample: Sample, plan: LoadPlan) -> None:
    """Read an answer that is no stream."""
    try:
        answer = orjson.loads(data)
        usage = Usage.from_openai(answer.get("usage"))
        sample.error = None if answer["choices"][0]["message"] is not None else "not a chat answer"
    except orjson.JSONDecodeError:
        sample.error = "html" if data.lstrip()[:1] == b"<" else "not json"
    except (KeyError, IndexError, TypeError, AttributeError):
        sample.error = "not a chat answer"
    else:
        sample.tokens = usage.completion_tokens if usage else 0
        sample.usd = _cost(usage, plan)


def _cost(usage: Usage | None, plan: LoadPlan) -> float | None:
    if usage is None:
        return None
    return (usage.prompt_tokens * plan.price_in + usage.completion_tokens * plan.price_out) / 1e6
