"""The body of a request on its way in: how long it may be, and the place that a request takes once it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.core import AutopickerError, FileTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message, Receive

    from autopicker_lab.service.request.context import RequestContext


def too_large(limit: int) -> FileTooLargeError:
    """The error for a body of over `limit` bytes."""
    return FileTooLargeError(f"the request has over {limit:,} bytes", "send less, or raise MAX_FILE_SIZE")


class BoundedBody:
    """`receive`, which refuses a body that is too long, and one that is whole while no place is left.

    Raises:
        AutopickerError: it is kept in `context.refusal`, too, as frameworks call it a body that cannot be parsed.

    Args:
        take_place: raises where no more requests can be answered for the moment.
    """

    __slots__ = ("_context", "_left", "_limit", "_receive", "_take_place")

    def __init__(
        self, receive: Receive, context: RequestContext, limit: int, take_place: Callable[[RequestContext], None]
    ):
        self._receive = receive
        self._context = context
        self._limit = self._left = limit
        self._take_place = take_place

    async def __call__(self) -> Message:
        """The next message of the server."""
        message = await self._receive()
        if message["type"] != "http.request" or self._context.holds_place:
            return message
        try:
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise too_large(self._limit)
            if not message.get("more_body"):
                self._take_place(self._context)
        except AutopickerError as error:
            self._context.refusal = error
            raise
        return message
