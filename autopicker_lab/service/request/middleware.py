"""What every request passes: an id, the key, the rate limit, the size limit, the clock. Plain ASGI, no copies.

The busiest paths are handed on from here, past a router that would try every route's pattern in turn.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from starlette.requests import ClientDisconnect

from autopicker_lab.core import AuthenticationError, AutopickerError, FileTooLargeError, ModelUnavailableError, new_id
from autopicker_lab.service.observation.access_log import AccessLog, AccessRecord
from autopicker_lab.service.request import errors
from autopicker_lab.service.request.auth import ANYONE, Caller, Callers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from autopicker_lab.service.observation.metrics import Metrics
    from autopicker_lab.service.request.rate_limits import ClientLimits, HeaderLines
    from autopicker_lab.settings import Settings

log = logging.getLogger(__name__)
OPEN_PATHS = frozenset({"/", "/health", "/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"})
OPEN_PREFIXES = ("/static-offline-docs/", "/page/")
INTERNAL = b"x-autopicker-internal"
# The pages fetch nothing from elsewhere: ReDoc would load a logo from its maker's servers.
_DOCS_POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data:; worker-src blob:"
)
_PAGE_POLICY = b"default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; frame-ancestors 'none'"
_POLICIES = {"/docs": _DOCS_POLICY, "/redoc": _DOCS_POLICY, "/": _PAGE_POLICY}
_ID = re.compile(rb"[\w.\-]{1,128}")
_FORM_OVERHEAD = 65536
_JSON_FACTOR = 4  # a JSON body may be four times an upload: long conversations, pictures as base64


@dataclass(slots=True)
class RequestContext:
    """One request on its way, as the routes find it in scope["request_context"]."""

    request_id: str
    headers: Mapping[bytes, bytes]
    caller: Caller = ANYONE
    too_large: bool = False

    @property
    def traceparent(self) -> str:
        """The trace that the caller is in, as W3C's header says it; "" for none."""
        return self.headers.get(b"traceparent", b"").decode("latin-1")


def internal_token(settings: Settings) -> str:
    """What the service sends itself, so that its own load test does not use up a caller's limit."""
    key = settings.secret_key.get_secret_value().encode()
    return hmac.new(key, b"load test", hashlib.sha256).hexdigest()


def key_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The key that a request brings, in either header."""
    given = headers.get(b"x-api-key")
    if not given:
        scheme, _, rest = headers.get(b"authorization", b"").partition(b" ")
        given = rest if scheme.lower() == b"bearer" else scheme
    return given.strip().decode("utf-8", "replace") or None


def _shown(path: str) -> str:
    """A path as it is logged: one that has line breaks in it would forge lines."""
    return path if path.isprintable() else quote(path)


class _Outgoing:
    """`send`, with the gate's own headers on what is sent.

    Attributes:
        status: that went out, 0 before; `whole` once the body did, too.
    """

    __slots__ = ("_send", "extra", "request_context", "status", "whole")

    def __init__(self, send: Send, request_context: RequestContext, extra: HeaderLines):
        self._send = send
        self.request_context = request_context
        self.extra = extra
        self.status = 0
        self.whole = False

    async def __call__(self, message: Message) -> None:
        if not self.status and self.request_context.too_large:
            return  # the framework calls it a body that cannot be parsed; our answer follows
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self.extra]
        else:
            self.whole = not message.get("more_body")
        await self._send(message)


def origin_is_welcome(headers: Mapping[bytes, bytes], allowed: frozenset[str]) -> bool:
    """Whether a request comes from no page, one of the service's own, or one of the allowed origins.

    Browsers let any page send simple requests and open sockets, and say which page it is.
    """
    origin = headers.get(b"origin", b"").decode("latin-1")
    if not origin or origin in allowed or "*" in allowed:
        return True
    return urlsplit(origin).netloc == headers.get(b"host", b"").decode("latin-1")


class RequestMiddleware:
    """Stands before the routes.

    Args:
        direct: applications by the path whose POST requests they take, without asking the router.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        callers: Callers,
        limits: ClientLimits,
        metrics: Metrics,
        access: AccessLog,
        direct: Mapping[str, ASGIApp],
    ):
        self._app = app
        self._settings = settings
        self._callers = callers
        self._limits = limits
        self._metrics = metrics
        self._access = access
        self._direct = direct
        self._token = internal_token(settings).encode()
        self._file_limit = settings.max_file_size + _FORM_OVERHEAD
        self._json_limit = settings.max_file_size * _JSON_FACTOR + _FORM_OVERHEAD

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if given and _ID.fullmatch(given) else new_id().encode()
        request_context = scope["request_context"] = RequestContext(request_id.decode(), headers)
        out = _Outgoing(send, request_context, [(b"x-request-id", request_id)])
        if path in _POLICIES:
            out.extra.append((b"content-security-policy", _POLICIES[path]))
        begun = time.perf_counter()
        self._metrics.begin()
        try:
            if path not in OPEN_PATHS and not path.startswith(OPEN_PREFIXES):
                await self._admit(scope, request_context, out.extra)
            app = self._direct.get(path, self._app) if scope["method"] == "POST" else self._app
            await app(scope, self._bounded(path, request_context, receive), out)
            if request_context.too_large and not out.status:
                raise self._too_large(path)
        except ClientDisconnect:
            log.debug("%s %s: the client left (request %s)", scope["method"], _shown(path), request_context.request_id)
        except Exception as error:
            if not isinstance(error, AutopickerError):
                log.exception("%s %s failed (request %s)", scope["method"], _shown(path), request_context.request_id)
            if out.status and not out.whole:
                raise  # half an answer is out: break the connection rather than end it as if whole
            if not out.status:
                await self._refuse(error, scope, receive, out)
        finally:
            self._close(scope, out.status or 499, time.perf_counter() - begun, request_context)

    async def _refuse(self, error: Exception, scope: Scope, receive: Receive, out: _Outgoing) -> None:
        said = error if isinstance(error, AutopickerError) else errors.internal()
        if said.status >= 500:
            log.warning("%s: %s", type(said).__name__, said.loggable)
        out.request_context.too_large = False
        await errors.response(said, scope["path"], out.request_context.headers)(scope, receive, out)

    async def _admit(self, scope: Scope, request_context: RequestContext, extra: HeaderLines) -> None:
        headers = request_context.headers
        if scope["method"] == "POST" and not origin_is_welcome(headers, self._settings.origins):
            detail = "pages of this origin may not call the service"
            raise AuthenticationError(detail, "name it in ALLOWED_ORIGINS")
        if INTERNAL in headers and hmac.compare_digest(headers[INTERNAL], self._token):
            return
        if self._metrics.running > self._settings.max_concurrency:
            raise ModelUnavailableError("the service is at its limit of requests", "try again soon", retry_after=1)
        try:
            caller = self._callers.identify(key_of(headers))
        except AutopickerError:
            await self._count(self._limits.client_of(scope), None, extra)  # guesses count as requests
            raise
        request_context.caller = caller
        await self._count(caller.counted_as(self._limits.client_of(scope)), caller.limit, extra)
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._ceiling(scope["path"]):
            raise self._too_large(scope["path"])

    async def _count(self, who: str, limit: tuple[int, int] | None, extra: HeaderLines) -> None:
        allowance = await self._limits.hit(who, limit)
        extra += allowance.headers()
        allowance.check()

    def _ceiling(self, path: str) -> int:
        """Bytes that the body of a request may have."""
        return self._file_limit if path.endswith(("/upload", "/audio/transcriptions")) else self._json_limit

    def _too_large(self, path: str) -> FileTooLargeError:
        return FileTooLargeError(
            f"the request has over {self._ceiling(path):,} bytes", "send less, or raise MAX_FILE_SIZE"
        )

    def _bounded(self, path: str, request_context: RequestContext, receive: Receive) -> Receive:
        """`receive` that counts what comes, for bodies that do not say how long they are."""
        if b"transfer-encoding" not in request_context.headers:
            return receive
        seen, ceiling = 0, self._ceiling(path)

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > ceiling:
                    request_context.too_large = True
                    raise self._too_large(path)
            return message

        return counted

    def _close(self, scope: Scope, status: int, seconds: float, request_context: RequestContext) -> None:
        path = scope["path"]
        shown = _shown(path)
        route: Any = scope.get("route")
        name = path if path in self._direct else getattr(route, "path", None) or "other"
        self._metrics.end(name, scope["method"], status, seconds)
        ms = round(seconds * 1000, 2)
        self._access.write(
            AccessRecord(
                time.time(), request_context.request_id, scope["method"], shown, status, ms, request_context.caller.id
            )
        )
