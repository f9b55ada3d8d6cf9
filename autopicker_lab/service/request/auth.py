"""Who asks: an address, the one key of API_KEY, or a key of the key file with limits of its own."""

from __future__ import annotations

import hmac
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopicker_lab.core import AuthenticationError, BudgetError, SettingsError
from autopicker_lab.storage import ApiKey, KeyFile, Ledger, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.settings import Settings

_RELOAD_S = 2.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Attributes:
    id: what answers are kept and requests are counted under; "" where access is open.
    """

    id: str = ""
    key: ApiKey | None = None

    @property
    def limit(self) -> tuple[int, int] | None:
        """(requests, seconds) where the key has a limit of its own."""
        return (self.key.requests, self.key.window_s) if self.key is not None and self.key.requests else None

    def counted_as(self, address: str) -> str:
        """What its requests are counted under: the key where that has a limit of its own, else the address."""
        return f"key {self.id}" if self.limit else address

    @property
    def models(self) -> frozenset[str] | None:
        return frozenset(self.key.models) if self.key is not None and self.key.models is not None else None


ANYONE = Caller()
_SINGLE = Caller("api-key")


class Callers:
    """Tells callers by their keys, and keeps account of what they spend."""

    def __init__(self, settings: Settings, ledger: Ledger):
        self._single = settings.api_key.get_secret_value().encode() if settings.api_key else None
        self._file = KeyFile(settings.keys_path)
        self._keys: Mapping[str, ApiKey] = self._file.keys()
        self._damaged = False
        if settings.api_keys_file and not self._file.exists:
            detail = f"API_KEYS_FILE: there is no file '{settings.api_keys_file}'"
            raise SettingsError(detail, "make it with `autopicker keys create`, or correct the path")
        self._read_at = time.monotonic()
        self.ledger = ledger

    @property
    def open(self) -> bool:
        """Whether no key is needed: a key file without keys lets nobody in, so that revoking the last opens nothing."""
        return self._single is None and not self._file.exists

    def identify(self, key: str | None) -> Caller:
        """The caller with this key; AuthenticationError where one is needed and this is none."""
        now = time.monotonic()
        if now - self._read_at > _RELOAD_S:
            self._read_at = now
            self._reload()
        if self.open:
            return ANYONE
        if key:
            if self._single is not None and hmac.compare_digest(key.encode("utf-8", "replace"), self._single):
                return _SINGLE
            found = self._keys.get(digest(key))  # of a hash, so that its timing tells nothing about the key
            if found is not None:
                return Caller(found.id, found)
        what = "the API key is wrong" if key else "an API key is required"
        raise AuthenticationError(what, "send it as X-API-Key or Authorization: Bearer")

    def _reload(self) -> None:
        """The keys as the file has them now; those that were known, where it cannot be read."""
        try:
            self._keys = self._file.keys()
        except (SettingsError, OSError) as error:
            if not self._damaged:
                log.error("%s: the keys that were known stay", error)
            self._damaged = True
        else:
            self._damaged = False

    def check_budget(self, caller: Caller) -> None:
        """BudgetError where a key has spent what it may."""
        key = caller.key
        if key is None or key.budget_usd is None:
            return
        spent = self.ledger.spent((key.id, key.current_period()))
        if spent >= key.budget_usd:
            detail = f"this key has spent its {key.budget_usd:g} USD of the {key.period}"
            hint = f"wait for the next {key.period}, or ask for a larger budget"
            raise BudgetError(detail, hint, retry_after=key.period_left_s())

    def spend(self, caller: Caller, usd: float) -> None:
        key = caller.key
        if key is not None:
            self.ledger.add((key.id, key.current_period()), usd)
