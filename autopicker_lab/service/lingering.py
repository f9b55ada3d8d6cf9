"""The end of a connection whose answer went out before its request was read to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class LingeringTransport:
    """A transport whose `close` is another's to do.

    A connection that is closed while more of a body is on its way is reset, and the client may never see the answer
    that it got (RFC 9112, section 9.6).
    """

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]):
        self._transport = transport
        self.close = close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
