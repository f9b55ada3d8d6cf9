"""Answers kept for a while: in this process, or in Redis where it is switched on and there."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.runtime.circuit_breaker import STORE_POLICY, CircuitBreaker
from autopicker_lab.storage.redis_client import open_redis

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 64 * 2**20


@dataclass
class CacheStats:
    """Hits and misses since the start."""

    hits: int = 0
    misses: int = 0

    def count(self, hit: bool) -> None:
        """Count one look into the cache."""
        self.hits += hit
        self.misses += not hit

    @property
    def hit_rate_percent(self) -> float:
        """Share of looks that found an answer; 0 before the first."""
        total = self.hits + self.misses
        return round(100 * self.hits / total, 2) if total else 0.0


class MemoryCache:
    """Bytes by key, bounded in bytes, each entry for `ttl_s` seconds."""

    backend = "memory"

    def __init__(self, ttl_s: float, max_bytes: int = MAX_BYTES):
        from cachetools import TTLCache

        self.stats = CacheStats()
        self._entries: TTLCache[str, bytes] = TTLCache(max_bytes, ttl_s, getsizeof=len)
        self._lock = threading.Lock()

    async def get(self, key: str) -> bytes | None:
        """The bytes of a key; None where there are none any more."""
        with self._lock:
            value: bytes | None = self._entries.get(key)
        return value

    async def put(self, key: str, value: bytes) -> None:
        """Keep bytes; those that are larger than the whole cache are not kept."""
        with self._lock:
            if len(value) <= self._entries.maxsize:
                self._entries[key] = value

    def size(self) -> tuple[int, int]:
        """Entries and bytes."""
        with self._lock:
            self._entries.expire()
            return len(self._entries), int(self._entries.currsize)

    async def close(self) -> None:
        """Nothing to give back in this process."""
        return


class RedisCache(MemoryCache):
    """The same in Redis, shared by all workers; falls back to this process with one warning while Redis is away."""

    backend = "redis"

    def __init__(self, ttl_s: float, url: str):
        super().__init__(ttl_s)
        self._ttl_s = max(1, int(ttl_s))
        self._client = open_redis(url, asynchronous=True)
        self._breaker = CircuitBreaker(STORE_POLICY, "Redis", "caching in this process")

    async def get(self, key: str) -> bytes | None:
        """The bytes of a key, from Redis or, while it is away, from this process."""
        value, reached = await self._try(lambda: self._client.get(f"autopicker:{key}"))
        if not reached:
            return await super().get(key)
        return bytes(value) if value is not None else None

    async def put(self, key: str, value: bytes) -> None:
        """Keep bytes in Redis or, while it is away, in this process."""
        _, reached = await self._try(lambda: self._client.set(f"autopicker:{key}", value, ex=self._ttl_s))
        if not reached:
            await super().put(key, value)

    async def close(self) -> None:
        """Close the connections to Redis."""
        await self._client.aclose()

    async def _try(self, call: Callable[[], Any]) -> tuple[Any, bool]:
        from redis.exceptions import RedisError

        if self._breaker.resting_s():
            return None, False
        try:
            answer = await call()
        except (RedisError, OSError) as error:
            self._breaker.failed(error)
            return None, False
        self._breaker.succeeded()
        with self._lock:
            self._entries.clear()  # what was kept while Redis was away would stay in memory
        return answer, True
