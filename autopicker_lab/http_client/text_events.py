"""Events that are as one before them but for their text, as nearly all of a stream are: told by comparing bytes.

To parse such an event and to write it anew would take most of the time that a stream costs. Where several come at once
they are cut apart, looked at and written as one.
"""

from __future__ import annotations

import secrets
from typing import Any

import orjson

_MARK = secrets.token_hex(16)  # in place of a text; nobody can have it in what is sent
_MARK_BYTES = _MARK.encode()
_TRIES = 4  # shapes that are learned of one stream; more mean that each event has something of its own


class TextEvent(dict[str, Any]):
    """A chunk object whose one choice adds a text and nothing else; it must not be changed in place.

    It stands for all such events that came one behind the other at once, and its text is all of theirs.

    Attributes:
        shape: what it has in common with other events.
        written: the text of each as it stands in JSON, without the quotes.
    """

    __slots__ = ("shape", "written")
    shape: EventShape
    written: list[bytes]


class EventShape:
    """What events of a stream have in common: all but the text.

    Args:
        event: one of them.
        before, after: the bytes of its line around the text.
    """

    __slots__ = ("_between", "after", "before", "choice", "end", "event", "least", "start")

    def __init__(self, event: dict[str, Any], before: bytes, after: bytes):
        self.event = event
        self.choice: dict[str, Any] = event["choices"][0]
        self.before = before
        self.after = after
        self._between = after + b"\n\n" + before
        self.start, self.end = len(before), -len(after)
        self.least = len(before) + len(after) + 1

    @classmethod
    def of(cls, line: bytes, event: dict[str, Any]) -> EventShape | None:
        """The shape of an event that adds a text alone, from the line that it was parsed of; None for another."""
        text = _only_text(event)
        start = line.find(b'"', line.rfind(b'"content"') + 9) + 1
        end = start + len(text.encode()) if text else 0
        if not 0 < start < end:
            return None
        shape = cls(event, line[:start], line[end:])
        try:  # the text may have been found in the wrong place
            marked = orjson.loads((shape.before + _MARK_BYTES + shape.after)[5:])
        except orjson.JSONDecodeError:
            return None
        return shape if marked == shape.with_text(_MARK) else None

    def with_text(self, text: str) -> dict[str, Any]:
        """The event with another text."""
        return {**self.event, "choices": [{**self.choice, "delta": {"content": text}}]}

    def fits(self, line: bytes) -> bool:
        """Whether a line differs from the event's own in its text alone, if that is one."""
        return line.startswith(self.before) and line.endswith(self.after) and len(line) >= self.least

    def read(self, line: bytes) -> TextEvent | None:
        """The event of a line that differs in its text alone; None for others."""
        return self._of_texts([line[self.start : self.end]]) if self.fits(line) else None

    def read_several(self, data: bytes) -> tuple[TextEvent | None, bytes]:
        """The events that `data` begins with, where these are two or more, as one; and what follows on them."""
        if not data.startswith(self.before):
            return None, data
        lines = data.split(b"\n\n")
        count = len(lines)
        while count and not self.fits(lines[count - 1]):
            count -= 1
        texts = [line[self.start : self.end] for line in lines[:count]]
        if not data.startswith(self.before + self._between.join(texts)):  # one that does not fit stands between
            count = next(i for i, line in enumerate(lines) if not self.fits(line))
        event = self._of_texts(texts[:count]) if count > 1 else None
        return event, data if event is None else b"\n\n".join(lines[count:])

    def _of_texts(self, written: list[bytes]) -> TextEvent | None:
        """The event of these texts, as they stand in JSON; None where one of them is empty or no JSON."""
        text = _text_of(written)
        if not text or not all(written):
            return None
        event = TextEvent(self.event, choices=[{**self.choice, "delta": {"content": text}}])
        event.shape, event.written = self, written
        return event


class EventShapes:
    """Finds the shape of the events of one stream.

    Attributes:
        shape: None while none is known.
    """

    __slots__ = ("_tries", "shape")

    def __init__(self) -> None:
        self.shape: EventShape | None = None
        self._tries = _TRIES

    def learn(self, line: bytes, event: dict[str, Any]) -> bool:
        """Take an event that was parsed for one that others may be like; whether it was."""
        if not self._tries or _only_text(event) is None or (self.shape is not None and self.shape.fits(line)):
            return False
        self._tries -= 1
        self.shape = EventShape.of(line, event)
        return self.shape is not None


class TextEventWriter:
    """Writes events with a head of their own.

    Args:
        head: fields that each event gets, in place of its own of these names.
    """

    __slots__ = ("_after", "_before", "_between", "_head", "_shape")

    def __init__(self, head: dict[str, Any]):
        self._head = head
        self._shape: EventShape | None = None
        self._before = self._between = self._after = b""

    def write(self, event: TextEvent) -> tuple[bytes, bytes, bytes]:
        """The pieces of the server-sent events, one for each text."""
        if event.shape is not self._shape:
            self._shape = event.shape
            chunk = {**event.shape.with_text(_MARK), **self._head}
            chunk.pop("usage", None)
            before, _, after = orjson.dumps(chunk).partition(_MARK_BYTES)
            self._before, self._after = b"data: " + before, after + b"\n\n"
            self._between = self._after + self._before
        return self._before, self._between.join(event.written), self._after


def _only_text(event: dict[str, Any]) -> str | None:
    """The text of an event that adds one and says nothing else; None of any other, and of one with escapes."""
    choices = event.get("choices")
    if not choices or len(choices) != 1 or event.get("usage") or event.get("error"):
        return None
    choice = choices[0]
    delta = choice.get("delta")
    if delta.__class__ is not dict or len(delta) != 1 or choice.get("finish_reason") is not None or choice.get("error"):
        return None
    text = delta.get("content")
    if text.__class__ is not str or not text or not text.isprintable() or '"' in text or "\\" in text:
        return None
    return str(text)


def _text_of(written: list[bytes]) -> str:
    """What texts say that stand so in JSON, put together; "" where one of them is no JSON."""
    data = b"".join(written)
    if data.isascii() and b'"' not in data and b"\\" not in data and (text := data.decode()).isprintable():
        return text
    if any((len(piece) - len(piece.rstrip(b"\\"))) % 2 for piece in written):
        return ""  # an escape is cut in half
    try:
        texts = orjson.loads(b'["%b"]' % b'","'.join(written))
    except orjson.JSONDecodeError:
        return ""
    if len(texts) != len(written) or not all(text.__class__ is str for text in texts):
        return ""  # quotes of their own make more of them, or something else
    return "".join(texts)
