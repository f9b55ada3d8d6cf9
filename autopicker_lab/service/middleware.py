"""What every request passes: an id, the key, the rate limit, the size limit, the clock. Plain ASGI, no copies.

The busiest paths are handed on from here, past a router that would try every route's pattern in turn.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.requests import ClientDisconnect

from autopicker_lab.core import AuthenticationError, AutopickerError, InvalidRequestError, new_id
from autopicker_lab.runtime.fair_queue import working_for
from autopicker_lab.service.observation.access_log import AccessLog, AccessRecord
from autopicker_lab.service.request import errors, json_body
from autopicker_lab.service.request.auth import (
    Authenticator,
    OnBehalf,
    api_key_in,
)
from autopicker_lab.service.request.body import BoundedBody, too_large
from autopicker_lab.service.request.context import RequestContext
from autopicker_lab.service.request.hosts import HostCheck
from autopicker_lab.service.request.origins import Origins
from autopicker_lab.service.request.rate_limits import check_concurrency

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from autopicker_lab.service.observation.metrics import Metrics
    from autopicker_lab.service.request.rate_limits import HeaderLines, RateLimiter
    from autopicker_lab.service.request.revocation import KeyWatch
    from autopicker_lab.settings import Settings

log = logging.getLogger(__name__)
OPEN_PATHS = frozenset({"/", "/health", "/docs", "/redoc", "/openapi.json"})
FILE_PATHS = ("/upload", "/files", "/audio/transcriptions", "/audio/translations")  # their bodies hold a file
OPEN_PREFIXES = ("/static-offline-docs/", "/page/")
# The pages fetch nothing from elsewhere: ReDoc would load a logo from its maker's servers.
_DOCS_POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data:; worker-src blob:"
)
_PAGE_POLICY = b"default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; frame-ancestors 'none'"
_CONTENT_POLICIES = {"/docs": _DOCS_POLICY, "/redoc": _DOCS_POLICY, "/": _PAGE_POLICY}
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

    def __call__(self, message: Message) -> Awaitable[None]:
        if not self.status and self.context.refusal is not None:
            return asyncio.sleep(0)  # the framework calls it a body that cannot be parsed; our answer follows
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self.headers]
        else:
            self.complete = not message.get("more_body")
        return self._send(message)  # no coroutine between: of a stream each piece comes through here


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
        key_watch: KeyWatch,
        direct: Mapping[str, ASGIApp],
    ):
        self._app = app
        self._settings = settings
        self._authenticator = authenticator
        self._limiter = limiter
        self._metrics = metrics
        self._access_log = access_log
        self._key_watch = key_watch
        self._direct = direct
        self._hosts = HostCheck(settings)
        self._origins = Origins(settings.origins)
        self._root = settings.root_path
        self._on_behalf = OnBehalf(settings)
        self._file_limit = settings.max_file_size + _FORM_OVERHEAD
        self._json_limit = json_body.max_bytes(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or refuse it; of WebSockets the host alone is looked at."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path[-1:] == "/" or self._root:
            path = scope["path"] = own_path(path, self._root)
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        method = scope["method"]
        if method == "HEAD":  # answered as GET is; the server leaves the body out
            scope = {**scope, "method": "GET"}
        headers = dict(scope["headers"])
        context = scope["request_context"] = RequestContext(new_id(), headers, path=path)
        sender = _ResponseSender(send, context, context.id_headers())
        if path in _CONTENT_POLICIES:
            sender.headers.append((b"content-security-policy", _CONTENT_POLICIES[path]))
        started_at = time.perf_counter()
        try:
            await self._answer(scope, receive, sender)
        except ClientDisconnect:
            log.debug("%s %s: the client left (request %s)", method, _printable(path), context.request_id)
        except asyncio.CancelledError:
            if context.ended_by is None:
                raise
            await self._fail(context.ended_by, scope, receive, sender)
        except Exception as error:
            if not isinstance(error, AutopickerError):
                log.exception("%s %s failed (request %s)", method, _printable(path), context.request_id)
            await self._fail(error, scope, receive, sender)
        finally:
            if context.holds_place:
                self._metrics.request_ended()
            self._record(scope, method, sender.status or 499, time.perf_counter() - started_at)

    async def _answer(self, scope: Scope, receive: Receive, sender: _ResponseSender) -> None:
        context, path = sender.context, sender.context.path
        self._check_host(scope, context.headers, path)
        app = self._direct.get(path)
        limit = self._file_limit if app is None and path.endswith(FILE_PATHS) else self._json_limit
        if app is not None or (path not in OPEN_PATHS and not path.startswith(OPEN_PREFIXES)):
            await self._admit(scope, context, sender.headers)
            length = context.headers.get(b"content-length", b"0")
            if length.isdigit() and int(length) > limit:
                raise too_large(limit)
            if length == b"0" and b"transfer-encoding" not in context.headers:
                self._take_place(context)
        if app is None or scope["method"] != "POST":
            app = self._routes
        body = BoundedBody(receive, context, limit, self._take_place)
        if context.caller.key is None:
            await app(scope, body, sender)
        else:
            with self._key_watch.during(context):
                await app(scope, body, sender)
        if context.refusal is not None and not sender.status:
            raise context.refusal

    async def _fail(self, error: Exception, scope: Scope, receive: Receive, sender: _ResponseSender) -> None:
        """Answer with an error; where half an answer is out, break the connection rather than end it as if whole."""
        if sender.status:
            if not sender.complete:
                raise error
            return
        answer = error if isinstance(error, AutopickerError) else errors.internal()
        if answer.status >= 500:
            log.warning("%s: %s", type(answer).__name__, answer.loggable)
        sender.context.refusal = None
        context = sender.context
        await errors.response(answer, context.path, context.headers, context.request_id)(scope, receive, sender)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_at, status = time.perf_counter(), 403

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "websocket.accept":
                status = 101
            await send(message)

        headers = dict(scope["headers"])
        try:
            self._check_host(scope, headers, scope["path"])
            await self._routes(scope, receive, send_noting)
        except InvalidRequestError as error:
            status = error.status
            await errors.response(error, scope["path"], headers)(scope, receive, send)
        finally:
            ms = round((time.perf_counter() - started_at) * 1000, 2)
            path = _printable(scope["path"])
            self._access_log.write(AccessRecord(time.time(), new_id(), "", "GET", path, status, ms, ""))

    async def _routes(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The router, which wants to see the whole path to make addresses of it."""
        if self._root:
            scope["path"] = self._root + scope["path"]
            scope["root_path"] = self._root
        await self._app(scope, receive, send)

    def _check_host(self, scope: Scope, headers: Mapping[bytes, bytes], path: str) -> None:
        lines = scope["headers"]
        if b"host" not in headers or len(headers) != len(lines):
            hosts = sum(name == b"host" for name, _ in lines)
            if hosts > 1 or (not hosts and scope.get("http_version") == "1.1"):
                raise InvalidRequestError(f"there are {hosts} Host headers", "send one, as HTTP/1.1 demands")
        if path != "/health" and self._authenticator.open:
            self._hosts.check(scope, headers)

    async def _admit(self, scope: Scope, context: RequestContext, response_headers: HeaderLines) -> None:
        headers = context.headers
        if scope["method"] == "POST" and not self._origins.allow(headers):
            detail = "pages of this origin may not call the service"
            raise AuthenticationError(detail, "name it in ALLOWED_ORIGINS")
        address = self._on_behalf.address(headers) or self._limiter.client_address(scope)
        if scope["method"] == "OPTIONS":  # says what methods there are, which is no secret
            await self._count(address, None, response_headers)
            return
        try:
            caller = self._authenticator.identify(api_key_in(headers))
        except AutopickerError:
            await self._count(address, None, response_headers)  # guesses count as requests
            raise
        context.caller = caller
        working_for.set(caller.id or address)
        who = caller.rate_limit_key(address)
        if context.path.endswith("/feedback"):  # does not take from the requests that it is about
            who = f"feedback {who}"
        await self._count(who, caller.limit, response_headers)

    def _take_place(self, context: RequestContext) -> None:
        """Count a request that is whole among those being answered; ModelBusyError where there are too many."""
        if not context.holds_place:
            context.holds_place = True
            self._metrics.request_started()
            check_concurrency(self._metrics.running, self._settings.max_concurrency)

    async def _count(self, who: str, limit: tuple[int, int] | None, response_headers: HeaderLines) -> None:
        status = await self._limiter.hit(who, limit)
        response_headers += status.headers()
        status.check()

    def _record(self, scope: Scope, method: str, status: int, seconds: float) -> None:
        """Count a finished request and write its line of the access log."""
        context: RequestContext = scope["request_context"]
        path = context.path
        route: Any = scope.get("route")
        route_path = path if path in self._direct else (getattr(route, "path", None) or "other").replace(":path}", "}")
        self._metrics.request_finished(route_path, method, status, seconds)
        ms = round(seconds * 1000, 2)
        ids = context.request_id, context.client_request_id
        self._access_log.write(AccessRecord(time.time(), *ids, method, _printable(path), status, ms, context.caller.id))


def own_path(path: str, root: str) -> str:
    """A path without the prefix that a proxy serves under, if it has it still, and without slashes at its end."""
    if root and (path == root or path.startswith(root + "/")):
        path = path[len(root) :]
    return path.rstrip("/") or "/"


def _printable(path: str) -> str:
    """A path as it is logged: one with line breaks in it would forge lines, one with spaces the rest of its own."""
    return path if path.isprintable() and " " not in path else quote(path)
