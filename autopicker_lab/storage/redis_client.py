"""Clients of the Redis that REDIS_URL names."""

from __future__ import annotations

from typing import Any

from autopicker_lab.core import SettingsError
from autopicker_lab.core.optional import install_line
from autopicker_lab.runtime.circuit_breaker import STORE_TIMEOUT_S


def open_redis(url: str, *, asynchronous: bool = False) -> Any:
    """A client, which connects when it is first used; SettingsError for a wrong URL or a missing package."""
    try:
        import redis
        import redis.asyncio

        kind: Any = redis.asyncio if asynchronous else redis
        return kind.Redis.from_url(url, socket_timeout=STORE_TIMEOUT_S, socket_connect_timeout=STORE_TIMEOUT_S)
    except ImportError:
        hint = f"install it: {install_line('redis')}, or set ENABLE_REDIS_CACHE=false"
        raise SettingsError("ENABLE_REDIS_CACHE: the redis package is not installed", hint) from None
    except ValueError:  # its message may repeat the password
        raise SettingsError("REDIS_URL: it is no address of a Redis server", "write redis://HOST:6379/0") from None
