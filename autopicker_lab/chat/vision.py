"""The pictures of a request as its model takes them: one way for uploads and for data URLs in messages."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.chat.reader import Attachment, Reader
    from autopicker_lab.core import Message, ModelSpec, SourceFile, Vision

_TAKEN: Mapping[str, tuple[str, ...]] = {"ollama": ("jpg", "png")}  # by provider
_ALL = ("jpg", "png", "webp")
_ROOM = 20  # pictures that tiles and frames may make of a request to a model whose limit is not known

Part = Mapping[str, Any]


@dataclass
class ShownPictures:
    """Messages whose pictures are ready for a model.

    Attributes:
        uploads: parts with the pictures that were uploaded.
        warnings: what was changed, a line a picture.
    """

    messages: Sequence[Message]
    uploads: list[Part] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


async def show_pictures(
    messages: Sequence[Message], uploads: Sequence[Attachment], spec: ModelSpec, reader: Reader
) -> ShownPictures:
    """Make the pictures of a request ready for a model, as its `vision` says; the earliest go where it takes no more.

    Raises:
        UnsupportedFileError, CorruptFileError: a picture in a message is none, or cannot be read.
    """
    count = sum([len(message.image_urls) for message in messages]) + len(uploads)
    if not count:
        return ShownPictures(messages)
    vision = replace(spec.vision, formats=spec.vision.formats or _TAKEN.get(spec.provider, _ALL))
    if vision.raw:
        files = [await asyncio.to_thread(upload.load) for upload in uploads]
        return ShownPictures(messages, [await _part(file) for file in files])
    return await _Showing(reader, vision, count).of(messages, uploads)


class _Showing:
    """The making ready of one request's pictures, which are counted as they come."""

    def __init__(self, reader: Reader, vision: Vision, count: int):
        self._reader = reader
        self._vision = vision
        self._room = max((vision.pictures or _ROOM) // count, 1)
        self._left_out = max(count - vision.pictures, 0) if vision.pictures else 0
        self._number = 0
        self._warnings: list[str] = []

    async def of(self, messages: Sequence[Message], uploads: Sequence[Attachment]) -> ShownPictures:
        shown = [await self._message(message) for message in messages]
        parts = [part for upload in uploads for part in await self._upload(upload)]
        if self._left_out:
            self._warnings.append(
                f"the first {self._left_out} pictures left out: the model takes {self._vision.pictures}"
            )
        return ShownPictures(shown, parts, self._warnings)

    async def _message(self, message: Message) -> Message:
        if not message.image_urls or not isinstance(message.content, tuple):
            return message
        parts: list[Part] = []
        for part in message.content:
            parts += await self._picture(part) if part["type"] == "image_url" else [part]
        return replace(message, content=tuple(parts))

    async def _picture(self, part: Part) -> list[Part]:
        """A part with a picture as those it is sent as; its detail is kept."""
        self._number += 1
        name = f"picture {self._number}"
        if self._number <= self._left_out:
            return [{"type": "text", "text": f"[{name} left out]"}]
        value = part["image_url"]
        fields = dict(value) if isinstance(value, Mapping) else {"url": value}
        url = str(fields["url"])
        if url[:5].lower() != "data:":
            return [part]  # an address, which the model's server fetches
        room = 1 if fields.get("detail") == "low" else self._room
        made = await self._reader.show(url, name, self._vision, room)
        self._note(name, made.changes)
        if not made.changes and url.lower().startswith(f"data:{made.files[0].media_type};base64,"):
            return [part]
        urls = [await asyncio.to_thread(_data_url, file) for file in made.files]
        return [{**part, "image_url": {**fields, "url": made_url}} for made_url in urls]

    async def _upload(self, upload: Attachment) -> list[Part]:
        self._number += 1
        name = upload.document.name
        if self._number <= self._left_out:
            return []
        file = await asyncio.to_thread(upload.load)
        made = await self._reader.show(file, name, self._vision, self._room)
        self._note(name, made.changes)
        return [await _part(made_file) for made_file in made.files]

    def _note(self, name: str, changes: Sequence[str]) -> None:
        if changes:
            self._warnings.append(f"{name}: {', '.join(changes)}")


async def _part(file: SourceFile) -> Part:
    return {"type": "image_url", "image_url": {"url": await asyncio.to_thread(_data_url, file)}}


def _data_url(file: SourceFile) -> str:
    return f"data:{file.media_type};base64,{base64.b64encode(file.data).decode()}"
