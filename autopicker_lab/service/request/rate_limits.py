"""How many requests a caller may make in a moving window, and how many the service answers at once."""

from __future__ import annotations

import time
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from autopicker_lab.core import ModelBusyError, RateLimitError, SettingsError
from autopicker_lab.core.optional import install_line
from autopicker_lab.runtime.addresses import AddressSet, client_network, parse_address
from autopicker_lab.runtime.circuit_breaker import STORE_POLICY, STORE_TIMEOUT_S, CircuitBreaker

if TYPE_CHECKING:
    from autopicker_lab.settings import Settings

_REMEMBERED = 4096  # addresses whose network is kept
_PRUNE_FROM = 10_000  # callers; from so many on, those who have been away are forgotten
HeaderLines = list[tuple[bytes, bytes]]


class RateLimitStatus(NamedTuple):
    """Whether a request is allowed, and how many more are.

    Attributes:
        limit: requests in a window; `remaining` of them are left.
        reset: when the oldest request leaves the window, in Unix seconds.
    """

    allowed: bool
    limit: int
    remaining: int
    reset: float

    def check(self) -> None:
        """RateLimitError where the request is one too many."""
        if not self.allowed:
            wait = max(1.0, self.reset - time.time())
            detail = f"over the limit of {self.limit} requests"
            raise RateLimitError(detail, f"wait {round(wait)} s", retry_after=wait)

    def headers(self) -> HeaderLines:
        """The X-RateLimit family, and OpenAI's beside it."""
        limit, remaining = b"%d" % self.limit, b"%d" % max(0, self.remaining)
        wait = max(0.0, self.reset - time.time())
        return [
            (b"x-ratelimit-limit", limit),
            (b"x-ratelimit-remaining", remaining),
            (b"x-ratelimit-reset", b"%d" % (int(self.reset) + 1)),
            (b"x-ratelimit-limit-requests", limit),
            (b"x-ratelimit-remaining-requests", remaining),
            (b"x-ratelimit-reset-requests", b"%.0fs" % wait),
        ]


def check_concurrency(running: int, limit: int) -> None:
    """ModelBusyError where more requests are being answered than a worker may answer at once."""
    if running > limit:
        raise ModelBusyError("the service is at its limit of requests", "try again soon", retry_after=1)


class MovingWindow:
    """A moving window in the memory of this process, whose cost does not grow with the limit.

    That of the `limits` package shifts a list of all hits in the window at each hit, and starts a thread every 10 ms.
    """

    def __init__(self) -> None:
        self._hits: dict[str, tuple[deque[float], int]] = {}
        self._pruned_at = 0.0

    def hit(self, caller: str, limit: int, window_s: int) -> RateLimitStatus:
        """Count a request of a caller who may make `limit` in `window_s` seconds; a refused one does not count."""
        now = time.time()
        entry = self._hits.get(caller)
        if entry is None:
            if len(self._hits) >= _PRUNE_FROM:
                self._prune(now)
            entry = self._hits[caller] = (deque(), window_s)
        hits = entry[0]
        oldest = now - window_s
        while hits and hits[0] <= oldest:
            hits.popleft()
        allowed = len(hits) < limit
        if allowed:
            hits.append(now)
        return RateLimitStatus(allowed, limit, limit - len(hits), hits[0] + window_s)

    def _prune(self, now: float) -> None:
        """Forget the callers who have been away for one of their windows; where too many are left, the oldest."""
        if now - self._pruned_at > 1.0:
            self._pruned_at = now
            self._hits = {who: (hits, s) for who, (hits, s) in self._hits.items() if hits and hits[-1] > now - s}
        while len(self._hits) >= 10 * _PRUNE_FROM:
            del self._hits[next(iter(self._hits))]


class RateLimiter:
    """Counts requests by caller, an address or a key: in Redis where it is switched on and answers, else here."""

    def __init__(self, settings: Settings):
        self._default = RateLimitItemPerSecond(settings.rate_limit_requests, settings.rate_limit_window)
        self._items: dict[tuple[int, int], RateLimitItemPerSecond] = {}
        self._proxies = AddressSet.parse(settings.trusted_proxies)
        self._of_socket = lru_cache(_REMEMBERED)(self._socket_client)
        self._memory = MovingWindow()
        self._shared = _redis_limiter(settings) if settings.enable_redis_cache else None
        self._breaker = CircuitBreaker(STORE_POLICY, "Redis", "counting requests in this process")

    async def hit(self, caller: str, limit: tuple[int, int] | None = None) -> RateLimitStatus:
        """Count one request; `limit` is (requests, seconds) where the caller has one of their own."""
        item = self._default if limit is None else self._item(limit)
        if self._shared is not None and not self._breaker.resting_s():
            try:
                allowed = await self._shared.hit(item, caller)
                reset, remaining = await self._shared.get_window_stats(item, caller)
            except Exception as error:  # whatever the storage raises, its being away must not stop the service
                self._breaker.failed(error)
            else:
                self._breaker.succeeded()
                return RateLimitStatus(allowed, item.amount, remaining, reset)
        return self._memory.hit(caller, item.amount, item.multiples)

    async def check(self, caller: str, limit: tuple[int, int] | None = None) -> None:
        """Count one request; RateLimitError past the limit."""
        (await self.hit(caller, limit)).check()

    def client_address(self, scope: Any) -> str:
        """The address a request is counted under: the socket's, unless that is a trusted proxy's.

        A proxy adds who it was asked by to X-Forwarded-For, at the end: what stands before the last entry that is no
        proxy's is the caller's own word. Where that entry is no address, nobody knows the client, and it is counted
        with the proxy. `Forwarded` is not read.
        """
        client = scope.get("client")
        address, trusted = self._of_socket(str(client[0]) if client else "unknown")
        if not trusted:
            return address
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        hops = [hop for hop in ",".join(lines).split(",") if hop.strip()]  # proxies may add lines of their own
        for hop in reversed(hops):
            parsed = parse_address(hop)
            if parsed is None:
                return address
            address = client_network(parsed)
            if parsed not in self._proxies:
                return address
        return address

    def _socket_client(self, host: str) -> tuple[str, bool]:
        """What a socket's address is counted under, and whether it is a trusted proxy's."""
        parsed = parse_address(host)
        return (host, False) if parsed is None else (client_network(parsed), parsed in self._proxies)

    def _item(self, limit: tuple[int, int]) -> RateLimitItemPerSecond:
        if limit not in self._items:
            self._items[limit] = RateLimitItemPerSecond(*limit)
        return self._items[limit]


def _redis_limiter(settings: Settings) -> MovingWindowRateLimiter:
    try:
        timeouts = {"socket_timeout": STORE_TIMEOUT_S, "socket_connect_timeout": STORE_TIMEOUT_S}
        storage = RedisStorage(f"async+{settings.redis_url}", implementation="redispy", **timeouts)  # type: ignore[arg-type]  # the client's own options
    except Exception:  # its message may repeat the password
        hint = f"install what is missing, {install_line('redis')}, and check the URL"
        raise SettingsError("REDIS_URL: it is no address of a Redis server", hint) from None
    return MovingWindowRateLimiter(storage)
