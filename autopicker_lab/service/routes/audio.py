"""Speech to text: of an upload, and in OpenAI's shape."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import PlainTextResponse, Response

from autopicker_lab.core import InvalidRequestError, Transcript
from autopicker_lab.extraction import check_size, open_source
from autopicker_lab.service.request.uploads import UploadRoute, upload_name
from autopicker_lab.service.state import Files, State, while_connected

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
        request, lambda: transcribe(file, language=language, task=task, word_timestamps=word_timestamps)
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


@router.post("/audio/transcriptions", summary="Transcribe, OpenAI's format")
async def openai_transcriptions(
    request: Request,
    state: State,
    file: UploadFile = File(),
    model: str = Form("whisper-1"),
    language: str | None = Form(None),
    response_format: Literal["json", "text", "srt", "vtt", "verbose_json"] = Form("json"),
    timestamp_granularities: list[str] = Form([], alias="timestamp_granularities[]"),
) -> Response:
    """`model` is accepted for the clients' sake: the service transcribes with the one that WHISPER_MODEL names."""
    limit = state.lab.settings.max_file_size
    name = upload_name(file, "recording")
    check_size(name, file.size if file.size is not None else 1, limit)
    source = await asyncio.to_thread(open_source, await file.read(limit + 1), name, limit)
    words = "word" in timestamp_granularities
    transcribe = state.lab.reader.transcribe
    transcript = await while_connected(request, lambda: transcribe(source, language=language, word_timestamps=words))
    return _formatted(transcript, response_format)


def _formatted(transcript: Transcript, response_format: str) -> Response:
    from fastapi.responses import JSONResponse

    if response_format == "text":
        return PlainTextResponse(transcript.text + "\n")
    if response_format == "srt":
        return PlainTextResponse(transcript.to_srt())
    if response_format == "vtt":
        return PlainTextResponse(transcript.to_vtt())
    if response_format == "json":
        return JSONResponse({"text": transcript.text})
    rows = transcript.to_dict()["segments"]
    body: dict[str, Any] = {
        "task": "transcribe",
        "language": transcript.language,
        "duration": transcript.duration,
        "text": transcript.text,
        "segments": [{"id": i, **{k: v for k, v in row.items() if k != "words"}} for i, row in enumerate(rows)],
    }
    if any("words" in row for row in rows):
        body["words"] = [word for row in rows for word in row.get("words", ())]
    return JSONResponse(body)
