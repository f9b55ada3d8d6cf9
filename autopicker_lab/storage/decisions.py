"""Routing decisions and the feedback on them, without any prompt text: what tuning can learn from."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from autopicker_lab.core import ChatReply, NotFoundError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS decisions (
    chat_id TEXT PRIMARY KEY, request_id TEXT, created REAL, model TEXT, policy TEXT,
    complexity REAL, prompt_tokens INTEGER, completion_tokens INTEGER, cost_usd REAL, latency_s REAL, score REAL,
    routing_score REAL
);
CREATE INDEX IF NOT EXISTS by_request ON decisions (request_id);
"""
_KEPT_IN_MEMORY = 10_000


class DecisionLog:
    """Args:
    path: an SQLite file; None keeps the last ten thousand decisions in memory.
    """

    def __init__(self, path: Path | None = None):
        self._bounded = path is None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=10)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(_SCHEMA)
        columns = {row[1] for row in self._db.execute("PRAGMA table_info(decisions)")}
        if "routing_score" not in columns:  # a file from before it was kept
            self._db.execute("ALTER TABLE decisions ADD COLUMN routing_score REAL")

    def record(self, reply: ChatReply, request_id: str, cost_usd: float) -> None:
        """Keep the decision behind an answer."""
        row = (
            reply.id,
            request_id,
            time.time(),
            reply.model,
            reply.route.policy if reply.route else None,
            reply.score,
            reply.usage.prompt_tokens,
            reply.usage.completion_tokens,
            cost_usd,
            reply.total_s,
            None,
            reply.route.score if reply.route and not reply.route.named else None,
        )
        with self._lock, self._db:
            self._db.execute(f"INSERT OR REPLACE INTO decisions VALUES ({','.join('?' * len(row))})", row)
            if self._bounded:
                oldest = "SELECT MAX(rowid) - ? FROM decisions"
                self._db.execute(f"DELETE FROM decisions WHERE rowid <= ({oldest})", (_KEPT_IN_MEMORY,))

    def feedback(self, request_id: str, score: float) -> None:
        """Set how good an answer was, 0 to 1; NotFoundError for a request nobody remembers."""
        with self._lock, self._db:
            done = self._db.execute(
                "UPDATE decisions SET score = ? WHERE request_id = ? OR chat_id = ?", (score, request_id, request_id)
            )
        if not done.rowcount:
            hint = "give the X-Request-ID or the id of a chat completion that this service answered"
            raise NotFoundError(f"no decision for request '{request_id}'", hint, param="request_id")

    def rows(self) -> list[dict[str, Any]]:
        """All decisions, oldest first."""
        with self._lock:
            cursor = self._db.execute("SELECT * FROM decisions ORDER BY created")
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def routing_scores(self, policy: str, last: int = 1000) -> list[float]:
        """What the last requests that were routed by a policy were ranked by, newest first."""
        query = (
            "SELECT routing_score FROM decisions WHERE policy = ? AND routing_score IS NOT NULL "
            "ORDER BY created DESC LIMIT ?"
        )
        with self._lock:
            return [row[0] for row in self._db.execute(query, (policy, last))]

    def close(self) -> None:
        self._db.close()
