"""What each API key has spent in its day or month: in a small SQLite file that all workers of a machine share, or in
Redis for several machines. Kept by whoever spends, pushed and pulled once a second."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)
_SCHEMA = "CREATE TABLE IF NOT EXISTS spent (key TEXT, period TEXT, usd REAL, PRIMARY KEY (key, period))"
_ADD = "INSERT INTO spent VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET usd = usd + excluded.usd"
Account = tuple[str, str]  # the key's id and its period


class Ledger:
    """Args:
    path: the SQLite file.
    redis: a Redis client (not an asynchronous one) to use instead; None for the file.
    """

    def __init__(self, path: Path, redis: Any = None):
        self._path = path
        self._redis = redis
        self._lock = threading.Lock()
        self._pending: defaultdict[Account, float] = defaultdict(float)
        self._known: dict[Account, float] = {}
        self._warned = False

    def spent(self, account: Account) -> float:
        """USD, what others have spent being at most a second old."""
        with self._lock:
            self._known.setdefault(account, 0.0)  # asked for: the next sync fetches it
            return self._known[account] + self._pending.get(account, 0.0)

    def add(self, account: Account, usd: float) -> None:
        if usd:
            with self._lock:
                self._pending[account] += usd

    def sync(self) -> None:
        """Push what was spent here, and pull what was spent altogether; what cannot be pushed waits."""
        with self._lock:
            pending, self._pending = self._pending, defaultdict(float)
            accounts = set(self._known) | set(pending)
        if not accounts:
            return
        try:
            known = self._in_redis(pending, accounts) if self._redis else self._in_file(pending, accounts)
        except Exception as error:  # whatever the storage raises: spending goes on being counted here
            with self._lock:
                for account, usd in pending.items():
                    self._pending[account] += usd
            if not self._warned:
                log.warning("spending cannot be stored (%s): counted in this process until it can", error)
            self._warned = True
            return
        self._warned = False
        with self._lock:
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
            self._redis.expire(f"autopicker:spent:{period}", 70 * 86400)
            pending.pop((key, period))  # a failure of the next one must not count this one twice
        found = {a: self._redis.hget(f"autopicker:spent:{a[1]}", a[0]) for a in accounts}
        return {account: float(usd or 0) for account, usd in found.items()}
