"""Pictures as careless servers and programs hand them over: behind blanks, or as the letters of base64."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from autopicker_lab.core.files import FORMATS, picture_type

if TYPE_CHECKING:
    from autopicker_lab.core import SourceFile

_BLANKS = b"\xef\xbb\xbf \t\r\n"
_MOST_BLANKS = 64
_LETTERS = re.compile(rb"""["']?(?:data:image/[\w.+-]+;base64,)?(?P<letters>[A-Za-z0-9+/=\s]++)["']?\s*+""")


def unwrapped(data: bytes, named_kind: str | None) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of the picture in a file that is named as one, and a warning where they are not all of it."""
    if named_kind is None or FORMATS[named_kind].category != "image" or picture_type(data[:12]):
        return data, ()
    bare = data[:_MOST_BLANKS].lstrip(_BLANKS)
    cut = len(data[:_MOST_BLANKS]) - len(bare)
    if picture_type(bare[:12]):
        return data[cut:], ("blanks before the picture were passed over",)
    match = _LETTERS.fullmatch(data, cut)
    decoded = _decoded(match["letters"]) if match else b""
    return (decoded, ("the picture was written in base64: it was decoded",)) if decoded else (data, ())


def bare_picture(file: SourceFile) -> SourceFile:
    """The file with the bytes of its picture alone."""
    return replace(file, data=unwrapped(file.data, file.kind)[0])


def _decoded(letters: bytes) -> bytes:
    """What base64 stands for, where that is a picture."""
    letters = b"".join(letters.split())
    try:
        is_picture = picture_type(base64.b64decode(letters[:64])[:12])
        return base64.b64decode(letters + b"=" * (-len(letters) % 4)) if is_picture else b""
    except (binascii.Error, ValueError):
        return b""
