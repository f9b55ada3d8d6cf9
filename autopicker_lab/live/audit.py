"""The audit log of deployments: every step with who, when, why and the figures; nothing in it is ever changed.

All workers read what is deployed from it, so it is their shared state, too: an SQLite file in AUTOPICKER_HOME for the
workers of a machine, or Redis for those of several. A step is added only by who has seen all before it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from autopicker_lab.core import InvalidRequestError, NotFoundError, StorageError
from autopicker_lab.runtime.private_files import make_private_file, make_private_folder
from autopicker_lab.storage.redis_client import open_redis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from autopicker_lab.settings import Settings

_STEPS, _POLICIES = "autopicker:deployments:steps", "autopicker:deployments:policies"
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS policies (id TEXT PRIMARY KEY, text TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS steps (number INTEGER PRIMARY KEY, step TEXT NOT NULL)",
    *(
        f"CREATE TRIGGER IF NOT EXISTS steps_{verb} BEFORE {verb} ON steps "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
        for verb in ("UPDATE", "DELETE")
    ),
)
_MADE = "SELECT COUNT(*) = 2 FROM sqlite_master WHERE type = 'table' AND name IN ('policies', 'steps')"
_ADD = """
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end
if ARGV[3] ~= '' then redis.call('HSETNX', KEYS[2], ARGV[3], ARGV[4]) end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 1
"""


class Step(NamedTuple):
    """One step of a deployment.

    Attributes:
        number: from 1 upwards.
        at: Unix seconds.
        action: deploy, canary, promote or rollback.
        policy: id of the policy that is stable after it; of a canary's step, of the canary. "": the configured one.
        who: a person, or "service".
        share: of the requests that a canary gets.
        settings: of a canary, its guardrails.
        figures: what was known of it then.
    """

    number: int
    at: float
    action: str
    policy: str
    who: str
    why: str
    share: float = 0.0
    settings: Mapping[str, Any] = {}
    figures: Mapping[str, Any] = {}


def parse_step(text: str) -> Step:
    """The step that a line of JSON holds; what a newer version added to it is passed over."""
    return Step(**{name: value for name, value in json.loads(text).items() if name in Step._fields})


class AuditLog(Protocol):
    """Where steps are kept, with the policies that they are about."""

    def steps(self) -> Sequence[Step]:
        """All steps, oldest first; StorageError where the store does not answer."""

    def add(self, step: Step, policy_text: str = "") -> None:
        """Add the next step, and the text of its policy.

        Raises:
            InvalidRequestError: somebody else has added one meanwhile.
            StorageError: the store does not answer.
        """

    def policy_text(self, policy_id: str) -> str:
        """What the file of a policy holds; NotFoundError for an unknown one."""


def open_audit(settings: Settings) -> AuditLog:
    """The audit log that the settings name; SettingsError for a Redis that cannot be one."""
    if settings.enable_redis_cache:
        return RedisAudit(open_redis(settings.redis_url))
    return SqliteAudit(settings.autopicker_home / "deployments.sqlite")


def _conflict() -> InvalidRequestError:
    return InvalidRequestError("another step was taken meanwhile", "look at `autopicker deployments`, and decide again")


def _unknown(policy_id: str) -> NotFoundError:
    return NotFoundError(f"no policy '{policy_id}' was deployed", "see `autopicker deployments`")


class SqliteAudit:
    """An SQLite file that the workers of a machine share; made by the first step."""

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"SqliteAudit('{self._path}')"

    def steps(self) -> Sequence[Step]:
        """All steps, oldest first."""
        if not self._path.exists():
            return ()
        return [parse_step(row[0]) for row in self._rows("SELECT step FROM steps ORDER BY number")]

    def add(self, step: Step, policy_text: str = "") -> None:
        """Add the next step, and the text of its policy, in one transaction."""
        make_private_folder(self._path.parent)
        make_private_file(self._path)
        with self._lock:
            try:
                with closing(sqlite3.connect(self._path, timeout=10)) as db, db:
                    for line in _SCHEMA:
                        db.execute(line)
                    if policy_text:
                        db.execute("INSERT OR IGNORE INTO policies VALUES (?, ?)", (step.policy, policy_text))
                    last = db.execute("SELECT COALESCE(MAX(number), 0) FROM steps").fetchone()[0]
                    if last != step.number - 1:
                        raise _conflict()
                    db.execute("INSERT INTO steps VALUES (?, ?)", (step.number, json.dumps(step._asdict())))
            except sqlite3.IntegrityError:
                raise _conflict() from None
            except sqlite3.Error as error:
                raise _unreachable(error) from None

    def policy_text(self, policy_id: str) -> str:
        """What the file of a policy holds."""
        found = self._rows("SELECT text FROM policies WHERE id = ?", policy_id) if self._path.exists() else []
        if not found:
            raise _unknown(policy_id)
        return str(found[0][0])

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """What a query finds; nothing in a file whose first step is being added, or was never finished."""
        try:
            with self._lock, closing(sqlite3.connect(self._path, timeout=2)) as db:
                made = db.execute(_MADE).fetchone()[0]
                return db.execute(query, values).fetchall() if made else []
        except sqlite3.Error as error:
            raise _unreachable(error) from None


class RedisAudit:
    """A Redis server that the workers of several machines share.

    Args:
        client: a Redis client, not an asynchronous one.
    """

    def __init__(self, client: Any):
        self._client = client
        self._script = client.register_script(_ADD)

    def steps(self) -> Sequence[Step]:
        """All steps, oldest first."""
        return [parse_step(text) for text in self._ask(lambda: self._client.lrange(_STEPS, 0, -1))]

    def add(self, step: Step, policy_text: str = "") -> None:
        """Add the next step, and the text of its policy, in one step for all workers."""
        values = [step.number - 1, json.dumps(step._asdict()), step.policy if policy_text else "", policy_text]
        if not self._ask(lambda: self._script([_STEPS, _POLICIES], values)):
            raise _conflict()

    def policy_text(self, policy_id: str) -> str:
        """What the file of a policy holds."""
        text = self._ask(lambda: self._client.hget(_POLICIES, policy_id))
        if text is None:
            raise _unknown(policy_id)
        return str(text.decode())

    def _ask(self, ask: Any) -> Any:
        try:
            return ask()
        except Exception as error:  # whatever the client raises
            raise _unreachable(error) from None


def _unreachable(error: Exception) -> StorageError:
    detail = f"the store of deployments does not answer: {type(error).__name__}"
    return StorageError(detail, "check REDIS_URL, or the disk of AUTOPICKER_HOME")
