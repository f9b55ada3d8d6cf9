"""API keys: made here, kept as hashes in one JSON file, each with what it may do.

A key has 256 random bits, so that one round of SHA-256 is enough to keep it: there is nothing to guess.
"""

from __future__ import annotations

import calendar
import hashlib
import json
import math
import secrets
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from autopicker_lab.core import InvalidRequestError, NotFoundError, SettingsError, StorageError
from autopicker_lab.runtime.atomic_write import alone_in, atomic_write
from autopicker_lab.runtime.private_files import make_private_folder, restrict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Period = Literal["day", "month"]
PREFIX = "apl-"


@dataclass(frozen=True)
class ApiKey:
    """A key as it is kept.

    Attributes:
        sha256: of the key itself, which is nowhere.
        requests, window_s: its rate limit; None: the service's own, by address.
        models: ids that it may use; None: all.
        budget_usd: what its answers may cost in a `period`, by the catalogue's prices; None: no bound.
    """

    id: str
    name: str
    sha256: str
    created_at: float
    requests: int | None = None
    window_s: int = 60
    models: tuple[str, ...] | None = None
    budget_usd: float | None = None
    period: Period = "month"

    def current_period(self) -> str:
        """The calendar day or month (UTC) that spending is counted in."""
        return datetime.now(UTC).strftime("%Y-%m-%d" if self.period == "day" else "%Y-%m")

    def period_left_s(self) -> float:
        """Seconds until spending is counted anew."""
        now = datetime.now(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        days = 1 if self.period == "day" else calendar.monthrange(now.year, now.month)[1] - now.day + 1
        return (midnight + timedelta(days=days) - now).total_seconds()


def digest(key: str) -> str:
    """The SHA-256 that stands for a key in files."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


class KeyFile:
    """The keys in one file, which is written whole or not at all and read again when it has changed.

    Attributes:
        exists: whether the file was ever there.
    """

    def __init__(self, path: Path):
        self.path = path.expanduser()
        self._read_version = (0, 0, 0)
        self._keys: dict[str, ApiKey] = {}
        self.exists = False

    def __repr__(self) -> str:
        return f"KeyFile('{self.path}')"

    def keys(self) -> dict[str, ApiKey]:
        """Keys by their hash; SettingsError for a file that cannot be read."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return self._keys  # one that was there and is gone opens nothing
        self.exists = True
        version = (stat.st_ino, stat.st_mtime_ns, stat.st_size)  # one that is written is a new one, within a tick too
        if version != self._read_version:
            self._keys, self._read_version = self._read(), version
        return self._keys

    def create(self, name: str, **limits: Any) -> tuple[str, ApiKey]:
        """A new key and its record; the key is not to be had again."""
        if not name.strip():
            raise InvalidRequestError("a key needs a name", "say who or what will use it")
        budget = limits.get("budget_usd")
        if budget is not None and not (math.isfinite(budget) and budget >= 0):
            raise InvalidRequestError(f"a budget of {budget} USD bounds nothing", "give a number of USD")
        secret = PREFIX + secrets.token_urlsafe(32)
        key = ApiKey(secrets.token_hex(4), name.strip(), digest(secret), round(time.time(), 3), **limits)
        with self._changing() as keys:
            if any(other.name == key.name for other in keys):
                raise InvalidRequestError(f"there is a key '{key.name}' already", "choose another name, or revoke it")
            self._write([*keys, key])
        return secret, key

    def revoke(self, key_id: str) -> ApiKey:
        """Forget a key by its id or name; running services notice within two seconds."""
        with self._changing() as keys:
            named = [key for key in keys if key_id in (key.id, key.name)]
            if len(named) != 1:
                what = f"{len(named)} keys are named" if named else "no key has the id or name"
                raise NotFoundError(f"{what} '{key_id}'", "give an id of `autopicker keys list`")
            self._write([key for key in keys if key is not named[0]])
        return named[0]

    @contextmanager
    def _changing(self) -> Iterator[list[ApiKey]]:
        """The keys, which nobody else changes meanwhile."""
        with ExitStack() as stack:
            try:
                make_private_folder(self.path.parent)
                stack.enter_context(alone_in(self.path.parent))
            except OSError as error:
                raise StorageError.of(error, self.path) from None
            yield list(self.keys().values())

    def _read(self) -> dict[str, ApiKey]:
        restrict(self.path)
        try:
            rows = json.loads(self.path.read_text("utf-8"))["keys"]
            keys = [ApiKey(**{**row, "models": _models(row.get("models"))}) for row in rows]
        except (TypeError, KeyError, AttributeError):
            detail = f"the key file '{self.path}' is not one of `autopicker keys create`"
            raise SettingsError(detail, "correct it, or name another one in API_KEYS_FILE") from None
        except (OSError, ValueError) as error:
            detail = f"the key file '{self.path}' cannot be read: {error}"
            raise SettingsError(detail, "correct it, or name another one in API_KEYS_FILE") from None
        return {key.sha256: key for key in keys}

    def _write(self, keys: Sequence[ApiKey]) -> None:
        with atomic_write(self.path, mode=0o600) as scratch:
            scratch.write_text(json.dumps({"keys": [asdict(key) for key in keys]}, indent=2) + "\n", "utf-8")


def _models(raw: Any) -> tuple[str, ...] | None:
    return tuple(raw) if raw is not None else None
