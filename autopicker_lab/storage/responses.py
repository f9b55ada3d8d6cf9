"""Responses that clients go on from or fetch again: kept for a while, for the key that asked, in a file of the workers.

Each is kept with the items of its own request and the id of the response before it, so that a conversation is read by
walking back. Of each key the newest stay, up to a number and a size.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson

from autopicker_lab.core import InvalidRequestError, NotFoundError, StorageError
from autopicker_lab.runtime.shared_database import open_shared_database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

T = TypeVar("T")
log = logging.getLogger(__name__)
MAX_RESPONSES = 2_000  # of one key
MAX_BYTES = 64 * 2**20  # of one key
_MAX_TURNS = 1_000  # that a conversation is walked back
_BUSY_S = 5.0
_TIDY_EVERY = 50  # responses
_WAITS_S = (0.1, 0.4)  # for what another worker is about to write
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS responses (owner TEXT, id TEXT, created REAL, size INTEGER, previous TEXT, "
    "response BLOB, items BLOB, PRIMARY KEY (owner, id))",
    "CREATE INDEX IF NOT EXISTS by_age ON responses (owner, created, size)",
    "CREATE TABLE IF NOT EXISTS outputs (owner TEXT, item TEXT, id TEXT, PRIMARY KEY (owner, item))",
)
_SURPLUS = (
    "DELETE FROM responses WHERE rowid IN (SELECT rowid FROM (SELECT rowid, sum(size) OVER newest AS total, "
    "row_number() OVER newest AS place FROM responses WHERE owner = ? WINDOW newest AS (ORDER BY created DESC)) "
    "WHERE total > ? OR place > ?)"
)
_ORPHANS = (
    "DELETE FROM outputs WHERE NOT EXISTS "
    "(SELECT 1 FROM responses WHERE responses.owner = outputs.owner AND responses.id = outputs.id)"
)


class StoredResponse(NamedTuple):
    """A response, the items of its request, and the id of the response before it."""

    response: dict[str, Any]
    items: list[dict[str, Any]]
    previous: str | None


class ResponseStore:
    """The responses in an SQLite file that several workers share. Opened when first used, in a thread of its own.

    Args:
        ttl_s: seconds that a response is kept; 0: none is.
    """

    def __init__(self, path: Path, ttl_s: float):
        self._path = path
        self._ttl_s = ttl_s
        self._db: sqlite3.Connection | None = None
        self._puts = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="responses")

    def put(self, owner: str, response: dict[str, Any], items: bytes) -> None:
        """Keep a response and its request's items (JSON), without waiting until they are written."""
        if self._ttl_s:
            parts = (orjson.dumps(response), items)
            outputs = [item["id"] for item in response["output"]]
            self._thread.submit(self._put, owner, response["id"], response.get("previous_response_id"), parts, outputs)

    async def get(self, owner: str, response_id: str) -> StoredResponse:
        """A response of this owner; NotFoundError where there is none, any more."""
        for pause_s in (*_WAITS_S, None):
            found = await self._run(self._read, owner, response_id)
            if found is not None:
                return found
            if pause_s is not None and self._ttl_s:
                await asyncio.sleep(pause_s)
        raise NotFoundError(f"no response with id '{response_id[:80]}'", "it may have expired, or be another key's")

    async def conversation(self, owner: str, response_id: str) -> list[dict[str, Any]]:
        """All items up to a response and with its output, oldest first; InvalidRequestError where one is missing."""
        turns: list[list[dict[str, Any]]] = []
        wanted: str | None = response_id
        while wanted is not None and len(turns) < _MAX_TURNS:
            try:
                stored = await self.get(owner, wanted)
            except NotFoundError as error:
                hint = "send the whole conversation as input"
                raise InvalidRequestError(error.detail, hint, param="previous_response_id") from None
            turns.append([*stored.items, *stored.response["output"]])
            wanted = stored.previous
        return [item for turn in reversed(turns) for item in turn]

    async def outputs(self, owner: str, item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Items of earlier outputs by their ids, as far as they are known."""
        return await self._run(self._read_outputs, owner, tuple(item_ids))

    async def delete(self, owner: str, response_id: str) -> None:
        """Forget a response; NotFoundError where there is none."""
        await self.get(owner, response_id)
        await self._run(self._delete, owner, response_id)

    async def close(self) -> None:
        """Write what waits and close the file."""
        await self._run(self._close)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        except sqlite3.Error as error:
            raise StorageError(f"{self._path}: {error}", "check the folder AUTOPICKER_HOME") from error

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            try:
                database = open_shared_database(self._path, _BUSY_S, isolation_level=None)
            except OSError as error:
                raise sqlite3.OperationalError(str(error)) from error
            for statement in _SCHEMA:
                database.execute(statement)
            self._db = database
        return self._db

    def _put(self, owner: str, response_id: str, previous: str | None, parts: Sequence[bytes], outputs: Any) -> None:
        size = sum(len(part) for part in parts)
        try:
            database = self._open()
            if size <= MAX_BYTES:
                row = (owner, response_id, time.time(), size, previous, *parts)
                database.execute("BEGIN IMMEDIATE")
                database.execute("INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                rows = [(owner, item, response_id) for item in outputs]
                database.executemany("INSERT OR REPLACE INTO outputs VALUES (?, ?, ?)", rows)
                database.execute("COMMIT")
            if self._puts % _TIDY_EVERY == 0 or size > MAX_BYTES // _TIDY_EVERY:
                self._tidy(database, owner)
            self._puts += 1
        except sqlite3.Error as error:
            log.warning("a response could not be kept: %s", error)
            if self._db is not None and self._db.in_transaction:
                self._db.rollback()

    def _tidy(self, database: sqlite3.Connection, owner: str) -> None:
        """Forget what is too old, and of this owner what is too much."""
        gone = database.execute("DELETE FROM responses WHERE created < ?", (time.time() - self._ttl_s,)).rowcount
        gone += database.execute(_SURPLUS, (owner, MAX_BYTES, MAX_RESPONSES)).rowcount
        if gone:
            database.execute(_ORPHANS)

    def _read(self, owner: str, response_id: str) -> StoredResponse | None:
        if not self._ttl_s:
            return None
        query = "SELECT response, items, previous FROM responses WHERE owner = ? AND id = ? AND created > ?"
        row = self._open().execute(query, (owner, response_id, time.time() - self._ttl_s)).fetchone()
        return None if row is None else StoredResponse(orjson.loads(row[0]), orjson.loads(row[1]), row[2])

    def _read_outputs(self, owner: str, item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for item_id in item_ids:
            if item_id in found or not self._ttl_s:
                continue
            row = (
                self._open().execute("SELECT id FROM outputs WHERE owner = ? AND item = ?", (owner, item_id)).fetchone()
            )
            stored = self._read(owner, row[0]) if row is not None else None
            found |= {item["id"]: item for item in stored.response["output"]} if stored is not None else {}
        return found

    def _delete(self, owner: str, response_id: str) -> None:
        database = self._open()
        database.execute("DELETE FROM responses WHERE owner = ? AND id = ?", (owner, response_id))
        database.execute("DELETE FROM outputs WHERE owner = ? AND id = ?", (owner, response_id))

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
