"""Models of this machine: GGUF files through xllamacpp, llama.cpp's server with continuous batching.

llama.cpp runs in a process of its own (`local_worker.py`), which may die without the service.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import (
    ChatChunk,
    ChatReply,
    ChatRequest,
    ContextLengthError,
    InvalidRequestError,
    MissingPackageError,
    ModelSpec,
    ModelUnavailableError,
    TransientUpstreamError,
    UpstreamError,
    UpstreamTimeoutError,
    Usage,
)
from autopicker_lab.core.optional import require
from autopicker_lab.models.base import Availability, complete_from_stream
from autopicker_lab.models.local_options import llama_messages, llama_options
from autopicker_lab.models.local_process import LocalProcess, WorkerProcess
from autopicker_lab.models.weights import is_remote_name, weights
from autopicker_lab.runtime.concurrency import ConcurrencyLimit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

_PARALLEL = 4
_MAX_PENDING = 64
_COUNT_TIMEOUT_S = 60.0
_LONGEST_TOKEN = 256  # characters; a text of more than that for each token is not worth counting
_SHORTEN = "shorten the conversation or choose a model with a larger context window"
# A small model copies facts best greedily, and gives the same again; the penalty is just enough to end its loops.
# A caller's own values go first.
_DEFAULTS = {"temperature": 0.0, "repeat_penalty": 1.03}
# Without one, the shipped model's template says who made it, and the model answers in the style of that.
_SYSTEM = {"role": "system", "content": "You are a helpful assistant."}


class LocalModel:
    """One GGUF file, loaded on first use.

    `spec.model` is "" for the SmolLM2 that ships as a package, the path of a GGUF file, or a Hugging Face id
    ("owner/repository" or "owner/repository:file.gguf"), downloaded where the network allows.
    """

    def __init__(self, spec: ModelSpec, threads: int = 0):
        self._spec = spec
        self._concurrency = ConcurrencyLimit(f"'{spec.id}'", spec.max_concurrency or _MAX_PENDING)
        # what talks to the process may wait for it: in one thread, so that many requests take no more
        self._talk = ThreadPoolExecutor(1, thread_name_prefix=spec.id)
        self._process = LocalProcess(spec.id, lambda: _load_message(spec, threads))
        weakref.finalize(self, self._process.close)

    def describe(self) -> ModelSpec:
        """The model's entry in the catalogue."""
        return self._spec

    async def available(self) -> Availability:
        """Whether the weights are here, or may be downloaded."""
        if self._process.worker is not None:
            return Availability(True)
        if wait := self._process.resting_s():
            return Availability(False, "its process ends again and again", f"try again in {wait:.0f} s")
        try:
            require("xllamacpp")
            if not is_remote_name(self._spec.model):
                weights(self._spec.model)
        except (MissingPackageError, ModelUnavailableError) as error:
            return Availability(False, error.detail, error.hint)
        return Availability(True)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The whole answer."""
        return await complete_from_stream(self, request)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """The answer as it is made; closing it stops the model after its next token.

        Raises:
            UpstreamError: the model's process died over the answer; the next request starts another.
            TransientUpstreamError: it died before it began with this one.
        """
        message = {"ask": self.body(request)}
        with self._concurrency:
            worker = await self._in_thread(self._process.start)
            async with aclosing(self._messages(worker, message)) as messages:
                async for said in messages:
                    chunk = _chunk(said)
                    if chunk is not None:
                        yield chunk
        self._process.answered()

    def pending(self) -> int:
        """Requests that are being answered, or wait to be."""
        return self._concurrency.length

    async def warm_up(self) -> None:
        """Load the weights and run one token through them."""
        request = ChatRequest.of("Hi", options={"max_tokens": 1})
        async with aclosing(self.stream(request)) as chunks:
            async for _ in chunks:
                pass

    async def close(self) -> None:
        """Give the weights' memory back; the next use loads them again."""
        await asyncio.to_thread(self._process.close)

    def load(self) -> int:
        """Load the weights, where they are not; the id of the process that holds them. Thread-safe."""
        return self._process.start().pid

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` by the model's own tokenizer."""
        answer: concurrent.futures.Future[Mapping[str, Any] | None] = concurrent.futures.Future()
        self._process.start().ask({"count": text}, answer.set_result)
        said = answer.result(_COUNT_TIMEOUT_S)
        if said is None or "tokens" not in said:
            raise UpstreamError(f"'{self._spec.id}' did not count the tokens", "try again")
        return int(said["tokens"])

    async def _in_thread(self, work: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._talk, work, *arguments)

    async def _messages(
        self, worker: WorkerProcess, message: Mapping[str, Any]
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """What the process says of one request, until its end; leaving it cancels the request."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()

        def listen(said: Mapping[str, Any] | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(queue.put_nowait, said)

        def refuse(done: asyncio.Future[int]) -> None:
            if not done.cancelled() and (error := done.exception()) is not None:  # too deep for JSON
                queue.put_nowait({"refused": str(error)})

        asked = loop.run_in_executor(self._talk, worker.ask, message, listen)
        asked.add_done_callback(refuse)
        begun = False
        total_at = time.monotonic() + self._spec.total_s
        try:
            while True:
                said = await self._next(queue, worker, total_at)
                if said is None:
                    raise self._death(begun)
                if "end" in said:
                    return
                begun = True
                yield said
        finally:
            asked.add_done_callback(lambda done: self._cancel(worker, done))

    def _cancel(self, worker: WorkerProcess, asked: asyncio.Future[int]) -> None:
        """Tell the process that a request needs no answer any more; one that has ended is unknown to it."""
        if not asked.cancelled() and asked.exception() is None:
            self._talk.submit(worker.cancel, asked.result())

    async def _next(
        self, queue: asyncio.Queue[Mapping[str, Any] | None], worker: WorkerProcess, total_at: float
    ) -> Mapping[str, Any] | None:
        """The next message. A process that says nothing of any request for `timeout_s` hangs, and is ended."""
        spec = self._spec
        while True:
            try:
                async with asyncio.timeout(max(0.0, min(spec.timeout_s, total_at - time.monotonic()))):
                    return await queue.get()
            except TimeoutError:
                if time.monotonic() >= total_at:
                    detail = f"'{spec.id}' took longer than {spec.total_s:g} s"
                    raise UpstreamTimeoutError(detail, "ask for a shorter answer") from None
                if time.monotonic() - worker.heard_at >= spec.timeout_s:
                    worker.kill()
                    detail = f"'{spec.id}' said nothing for {spec.timeout_s:g} s"
                    raise UpstreamTimeoutError(detail, "ask for less at once") from None

    def _death(self, begun: bool) -> UpstreamError:
        detail = f"the process of '{self._spec.id}' ended"
        if begun:
            return UpstreamError(f"{detail} in the middle of the answer", "ask again: it is started anew")
        return TransientUpstreamError(f"{detail} before the answer", "ask again: it is started anew")

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The request as llama.cpp gets it; InvalidRequestError for what it may not get."""
        window = self._spec.context_window
        messages = llama_messages(request.messages)
        if sum(len(message["content"] or "") for message in messages) > window * _LONGEST_TOKEN:
            raise ContextLengthError(f"the prompt is longer than {window} tokens", _SHORTEN)
        longest = request.max_tokens or self._spec.max_output
        if not self._spec.model and not any(message["role"] in ("system", "developer") for message in messages):
            messages.insert(0, _SYSTEM)
        return {
            **_DEFAULTS,
            **llama_options(request.options),
            "messages": messages,
            "max_tokens": min(longest, window) if longest > 0 else window,  # what it reserves of the context
            "stream": True,
            "stream_options": {"include_usage": True},
            # a prefix kept from another question changes the sums in their last bits, and a small model's words:
            # only a conversation, which would be read again at every turn, is worth that
            "cache_prompt": sum(message["role"] == "user" for message in messages) > 1,
            "return_progress": True,  # so that a reader who leaves is noticed while the prompt is read, too
        }


def _load_message(spec: ModelSpec, threads: int) -> dict[str, Any]:
    require("xllamacpp")
    path = str(weights(spec.model))
    return {"path": path, "context": spec.context_window, "parallel": _PARALLEL, "threads": threads}


def _chunk(said: Mapping[str, Any]) -> ChatChunk | None:
    """A message of the process as a chunk; None where it has nothing for the reader."""
    if "refused" in said:
        raise InvalidRequestError(f"the model cannot read the request: {said['refused']}", "correct the request")
    raw = said.get("event", {})
    if "error" in raw:
        error = raw["error"]
        if error.get("type") == "exceed_context_size_error":
            raise ContextLengthError(str(error.get("message")), _SHORTEN)
        if int(error.get("code", 500)) < 500:
            raise InvalidRequestError(str(error.get("message")), "correct the request")
        raise UpstreamError(str(error.get("message")))
    usage = Usage.from_openai(raw.get("usage"))
    choice = next(iter(raw.get("choices") or ()), None)
    if choice is None:
        return ChatChunk(usage=usage) if usage else None
    delta = {key: value for key, value in choice["delta"].items() if value is not None and key != "role"}
    if not delta and not choice["finish_reason"] and not usage:
        return None
    return ChatChunk(({"choices": [{**choice, "delta": delta}]},), choice["finish_reason"], usage)
