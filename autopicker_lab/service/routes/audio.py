"""Speech to text: of an upload, and in OpenAI's shape."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from autopicker_lab.core import InvalidRequestError, SourceFile, SpeechOptions
from autopicker_lab.extraction import check_size, open_source
from autopicker_lab.service.request.uploads import UploadRoute, upload_name
from autopicker_lab.service.routes.transcripts import AudioAnswer, ResponseFormat, TranscriptStream, transcript_response
from autopicker_lab.service.state import Files, ServiceState, State, while_connected

router = APIRouter(tags=["audio"], route_class=UploadRoute)
Task = Literal["transcribe", "translate"]
_LANGUAGE = "ISO 639-1 code, English name or locale (de, German, de-AT); omitted: detected"
_PROMPT = "text that could have gone before, for names and style"
_MOST_TEXT = 100_000
_SPEAKERS = "diarized_json"  # OpenAI's
_NO_SPEAKERS = "use verbose_json: of a call with a voice on each channel its segments name the `speaker`"


class TranscriptionQuery(BaseModel):
    """How an upload is to be heard."""

    model_config = ConfigDict(extra="forbid")

    language: str | None = Field(None, description=_LANGUAGE, max_length=64)
    task: Task = "transcribe"
    word_timestamps: bool = False
    prompt: str | None = Field(None, description=_PROMPT, max_length=_MOST_TEXT)
    hotwords: str | None = Field(None, description="words that are likely to be said", max_length=_MOST_TEXT)
    temperature: float | None = Field(None, description="of the sampling, 0 to 1; omitted: raised where it helps")

    def options(self) -> SpeechOptions:
        """As the recogniser takes them."""
        return SpeechOptions(
            self.language,
            self.task,
            self.word_timestamps,
            prompt=self.prompt,
            hotwords=self.hotwords,
            temperature=self.temperature,
        )


class AudioForm(BaseModel):
    """Options of OpenAI's audio routes; one that is not among them is refused, so that none is passed over."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    model: str = Field("whisper-1", description="of no effect: WHISPER_MODEL says what is used", max_length=256)
    language: str | None = Field(None, description=_LANGUAGE, max_length=64)
    prompt: str | None = Field(None, description=_PROMPT, max_length=_MOST_TEXT)
    hotwords: str | None = Field(None, description="words that are likely to be said", max_length=_MOST_TEXT)
    temperature: float | None = Field(None, description="of the sampling, 0 to 1; omitted: raised where it helps")
    response_format: ResponseFormat = "json"
    timestamp_granularities: list[Literal["word", "segment"]] = Field(
        default_factory=list, alias="timestamp_granularities[]", description="of verbose_json, and words of vtt"
    )
    include: list[Literal["logprobs"]] = Field(
        default_factory=list, alias="include[]", description="logprobs: of each word, with json"
    )
    vad_filter: bool | None = Field(None, description="false: hear what the voice filter would pass over, too")
    chunking_strategy: Literal["auto"] | None = Field(None, description="recordings are always cut at pauses")
    stream: bool = Field(False, description="events of the text as it is recognised")
    user: str | None = Field(None, description="of no effect", max_length=1024)

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, given: Any) -> Any:
        """Lists whose name has no brackets, and those in one field: `word,segment` or JSON."""
        if not isinstance(given, dict):
            return given
        given = dict(given)
        if given.get("response_format") == _SPEAKERS:
            raise _conflict("speakers who share a channel are not told apart", _NO_SPEAKERS, "response_format")
        for name in ("timestamp_granularities", "include"):
            values = [given.pop(key) for key in (name, f"{name}[]") if key in given]
            texts = [text for value in values for text in (value if isinstance(value, list) else [value])]
            given[name] = [part for text in texts for part in re.findall(r"[^\s,\[\]\"']+", str(text))]
        return given

    def answer(self, task: Task) -> AudioAnswer:
        """How the transcript is to be worded.

        Raises:
            InvalidRequestError: two options do not go together.
        """
        words, probable = "word" in self.timestamp_granularities, bool(self.include)
        form = self.response_format
        if self.stream and form not in ("json", "text"):
            raise _conflict(f"'stream' has no response_format '{form}'", "use json", "response_format")
        if words and (self.stream or form not in ("verbose_json", "vtt")):
            hint = "use response_format verbose_json, or vtt, without stream"
            raise _conflict(f"'{form}' has no words with times", hint, "timestamp_granularities")
        if probable and form not in ("json", "verbose_json"):
            raise _conflict(f"'{form}' has no logprobs", "use response_format json", "include")
        return AudioAnswer(form, task, words, probable)

    def options(self, task: Task) -> SpeechOptions:
        """As the recogniser takes them."""
        words = "word" in self.timestamp_granularities or bool(self.include)
        return SpeechOptions(
            self.language or None,
            task,
            words,
            self.vad_filter,
            prompt=self.prompt,
            hotwords=self.hotwords,
            temperature=self.temperature,
        )


class AudioUpload(AudioForm):
    """The form with the recording."""

    file: UploadFile = File()


def _conflict(detail: str, hint: str, param: str) -> InvalidRequestError:
    return InvalidRequestError(detail, hint, param=param)


@router.post("/transcribe/{file_id:path}", summary="Transcribe an uploaded recording")
async def transcribe_upload(
    file_id: str, request: Request, state: State, files: Files, query: Annotated[TranscriptionQuery, Query()]
) -> dict[str, Any]:
    """The whole text, its segments with their times in seconds, and warnings of what is doubtful in it."""
    file = await asyncio.to_thread(files.open, file_id)
    if file.category != "audio":
        hint = "upload a recording, or a film with sound"
        raise InvalidRequestError(f"'{file.name}' is not an audio file", hint, param="file_id")
    transcribe = state.lab.reader.transcribe
    transcript = await while_connected(request, lambda: transcribe(file, query.options()))
    found = transcript.to_dict()
    return {
        "file_id": file_id,
        "filename": file.name,
        "transcription": transcript.text,
        "language": transcript.language,
        "duration": transcript.duration,
        "type": "audio",
        "segments": found["segments"],
        "warnings": found["warnings"],
    }


@router.post("/audio/transcriptions", summary="Transcribe, OpenAI's format", response_class=Response)
async def openai_transcriptions(request: Request, state: State, form: Annotated[AudioUpload, Form()]) -> Response:
    """`model` is accepted for the clients' sake: the service transcribes with the one that WHISPER_MODEL names."""
    return await _answer(request, state, form, "transcribe")


@router.post("/audio/translations", summary="Translate into English, OpenAI's format", response_class=Response)
async def openai_translations(request: Request, state: State, form: Annotated[AudioUpload, Form()]) -> Response:
    """What is said in the recording, in English; see the transcriptions for `model`."""
    return await _answer(request, state, form, "translate")


async def _answer(request: Request, state: ServiceState, form: AudioUpload, task: Task) -> Response:
    answer, options = form.answer(task), form.options(task)
    source = await _received(form.file, state)
    if form.stream:
        return TranscriptStream(state, source, options, answer)
    transcript = await while_connected(request, lambda: state.lab.reader.transcribe(source, options))
    return await asyncio.to_thread(transcript_response, transcript, answer)


async def _received(file: UploadFile, state: ServiceState) -> SourceFile:
    limit = state.lab.settings.max_file_size
    name = upload_name(file, "recording")
    check_size(name, file.size if file.size is not None else 1, limit)
    return await asyncio.to_thread(open_source, await file.read(limit + 1), name, limit)
