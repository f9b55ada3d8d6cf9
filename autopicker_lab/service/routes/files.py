"""Uploads: take a file, list, describe, read and delete."""

from __future__ import annotations

import asyncio
from typing import Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import Response

from autopicker_lab.extraction import check_size, open_source
from autopicker_lab.service.request.uploads import UploadRoute, upload_name
from autopicker_lab.service.state import Files, ServiceState, State, while_connected
from autopicker_lab.storage import FileStore, OwnedFiles, StoredFile

router = APIRouter(tags=["files"], route_class=UploadRoute)
_PURPOSE = "user_data"  # OpenAI's word for a file of any use
_BYTES = ("application/binary", "application/octet-stream")


@router.post("/upload", summary="Upload a file")
async def upload(
    request: Request, state: State, files: Files, file: UploadFile = File(description="any of the 22 formats")
) -> dict[str, Any]:
    """The file is read at once, so that one that cannot be read is refused now; nothing of it is kept then."""
    return await _stored(request, state, files, file)


@router.post("/files", summary="Upload a file, OpenAI's format")
async def create_file(
    request: Request,
    state: State,
    files: Files,
    file: UploadFile = File(description="any of the 22 formats"),
    purpose: str = Form(_PURPOSE, max_length=64),
) -> dict[str, Any]:
    """As an upload; `purpose` is kept for whoever lists the files."""
    return await _stored(request, state, files, file, purpose)


async def _stored(
    request: Request, state: ServiceState, files: FileStore | OwnedFiles, file: UploadFile, purpose: str = ""
) -> dict[str, Any]:
    limit = state.lab.settings.max_file_size
    name = upload_name(file, "file")
    check_size(name, file.size if file.size is not None else 1, limit)
    data = await file.read(limit + 1)
    source = await asyncio.to_thread(open_source, data, name, limit)
    preview = await while_connected(request, lambda: state.lab.reader.preview(source))
    stored = await asyncio.to_thread(files.put, source, purpose=purpose)
    if source.category != "audio" and (file_context := state.lab.pipeline.file_context).has_encoder:
        file_context.expect(await state.lab.reader.read(source))
    return {
        **_file_entry(stored),
        "original_filename": name,
        "content_preview": preview,
        "warnings": list(stored.warnings),
    }


@router.get("/files", summary="All uploads")
async def list_files(
    files: Files,
    purpose: str | None = None,
    order: Literal["asc", "desc"] = "asc",
    after: str | None = Query(None, description="the id of the last file of the page before"),
    limit: int | None = Query(None, ge=1, le=10_000),
) -> dict[str, Any]:
    """The uploads that the caller may see, oldest first; `files` and OpenAI's `data` are the same."""
    records = [r for r in await asyncio.to_thread(files.list) if purpose in (None, r.purpose or _PURPOSE)]
    if order == "desc":
        records.reverse()
    if after is not None:
        place = next((i for i, record in enumerate(records) if record.id == after), len(records))
        records = records[place + 1 :]
    rows = [_file_entry(record) for record in records[:limit]]
    ends = {"first_id": rows[0]["id"] if rows else None, "last_id": rows[-1]["id"] if rows else None}
    more = len(rows) < len(records)
    return {"files": rows, "count": len(rows), "object": "list", "data": rows, "has_more": more, **ends}


@router.get("/files/{file_id:path}/content", summary="What was read out of an upload", response_model=None)
async def file_content(file_id: str, request: Request, state: State, files: Files) -> dict[str, Any] | Response:
    """The Document as JSON; a recording is transcribed. OpenAI's clients, which accept bytes, get the file's bytes."""
    record = await asyncio.to_thread(files.get, file_id)
    if _wants_bytes(request):
        source = await asyncio.to_thread(state.lab.files.load, record)
        return Response(source.data, media_type="application/octet-stream", headers=_attachment(record.name))
    read = state.lab.reader.read_upload
    document = await while_connected(request, lambda: read(record, state.lab.files.load))
    return {"id": file_id, **document.to_dict()}


@router.get("/files/{file_id:path}", summary="About one upload")
async def file_record(file_id: str, files: Files) -> dict[str, Any]:
    """Name, type, size and checksum, and what was odd about the file."""
    record = await asyncio.to_thread(files.get, file_id)
    return {**_file_entry(record), "sha256": record.sha256, "warnings": list(record.warnings)}


@router.delete("/files/{file_id:path}", summary="Forget an upload")
async def delete_file(file_id: str, files: Files) -> dict[str, Any]:
    """Its bytes go with the last upload that has the same."""
    await asyncio.to_thread(files.delete, file_id)
    return {"id": file_id, "object": "file", "deleted": True}


def _wants_bytes(request: Request) -> bool:
    """Whether a caller asks for the file itself: by its Accept header, or as a client of OpenAI's."""
    accept = request.headers.get("accept", "")
    return "x-stainless-lang" in request.headers or any(kind in accept for kind in _BYTES)


def _attachment(name: str) -> dict[str, str]:
    """Headers by which a browser saves a file and never shows it: it may hold scripts."""
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
    return {"content-disposition": disposition, "x-content-type-options": "nosniff"}


def _file_entry(record: StoredFile) -> dict[str, Any]:
    return {
        "object": "file",
        "type": "file",  # this and size_bytes are Anthropic's
        "size_bytes": record.size,
        "bytes": record.size,
        "purpose": record.purpose or _PURPOSE,
        "status": "processed",
        "id": record.id,
        "filename": record.name,
        "size": record.size,
        "created_at": int(record.created_at),
        "mime_type": record.media_type,
        "file_type": record.kind,
    }
