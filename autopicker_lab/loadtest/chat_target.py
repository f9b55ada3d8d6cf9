"""Load tests of chats: the questions of a mix, chat APIs over HTTP, and a Workbench in this process."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import AutopickerError, ChatChunk, ChatRequest, StreamFailedError, UpstreamError, Usage
from autopicker_lab.http_client import ConnectionBrokenError, EventReader, FailureReport, HttpClient, HttpResponse
from autopicker_lab.http_client.text_events import TextEvent
from autopicker_lab.loadtest.over_http import Clock, OverHttp, http_client_of
from autopicker_lab.loadtest.sample import http_error

if TYPE_CHECKING:
    from autopicker_lab.loadtest.plan import Chat, Kind, LoadPlan, Prompt
    from autopicker_lab.loadtest.sample import Sample

AnswerSource = Callable[[ChatRequest], AsyncIterator[ChatChunk]]


class _Mix:
    """The questions of a plan by their number, the same ones in each run."""

    def __init__(self, plan: LoadPlan, chat: Chat):
        self._chat = chat
        self._generator = random.Random(plan.seed)
        self._run_id = f"{plan.seed}-{time.time_ns():x}"  # which no cache knows
        self._weights = [kind.weight for kind in chat.kinds]

    def question(self, number: int) -> tuple[Kind, list[dict[str, Any]]]:
        """The kind and the messages of a request."""
        kinds = self._chat.kinds
        kind = kinds[0] if len(kinds) == 1 else self._generator.choices(kinds, self._weights)[0]
        prompt = self._chat.prompts[0 if kind.cached else number % len(self._chat.prompts)]
        messages = _messages(prompt)
        if kind.cached is False:  # in front, since servers keep the beginnings of prompts
            messages[0]["content"] = _numbered(messages[0].get("content"), f"({self._run_id}-{number})\n\n")
        return kind, [{"role": "system", "content": kind.prefix}, *messages] if kind.prefix else messages


def _messages(prompt: Prompt) -> list[dict[str, Any]]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return [dict(message) for message in prompt]


def _numbered(content: object, number: str) -> object:
    """Content with a number in front, text or parts."""
    if isinstance(content, Sequence) and not isinstance(content, str):
        return [{"type": "text", "text": number}, *content]
    return f"{number}{content or ''}"


class ChatTarget(OverHttp):
    """The chat completions of any OpenAI-compatible server."""

    def __init__(self, plan: LoadPlan, chat: Chat):
        super().__init__(plan)
        self._plan = plan
        self._chat = chat
        self._mix = _Mix(plan, chat)
        self._fresh, _ = http_client_of(plan, **{"Cache-Control": "no-cache"})

    def close(self) -> None:
        """Close all connections."""
        super().close()
        self._fresh.close()

    def _request(self, sample: Sample) -> tuple[HttpClient, str, bytes]:
        kind, messages = self._mix.question(sample.number)
        sample.kind = kind.name
        return self._fresh if kind.cached is False else self._http_client, "POST", self._body(kind, messages)

    async def _read(self, answer: HttpResponse, sample: Sample, clock: Clock) -> None:
        sample.cached = answer.headers.get("x-cache", "").upper().startswith("HIT")
        if answer.status != 200:
            report = FailureReport.parse(await answer.read())
            sample.error, sample.words = http_error(answer.status), report.message
        elif self._chat.stream:
            await self._stream(answer, sample, clock)
        else:
            _read_whole(await answer.read(), sample, self._plan)

    def _body(self, kind: Kind, messages: list[dict[str, Any]]) -> bytes:
        chat = self._chat
        body: dict[str, Any] = {"model": chat.model, "messages": messages, "stream": chat.stream}
        if chat.stream:
            body["stream_options"] = {"include_usage": True}
        body |= {"max_tokens": chat.max_tokens, "file_ids": kind.file_ids or None, **chat.options}
        return orjson.dumps({name: value for name, value in body.items() if value is not None})

    async def _stream(self, answer: HttpResponse, sample: Sample, clock: Clock) -> None:
        content_type = answer.headers.get("content-type", "")
        if not content_type.startswith("text/event-stream"):
            sample.words = FailureReport.parse(await answer.read()).message
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
        except StreamFailedError as error:
            sample.error, sample.words = "error event", error.detail
        except UpstreamError as error:
            sample.error, sample.words = "not a chunk", error.detail
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
        kind, messages = self._mix.question(sample.number)
        sample.kind = kind.name
        options = {**self._chat.options}
        if self._chat.max_tokens is not None:
            options["max_tokens"] = self._chat.max_tokens
        request = ChatRequest.of(messages, model=self._chat.model, file_ids=kind.file_ids, options=options)
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
            sample.error, sample.words = type(error).__name__, error.detail
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
        count = _pieces_of(chunk)
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
        sample.tokens = sample.pieces
        _note_usage(self._usage, sample, self._plan)


def _pieces_of(chunk: ChatChunk) -> int:
    """How many events of a chunk say something."""
    read_as_one = sum([len(event.written) - 1 for event in chunk.events if isinstance(event, TextEvent)])
    return read_as_one + sum([bool(delta.get("content")) or _says_more(delta) for delta in chunk.deltas])


def _says_more(delta: Mapping[str, Any]) -> bool:
    """Whether a delta says something besides text: reasoning by any name, a tool call, a refusal; not a role alone."""
    return any(value for name, value in delta.items() if name != "role")


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
        _note_usage(usage, sample, plan)


def _note_usage(usage: Usage | None, sample: Sample, plan: LoadPlan) -> None:
    """Note what the answer says of its tokens; without it a stream's pieces stay its tokens."""
    sample.has_usage = usage is not None
    if usage is None:
        return
    sample.tokens, sample.prompt_tokens = usage.completion_tokens, usage.prompt_tokens
    sample.prefix_cached_tokens = usage.cached_tokens
    sample.usd = (usage.prompt_tokens * plan.price_in + usage.completion_tokens * plan.price_out) / 1e6
