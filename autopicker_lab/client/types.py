"""The types of what the service answers: dicts of the JSON itself, so that fields added later are there, too."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Upload(TypedDict):
    """The answer to an upload; `size` in bytes, `content_preview` the first 500 characters of the text."""

    id: str
    filename: str
    original_filename: str
    size: int
    mime_type: str
    content_preview: str
    file_type: str
    warnings: NotRequired[list[str]]


class FileRecord(TypedDict):
    """An upload in a list; `size` in bytes, `created_at` in Unix seconds."""

    id: str
    filename: str
    size: int
    created_at: float
    mime_type: str
    file_type: str


class Routing(TypedDict):
    """Why an answer came from its model; `complexity_score` from 0 to 100."""

    complexity_score: float
    selected_model: str
    reason: str
    fallback_used: bool


class Completion(TypedDict):
    """OpenAI's chat.completion; `routing` says why this model answered, the file fields where files were named."""

    id: str
    object: str
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, Any]
    routing: NotRequired[Routing]
    files_processed: NotRequired[int]
    file_errors: NotRequired[list[dict[str, str]]]
    context: NotRequired[dict[str, list[str]]]


class Analysis(TypedDict):
    """The complexity (0 to 100) and route of a request, with every candidate."""

    complexity_score: float
    selected_model: str
    reasoning: dict[str, Any]
    candidates: list[dict[str, Any]]
    estimated_tokens: int
    estimated_cost_usd: float


class Transcription(TypedDict):
    """What is said in an upload; `duration` in seconds."""

    file_id: str
    filename: str
    transcription: str
    language: str
    duration: float
    type: str
    segments: list[dict[str, Any]]
    warnings: list[str]


class LiveText(TypedDict):
    """Words while they are said; times in seconds.

    `type` is settled, partial or done; `delay` is how long after it was said the last word, at the end the median one,
    was written.
    """

    type: str
    text: str
    words: NotRequired[list[dict[str, Any]]]
    received: NotRequired[float]
    delay: NotRequired[float | None]
    language: NotRequired[str | None]
    duration: NotRequired[float]


class ModelEntry(TypedDict):
    """A model of the catalogue; `available` says whether it answers now."""

    id: str
    object: str
    created: int
    owned_by: str
    capabilities: list[str]
    available: bool
