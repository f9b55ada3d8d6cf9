"""What all targets behind HTTP share: sending, time limits, and names for what went wrong."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from autopicker_lab.http_client import ConnectionBrokenError, HttpClient, HttpResponse, NotHttpError
from autopicker_lab.runtime.answer_clock import AnswerClock

if TYPE_CHECKING:
    from autopicker_lab.loadtest.plan import LoadPlan
    from autopicker_lab.loadtest.sample import Sample

_LOCAL_ERRORS = (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL)
NO_CONNECTION = "no more connections here"
NOT_CONNECTED = (NO_CONNECTION, "refused", "unreachable", "unknown host")  # errors that take no time
Clock = Callable[[], float]


def http_client_of(plan: LoadPlan, **headers: str) -> tuple[HttpClient, str]:
    """Make a client of the plan's server, and the path of its requests."""
    parts = urlsplit(plan.url)
    client = HttpClient(f"{parts.scheme}://{parts.netloc}", {**plan.headers, **headers}, plan.timeout_s)
    path = parts.path.rstrip("/") + "/chat/completions" if plan.chat else parts.path or "/"
    return client, path + (f"?{parts.query}" if parts.query else "")


def _connection_error(error: OSError, answered: bool) -> str:
    """Name the kind of error that a failed connection is counted under."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, socket.gaierror):
        return "unknown host"
    if isinstance(error, ConnectionBrokenError):
        return "not http" if isinstance(error, NotHttpError) else "cut" if answered else "reset"
    if error.errno in _LOCAL_ERRORS:
        return NO_CONNECTION
    return "refused" if error.errno in (errno.ECONNREFUSED, None) else "unreachable"


class OverHttp:
    """A target behind HTTP: it sends a request, has the answer read, and names what went wrong between them."""

    def __init__(self, plan: LoadPlan):
        self._http_client, self._path = http_client_of(plan)
        self._timeout_s = plan.timeout_s

    async def send(self, sample: Sample, clock: Clock) -> None:
        """Send a request as Target.send does."""
        answer = None
        client, method, body = self._request(sample)
        limits = AnswerClock(self._timeout_s, self._timeout_s, self._timeout_s)
        try:
            answer = await client.request(method, self._path, body, clock=limits)
            await self._read(answer, sample, clock)
        except OSError as error:
            sample.error = _connection_error(error, answered=answer is not None)
        finally:
            if answer is not None:
                answer.close()

    def close(self) -> None:
        """Close all connections."""
        self._http_client.close()

    def _request(self, sample: Sample) -> tuple[HttpClient, str, bytes]:
        """Choose the client, the method and the body of a request."""
        raise NotImplementedError

    async def _read(self, answer: HttpResponse, sample: Sample, clock: Clock) -> None:
        """Read the answer into the sample."""
        raise NotImplementedError
