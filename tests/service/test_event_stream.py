"""The comments of a stream that nobody has answered yet."""

from typing import Any

from autopicker_lab.service.chat import sse
from autopicker_lab.service.chat.event_stream import EventStream
from autopicker_lab.service.chat.openai import OpenAIWording


async def test_comments_say_what_is_waited_for_and_nothing_of_it_once_it_is_there() -> None:
    sent: list[bytes] = []

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    out = EventStream(send, OpenAIWording(sse.DONE, False), [])
    out.waits(40, 61)
    await out.keepalive()
    out.waits(61, 61)
    await out.keepalive()
    out.waits(3, 61)
    out.answers()
    await out.keepalive()
    told = [body for body in sent if body]
    assert told == [b": waiting, 40 of 61 are ready\n\n", sse.KEEPALIVE_COMMENT, sse.KEEPALIVE_COMMENT]
