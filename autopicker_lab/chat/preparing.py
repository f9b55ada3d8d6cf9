"""RequestPreparer: fits files and pictures to one model, and puts them before the question."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.chat.fence import defuse
from autopicker_lab.chat.prepared import PreparedRequest
from autopicker_lab.chat.vision import ShownPictures, show_pictures
from autopicker_lab.core import ChatRequest, ContextReport, InvalidRequestError, Message, SourceFile
from autopicker_lab.models import Catalogue, image_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.chat.context import Context
    from autopicker_lab.chat.file_context import FileContext
    from autopicker_lab.chat.reader import Attachment, Reader

_NO_FILES = ContextReport()
_MOST_READ = 50  # pictures of a request that are read for a model that does not see


class RequestPreparer:
    """Makes requests ready for the models of a catalogue."""

    def __init__(self, catalogue: Catalogue, reader: Reader, file_context: FileContext):
        self._catalogue = catalogue
        self._reader = reader
        self._file_context = file_context

    async def prepare(self, name: str, request: ChatRequest, attachments: Sequence[Attachment]) -> PreparedRequest:
        """Fit the files to one model and put them before the question."""
        model = self._catalogue.get(name)
        spec = model.describe()
        sees = "images" in spec.capabilities
        pictures = [a for a in attachments if sees and a.category == "image"]
        documents = [a.document for a in attachments if a not in pictures]
        if not sees and request.image_urls:
            shown = ShownPictures(await self._with_descriptions(request.messages))
        elif pictures or request.image_urls:
            shown = await show_pictures(request.messages, pictures, spec, self._reader)
        else:
            shown = ShownPictures(request.messages)
        if shown.messages is not request.messages:
            request = replace(request, messages=tuple(shown.messages))
        if not attachments:
            return PreparedRequest(model, request, _with_warnings(_NO_FILES, shown.warnings))
        context = await self._file_context.fitted(model, request, documents)
        joined = _with_context(request.messages, context, shown.uploads)
        return PreparedRequest(model, replace(request, messages=joined), _with_warnings(context.report, shown.warnings))

    async def _with_descriptions(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Pictures in messages as the text in them, for a model that does not see.

        Raises:
            InvalidRequestError: there are more than may be read for one request.
        """
        pictures = sum([len(message.image_urls) for message in messages])
        if pictures > _MOST_READ:
            detail = f"{pictures:,} pictures are too many for a model that does not see: the text in each is read"
            raise InvalidRequestError(detail, f"send at most {_MOST_READ}, or ask a model that sees", param="messages")
        return tuple([await self._describe(message) for message in messages])

    async def _describe(self, message: Message) -> Message:
        if not message.image_urls:
            return message
        texts = [message.text]
        for i, url in enumerate(message.image_urls, 1):
            document = await self._reader.read(await asyncio.to_thread(_picture, url, f"picture {i}"))
            texts.append(f"[picture {i}]\n{defuse(document.text)}")
        return replace(message, content=_with_text(message, "\n\n".join(texts), without="image_url"))


def _with_warnings(report: ContextReport, warnings: Sequence[str]) -> ContextReport:
    return replace(report, warnings=(*report.warnings, *warnings)) if warnings else report


def _with_context(
    messages: Sequence[Message], context: Context, pictures: Sequence[Mapping[str, Any]]
) -> tuple[Message, ...]:
    """The messages with file passages and pictures put before the last question."""
    last = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    if last < 0 or not (context.text or pictures):
        return tuple(messages)
    message = messages[last]
    text = context.before(message.text) if context.text else message.text
    content = _with_text(message, text, pictures)
    return (*messages[:last], replace(message, content=content), *messages[last + 1 :])


def _with_text(
    message: Message, text: str, further: Sequence[Mapping[str, Any]] = (), without: str = "text"
) -> str | tuple[Mapping[str, Any], ...]:
    """The content of a message with another text, its own parts of other kinds, and further ones."""
    own = message.content if isinstance(message.content, tuple) else ()
    parts = [*(part for part in own if part["type"] not in ("text", without)), *further]
    return ({"type": "text", "text": text}, *parts) if parts else text


def _picture(url: str, name: str) -> SourceFile:
    from autopicker_lab.extraction import open_source

    return open_source(image_bytes(url), name)
