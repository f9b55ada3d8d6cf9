"""The client for programs that wait for each answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from autopicker_lab.client import live_speech, protocol
from autopicker_lab.core import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from autopicker_lab.client.protocol import ApiCall, Messages
    from autopicker_lab.client.types import (
        Analysis,
        Completion,
        FileRecord,
        LiveText,
        ModelEntry,
        Transcription,
        Upload,
    )
    from autopicker_lab.runtime.progress import Progress

T = TypeVar("T")


class AutopickerClient:
    """Talks to a running service; safe to share between threads.

    Args:
        base_url: where it listens.
        api_key: its key, if it has one.
        timeout: seconds to wait for the next piece of an answer.
        retries: further tries of what was refused for a while (429, 502 to 504) or not reached.
    """

    def __init__(
        self,
        base_url: str = "http://localhost:8001",
        api_key: str | None = None,
        timeout: float = 120.0,
        retries: int = 2,
    ):
        self._auth = protocol.auth_headers(api_key)
        self._http = httpx.Client(base_url=base_url, headers=self._auth, timeout=timeout)
        self._retries = retries

    def __repr__(self) -> str:
        return f"AutopickerClient('{self._http.base_url}')"

    def upload_file(self, file_path: str | Path, progress: Progress | None = None) -> Upload:
        """Upload a file; the answer's `id` goes into `file_ids`.

        Args:
            progress: called with (bytes read, bytes in all).

        Raises:
            StoppedError: `progress` returned False; the service keeps nothing of the file.
        """
        with protocol.upload(file_path, progress) as call:
            return self._call(call)

    def files(self) -> list[FileRecord]:
        """The uploads that the key may see, oldest first."""
        return self._call(protocol.FILES)

    def file(self, file_id: str) -> FileRecord:
        """The record of one upload."""
        return self._call(protocol.file(file_id))

    def file_content(self, file_id: str) -> dict[str, Any]:
        """What was read out of an upload: a Document as JSON."""
        return self._call(protocol.file_content(file_id))

    def delete_file(self, file_id: str) -> None:
        """Delete an upload; its id is unknown from then on."""
        self._call(protocol.delete_file(file_id))

    def chat(self, messages: Messages, file_ids: Sequence[str] | None = None, **options: Any) -> Completion:
        """A whole answer; `options` are OpenAI's (model, temperature, max_tokens ...)."""
        return self._call(protocol.chat(messages, file_ids, options))

    def stream(self, messages: Messages, file_ids: Sequence[str] | None = None, **options: Any) -> Iterator[str]:
        """The pieces of an answer's text as they come; ServiceError or UpstreamError where it breaks off."""
        for chunk in self.stream_chunks(messages, file_ids, **options):
            yield from protocol.texts(chunk)

    def stream_chunks(
        self, messages: Messages, file_ids: Sequence[str] | None = None, **options: Any
    ) -> Iterator[dict[str, Any]]:
        """OpenAI's chunk objects as they come: the first has `routing`, the last ones `finish_reason` and `usage`."""
        call = protocol.chat(messages, file_ids, {**options, "stream": True})
        reader = protocol.EventTextReader()
        try:
            with self._http.stream(call.method, call.path, **call.options) as response:
                if response.is_error:
                    response.read()
                    raise protocol.error_of(response)
                for line in response.iter_lines():
                    yield from reader.read(line)
        except httpx.TransportError as error:
            raise protocol.connection_error(self._http.base_url, error) from error
        reader.check()

    def analyze(self, messages: Messages, file_ids: Sequence[str] | None = None, model: str | None = None) -> Analysis:
        """Complexity and route of a request, without asking a model."""
        return self._call(protocol.analyze(messages, file_ids, model))

    def context(
        self, messages: Messages, file_ids: Sequence[str], budget: int | None = None, model: str | None = None
    ) -> dict[str, Any]:
        """What of some files a model would be given for a question (`text`, `passages` ...), without asking it."""
        return self._call(protocol.context(messages, file_ids, budget, model))

    def transcribe(self, file_id: str, **query: Any) -> Transcription:
        """What is said in an uploaded recording (language, task, word_timestamps); of a file here see `hear`."""
        return self._call(protocol.transcribe(file_id, query))

    def hear(self, file_path: str | Path, **options: Any) -> Any:
        """What is said in a file that is not kept, by OpenAI's route (language, response_format ...)."""
        with protocol.transcribe_file(file_path, options) as call:
            return self._call(call)

    def transcribe_live(
        self, sound: Iterable[bytes], *, format: str = "pcm16", rate: int = 16_000, channels: int = 1, **options: Any
    ) -> Iterator[LiveText]:
        """What is said, while it is said: `settled` words stay, those of `partial` may still change, `done` has all.

        Args:
            sound: pieces of any size, as they come: of 16-bit samples, or of a recording in WebM or Ogg.
            format: pcm16, webm, ogg or mp4 (in fragments); `rate` (Hz) and `channels` are of pcm16.
            options: language, task, prompt, hotwords.

        Raises:
            ServiceError: the service refused it, or was lost.
        """
        start = {"format": format, "rate": rate, "channels": channels, **options}
        return live_speech.hear(str(self._http.base_url), self._auth, sound, start)

    def models(self) -> list[ModelEntry]:
        """`auto` and the models of the catalogue, each with whether it answers now."""
        return self._call(protocol.MODELS)

    def model(self, model_id: str) -> ModelEntry:
        """One model by its id or alias."""
        return self._call(protocol.model(model_id))

    def feedback(self, request_id: str, score: float) -> None:
        """Say how good an answer was, 0 to 1."""
        self._call(protocol.feedback(request_id, score))

    def feedback_on_many(self, judgements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Say how good up to 1,000 answers were: each a `request_id` with a `score` (0 to 1) or a `signal`.

        Returns:
            How many were `stored`, and the ids that are `unknown`.
        """
        return self._call(protocol.feedback_on_many(judgements))

    def health(self) -> dict[str, str]:
        """Whether the service runs; asks nothing of the models."""
        return self._call(protocol.HEALTH)

    def monitoring(self) -> dict[str, Any]:
        """The machine and the models behind the service."""
        return self._call(protocol.MONITORING)

    def metrics(self) -> dict[str, Any]:
        """Requests, latencies, cache and routing drift."""
        return self._call(protocol.METRICS)

    def prometheus(self) -> str:
        """The same in Prometheus' format."""
        return self._call(protocol.PROMETHEUS)

    def load_test(
        self, endpoint: str = "/health", concurrent_users: int = 5, requests_per_user: int = 10
    ) -> dict[str, Any]:
        """Load-test a path of the service itself."""
        return self._call(protocol.load_test(endpoint, concurrent_users, requests_per_user))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, call: ApiCall[T]) -> T:
        attempt = 0
        while True:
            try:
                return call.result(self._send(call))
            except ServiceError as error:
                time.sleep(protocol.pause_s(attempt, self._retries, call, error))
            attempt += 1

    def _send(self, call: ApiCall[T]) -> httpx.Response:
        try:
            response = self._http.request(call.method, call.path, **call.options)
        except httpx.TransportError as error:
            raise protocol.connection_error(self._http.base_url, error) from error
        if response.is_error:
            raise protocol.error_of(response)
        return response
