"""A client of the service for Python programs that do not want the lab itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from autopicker_lab.core import AutopickerError, UpstreamError


class ServiceError(AutopickerError):
    """The service refused or failed; `status` is its HTTP status."""

    def __init__(self, detail: str, hint: str = "", status: int = 500):
        super().__init__(detail, hint)
        self.status = status


class AutopickerClient:
    """Talks to a running service.

    Args:
        base_url: where it listens.
        api_key: its key, if it has one.
        timeout: seconds to wait for the next piece of an answer.
    """

    def __init__(self, base_url: str = "http://localhost:8001", api_key: str | None = None, timeout: float = 120.0):
        headers = {"X-API-Key": api_key} if api_key else {}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=timeout)

    def upload_file(self, file_path: str | Path) -> dict[str, Any]:
        """Upload a file; the answer's `id` goes into `file_ids`."""
        path = Path(file_path)
        with path.open("rb") as file:
            return self._json("POST", "/api/v1/upload", files={"file": (path.name, file)})

    def files(self) -> list[dict[str, Any]]:
        """All uploads."""
        found: list[dict[str, Any]] = self._json("GET", "/api/v1/files")["files"]
        return found

    def delete_file(self, file_id: str) -> None:
        self._json("DELETE", f"/api/v1/files/{file_id}")

    def chat(
        self, messages: Sequence[Mapping[str, Any]], file_ids: Sequence[str] | None = None, **options: Any
    ) -> dict[str, Any]:
        """A whole answer, as OpenAI's chat.completion; `options` are OpenAI's."""
        return self._json("POST", _chat_path(file_ids), json=_chat_body(messages, file_ids, options))

    def stream(
        self, messages: Sequence[Mapping[str, Any]], file_ids: Sequence[str] | None = None, **options: Any
    ) -> Iterator[str]:
        """The pieces of an answer's text as they come; ServiceError where it breaks off."""
        body = _chat_body(messages, file_ids, {**options, "stream": True})
        with self._http.stream("POST", _chat_path(file_ids), json=body) as response:
            if response.is_error:
                response.read()
                raise _error(response)
            for line in response.iter_lines():
                data = line.removeprefix("data:").strip()
                if data == "[DONE]":
                    return
                if line.startswith("data:"):
                    chunk = json.loads(data)
                    if "error" in chunk:
                        raise ServiceError(str(chunk.get("detail")), status=int(chunk.get("status_code", 502)))
                    yield from (c["delta"].get("content") or "" for c in chunk["choices"])
        raise UpstreamError("the answer was cut short", "ask again")

    def analyze(self, messages: Sequence[Mapping[str, Any]], file_ids: Sequence[str] | None = None) -> dict[str, Any]:
        """Complexity and route of a request, without asking a model."""
        body = {"messages": list(messages), "file_ids": list(file_ids or ())}
        found: dict[str, Any] = self._json("POST", "/api/v1/analyze-complexity", json=body)["complexity_analysis"]
        return found

    def transcribe(self, file_id: str, **query: Any) -> dict[str, Any]:
        """What is said in an uploaded recording."""
        return self._json("POST", f"/api/v1/transcribe/{file_id}", params=query)

    def models(self) -> list[dict[str, Any]]:
        """The catalogue."""
        found: list[dict[str, Any]] = self._json("GET", "/api/v1/models")["data"]
        return found

    def feedback(self, request_id: str, score: float) -> None:
        """Say how good an answer was, 0 to 1."""
        self._json("POST", "/api/v1/feedback", json={"request_id": request_id, "score": score})

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> AutopickerClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, **options)
        except httpx.ConnectError as error:
            raise ServiceError(f"no service at {self._http.base_url}", "start it: autopicker serve", 503) from error
        if response.is_error:
            raise _error(response)
        found: dict[str, Any] = response.json()
        return found


def _chat_path(file_ids: Sequence[str] | None) -> str:
    return "/api/v1/chat/multimodal-audio" if file_ids else "/api/v1/chat/completions"


def _chat_body(
    messages: Sequence[Mapping[str, Any]], file_ids: Sequence[str] | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": list(messages), **options}
    if file_ids:
        body["file_ids"] = list(file_ids)
    return body


def _error(response: httpx.Response) -> ServiceError:
    try:
        detail = str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"the service answered {response.status_code}"
    return ServiceError(detail, status=response.status_code)
