"""What every request passes: an id, the key, the rate limit, the size limit, the clock. Plain ASGI, no copies."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autopicker_lab.core import AuthenticationError, AutopickerError, FileTooLargeError
from autopicker_lab.service import errors
from autopicker_lab.service.limits import ClientLimits
from autopicker_lab.service.measure import Measures
from autopicker_lab.settings import Settings

access = logging.getLogger("autopicker_lab.access")
log = logging.getLogger(__name__)
OPEN_PATHS = frozenset({"/", "/health", "/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"})
OPEN_PREFIX = "/static-offline-docs/"
INTERNAL = "x-autopicker-internal"
# The documentation pages fetch nothing from elsewhere: ReDoc would load a logo from its maker's servers.
DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src blob:"
)
_ID = re.compile(r"[\w.\-]{1,128}")
_FORM_OVERHEAD = 65536
_JSON_FACTOR = 4  # a JSON body may be four times an upload: long conversations, pictures as base64


def internal_token(settings: Settings) -> str:
    """What the service sends itself, so that its own load test does not use up a caller's limit."""
    key = settings.secret_key.get_secret_value().encode()
    return hmac.new(key, b"load test", hashlib.sha256).hexdigest()


class Keys:
    """The key that opens the service; none configured: everyone may."""

    def __init__(self, settings: Settings):
        self._key = settings.api_key.get_secret_value().encode() if settings.api_key else None

    def opens(self, key: str | None) -> bool:
        """Whether this key opens the service; compared in constant time."""
        return self._key is None or (key is not None and hmac.compare_digest(key.encode(), self._key))


class Gate:
    """Stands before the routes."""

    def __init__(self, app: ASGIApp, settings: Settings, keys: Keys, limits: ClientLimits, measures: Measures):
        self._app = app
        self._settings = settings
        self._keys = keys
        self._limits = limits
        self._measures = measures
        self._token = internal_token(settings).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        extra = {"X-Request-ID": request_id}
        if scope["path"] in ("/docs", "/redoc"):
            extra["Content-Security-Policy"] = DOCS_POLICY
        begun = time.perf_counter()
        status = 0

        async def stamped(message: Message) -> None:
            nonlocal status
            if not status and state.get("too_large"):
                return  # the framework calls it a body that cannot be parsed; our answer follows
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                for name, value in extra.items():
                    out[name] = value
            await send(message)

        async def refuse(error: AutopickerError) -> None:
            await errors.response(error, scope["path"], headers)(scope, receive, stamped)

        self._measures.begin()
        try:
            self._admit(scope, headers, extra)
        except AutopickerError as error:
            await refuse(error)
        else:
            try:
                await self._app(scope, self._bounded(scope, receive), stamped)
                if state.pop("too_large", False) and not status:
                    await refuse(self._too_large(scope["path"]))
            except ClientDisconnect:
                log.debug("%s %s: the client left (request %s)", scope["method"], scope["path"], request_id)
            except Exception:
                log.exception("%s %s failed (request %s)", scope["method"], scope["path"], request_id)
                if status:
                    raise  # half an answer is out: break the connection rather than end it as if whole
                await refuse(errors.internal())
        finally:
            self._close(scope, status or 499, time.perf_counter() - begun, request_id)

    def _admit(self, scope: Scope, headers: Headers, extra: dict[str, str]) -> None:
        path = scope["path"]
        if path in OPEN_PATHS or path.startswith(OPEN_PREFIX):
            return
        if hmac.compare_digest(headers.get(INTERNAL, "").encode(), self._token):
            return
        self._limits.hit(self._limits.client_of(scope), extra)
        key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ").strip() or None
        if not self._keys.opens(key):
            what = "the API key is wrong" if key else "an API key is required"
            raise AuthenticationError(what, "send it as X-API-Key or Authorization: Bearer")
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._ceiling(path):
            raise self._too_large(path)

    def _ceiling(self, path: str) -> int:
        """Bytes that the body of a request may have."""
        is_file = path.endswith(("/upload", "/audio/transcriptions"))
        return self._settings.max_file_size * (1 if is_file else _JSON_FACTOR) + _FORM_OVERHEAD

    def _too_large(self, path: str) -> FileTooLargeError:
        return FileTooLargeError(
            f"the request has over {self._ceiling(path):,} bytes", "send less, or raise MAX_FILE_SIZE"
        )

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` that counts what comes, for bodies that do not say how long they are."""
        seen, ceiling = 0, self._ceiling(scope["path"])

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > ceiling:
                    scope["state"]["too_large"] = True
                    raise self._too_large(scope["path"])
            return message

        return counted

    def _close(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        route: Any = scope.get("route")
        name = getattr(route, "path", None) or "other"
        self._measures.end(name, scope["method"], status, seconds)
        access.info(
            "%s %s %d %.1f ms",
            scope["method"],
            scope["path"],
            status,
            seconds * 1000,
            extra={"request_id": request_id, "status": status, "ms": round(seconds * 1000, 2)},
        )
