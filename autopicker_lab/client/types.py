"""What the service answers, by name: the objects are the JSON's own, so that fields added later are there, too."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Upload(TypedDict):
    id: str
    filename: str
    original_filename: str
    size: int
    mime_type: str
    content_preview: str
    file_type: str
    warnings: NotRequired[list[str]]


class FileRecord(TypedDict):
    id: str
    filename: str
    size: int
    created_at: float
    mime_type: str
    file_type: str


class Routing(TypedDict):
    complexity_score: float
    selected_model: str
    reason: str
    fallback_used: bool


class Completion(TypedDict):
    """OpenAI's chat.completion; `routing` where the model was chosen, the file fields where files were named."""

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
    complexity_score: float
    selected_model: str
    reasoning: dict[str, Any]
    candidates: list[dict[str, Any]]
    estimated_tokens: int
    estimated_cost_usd: float


class Transcription(TypedDict):
    file_id: str
    filename: str
    transcription: str
    language: str
    duration: float
    type: str
    segments: list[dict[str, Any]]


class ModelEntry(TypedDict):
    id: str
    object: str
    created: int
    owned_by: str
    capabilities: list[str]
    available: bool
