"""The answer of an OpenAI-compatible server, whole or streamed, whichever of the two it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import AutopickerError, ChatChunk, ModelSpec, UpstreamError, Usage, assemble_completion
from autopicker_lab.http_client import (
    ConnectionBrokenError,
    EventReader,
    FailureReport,
    HttpResponse,
    choice_index,
    chunk_of_completion,
    read_message,
    tolerant_json,
)
from autopicker_lab.models.openai_errors import reported_error, stream_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from autopicker_lab.runtime.answer_clock import AnswerClock

_STREAMED = ("text/event-stream", "application/octet-stream", "text/plain")  # some servers name no better
_PLAIN_ENDS = ("stop", "length")
_EVENT_LINES = (b"data:", b":", b"event:", b"id:", b"retry:")
_BEFORE_TEXT = b"\xef\xbb\xbf \t\r\n"  # a byte order mark and white space
_TRAILER_S = 2.0  # for usage and [DONE] after an answer has ended
_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


class AnswerReader:
    """Reads one answer that was asked for as a stream.

    Args:
        clock: the limits of the answer; only what it says restarts it.
        choices: how many were asked for.
    """

    def __init__(self, spec: ModelSpec, answer: HttpResponse, clock: AnswerClock, choices: int):
        self._spec = spec
        self._answer = answer
        self._clock = clock
        self._asked = choices
        self._events = EventReader(spec.id, _failure_of(spec))

    async def chunks(self) -> AsyncGenerator[ChatChunk, None]:
        """The chunks of the answer; the first says something, so that a failure before it can be mended elsewhere.

        Raises:
            AutopickerError, TimeoutError, ConnectionBrokenError: the answer failed, or is none.
        """
        events = self._events
        block, is_json = await self._beginning()
        if is_json:
            for chunk in _chunks_of_json(block + await self._answer.read(), events, self._spec):
                yield chunk
            block = b""
        held: ChatChunk | None = None
        while block:
            fed = events.feed(block)
            if fed is not None:
                held = _joined(held, fed)
                if events.said:
                    yield held
                    held = None
            if events.advanced:
                self._clock.restart()
            if events.done:
                break
            block = await (self._answer.next() if events.finish_reason is None else self._trailer())
        while (last := events.end()) is not None:
            yield _joined(held, last)
            held = None
        if held is not None:
            yield held
        if events.finish_reason is None and not is_json:
            raise UpstreamError(f"'{self._spec.id}' cut its answer short", "ask again")

    async def _beginning(self) -> tuple[bytes, bool]:
        """The first block that holds text, and whether it is JSON in place of events."""
        data = b""
        while not (text := data.lstrip(_BEFORE_TEXT)):
            block = await self._answer.next()
            if not block:
                break
            data += block
        if text.startswith((b"{", b"[")):
            return data, True
        kind = self._answer.headers.get("content-type", "")
        if not kind.startswith(_STREAMED) and not text.startswith(_EVENT_LINES):
            detail = f"'{self._spec.id}' answered with {kind or 'nothing named'}, not server-sent events"
            raise UpstreamError(detail, "check its endpoint, and that it can stream")
        return data, False

    async def _trailer(self) -> bytes:
        """The next block after an end; once all choices have ended, b"" where nothing comes soon."""
        if self._events.begun < self._asked:
            return await self._answer.next()
        self._clock.shorten(_TRAILER_S)
        try:
            return await self._answer.next()
        except (TimeoutError, ConnectionBrokenError):
            return b""


def _failure_of(spec: ModelSpec) -> Callable[[FailureReport, bool], AutopickerError]:
    return lambda reported, said: (stream_error if said else reported_error)(reported, spec)


def read_completion(data: bytes, spec: ModelSpec) -> dict[str, Any]:
    """The chat.completion object of a whole answer, put right; each choice has a message and a finish_reason.

    Raises:
        AutopickerError: the answer reports a failure, or is none.
    """
    if data.lstrip(_BEFORE_TEXT).startswith(_EVENT_LINES):
        return _assembled(data, spec)
    raw = parsed(data, spec)
    if _is_plain(raw):
        _read_usage(raw)
        return raw
    try:
        _raise_reported(raw, spec)
        for choice in raw["choices"]:
            read_message(choice)
            choice_index(choice)
        if not raw["choices"]:
            raise KeyError
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UpstreamError(f"'{spec.id}' answered without a choice", "check the endpoint") from None
    _read_usage(raw)
    return raw


def _is_plain(raw: dict[str, Any]) -> bool:
    """Whether an answer is one text that ended, in OpenAI's own words: most are, and there is nothing to put right."""
    choices = raw.get("choices")
    if raw.get("error") or type(choices) is not list or len(choices) != 1 or type(choices[0]) is not dict:
        return False
    choice: dict[str, Any] = choices[0]
    message = choice.get("message")
    if choice.get("finish_reason") not in _PLAIN_ENDS or type(choice.get("index")) is not int or choice.get("error"):
        return False
    return (
        choice["index"] == 0
        and type(message) is dict
        and type(message.get("content")) is str
        and not message.get("tool_calls")
    )


def parsed(data: bytes, spec: ModelSpec, otherwise: str = "") -> dict[str, Any]:
    """The JSON object of a whole answer; `otherwise` is what it is if it is none, for the error."""
    try:
        raw = orjson.loads(data)
    except orjson.JSONDecodeError:
        raw = _parsed_slowly(data)
    if isinstance(raw, list) and (reported := FailureReport.of(raw)) is not None:
        raise reported_error(reported, spec)
    if not isinstance(raw, dict):
        detail = f"answered with {otherwise}" if otherwise else "did not answer with JSON"
        raise UpstreamError(f"'{spec.id}' {detail}", "check that the endpoint ends in /v1")
    return raw


def _parsed_slowly(data: bytes) -> Any:
    """What is not strictly JSON; None where it is none at all."""
    try:
        return tolerant_json.whole(tolerant_json.loads(data))
    except (ValueError, RecursionError):
        return None


def _raise_reported(raw: dict[str, Any], spec: ModelSpec) -> None:
    """Raise the failure that an answer of status 200 reports, of itself or of a choice."""
    reports = [raw] if raw.get("error") or not raw.get("choices") else []
    reports += [choice for choice in raw.get("choices") or () if choice.get("error")]
    for report in reports:
        if (reported := FailureReport.of(report)) is not None:
            raise reported_error(reported, spec)


def _read_usage(raw: dict[str, Any]) -> None:
    """Put right a usage whose counts are no whole numbers, or none at all."""
    usage = raw.get("usage")
    if isinstance(usage, dict) and all(type(usage.get(name)) is int and usage[name] >= 0 for name in _COUNTS):
        return
    counted = Usage.from_openai(usage)
    if counted is not None:
        raw["usage"] = counted.to_openai()
    else:
        raw.pop("usage", None)


def _chunks_of_json(data: bytes, events: EventReader, spec: ModelSpec) -> Sequence[ChatChunk]:
    """The chunks of an answer in JSON where a stream was asked for: one object, or one a line."""
    if b"\n" in data.strip() and _parsed_slowly(data) is None:
        chunks = [chunk for chunk in (events.feed(data + b"\n\n"), events.end()) if chunk is not None]
        if events.finish_reason is None:
            raise UpstreamError(f"'{spec.id}' cut its answer short", "ask again")
        return chunks
    raw = parsed(data, spec, "JSON that is damaged, not server-sent events")
    try:
        _raise_reported(raw, spec)
        return [chunk_of_completion(raw)]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise UpstreamError(f"'{spec.id}' answered without a choice", "check the endpoint") from None


def _assembled(data: bytes, spec: ModelSpec) -> dict[str, Any]:
    """The chat.completion object of events, from a server that was asked for a whole answer."""
    events = EventReader(spec.id, lambda reported, said: reported_error(reported, spec))
    chunks = []
    chunk = events.feed(data)
    while chunk is not None:
        chunks.append(chunk)
        chunk = events.end()
    if (chunk := events.end()) is not None:
        chunks.append(chunk)
    if events.finish_reason is None:
        raise UpstreamError(f"'{spec.id}' cut its answer short", "ask again")
    raw = assemble_completion(chunks, events.finish_reason)
    usage = next((chunk.usage for chunk in reversed(chunks) if chunk.usage), None)
    return {**raw, "usage": usage.to_openai()} if usage is not None else raw


def _joined(held: ChatChunk | None, chunk: ChatChunk) -> ChatChunk:
    if held is None:
        return chunk
    return ChatChunk([*held.events, *chunk.events], chunk.finish_reason, chunk.usage or held.usage)
