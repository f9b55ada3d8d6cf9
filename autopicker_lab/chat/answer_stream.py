"""AnswerStream: an answer as it is made, for plain code and for coroutines alike."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import ChatChunk, ChatReply, ContextReport, Route, StoppedError, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator

    from autopicker_lab.chat.stream import ChatStream


class AnswerStream:
    """An answer as it is made, piece by piece: an iterator of ChatChunk.

        for chunk in lab.stream("Why?"): ...  # in plain code
        async for chunk in lab.stream("Why?"): ...  # in a coroutine, or a notebook's cell

    Nothing happens before it is iterated. Whoever leaves the loop early ends the model's work, and so does `close`, or
    `aclose` in a coroutine; as a context manager it closes itself. To await it gives the stream itself.

    Args:
        stream: what is iterated.
        wait: runs a coroutine to its end on an event loop in another thread, for plain code.
    """

    def __init__(self, stream: ChatStream, wait: Callable[[Coroutine[Any, Any, Any]], Any]):
        self._stream = stream
        self._wait = wait
        self._loop: asyncio.AbstractEventLoop | None = None  # on which it is iterated
        self._step: asyncio.Task[Any] | None = None  # waits for a piece, for plain code

    def __repr__(self) -> str:
        return repr(self._stream)

    @property
    def route(self) -> Route | None:
        """How the model was chosen; None before."""
        return self._stream.route

    @property
    def model(self) -> str:
        """The id of the model that answers; "" before the first piece."""
        return self._stream.model

    @property
    def context(self) -> ContextReport:
        """What the model was given of the files; empty before the first piece."""
        return self._stream.context

    @property
    def usage(self) -> Usage:
        """Tokens as the model's server counted them; estimated where it has not, or not yet."""
        return self._stream.usage

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended, in OpenAI's words; None before."""
        return self._stream.finish_reason

    @property
    def first_token_s(self) -> float | None:
        """Seconds to the first piece; None before."""
        return self._stream.first_token_s

    @property
    def total_s(self) -> float | None:
        """Seconds to the end; None before."""
        return self._stream.total_s

    @property
    def reply(self) -> ChatReply | None:
        """The whole answer; None before its end."""
        return self._stream.reply

    def __await__(self) -> Generator[Any, None, AnswerStream]:
        return self._itself().__await__()

    async def _itself(self) -> AnswerStream:
        return self

    async def __aiter__(self) -> AsyncIterator[ChatChunk]:
        self._loop = asyncio.get_running_loop()
        try:
            async for chunk in self._stream:
                yield chunk
        finally:
            await self._stream.aclose()

    def __iter__(self) -> Iterator[ChatChunk]:
        try:
            while (chunk := self._wait(self._next())) is not None:
                try:
                    yield chunk
                except GeneratorExit:
                    self.close()
                    raise
        except concurrent.futures.CancelledError:
            raise StoppedError.of("the answer") from None

    async def _next(self) -> ChatChunk | None:
        self._loop = asyncio.get_running_loop()
        self._step = asyncio.current_task()
        return await anext(aiter(self._stream), None)

    def close(self) -> None:
        """Stop: the model's work ends too. On the event loop of the coroutine that iterates, it ends a moment later."""
        if self._loop is None:
            self._wait(self._stop())
        elif self._loop.is_running():  # one that has ended has closed what it iterated
            stopping = asyncio.run_coroutine_threadsafe(self._stop(), self._loop)
            if self._loop is not _running_loop():
                stopping.result()

    async def aclose(self) -> None:
        """Stop: the model's work ends too."""
        if self._loop in (None, asyncio.get_running_loop()):
            await self._stop()
        else:
            await asyncio.to_thread(self.close)

    async def _stop(self) -> None:
        if self._step is not None and not self._step.done():
            self._step.cancel()
            await asyncio.wait([self._step])
        await self._stream.aclose()

    def __enter__(self) -> AnswerStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> AnswerStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
