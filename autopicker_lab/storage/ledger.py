"""The ledger of what each API key has spent in its day or month.

In a small SQLite file that all workers of a machine share, or in Redis for several machines. Each worker counts what it
spends, and pushes and pulls once a second.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import SettingsError
from autopicker_lab.runtime.circuit_breaker import STORE_POLICY, CircuitBreaker

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.settings import Settings

_SCHEMA = "CREATE TABLE IF NOT EXISTS spent (key TEXT, period TEXT, usd REAL, PRIMARY KEY (key, period))"
_ADD = "INSERT INTO spent VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET usd = usd + excluded.usd"
Account = tuple[str, str]  # the key's id and its period


def open_ledger(settings: Settings) -> Ledger:
    """The ledger that the settings name; SettingsError for a Redis that cannot be one."""
    path = settings.autopicker_home / "spending.sqlite"
    if not settings.enable_redis_cache:
        return Ledger(path)
    try:
        import redis

        client = redis.Redis.from_url(settings.redis_url, socket_timeout=1, socket_connect_timeout=1)
    except ImportError:
        hint = "pip install 'autopicker-lab[redis]', or ENABLE_REDIS_CACHE=false"
        raise SettingsError("ENABLE_REDIS_CACHE: the redis package is not installed", hint) from None
    except ValueError as error:
        raise SettingsError(f"REDIS_URL: {error}", "write it as redis://HOST:6379/0") from None
    return Ledger(path, client)


class Ledger:
    """USD by API key and period, in step with the other workers.

    Args:
        path: the SQLite file.
        redis: a Redis client (not an asynchronous one) to use instead; None for the file.
    """

    def __init__(self, path: Path, redis: Any = None):
        self._path = path
        self._redis = redis
        self._lock = threading.Lock()
        self._pending: defaultdict[Account, float] = defaultdict(float)
        self._leaving: dict[Account, float] = {}
        self._known: dict[Account, float] = {}
        self._syncing = threading.Lock()
        self._breaker = CircuitBreaker(STORE_POLICY, "the store of what keys spent", "counting it in this process")

    def spent(self, account: Account) -> float:
        """USD, what others have spent being as old as the last sync; the first time it is fetched."""
        if account not in self._known:
            with self._lock:
                self._known[account] = 0.0
            self.sync()
        with self._lock:
            return self._known[account] + self._pending.get(account, 0.0) + self._leaving.get(account, 0.0)

    def add(self, account: Account, usd: float) -> None:
        """Count USD that were spent here."""
        if usd:
            with self._lock:
                self._pending[account] += usd

    def sync(self) -> None:
        """Push what was spent here, and pull what was spent altogether; what cannot be pushed waits."""
        with self._syncing:
            self._sync()

    def _sync(self) -> None:
        with self._lock:
            pending, self._pending = self._pending, defaultdict(float)
            self._leaving = dict(pending)
            accounts = set(self._known) | set(pending)
        if not accounts:
            return
        try:
            known = self._in_redis(pending, accounts) if self._redis else self._in_file(pending, accounts)
        except Exception as error:  # whatever the storage raises: spending goes on being counted here
            with self._lock:
                self._leaving = {}
                for account, usd in pending.items():
                    self._pending[account] += usd
            self._breaker.failed(error)
            return
        self._breaker.succeeded()
        with self._lock:
            self._leaving = {}
            self._known.update(known)

    def _in_file(self, pending: dict[Account, float], accounts: set[Account]) -> dict[Account, float]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=5)
        try:
            with db:
                db.execute(_SCHEMA)
                db.executemany(_ADD, [(*account, usd) for account, usd in pending.items()])
            find = "SELECT usd FROM spent WHERE key = ? AND period = ?"
            rows = {account: db.execute(find, account).fetchone() for account in accounts}
            return {account: row[0] if row else 0.0 for account, row in rows.items()}
        finally:
            db.close()

    def _in_redis(self, pending: dict[Account, float], accounts: set[Account]) -> dict[Account, float]:
        for (key, period), usd in list(pending.items()):
            self._redis.hincrbyfloat(f"autopicker:spent:{period}", key, usd)
            pending.pop((key, period))  # a failure of what follows must not count this one twice
            self._redis.expire(f"autopicker:spent:{period}", 70 * 86400)
        raw = {a: self._redis.hget(f"autopicker:spent:{a[1]}", a[0]) for a in accounts}
        return {account: float(usd or 0) for account, usd in raw.items()}
