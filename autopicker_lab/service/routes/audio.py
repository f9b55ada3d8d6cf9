"""Speech to text: of an upload, and in OpenAI's shape."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import Response

from autopicker_lab.core import InvalidRequestError, SourceFile, SpeechOptions
from autopicker_lab.extraction import check_size, open_source
from autopicker_lab.service.request.uploads import UploadRoute, upload_name
from autopicker_lab.service.routes.transcripts import ResponseFormat, TranscriptStream, transcript_response
from autopicker_lab.service.state import Files, ServiceState, State, while_connected

router = APIRouter(tags=["audio"], route_class=UploadRoute)
Task = Literal["transcribe", "translate"]


@router.post("/transcribe/{file_id}", summary="Transcribe an uploaded recording")
async def transcribe_upload(
    file_id: str,
    request: Request,
    state: State,
    files: Files,
    language: str | None = Query(None, description="ISO 639-1 code; omitted: detected"),
    task: Task = "transcribe",
    word_timestamps: bool = False,
) -> dict[str, Any]:
    """The whole text, and its segments with their times in seconds."""
    file = await asyncio.to_thread(files.open, file_id)
    if file.category != "audio":
        hint = "upload MP3, WAV, M4A, OGG or FLAC"
        raise InvalidRequestError(f"'{file.name}' is not an audio file", hint, param="file_id")
    transcribe = state.lab.reader.transcribe
    transcript = await while_connected(
        request, lambda: transcribe(file, SpeechOptions(language, task, word_timestamps))
    )
    return {
        "file_id": file_id,
        "filename": file.name,
        "transcription": transcript.text,
        "language": transcript.language,
        "duration": transcript.duration,
        "type": "audio",
        "segments": transcript.to_dict()["segments"],
    }


@router.post("/audio/transcriptions", summary="Transcribe, OpenAI's format", response_class=Response)
async def openai_transcriptions(
    request: Request,
    state: State,
    file: UploadFile = File(),
    model: str = Form("whisper-1"),
    language: str | None = Form(None),
    response_format: ResponseFormat = Form("json"),
    timestamp_granularities: list[str] = Form([], alias="timestamp_granularities[]"),
    stream: bool = Form(False, description="events of the text as it is recognised"),
) -> Response:
    """`model` is accepted for the clients' sake: the service transcribes with the one that WHISPER_MODEL names."""
    source = await _received(file, state)
    options = SpeechOptions(language or None, words="word" in timestamp_granularities)
    if stream:
        if response_format not in ("json", "text"):
            detail = f"'stream' has no response_format '{response_format}'"
            raise InvalidRequestError(detail, "use json", param="response_format")
        return TranscriptStream(state, source, options)
    transcribe = state.lab.reader.transcribe
    transcript = await while_connected(request, lambda: transcribe(source, options))
    return transcript_response(transcript, response_format)


@router.post("/audio/translations", summary="Translate a recording into English, OpenAI's format")
async def openai_translations(
    request: Request,
    state: State,
    file: UploadFile = File(),
    model: str = Form("whisper-1"),
    response_format: ResponseFormat = Form("json"),
) -> Response:
    """What is said in the recording, in English; see the transcriptions for `model`."""
    source = await _received(file, state)
    transcript = await while_connected(
        request, lambda: state.lab.reader.transcribe(source, SpeechOptions(task="translate"))
    )
    return transcript_response(transcript, response_format, task="translate")


async def _received(file: UploadFile, state: ServiceState) -> SourceFile:
    limit = state.lab.settings.max_file_size
    name = upload_name(file, "recording")
    check_size(name, file.size if file.size is not None else 1, limit)
    return await asyncio.to_thread(open_source, await file.read(limit + 1), name, limit)
