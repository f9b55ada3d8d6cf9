"""What every request passes: an id, the key, the rate limit, the size limit, the clock. Plain ASGI, no copies.

The busiest paths are handed on from here, past a router that would try every route's pattern in turn.
"""

from __future__ import annotations

import hmac
import logging
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.requests import ClientDisconnect

from autopicker_lab.core import AuthenticationError, AutopickerError, FileTooLargeError, new_id
from autopicker_lab.runtime.fair_queue import working_for
from autopicker_lab.service.observation.access_log import AccessLog, AccessRecord
from autopicker_lab.service.request import errors, json_body
from autopicker_lab.service.request.auth import (
    INTERNAL_HEADER,
    Authenticator,
    api_key_in,
    internal_token,
    origin_allowed,
)
from autopicker_lab.service.request.context import RequestContext
from autopicker_lab.service.request.rate_limits import check_concurrency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from autopicker_lab.service.observation.metrics import Metrics
    from autopicker_lab.service.request.rate_limits import HeaderLines, RateLimiter
    from autopicker_lab.settings import Settings

log = logging.getLogger(__name__)
OPEN_PATHS = frozenset({"/", "/health", "/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"})
FILE_PATHS = ("/upload", "/files", "/audio/transcriptions", "/audio/translations")  # their bodies hold a file
OPEN_PREFIXES = ("/static-offline-docs/", "/page/")
# The pages fetch nothing from elsewhere: ReDoc would load a logo from its maker's servers.
_DOCS_POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data:; worker-src blob:"
)
_PAGE_POLICY = b"default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; frame-ancestors 'none'"
_CONTENT_POLICIES = {"/docs": _DOCS_POLICY, "/redoc": _DOCS_POLICY, "/": _PAGE_POLICY}
_REQUEST_ID = re.compile(rb"[\w.\-]{1,128}")
_FORM_OVERHEAD = 65536  # bytes of a multipart body beside the file


class _ResponseSender:
    """`send`, with headers of our own on the response.

    Attributes:
        status: the HTTP status that was sent; 0 before.
        complete: whether the end of the body was sent.
        headers: to be added; more may be appended until the response starts.
    """

    __slots__ = ("_send", "complete", "context", "headers", "status")

    def __init__(self, send: Send, context: RequestContext, headers: HeaderLines):
        self._send = send
        self.context = context
        self.headers = headers
        self.status = 0
        self.complete = False

    async def __call__(self, message: Message) -> None:
        if not self.status and self.context.too_large:
            return  # the framework calls it a body that cannot be parsed; our answer follows
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self.headers]
        else:
            self.complete = not message.get("more_body")
        await self._send(message)


class RequestMiddleware:
    """The ASGI application around all routes: it admits, bounds, measures and logs each request.

    Args:
        direct: applications by the path whose POST requests they take, without asking the router.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        authenticator: Authenticator,
        limiter: RateLimiter,
        metrics: Metrics,
        access_log: AccessLog,
        direct: Mapping[str, ASGIApp],
    ):
        self._app = app
        self._settings = settings
        self._authenticator = authenticator
        self._limiter = limiter
        self._metrics = metrics
        self._access_log = access_log
        self._direct = direct
        self._token = internal_token(settings).encode()
        self._file_limit = settings.max_file_size + _FORM_OVERHEAD
        self._json_limit = json_body.max_bytes(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or refuse it; WebSockets go through untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        headers = dict(scope["headers"])
        own_id = headers.get(b"x-request-id", b"")
        request_id = own_id if own_id and _REQUEST_ID.fullmatch(own_id) else new_id().encode()
        context = scope["request_context"] = RequestContext(request_id.decode(), headers)
        sender = _ResponseSender(send, context, [(b"x-request-id", request_id)])
        if path in _CONTENT_POLICIES:
            sender.headers.append((b"content-security-policy", _CONTENT_POLICIES[path]))
        started_at = time.perf_counter()
        self._metrics.request_started()
        try:
            if path not in OPEN_PATHS and not path.startswith(OPEN_PREFIXES):
                await self._admit(scope, context, sender.headers)
            app = self._direct.get(path, self._app) if scope["method"] == "POST" else self._app
            await app(scope, self._limit_body(path, context, receive), sender)
            if context.too_large and not sender.status:
                raise self._too_large(path)
        except ClientDisconnect:
            log.debug("%s %s: the client left (request %s)", scope["method"], _printable(path), context.request_id)
        except Exception as error:
            if not isinstance(error, AutopickerError):
                log.exception("%s %s failed (request %s)", scope["method"], _printable(path), context.request_id)
            if sender.status and not sender.complete:
                raise  # half an answer is out: break the connection rather than end it as if it were whole
            if not sender.status:
                await self._refuse(error, scope, receive, sender)
        finally:
            self._record(scope, sender.status or 499, time.perf_counter() - started_at, context)

    async def _refuse(self, error: Exception, scope: Scope, receive: Receive, sender: _ResponseSender) -> None:
        answer = error if isinstance(error, AutopickerError) else errors.internal()
        if answer.status >= 500:
            log.warning("%s: %s", type(answer).__name__, answer.loggable)
        sender.context.too_large = False
        await errors.response(answer, scope["path"], sender.context.headers)(scope, receive, sender)

    async def _admit(self, scope: Scope, context: RequestContext, response_headers: HeaderLines) -> None:
        headers = context.headers
        if scope["method"] == "POST" and not origin_allowed(headers, self._settings.origins):
            detail = "pages of this origin may not call the service"
            raise AuthenticationError(detail, "name it in ALLOWED_ORIGINS")
        if INTERNAL_HEADER in headers and hmac.compare_digest(headers[INTERNAL_HEADER], self._token):
            return
        check_concurrency(self._metrics.running, self._settings.max_concurrency)
        address = self._limiter.client_address(scope)
        try:
            caller = self._authenticator.identify(api_key_in(headers))
        except AutopickerError:
            await self._count(address, None, response_headers)  # guesses count as requests
            raise
        context.caller = caller
        working_for.set(caller.id or address)
        await self._count(caller.rate_limit_key(address), caller.limit, response_headers)
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._body_limit(scope["path"]):
            raise self._too_large(scope["path"])

    async def _count(self, who: str, limit: tuple[int, int] | None, response_headers: HeaderLines) -> None:
        status = await self._limiter.hit(who, limit)
        response_headers += status.headers()
        status.check()

    def _body_limit(self, path: str) -> int:
        """Bytes that the body of a request may have."""
        return self._file_limit if path.endswith(FILE_PATHS) else self._json_limit

    def _too_large(self, path: str) -> FileTooLargeError:
        return FileTooLargeError(
            f"the request has over {self._body_limit(path):,} bytes", "send less, or raise MAX_FILE_SIZE"
        )

    def _limit_body(self, path: str, context: RequestContext, receive: Receive) -> Receive:
        """`receive`, bounded where the body does not say how long it is."""
        if b"transfer-encoding" not in context.headers:
            return receive
        size, limit = 0, self._body_limit(path)

        async def receive_within_limit() -> Message:
            nonlocal size
            message = await receive()
            if message["type"] == "http.request":
                size += len(message.get("body", b""))
                if size > limit:
                    context.too_large = True
                    raise self._too_large(path)
            return message

        return receive_within_limit

    def _record(self, scope: Scope, status: int, seconds: float, context: RequestContext) -> None:
        """Count a finished request and write its line of the access log."""
        path, method = scope["path"], scope["method"]
        route: Any = scope.get("route")
        route_path = path if path in self._direct else getattr(route, "path", None) or "other"
        self._metrics.request_finished(route_path, method, status, seconds)
        ms = round(seconds * 1000, 2)
        self._access_log.write(
            AccessRecord(time.time(), context.request_id, method, _printable(path), status, ms, context.caller.id)
        )


def _printable(path: str) -> str:
    """A path as it is logged: one that has line breaks in it would forge lines."""
    return path if path.isprintable() else quote(path)
