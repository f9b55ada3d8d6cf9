"""A reader of OpenAI's server-sent events, in blocks of any size: it gives whole events, and keeps an unfinished one.

Every event is parsed and none is rebuilt, so that fields beside the text (logprobs, fingerprints) are passed on. What
servers do otherwise than OpenAI is put right: see `choices.py` and `tool_calls.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import AutopickerError, ChatChunk, StreamFailedError, UpstreamError, Usage
from autopicker_lab.http_client.choices import ChoiceReader, choice_index, read_message
from autopicker_lab.http_client.reported import FailureReport
from autopicker_lab.http_client.text_events import EventShapes
from autopicker_lab.http_client.tolerant_json import loads, whole

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_EVENT = 2**22  # bytes
_BOM = b"\xef\xbb\xbf"
_NEXT_EVENT = b'}\ndata: {"'  # where a server leaves out the blank line between events


class EventReader:
    """Reads the events of one answer, block by block.

    Args:
        model: the name that an error has, where an event is an error or no JSON.
        failed: makes the error of a failure that an event reports, being told whether something was said before; None:
            a StreamFailedError. A method of whoever holds the reader would make a cycle of the two.

    Attributes:
        done: the server said [DONE].
        finish_reason: how the answer ended, by its first choice; None while a choice that has begun has not ended.
        said: something has been said: text, reasoning, a tool call, an end; not a role alone.
        advanced: the last block said something, and was not only comments or empty events.
    """

    def __init__(self, model: str, failed: Callable[[FailureReport, bool], AutopickerError] | None = None):
        self._model = model
        self._failed = failed
        self._tail = b""
        self._ended_in_cr = False
        self._joins = False
        self._is_error = False
        self._ends = False
        self._choices: dict[int, ChoiceReader] = {}
        self._alike = EventShapes()
        self.finish_reason: str | None = None
        self.done = False
        self.said = False
        self.advanced = False
        self._counted: Usage | None = None  # by the last block
        self._failure: AutopickerError | None = None

    @property
    def begun(self) -> int:
        """Choices that have begun."""
        return len(self._choices)

    def feed(self, block: bytes) -> ChatChunk | None:
        """The events that are whole now, as one chunk; None where none of them has content.

        Raises:
            AutopickerError: an event is an error, or no JSON; events before it in the block are given first.
        """
        if self._failure is not None:
            raise self._failure
        self.advanced = False
        if self._ended_in_cr or b"\r" in block:  # JSON has none of its own
            block = self._with_newlines(block)
        data = self._tail + block if self._tail else block
        events, separator, self._tail = data.rpartition(b"\n\n")
        if not separator and (cut := data.rfind(_NEXT_EVENT)) >= 0:
            events, separator, self._tail = data[: cut + 1], b"\n", data[cut + 2 :]
        if len(self._tail) > _MAX_EVENT:
            raise UpstreamError(f"'{self._model}' sent an event without end", "check the endpoint")
        return self._read(events) if separator else None

    def end(self) -> ChatChunk | None:
        """The chunk of what is left: an event without the blank line after it, the end of an answer that said [DONE].

        Raises:
            AutopickerError: as `feed`.
        """
        tail, self._tail = self._tail, b""
        self.advanced = False
        chunk = self._read(tail) if tail.strip() and self._failure is None else None
        if self._failure is not None and chunk is None:
            raise self._failure
        endings = self._endings() if self._failure is None else []
        if not endings:
            return chunk
        events = [*(chunk.events if chunk else ()), {"choices": endings}]
        return ChatChunk(events, self.finish_reason, chunk.usage if chunk else None)

    def _with_newlines(self, block: bytes) -> bytes:
        if self._ended_in_cr and block.startswith(b"\n"):
            block = block[1:]
        self._ended_in_cr = block.endswith(b"\r") if block else self._ended_in_cr
        return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _endings(self) -> list[dict[str, Any]]:
        """Choices with what was not said of them: half a character, or the reason of an end that [DONE] alone tells."""
        made = []
        for index, choice in self._choices.items():
            delta = choice.rest()
            ends = self.done and self.said and choice.finish_reason is None
            if ends:
                choice.finish_reason = choice.ending()
                self._note_ends()
            if ends or delta:
                made.append({"index": index, "delta": delta, "finish_reason": choice.finish_reason if ends else None})
        return made

    def _read(self, data: bytes) -> ChatChunk | None:
        events: list[dict[str, Any]] = []
        self._counted = None
        while data:
            shape = self._alike.shape
            if shape is not None and not self._is_error:
                several, data = shape.read_several(data)
                if several is not None:
                    events.append(several)
                    self.said = self.advanced = True
            data = self._read_lines(data, events)
        if events or self._counted:
            finish = self.finish_reason if self._ends else None
            self._ends = False
            return ChatChunk(events, finish, self._counted)
        if self._failure is not None:
            raise self._failure
        return None

    def _read_lines(self, data: bytes, events: list[dict[str, Any]]) -> bytes:
        """Read line by line, up to an event of a shape that is new, or to the end; returns what is left."""
        lines = data.split(b"\n")
        for number, line in enumerate(lines):
            if not line:  # an event's end, as every second line is
                self._is_error = False
                continue
            shape = self._alike.shape
            if shape is not None and not self._is_error and (alike := shape.read(line)) is not None:
                events.append(alike)
                self.said = self.advanced = True
                continue
            text = line[5:].strip() if line.startswith(b"data:") else self._other_line(line)
            if text == b"[DONE]":
                self.done = True
                break
            if not text or text == b"null":
                continue
            try:
                event = self._parse(text, lines, number)
            except AutopickerError as error:
                self._failure = error
                break
            if event.get("usage"):
                self._counted = Usage.from_openai(event["usage"]) or self._counted
            if event.get("choices"):
                events.append(event)
                if not self._joins and self._alike.learn(line, event):
                    return b"\n".join(lines[number + 1 :]).lstrip(b"\n")  # more like it may follow
        return b""

    def _other_line(self, line: bytes) -> bytes:
        """The data of a line that does not begin with "data:"; b"" for a comment, an event's name and a blank line."""
        line = line.removeprefix(_BOM)
        if line.startswith(b"{"):
            return line
        self._is_error = line.startswith(b"event:") and line[6:].strip() == b"error"
        return line[5:].strip() if line.startswith(b"data:") else b""

    def _note_ends(self) -> None:
        """Note whether all choices have ended, when one has begun or ended."""
        reasons = [choice.finish_reason for choice in self._choices.values()]
        self.finish_reason = None if None in reasons else reasons[0]

    def _parse(self, text: bytes, lines: list[bytes], number: int) -> dict[str, Any]:
        try:
            try:
                event: dict[str, Any] = orjson.loads(text)
            except orjson.JSONDecodeError:
                event = self._parse_slowly(text, lines, number)
            choices = event.get("choices")
            if self._is_error or not choices or event.get("error"):
                self._raise_reported(event, self._is_error)
            for choice in choices or ():
                self._read_choice(choice)
            if self._joins:
                event = whole(event)
        except (AttributeError, TypeError, KeyError, ValueError, RecursionError):
            raise UpstreamError(f"'{self._model}' sent an event that is not a chunk", "ask again") from None
        return event

    def _read_choice(self, choice: dict[str, Any]) -> None:
        index = choice.get("index")
        reader = self._choices.get(index) if index.__class__ is int else None
        if reader is None:
            reader = self._reader_of(choice)
        if reader.read(choice):
            self.said = self.advanced = True
            if choice.get("finish_reason") is not None or choice.get("error"):
                self._end_choice(choice)
        if self._joins:
            reader.join_halves(choice["delta"])

    def _reader_of(self, choice: dict[str, Any]) -> ChoiceReader:
        """The reader of a choice that may be new."""
        index = choice_index(choice)
        reader = self._choices.setdefault(index, ChoiceReader())
        self._note_ends()
        return reader

    def _end_choice(self, choice: dict[str, Any]) -> None:
        """Note that a choice has ended, or raise the failure that ended it."""
        if choice.get("error") or choice["finish_reason"] == "error":
            self._raise_reported({"error": choice.get("error") or "it gave no reason"}, True)
        self._ends = True
        self._note_ends()

    def _parse_slowly(self, text: bytes, lines: list[bytes], number: int) -> dict[str, Any]:
        """An event that is not strictly JSON: with halves of characters, numbers without a value, on several lines."""
        try:
            event: dict[str, Any] = loads(text)
        except ValueError:
            event = loads(_with_following_lines(lines, number))
        self._joins = True
        self._alike = EventShapes()  # texts are joined from now on, so that each has to be parsed
        return event

    def _raise_reported(self, event: dict[str, Any], is_error: bool) -> None:
        """Raise the failure that an event reports, if it does."""
        reported = FailureReport.of(event)
        if is_error and reported is None:
            reported = FailureReport.of({"error": event or "it gave no reason"})
        if reported is not None:
            raise self._failed(reported, self.said) if self._failed else self._stream_failed(reported)

    def _stream_failed(self, reported: FailureReport) -> AutopickerError:
        return StreamFailedError(f"'{self._model}' failed in the middle", "ask again", quote=reported.message)


def _with_following_lines(lines: list[bytes], number: int) -> bytes:
    """The data of an event that goes over several lines, which are emptied."""
    texts = []
    for i in range(number, len(lines)):
        if not lines[i].startswith(b"data:"):
            break
        texts.append(lines[i][5:].removeprefix(b" "))
        lines[i] = b""
    return b"\n".join(texts)


def chunk_of_completion(answer: dict[str, Any]) -> ChatChunk:
    """A whole answer, from a server that was asked for a stream, as the chunk of one; TypeError where it is none."""
    choices = []
    for choice in answer["choices"]:
        message = read_message(choice)
        calls = message.get("tool_calls")
        delta = {**message, "tool_calls": [{**call, "index": i} for i, call in enumerate(calls)]} if calls else message
        rest = {name: value for name, value in choice.items() if name != "message"}
        choices.append({**rest, "index": choice_index(choice), "delta": delta})
    event = {**answer, "object": "chat.completion.chunk", "choices": choices}
    return ChatChunk([event], choices[0]["finish_reason"], Usage.from_openai(answer.get("usage")))
