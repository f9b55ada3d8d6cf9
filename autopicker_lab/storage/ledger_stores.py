"""Where the ledger is shared: an SQLite file, or Redis. Each exchange of an account is one step for all workers."""

from __future__ import annotations

import sqlite3
import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.runtime.shared_database import open_shared_database

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Account = tuple[str, str]  # the key's id and its period
HOLD_S = 30  # seconds after which what a worker holds is free again, where it has not been heard of
_KEPT_S = 70 * 86400  # seconds that Redis keeps what was spent in a period
_ROUNDING = 1e-9  # USD that sums of floats may be off
_BUSY_S = 2.0

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS spent (key TEXT, period TEXT, usd REAL, PRIMARY KEY (key, period))",
    "CREATE TABLE IF NOT EXISTS held (worker TEXT, key TEXT, period TEXT, usd REAL, expires REAL, "
    "PRIMARY KEY (worker, key, period))",
)
_ADD = "INSERT INTO spent VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET usd = usd + excluded.usd"
_HELD = "SELECT total(usd) FROM held WHERE key = ? AND period = ? AND worker <> ? AND expires > ?"
_HOLD = "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?)"
_FREE = "DELETE FROM held WHERE (worker = ? AND key = ? AND period = ?) OR expires < ?"

_SCRIPT = """
local key, worker = ARGV[1], ARGV[2]
local own, most, least, budget = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if tonumber(ARGV[3]) > 0 then
  redis.call('HINCRBYFLOAT', KEYS[1], key, ARGV[3])
  redis.call('EXPIRE', KEYS[1], ARGV[9])
end
local spent = tonumber(redis.call('HGET', KEYS[1], key) or '0')
local now, elsewhere = tonumber(redis.call('TIME')[1]), 0
local rows = redis.call('HGETALL', KEYS[2])
for i = 1, #rows, 2 do
  local usd, expires = string.match(rows[i + 1], '^(%S+) (%S+)$')
  if tonumber(expires) < now then redis.call('HDEL', KEYS[2], rows[i])
  elseif rows[i] ~= worker then elsewhere = elsewhere + tonumber(usd) end
end
local left, granted = budget - spent - elsewhere - own, 0
if most > 0 and left > 0 and left + tonumber(ARGV[10]) >= least then granted = math.min(most, left) end
if own + granted > 0 then
  redis.call('HSET', KEYS[2], worker, string.format('%.17g %d', own + granted, now + tonumber(ARGV[8])))
  redis.call('EXPIRE', KEYS[2], 2 * tonumber(ARGV[8]))
else redis.call('HDEL', KEYS[2], worker) end
return {string.format('%.17g', spent), string.format('%.17g', elsewhere), string.format('%.17g', granted)}
"""


class Statement(NamedTuple):
    """What a worker tells of an account, and what it wants, all in USD.

    Attributes:
        spent: since its last statement.
        held: for requests under way.
        budget: of the account, out of which it wants to hold `most` more, or what is left if that is `least`.
    """

    account: Account
    spent: float = 0.0
    held: float = 0.0
    budget: float = 0.0
    most: float = 0.0
    least: float = 0.0


class Balance(NamedTuple):
    """What a worker learns of an account, in USD; `granted` is what it may hold more."""

    spent: float = 0.0
    held_elsewhere: float = 0.0
    granted: float = 0.0


def granted(left: float, most: float, least: float) -> float:
    """USD that may be held where so much is left: 0 where that is less than `least`."""
    return min(most, left) if most > 0 and left > 0 and left + _ROUNDING >= least else 0.0


class SqliteStore:
    """An SQLite file that the workers of a machine share."""

    def __init__(self, path: Path):
        self._path = path
        self._worker = uuid.uuid4().hex
        self._db: sqlite3.Connection | None = None

    def exchange(self, statements: Sequence[Statement]) -> dict[Account, Balance]:
        """Keep what a worker tells and answer it, in one transaction; sqlite3.Error or OSError where that fails."""
        try:
            with self._connection() as db:
                db.execute("BEGIN IMMEDIATE")
                return {statement.account: self._answer(db, statement) for statement in statements}
        except sqlite3.Error:
            self._close()
            raise

    def _close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    def _answer(self, db: sqlite3.Connection, statement: Statement) -> Balance:
        account, now = statement.account, time.time()
        if statement.spent:
            db.execute(_ADD, (*account, statement.spent))
        row = db.execute("SELECT usd FROM spent WHERE key = ? AND period = ?", account).fetchone()
        spent = row[0] if row else 0.0
        elsewhere = db.execute(_HELD, (*account, self._worker, now)).fetchone()[0]
        left = statement.budget - spent - elsewhere - statement.held
        more = granted(left, statement.most, statement.least)
        if statement.held + more:
            db.execute(_HOLD, (self._worker, *account, statement.held + more, now + HOLD_S))
        else:
            db.execute(_FREE, (self._worker, *account, now))
        return Balance(spent, elsewhere, more)

    def _connection(self) -> sqlite3.Connection:
        """The connection to the file, made anew where somebody has removed it."""
        if self._db is not None and self._path.exists():
            return self._db
        self._db = open_shared_database(self._path, _BUSY_S, isolation_level=None)
        for line in _SCHEMA:
            self._db.execute(line)
        return self._db


class RedisStore:
    """A Redis server that the workers of several machines share.

    Args:
        client: a Redis client, not an asynchronous one.
    """

    def __init__(self, client: Any):
        self._worker = uuid.uuid4().hex
        self._client = client
        self._script = client.register_script(_SCRIPT)

    def exchange(self, statements: Sequence[Statement]) -> dict[Account, Balance]:
        """Keep what a worker tells and answer it, in one transaction; an error of Redis' where that fails."""
        with self._client.pipeline() as steps:
            for statement in statements:
                self._ask(statement, steps)
            rows = steps.execute()
        return {s.account: Balance(*map(float, row)) for s, row in zip(statements, rows, strict=True)}

    def _ask(self, statement: Statement, steps: Any) -> None:
        key, period = statement.account
        amounts = (statement.spent, statement.held, statement.most, statement.least, statement.budget)
        numbers = [*(repr(float(amount)) for amount in amounts), HOLD_S, _KEPT_S, _ROUNDING]
        keys = [f"autopicker:spent:{period}", f"autopicker:held:{period}:{key}"]
        self._script(keys, [key, self._worker, *numbers], client=steps)
