"""How many requests a client may make: a moving window, in this process or in Redis."""

from __future__ import annotations

import logging
import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.types import Scope

from autopicker_lab.core import RateLimitError, SettingsError
from autopicker_lab.settings import Settings

log = logging.getLogger(__name__)
RETRY_S = 10.0
_TIMEOUT_S = 0.2  # the limiter is asked on the event loop: a Redis that hangs may cost this once in RETRY_S


class ClientLimits:
    """Counts requests by client address."""

    def __init__(self, settings: Settings):
        self._item = RateLimitItemPerSecond(settings.rate_limit_requests, settings.rate_limit_window)
        self._window_s = settings.rate_limit_window
        self._proxies = frozenset(p.strip() for p in settings.trusted_proxies.split(",") if p.strip())
        self._memory = MovingWindowRateLimiter(MemoryStorage())
        shared = _redis(settings) if settings.enable_redis_cache else None
        self._limiter = MovingWindowRateLimiter(shared) if shared is not None else self._memory
        self._retry_at = 0.0

    def hit(self, client: str, headers: dict[str, str] | None = None) -> None:
        """Count one request; `headers` are given the X-RateLimit family. RateLimitError past the limit."""
        allowed, reset, remaining = self._count(client)
        wait = max(0.0, reset - time.time())
        if headers is not None:
            headers["X-RateLimit-Limit"] = headers["x-ratelimit-limit-requests"] = str(self._item.amount)
            headers["X-RateLimit-Remaining"] = headers["x-ratelimit-remaining-requests"] = str(max(0, remaining))
            headers["X-RateLimit-Reset"] = str(int(reset) + 1)
            headers["x-ratelimit-reset-requests"] = f"{wait:.0f}s"
        if not allowed:
            detail = f"over {self._item.amount} requests in {self._window_s} s"
            raise RateLimitError(detail, f"wait {max(1, round(wait))} s", retry_after=max(1.0, wait))

    def client_of(self, scope: Scope) -> str:
        """The address a request is counted under: the socket's, unless that is a trusted proxy's."""
        address = str((scope.get("client") or ("unknown", 0))[0])
        if address not in self._proxies:
            return address
        lines = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))  # proxies may add a line of their own
        hops = [hop.strip() for hop in lines.split(",") if hop.strip()]
        outside = [hop for hop in hops if hop not in self._proxies]
        return outside[-1] if outside else address

    def _count(self, client: str) -> tuple[bool, float, int]:
        if self._limiter is not self._memory and time.monotonic() >= self._retry_at:
            try:
                counted = _hit(self._limiter, self._item, client)
            except Exception as error:  # whatever the storage raises, its being away must not stop the service
                if not self._retry_at:
                    log.warning("rate-limit storage does not answer (%s): counting in this process", error)
                self._retry_at = time.monotonic() + RETRY_S
            else:
                self._retry_at = 0.0
                return counted
        return _hit(self._memory, self._item, client)


def _hit(limiter: MovingWindowRateLimiter, item: RateLimitItemPerSecond, client: str) -> tuple[bool, float, int]:
    allowed = limiter.hit(item, client)
    reset, remaining = limiter.get_window_stats(item, client)
    return allowed, reset, remaining


def _redis(settings: Settings) -> Storage:
    try:
        return storage_from_string(settings.redis_url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)  # type: ignore[return-value]  # a sync URL
    except Exception as error:
        raise SettingsError(f"REDIS_URL: {error}", "pip install 'autopicker-lab[redis]' and check the URL") from error
