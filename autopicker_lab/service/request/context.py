"""What is known of one request on its way through the service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopicker_lab.core import AutopickerError, ModelUnavailableError
from autopicker_lab.service.request.auth import ANONYMOUS, Caller

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUEST_ID = re.compile(rb"[\w.\-]{1,128}")


@dataclass(slots=True)
class RequestContext:
    """The id, headers and caller of one request; the middleware puts it into `scope["request_context"]`.

    Attributes:
        request_id: the service's own, which no client chooses: feedback and logs name it.
        headers: names in lower case; of a header that came twice, the last value.
        caller: ANONYMOUS until the middleware has identified it.
        path: what is asked for, without the prefix of ROOT_PATH and a slash at the end.
        refusal: why the body is not taken, whatever the framework makes of that.
        ended_by: why the work was cancelled, where the service itself did so.
        holds_place: whether it counts among the requests that are being answered.
    """

    request_id: str
    headers: Mapping[bytes, bytes]
    caller: Caller = ANONYMOUS
    path: str = ""
    refusal: AutopickerError | None = None
    ended_by: AutopickerError | None = None
    holds_place: bool = False

    @property
    def client_request_id(self) -> str:
        """What the client calls the request (X-Request-ID, or OpenAI's X-Client-Request-ID); "" where it says none.

        Clients may use one twice, so that it names nothing here: it is logged and sent back.
        """
        sent = self.headers.get(b"x-client-request-id") or self.headers.get(b"x-request-id")
        return sent.decode() if sent and _REQUEST_ID.fullmatch(sent) else ""

    def id_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of a response that say which request it answers."""
        own, sent = self.request_id.encode(), self.client_request_id
        lines = [(b"x-request-id", own)]
        if sent:
            lines.append((b"x-client-request-id", sent.encode()))
        if self.path.endswith("/messages"):
            lines.append((b"request-id", own))  # where Anthropic's clients look
        return lines

    @property
    def traceparent(self) -> str:
        """The trace that the caller is in, as W3C's header has it; "" for none."""
        return self.headers.get(b"traceparent", b"").decode("latin-1")

    def interruption(self) -> AutopickerError:
        """What a caller is told whose answer is cancelled."""
        return self.ended_by or ModelUnavailableError("the service is stopping", "ask again", retry_after=5)
