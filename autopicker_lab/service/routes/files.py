"""Uploads: take a file, list, describe, read and delete."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, File, Request, UploadFile

from autopicker_lab.extraction import check_size, open_source
from autopicker_lab.service.request.uploads import UploadRoute, upload_name
from autopicker_lab.service.state import Files, State, while_connected
from autopicker_lab.storage import StoredFile

router = APIRouter(tags=["files"], route_class=UploadRoute)


@router.post("/upload", summary="Upload a file")
async def upload(
    request: Request, state: State, files: Files, file: UploadFile = File(description="any of the 22 formats")
) -> dict[str, Any]:
    """The file is read at once, so that one that cannot be read is refused now; nothing of it is kept then."""
    limit = state.lab.settings.max_file_size
    name = upload_name(file, "file")
    check_size(name, file.size if file.size is not None else 1, limit)
    data = await file.read(limit + 1)
    source = await asyncio.to_thread(open_source, data, name, limit)
    preview = await while_connected(request, lambda: state.lab.reader.preview(source))
    stored = await asyncio.to_thread(files.put, source)
    return {
        **_file_entry(stored),
        "original_filename": name,
        "content_preview": preview,
        "warnings": list(stored.warnings),
    }


@router.get("/files", summary="All uploads")
async def list_files(files: Files) -> dict[str, Any]:
    """The uploads that the caller may see, oldest first."""
    records = await asyncio.to_thread(files.list)
    return {"files": [_file_entry(record) for record in records], "count": len(records)}


@router.get("/files/{file_id}", summary="About one upload")
async def file_record(file_id: str, files: Files) -> dict[str, Any]:
    """Name, type, size and checksum, and what was odd about the file."""
    record = await asyncio.to_thread(files.get, file_id)
    return {**_file_entry(record), "sha256": record.sha256, "warnings": list(record.warnings)}


@router.get("/files/{file_id}/content", summary="What was read out of an upload")
async def file_content(file_id: str, request: Request, state: State, files: Files) -> dict[str, Any]:
    """The Document as JSON; a recording is transcribed."""
    record = await asyncio.to_thread(files.get, file_id)
    read = state.lab.reader.read_upload
    document = await while_connected(request, lambda: read(record, state.lab.files.load))
    return {"id": file_id, **document.to_dict()}


@router.delete("/files/{file_id}", summary="Forget an upload")
async def delete_file(file_id: str, files: Files) -> dict[str, Any]:
    """Its bytes go with the last upload that has the same."""
    await asyncio.to_thread(files.delete, file_id)
    return {"id": file_id, "object": "file", "deleted": True}


def _file_entry(record: StoredFile) -> dict[str, Any]:
    return {
        "id": record.id,
        "filename": record.name,
        "size": record.size,
        "created_at": record.created_at,
        "mime_type": record.media_type,
        "file_type": record.kind,
    }
