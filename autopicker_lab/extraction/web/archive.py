"""The page within a saved web archive (MHTML), with the frames that came along."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autopicker_lab.extraction.web.dom import joined

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message

_HEADERS = re.compile(rb"\s*(?:[A-Za-z][\w-]*:[^\n]*\n(?:[ \t][^\n]*\n)*)*?(?:mime-version|content-type)\s*:", re.I)
_PAGES = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True)
class SavedPage:
    """A page as bytes, with the encoding and the address that its header tells, "" where none."""

    data: bytes
    charset: str = ""
    location: str = ""
    frames: Mapping[str, SavedPage] = field(default_factory=dict)
    others: int = 0  # parts that are no pages

    def frame(self, source: str, base: str) -> SavedPage | None:
        """The page of a frame by its address, None where it did not come along."""
        names = (source, joined(base, source), source.rsplit("/", 1)[-1])
        return next((self.frames[name] for name in names if name and name in self.frames), None)


def is_archive(data: bytes) -> bool:
    """Whether the bytes are a message with headers, not a page."""
    return _HEADERS.match(data[:4096].removeprefix(b"\xef\xbb\xbf")) is not None


def saved_page(data: bytes) -> SavedPage | None:
    """The main page of an archive, None where it holds none."""
    import email

    message = email.message_from_bytes(data.removeprefix(b"\xef\xbb\xbf").lstrip())
    parts = [part for part in message.walk() if not part.is_multipart()]
    pages = [part for part in parts if part.get_content_type() in _PAGES]
    if not pages:
        return None
    start = str(message.get_param("start", ""))
    main = next((p for p in pages if start and str(p.get("Content-ID", "")).strip() == start.strip()), pages[0])
    frames: dict[str, SavedPage] = {}
    for part in pages:
        if part is not main:
            page = _page(part)
            for name in _names(part):
                frames.setdefault(name, page)
    page = _page(main)
    return SavedPage(page.data, page.charset, page.location, frames, len(parts) - len(pages))


def _page(part: Message) -> SavedPage:
    payload = part.get_payload(decode=True)
    location = "".join(str(part.get("Content-Location", "")).split())
    return SavedPage(payload if isinstance(payload, bytes) else b"", part.get_content_charset() or "", location)


def _names(part: Message) -> list[str]:
    """What a frame may call the part: its address, the end of that, its id."""
    location = "".join(str(part.get("Content-Location", "")).split())
    ident = str(part.get("Content-ID", "")).strip().strip("<>")
    return [name for name in (location, location.rsplit("/", 1)[-1], ident and f"cid:{ident}") if name]
