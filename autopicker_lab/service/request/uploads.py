"""Names of uploaded files, in each of the ways in which clients write them into a multipart body."""

from __future__ import annotations

import re
from contextlib import aclosing
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.formparsers import MultiPartException, MultiPartParser

from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi import UploadFile
    from starlette.datastructures import FormData
    from starlette.responses import Response

_EXTENDED = re.compile(rb";\s*filename\*\s*=\s*\"?([\w.+\-]*)'[^']*'([^;\"\s]*)\"?", re.IGNORECASE)  # RFC 5987
_PLAIN = re.compile(rb";\s*filename\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;]*)", re.IGNORECASE)
_ENCODED_WORD = re.compile(r"=\?[\w\-]+\?[bq]\?[^? ]*\?=", re.IGNORECASE)  # RFC 2047
_PERCENT_FORM = re.compile(r"(?:[!-$&-~]|%[0-9a-f]{2})*%[0-9a-f]{2}(?:[!-$&-~]|%[0-9a-f]{2})*", re.IGNORECASE)


def upload_name(file: UploadFile, default: str) -> str:
    """The name of an upload: as it was sent, or out of RFC 2047's form or aiohttp's percent form."""
    name = file.filename or default
    if _ENCODED_WORD.search(name):
        try:
            return str(make_header(decode_header(name)))
        except (HeaderParseError, LookupError, ValueError):
            return name
    if _PERCENT_FORM.fullmatch(name):
        try:
            return unquote_to_bytes(name).decode()
        except UnicodeDecodeError:
            return name
    return name


class UploadRoute(APIRoute):
    """A route that takes files, whose names may stand in `filename*`, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, given a request that reads forms by the parser below."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(_UploadRequest(request.scope, request.receive))

        return handle


class _UploadRequest(Request):
    async def _get_form(self, **limits: Any) -> FormData:
        if self._form is None and self.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            try:
                async with aclosing(self.stream()) as stream:
                    self._form = await _Parser(self.headers, stream, **limits).parse()
            except MultiPartException as error:
                raise InvalidRequestError(f"the form cannot be read: {error.message}", "send it again") from None
        return await super()._get_form(**limits)


class _Parser(MultiPartParser):
    """Starlette's parser, which takes a part whose name stands in `filename*` alone for no file."""

    def on_headers_finished(self) -> None:
        """Put the name of `filename*`, which goes first (RFC 6266), where Starlette looks."""
        line = self._current_part.content_disposition or b""
        extended = _EXTENDED.search(line)
        if extended is not None:
            name = unquote_to_bytes(extended[2])
            try:
                name = name.decode(extended[1].decode() or "utf-8").encode()
            except (LookupError, UnicodeDecodeError):
                name = name.decode("utf-8", "replace").encode()
            escaped = name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            rest = _PLAIN.sub(b"", _EXTENDED.sub(b"", line))
            self._current_part.content_disposition = rest + b'; filename="' + escaped + b'"'
        super().on_headers_finished()
