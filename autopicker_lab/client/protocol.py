"""The requests that both Python clients send, each as a value, and the reading of their answers."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeVar, cast
from urllib.parse import quote

import httpx

from autopicker_lab.core import ServiceError, StoppedError, UnreachableError, UpstreamError
from autopicker_lab.runtime.progress import Progress, report_progress

if TYPE_CHECKING:
    from autopicker_lab.client.types import Analysis, Completion, FileRecord, ModelEntry, Transcription, Upload

T = TypeVar("T")
Messages = Sequence[Mapping[str, Any]]
RETRIED = frozenset({429, 502, 503, 504})
_LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True)
class ApiCall(Generic[T]):
    """One request as a value; T is the type of its result.

    Attributes:
        options: of httpx (json, params, files ...).
        pick: the field of the answer that is the result; None: the whole answer.
        single_try: never to be tried again, because what it sends can be read only once.
    """

    method: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)
    pick: str | None = None
    single_try: bool = False

    def result(self, response: httpx.Response) -> T:
        """The result in an answer: of JSON the picked part, else the text."""
        if not response.headers.get("content-type", "").startswith("application/json"):
            return cast("T", response.text)
        body = response.json()
        return cast("T", body if self.pick is None else body[self.pick])


def auth_headers(api_key: str | None) -> dict[str, str]:
    """The headers that carry a key; none without one."""
    return {"X-API-Key": api_key} if api_key else {}


def chat(messages: Messages, file_ids: Sequence[str] | None, options: Mapping[str, Any]) -> ApiCall[Completion]:
    """A chat, by the path that reads files where files are named."""
    path = "/api/v1/chat/multimodal-audio" if file_ids else "/api/v1/chat/completions"
    body: dict[str, Any] = {"messages": list(messages), **options}
    if file_ids:
        body["file_ids"] = list(file_ids)
    return ApiCall("POST", path, {"json": body})


def analyze(messages: Messages, file_ids: Sequence[str] | None, model: str | None) -> ApiCall[Analysis]:
    """The complexity and route of a request, without an answer."""
    body = {"messages": list(messages), "file_ids": list(file_ids or ()), "model": model}
    return ApiCall("POST", "/api/v1/analyze-complexity", {"json": body}, "complexity_analysis")


def context(
    messages: Messages, file_ids: Sequence[str], budget: int | None, model: str | None
) -> ApiCall[dict[str, Any]]:
    """What of some files a model would be given for a question, without an answer."""
    body = {"messages": list(messages), "file_ids": list(file_ids), "budget": budget, "model": model}
    return ApiCall("POST", "/api/v1/context", {"json": body}, "context")


@contextmanager
def upload(file_path: str | Path, progress: Progress | None) -> Iterator[ApiCall[Upload]]:
    """An upload, whose file is open inside the `with`."""
    path = Path(file_path)
    with path.open("rb") as source:
        files = {"file": (path.name, ProgressReader(source, path, progress))}
        yield ApiCall("POST", "/api/v1/upload", {"files": files}, single_try=True)


@contextmanager
def transcribe_file(file_path: str | Path, options: Mapping[str, Any]) -> Iterator[ApiCall[Any]]:
    """A transcription of a file that the service does not keep; it is open inside the `with`."""
    path = Path(file_path)
    with path.open("rb") as source:
        parts = {"files": {"file": (path.name, source)}, "data": {"model": "whisper-1", **options}}
        yield ApiCall("POST", "/v1/audio/transcriptions", parts, single_try=True)


def transcribe(file_id: str, query: Mapping[str, Any]) -> ApiCall[Transcription]:
    """A transcription of an upload."""
    return ApiCall("POST", f"/api/v1/transcribe/{_quoted(file_id)}", {"params": dict(query)})


def feedback(request_id: str, score: float) -> ApiCall[dict[str, Any]]:
    """Feedback on an answer, 0 to 1."""
    return ApiCall("POST", "/api/v1/feedback", {"json": {"request_id": request_id, "score": score}})


def feedback_on_many(judgements: Sequence[Mapping[str, Any]]) -> ApiCall[dict[str, Any]]:
    """Feedback on many answers: each a `request_id` with a `score` (0 to 1) or a `signal`."""
    return ApiCall("POST", "/api/v1/feedback", {"json": {"feedback": [dict(one) for one in judgements]}})


def load_test(endpoint: str, concurrent_users: int, requests_per_user: int) -> ApiCall[dict[str, Any]]:
    """A load test of a path of the service."""
    query = {"endpoint": endpoint, "concurrent_users": concurrent_users, "requests_per_user": requests_per_user}
    return ApiCall("POST", "/api/v1/performance/load-test", {"params": query}, "load_test_results")


def file(file_id: str) -> ApiCall[FileRecord]:
    """The record of an upload."""
    return ApiCall("GET", f"/api/v1/files/{_quoted(file_id)}")


def file_content(file_id: str) -> ApiCall[dict[str, Any]]:
    """The Document of an upload."""
    return ApiCall("GET", f"/api/v1/files/{_quoted(file_id)}/content")


def delete_file(file_id: str) -> ApiCall[dict[str, Any]]:
    """The deletion of an upload."""
    return ApiCall("DELETE", f"/api/v1/files/{_quoted(file_id)}")


def model(model_id: str) -> ApiCall[ModelEntry]:
    """The entry of one model, whose id may have slashes."""
    return ApiCall("GET", f"/api/v1/models/{quote(model_id, safe='/')}")


FILES: ApiCall[list[FileRecord]] = ApiCall("GET", "/api/v1/files", pick="files")
MODELS: ApiCall[list[ModelEntry]] = ApiCall("GET", "/api/v1/models", pick="data")
HEALTH: ApiCall[dict[str, str]] = ApiCall("GET", "/health")
MONITORING: ApiCall[dict[str, Any]] = ApiCall("GET", "/api/v1/monitoring/health")
METRICS: ApiCall[dict[str, Any]] = ApiCall("GET", "/api/v1/performance/metrics")
PROMETHEUS: ApiCall[str] = ApiCall("GET", "/metrics")


class ProgressReader:
    """A file for httpx to upload, which reports how far it has been read."""

    def __init__(self, source: BinaryIO, path: Path, progress: Progress | None):
        self._source = source
        self._size = path.stat().st_size
        self._progress = progress
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; reports (bytes read, bytes in all), StoppedError where that asks to stop."""
        data = self._source.read(size)
        self._read += len(data)
        if not report_progress(self._progress, self._read, self._size):
            raise StoppedError.of("the upload")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file; httpx finds the length by it."""
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        """The position in bytes."""
        return self._source.tell()

    def fileno(self) -> int:
        """The descriptor, by which httpx asks for the length."""
        return self._source.fileno()


def error_of(response: httpx.Response) -> ServiceError:
    """The error in a response of status 400 or above, whose body must have been read."""
    try:
        detail = str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"the service answered {response.status_code}"
    seconds = response.headers.get("retry-after", "")
    retry_after = float(seconds) if seconds.isdecimal() else None
    return ServiceError(detail, "", response.status_code, response.headers.get("x-request-id"), retry_after)


def connection_error(base_url: object, error: httpx.TransportError) -> ServiceError:
    """What to raise where no answer came: UnreachableError where another try will not mend it."""
    if isinstance(error, httpx.TimeoutException):
        return UnreachableError(f"{base_url} did not answer in time", "raise `timeout`, or ask a smaller model")
    if isinstance(error, httpx.UnsupportedProtocol):
        return UnreachableError(f"{base_url} is no address of a service", "begin it with http:// or https://")
    return ServiceError(f"no service at {base_url}: {error}", "start it: autopicker serve", 0)


def pause_s(attempt: int, retries: int, call: ApiCall[Any], error: ServiceError) -> float:
    """Seconds before another try: what the service says, or twice the last pause with jitter.

    Raises:
        ServiceError: `error` itself, where there is to be no other try.
    """
    not_reached = error.status == 0 and not isinstance(error, UnreachableError)
    if attempt >= retries or call.single_try or not (not_reached or error.status in RETRIED):
        raise error
    if error.retry_after is not None:
        return min(error.retry_after, _LONGEST_PAUSE_S)
    doubled: float = min(0.5 * 2**attempt, _LONGEST_PAUSE_S)
    return doubled * random.uniform(0.5, 1.0)


class EventTextReader:
    """Reads the lines of a stream; `done` once its last event, [DONE], has come."""

    def __init__(self) -> None:
        self.done = False

    def read(self, line: str) -> Iterator[dict[str, Any]]:
        """The chunk of a line, if it has one; ServiceError where it is an error."""
        if not line.startswith("data:"):
            return
        data = line[5:].strip()
        if data == "[DONE]":
            self.done = True
            return
        try:
            chunk = json.loads(data)
        except json.JSONDecodeError:
            raise UpstreamError("the answer broke off within an event", "ask again") from None
        if "error" in chunk:
            raise ServiceError(str(chunk.get("detail")), status=int(chunk.get("status_code", 502)))
        yield chunk

    def check(self) -> None:
        """UpstreamError where a stream ended without its end."""
        if not self.done:
            raise UpstreamError("the answer was cut short", "ask again")


def texts(chunk: Mapping[str, Any]) -> Iterator[str]:
    """The pieces of text in one chunk object."""
    for choice in chunk["choices"]:
        text = choice["delta"].get("content")
        if text:
            yield text


def _quoted(name: str) -> str:
    return quote(name, safe="")
