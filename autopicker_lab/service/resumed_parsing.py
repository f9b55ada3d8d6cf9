"""Taking up a request behind its head, where the parser stops because the client offered another protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class ResumedParsing:
    """The callbacks of a parser that takes a request up behind its head: what is said of the head is dropped."""

    def __init__(self, protocol: HttpToolsProtocol):
        self._protocol = protocol
        self._head = True
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete

    def on_message_begin(self) -> None:
        """Begin a request, but the first."""
        if not self._head:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of a request line."""
        if not self._head:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if not self._head:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        """End a head."""
        if self._head:
            self._head = False
        else:
            self._protocol.on_headers_complete()
